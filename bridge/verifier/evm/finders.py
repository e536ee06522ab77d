"""What each detector finds in bytecode: the callable of its ``bytecode`` field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bridge.verifier.evm.interfaces import PROOF_VERIFIERS, SIGNATURE_CHECKS
from bridge.verifier.evm.judge import (
    ECDSA_P256,
    ECDSA_SECP256K1,
    finding_at,
    of_precompiles,
    of_verifiers,
)
from bridge.verifier.evm.program import Program
from bridge.verifier.evm.sites import Site, Use, constant_word
from bridge.verifier.finding import Algorithm, Confidence, Finding, Guard, Primitive, Severity

BN254: Final = Algorithm("BN254", Primitive.OTHER, "BN254", "other/bn254")
KZG: Final = Algorithm("KZG", Primitive.OTHER, "BLS12-381", "bls/bls12-381")
BLS12_381: Final = Algorithm("BLS12-381", Primitive.OTHER, "BLS12-381", "bls/bls12-381")
RSA: Final = Algorithm("RSA", Primitive.SIGNATURE)
MODULAR: Final = Algorithm("modular exponentiation", Primitive.OTHER)
RIPEMD: Final = Algorithm("RIPEMD-160", Primitive.HASH, "160")

RSA_EXPONENTS: Final = frozenset({3, 17, 65537})
"""Public exponents in use; a field's inverse or root has an exponent as long as its modulus."""

FIELD_BYTES: Final = 66
"""The longest modulus that is a curve's: P-521's. RSA of that size is none."""

CURVES: Final = {
    # secp256k1's p, and x of its base point. Its order is no sign: who calls ecrecover bounds s by
    # its half.
    (1 << 256) - (1 << 32) - 977: ("secp256k1", "secg/secp256k1"),
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798: (
        "secp256k1",
        "secg/secp256k1",
    ),
    # P-256's p and order.
    (1 << 256) - (1 << 224) + (1 << 192) + (1 << 96) - 1: ("P-256", "nist/P-256"),
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551: ("P-256", "nist/P-256"),
    # Ed25519's p and the order of its base point (RFC 8032).
    (1 << 255) - 19: ("Ed25519", "ed/Ed25519"),
    (1 << 252) + 27742317777372353535851937790883648493: ("Ed25519", "ed/Ed25519"),
}
"""Fields, orders and base points that only arithmetic on a curve has a use for."""


def _modexp_algorithm(program: Program, site: Site) -> Algorithm:
    return RSA if _looks_like_rsa(site) else MODULAR


def _looks_like_rsa(site: Site) -> bool:
    """Whether the exponent is a public one.

    The input is the lengths of base, exponent and modulus, then these (EIP-198). An exponent of at
    most four bytes is public, and so is a constant after the lengths that is one of those in use.
    """
    modulus = constant_word(site, 64)
    if modulus is not None and modulus <= FIELD_BYTES:
        return False
    length = constant_word(site, 32)
    return (length is not None and 0 < length <= 4) or any(
        at >= 96 and isinstance(word, int) and _exponent(word) in RSA_EXPONENTS
        for at, word in site.inputs
    )


def _exponent(word: int) -> int:
    """The number at either end of a word."""
    while word and not word & 0xFF:
        word >>= 8
    return word


def _modexp_most(program: Program, site: Site) -> Severity:
    # Arithmetic in a field is no cryptography by itself: what is built on it has its own finding.
    modulus = constant_word(site, 64)
    return Severity.LOW if modulus is not None and modulus <= FIELD_BYTES else Severity.HIGH


ecrecover = of_precompiles("ecrecover", (0x01,), lambda program, site: ECDSA_SECP256K1)
modexp = of_precompiles("modexp", (0x05,), _modexp_algorithm, _modexp_most)
bn254 = of_precompiles("bn254", (0x06, 0x07, 0x08), lambda program, site: BN254)
kzg = of_precompiles("kzg", (0x0A,), lambda program, site: KZG)
bls12_381 = of_precompiles("bls12-381", tuple(range(0x0B, 0x12)), lambda program, site: BLS12_381)
p256 = of_precompiles("p256", (0x100,), lambda program, site: ECDSA_P256)
zk_proof = of_verifiers(
    "zk-proof", PROOF_VERIFIERS, lambda system: Algorithm(system, Primitive.OTHER)
)


def erc1271(program: Program) -> Iterator[Finding]:
    """Signatures that another contract checks: under which scheme is not seen here."""
    for site in program.verifier_sites():
        if site.selector in SIGNATURE_CHECKS:
            found = SIGNATURE_CHECKS[site.selector]
            yield finding_at(
                program,
                "erc1271",
                site,
                Algorithm(f"signature by {found}", Primitive.SIGNATURE),
                f"asks another contract ({found})",
                Severity.LOW,
            )


def weak_hash(program: Program) -> Iterator[Finding]:
    """RIPEMD-160, and hashes of which at most 128 bits decide something."""
    yield from of_precompiles(
        "weak-hash", (0x03,), lambda program, site: RIPEMD, lambda program, site: Severity.MEDIUM
    )(program)
    for site in program.sites:
        if site.use is not Use.SHORT_HASH or not program.flow.deciding[site.index]:
            continue
        guards = program.guards(site)
        if guards == (Guard.NOTHING_SEEN,):
            continue
        yield finding_at(
            program,
            "weak-hash",
            site,
            Algorithm(f"Keccak-256, cut to {site.bits} bits", Primitive.HASH, str(site.bits)),
            f"compares {site.bits} bits of a hash",
            Severity.MEDIUM,
        )


def eoa_owner(program: Program) -> Iterator[Finding]:
    """Branches on whether one account calls; whether it is a contract cannot be told from here."""
    seen = set()
    for check in program.caller_checks:
        key = (check.slot, check.account)
        if key in seen:
            continue
        seen.add(key)
        where = (
            f"in storage slot 0x{check.slot:x}"
            if check.slot is not None
            else f"0x{check.account:040x} in the code"
        )
        yield Finding(
            detector="eoa-owner",
            contract=program.contract,
            algorithm=ECDSA_SECP256K1,
            severity=Severity.INFO,
            confidence=Confidence.MEDIUM,
            location=program.location(check.offset),
            guards=(Guard.CALL,),
            detail=f"obeys the account {where}; if no contract is there, one ECDSA key decides",
        )


def curve_arithmetic(program: Program) -> Iterator[Finding]:
    """Constants of curves in code that runs: signatures that no precompile checks."""
    found: dict[tuple[str, str], int] = {}
    for constant, offset in program.constants.items():
        curve = CURVES.get(constant)
        if curve is not None:
            found[curve] = min(offset, found.get(curve, offset))
    for (name, curve_id), offset in sorted(found.items()):
        yield Finding(
            detector="curve-arithmetic",
            contract=program.contract,
            algorithm=Algorithm(f"arithmetic on {name}", Primitive.OTHER, name, curve_id),
            severity=Severity.LOW,
            confidence=Confidence.MEDIUM,
            location=program.location(offset),
            guards=(Guard.NOTHING_SEEN,),
            detail=f"computes with constants of {name}; what that decides is not followed",
        )
