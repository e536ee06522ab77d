"""The tables of the key service. Names and values in them are persisted and never renamed.

The pool's times are Unix seconds; the signing keys' are ISO 8601.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

AutoNumber = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts by itself in columns of type INTEGER only."""

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("key_id", String(36), primary_key=True),
    Column("label", String, nullable=False, unique=True),
    Column("algorithm", String, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    # Empty once the key is destroyed.
    Column("sealed_seed", LargeBinary, nullable=False),
    Column("source", String, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("block_id", String, nullable=False),
    Column("qber", Float, nullable=False),
    Column("leak_bits", BigInteger, nullable=False),
    Column("epsilon", Float, nullable=False),
    Column("created_at", String, nullable=False),
    Column("state", String(16), nullable=False, server_default="active"),
    Column("signatures", BigInteger, nullable=False, server_default="0"),
    Column("successor", String(36)),
    Column("replaced_at", Float),
)

# The root that a key signed for a size. The chain id is text: it has 64 bits and SQLite's integers
# have 63 and a sign. The destination's chain id is left out on purpose: one domain means one chain,
# and a second root for the same domain is refused whatever chain it names.
signed_roots = Table(
    "signed_roots",
    metadata,
    Column("key_id", String(36), ForeignKey("signing_keys.key_id"), primary_key=True),
    Column("origin_domain", BigInteger, primary_key=True, autoincrement=False),
    Column("origin_chain_id", String, primary_key=True),
    Column("outbox", LargeBinary, primary_key=True),
    Column("destination_domain", BigInteger, primary_key=True, autoincrement=False),
    Column("inbox", LargeBinary, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("signed_at", String, nullable=False),
)

# The set that a key signed to follow an epoch. Another set takes another salt, so that nobody
# gets two by asking twice. Chain id and salt are text, as above.
signed_rotations = Table(
    "signed_rotations",
    metadata,
    Column("key_id", String(36), ForeignKey("signing_keys.key_id"), primary_key=True),
    Column("chain_id", String, primary_key=True),
    Column("registry", LargeBinary, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("salt", String, primary_key=True),
    Column("set_hash", LargeBinary, nullable=False),
    Column("signed_at", String, nullable=False),
)

# What a key said to a VerdictRegistry of a contract under one number: a verdict or a revocation,
# whatever the epoch. Chain ids and the sequence are text, as above.
signed_verdicts = Table(
    "signed_verdicts",
    metadata,
    Column("key_id", String(36), ForeignKey("signing_keys.key_id"), primary_key=True),
    Column("registry_chain_id", String, primary_key=True),
    Column("registry", LargeBinary, primary_key=True),
    Column("chain_id", String, primary_key=True),
    Column("address", LargeBinary, primary_key=True),
    Column("sequence", String, primary_key=True),
    Column("statement", LargeBinary, nullable=False),
    Column("signed_at", String, nullable=False),
)

# A distilled block's history. Until a key is taken of it the block is whole: in `sealed`, or in a
# slot of the file beside the database. Then what is left of it is in `chunks`.
blocks = Table(
    "blocks",
    metadata,
    Column("number", AutoNumber, primary_key=True, autoincrement=True),
    Column("block_id", String(36), nullable=False, unique=True),
    Column("link_id", String(64), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("source", String, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("qber", Float, nullable=False),
    Column("leak_bits", BigInteger, nullable=False),
    Column("epsilon", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    # The sum of its parts, so that a level is told from one row a block.
    Column("free_bytes", BigInteger, nullable=False),
    Column("sealed", LargeBinary),
    Column("slot", BigInteger),
)
Index("blocks_by_slot", blocks.c.slot, unique=True)
Index(
    "blocks_with_key",
    blocks.c.owner,
    blocks.c.state,
    blocks.c.number,
    sqlite_where=blocks.c.free_bytes > 0,
    postgresql_where=blocks.c.free_bytes > 0,
)

# Part of a block, sealed; `free` is what was not taken of it, as ranges of bytes in the part.
chunks = Table(
    "chunks",
    metadata,
    Column("block", BigInteger, ForeignKey("blocks.number"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("free", JSON, nullable=False),
    Column("free_bytes", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

# What was made of a block's bits: the subject is a key's id.
uses = Table(
    "uses",
    metadata,
    Column("number", AutoNumber, primary_key=True, autoincrement=True),
    Column("block_id", String(36), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("at", Float, nullable=False),
)
Index("uses_by_block", uses.c.block_id)
Index("uses_by_age", uses.c.at)

# A key that waits for the slave SAEs that were named for it; `sealed` is empty once it is gone.
promises = Table(
    "promises",
    metadata,
    Column("key_id", String(36), primary_key=True),
    Column("master", String(256), nullable=False),
    Column("state", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("provenance", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
)
Index("promises_by_expiry", promises.c.state, promises.c.expires_at)
Index("promises_by_age", promises.c.created_at)

recipients = Table(
    "recipients",
    metadata,
    Column("key_id", String(36), ForeignKey("promises.key_id"), primary_key=True),
    Column("sae_id", String(256), primary_key=True),
    Column("taken_at", Float),
)

# Entries as the text that was hashed. Triggers refuse a change.
audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", Text, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("mac", LargeBinary(32), nullable=False),
)
