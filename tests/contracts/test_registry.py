"""The SignerRegistry's sets: the least quorum that the chain accepts, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.domain.errors import InputError
from bridge.domain.quorums import Signer, SignerKey, SignerSet
from bridge.testing.machine import GUARDIAN, OWNER, STRANGER, Deployed, Machine, reverts
from bridge.testing.world import GOVERNANCE, HOUR_S, ML_DSA, SLH_DSA, World, key_pair, sign, signer
from tests.contracts.conftest import creation

KEY = b"\1" * 32


@pytest.fixture
def verifier(machine: Machine) -> Deployed:
    return machine.deploy("SlhDsaSha2128sVerifier")


@pytest.fixture
def registry(machine: Machine) -> Deployed:
    return machine.deploy("SignerRegistry", GOVERNANCE, HOUR_S, HOUR_S)


def members(verifier: Deployed, *weights: int) -> list[tuple[int, list[tuple[str, bytes]]]]:
    """A signer of each weight, with a key of its own."""
    return [
        (weight, [(verifier.address, bytes([number + 1]) * 32)])
        for number, weight in enumerate(weights)
    ]


def initialise(registry: Deployed, signers: list[Any], threshold: int, *families: int) -> None:
    registry.send("initialise", (signers, threshold, *(families or (0, 0))))


@pytest.mark.parametrize(
    ("weights", "threshold"),
    [
        ((1, 1, 1), 2),
        ((1, 1, 1), 3),
        ((1,) * 5, 3),
        ((1,) * 20, 11),
        ((2, 2, 1), 3),
        ((10, 9, 1, 1), 11),
        ((1,) * 256, 129),
    ],
)
def test_a_majority_of_weight_that_no_signer_has_alone_is_stored(
    registry: Deployed, verifier: Deployed, weights: tuple[int, ...], threshold: int
) -> None:
    if len(weights) < 256:
        signers = members(verifier, *weights)
    else:
        signers = [(1, [(verifier.address, number.to_bytes(32))]) for number in range(1, 257)]
    # 256 signers are more than one transaction stores on mainnet: the gas here is not bounded.
    registry.send("initialise", (signers, threshold, 0, 0), gas=1 << 32)
    assert registry.call("currentEpoch") == 1
    assert registry.call("epochInfo", 1)[2:] == (threshold, 0, 0, len(weights))
    weight, keys = registry.call("signer", 1, 1)
    assert (weight, keys[0][1]) == (weights[1], signers[1][1][0][1])


@pytest.mark.parametrize(
    ("weights", "threshold", "error", "arguments"),
    [
        ((), 0, "InvalidSignerCount", (0, 3, 256)),
        ((1,), 1, "InvalidSignerCount", (1, 3, 256)),
        ((1, 1), 2, "InvalidSignerCount", (2, 3, 256)),
        ((1, 1, 1), 0, "InvalidWeight", (0, 1, 0)),
        ((1, 1, 1), 1, "InvalidWeight", (0, 1, 1)),
        ((1, 1, 0), 2, "InvalidWeight", (2, 0, 2)),
        ((1, 3, 1), 3, "InvalidWeight", (1, 3, 3)),
        ((1, 1, 1, 1), 2, "InvalidThreshold", (2, 4)),
        ((1, 1, 1), 4, "InvalidThreshold", (4, 3)),
        ((2, 2, 2), 3, "InvalidThreshold", (3, 6)),
    ],
)
def test_less_is_refused(
    registry: Deployed,
    verifier: Deployed,
    weights: tuple[int, ...],
    threshold: int,
    error: str,
    arguments: tuple[int, ...],
) -> None:
    with reverts(error, *arguments):
        initialise(registry, members(verifier, *weights), threshold)
    with reverts("Uninitialised"):
        registry.call("currentEpoch")


def test_more_signers_than_bits_are_refused(registry: Deployed, verifier: Deployed) -> None:
    signers = [(1, [(verifier.address, number.to_bytes(32))]) for number in range(1, 258)]
    with reverts("InvalidSignerCount", 257, 3, 256):
        initialise(registry, signers, 200)


def test_a_set_is_stored_once_and_by_the_owner(registry: Deployed, verifier: Deployed) -> None:
    struct = (members(verifier, 1, 1, 1), 2, 0, 0)
    for sender in (STRANGER, GUARDIAN):
        with reverts("NotOwner", sender.lower()):
            registry.send("initialise", struct, sender=sender)
    registry.send("initialise", struct)
    with reverts("AlreadyInitialised"):
        registry.send("initialise", struct)


def test_a_key_stands_once_whatever_its_form(world: World) -> None:
    """A registered ML-DSA-87 key has an id of 32 bytes, and is taken raw as well."""
    side = world.b
    verifier, public_key = side.verifiers[ML_DSA].address, key_pair(ML_DSA, 1).public_key
    held = side.struct(SignerSet(1, 2, world.signers))[0]
    fresh = side.machine.deploy("SignerRegistry", GOVERNANCE, HOUR_S, HOUR_S)
    with reverts("DuplicateKey", 0, 3):
        initialise(fresh, [*held, (1, [(verifier, public_key)])], 3)
    with reverts("DuplicateKey", 2, 3):
        initialise(fresh, [*held, held[2]], 3)
    initialise(fresh, held, 2)


@pytest.mark.parametrize("key", [b"", bytes(32), b"\1" * 31, b"\1" * 33])
def test_a_malformed_or_zero_key_is_refused(
    registry: Deployed, verifier: Deployed, key: bytes
) -> None:
    with reverts("MalformedKey", 2):
        initialise(registry, [*members(verifier, 1, 1), (1, [(verifier.address, key)])], 2)


def test_a_verifier_without_code_or_of_no_family_is_refused(
    registry: Deployed, verifier: Deployed, machine: Machine
) -> None:
    nobody = "0x" + "cc" * 20
    with reverts("VerifierHasNoCode", 1, nobody):
        initialise(registry, [*members(verifier, 1), (1, [(nobody, KEY)]), (1, [])], 2)
    # Answers every call with the string "RSA-2048".
    says_rsa = "60205f52" + "6008602052" + "67" + b"RSA-2048".hex() + "60c01b604052" + "60605ff3"
    rsa = machine.deploy_code(creation(says_rsa))
    with reverts("UnknownAlgorithm", 2, "RSA-2048"):
        initialise(registry, [*members(verifier, 1, 1), (1, [(rsa, KEY)])], 2)


def test_a_signer_has_one_key_or_one_of_each_family(registry: Deployed, verifier: Deployed) -> None:
    two = members(verifier, 1, 1)
    keys = [(verifier.address, bytes([7 + number]) * 32) for number in range(3)]
    for count in (0, 3):
        with reverts("InvalidKeyCount", 2, count):
            initialise(registry, [*two, (1, keys[:count])], 2)
    with reverts("SameFamily", 2):
        initialise(registry, [*two, (1, keys[:2])], 2)


def test_a_family_is_asked_for_no_more_than_it_has(registry: Deployed, verifier: Deployed) -> None:
    signers = members(verifier, 2, 2, 1)
    with reverts("InvalidFamilyThreshold", 1, 0):
        initialise(registry, signers, 3, 1, 0)
    with reverts("InvalidFamilyThreshold", 6, 5):
        initialise(registry, signers, 3, 0, 6)
    initialise(registry, signers, 3, 0, 5)
    assert not registry.call("isQuorum", 1, 0b011)
    assert registry.call("isQuorum", 1, 0b111)


@pytest.mark.parametrize(
    ("weights", "threshold"), [((1, 1, 1), 2), ((3, 2, 2, 1), 5), ((5, 4, 4, 4, 3), 11)]
)
def test_who_is_a_quorum_is_the_same_on_and_off_chain(
    registry: Deployed, verifier: Deployed, weights: tuple[int, ...], threshold: int
) -> None:
    initialise(registry, members(verifier, *weights), threshold)
    signers = tuple(
        Signer((SignerKey(str(n), SLH_DSA, bytes([n + 1]) * 32),), weight)
        for n, weight in enumerate(weights)
    )
    off_chain = SignerSet(1, threshold, signers)
    for bits in range(1 << len(weights)):
        chosen = {index for index in range(len(weights)) if bits >> index & 1}
        assert registry.call("isQuorum", 1, bits) == off_chain.is_quorum(chosen), bits
    assert not registry.call("isQuorum", 1, 0b1 << 200)
    assert not registry.call("isQuorum", 2, (1 << len(weights)) - 1)


def test_both_families_on_and_off_chain(world: World) -> None:
    side = world.b
    fresh = side.machine.deploy("SignerRegistry", GOVERNANCE, HOUR_S, HOUR_S)
    both = (signer((ML_DSA, 1), (SLH_DSA, 4)), signer((ML_DSA, 2)), signer((SLH_DSA, 3)))
    demanding = SignerSet(1, 2, both, lattice_threshold=2, hash_threshold=1)
    fresh.send("initialise", side.struct(demanding))
    for bits in range(8):
        chosen = {index for index in range(3) if bits >> index & 1}
        assert fresh.call("isQuorum", 1, bits) == demanding.is_quorum(chosen), bits
    assert fresh.call("isQuorum", 1, 0b011)  # ML-DSA twice, SLH-DSA by the signer with both
    assert not fresh.call("isQuorum", 1, 0b101)  # ML-DSA once
    with pytest.raises(InputError, match="hash threshold: expected 0 to 2, got 3"):
        SignerSet(1, 2, both, hash_threshold=3)


def test_an_uninitialised_registry_says_so(registry: Deployed) -> None:
    """No proxy, no implementation left open: before the first set nothing is answered."""
    with reverts("Uninitialised"):
        registry.call("isValidSignature", 1, 0, b"", b"", b"")
    with reverts("Uninitialised"):
        registry.call("signer", 1, 0)
    with reverts("Uninitialised"):
        registry.call("currentEpoch")
    for epoch in (0, 1):
        assert not registry.call("isUsable", epoch)
        assert not registry.call("isQuorum", epoch, 2**256 - 1)
        assert not registry.call("isOperable", epoch)


def test_a_signature_counts_for_its_own_signer_only(world: World) -> None:
    signed = (b"message", b"ctx")
    signature = sign(world.signers[0], *signed)
    ask = world.b.registry.call
    assert ask("isValidSignature", 1, 0, *signed, signature) is True
    assert ask("isValidSignature", 1, 1, *signed, signature) is False
    with reverts("SignerNotInSet", 3, 3):
        ask("isValidSignature", 1, 3, *signed, signature)
    with reverts("SignerNotInSet", 0, 0):
        ask("isValidSignature", 2, 0, *signed, signature)


@pytest.mark.parametrize("period", [0, HOUR_S - 1, 30 * 24 * HOUR_S + 1])
def test_periods_out_of_bounds_are_refused(machine: Machine, period: int) -> None:
    bounds = (HOUR_S, 30 * 24 * HOUR_S)
    with reverts("InvalidPeriod", period, *bounds):
        machine.deploy("SignerRegistry", GOVERNANCE, period, HOUR_S)
    with reverts("InvalidPeriod", period, *bounds):
        machine.deploy("SignerRegistry", GOVERNANCE, HOUR_S, period)
    with reverts("InvalidDelay", period, *bounds):
        machine.deploy("SignerRegistry", (OWNER, GUARDIAN, period), HOUR_S, HOUR_S)
