"""Each kernel against its readable twin, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.errors import InputError
from bridge.quantum.kernels import instructions, noise, optics, plain, streams
from bridge.quantum.kernels.processor import processor
from bridge.quantum.link.randomness import Keystream

WORD = st.integers(0, 2**64 - 1)


def stream(seed: int, count: int) -> np.ndarray:
    words = np.empty(count, dtype=np.uint64)
    Keystream(seed.to_bytes(32, "big")).fill(words)
    return words


def carry_less(left: int, right: int) -> int:
    return_value = 0
    for place in range(64):
        if right >> place & 1:
            return_value ^= left << place
    return return_value


@given(value=WORD, mask=WORD)
@settings(deadline=None)
def test_portable_extract_and_deposit_are_what_they_say(value: int, mask: int) -> None:
    places = [place for place in range(64) if mask >> place & 1]
    taken = sum((value >> place & 1) << index for index, place in enumerate(places))
    spread = sum((value >> index & 1) << place for index, place in enumerate(places))
    words = np.uint64(value), np.uint64(mask)
    assert instructions.portable_extract(*words) == taken
    assert instructions.portable_deposit(*words) == spread


@given(left=WORD, right=WORD)
@settings(deadline=None)
def test_portable_multiply_is_the_product_of_polynomials(left: int, right: int) -> None:
    low, high = instructions.portable_multiply(np.uint64(left), np.uint64(right))
    assert int(high) << 64 | int(low) == carry_less(left, right)


@pytest.mark.skipif(not processor().bit_extract, reason="this processor has no BMI2")
def test_the_processors_extract_and_deposit_give_the_same_bits() -> None:
    for value, mask in zip(stream(1, 500), stream(2, 500), strict=True):
        assert instructions.native_extract(value, mask) == instructions.portable_extract(
            value, mask
        )
        assert instructions.native_deposit(value, mask) == instructions.portable_deposit(
            value, mask
        )


@pytest.mark.skipif(not processor().carry_less, reason="this processor has no PCLMULQDQ")
def test_the_processors_multiply_gives_the_same_bits() -> None:
    for left, right in zip(stream(3, 500), stream(4, 500), strict=True):
        assert instructions.native_multiply(left, right) == instructions.portable_multiply(
            left, right
        )


def test_counting_and_finding_ones() -> None:
    for word in (0, 1, 6, 2**63, 2**64 - 1):
        assert instructions.count_ones(np.uint64(word)) == word.bit_count()
    assert [instructions.lowest_one(np.uint64(word)) for word in (0, 1, 8, 2**63)] == [64, 0, 3, 63]


@given(seed=st.integers(0, 10**6), words=st.integers(1, 40), dense=st.integers(0, 4))
@settings(deadline=None, max_examples=60)
def test_sifting_keeps_the_bits_under_the_mask(seed: int, words: int, dense: int) -> None:
    values, mask = stream(seed, words), stream(seed + 1, words)
    if dense == 0:
        mask[:] = 0
    if dense == 1:
        mask[:] = 2**64 - 1
    out = np.full(words + 2, 2**64 - 1, dtype=np.uint64)
    out[0] = 0
    place = streams.compact(values, mask, out, 0)
    kept = plain.compact(values, mask)
    assert place == streams.total_ones(mask)
    assert out[: len(kept)].tolist() == kept.tolist()


@given(seed=st.integers(0, 10**6), first=st.integers(1, 20), second=st.integers(1, 20))
@settings(deadline=None, max_examples=40)
def test_sifting_appends_where_it_stopped(seed: int, first: int, second: int) -> None:
    values, mask = stream(seed, first + second), stream(seed + 1, first + second)
    out = np.zeros(first + second + 2, dtype=np.uint64)
    place = streams.compact(values[:first], mask[:first], out, 0)
    place = streams.compact(values[first:], mask[first:], out, place)
    kept = plain.compact(values, mask)
    assert out[: len(kept)].tolist() == kept.tolist()


@given(seed=st.integers(0, 10**6), words=st.integers(1, 40), dense=st.integers(0, 4))
@settings(deadline=None, max_examples=60)
def test_two_strings_are_sifted_as_each_by_itself(seed: int, words: int, dense: int) -> None:
    first, second, mask = (stream(seed + index, words) for index in range(3))
    mask[: max(0, dense - 1)] = (0, 2**64 - 1, 0)[dense % 3]
    outs = [np.full(words + 1, 2**64 - 1, dtype=np.uint64) for _ in range(2)]
    assert streams.compact_pair(first, second, mask, *outs) == streams.total_ones(mask)
    for values, out in zip((first, second), outs, strict=True):
        kept = plain.compact(values, mask)
        assert out[: len(kept)].tolist() == kept.tolist()


@given(seed=st.integers(0, 10**6), start=st.integers(0, 300), count=st.integers(1, 300))
@settings(deadline=None, max_examples=60)
def test_moving_bits(seed: int, start: int, count: int) -> None:
    source = stream(seed, 10)
    out = np.zeros(6, dtype=np.uint64)
    streams.move(source, start, count, out)
    moved = plain.move(source, start, count)
    assert out[: len(moved)].tolist() == moved.tolist()


def test_gathering_bits_and_drawing_places_without_replacement() -> None:
    words = stream(7, 100)
    taken = np.zeros(100, dtype=np.uint64)
    places = np.zeros(640, dtype=np.uint32)
    assert streams.draw_distinct(stream(8, 2000), 6000, taken, places) == 640
    assert len(set(places.tolist())) == 640
    assert places.max() < 6000
    assert np.flatnonzero(plain.unpack(taken)).tolist() == sorted(places.tolist())
    out = np.ones(10, dtype=np.uint64)
    streams.gather(words, places, out)
    assert out.tolist() == plain.gather(words, places).tolist()


def test_places_are_marked_once_and_those_past_the_end_never() -> None:
    taken = np.zeros(2, dtype=np.uint64)
    places = np.array([0, 5, 64, 127, 5, 128, 2**32 - 1], dtype=np.uint32)
    assert streams.mark(places, 128, taken) == 4
    assert np.flatnonzero(plain.unpack(taken)).tolist() == [0, 5, 64, 127]


def test_words_are_laid_where_they_belong() -> None:
    out = np.zeros(8, dtype=np.uint64)
    streams.lay(stream(4, 3), 2, out)
    assert out.tolist() == [0, 0, *stream(4, 3).tolist(), 0, 0, 0]


def test_a_draw_from_too_few_words_says_how_many_it_found() -> None:
    taken = np.zeros(2, dtype=np.uint64)
    assert streams.draw_distinct(stream(9, 3), 128, taken, np.zeros(64, dtype=np.uint32)) <= 3


@pytest.mark.parametrize("probability", [0.0005, 0.01, 0.3, 0.999])
def test_events_by_distance_are_those_of_the_twin(probability: float) -> None:
    count = 64 * 200
    random = stream(11, noise.words_for(probability, count))
    out = np.zeros(200, dtype=np.uint64)
    rate = np.log1p(-probability)
    assert noise.skip(random, rate, noise.distances(probability), count, out) > 0
    assert out.tolist() == plain.skip(random, probability, count).tolist()
    places = np.zeros(len(random), dtype=np.int64)
    found = noise.list_events(random, rate, count, places)
    assert places[:found].tolist() == np.flatnonzero(plain.unpack(out)).tolist()


def test_a_table_of_distances_is_sure_only_where_it_may_be() -> None:
    """At both ends of each cell the exact distance is the table's."""
    for probability in (0.001, 0.03, 0.5, 0.999):
        table = noise.distances(probability).astype(np.int64)
        cells = np.arange(len(table), dtype=np.uint64)
        width = np.uint64(53 - 14)
        sure = table >= 0
        for numbers in (cells << width, ((cells + np.uint64(1)) << width) - np.uint64(1)):
            uniform = (numbers.astype(np.float64) + 1.0) * 2.0**-53
            exact = np.floor(np.log(uniform) / np.log1p(-probability))
            assert (exact[sure] == table[sure]).all()
        assert sure.mean() > 0.5


def test_events_with_too_few_words_say_so() -> None:
    rate, table = np.log1p(-0.5), noise.distances(0.5)
    assert noise.skip(stream(12, 3), rate, table, 6400, np.zeros(100, dtype=np.uint64)) == -1
    assert noise.list_events(stream(12, 3), rate, 6400, np.zeros(9, dtype=np.int64)) == -1
    assert noise.list_events(stream(12, 30), rate, 6400, np.zeros(9, dtype=np.int64)) == -1


@pytest.mark.parametrize(("digits", "levels"), [(1, 1), (5, 4), (63, 6), (33, 6)])
def test_dense_events_are_those_of_the_twin(digits: int, levels: int) -> None:
    random = stream(13, 50 * levels)
    out = np.zeros(50, dtype=np.uint64)
    noise.combine(random, digits, levels, out)
    assert out.tolist() == plain.combine(random, digits, levels).tolist()


@given(probability=st.floats(0.0, 1.0))
def test_dense_part_and_rest_add_up(probability: float) -> None:
    digits, levels, rest = noise.dense_part(probability)
    part = digits / 2**levels
    assert part + (1.0 - part) * rest == pytest.approx(probability, abs=1e-12)
    assert 0.0 <= rest <= 1.0 / 2**noise.DENSE_BITS * 64


def test_a_probability_above_one_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected 0 to 1, got 1\.5"):
        noise.dense_part(1.5)


def test_event_driven_loss_has_the_distribution_of_bit_by_bit_loss() -> None:
    """A chi-square test of both ways' counts of clicks in windows of 64, at 1 in 10^6."""
    probability, words = 0.5048, 20_000
    digits, levels, rest = noise.dense_part(probability)
    driven = np.zeros(words, dtype=np.uint64)
    noise.combine(stream(14, levels * words), digits, levels, driven)
    fresh = stream(15, noise.words_for(rest, 64 * words))
    noise.skip(fresh, np.log1p(-rest), noise.distances(rest), 64 * words, driven)
    uniform = (stream(16, 64 * words) >> np.uint64(11)) * 2.0**-53
    bitwise = plain.pack(uniform < probability)
    counts = [
        np.bincount(plain.unpack(one).reshape(-1, 64).sum(axis=1), minlength=65)[18:47]
        for one in (driven, bitwise)
    ]
    used = counts[0] + counts[1] >= 20
    first, second = (np.append(one[used], words - one[used].sum()) for one in counts)
    chi_square = float(((first - second) ** 2 / (first + second)).sum())
    degrees = int(used.sum())
    # Wilson and Hilferty: the cube root is close to normal; 4.75 is its quantile of 1 in 10^6.
    limit = degrees * (1 - 2 / (9 * degrees) + 4.75 * (2 / (9 * degrees)) ** 0.5) ** 3
    assert chi_square < limit
    # Neighbours are independent: the rate of pairs is the rate squared, to five deviations.
    seen = plain.unpack(driven)
    pairs = float(np.mean(seen[:-1] & seen[1:]))
    assert abs(pairs - probability**2) < 5 * (0.25 * 0.75 * 3 / len(seen)) ** 0.5


def test_detectors_show_the_bit_in_its_basis_and_a_coin_in_the_other() -> None:
    sent, sent_bases, bases, chance = (stream(20 + index, 50) for index in range(4))
    out = np.zeros(50, dtype=np.uint64)
    optics.deliver(sent, sent_bases, bases, chance, out)
    same = plain.unpack(sent_bases) == plain.unpack(bases)
    expected = np.where(same, plain.unpack(sent), plain.unpack(chance))
    assert (plain.unpack(out) == expected).all()


def test_dark_counts_click_alone_or_make_a_double_click() -> None:
    dark, seen, outcome = (stream(30 + index, 50) for index in range(3))
    places = np.flatnonzero(plain.unpack(dark))
    toss = stream(33, len(places))
    for detector in (0, 1):
        after_seen, after = seen.copy(), outcome.copy()
        optics.resolve_dark_counts(places, len(places), detector, toss, after_seen, after)
        d, s, o = (plain.unpack(one) for one in (dark, seen, outcome))
        t = np.zeros(len(d), dtype=bool)
        t[places] = toss & np.uint64(1)
        assert (plain.unpack(after_seen) == (s | d)).all()
        double = d & s & (o != bool(detector))
        expected = np.where(d & ~s, bool(detector), np.where(double, t, o))
        assert (plain.unpack(after) == expected).all()
