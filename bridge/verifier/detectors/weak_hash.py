"""Digests too short under quantum search: RIPEMD-160, and such as are cut to 128 bits or less."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders
from bridge.verifier.finding import (
    Algorithm,
    Confidence,
    Finding,
    Guard,
    Location,
    Primitive,
    Severity,
)
from bridge.verifier.sources.analysis import Analysis
from bridge.verifier.sources.digests import quantum_bits, truncated
from bridge.verifier.sources.judge import RIPEMD, findings_of
from bridge.verifier.sources.patterns import Pattern
from bridge.verifier.sources.program import start_of


def _find(analysis: Analysis) -> Iterator[Finding]:
    yield from findings_of(Pattern.WEAK_HASH, RIPEMD)(analysis)
    program = analysis.program
    for contract in analysis.contracts:
        for function, node, name, bits in truncated(program, contract):
            preimage, collision = quantum_bits(bits)
            yield Finding(
                detector="weak-hash",
                contract=contract.name,
                algorithm=Algorithm(f"{name}, cut to {bits} bits", Primitive.HASH, str(bits)),
                severity=Severity.LOW,
                confidence=Confidence.HIGH if program.compiled else Confidence.LOW,
                location=Location(
                    source=contract.source, line=program.line_of(contract.source, start_of(node))
                ),
                guards=(Guard.NOTHING_SEEN,),
                detail=(
                    f"digest cut to {bits} bits in {function.name}: about 2^{preimage} steps for a "
                    f"preimage, 2^{collision} for a collision"
                ),
            )


DETECTOR = Detector(
    id="weak-hash",
    title="Digest too short under quantum search",
    impact=(
        "Two values with one digest, or a second value for a given one, are found with less work "
        "than a digest of 256 bits asks."
    ),
    scenario=(
        "Grover's algorithm finds a preimage of n bits in about 2^(n/2) steps, and Brassard's, "
        "Hoyer's and Tapp's a collision in about 2^(n/3). The attacker looks for a value whose "
        "short digest is that of another."
    ),
    remedy=(
        "Keep all 256 bits of SHA-256 or Keccak-256: 2^128 steps for a preimage are out of reach."
    ),
    bytecode=finders.weak_hash,
    source=_find,
)
