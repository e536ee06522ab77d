"""The readable ML-DSA-87 against NIST's and Wycheproof's vectors."""

import pytest

from bridge.domain.keys import Algorithm
from scripts.kernels import mldsa87
from tests.vectors import verify_cases

CASES = verify_cases(Algorithm.ML_DSA_87)


@pytest.mark.parametrize("case", CASES[::4], ids=lambda case: f"{case.source} {case.tc_id}")
def test_a_quarter_of_the_vectors(case) -> None:
    got = mldsa87.verify(case.public_key, case.message, case.signature, case.ctx)
    assert got is case.valid


def test_the_transform_undoes_itself() -> None:
    poly = [(7 * i * i + 3) % mldsa87.Q for i in range(256)]
    assert mldsa87.inverse_ntt(mldsa87.ntt(poly)) == poly
    assert mldsa87.ntt(poly) != poly
