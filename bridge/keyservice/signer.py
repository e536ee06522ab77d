"""Signs checkpoints, rotations and verdicts: record, then sign, then check, then hand out."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from bridge.crypto.digests import (
    checkpoint_digest,
    revocation_digest,
    rotation_digest,
    verdict_digest,
)
from bridge.crypto.keys import SecretKey
from bridge.crypto.parameters import signature_parameters
from bridge.crypto.signatures import SignatureProvider
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import (
    CHECKPOINT_CONTEXT,
    REVOCATION_CONTEXT,
    ROTATION_CONTEXT,
    VERDICT_CONTEXT,
)
from bridge.domain.errors import InvalidKey
from bridge.domain.keys import PublicKeyRecord
from bridge.domain.rotations import Rotation
from bridge.domain.verdicts import RevocationStatement, VerdictStatement
from bridge.keyservice.store import KeyStore


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature over ``digest``, the 32 bytes that stand for a statement."""

    digest: bytes
    signature: bytes


class Signer:
    """Signs for the keys of a store. Blocking: run it in a worker thread."""

    def __init__(self, store: KeyStore, signatures: SignatureProvider) -> None:
        self._store = store
        self._signatures = signatures
        self._lock = threading.Lock()
        self._secrets: dict[str, SecretKey] = {}

    def __repr__(self) -> str:
        return f"Signer({self._signatures.name}, redacted)"

    def sign_checkpoint(self, key_id: str, checkpoint: Checkpoint) -> Signed:
        """The signature of ``key_id`` over a checkpoint, under ``CHECKPOINT_CONTEXT``.

        The root is on disk before the signature exists, and the signature verifies before it is
        returned. Raises ``UnknownKey``, ``Equivocation``, and ``InvalidSignature`` when the
        provider made a signature that it does not accept itself; ``KeyUnusable`` for a key that is
        destroyed or compromised and ``InputError`` for one that does not sign.
        """
        record = self._store.key(key_id)
        signature_parameters(record.algorithm)
        secret = self._secret(record)
        self._store.record_root(key_id, checkpoint)
        return self._sign(record, secret, checkpoint_digest(checkpoint), CHECKPOINT_CONTEXT)

    def sign_rotation(self, key_id: str, rotation: Rotation) -> Signed:
        """The signature of ``key_id`` over a rotation, under ``ROTATION_CONTEXT``.

        Recorded and checked as a checkpoint is. Raises ``UnknownKey``, ``RotationConflict`` and
        ``InvalidSignature``.
        """
        record = self._store.key(key_id)
        signature_parameters(record.algorithm)
        secret = self._secret(record)
        self._store.record_rotation(key_id, rotation)
        return self._sign(record, secret, rotation_digest(rotation), ROTATION_CONTEXT)

    def sign_verdict(self, key_id: str, statement: VerdictStatement) -> Signed:
        """The signature of ``key_id`` over a verdict, under ``VERDICT_CONTEXT``.

        Recorded and checked as a checkpoint is. Raises ``UnknownKey``, ``VerdictConflict`` and
        ``InvalidSignature``.
        """
        record = self._store.key(key_id)
        signature_parameters(record.algorithm)
        secret = self._secret(record)
        self._store.record_statement(key_id, statement)
        return self._sign(record, secret, verdict_digest(statement), VERDICT_CONTEXT)

    def sign_revocation(self, key_id: str, statement: RevocationStatement) -> Signed:
        """The signature of ``key_id`` over a revocation, under ``REVOCATION_CONTEXT``.

        In one sequence with the verdicts on the contract. Raises as ``sign_verdict``.
        """
        record = self._store.key(key_id)
        signature_parameters(record.algorithm)
        secret = self._secret(record)
        self._store.record_statement(key_id, statement)
        return self._sign(record, secret, revocation_digest(statement), REVOCATION_CONTEXT)

    def _sign(
        self, record: PublicKeyRecord, secret: SecretKey, digest: bytes, ctx: bytes
    ) -> Signed:
        signature = self._signatures.sign(record.algorithm, secret, digest, ctx)
        self._signatures.verify(record.algorithm, record.public_key, digest, signature, ctx)
        return Signed(digest=digest, signature=signature)

    def forget(self, key_id: str) -> None:
        """Let go of a key's secret, which was destroyed."""
        with self._lock:
            self._secrets.pop(key_id, None)

    def _secret(self, record: PublicKeyRecord) -> SecretKey:
        """The secret key, expanded once and kept: SLH-DSA's expansion takes as long as signing."""
        with self._lock:
            secret = self._secrets.get(record.key_id)
        if secret is None:
            pair = self._signatures.key_pair(record.algorithm, self._store.seed(record.key_id))
            if pair.public_key != record.public_key:
                raise InvalidKey(
                    f"key {record.key_id}: the store has public key "
                    f"{record.public_key[:8].hex()}..., its seed gives "
                    f"{pair.public_key[:8].hex()}..."
                )
            secret = pair.secret
            with self._lock:
                self._secrets[record.key_id] = secret
        return secret
