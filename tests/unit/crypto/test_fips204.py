"""The norm check of FIPS 204, Algorithm 8, line 13."""

import pytest

from bridge.crypto.fips204 import BETA, C_TILDE_BYTES, GAMMA1, z_is_short
from bridge.domain.errors import InvalidSignature
from tests import vectors


def signature_with(packed: int, index: int) -> bytes:
    """z is zero but for one coefficient, given as it is packed."""
    z = sum((packed if i == index else GAMMA1) << 20 * i for i in range(7 * 256))
    return bytes(C_TILDE_BYTES) + z.to_bytes(7 * 640, "little") + bytes(83)


@pytest.mark.parametrize("index", [0, 1, 255, 256, 1790, 1791])
def test_the_bound_itself_is_too_long(index):
    largest = GAMMA1 - BETA - 1
    assert z_is_short(signature_with(GAMMA1 - largest, index))
    assert z_is_short(signature_with(GAMMA1 + largest, index))
    assert not z_is_short(signature_with(GAMMA1 - (largest + 1), index))
    assert not z_is_short(signature_with(GAMMA1 + (largest + 1), index))
    assert not z_is_short(signature_with(0, index))
    assert not z_is_short(signature_with((1 << 20) - 1, index))


def test_wycheproofs_violations_are_found_and_no_valid_signature_is_refused():
    cases = vectors.wycheproof_verify_cases()
    violations = [c for c in cases if "InfinityNormViolation" in c.flags]
    valid = [c for c in cases if c.valid]
    assert len(violations) == 72
    assert len(valid) == 71
    assert not any(z_is_short(c.signature) for c in violations)
    assert all(z_is_short(c.signature) for c in valid)


def test_another_length_is_refused():
    with pytest.raises(InvalidSignature, match="expected 4627 bytes, got 4626"):
        z_is_short(bytes(4626))
