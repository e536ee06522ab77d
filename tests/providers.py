"""Every pair of provider and algorithm, as pytest parameters."""

from __future__ import annotations

from bridge.crypto.kem import KemProvider
from bridge.crypto.providers.registry import kem_providers, signature_providers
from bridge.crypto.signatures import SignatureProvider
from bridge.domain.keys import Algorithm
from tests.liboqs import require_liboqs

ML_DSA = Algorithm.ML_DSA_87
SLH_DSA = Algorithm.SLH_DSA_SHA2_128S

# liboqs may have SLH-DSA, depending on its build: tests of that ask the provider itself.
SIGNERS = (
    ("cryptography", ML_DSA),
    ("pqcrypto", ML_DSA),
    ("liboqs", ML_DSA),
    ("pqcrypto", SLH_DSA),
    ("slh-dsa", SLH_DSA),
)
KEMS = ("cryptography", "pqcrypto", "liboqs")


def signature_provider(name: str) -> SignatureProvider:
    """The provider of that name; the test is skipped, with a reason, when liboqs is not there."""
    if name == "liboqs":
        require_liboqs()
    return signature_providers()[name]()


def kem_provider(name: str) -> KemProvider:
    """The provider of that name; the test is skipped, with a reason, when liboqs is not there."""
    if name == "liboqs":
        require_liboqs()
    return kem_providers()[name]()
