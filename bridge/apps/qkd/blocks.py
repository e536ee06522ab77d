"""One block of a link, every stage counted."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Any

from bridge.domain.errors import BlockRejected, InputError
from bridge.quantum.distillation.pipeline import BlockParameters, distil_block
from bridge.quantum.link.adversary import InterceptResend, LightAdversary, Nobody
from bridge.quantum.link.attacks import (
    BeamSplitting,
    Blinding,
    Denial,
    PhotonNumberSplitting,
    TrojanHorse,
)
from bridge.quantum.link.channel import Channel
from bridge.quantum.link.chsh import chsh
from bridge.quantum.link.counts import run_counts
from bridge.quantum.link.events import run_events
from bridge.quantum.link.gates import run_gates
from bridge.quantum.link.optics import OpticalLink
from bridge.quantum.link.pairs import PairLink, run_pairs
from bridge.quantum.link.presets import PROTOCOLS, TITLES, preset
from bridge.quantum.link.protocols import E91, X, Z
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.link.transmission import Link
from bridge.quantum.rates.acceptance import Reason, Verdict, judge, judge_pairs
from bridge.quantum.rates.leak import with_leak
from bridge.quantum.rates.security import KeyLength, Security

ADVERSARIES: dict[str, type] = {
    "intercept-resend": InterceptResend,
    "beam-splitting": BeamSplitting,
    "photon-number-splitting": PhotonNumberSplitting,
    "blinding": Blinding,
    "trojan-horse": TrojanHorse,
    "denial": Denial,
}
SINGLE_PHOTON = "single-photon"


class Simulation(Enum):
    """How coherent pulses are simulated."""

    COUNTS = "counts"
    EVENTS = "events"
    PULSES = "pulses"


def named_link(protocol: str | None, preset_name: str | None) -> tuple[OpticalLink | PairLink, str]:
    """A link by protocol or preset, and its name; both at once are refused."""
    if protocol is not None and preset_name is not None:
        raise InputError(
            f"expected a protocol or a preset, got protocol {protocol} and preset {preset_name}"
        )
    if preset_name is not None:
        chosen = preset(preset_name)
        return chosen.link, chosen.title
    name = protocol or "decoy"
    if name not in PROTOCOLS:
        raise InputError(f"protocol {name!r}: expected one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name], TITLES[name]


def at_distance(link: OpticalLink | PairLink, km: float | None) -> OpticalLink | PairLink:
    """The link with a fibre of ``km``; of pairs, the receiver's fibre."""
    if km is None:
        return link
    return replace(link, channel=replace(link.channel, length_km=km))


def adversary(text: str | None) -> LightAdversary:
    """An adversary from ``name:strength``, such as ``intercept-resend:0.1``."""
    if text is None:
        return Nobody()
    name, _, strength = text.partition(":")
    if name not in ADVERSARIES:
        raise InputError(f"adversary {name!r}: expected one of {', '.join(ADVERSARIES)}")
    try:
        value = float(strength)
    except ValueError:
        raise InputError(
            f"adversary {text!r}: expected a strength after the name, such as {name}:0.1"
        ) from None
    return ADVERSARIES[name](value)  # type: ignore[no-any-return]


def run_block(
    link: OpticalLink | PairLink,
    pulses: int,
    simulation: Simulation,
    someone: LightAdversary,
    security: Security,
    rng: Randomness,
) -> dict[str, Any]:
    """The counts of every stage of one block, the verdict on it, and its key length."""
    if isinstance(link, OpticalLink):
        return _optical_block(link, pulses, simulation, someone, security, rng)
    if simulation is not Simulation.COUNTS:
        raise InputError(f"pairs are simulated by counts: got {simulation.value}")
    return _pair_block(link, pulses, someone, security, rng)


def run_single_photons(
    pulses: int, km: float | None, someone: LightAdversary, rng: Randomness
) -> dict[str, Any]:
    """The same for BB84 with single photons, which is distilled to a key that both ends hold."""
    if not isinstance(someone, Nobody | InterceptResend):
        raise InputError(
            f"single photons: expected nobody or intercept-resend, got {type(someone).__name__}"
        )
    channel = Channel() if km is None else Channel(length_km=km)
    parameters = BlockParameters(link=Link(channel=channel, adversary=someone), pulses=pulses)
    try:
        block = distil_block(parameters, rng)
    except BlockRejected as rejected:
        return {"stages": {"pulses": pulses}, "discarded": {"reason": "", "words": str(rejected)}}
    counts = block.counts
    return {
        "stages": {
            "pulses": counts.pulses,
            "clicks": counts.clicked,
            "double_clicks": counts.double_clicks,
            "sifted": counts.sifted,
            "sampled": counts.sample,
            "corrections": counts.corrections,
        },
        "estimates": {
            "qber": block.qber,
            "phase_error_upper": block.phase_error_upper,
            "leak_bits": block.leak_bits,
        },
        "key_bits": counts.key_bits,
        "secret_fraction": block.secret_fraction,
        "discarded": None,
    }


def _optical_block(
    link: OpticalLink,
    pulses: int,
    simulation: Simulation,
    someone: LightAdversary,
    security: Security,
    rng: Randomness,
) -> dict[str, Any]:
    runs = {
        Simulation.COUNTS: run_counts,
        Simulation.EVENTS: run_events,
        Simulation.PULSES: run_gates,
    }
    if simulation is Simulation.COUNTS and link.detector.afterpulse_probability > 0.0:
        simulation = Simulation.EVENTS
    tally = runs[simulation](replace(link, adversary=someone), pulses, rng)
    verdict = judge(tally, replace(link, adversary=Nobody()), security)
    key = verdict.key
    if isinstance(someone, TrojanHorse):
        protocol = link.protocol
        singles = tally.pulses * protocol.sender_z * protocol.receiver_z
        key = with_leak(
            key, someone.leaked_photons, singles * protocol.photon_number_probability(1)
        )
        if verdict.reason is None and key.bits == 0:
            verdict = Verdict(key, Reason.LENGTH, "the Trojan horse's leak leaves no secret bits")
    decoys = {"single_photons": key.single_photons, "vacuum": key.vacuum}
    record = {
        "simulation": simulation.value,
        "stages": {
            "pulses": round(tally.pulses),
            "clicks": round(float(tally.clicks.sum())),
            "double_clicks": round(float(tally.doubles.sum())),
            "sifted": round(tally.sifted),
            "sifted_z": round(float(tally.key_clicks().sum())),
            "sifted_x": round(float(tally.check_clicks().sum())),
            "errors_z": round(float(tally.key_errors().sum())),
            "errors_x": round(float(tally.check_errors().sum())),
        },
        "intensities": [
            {"mean": mean, "gain": float(gain)}
            for mean, gain in zip(link.protocol.intensities, tally.gains(), strict=True)
        ],
        "qber_z": tally.qber(Z),
        "qber_x": tally.qber(X),
    }
    return record | _ending(verdict, key, decoys)


def _pair_block(
    link: PairLink,
    pulses: int,
    someone: LightAdversary,
    security: Security,
    rng: Randomness,
) -> dict[str, Any]:
    if isinstance(someone, InterceptResend):
        link = replace(link, intercepted=someone.fraction)
    elif not isinstance(someone, Nobody):
        raise InputError(
            f"pairs: expected nobody or intercept-resend, got {type(someone).__name__}"
        )
    tally = run_pairs(link, pulses, rng)
    verdict = judge_pairs(tally, security)
    record: dict[str, Any] = {
        "simulation": Simulation.COUNTS.value,
        "stages": {
            "pulses": round(tally.pulses),
            "coincidences": round(float(tally.coincidences.sum())),
            "double_clicks": round(float(tally.doubles.sum())),
            "sifted_z": round(float(tally.coincidences[Z, Z])),
            "sifted_x": round(float(tally.coincidences[X, X])),
            "errors_z": round(float(tally.errors[Z, Z])),
            "errors_x": round(float(tally.errors[X, X])),
        },
        "qber_z": tally.qber(Z),
        "qber_x": tally.qber(X),
    }
    if isinstance(link.protocol, E91) and tally.coincidences[:, 2:].min() >= 1:
        witness = chsh(tally)
        record["chsh"] = {
            "value": witness.value,
            "standard_error": witness.standard_error,
            "lower": witness.lower,
            "confidence": witness.confidence,
            "coincidences": witness.coincidences,
            "violates": witness.violates,
        }
    return record | _ending(verdict, verdict.key, {})


def _ending(verdict: Verdict, key: KeyLength, bounds: dict[str, float]) -> dict[str, Any]:
    discarded = verdict.reason is not None
    return {
        "estimates": {
            **bounds,
            "phase_error_upper": key.phase_error_upper,
            "leak_bits": key.leak_bits,
        },
        "key_bits": 0 if discarded else key.bits,
        "secret_fraction": 0.0 if discarded else key.secret_fraction,
        "discarded": (
            {"reason": verdict.reason.value, "words": verdict.words} if verdict.reason else None
        ),
    }
