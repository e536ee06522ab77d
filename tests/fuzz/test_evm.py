"""The readers of bytecode against bytes that nobody meant: an answer or CodeRefused, in time.

Each target runs a few seconds by default, and a third of ``EVM_FUZZ_MINUTES`` in ``make fuzz``,
which prints the seed; ``EVM_FUZZ_SEED`` repeats it.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import pytest

import bridge.verifier
from bridge.domain.errors import CodeRefused
from bridge.verifier.cbor import decode
from bridge.verifier.detector import detectors
from bridge.verifier.evm.auxdata import auxdata_sections
from bridge.verifier.evm.budget import Budget
from bridge.verifier.evm.disassembler import instructions, jump_destinations
from bridge.verifier.evm.formats import points_to
from bridge.verifier.evm.scan import scan_bytecode
from bridge.verifier.evm.sourcemap import SourceMap
from bridge.verifier.match.auxdata import at_end, vyper_at_end, vyper_immutables
from tests.evm_cases.compile import load
from tests.fuzz.coverage_guided import Coverage, rounds
from tests.unit.verifier.evm.test_auxdata import BZZR0, BZZR1, EXPERIMENTAL, IPFS, NO_HASH

FOLDER = Path(bridge.verifier.__file__).parent
SECONDS = float(os.environ["EVM_FUZZ_MINUTES"]) * 20 if "EVM_FUZZ_MINUTES" in os.environ else 3.5
SEED = int(os.environ.get("EVM_FUZZ_SEED", "0")) or (
    time.time_ns() % 10**9 if "EVM_FUZZ_MINUTES" in os.environ else 1
)
STEPS = 20_000
SLOWEST_S = 30


def read(data: bytes) -> None:
    """Disassembler, auxdata and forms of proxies."""
    end = 0
    for one in instructions(data):
        assert one.offset == end
        end = one.end
    assert end == len(data)
    assert all(data[one] == 0x5B for one in jump_destinations(data))
    last = 0
    for section in auxdata_sections(data):
        assert last <= section.start < section.end <= len(data)
        last = section.end
    with suppress(CodeRefused):
        points_to(data)


def read_cbor(data: bytes) -> None:
    """The CBOR reader, the auxdata of a match, and source maps, all from the same bytes."""
    with suppress(CodeRefused):
        decode(data)
    vyper_immutables(data)
    for one in (at_end(data), vyper_at_end(data)):
        if one is not None:
            assert data[one.offset :] == one.value
    with suppress(CodeRefused):
        map_ = SourceMap(data, data.decode("latin-1"), {0: ("A.sol", "a\nb\n")})
        map_.line_at(len(data) // 2)


def scan(data: bytes) -> None:
    """Control and value flow, and every detector."""
    begun = time.monotonic()
    try:
        found = scan_bytecode(data, "Fuzzed", budget=Budget(steps=STEPS))
    except CodeRefused:
        return
    assert time.monotonic() - begun < SLOWEST_S
    last = 0
    for start, end in found.reached:
        assert last <= start < end <= len(data)
        last = end
    for one in found.findings:
        assert 0 <= one.location.offset < len(data)


def code_corpus() -> list[bytes]:
    short = [bytes.fromhex(one["runtime"]) for one in load().values()]
    return [*sorted(one for one in short if len(one) < 700), b"\x00"]


CBOR = [IPFS[:-2], BZZR0[:-2], BZZR1[:-2], EXPERIMENTAL[:-2], NO_HASH[:-2], b"1:2:0:i:1;;2:3"]
MAPS = [one["map"].encode()[:600] for one in load().values() if one["map"]][:20]
SECTIONS = [IPFS, BZZR0, BZZR1, EXPERIMENTAL, NO_HASH, bytes.fromhex("ef0100" + "11" * 20)]


@pytest.mark.timeout(0 if "EVM_FUZZ_MINUTES" in os.environ else 120)
@pytest.mark.parametrize("target", [read, read_cbor, scan], ids=lambda one: one.__name__)
def test_nothing_else_than_a_refusal(target):
    detectors()
    corpus = {read: SECTIONS + code_corpus(), read_cbor: CBOR + MAPS, scan: code_corpus()}[target]
    # Seeds are traced slowly; a few of each are enough to start with.
    corpus = corpus[:: max(1, len(corpus) // 24)]
    *_, (count, kept, pairs) = rounds(target, FOLDER, corpus, SEED, SECONDS)
    print(f"{target.__name__}: seed {SEED}, {count} inputs, {kept} kept, {pairs} pairs of lines")
    assert count > 20
    assert pairs > 50


def test_the_mutator_finds_what_only_coverage_leads_to():
    """A comparison of one byte after the other, which random bytes do not pass."""
    namespace: dict[str, object] = {}
    lines = "".join(
        f"{'    ' * (depth + 1)}if len(data) > {depth} and data[{depth}] == {byte}:\n"
        for depth, byte in enumerate(b"\xc3\x5a\x99")
    )
    source = f"def target(data):\n{lines}                raise ZeroDivisionError\n"
    folder = Path("/made/up")
    exec(compile(source, str(folder / "target.py"), "exec"), namespace)
    with pytest.raises(ZeroDivisionError) as found:
        for _ in rounds(namespace["target"], folder, [b"\0\0\0\0"], 1, 60):
            pass
    assert "input" in found.value.__notes__[0]


def test_coverage_counts_what_is_new_once():
    coverage = Coverage(FOLDER)
    assert coverage.run(read_cbor, CBOR[0]) > 5
    assert coverage.run(read_cbor, CBOR[0]) == 0
    assert coverage.run(read_cbor, b"\x81\x20") > 0  # an array with a negative number
