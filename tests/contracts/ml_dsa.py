"""MlDsa87Verifier on a bare EVM, with a key's three forms, and keys and signatures for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from eth_utils import keccak

from bridge.crypto.keys import SigningKeyPair
from bridge.crypto.providers import select
from bridge.domain.keys import Algorithm
from bridge.testing.machine import Deployed, Machine

ML_DSA = Algorithm.ML_DSA_87
KEY_BYTES, SIGNATURE_BYTES = 2592, 4627
FORMS = ("registered", "committed", "raw")


@cache
def key_pair(number: int) -> SigningKeyPair:
    """A key pair of ML-DSA-87 from a seed that is ``number`` in each byte."""
    return select("default").signatures.key_pair(ML_DSA, bytes([number]) * 32)


@cache
def sign(number: int, message: bytes, ctx: bytes = b"") -> bytes:
    """A hedged signature of that key; the same one for the same arguments."""
    return select("default").signatures.sign(ML_DSA, key_pair(number).secret, message, ctx)


def key_id(public_key: bytes) -> bytes:
    """What names a registered or committed key on chain."""
    return bytes(keccak(public_key))


@dataclass
class OnChain:
    """The verifier with its kernel and expander; keys are registered when first asked for."""

    machine: Machine
    kernel: Deployed
    expander: Deployed
    verifier: Deployed
    _registered: set[bytes] = field(default_factory=set)
    _committed: dict[bytes, bytes] = field(default_factory=dict)

    def registered(self, public_key: bytes) -> bytes:
        """The id of a key that is registered, by now at the latest."""
        if public_key not in self._registered:
            for half in (1, 0):
                self.verifier.send("register", public_key, half)
            self._registered.add(public_key)
        return key_id(public_key)

    def committed(self, public_key: bytes) -> bytes:
        """The id and the expansion of a key that is committed, by now at the latest."""
        if public_key not in self._committed:
            self.verifier.send("commit", public_key)
            expansion = self.verifier.call("expand", public_key)
            self._committed[public_key] = key_id(public_key) + expansion
        return self._committed[public_key]

    def key(self, form: str, public_key: bytes) -> bytes:
        """The key as the verifier takes it in that form."""
        if form == "raw":
            return public_key
        return {"registered": self.registered, "committed": self.committed}[form](public_key)

    def verdict(self, key: bytes, message: bytes, ctx: bytes, signature: bytes) -> bool:
        """What ``verifyWithContext`` answers; a revert is an error."""
        key, signature = as_held(key, signature)
        answer = self.verifier.call("verifyWithContext", key, message, ctx, signature)
        assert isinstance(answer, bool)
        return answer


def as_held(key: bytes, signature: bytes) -> tuple[bytes, bytes]:
    """Key and signature as the verifier takes them.

    What follows an id in ``key`` is a committed key's expansion: it goes behind the signature.
    """
    if len(key) in (0, 32, KEY_BYTES):
        return key, signature
    return key[:32], signature + key[32:]


def deploy() -> OnChain:
    """A new machine with the verifier and without keys."""
    machine = Machine()
    kernel, expander = machine.deploy("MlDsa87Kernel"), machine.deploy("MlDsa87Expander")
    verifier = machine.deploy("MlDsa87Verifier", kernel.address, expander.address)
    return OnChain(machine, kernel, expander, verifier)
