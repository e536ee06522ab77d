"""The SignerRegistry: the least quorum that the chain accepts, and what it refuses."""

import pytest

from tests.contracts.conftest import World, key_pair, padded, sign
from tests.contracts.machine import OWNER, STRANGER, Deployed, Machine, reverts


@pytest.fixture
def verifier(machine: Machine) -> Deployed:
    return machine.deploy("SlhDsaSha2128sVerifier")


@pytest.fixture
def registry(machine: Machine) -> Deployed:
    return machine.deploy("SignerRegistry", OWNER)


def keys(verifier: Deployed, count: int) -> list[tuple[str, bytes]]:
    return [(verifier.address, bytes([number + 1]) * 32) for number in range(count)]


@pytest.mark.parametrize(("signers", "threshold"), [(2, 2), (3, 2), (3, 3), (5, 3), (20, 11)])
def test_a_majority_of_at_least_two_is_stored(
    registry: Deployed, verifier: Deployed, signers: int, threshold: int
) -> None:
    registry.send("initialise", keys(verifier, signers), threshold)
    assert registry.call("quorum") == (1, threshold, signers)
    assert registry.call("signer", 1) == (verifier.address.lower(), b"\2" * 32)


@pytest.mark.parametrize(
    ("signers", "threshold"),
    [(0, 0), (1, 1), (3, 0), (3, 1), (4, 2), (20, 10), (2, 3)],
)
def test_less_is_refused(
    registry: Deployed, verifier: Deployed, signers: int, threshold: int
) -> None:
    with reverts("InvalidThreshold", threshold, signers, 2):
        registry.send("initialise", keys(verifier, signers), threshold)
    with reverts("Uninitialised"):
        registry.call("quorum")


def test_a_set_is_stored_once_and_by_the_owner(registry: Deployed, verifier: Deployed) -> None:
    with reverts("NotOwner", STRANGER.lower()):
        registry.send("initialise", keys(verifier, 3), 2, sender=STRANGER)
    registry.send("initialise", keys(verifier, 3), 2)
    with reverts("AlreadyInitialised"):
        registry.send("initialise", keys(verifier, 3), 2)


def test_a_key_stands_once(registry: Deployed, verifier: Deployed) -> None:
    signers = keys(verifier, 3)
    with reverts("DuplicateKey", 0, 3):
        registry.send("initialise", [*signers, signers[0]], 3)


@pytest.mark.parametrize("key", [b"", bytes(32), b"\1" * 31, b"\1" * 33])
def test_a_malformed_key_is_refused(registry: Deployed, verifier: Deployed, key: bytes) -> None:
    with reverts("MalformedKey", 2):
        registry.send("initialise", [*keys(verifier, 2), (verifier.address, key)], 2)


def test_a_verifier_without_code_is_refused(registry: Deployed, verifier: Deployed) -> None:
    nobody = "0x" + "cc" * 20
    with reverts("VerifierHasNoCode", 1, nobody):
        registry.send("initialise", [*keys(verifier, 1), (nobody, b"\7" * 32)], 2)


def test_more_signers_than_bits_are_refused(registry: Deployed, verifier: Deployed) -> None:
    signers = [(verifier.address, number.to_bytes(32)) for number in range(1, 258)]
    with reverts("TooManySigners", 257, 256):
        registry.send("initialise", signers, 200)


def test_an_uninitialised_registry_says_so(registry: Deployed) -> None:
    with reverts("Uninitialised"):
        registry.call("isValidSignature", 0, b"", b"", b"")
    with reverts("SignerNotInSet", 0, 0):
        registry.call("signer", 0)


def test_a_signature_counts_for_its_own_signer_only(world: World) -> None:
    signed = (b"message", b"ctx")
    signature = sign(1, *signed)
    ask = world.registry.call
    assert ask("isValidSignature", 0, *signed, signature) is True
    assert ask("isValidSignature", 1, *signed, signature) is False
    with reverts("SignerNotInSet", 3, 3):
        ask("isValidSignature", 3, *signed, signature)
    assert key_pair(1).public_key == ask("signer", 0)[1]
    assert padded(world.verifier.address)[12:].hex() == ask("signer", 0)[0][2:]
