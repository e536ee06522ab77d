"""What an operator does to a running bridge, by the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.apps.devnet.layout import SENDER
from bridge.apps.devnet.processes import choose_port
from bridge.apps.devnet.world import key_service_client
from bridge.chain.development import development_accounts
from bridge.domain.errors import TransactionReverted
from bridge.domain.keys import Algorithm
from bridge.relayer.route import Side
from tests.integration.conftest import ONE_KIND, Network, processes_with

HOUR_S = 3_600


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A network of this file's own: its signers do not stay what they were."""
    one = Network(tmp_path_factory.mktemp("operators") / "state", ONE_KIND)
    one.up()
    yield one
    one.end()
    assert processes_with(str(one.folder)) == []


def create_keys(network: Network, *wanted: tuple[str, Algorithm]) -> None:
    async def create(_: dict[str, Side]) -> None:
        async with key_service_client(network.world.config()) as keys:
            for label, algorithm in wanted:
                await keys.create_key(algorithm, label)

    network.on_chain(create)


def written(folder: Path, threshold: int, *labels: str) -> Path:
    path = folder / "set.toml"
    members = "".join(f'[[signers]]\nkeys = ["{label}"]\n' for label in labels)
    path.write_text(f"threshold = {threshold}\n{members}")
    return path


def attest_with(network: Network, *signers: str) -> None:
    """Start an attestor for more keys, and have the relayer know it."""
    token = f"attestors/{signers[0]}.token"
    with network.world.layout.config.open("a") as config:
        config.write(
            f'\n[[attestors]]\nurl = "http://127.0.0.1:{choose_port("attestor", 0)}"\n'
            f'token_file = "{token}"\nsigners = {json.dumps(signers)}\n'
        )
    network.world.processes.stop("relayer")
    network.up()


def warp(network: Network, seconds: int) -> None:
    async def later(sides: dict[str, Side]) -> None:
        for side in sides.values():
            await side.client.request("evm_increaseTime", seconds)
            await side.client.request("evm_mine")

    network.on_chain(later)


def epochs(network: Network) -> dict[str, list[dict[str, Any]]]:
    ended = network.cli("signers", "list", "--json")
    assert ended.code == 0, ended.err
    return ended.json


def labels(epoch: dict[str, Any]) -> list[str | None]:
    return [key["label"] for signer in epoch["signers"] for key in signer["keys"]]


def test_a_paused_route_takes_nothing_until_the_guardian_opens_it(own: Network) -> None:
    ended = own.cli("routes", "pause", "--from", "A", "--to", "B")
    assert ended.code == 0, ended.err
    assert "A->B: paused" in ended.out
    listed = own.cli("routes", "list", "--json").json
    assert listed == [
        {"from": "A", "to": "B", "paused": ["Outbox of A", "Inbox of B"]},
        {"from": "B", "to": "A", "paused": []},
    ]
    with pytest.raises(TransactionReverted, match=r"DomainPaused\(2\)"):
        own.send("to a closed door")
    assert own.cli("routes", "pause", "--from", "A", "--to", "B").code == 0  # once more: nothing
    assert own.cli("routes", "unpause", "--from", "A", "--to", "B").code == 0
    (identifier,) = own.send("to an open door")
    own.reaches(identifier)


def test_everything_is_stopped_and_opened_at_once(own: Network) -> None:
    assert own.cli("routes", "pause", "--all").code == 0
    for route in own.cli("routes", "list", "--json").json:
        names = route["from"], route["to"]
        assert route["paused"] == [f"Outbox of {names[0]}, whole", f"Inbox of {names[1]}, whole"]
    with pytest.raises(TransactionReverted, match=r"DomainPaused\(0\)"):
        own.send("to nobody")
    assert own.cli("routes", "unpause", "--all").code == 0
    assert [route["paused"] for route in own.cli("routes", "list", "--json").json] == [[], []]


def test_routes_that_are_none_are_refused(own: Network) -> None:
    for arguments in ((), ("--from", "A"), ("--from", "A", "--to", "A"), ("--all", "--to", "B")):
        ended = own.cli("routes", "pause", *arguments)
        assert ended.code == 2, ended.out
        assert "expected" in ended.err
    ended = own.cli("routes", "pause", "--from", "A", "--to", "C")
    assert ended.code == 2
    assert "'C'" in ended.err


def test_a_stranger_pauses_and_revokes_nothing(own: Network, tmp_path: Path) -> None:
    key = tmp_path / "stranger.key"
    key.touch(mode=0o600)
    key.write_text(bytes(development_accounts()[SENDER].key).hex() + "\n")
    ended = own.cli("routes", "pause", "--all", "--account-key-file", key)
    assert ended.code == 3
    assert "NotOwnerOrGuardian" in ended.err
    ended = own.cli("signers", "revoke", "signer-1", "--account-key-file", key)
    assert ended.code == 3
    assert "NotGuardian" in ended.err


def test_a_rotation_strands_no_message(own: Network, tmp_path: Path) -> None:
    """Signed by the outgoing quorum, active after its delay; the relayer follows by itself."""
    assert labels(epochs(own)["A"][0]) == ["signer-1", "signer-2", "signer-3"]
    create_keys(own, ("next-1", Algorithm.ML_DSA_87), ("next-2", Algorithm.SLH_DSA_SHA2_128S))
    attest_with(own, "next-1", "next-2")
    following = written(tmp_path, 2, "next-1", "next-2", "signer-3")
    ended = own.cli("signers", "rotate", "--set", following, "--json")
    assert ended.code == 0, ended.err
    assert {name: one["epoch"] for name, one in ended.json.items()} == {"A": 2, "B": 2}
    again = own.cli("signers", "rotate", "--set", following, "--json")
    assert again.code == 0, again.err
    assert again.json == ended.json
    for current, pending in epochs(own).values():
        assert (current["epoch"], pending["epoch"]) == (1, 2)
        assert labels(pending) == ["next-1", "next-2", "signer-3"]
        assert current["expires_at"] > pending["active_from"]

    (before,) = own.send("under the first epoch")
    own.reaches(before)
    (flying,) = own.send("over the change")
    warp(own, HOUR_S + 1)
    own.reaches(flying)
    (after,) = own.send("under the second epoch")
    own.reaches(after)
    for identifier in (before, flying, after):
        assert own.deliveries(identifier) == 1
    for current in epochs(own).values():
        assert [one["epoch"] for one in current] == [2]

    async def attested_in(sides: dict[str, Side]) -> list[int]:
        inbox = sides["B"].inbox
        topics = [inbox.artifact.topic("Attested")]
        head = await inbox.client.block("latest")
        logs = await inbox.client.logs(inbox.address, topics, 0, head.number)
        return [event.arguments["epoch"] for event in inbox.events(logs)]

    found = own.on_chain(attested_in)
    assert found == sorted(found)
    assert (found[0], found[-1]) == (1, 2)


def test_a_set_that_no_registry_takes_is_refused_before_anything_is_sent(
    own: Network, tmp_path: Path
) -> None:
    cases = (
        (1, ("signer-1", "signer-2", "signer-3"), "below the threshold"),
        (2, ("signer-1", "signer-2"), "signers: expected 3 to 256, got 2"),
        (2, ("signer-1", "signer-2", "nobody"), "key 'nobody'"),
    )
    for threshold, members, reason in cases:
        ended = own.cli("signers", "rotate", "--set", written(tmp_path, threshold, *members))
        assert ended.code == 2, ended.out
        assert reason in ended.err
    broken = tmp_path / "broken.toml"
    broken.write_text("threshold = [")
    ended = own.cli("signers", "rotate", "--set", broken)
    assert ended.code == 2
    assert "broken.toml" in ended.err


def test_a_revoked_signer_attests_no_more_and_the_others_do(own: Network) -> None:
    """After the rotation: next-1, next-2 and signer-3, of which two are a quorum."""
    ended = own.cli("signers", "revoke", "next-1", "--json")
    assert ended.code == 0, ended.err
    assert ended.json["operable"] == {"A": True, "B": True}
    for (current,) in epochs(own).values():
        assert [signer["revoked"] for signer in current["signers"]] == [True, False, False]
    (identifier,) = own.send("without the revoked one")
    own.reaches(identifier)
    stages = own.cli("message", identifier, "--json").json["stages"]
    (attested,) = [one for one in stages if one["stage"] == "attested"]
    assert attested["signers"] == [1, 2]

    unknown = own.cli("signers", "revoke", "nobody")
    assert unknown.code == 2
    assert "'nobody'" in unknown.err

    key_hash = bytes.fromhex(ended.json["key_hash"][2:])

    async def revoked(sides: dict[str, Side]) -> list[bool]:
        registries = [side.registry.contract for side in sides.values()]
        return [await registry.call("revokedKey", key_hash) for registry in registries]

    assert own.on_chain(revoked) == [True, True]
