"""Links with the parameters of published experiments, and where each parameter is from.

No experiment publishes every parameter that a model needs. Each one here says what stands behind
it, and one that was fitted to the published rate says so: the agreement at that rate then shows
that the model can reproduce it, and nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bridge.domain.errors import InputError
from bridge.quantum.link.channel import Channel
from bridge.quantum.link.detector import Detector
from bridge.quantum.link.optics import OpticalLink
from bridge.quantum.link.pairs import PairLink
from bridge.quantum.link.protocols import BBM92, E91, DecoyBB84


class Origin(Enum):
    """What stands behind a parameter."""

    PUBLISHED = "published"
    UNCHECKED = "published, not checked against the paper's text"
    ASSUMED = "assumed"
    CHOSEN = "best of a grid"
    FITTED = "fitted"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: what it is, its value in words, where it is from."""

    name: str
    value: str
    origin: Origin
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that the experiment published: bits a second, or a share between 0 and 1."""

    what: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Preset:
    """A link, its clock and its source. ``block`` is the length of a block in sifted key bits."""

    name: str
    title: str
    citation: str
    link: OpticalLink | PairLink
    clock_hz: float
    block: int
    correction_efficiency: float
    figures: tuple[Figure, ...]
    parameters: tuple[Parameter, ...]


KEY_RATE = "secret key rate"

_SOURCE = Parameter(
    "intensities, their probabilities, bias of the bases",
    "see the preset",
    Origin.CHOSEN,
    "the pair of intensities and the bias that give the most key on this link",
)
_COMMON = (
    Parameter("misalignment", "0.5 %", Origin.ASSUMED),
    Parameter("dark counts", "1e-7 a gate and detector", Origin.ASSUMED),
    Parameter("standard fibre", "0.20 dB/km", Origin.ASSUMED),
    Parameter("block", "1.3e8 sifted bits", Origin.ASSUMED),
    Parameter("error correction", "f = 1.16", Origin.ASSUMED),
)

LI_2023 = Preset(
    name="li-2023",
    title="Li et al. 2023",
    citation="W. Li et al., Nature Photonics 17, 416 (2023), arXiv 2307.02364",
    link=OpticalLink(
        protocol=DecoyBB84((0.7, 0.14), (0.8, 0.2), 0.95, 0.95),
        channel=Channel(10.0, 0.2, 0.005, insertion_loss_db=2.7),
        detector=Detector(0.78, 1e-7, dead_time_gates=7, pixels=8),
    ),
    clock_hz=2.5e9,
    block=130_000_000,
    correction_efficiency=1.16,
    figures=(Figure(KEY_RATE, 115.8e6, "bit/s"),),
    parameters=(
        Parameter("distance", "10 km of standard fibre", Origin.PUBLISHED),
        Parameter("detectors", "8 pixels each", Origin.PUBLISHED),
        Parameter("clock", "2.5 GHz", Origin.UNCHECKED),
        Parameter("encoding", "polarisation", Origin.PUBLISHED),
        Parameter("protocol", "one decoy", Origin.UNCHECKED),
        Parameter(
            "efficiency and dead time",
            "78 %, 7 gates",
            Origin.UNCHECKED,
            "78 % at low rates and 62 % at 552 million counts a second give 3 ns a pixel",
        ),
        *_COMMON,
        _SOURCE,
        Parameter(
            "insertion loss",
            "2.7 dB",
            Origin.FITTED,
            "to the rate; stands for all that is not listed",
        ),
    ),
)

_GRUENENFELDER = (
    Parameter("clock", "2.5 GHz, time bins", Origin.PUBLISHED),
    Parameter(
        "protocol", "three states, one decoy", Origin.UNCHECKED, "simulated with four states"
    ),
    Parameter(
        "efficiency and dead time",
        "82 %, 24 gates",
        Origin.UNCHECKED,
        "82 % at low rates and 64 % at 320 million counts a second give 0.69 ns for each pixel "
        "that there is, 9.6 ns for 14",
    ),
    Parameter("pixels", "14, simulated as 7 for each bit", Origin.ASSUMED),
    *_COMMON,
    _SOURCE,
    Parameter(
        "insertion loss",
        "4.7 dB",
        Origin.FITTED,
        "one value to both distances; stands for all that is not listed",
    ),
)

_GENEVA_DETECTOR = Detector(0.82, 1e-7, dead_time_gates=24, pixels=7)
_GENEVA_PROTOCOL = DecoyBB84((0.6, 0.12), (0.8, 0.2), 0.95, 0.95)
_GENEVA = "F. Gruenenfelder et al., Nature Photonics 17, 422 (2023), arXiv 2210.16126"

GRUENENFELDER_10 = Preset(
    name="gruenenfelder-2023",
    title="Gruenenfelder et al. 2023",
    citation=_GENEVA,
    link=OpticalLink(
        protocol=_GENEVA_PROTOCOL,
        channel=Channel(10.0, 0.2, 0.005, insertion_loss_db=4.7),
        detector=_GENEVA_DETECTOR,
    ),
    clock_hz=2.5e9,
    block=130_000_000,
    correction_efficiency=1.16,
    figures=(Figure(KEY_RATE, 64e6, "bit/s"),),
    parameters=(Parameter("distance", "10.0 km", Origin.PUBLISHED), *_GRUENENFELDER),
)

GRUENENFELDER_102 = Preset(
    name="gruenenfelder-2023-102km",
    title="Gruenenfelder et al. 2023",
    citation=_GENEVA,
    link=OpticalLink(
        protocol=_GENEVA_PROTOCOL,
        channel=Channel(102.4, 0.16, 0.005, insertion_loss_db=4.7),
        detector=_GENEVA_DETECTOR,
    ),
    clock_hz=2.5e9,
    block=130_000_000,
    correction_efficiency=1.16,
    figures=(Figure(KEY_RATE, 3.0e6, "bit/s"),),
    parameters=(
        Parameter("distance", "102.4 km", Origin.PUBLISHED),
        Parameter("long fibre", "0.16 dB/km", Origin.ASSUMED, "of ultra-low loss"),
        *_GRUENENFELDER,
    ),
)

HONJO_2008 = Preset(
    name="honjo-2008",
    title="Honjo et al. 2008",
    citation="T. Honjo et al., Optics Express 16, 19118 (2008)",
    link=PairLink(
        protocol=BBM92(0.02, 0.5, 0.5),
        channel=Channel(50.0, 0.2, 0.0535),
        sender_channel=Channel(50.0, 0.2, 0.0),
        detector=Detector(0.00167, 1e-8),
        sender_detector=Detector(0.00167, 1e-8),
    ),
    clock_hz=1e9,
    block=16_000,
    correction_efficiency=1.16,
    figures=(
        Figure("sifted key rate", 0.59, "bit/s"),
        Figure("QBER", 0.069, ""),
        Figure("secret bits for each sifted bit", 3.9 / 16.0, ""),
    ),
    parameters=(
        Parameter("distance", "100 km of fibre", Origin.PUBLISHED),
        Parameter("fibre", "50 km of 0.20 dB/km to either end", Origin.ASSUMED),
        Parameter("clock", "1 GHz", Origin.ASSUMED),
        Parameter("brightness", "0.02", Origin.ASSUMED),
        Parameter("dark counts", "1e-8 a gate and detector", Origin.ASSUMED),
        Parameter("efficiency", "0.167 %, optics included", Origin.FITTED, "to the sifted rate"),
        Parameter("misalignment", "5.35 %", Origin.FITTED, "to the QBER"),
        Parameter("error correction", "f = 1.16", Origin.ASSUMED),
    ),
)

GYS_2004 = Preset(
    name="gys-2004",
    title="Gobby, Yuan and Shields 2004, with decoys",
    citation=(
        "C. Gobby, Z. L. Yuan and A. J. Shields, Appl. Phys. Lett. 84, 3762 (2004); "
        "parameters as X. Ma et al., arXiv quant-ph/0503005, take them"
    ),
    link=OpticalLink(
        protocol=DecoyBB84((0.48, 0.05, 0.0), (0.8, 0.1, 0.1), 0.5, 0.5),
        channel=Channel(50.0, 0.21, 0.033),
        detector=Detector(0.045, 0.85e-6),
    ),
    clock_hz=2e6,
    block=1_000_000,
    correction_efficiency=1.22,
    figures=(),
    parameters=(
        Parameter("fibre", "0.21 dB/km", Origin.UNCHECKED),
        Parameter("efficiency", "4.5 %, optics included", Origin.UNCHECKED),
        Parameter("background", "1.7e-6 a gate, both detectors", Origin.UNCHECKED),
        Parameter("misalignment", "3.3 %", Origin.UNCHECKED),
        Parameter("clock", "2 MHz", Origin.UNCHECKED),
        Parameter("decoys", "the experiment had none", Origin.ASSUMED),
    ),
)

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (LI_2023, GRUENENFELDER_10, GRUENENFELDER_102, HONJO_2008, GYS_2004)
}

PROTOCOLS: dict[str, OpticalLink | PairLink] = {
    "decoy": OpticalLink(),
    "one-decoy": OpticalLink(protocol=DecoyBB84((0.5, 0.15), (0.7, 0.3))),
    "bbm92": PairLink(BBM92(sender_z=0.9, receiver_z=0.9)),
    "e91": PairLink(E91()),
}
"""Links of no particular experiment: 10 km of fibre, detectors of 80 %."""

TITLES = {
    "decoy": "BB84, two decoys",
    "one-decoy": "BB84, one decoy",
    "bbm92": "BBM92",
    "e91": "E91",
}


def preset(name: str) -> Preset:
    """The preset of that name; ``InputError`` lists those there are."""
    if name not in PRESETS:
        raise InputError(f"preset {name!r}: expected one of {', '.join(PRESETS)}")
    return PRESETS[name]
