"""The gas of a verification with ML-DSA-87, told apart by the part of the work it went to.

The kernel's artifact says which ranges of its code are of which part; a trace says at which
position and with how much gas each instruction began.

    decode     z out of the signature, and its norm (FIPS 204, Algorithms 8 and 27)
    shake      mu and SampleInBall, with their permutations
    transform  NTT of z and c, NTT^-1 of the rows
    matrix     the product with the key, and reading the key
    hints      w1: HighBits, UseHint, HintBitUnpack
    hash       SHAKE256(mu || w1), its nine permutations, the comparison with c_tilde
    rest       the verifier around the kernel (arguments, calls, the key's place), and what of the
               kernel is none of these
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from bridge.chain.artifact import load
from bridge.domain.errors import ProcessError

KERNEL = "MlDsa87Kernel"
KERNEL_DEPTH = 3
"""The meter has depth 1, the verifier 2."""
PARTS = ("decode", "shake", "transform", "matrix", "hints", "hash", "rest")
CALLED = "permutation"
"""A subroutine: its gas goes to the part that called it."""


def parts_of(steps: Iterable[Mapping[str, Any]], total: int) -> dict[str, int]:
    """The gas of each part; they add up to ``total``, the gas of the whole call."""
    ranges = load(KERNEL).parts
    part_at = {
        position: part
        for part, spans in ranges.items()
        for begin, end in spans
        for position in range(begin, end)
    }
    kernel = [step for step in steps if step["depth"] == KERNEL_DEPTH]
    if not kernel or kernel[0]["pc"] != 0 or set(part_at.values()) != {*PARTS, CALLED}:
        raise ProcessError(f"trace: expected a call of {KERNEL} at depth {KERNEL_DEPTH}")
    gas = dict.fromkeys(PARTS, 0)
    caller = "rest"
    for step, following in pairwise(kernel):
        part = part_at[step["pc"]]
        if part != CALLED:
            caller = part
        # The last instruction is RETURN over memory that is there: it costs nothing.
        gas[caller] += step["gas"] - following["gas"]
    gas["rest"] += total - sum(gas.values())
    return gas
