"""Wormhole, February 2022: the caller chose what verified his signatures; and an implementation
behind a proxy that nobody had initialised (found the same month)."""

from __future__ import annotations

import pytest

from bridge.chain.abi import encode_call
from bridge.chain.artifact import NAMES, load
from bridge.chain.statements import checkpoint_tuple, rotation_tuple, signer_set_hash
from bridge.crypto.hashing import keccak256
from bridge.domain.messages import Message
from bridge.domain.quorums import SignerSet
from bridge.domain.rotations import Rotation
from bridge.testing import World, padded
from bridge.testing.machine import GUARDIAN, OWNER, STRANGER, reverts
from bridge.testing.world import GOVERNANCE, HOUR_S, MAXIMUM_AGE_S, SIGNERS, raw
from tests.incidents.conftest import A, B, attacker, send

# Opcodes by which a contract runs foreign code as its own, or ends itself.
FORBIDDEN = {0xF2: "CALLCODE", 0xF4: "DELEGATECALL", 0xFF: "SELFDESTRUCT"}
JUMPDEST, JUMP, JUMPI, STOP, INVALID = 0x5B, 0x56, 0x57, 0x00, 0xFE
ENDS = {STOP, JUMP, 0xF3, 0xFD, INVALID, 0xFF}


def opcodes(code: bytes) -> list[int]:
    """The opcodes that can run, in the order of their positions.

    Behind an end, code goes on at a JUMPDEST whose position some code pushes: every jump of the
    contracts is to a place that stands in a PUSH. What no jump reaches is data.
    """
    pushed: set[int] = set()
    while True:
        found, known = [], len(pushed)
        position, running = 0, True
        while position < len(code):
            opcode = code[position]
            size = opcode - 0x5F if 0x60 <= opcode <= 0x7F else 0
            running = running or (opcode == JUMPDEST and position in pushed)
            if running:
                found.append(opcode)
                if size:
                    pushed.add(int.from_bytes(code[position + 1 : position + 1 + size], "big"))
            if opcode in ENDS:
                running = False
            position += 1 + size
        if len(pushed) == known:
            return found


@pytest.mark.parametrize("name", NAMES)
def test_no_contract_runs_foreign_code_as_its_own(name: str) -> None:
    """No proxy, no implementation, no library to be called in a contract's place."""
    seen = opcodes(load(name).deployed_code)
    assert len(seen) > 500
    assert [FORBIDDEN[opcode] for opcode in seen if opcode in FORBIDDEN] == []


def test_the_disassembler_sees_what_it_is_to_see() -> None:
    assert opcodes(bytes.fromhex("5f5f5f5f5f5ff400f4")) == [0x5F] * 6 + [0xF4, 0x00]
    assert 0xF4 not in opcodes(bytes.fromhex("60f461f4f400"))  # operands of PUSH
    assert 0xFF in opcodes(bytes.fromhex("6003565b32ff"))
    assert 0xFF not in opcodes(bytes.fromhex("6004565b32ff"))  # no jump leads there


@pytest.mark.parametrize("by", [OWNER, GUARDIAN, STRANGER])
def test_an_uninitialised_registry_verifies_nothing_for_anybody(world: World, by: str) -> None:
    """What an attacker would do with one: make himself its signer. The owner alone initialises."""
    machine = world.b.machine
    yes = attacker(machine, "YesVerifier")
    empty = machine.deploy("SignerRegistry", GOVERNANCE, HOUR_S, HOUR_S)
    own = ([(1, [(yes.address, bytes([number]) * 32)]) for number in (1, 2, 3)], 2, 0, 0)
    rotation = (31002, empty.address, 0, b"\1" * 32, 0)
    for function, arguments in (
        ("isValidSignature", (0, 0, b"", b"", b"")),
        ("currentEpoch", ()),
        ("approveRotation", (rotation, [0], [b""])),
        ("scheduleRotation", (rotation, own)),
        ("proveSignature", (1, 0, 0, bytes(32), b"")),
    ):
        with reverts("Uninitialised"):
            empty.send(function, *arguments, sender=by)
    assert not any(empty.call("isQuorum", epoch, 2**256 - 1) for epoch in range(3))
    if by != OWNER:
        with reverts("NotOwner", by.lower()):
            empty.send("initialise", own, sender=by)


def test_a_second_initialise_reverts(world: World) -> None:
    registry = world.b.registry
    yes = attacker(world.b.machine, "YesVerifier")
    own = ([(1, [(yes.address, bytes([number]) * 32)]) for number in (1, 2, 3)], 2, 0, 0)
    with reverts("AlreadyInitialised"):
        registry.send("initialise", own, sender=OWNER)
    with reverts("NotOwner", STRANGER.lower()):
        registry.send("initialise", own, sender=STRANGER)


def test_no_argument_of_a_caller_chooses_a_verifier(world: World, recipient: bytes) -> None:
    """The attacker has a verifier that accepts all, and no place where he could name it."""
    side = world.b
    yes = attacker(side.machine, "YesVerifier")
    own = ([(1, [(yes.address, bytes([number]) * 32)]) for number in (1, 2, 3)], 2, 0, 0)
    with reverts("NotScheduled", STRANGER.lower()):
        side.registry.send("recover", own, sender=STRANGER)
    honest = SignerSet(2, 2, SIGNERS)
    statement = Rotation(
        side.machine.chain_id,
        raw(side.registry.address),
        1,
        signer_set_hash(honest, side.addresses()),
    )
    with reverts("RotationNotApproved"):
        side.registry.send("scheduleRotation", rotation_tuple(statement), own, sender=STRANGER)
    world.rotate(side, statement)  # a quorum approved the honest set; he brings his own instead
    with reverts("WrongSignerSet"):
        side.registry.send("scheduleRotation", rotation_tuple(statement), own, sender=STRANGER)
    send(world, recipient, b"")
    checkpoint = checkpoint_tuple(world.checkpoint(world.a, world.b))
    with reverts("InvalidSignature", 0):
        side.inbox.send("attest", checkpoint, [0, 1], [b"\1" * 4627] * 2, sender=STRANGER)


def test_a_whole_bridge_of_the_attackers_own_is_nobodys(world: World) -> None:
    """Registry, verifier and Inbox are his; the application hears its own Inbox only."""
    machine = world.b.machine
    governed = (STRANGER, GUARDIAN, HOUR_S)
    yes = attacker(machine, "YesVerifier")
    registry = machine.deploy("SignerRegistry", governed, HOUR_S, MAXIMUM_AGE_S, sender=STRANGER)
    own = ([(1, [(yes.address, bytes([number]) * 32)]) for number in (1, 2, 3)], 2, 0, 0)
    registry.send("initialise", own, sender=STRANGER)
    inbox = machine.deploy("Inbox", B, registry.address, governed, sender=STRANGER)
    inbox.send("enrolOrigin", A, 31001, world.a.outbox.address, sender=STRANGER)
    target = world.b.receipts
    peer = target.call("peers", A)
    message = Message(0, A, peer, B, padded(target.address), b"\1" * 32).encode()
    root = keccak256(message)
    world.a.outbox.send("dispatch", B, peer, b"")
    theirs = world.checkpoint(world.a, world.b, root=root, size=1, inbox=raw(inbox.address))
    inbox.send("attest", checkpoint_tuple(theirs), [0, 1], [b"yes", b"yes"], sender=STRANGER)
    with reverts("RecipientReverted") as caught:
        inbox.send("process", root, message, sender=STRANGER)
    assert caught.value.arguments[1] == encode_call("NotInbox(address)", inbox.address)
    with reverts("WrongInbox", world.b.inbox.address.lower(), inbox.address.lower()):
        world.b.inbox.send("attest", checkpoint_tuple(theirs), [0, 1], [b"yes", b"yes"])
    with reverts("RootNotAttested", A, root):
        world.b.inbox.send("process", root, message)
