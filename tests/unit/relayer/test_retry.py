"""The table of delays."""

from bridge.relayer.retry import DELAYS_S, delay_s


def test_each_attempt_has_its_place_in_the_table():
    assert [delay_s(attempts) for attempts in range(1, len(DELAYS_S) + 1)] == list(DELAYS_S)


def test_the_last_delay_repeats():
    assert delay_s(len(DELAYS_S) + 1) == delay_s(10**6) == DELAYS_S[-1]


def test_delays_only_grow():
    assert list(DELAYS_S) == sorted(set(DELAYS_S))
    assert DELAYS_S[0] > 0
