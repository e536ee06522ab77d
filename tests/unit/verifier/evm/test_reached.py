"""What runs on py-evm is in the graph, for compiled contracts and for random code."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.verifier.evm.program import Program
from tests.evm_cases.compile import load
from tests.unit.verifier.evm.execution import executed

CASES = load()


def reached(program):
    return {one for start, end in program.reached for one in range(start, end)}


@pytest.mark.parametrize("version", ["0.4.26", "0.8.37 IR", "vyper gas", "vyper codesize"])
def test_compiled_code_runs_where_the_graph_goes(version):
    random_ = random.Random(version)
    names = [name for name in CASES if name.startswith(version)]
    assert names
    for name in names:
        code = bytes.fromhex(CASES[name]["runtime"])
        held = reached(Program(code, name))
        ran = set()
        for selector in [*CASES[name]["selectors"], "ffffffff"]:
            words = [random_.choice((0, 1, 27, 2**255, random_.getrandbits(160))) for _ in range(9)]
            words[1] = 0x40 if random_.random() < 0.3 else words[1]
            data = bytes.fromhex(selector) + b"".join(one.to_bytes(32, "big") for one in words)
            ran |= executed(code, data)
        assert len(ran) > 20
        assert ran <= held, name


_NUMBERS = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 8, 10, 16, 20, 32, 64])
_PIECES = st.one_of(
    _NUMBERS.map(lambda one: bytes([0x60, one])),
    st.sampled_from([bytes([one]) for one in (0x5B, 0x5B, 0x5B, 0x56, 0x57, 0x57, 0x80, 0x81, 0x82,
                     0x90, 0x91, 0x50, 0x01, 0x03, 0x14, 0x15, 0x16, 0x35, 0x36, 0x51, 0x52, 0x58,
                     0x34, 0x3D, 0x20, 0x00, 0x39, 0x5E)]),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES, min_size=1, max_size=60), st.binary(max_size=40))
def test_random_code_runs_where_the_graph_goes(pieces, data):
    code = b"".join(pieces)
    program = Program(code, "Random")
    ran = executed(code, data)
    if not program.budget.used_up and not program.unresolved:
        assert ran <= reached(program), code.hex()
