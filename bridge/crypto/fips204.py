"""The part of ML-DSA-87 verification that one library leaves out."""

from __future__ import annotations

from typing import Final

from bridge.crypto.parameters import ML_DSA_87
from bridge.domain.errors import InvalidSignature

# FIPS 204, Table 1, ML-DSA-87
GAMMA1: Final = 1 << 19
BETA: Final = 120  # tau * eta = 60 * 2
L: Final = 7
C_TILDE_BYTES: Final = 64  # lambda / 4
Z_BYTES: Final = L * 32 * 20  # 256 coefficients of 20 bits a polynomial


def z_is_short(signature: bytes) -> bool:
    """Whether ``z`` of a signature has an infinity norm below gamma1 - beta (Algorithm 8, line 13).

    A coefficient is packed as gamma1 - z in 20 bits, two in 5 bytes, low bits first (Algorithm
    19), so it is short when what is packed lies between beta and 2 * gamma1 - beta, both
    excluded. Raises ``InvalidSignature`` for a signature of another length.
    """
    if len(signature) != ML_DSA_87.signature_bytes:
        raise InvalidSignature(
            f"ML-DSA-87 signature: expected {ML_DSA_87.signature_bytes} bytes, got {len(signature)}"
        )
    for position in range(C_TILDE_BYTES, C_TILDE_BYTES + Z_BYTES, 5):
        pair = int.from_bytes(signature[position : position + 5], "little")
        for packed in (pair & 0xFFFFF, pair >> 20):
            if not BETA < packed < 2 * GAMMA1 - BETA:
                return False
    return True
