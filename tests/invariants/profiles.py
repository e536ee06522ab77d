"""How long the machines run: ``committed`` in the suite, ``long`` behind ``make fuzz``.

``committed`` is derandomized: the same calls in every run of the same sources. ``long`` runs one
seed after the other for ``FUZZ_MINUTES``, which the machines share, and prints each; a failure is
repeated by ``FUZZ_SEED=n FUZZ_MINUTES=0``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.invariants.calls import Calls

LONG = "FUZZ_MINUTES" in os.environ
MINUTES = float(os.environ.get("FUZZ_MINUTES", "0"))
FIRST_SEED = int(os.environ.get("FUZZ_SEED", "1"))

STEPS = 120
EXAMPLES = {"delivery": 268, "signers": 140, "tokens": 90, "verdicts": 50}
CALLS = {"delivery": 60_000, "signers": 30_000, "tokens": 20_000, "verdicts": 2_000}
"""So many calls each machine makes at the least in the committed configuration. It makes a sixth
more or so: Hypothesis draws from the integers in the package's modules too, so that each change of
the package changes the calls."""

_COMMON: dict[str, Any] = {
    "stateful_step_count": STEPS,
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.generate, Phase.shrink],
    "print_blob": True,
}


def committed(examples: int) -> settings:
    """The same calls each time."""
    return settings(max_examples=examples, derandomize=True, **_COMMON)


def finding(examples: int) -> settings:
    """The same calls each time, until the first failure, which is not made smaller."""
    return settings(
        max_examples=examples,
        derandomize=True,
        report_multiple_bugs=False,
        **(_COMMON | {"phases": [Phase.generate]}),
    )


def run(name: str, machine: type[RuleBasedStateMachine], calls: Calls) -> None:
    """Run a machine by the profile that the environment asks for, and say how much it did."""
    if LONG:
        _run_long(name, machine, calls)
    else:
        run_state_machine_as_test(machine, settings=committed(EXAMPLES[name]))
    print(f"\n{name}: {calls}")


def _run_long(name: str, machine: type[RuleBasedStateMachine], calls: Calls) -> None:
    chosen = settings(max_examples=EXAMPLES[name], derandomize=False, **_COMMON)
    end = time.monotonic() + 60 * MINUTES / len(EXAMPLES)
    number = FIRST_SEED
    while True:
        print(f"{name}: FUZZ_SEED={number}, {calls}", flush=True)
        run_state_machine_as_test(seed(number)(_heir(machine)), settings=chosen)
        number += 1
        if time.monotonic() >= end:
            return


def _heir(machine: type[RuleBasedStateMachine]) -> Callable[[], RuleBasedStateMachine]:
    """A class of its own for each seed."""
    heir: Callable[[], RuleBasedStateMachine] = type(machine.__name__, (machine,), {})
    return heir
