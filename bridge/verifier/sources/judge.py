"""Judging: how severe a use is, how sure, and the finding that says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
from bridge.verifier.sources.effects import Effect, guards_of
from bridge.verifier.sources.patterns import Pattern
from bridge.verifier.sources.sites import ASKS_ANOTHER, Site
from bridge.verifier.sources.uses import Use

ECDSA_SECP256K1 = Algorithm("ECDSA", Primitive.SIGNATURE, "secp256k1", "secg/secp256k1")
ECDSA_P256 = Algorithm("ECDSA", Primitive.SIGNATURE, "P-256", "nist/P-256")
SCHNORR = Algorithm("Schnorr", Primitive.SIGNATURE, "secp256k1", "secg/secp256k1")
EC_VRF = Algorithm("ECVRF", Primitive.OTHER, "secp256k1", "secg/secp256k1")
RSA = Algorithm("RSA", Primitive.SIGNATURE)
MODULAR = Algorithm("modular exponentiation", Primitive.OTHER)
GROTH16 = Algorithm("Groth16", Primitive.OTHER, "BN254", "other/bn254")
PLONK = Algorithm("PLONK", Primitive.OTHER, "BN254", "other/bn254")
PAIRING_PROOF = Algorithm("pairing-based proof", Primitive.OTHER, "BN254", "other/bn254")
BN254 = Algorithm("BN254", Primitive.OTHER, "BN254", "other/bn254")
BLS_BN254 = Algorithm("BLS", Primitive.SIGNATURE, "BN254", "other/bn254")
BLS_BLS12 = Algorithm("BLS", Primitive.SIGNATURE, "BLS12-381", "bls/bls12-381")
BLS12_381 = Algorithm("BLS12-381", Primitive.OTHER, "BLS12-381", "bls/bls12-381")
KZG = Algorithm("KZG", Primitive.OTHER, "BLS12-381", "bls/bls12-381")
KZG_BN254 = Algorithm("KZG", Primitive.OTHER, "BN254", "other/bn254")
RIPEMD = Algorithm("RIPEMD-160", Primitive.HASH, "160", quantum_level=0)

LOSES = {Effect.TRANSFER, Effect.OWNERSHIP, Effect.UPGRADE, Effect.PERMIT, Effect.CALL}


def severity_of(use: Use) -> Severity:
    """By what the result decides, not by that the cryptography is there.

    High: a forger moves value, takes over, permits, calls, or writes what a signer should have
    written. Medium: an entry answers with the result, or only a mark is set. Low: another contract
    checks. Info: nothing outside reaches it.
    """
    if not use.outside:
        return Severity.INFO
    if use.site in ASKS_ANOTHER or use.site is Site.RIPEMD160:
        return Severity.LOW
    if use.site is Site.MODEXP and "rsa" not in " ".join(use.names).lower():
        return Severity.INFO
    if use.effects & LOSES or Effect.STORAGE in use.effects:
        return Severity.HIGH
    return Severity.MEDIUM if use.answers else Severity.LOW


def confidence_of(use: Use) -> Confidence:
    """Low where the source did not compile, medium where a name tells what an address does."""
    if not use.compiled:
        return Confidence.LOW
    return Confidence.MEDIUM if use.site is Site.CALLS_PROOF else Confidence.HIGH


def findings_of(
    pattern: Pattern, algorithm: Algorithm | Callable[[Use], Algorithm]
) -> Callable[[Analysis], Iterator[Finding]]:
    """What a detector of that pattern finds in an `Analysis`: one finding for each place."""

    def find(analysis: Analysis) -> Iterator[Finding]:
        for use in analysis.uses_of(pattern):
            yield Finding(
                detector=pattern.value,
                contract=use.contract.name,
                algorithm=algorithm if isinstance(algorithm, Algorithm) else algorithm(use),
                severity=severity_of(use),
                confidence=confidence_of(use),
                location=Location(source=use.source, line=use.line),
                guards=guards_of(use.effects) if use.outside else (Guard.NOTHING_SEEN,),
                detail=_detail(use),
            )

    return find


def _detail(use: Use) -> str:
    entries = ", ".join(sorted(use.entries)[:4]) or "nothing"
    more = len(use.entries) - 4
    entries += f" and {more} more" if more > 0 else ""
    if not use.outside:
        return (
            f"{use.site.value} in {entries}; no function that can be called from outside reaches it"
        )
    if use.effects:
        return f"{use.site.value}, reached from {entries}; what it says decides: " + ", ".join(
            guard.value for guard in guards_of(use.effects)
        )
    if use.answers:
        return f"{use.site.value}, reached from {entries}, which answers with what it says"
    return f"{use.site.value}, reached from {entries}, which does nothing with what it says"
