import dataclasses
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.crypto.digests import checkpoint_digest, rotation_digest
from bridge.crypto.keys import SecretKey
from bridge.crypto.signatures import RoutedSignatures, SignatureProvider
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT, ROTATION_CONTEXT
from bridge.domain.errors import (
    Equivocation,
    InvalidKey,
    InvalidSignature,
    RotationConflict,
    UnknownKey,
)
from bridge.domain.keys import Algorithm, PublicKeyRecord
from bridge.domain.rotations import Rotation
from bridge.keyservice.signer import Signer
from bridge.keyservice.store import KeyStore

MakeRecord = Callable[..., PublicKeyRecord]
SEED = bytes(range(32))
ML_DSA = Algorithm.ML_DSA_87


class Watched(RoutedSignatures):
    """The real provider, with something done before each signature or to it."""

    def __init__(
        self,
        inner: SignatureProvider,
        before: Callable[[], None] = lambda: None,
        after: Callable[[bytes], bytes] = lambda signature: signature,
    ) -> None:
        super().__init__("watched", {ML_DSA: inner})
        self._before = before
        self._after = after

    def sign(
        self,
        algorithm: Algorithm,
        secret: SecretKey,
        message: bytes,
        ctx: bytes = b"",
        deterministic: bool = False,
    ) -> bytes:
        self._before()
        return self._after(super().sign(algorithm, secret, message, ctx, deterministic))


def test_a_signature_is_over_the_digest_under_the_context(
    store: KeyStore, record: PublicKeyRecord, signatures: SignatureProvider, checkpoint: Checkpoint
) -> None:
    signed = Signer(store, signatures).sign_checkpoint(record.key_id, checkpoint)
    assert signed.digest == checkpoint_digest(checkpoint)
    signatures.verify(
        ML_DSA, record.public_key, signed.digest, signed.signature, CHECKPOINT_CONTEXT
    )
    with pytest.raises(InvalidSignature):
        signatures.verify(ML_DSA, record.public_key, signed.digest, signed.signature, b"other")


def test_a_second_root_is_refused_and_the_first_is_signed_again(
    store: KeyStore,
    record: PublicKeyRecord,
    signatures: SignatureProvider,
    checkpoint: Checkpoint,
    other_root: Checkpoint,
) -> None:
    signer = Signer(store, signatures)
    first = signer.sign_checkpoint(record.key_id, checkpoint)
    with pytest.raises(Equivocation):
        signer.sign_checkpoint(record.key_id, other_root)
    assert signer.sign_checkpoint(record.key_id, checkpoint).digest == first.digest


def test_a_rotation_is_signed_under_a_context_of_its_own(
    store: KeyStore, record: PublicKeyRecord, signatures: SignatureProvider, rotation: Rotation
) -> None:
    signed = Signer(store, signatures).sign_rotation(record.key_id, rotation)
    assert signed.digest == rotation_digest(rotation)
    signatures.verify(ML_DSA, record.public_key, signed.digest, signed.signature, ROTATION_CONTEXT)
    with pytest.raises(InvalidSignature):
        signatures.verify(
            ML_DSA, record.public_key, signed.digest, signed.signature, CHECKPOINT_CONTEXT
        )


def test_a_second_set_takes_another_salt(
    store: KeyStore, record: PublicKeyRecord, signatures: SignatureProvider, rotation: Rotation
) -> None:
    signer = Signer(store, signatures)
    first = signer.sign_rotation(record.key_id, rotation)
    other = dataclasses.replace(rotation, set_hash=b"\x66" * 32)
    with pytest.raises(RotationConflict, match=f"salt {rotation.salt}") as refused:
        signer.sign_rotation(record.key_id, other)
    assert refused.value.signed == rotation.set_hash
    assert signer.sign_rotation(record.key_id, rotation).digest == first.digest
    signer.sign_rotation(record.key_id, dataclasses.replace(other, salt=0))
    for change in ({"epoch": 2}, {"chain_id": 1}, {"registry": b"\x77" * 20}):
        signer.sign_rotation(record.key_id, dataclasses.replace(other, **change))


def test_an_unknown_key_signs_nothing(
    store: KeyStore, signatures: SignatureProvider, checkpoint: Checkpoint, rotation: Rotation
) -> None:
    with pytest.raises(UnknownKey):
        Signer(store, signatures).sign_checkpoint("nobody", checkpoint)
    with pytest.raises(UnknownKey):
        Signer(store, signatures).sign_rotation("nobody", rotation)


def test_the_record_is_committed_before_the_signature_is_made(
    store: KeyStore,
    database: Path,
    record: PublicKeyRecord,
    signatures: SignatureProvider,
    checkpoint: Checkpoint,
) -> None:
    seen: list[bytes] = []

    def look() -> None:
        connection = sqlite3.connect(database)
        seen.extend(root for (root,) in connection.execute("SELECT root FROM signed_roots"))
        connection.close()

    Signer(store, Watched(signatures, before=look)).sign_checkpoint(record.key_id, checkpoint)
    assert seen == [checkpoint.root]


KILLED = """
import os, sys
from pathlib import Path
from bridge.crypto.providers import select
from bridge.domain.checkpoints import Checkpoint
from bridge.keyservice.signer import Signer
from bridge.keyservice.store import KeyStore

class Dies:
    name = "dies"
    key_pair = staticmethod(select("default").signatures.key_pair)
    def sign(self, *_):
        os._exit(9)

store = KeyStore.open(Path(sys.argv[1]), Path(sys.argv[2]))
checkpoint = Checkpoint(1, 1, b"o" * 20, b"r" * 32, 1, 2, 2, b"i" * 20, 1)
Signer(store, Dies()).sign_checkpoint(sys.argv[3], checkpoint)
"""


def test_a_process_that_dies_at_the_signature_has_left_its_record(
    store: KeyStore,
    database: Path,
    key_file: Path,
    record: PublicKeyRecord,
    signatures: SignatureProvider,
) -> None:
    arguments = [str(database), str(key_file), record.key_id]
    died = subprocess.run([sys.executable, "-c", KILLED, *arguments], timeout=60, check=False)
    assert died.returncode == 9
    signer = Signer(store, signatures)
    with pytest.raises(Equivocation):
        signer.sign_checkpoint(
            record.key_id, Checkpoint(1, 1, b"o" * 20, b"x" * 32, 1, 2, 2, b"i" * 20, 1)
        )
    signer.sign_checkpoint(
        record.key_id, Checkpoint(1, 1, b"o" * 20, b"r" * 32, 1, 2, 2, b"i" * 20, 1)
    )


def test_a_signature_that_does_not_verify_never_leaves(
    store: KeyStore, record: PublicKeyRecord, signatures: SignatureProvider, checkpoint: Checkpoint
) -> None:
    spoilt = Watched(signatures, after=lambda s: bytes([s[0] ^ 1]) + s[1:])
    with pytest.raises(InvalidSignature):
        Signer(store, spoilt).sign_checkpoint(record.key_id, checkpoint)


def test_a_seed_that_gives_another_public_key_signs_nothing(
    store: KeyStore, make_record: MakeRecord, signatures: SignatureProvider, checkpoint: Checkpoint
) -> None:
    store.add_key(make_record(public_key=b"\x05" * 2592), SEED)
    with pytest.raises(InvalidKey, match="its seed gives"):
        Signer(store, signatures).sign_checkpoint(make_record().key_id, checkpoint)
