"""The point evaluation precompile 0x0a (EIP-4844), and KZG openings by pairing."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders
from bridge.verifier.finding import Algorithm
from bridge.verifier.sources.judge import KZG, KZG_BN254, findings_of
from bridge.verifier.sources.patterns import Pattern
from bridge.verifier.sources.sites import Site
from bridge.verifier.sources.uses import Use


def _of(use: Use) -> Algorithm:
    """By its curve."""
    return KZG if use.site is Site.KZG else KZG_BN254


DETECTOR = Detector(
    id="kzg",
    title="KZG commitment",
    impact=(
        "A commitment opens to more than one value, so that data or a polynomial can be exchanged "
        "afterwards."
    ),
    scenario=(
        "From the published powers of tau the attacker computes tau with Shor's algorithm and "
        "makes openings of a commitment to values that were never committed to."
    ),
    remedy=(
        "Do not let value depend on an opening alone; use hash-based commitments. For blobs the "
        "protocol itself has to change."
    ),
    bytecode=finders.kzg,
    source=findings_of(Pattern.KZG, _of),
)
