"""Each adversary on a link, by simulation: what was seen of it, and what was done about it.

`tests/unit/quantum/test_adversaries.py` asserts on these runs and `scripts/link_page.py` writes
them into docs/link.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from bridge.quantum.link.adversary import InterceptResend, LightAdversary, Nobody
from bridge.quantum.link.attacks import (
    BeamSplitting,
    Blinding,
    Denial,
    PhotonNumberSplitting,
    TrojanHorse,
)
from bridge.quantum.link.channel import Channel
from bridge.quantum.link.counts import run_counts
from bridge.quantum.link.optics import OpticalLink
from bridge.quantum.link.pairs import PairLink, run_pairs
from bridge.quantum.link.protocols import E91
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.rates.acceptance import Reason, Verdict, judge, judge_pairs
from bridge.quantum.rates.leak import with_leak

PULSES = 10**10
HONEST = OpticalLink(channel=Channel(length_km=50.0))
PAIRS = PairLink(E91(brightness=0.02), channel=Channel(length_km=10.0))


class Outcome(Enum):
    """What became of the block."""

    UNTOUCHED = "kept"
    DISCARDED = "discarded"
    BOUNDED = "kept, shorter"
    HARMLESS = "kept, the length allows for it already"
    UNSEEN = "kept: not seen and not bounded"


@dataclass(frozen=True, slots=True)
class Scenario:
    """An adversary, and what is expected of it."""

    name: str
    adversary: LightAdversary | float
    outcome: Outcome
    reason: Reason | None
    bound: str


@dataclass(frozen=True, slots=True)
class Run:
    """A scenario as it was simulated; ``bits`` is the length of the key, 0 when discarded."""

    scenario: Scenario
    verdict: Verdict
    bits: int
    honest_bits: int


SCENARIOS = (
    Scenario("nobody", Nobody(), Outcome.UNTOUCHED, None, ""),
    Scenario("intercept and resend, all", InterceptResend(1.0), Outcome.DISCARDED, Reason.QBER, ""),
    Scenario(
        "intercept and resend, 30 %", InterceptResend(0.3), Outcome.DISCARDED, Reason.QBER, ""
    ),
    Scenario(
        "intercept and resend, 2 %",
        InterceptResend(0.02),
        Outcome.BOUNDED,
        None,
        "phase error, and errors to correct",
    ),
    Scenario(
        "beam splitting, 90 %, fibre without loss",
        BeamSplitting(0.9),
        Outcome.HARMLESS,
        None,
        "only single photons count",
    ),
    Scenario(
        "photon number splitting, all single photons blocked",
        PhotonNumberSplitting(1.0),
        Outcome.DISCARDED,
        Reason.DECOYS,
        "",
    ),
    Scenario(
        "photon number splitting, none blocked",
        PhotonNumberSplitting(0.0),
        Outcome.BOUNDED,
        None,
        "only single photons count",
    ),
    Scenario(
        "blinding, 0.5 %",
        Blinding(0.005, 0.8),
        Outcome.UNSEEN,
        None,
        "nothing: an attack on the devices, outside the proof",
    ),
    Scenario(
        "Trojan horse, 1e-6 photons leaked a pulse",
        TrojanHorse(1e-6),
        Outcome.BOUNDED,
        None,
        "phase error with the leak as a parameter",
    ),
    Scenario("denial, 90 %", Denial(0.9), Outcome.DISCARDED, Reason.CLICKS, ""),
    Scenario(
        "denial, 30 %",
        Denial(0.3),
        Outcome.BOUNDED,
        None,
        "fewer clicks; nothing is learnt",
    ),
    Scenario("intercept and resend on pairs, all", 1.0, Outcome.DISCARDED, Reason.CHSH, ""),
    Scenario(
        "intercept and resend on pairs, 2 %",
        0.02,
        Outcome.BOUNDED,
        None,
        "phase error, and errors to correct",
    ),
)


def runs() -> Iterator[Run]:
    """Every scenario, simulated with seeds of its own."""
    honest = judge(run_counts(HONEST, PULSES, Randomness.seeded(1)), HONEST).accept().bits
    honest_pairs = judge_pairs(run_pairs(PAIRS, PULSES, Randomness.seeded(1))).accept().bits
    for seed, scenario in enumerate(SCENARIOS, start=2):
        rng = Randomness.seeded(seed)
        if isinstance(scenario.adversary, float):
            pairs = replace(PAIRS, intercepted=scenario.adversary)
            verdict = judge_pairs(run_pairs(pairs, PULSES, rng))
            usual = honest_pairs
        else:
            link = replace(HONEST, adversary=scenario.adversary)
            verdict = judge(run_counts(link, PULSES, rng), HONEST)
            usual = honest
        key = verdict.key
        if isinstance(scenario.adversary, TrojanHorse):
            protocol = HONEST.protocol
            singles = PULSES * protocol.sender_z * protocol.receiver_z
            singles *= protocol.photon_number_probability(1)
            key = with_leak(key, scenario.adversary.leaked_photons, singles)
        bits = 0 if verdict.reason is not None else key.bits
        yield Run(scenario, verdict, bits, usual)
