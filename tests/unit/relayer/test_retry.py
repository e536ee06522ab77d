"""The table of delays."""

from bridge.relayer.retry import DELAYS_S, LONGEST_DELAY_S, next_attempts_at


def test_each_failure_has_its_place_in_the_table():
    assert next_attempts_at(1000.0) == [1000.0 + delay for delay in DELAYS_S]


def test_delays_never_shrink_and_last_for_about_two_days():
    assert list(DELAYS_S) == sorted(DELAYS_S)
    assert DELAYS_S[0] > 0
    assert DELAYS_S[-1] == LONGEST_DELAY_S
    assert 24 * 3600 < sum(DELAYS_S) < 3 * 24 * 3600
