"""Chainlink's VRF and its consumers."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.sources.judge import EC_VRF, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="vrf",
    title="Verifiable random function on an elliptic curve",
    impact=(
        "Random words are predicted by who knows the key, and chosen by who can forge the proof."
    ),
    scenario=(
        "The oracle's public key is registered on chain. The attacker computes its private key "
        "with Shor's algorithm, knows every random word before it is published, and can answer in "
        "the oracle's place."
    ),
    remedy=(
        "Combine the word with a commitment of the users or a hash-based beacon; do not settle "
        "value by it alone."
    ),
    source=findings_of(Pattern.VRF, EC_VRF),
)
