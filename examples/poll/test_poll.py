"""A vote crosses the bridge with real signatures; what must not be counted is not."""

from __future__ import annotations

from conftest import OPEN_S

from bridge.testing import OWNER, STRANGER, Deployed, World, padded, reverts

Polls = tuple[Deployed, Deployed]


def test_votes_of_both_chains_are_counted_at_home(world: World, polls: Polls) -> None:
    here, there = polls
    here.send("vote", 1)
    there.send("vote", 1, sender=STRANGER)
    assert here.call("votes", 1) == 1
    assert world.relay() == 1
    assert here.call("votes", 1) == 2
    assert there.call("votes", 1) == 0


def test_nobody_votes_twice_or_for_what_is_no_choice(polls: Polls) -> None:
    _, there = polls
    there.send("vote", 0)
    with reverts("VotedBefore", OWNER):
        there.send("vote", 2)
    with reverts("InvalidChoice", 3, 3):
        there.send("vote", 3, sender=STRANGER)


def test_a_vote_that_arrives_late_is_not_counted(world: World, polls: Polls) -> None:
    here, there = polls
    there.send("vote", 2)
    world.warp(OPEN_S + 1)
    assert world.relay() == 0
    assert here.call("votes", 2) == 0
    now = world.b.machine.timestamp
    with reverts("Closed", now - 1, now):
        there.send("vote", 2, sender=STRANGER)


def test_a_vote_is_paid_for_and_the_excess_comes_back(world: World, polls: Polls) -> None:
    _, there = polls
    world.b.outbox.send("setFeeSchedule", world.a.domain, (10**9, 90_000, 16))
    fee = there.call("quote", sender=STRANGER)
    assert fee == (90_000 + 100_000 + 64 * 16) * 10**9
    with reverts("FeeTooLow", fee, fee - 1):
        there.send("vote", 0, sender=STRANGER, value=fee - 1)
    before = world.b.machine.balance(STRANGER)
    there.send("vote", 0, sender=STRANGER, value=5 * fee)
    assert before - world.b.machine.balance(STRANGER) == fee


def test_only_the_poll_of_another_chain_is_heard(world: World, polls: Polls) -> None:
    here, _ = polls
    vote = bytes(12) + bytes.fromhex(STRANGER[2:]) + bytes(32)
    with reverts("NotInbox", STRANGER):
        here.send("handle", world.b.domain, padded(STRANGER), vote, sender=STRANGER)
    # A stranger may send the poll any message; the bridge delivers it, and the poll refuses.
    world.b.outbox.send("dispatch", world.a.domain, padded(here.address), vote, sender=STRANGER)
    assert world.relay() == 0
    assert world.failures(world.a) == [("NotPeer", (world.b.domain, padded(STRANGER)))]
    assert here.call("votes", 0) == 0
