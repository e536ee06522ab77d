"""w1 in lanes: every value of q for the scalar pieces, hints at their edges."""

import random

import pytest

from scripts.kernels import mldsa87
from scripts.kernels.asm import Asm
from scripts.kernels.layout87 import CD_HINT, POLYS, W1, W1_OFFSET
from scripts.kernels.mldsa87 import GAMMA2, OMEGA, Q
from scripts.kernels.ntt import intt_output
from scripts.kernels.w1 import WORDS, emit_hints, emit_w1, w1_place
from tests.unit.kernels.run import run
from tests.unit.kernels.words import REGION, to_words

SMALL_FROM = 32
LARGEST = intt_output()[1]
REGION_AT = CD_HINT + OMEGA + 8


def code() -> bytes:
    """Calldata: nothing, the hint where it stands in the kernel's, then the region."""
    asm = Asm()
    asm.push(REGION)
    asm.push(REGION_AT)
    asm.push(POLYS)
    asm.op("CALLDATACOPY")
    emit_w1(asm, SMALL_FROM)
    emit_hints(asm, "reject")
    asm.push(32 * WORDS)
    asm.push(W1)
    asm.op("RETURN")
    asm.label_out("reject")
    asm.push(0)
    asm.push(0)
    asm.op("RETURN")
    return asm.assemble()


CODE = code()


def hint_bytes(rows: list[list[int]]) -> bytes:
    positions = [i for row in rows for i in row]
    counts = [sum(len(row) for row in rows[: k + 1]) for k in range(8)]
    return bytes(positions).ljust(OMEGA, b"\0") + bytes(counts)


def w1(polys: list[list[int]], hint: bytes) -> tuple[list[list[int]] | None, int]:
    ran = run(CODE, bytes(CD_HINT) + hint + to_words(polys))
    if not ran.output:
        return None, ran.gas
    rows = []
    for row in range(8):
        set_, lane = divmod(row, 4)
        coefficients = []
        for chunk in range(16):
            at = w1_place(set_, chunk) - W1
            value = int.from_bytes(ran.output[at : at + 32]) >> (64 * lane) & (1 << 64) - 1
            coefficients += [value >> (4 * i) & 15 for i in range(16)]
        rows.append(coefficients)
    return rows, ran.gas


def expected(polys: list[list[int]], hints: list[list[int]]) -> list[list[int]]:
    return [
        [mldsa87.use_hint(i in row, x) for i, x in enumerate(poly)]
        for poly, row in zip(polys, hints, strict=True)
    ]


NONE = [[] for _ in range(8)]


def test_random_lanes() -> None:
    source = random.Random(20261124)
    polys = [
        [source.randrange(LARGEST + 1 if i < SMALL_FROM else 2 * Q) for i in range(256)]
        for _ in range(8)
    ]
    got, gas = w1(polys, hint_bytes(NONE))
    assert got == expected(polys, NONE)
    print(f"w1: {gas:,} gas without hints, {len(CODE)} bytes")
    assert gas < 72_000


EDGES = sorted(
    {
        base + offset
        for multiple in range(33)
        for base in (multiple * GAMMA2, multiple * GAMMA2 + Q)
        for offset in (-2, -1, 0, 1, 2)
        if 0 <= base + offset < 2 * Q
    }
    | {0, 1, Q - 1, Q, Q + 1, 2 * Q - 1}
)


def test_every_edge_of_decompose() -> None:
    for start in range(0, len(EDGES), 256):
        poly = (EDGES[start : start + 256] + [0] * 256)[:256]
        got, _ = w1([poly] * 8, hint_bytes(NONE))
        assert got == expected([poly] * 8, NONE)


@pytest.mark.parametrize("multiple", [0, 1, 2, 100, 255, 256, 700, LARGEST // Q])
def test_unreduced_lanes_at_multiples_of_q(multiple: int) -> None:
    edges = [x for x in EDGES if x < Q][::3][:SMALL_FROM]
    poly = [min(x + multiple * Q, LARGEST) for x in edges]
    poly = (poly + [0] * 256)[:256]
    got, _ = w1([poly] * 8, hint_bytes(NONE))
    assert got == expected([poly] * 8, NONE)


def test_the_scalar_pieces_over_every_value() -> None:
    """The arithmetic of one lane, for all y below 2q and the reduction over its range."""
    for y in range(0, 2 * Q):
        above = (y + (1 << 24) - Q) >> 24
        u = (y + W1_OFFSET - above) >> 9
        if ((u * 1025) >> 20) & 15 != mldsa87_high_bits(y):
            raise AssertionError(y)


def mldsa87_high_bits(y: int) -> int:
    r = y if y < Q else y - Q
    return ((r + GAMMA2 - 1) // (2 * GAMMA2)) & 15


def test_high_bits_is_decompose_over_every_value() -> None:
    for r in range(0, Q, 1):
        quotient = (r + GAMMA2 - 1) // (2 * GAMMA2)
        low = r - quotient * 2 * GAMMA2
        if not -GAMMA2 < low <= GAMMA2:
            raise AssertionError(r)
    for r in (0, 1, GAMMA2, GAMMA2 + 1, 31 * GAMMA2, 31 * GAMMA2 + 1, Q - 2, Q - 1):
        assert mldsa87.decompose(r)[0] == mldsa87_high_bits(r)


@pytest.mark.parametrize("value", [x for x in EDGES if x < Q][::3])
def test_hints_at_the_edges(value: int) -> None:
    poly = [value] * 256
    hints = [[0, 1, 15, 16, 127, 128, 200, 254, 255]] + [[3 * row] for row in range(7)]
    got, _ = w1([poly] * 8, hint_bytes(hints))
    assert got == expected([poly] * 8, hints)


def test_seventy_five_hints_in_one_row() -> None:
    source = random.Random(7)
    for row in range(8):
        hints = [list(x) for x in NONE]
        hints[row] = sorted(source.sample(range(256), 75))
        polys = [[source.randrange(Q) for _ in range(256)] for _ in range(8)]
        got, gas = w1(polys, hint_bytes(hints))
        assert got == expected(polys, hints)
    print(f"w1: {gas:,} gas with 75 hints")


def malformed() -> dict[str, bytes]:
    good = [[1, 5, 9], [0], [], [255], [], [7, 8], [], [3]]
    flat = bytearray(hint_bytes(good))
    cases = {}
    for name, changes in {
        "equal positions": {1: 1},
        "descending positions": {1: 10},
        "descending counts": {OMEGA + 2: 3},
        "a count over 75": {OMEGA + 7: 76},
        "a first count over 75": {OMEGA: 76},
        "padding right behind": {8: 1},
        "padding at the end": {74: 255},
        "a last count too low": {OMEGA + 7: 7},
    }.items():
        changed = bytearray(flat)
        for at, value in changes.items():
            changed[at] = value
        cases[name] = bytes(changed)
    cases["all counts 255"] = bytes(OMEGA) + b"\xff" * 8
    return cases


@pytest.mark.parametrize("name", malformed())
def test_a_malformed_hint_is_rejected(name: str) -> None:
    hint = malformed()[name]
    assert mldsa87.decode_hint(hint) is None
    assert w1([[0] * 256] * 8, hint)[0] is None


def test_random_hints_agree_with_the_standard() -> None:
    source = random.Random(11)
    accepted = 0
    for _ in range(300):
        count = source.choice([0, 3, 40, 74, 75])
        cuts = sorted(source.randrange(count + 1) for _ in range(7))
        counts = [*cuts, count]
        rows, start = [], 0
        for end in counts:
            rows.append(sorted(source.sample(range(256), end - start)))
            start = end
        hint = bytearray(hint_bytes(rows))
        if source.random() < 0.6:
            hint[source.randrange(len(hint))] = source.randrange(256)
        decoded = mldsa87.decode_hint(bytes(hint))
        poly = [source.randrange(Q) for _ in range(256)]
        got, _ = w1([poly] * 8, bytes(hint))
        if decoded is None:
            assert got is None
        else:
            accepted += 1
            assert got == expected([poly] * 8, decoded)
    assert 50 < accepted < 300


def test_the_reduction_over_its_whole_range() -> None:
    """y = x - (x >> 23) q is linear in the low 23 bits, so the ends of each step say it all."""
    for a in range((LARGEST >> 23) + 1):
        for low in (0, (1 << 23) - 1):
            x = a << 23 | low
            y = x - a * Q
            assert y == low + a * ((1 << 13) - 1)
            assert 0 <= y < 2 * Q
            assert y % Q == x % Q
