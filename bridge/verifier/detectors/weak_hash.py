"""Hashes that are short under quantum search: RIPEMD-160, and hashes cut to 128 bits or less."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders

DETECTOR = Detector(
    id="weak-hash",
    title="Digest too short under quantum search",
    impact=(
        "Two values with one digest, or a second value for a given one, are found with less "
        "work than a digest of 256 bits asks."
    ),
    scenario=(
        "Grover's algorithm finds a preimage of n bits in about 2^(n/2) steps. The attacker "
        "looks for a value whose short digest is the one that is asked for."
    ),
    remedy=(
        "Keep all 256 bits of SHA-256 or Keccak-256: 2^128 steps for a preimage are out of reach."
    ),
    bytecode=finders.weak_hash,
)
