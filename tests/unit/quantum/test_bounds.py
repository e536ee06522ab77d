import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.errors import InputError
from bridge.quantum.distillation.bounds import (
    binary_entropy,
    final_length,
    log_tail,
    secret_length,
    twin_error_count,
    upper_error_count,
)


def exact_tail(sample: int, sample_errors: int, rest: int, rest_errors: int) -> Fraction:
    """P[at most sample_errors wrong in the sample], by counting in integers."""
    total, errors = sample + rest, sample_errors + rest_errors
    ways = sum(
        math.comb(errors, x) * math.comb(total - errors, sample - x)
        for x in range(min(sample_errors, sample) + 1)
        if errors - x <= rest
    )
    return Fraction(ways, math.comb(total, sample))


@settings(deadline=None)
@given(
    sample=st.integers(1, 60),
    rest=st.integers(1, 80),
    data=st.data(),
)
def test_the_tail_bound_is_above_the_exact_tail(
    sample: int, rest: int, data: st.DataObject
) -> None:
    sample_errors = data.draw(st.integers(0, sample))
    rest_errors = data.draw(st.integers(0, rest))
    bound = log_tail(sample, sample_errors, rest, rest_errors)
    assert math.log(exact_tail(sample, sample_errors, rest, rest_errors)) <= bound + 1e-9


@pytest.mark.parametrize(("sample", "rest"), [(30, 50), (60, 40), (25, 200)])
@pytest.mark.parametrize("tail", [0.1, 1e-3, 1e-6])
def test_the_bound_fails_no_more_often_than_stated_for_every_number_of_errors(
    sample: int, rest: int, tail: float
) -> None:
    total = sample + rest
    allowed = [upper_error_count(sample, x, rest, tail) for x in range(sample + 1)]
    useful = False
    for errors in range(total + 1):
        bad = [
            x
            for x in range(max(0, errors - rest), min(sample, errors) + 1)
            if errors - x > allowed[x]
        ]
        useful = useful or bool(bad)
        ways = sum(math.comb(errors, x) * math.comb(total - errors, sample - x) for x in bad)
        assert Fraction(ways, math.comb(total, sample)) <= Fraction(tail)
    assert useful, "the bound never says anything at this size"


def test_the_bound_found_by_bisection_is_the_one_found_by_walking() -> None:
    sample, rest, tail = 400, 900, 1e-6
    for errors in (0, 1, 5, 20, 60):
        start = math.ceil(errors * rest / sample + (sample + rest) / (2 * sample))
        walked = next(
            j
            for j in range(start, rest + 1)
            if all(log_tail(sample, errors, rest, k) <= math.log(tail) for k in range(j, rest + 1))
        )
        assert upper_error_count(sample, errors, rest, tail) == walked - 1


def test_the_bound_is_tighter_than_serfling_at_a_usable_error_rate() -> None:
    sample, rest, errors, tail = 13_000, 52_000, 130, 1e-21
    total = sample + rest
    serfling = errors / sample + math.sqrt(
        total * (rest + 1) * math.log(1 / tail) / (2 * sample * rest**2)
    )
    ours = upper_error_count(sample, errors, rest, tail) / rest
    assert errors / sample < ours < 0.6 * serfling


def test_a_sample_without_errors_still_leaves_a_bound_above_zero() -> None:
    assert upper_error_count(1000, 0, 4000, 1e-10) > 0
    assert upper_error_count(10, 10, 40, 1e-10) == 40


def test_a_bound_from_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="sample"):
        upper_error_count(0, 0, 10, 1e-3)
    with pytest.raises(InputError, match="sample"):
        upper_error_count(10, 11, 10, 1e-3)
    with pytest.raises(InputError, match="failure probability"):
        upper_error_count(10, 1, 10, 0.0)


def test_binary_entropy_at_known_points() -> None:
    assert binary_entropy(0.0) == 0.0
    assert binary_entropy(0.5) == 1.0
    assert binary_entropy(0.7) == 1.0
    # h(1/4) = 2 - (3/4) log2 3
    assert binary_entropy(0.25) == pytest.approx(2 - 0.75 * math.log2(3), abs=1e-12)
    with pytest.raises(InputError, match="error rate"):
        binary_entropy(1.1)


def test_secret_length_by_hand() -> None:
    # 2 log2(1 / (2 * 2^-33)) = 64; h(1/4) = 0.811278...; 10000 * 0.188721... = 1887.2
    assert secret_length(10_000, 0.25, 1000, 2.0**-33) == 1887 - 1000 - 32 - 64
    # No phase errors: all but leak, length field and margin.
    assert secret_length(1000, 0.0, 100, 2.0**-33) == 1000 - 100 - 32 - 64
    assert secret_length(1000, 0.0, 904, 2.0**-33) == 0
    assert secret_length(1000, 0.5, 0, 2.0**-33) == 0
    with pytest.raises(InputError, match="epsilon"):
        secret_length(1000, 0.0, 0, 0.0)


@pytest.mark.parametrize("length", [1, 7, 40, 90])
@pytest.mark.parametrize("tail", [0.3, 1e-2, 1e-5])
def test_the_twin_bound_fails_no_more_often_than_stated_whatever_the_errors(
    length: int, tail: float
) -> None:
    """Positions with one error of two and with both, all numbers of them, by exact counts."""
    allowed = [twin_error_count(length, errors, tail) for errors in range(length + 1)]
    useful = False
    for one in range(length + 1):
        for both in range(length + 1 - one):
            bad = [x for x in range(one + 1) if both + one - x > allowed[both + x]]
            useful = useful or bool(bad)
            ways = sum(math.comb(one, x) for x in bad)
            assert Fraction(ways, 2**one) <= Fraction(tail)
    assert useful or tail < 2.0**-length, "the bound never says anything at this size"


def test_the_twin_bound_is_tight_at_a_million_bits() -> None:
    """Four times the deviation that a fair coin would need for this tail would be too loose."""
    errors, tail = 10_486, 6.25e-22
    bound = twin_error_count(1 << 20, errors, tail) - errors
    deviation = (2 * errors) ** 0.5
    assert 9 * deviation < bound < 11 * deviation


def test_the_twin_bound_refuses_what_cannot_be() -> None:
    for arguments in ((10, 11, 0.1), (10, -1, 0.1), (0, 0, 0.1), (10, 1, 0.0), (10, 1, 1.0)):
        with pytest.raises(InputError):
            twin_error_count(*arguments)


def test_the_final_length_is_its_formula_and_never_negative() -> None:
    assert final_length(1000, 0, 100, 0.25) == 1000 - 100 - 2
    assert final_length(1000, 500, 0, 0.25) == 0
    assert final_length(1000, 900, 0, 0.25) == 0
    assert final_length(10_000, 110, 1234, 2**-33) == math.floor(
        10_000 * (1 - binary_entropy(0.011)) - 1234 - 64
    )
    with pytest.raises(InputError, match="epsilon"):
        final_length(1000, 0, 0, 0.5)
