import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from bridge.crypto.providers import select
from bridge.crypto.signatures import SignatureProvider
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.keys import Algorithm, Provenance, PublicKeyRecord
from bridge.domain.rotations import Rotation
from bridge.keyservice.database import Database, open_database
from bridge.keyservice.linkblock import LinkBlock, SimulatedLink
from bridge.keyservice.pool import LOCAL
from bridge.keyservice.store import KeyStore
from bridge.quantum.distillation.pipeline import BlockParameters, distil_block
from bridge.quantum.link.randomness import Randomness

KEY_ID = "5f1c8a3e-6f5d-4d57-9f0a-0c2f3f1f9a01"


@pytest.fixture(scope="session")
def blocks() -> tuple[LinkBlock, LinkBlock]:
    """Two small distilled blocks that differ."""
    small = BlockParameters(pulses=1 << 16)
    link = SimulatedLink(small, LOCAL)
    first, second = (distil_block(small, Randomness.seeded(seed)) for seed in (1, 2))
    return link.of(first), link.of(second)


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """A place for a database of each kind."""
    if request.param == "sqlite":
        return tmp_path / "keyservice.sqlite"
    server = request.getfixturevalue("postgres")
    url: str = server.create(f"keyservice_{uuid4().hex}")
    return url


@pytest.fixture
def opened(where: Path | str, key_file: Path) -> Iterator[Database]:
    database = open_database(where, key_file)
    yield database
    database.close()


@pytest.fixture
def provenance() -> Provenance:
    return Provenance("bb84-simulation", True, "block", 0.01, 9000, 1e-10, "2026-01-01T00:00:00Z")


@pytest.fixture
def make_record(provenance: Provenance) -> Callable[..., PublicKeyRecord]:
    def make(
        key_id: str = KEY_ID, label: str = "first", public_key: bytes = b"\x01" * 2592
    ) -> PublicKeyRecord:
        return PublicKeyRecord(key_id, label, Algorithm.ML_DSA_87, public_key, provenance)

    return make


@pytest.fixture
def checkpoint() -> Checkpoint:
    return Checkpoint(
        origin_domain=1,
        origin_chain_id=2**64 - 1,
        outbox=b"\x11" * 20,
        root=b"\x22" * 32,
        size=7,
        destination_domain=2**32 - 1,
        destination_chain_id=31337,
        inbox=b"\x33" * 20,
        epoch=1,
    )


@pytest.fixture
def other_root(checkpoint: Checkpoint) -> Checkpoint:
    return dataclasses.replace(checkpoint, root=b"\x99" * 32)


@pytest.fixture
def rotation() -> Rotation:
    return Rotation(
        chain_id=2**64 - 1, registry=b"\x44" * 20, epoch=1, set_hash=b"\x55" * 32, salt=2**64 - 1
    )


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "keyservice.sqlite"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "secrets" / "keyservice.key"


@pytest.fixture
def store(database: Path, key_file: Path) -> Iterator[KeyStore]:
    opened = KeyStore.open(database, key_file)
    yield opened
    opened.close()


@pytest.fixture
def signatures() -> SignatureProvider:
    """The provider that signs by default."""
    return select("default").signatures


@pytest.fixture
def record(
    store: KeyStore,
    make_record: Callable[..., PublicKeyRecord],
    signatures: SignatureProvider,
) -> PublicKeyRecord:
    """A key of ML-DSA-87 that is in the store."""
    key_pair = signatures.key_pair(Algorithm.ML_DSA_87, bytes(range(32)))
    made = make_record(public_key=key_pair.public_key)
    store.add_key(made, bytes(range(32)))
    return made
