"""MlDsa87Verifier's keys: a key is usable when all of it was computed on chain, never before."""

from __future__ import annotations

import pytest

from bridge.testing.machine import GAS, OWNER, STRANGER, Reverted, reverts
from scripts.kernels.matrix87 import key_parts
from scripts.kernels.mldsa87 import expand_key
from scripts.kernels.verify87 import part_code
from tests.contracts.ml_dsa import KEY_BYTES, OnChain, deploy, key_id, key_pair, sign

NOBODY = "0x" + "00" * 20
KEY = key_pair(1).public_key
OTHER = key_pair(2).public_key
ID, OTHER_ID = key_id(KEY), key_id(OTHER)
SIGNATURE, OTHER_SIGNATURE = sign(1, b"message"), sign(2, b"message")


@pytest.fixture
def chain() -> OnChain:
    return deploy()


def usable(chain: OnChain, key: bytes = ID, signature: bytes = SIGNATURE) -> bool:
    """Whether the key verifies its signature; without an expansion well-formed is the same."""
    verdict = chain.verdict(key, b"message", b"", signature)
    if len(key) in (32, 2592):
        assert chain.verifier.call("isKeyWellFormed", key) is verdict
    return verdict


def code(chain: OnChain, address: str) -> bytes:
    """The code of a contract, as EXTCODECOPY gives it to a contract that is made to ask."""
    # PUSH20 address, EXTCODESIZE, DUP1, PUSH0, PUSH0, PUSH20 address, EXTCODECOPY, PUSH0, RETURN
    asks = bytes.fromhex(f"73{address[2:]}3b805f5f73{address[2:]}3c5ff3")
    creation = bytes([0x60, len(asks), 0x80, 0x60, 0x0A, 0x5F, 0x39, 0x5F, 0xF3, 0x00]) + asks
    asker = chain.machine.deploy_code(creation)
    return chain.machine.raw_call(asker, b"", OWNER, static=True)


def codes(chain: OnChain, public_key: bytes) -> list[bytes]:
    """The codes of a key's four contracts, the head first."""
    head = chain.verifier.call("heads", key_id(public_key))
    tail = code(chain, head)[-96:]
    others = ["0x" + tail[at + 12 : at + 32].hex() for at in (0, 32, 64)]
    return [code(chain, address) for address in (head, *others)]


def test_events_and_answers(chain: OnChain) -> None:
    upper = chain.verifier.send("register", KEY, 1)
    lower = chain.verifier.send("register", KEY, 0)
    assert (upper.output, lower.output) == (ID, ID)
    (half,) = upper.events(chain.verifier)
    assert half.arguments == {"keyId": ID, "half": 1}
    half, whole = lower.events(chain.verifier)
    assert half.arguments == {"keyId": ID, "half": 0}
    assert whole.arguments["keyId"] == ID
    assert whole.arguments["head"] == chain.verifier.call("heads", ID)
    assert usable(chain)


def test_an_unregistered_id_verifies_nothing(chain: OnChain) -> None:
    chain.registered(OTHER)
    assert not usable(chain)
    assert not usable(chain, bytes(32))
    assert usable(chain, OTHER_ID, OTHER_SIGNATURE)


def test_half_0_needs_half_1(chain: OnChain) -> None:
    with reverts("UpperHalfMissing", ID):
        chain.verifier.send("register", KEY, 0)
    assert not usable(chain)
    chain.registered(KEY)
    assert usable(chain)


def test_each_half_once(chain: OnChain) -> None:
    chain.verifier.send("register", KEY, 1)
    with reverts("AlreadyRegistered", ID):
        chain.verifier.send("register", KEY, 1)
    chain.verifier.send("register", KEY, 0)
    for half in (0, 1):
        with reverts("AlreadyRegistered", ID):
            chain.verifier.send("register", KEY, half)
    assert usable(chain)


@pytest.mark.parametrize("half", [2, 3, 256, (1 << 256) - 1])
def test_there_are_two_halves(chain: OnChain, half: int) -> None:
    with reverts("NoSuchHalf", half):
        chain.verifier.send("register", KEY, half)
    chain.registered(KEY)
    with reverts("NoSuchHalf", half):
        chain.verifier.send("register", KEY, half)


@pytest.mark.parametrize("length", [0, 1, 32, KEY_BYTES - 1, KEY_BYTES + 1, 2 * KEY_BYTES])
def test_a_key_has_one_length(chain: OnChain, length: int) -> None:
    key = (KEY * 2)[:length]
    for half in (0, 1, 2):
        with reverts("WrongKeyLength", KEY_BYTES, length):
            chain.verifier.send("register", key, half)
    with reverts("WrongKeyLength", KEY_BYTES, length):
        chain.verifier.send("commit", key)
    with reverts("WrongKeyLength", KEY_BYTES, length):
        chain.verifier.call("expand", key)


def test_half_a_key_is_none(chain: OnChain) -> None:
    chain.verifier.send("register", KEY, 1)
    assert not usable(chain)
    assert chain.verifier.call("heads", ID) == NOBODY
    assert NOBODY not in chain.verifier.call("uppers", ID)
    chain.verifier.send("register", KEY, 0)
    assert usable(chain)


def test_keys_may_be_interleaved(chain: OnChain) -> None:
    for half in (1, 0):
        for key in (KEY, OTHER):
            chain.verifier.send("register", key, half)
    assert usable(chain)
    assert usable(chain, OTHER_ID, OTHER_SIGNATURE)
    assert not chain.verdict(ID, b"message", b"", OTHER_SIGNATURE)
    assert not chain.verdict(OTHER_ID, b"message", b"", SIGNATURE)
    for key in (KEY, OTHER):
        assert [held[1:16_385] for held in codes(chain, key)] == key_parts(expand_key(key))


def test_another_may_finish(chain: OnChain) -> None:
    chain.verifier.send("register", KEY, 1)
    chain.verifier.send("register", KEY, 0, sender=STRANGER)
    assert usable(chain)


def test_who_comes_first_changes_nothing(chain: OnChain) -> None:
    """The contracts of a key are the same whoever pays for them, and stay."""
    alone = deploy()
    alone.registered(KEY)
    chain.verifier.send("register", KEY, 1, sender=STRANGER)
    with reverts("AlreadyRegistered", ID):
        chain.verifier.send("register", KEY, 1)
    chain.verifier.send("register", KEY, 0, sender=STRANGER)
    head, held = chain.verifier.call("heads", ID), codes(chain, KEY)
    for half in (0, 1):
        with reverts("AlreadyRegistered", ID):
            chain.verifier.send("register", KEY, half)
    assert chain.verifier.call("heads", ID) == head == alone.verifier.call("heads", ID)
    assert codes(chain, KEY) == held == codes(alone, KEY)
    for one in (chain, alone):
        assert usable(one)
        assert not one.verdict(ID, b"massage", b"", SIGNATURE)


@pytest.mark.parametrize("number", range(1, 5))
def test_the_contracts_hold_the_expansion(chain: OnChain, number: int) -> None:
    public_key = key_pair(number).public_key
    chain.registered(public_key)
    key = expand_key(public_key)
    first, *rest = key_parts(key)
    head, *others = codes(chain, public_key)
    addresses = head[-96:]
    assert head == part_code(first, key.tr + addresses)
    assert others == [part_code(part) for part in rest]
    uppers = chain.verifier.call("uppers", key_id(public_key))
    upper_words = [addresses[32:64], addresses[64:]]
    assert upper_words == [bytes.fromhex(address[2:]).rjust(32, b"\0") for address in uppers]


def test_the_same_expansion_in_each_form(chain: OnChain) -> None:
    key = expand_key(KEY)
    expansion = b"".join(key_parts(key)) + key.tr
    assert chain.verifier.call("expand", KEY) == expansion
    chain.verifier.send("commit", KEY)
    assert chain.verifier.call("commitments", ID) == key_id(expansion)


def attempts(spent: int) -> list[int]:
    """Amounts of gas below what is spent: all over, and closely before the end."""
    return [*range(100_000, spent, 229_003), *range(spent - 120_000, spent, 7_001), spent - 1]


def half_registered(half: int) -> OnChain:
    """A chain on which ``half`` is the next half of the key."""
    made = deploy()
    if half == 0:
        made.verifier.send("register", KEY, 1)
    return made


@pytest.mark.parametrize("half", [1, 0])
def test_too_little_gas_leaves_nothing_behind(half: int) -> None:
    # Each on a chain of its own: what a view read stays warm on this machine.
    spent = half_registered(half).verifier.send("register", KEY, half).gas
    names = set()
    for gas in attempts(spent):
        chain = half_registered(half)
        before = chain.verifier.call("uppers", ID)
        with pytest.raises((Reverted, RuntimeError)) as caught:
            chain.verifier.send("register", KEY, half, gas=gas)
        names.add(getattr(caught.value, "name", None))
        assert chain.verifier.call("heads", ID) == NOBODY
        assert chain.verifier.call("uppers", ID) == before
        assert not usable(chain)
        for missing in range(half, -1, -1):
            chain.verifier.send("register", KEY, missing)
        assert usable(chain)
    assert {"KernelFailed", "NotCreated"} <= names


def test_each_transaction_is_below_the_cap() -> None:
    spent: dict[str, list[int]] = {"register 1": [], "register 0": [], "commit": []}
    chain = deploy()
    for number in range(1, 13):
        public_key = key_pair(number).public_key
        spent["register 1"].append(chain.verifier.send("register", public_key, 1).gas)
        spent["register 0"].append(chain.verifier.send("register", public_key, 0).gas)
        spent["commit"].append(chain.verifier.send("commit", public_key).gas)
    for what, figures in spent.items():
        print(f"ML-DSA-87 {what}: {min(figures):,} to {max(figures):,} gas a transaction")
        assert max(figures) < GAS
    assert max(spent["register 1"]) <= 9_400_000
    assert max(spent["register 0"]) <= 10_000_000
    assert max(spent["commit"]) <= 5_800_000


def test_commit(chain: OnChain) -> None:
    sent = chain.verifier.send("commit", KEY)
    assert sent.output == ID
    (event,) = sent.events(chain.verifier)
    assert event.arguments == {"keyId": ID, "commitment": chain.verifier.call("commitments", ID)}
    assert usable(chain, ID + chain.verifier.call("expand", KEY))
    with reverts("AlreadyRegistered", ID):
        chain.verifier.send("commit", KEY, sender=STRANGER)


def test_nothing_is_committed_before(chain: OnChain) -> None:
    expansion = chain.verifier.call("expand", KEY)
    assert not usable(chain, ID + expansion)
    chain.verifier.send("commit", OTHER)
    assert not usable(chain, ID + expansion)
    assert not usable(chain, bytes(32) + expansion)


def test_too_little_gas_commits_nothing() -> None:
    spent = deploy().verifier.send("commit", KEY).gas
    for gas in attempts(spent):
        chain = deploy()
        with pytest.raises((Reverted, RuntimeError)):
            chain.verifier.send("commit", KEY, gas=gas)
        assert chain.verifier.call("commitments", ID) == bytes(32)
        assert usable(chain, chain.committed(KEY))


@pytest.mark.parametrize(
    "position", [0, 31, 32, 16_383, 16_384, 32_767, 32_768, 65_535, 65_536, 65_599]
)
def test_a_flipped_bit_of_a_committed_expansion_is_seen(chain: OnChain, position: int) -> None:
    key = chain.committed(KEY)
    for bit in (0x01, 0x80):
        changed = bytearray(key)
        changed[32 + position] ^= bit
        assert not usable(chain, bytes(changed))
    assert usable(chain, key)


def test_the_expansion_of_another_key_is_none_of_this(chain: OnChain) -> None:
    key, other = chain.committed(KEY), chain.committed(OTHER)
    for mixed in (ID + other[32:], OTHER_ID + key[32:]):
        for signature in (SIGNATURE, OTHER_SIGNATURE):
            assert not usable(chain, mixed, signature)
    assert usable(chain, key)
    assert usable(chain, other, OTHER_SIGNATURE)


@pytest.mark.parametrize("length", [33, 64, 2592 + 32, 32 + 65_536, 32 + 65_599])
def test_a_truncated_expansion_is_none(chain: OnChain, length: int) -> None:
    key = chain.committed(KEY)
    assert not usable(chain, key[:length])
    assert not usable(chain, key[:32] + key[-(length - 32) :])
    assert not usable(chain, key + bytes(32))


def test_only_the_kernels_it_was_built_for(chain: OnChain) -> None:
    machine, kernel, expander = chain.machine, chain.kernel.address, chain.expander.address
    impostor = machine.deploy("SlhDsaSha2128sVerifier").address
    for wrong in (expander, impostor, NOBODY, STRANGER):
        with reverts("NotTheKernel"):
            machine.deploy("MlDsa87Verifier", wrong, expander)
    for wrong in (kernel, impostor, NOBODY, STRANGER):
        with reverts("NotTheKernel"):
            machine.deploy("MlDsa87Verifier", kernel, wrong)
    kept = [chain.verifier.call(name) for name in ("kernel", "expander")]
    assert [address.lower() for address in kept] == [kernel.lower(), expander.lower()]
