"""In which order the tests run, and which of them may not be torn apart.

What starts a network once is a part: all tests on one development network whatever their files,
otherwise a file, or where a file starts several networks, the tests of each. The workers of
pytest-xdist take part after part, the longest first, so that none of them is left alone with a
long one in the end. ``SECONDS`` only decides that order: a part that is not in it comes last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

COMPILED = "artifacts and ape"

PARTS = (
    (re.compile(r"^tests/integration/.*\[(?:.*-)?on (anvil|embedded)\b"), "the network on {}"),
    # The second finds what the compiler made for the first.
    (re.compile(r"/test_generated\.py::test_artifacts_are_|/test_ape\.py::()"), COMPILED),
    (re.compile(r"/faults/test_table\.py::.*\[kill-9-(chain)-"), "faults of a {}"),
    (re.compile(r"/faults/test_single\.py::test_\w*?(clock)_"), "faults of a {}"),
    (re.compile(r"/faults/test_single\.py::test_(two_relayers|a_full_disk)_"), "faults: {}"),
    (re.compile(r"/invariants/test_mutants\.py::.*\[(.*)\]"), "the mutant that {}"),
)
"""What in a test's name tells its part, and the part's name."""

SECONDS = {
    COMPILED: 180,
    "the network on embedded": 150,
    "the network on anvil": 150,
    "tests/faults/test_table.py": 130,
    "tests/integration/test_verdicts.py": 130,
    "tests/faults/test_single.py": 120,
    "tests/integration/test_replicas.py": 90,
    "tests/integration/test_demo.py": 90,
    "tests/invariants/test_signers.py": 80,
    "tests/integration/test_operators.py": 75,
    "tests/integration/test_attestors.py": 70,
    "tests/integration/test_bench.py": 70,
    "faults of a clock": 60,
    "faults of a chain": 60,
    "tests/integration/test_chains.py": 60,
    "tests/integration/test_new_heads.py": 60,
    "tests/invariants/test_delivery.py": 55,
    "tests/integration/test_verify.py": 45,
    "tests/unit/apps/test_scan.py": 30,
    "tests/differential/test_sourcify.py": 30,
    "tests/integration/test_verifier_http.py": 20,
    "faults: two_relayers": 50,
    "faults: a_full_disk": 50,
    "tests/integration/test_audit.py": 45,
    "tests/unit/crypto/test_signatures.py": 45,
    "tests/unit/quantum/memory/test_lane.py": 45,
    "tests/invariants/test_tokens.py": 40,
    "tests/unit/quantum/codes/test_surgery.py": 30,
    "tests/unit/quantum/circuits/test_queue.py": 30,
    "tests/unit/quantum/montecarlo/test_run.py": 25,
    "tests/architecture/test_codes_page.py": 25,
    "the mutant that refunds what may arrive": 30,
    "tests/integration/test_endpoints.py": 20,
    "tests/unit/relayer/test_journal.py": 20,
}
"""What a part takes on two cores that have nothing else to do, roughly."""


def part(nodeid: str) -> str:
    """The name of the part that a test belongs to: the file's, where nothing else is said."""
    for pattern, name in PARTS:
        if found := pattern.search(nodeid):
            return name.format(found[1])
    return nodeid.split("::", 1)[0]


def in_order(nodeids: Iterable[str]) -> list[int]:
    """The places of these tests, part after part, the longest part first.

    A part's files are in the order of their names, so that a chain that many share is still young
    when test_bridge has it write its state and read it again.
    """
    names = list(nodeids)
    places: dict[str, list[int]] = {}
    for place, nodeid in enumerate(names):
        places.setdefault(part(nodeid), []).append(place)
    parts = sorted(places, key=lambda name: -SECONDS.get(name, 0))
    return [
        place
        for name in parts
        for place in sorted(places[name], key=lambda place: names[place].split("::")[0])
    ]
