"""Patterns: which scheme or standard a use belongs to. Each use belongs to one, the most special.

What is computed is told from the tree. Which standard it serves is told from the functions on its
way and in its contracts, by the names that the standards and the usual libraries give them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum

from bridge.verifier.sources.effects import Effect
from bridge.verifier.sources.sites import Site
from bridge.verifier.sources.uses import Use


class Pattern(StrEnum):
    """The detectors' ids."""

    VRF = "vrf"
    SCHNORR = "schnorr"
    MULTISIG = "multisig"
    ERC4337 = "erc4337-validation"
    ERC1271 = "erc1271"
    PERMIT2 = "permit2"
    ERC2612 = "erc2612-permit"
    SIGNED_ROOT = "signed-merkle-root"
    EIP712 = "eip712-meta-transaction"
    SIGNATURE_CHECKER = "signature-checker"
    SOLADY_ECDSA = "solady-ecdsa"
    OPENZEPPELIN_ECDSA = "openzeppelin-ecdsa"
    ECRECOVER = "ecrecover"
    RSA = "rsa"
    MODEXP = "modexp"
    GROTH16 = "groth16"
    PLONK = "plonk"
    ZK_PROOF = "zk-proof"
    BN254 = "bn254"
    BLS = "bls-signature"
    BLS12_381 = "bls12-381"
    KZG = "kzg"
    P256 = "p256"
    WEAK_HASH = "weak-hash"


_VRF = re.compile(r"vrf", re.I)
_SCHNORR = re.compile(r"schnorr", re.I)
_MULTISIG = re.compile(r"multisig|checkN?Signatures|threshold|quorum|verifySignatures", re.I)
_SIGNERS = re.compile(r"^_?(threshold|quorum|owners|signers|guardians|validators)$", re.I)
_META = re.compile(
    r"meta|bysig|withsig|forward|relay|delegat|withauthorization|fororder|execute", re.I
)
_TYPED = re.compile(r"hashTypedData|DOMAIN_SEPARATOR|domainSeparator|toTypedDataHash|EIP712", re.I)
_MERKLE = re.compile(r"merkleproof|verify(calldata|inclusion|merkle)?proof\b|processproof", re.I)
_RSA = re.compile(r"rsa|pkcs1", re.I)
_BLS = re.compile(r"\bbls|blsverif|hashtopoint|hashtog1|maptog1|aggregat", re.I)
_CURVES = re.compile(
    r"p256|secp256r1|ellipticcurve|webauthn|pairing|groth|plonk|verifier|bn254|altbn|inverse|modinv",
    re.I,
)
_GROTH_WORDS = re.compile(
    r"^(vk_?)?(alfa|alpha)1?x?$|^delta[2x]|^IC\d*x?$|^(vk_?)?gammax1$|alpha1|alfa1", re.I
)
_PLONK_WORDS = re.compile(
    r"^q[mlroc]x?$|^pQ|lagrange|omega|permutation|honk|shplemini|sumcheck|plonk|^w1$", re.I
)


def pattern_of(use: Use) -> Pattern:
    """The pattern of a use."""
    names = " ".join(sorted(use.names))
    return _BY_SITE[use.site](use, names)


def _signature(use: Use, names: str) -> Pattern:
    entries = {one.lower() for one in use.entries}
    everything = " ".join(sorted(use.called)) + " " + names
    if _VRF.search(names):
        return Pattern.VRF
    if _SCHNORR.search(names):
        return Pattern.SCHNORR
    if use.in_loop and _counts_signers(use, names):
        return Pattern.MULTISIG
    if entries & {"validateuserop", "validatepaymasteruserop"} or "_validateSignature" in names:
        return Pattern.ERC4337
    if "isvalidsignature" in entries:
        return Pattern.ERC1271
    if {
        "permittransferfrom",
        "permitwitnesstransferfrom",
    } & entries or "AllowanceTransfer" in names:
        return Pattern.PERMIT2
    if any(one.startswith("permit") for one in entries) and Effect.PERMIT in use.effects:
        return Pattern.ERC2612
    if _MERKLE.search(everything):
        return Pattern.SIGNED_ROOT
    if use.effects and (_TYPED.search(everything) or _META.search(" ".join(use.entries))):
        return Pattern.EIP712
    if "SignatureChecker" in names:
        return Pattern.SIGNATURE_CHECKER
    if re.search(r"\bECDSA\w*\.", names):
        return Pattern.SOLADY_ECDSA if "solady" in use.home else Pattern.OPENZEPPELIN_ECDSA
    return Pattern.ECRECOVER


def _counts_signers(use: Use, names: str) -> bool:
    """Whether a loop over signatures is one over signers, and not over requests."""
    text = " ".join((names, *use.entries, use.contract.name))
    return bool(_MULTISIG.search(text)) or any(_SIGNERS.match(one) for one in use.words)


def _modexp(use: Use, names: str) -> Pattern:
    if _RSA.search(names):
        return Pattern.RSA
    if _VRF.search(names):
        return Pattern.VRF
    return Pattern.MODEXP


def _bn254(use: Use, names: str) -> Pattern:
    if _BLS.search(names):
        return Pattern.BLS
    groth = sum(1 for one in use.words if _GROTH_WORDS.search(one))
    plonk = sum(1 for one in use.words if _PLONK_WORDS.search(one))
    if groth >= 2 and groth >= plonk:
        return Pattern.GROTH16
    if plonk >= 3:
        return Pattern.PLONK
    if "kzg" in names.lower():
        return Pattern.KZG
    return Pattern.BN254


def _bls12(use: Use, names: str) -> Pattern:
    return Pattern.BLS if _BLS.search(names) else Pattern.BLS12_381


def _secp256k1(use: Use, names: str) -> Pattern:
    if _VRF.search(names):
        return Pattern.VRF
    return Pattern.SCHNORR if _SCHNORR.search(names) else Pattern.ECRECOVER


def _is(pattern: Pattern) -> Callable[[Use, str], Pattern]:
    return lambda use, names: pattern


_BY_SITE: dict[Site, Callable[[Use, str], Pattern]] = {
    Site.ECRECOVER: _signature,
    Site.RIPEMD160: _is(Pattern.WEAK_HASH),
    Site.MODEXP: _modexp,
    Site.BN254_ADD: _bn254,
    Site.BN254_MUL: _bn254,
    Site.BN254_PAIRING: _bn254,
    Site.KZG: _is(Pattern.KZG),
    Site.BLS12_381: _bls12,
    Site.P256: _is(Pattern.P256),
    Site.P256_ARITHMETIC: _is(Pattern.P256),
    Site.SECP256K1_ARITHMETIC: _secp256k1,
    Site.CALLS_1271: _is(Pattern.ERC1271),
    Site.CALLS_PROOF: _is(Pattern.ZK_PROOF),
    Site.CALLS_PERMIT: _is(Pattern.ERC2612),
    Site.CALLS_PERMIT2: _is(Pattern.PERMIT2),
    Site.CALLS_VRF: _is(Pattern.VRF),
}


def is_part_of_another(use: Use, all_uses: list[Use]) -> bool:
    """Whether a use is a step of a scheme that another use of the contract stands for already.

    A modular exponentiation that inverts, the additions and multiplications before a pairing.
    """
    names = " ".join(use.names)
    if use.site is Site.MODEXP and not _RSA.search(names):
        others = {one.site for one in all_uses} - {Site.MODEXP}
        curves = {Site.BN254_PAIRING, Site.P256, Site.P256_ARITHMETIC, Site.SECP256K1_ARITHMETIC}
        return bool(others & curves) or _CURVES.search(names) is not None
    if use.site in (Site.BN254_ADD, Site.BN254_MUL):
        return any(one.site is Site.BN254_PAIRING for one in all_uses)
    if use.site is Site.P256_ARITHMETIC:
        return any(one.site is Site.P256 for one in all_uses)
    if use.site is Site.ECRECOVER and _VRF.search(names):
        return any(one.site is Site.SECP256K1_ARITHMETIC for one in all_uses)
    return False
