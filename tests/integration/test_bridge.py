"""The whole bridge as real processes: chains, key service, attestors and a relayer."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import psutil
import pytest

from bridge.apps.devnet.layout import read_deployment
from bridge.apps.devnet.world import key_service_client
from bridge.chain.development import development_accounts
from bridge.chain.transactions import Account, deploy
from bridge.crypto.digests import checkpoint_digest
from bridge.crypto.merkle import verify_proof
from bridge.crypto.providers import select
from bridge.domain.contexts import CHECKPOINT_CONTEXT
from bridge.domain.errors import AttestorRefused, Equivocation, NotFinalized
from bridge.relayer.route import Route
from tests.contracts.conftest import ACCEPTS, REFUSES
from tests.integration.conftest import PROCESSES, STAGES, Network, processes_with, until


def answer_to(network: Network, text: str):
    """The journal's entry of the answer to the postcard with ``text``."""
    body = f"Received: {text}".encode()
    return until(
        lambda: next((e for e in network.entries() if body in e.message.body), None),
        f"an answer to {text!r}",
    )


def test_a_message_and_its_answer_are_confirmed(network: Network) -> None:
    sent = network.cli("send", "--from", "A", "--to", "B", "--text", "there and back", "--json")
    assert sent.code == 0, sent.err
    identifier = sent.json["id"]
    assert sent.json["gas"] > 21_000
    entry = network.reaches(identifier)
    answer = answer_to(network, "there and back")
    assert (answer.message.origin, answer.message.destination) == (2, 1)
    network.reaches("0x" + answer.id.hex())

    ended = network.cli("message", identifier, "--json")
    assert ended.code == 0
    data = ended.json
    assert (data["id"], data["stage"], data["from"], data["to"]) == (
        identifier, "confirmed", "A", "B",
    )  # fmt: skip
    assert [step["stage"] for step in data["stages"]] == STAGES
    steps = {step["stage"]: step for step in data["stages"]}
    for stage in ("observed", "attested", "delivered"):
        assert steps[stage]["block"] > 0
        assert len(steps[stage]["transaction"]) == 66
    assert steps["attested"]["gas"] > 1_000_000  # two signatures are verified there
    assert steps["delivered"]["gas"] > 21_000
    assert (data["error"], data["attempts"]) == (None, 0)

    proof = data["proof"]
    root = bytes.fromhex(proof["root"][2:])
    siblings = [bytes.fromhex(sibling[2:]) for sibling in proof["siblings"]]
    verify_proof(entry.id, proof["index"], proof["size"], siblings, root)

    async def attested_size(sides) -> int:
        return await sides["B"].inbox.call("attestedSize", 1, root)

    assert network.on_chain(attested_size) == proof["size"]
    assert network.deliveries(identifier) == 1


def test_many_messages_travel_at_once(network: Network) -> None:
    for identifier in network.send(*(f"one of several: {n}" for n in range(4))):
        network.reaches(identifier)
        assert network.deliveries(identifier) == 1


def test_the_keys_say_that_their_link_is_simulated(network: Network) -> None:
    ended = network.cli("keys", "list", "--json")
    assert ended.code == 0
    keys = ended.json
    assert [key["label"] for key in keys] == ["signer-1", "signer-2", "signer-3"]
    assert len({key["public_key"] for key in keys}) == 3
    deployment = read_deployment(network.world.layout.deployment)
    assert {key["public_key"] for key in keys} == {
        record.public_key for signer in deployment.signers for record in signer.keys
    }
    families = [key["algorithm"] for key in keys]
    assert families == ["ML-DSA-87", "ML-DSA-87", "SLH-DSA-SHA2-128s"]
    for key in keys:
        provenance = key["provenance"]
        assert provenance["simulated"] is True
        assert 0 < provenance["qber"] < 0.11
        assert provenance["leak_bits"] > 0
        assert 0 < provenance["epsilon"] < 1e-6
    assert "secret" not in ended.out


def test_up_starts_what_was_killed_and_what_was_sent_meanwhile_arrives(network: Network) -> None:
    kept = {name: network.pid(name) for name in PROCESSES}
    status = network.cli("devnet", "status", "--json")
    assert status.code == 0, status.out
    assert _running(status.json) == dict.fromkeys(PROCESSES, True)
    for chain in status.json["chains"].values():
        assert chain["latest"] >= chain["finalized"] > 0

    os.kill(kept["relayer"], signal.SIGKILL)
    until(lambda: "relayer" not in network.running(), "the relayer is gone")
    status = network.cli("devnet", "status", "--json")
    assert status.code == 1
    assert _running(status.json) == {**dict.fromkeys(PROCESSES, True), "relayer": False}

    (identifier,) = network.send("while it was down")
    assert network.entry(identifier) is None
    ended = network.cli("devnet", "up", "--json")
    assert ended.code == 0, ended.err
    assert _running(ended.json) == dict.fromkeys(PROCESSES, True)
    assert [name for name in PROCESSES if network.pid(name) != kept[name]] == ["relayer"]
    network.reaches(identifier)
    assert network.deliveries(identifier) == 1


def _running(status: dict[str, Any]) -> dict[str, bool]:
    return {name: process["running"] for name, process in status["processes"].items()}


def test_a_relayer_that_is_killed_in_the_middle_never_delivers_twice(network: Network) -> None:
    identifiers = network.send("interrupted 0", "interrupted 1")
    for stage in ("batched", "attested"):
        seen = STAGES[STAGES.index(stage) :]
        until(
            lambda seen=seen: (e := network.entry(identifiers[-1])) is not None and e.stage in seen,
            stage,
        )
        os.kill(network.pid("relayer"), signal.SIGKILL)
        until(lambda: "relayer" not in network.running(), "the relayer is gone")
        network.up()
    for identifier in identifiers:
        network.reaches(identifier)
        assert network.deliveries(identifier) == 1


def test_down_leaves_no_process_and_up_goes_on(network: Network) -> None:
    (before,) = network.send("before the night")
    network.reaches(before)
    history = {entry.id: entry.stage for entry in network.entries()}
    deployment = network.world.layout.deployment.read_bytes()
    pids = [network.pid(name) for name in PROCESSES]

    ended = network.cli("devnet", "down", "--json")
    assert ended.code == 0
    assert sorted(ended.json["stopped"]) == sorted(PROCESSES)
    assert processes_with(str(network.folder)) == []
    assert not any(psutil.pid_exists(pid) and _alive(pid) for pid in pids)
    assert network.world.down() == []

    ended = network.cli("devnet", "up", "--json")
    assert ended.code == 0, ended.err
    assert network.world.layout.deployment.read_bytes() == deployment
    assert {e.id: e.stage for e in network.entries()}.items() >= {
        identifier: stage for identifier, stage in history.items() if stage == "confirmed"
    }.items()
    network.reaches(before)
    (after,) = network.send("after the night")
    network.reaches(after)
    assert network.entry(after).message.nonce > network.entry(before).message.nonce
    assert network.deliveries(before) == network.deliveries(after) == 1


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_an_attestor_refuses_a_root_that_is_not_the_chains(network: Network) -> None:
    (identifier,) = network.send("for the tree")
    network.reaches(identifier, "attested", "delivered", "confirmed")
    config = network.world.config()

    async def ask(sides) -> None:
        route = Route(sides["A"], sides["B"])
        size = await sides["A"].outbox.call("count", block="finalized")
        root = await sides["A"].outbox.call("root", block="finalized")
        async with network.attestor() as attestor, key_service_client(config) as keys:
            (record,) = await attestor.keys()
            true = route.checkpoint(root, size, 1)
            (signature,) = await attestor.sign(true, [record.key_id])
            select().signatures.verify(
                record.algorithm,
                record.public_key,
                checkpoint_digest(true),
                signature,
                CHECKPOINT_CONTEXT,
            )
            assert await attestor.sign(true, [record.key_id]) == [signature]  # kept, not made anew
            forged = route.checkpoint(b"\x66" * 32, size, 1)
            with pytest.raises(AttestorRefused, match=r"409 root_mismatch.*was asked to sign 6666"):
                await attestor.sign(forged, [record.key_id])
            with pytest.raises(NotFinalized, match=f"expected {size + 1000}"):
                await attestor.sign(route.checkpoint(root, size + 1000, 1), [record.key_id])
            # The key service refuses it too, should an attestor ask.
            with pytest.raises(Equivocation):
                await keys.sign_checkpoint(record.key_id, forged)

    network.on_chain(ask)


def test_a_recipient_that_refuses_holds_up_no_other(network: Network) -> None:
    async def recipients(sides) -> list[str]:
        account = Account.from_key(bytes(development_accounts()[5].key))
        client = sides["B"].client
        return [await deploy(client, account, code) for code in (REFUSES, ACCEPTS)]

    refuses, accepts = network.on_chain(recipients)
    (refused,) = network.send("never read", recipient=refuses)
    (taken,) = network.send("read", recipient=accepts)
    (following,) = network.send("read too")
    network.reaches(taken)
    network.reaches(following)
    until(lambda: network.entry(refused).attempts >= 1, "the delivery was tried")
    entry = network.reaches(refused, "attested")
    assert entry.error == "unknown error 0x2a2a2a2a"
    assert network.deliveries(refused) == 0

    data = network.cli("message", refused, "--json").json
    assert (data["stage"], data["error"]) == ("attested", entry.error)
    assert data["attempts"] >= 1
    # It is tried again, later each time, and each refusal is counted.
    attempts = data["attempts"]
    began = time.monotonic()
    until(lambda: network.entry(refused).attempts > attempts, "another attempt")
    assert time.monotonic() - began < 60
    # The network is other tests' as well, and those count what waits.
    assert network.cli("messages", "drop", refused).code == 0
