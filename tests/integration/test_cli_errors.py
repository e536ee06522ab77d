"""What a person does wrong: exit code, one clear sentence on stderr, and nothing half done."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path

import pytest

from bridge.domain.errors import InputError
from tests.integration.conftest import Ended, Network, astralink, processes_with

pytestmark = pytest.mark.parametrize("_network", ["embedded"], ids=["on embedded"], indirect=True)
"""The kind of chain makes no difference here."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def copy(network: Network, tmp_path: Path) -> Path:
    """A state folder that knows the network's servers and runs none itself."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in ("astralink.toml", "deployment.json"):
        shutil.copy(network.folder / name, folder)
    shutil.copytree(network.folder / "secrets", folder / "secrets")
    shutil.copytree(network.folder / "keyservice" / "secrets", folder / "keyservice" / "secrets")
    return folder


def edit(path: Path, pattern: str, new: str, count: int = 1) -> None:
    text, changed = re.subn(pattern, new, path.read_text(), count=count)
    assert changed
    path.write_text(text)


def refused(ended: Ended, code: int, *words: str) -> None:
    assert ended.code == code, ended.err
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    for word in words:
        assert word in ended.err


def send(folder: Path, *more: str, to: str = "B", text: str = "hello", **variables: str) -> Ended:
    return astralink(
        *("send", "--from", "A", "--to", to, "--text", text, "--state", folder, *more), **variables
    )


def dispatched(network: Network) -> int:
    async def count(sides) -> int:
        return await sides["A"].outbox.call("count")

    return network.on_chain(count)


# send


def test_what_cannot_be_sent_is_not_sent(network: Network) -> None:
    before = dispatched(network)
    refused(send(network.folder, to="C"), 2, "unknown chain 'C': expected one of A, B")
    nobody = "0x" + "12" * 20
    refused(
        send(network.folder, "--recipient", nobody),
        3,
        f"recipient {nobody} has no code on chain B: expected a contract with handle()",
    )
    with pytest.raises(InputError, match="expected 20 bytes in hex, got 'B'"):
        network.send("hello", recipient="B")
    refused(
        send(network.folder, text="ä" * 2049),
        2,
        "message body of 4098 bytes: the Outbox takes at most 4096",
    )
    assert dispatched(network) == before


def test_a_chain_that_the_deployment_does_not_know(copy: Path) -> None:
    (copy / "astralink.toml").write_text(
        (copy / "astralink.toml").read_text()
        + f'[chains.C]\ndomain = 3\nchain_id = 3\nrpc_url = "http://127.0.0.1:{free_port()}"\n'
    )
    refused(send(copy, to="C"), 2, "unknown chain 'C': expected one of A, B")
    refused(astralink("relay", "--state", copy), 2, "deployment.json", "sides.C: missing")
    assert not (copy / "journal.sqlite").exists()


# Configuration


def test_no_configuration(network: Network, tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    refused(send(folder), 2, "astralink.toml", "expected a configuration file", "devnet up")
    assert not folder.exists()


def test_several_wrong_keys_are_all_named(copy: Path) -> None:
    edit(copy / "astralink.toml", r"domain = 2\n", "")
    edit(copy / "astralink.toml", r"poll_interval_s = .*", 'poll = "often"')
    edit(copy / "astralink.toml", r"http://", "file://")
    refused(
        send(copy),
        2,
        "astralink.toml: 3 problems",
        "chains.B.domain: missing",
        "relayer.poll: unknown key",
        "chains.A.rpc_url: expected an address as http://127.0.0.1:8545, got 'file://",
    )


def test_a_corrupted_deployment(copy: Path) -> None:
    edit(copy / "deployment.json", r"0x", "0y")
    refused(send(copy), 2, "deployment.json", "expected a deployment record")
    assert not (copy / "journal.sqlite").exists()


# Chains


def test_a_chain_that_is_not_there(copy: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    edit(copy / "astralink.toml", r'(chain_id = 31002\nrpc_url = )"[^"]*"', rf'\1"{url}"')
    refused(send(copy), 3, f"chain B: no answer from {url}")
    refused(_relay(copy), 3, f"chain B: no answer from {url}")
    assert not (copy / "journal.sqlite").exists()


def test_another_chain_behind_the_address(network: Network, copy: Path) -> None:
    before = dispatched(network)
    config = copy / "astralink.toml"
    edit(config, "31001", "first")
    edit(config, "31002", "31001")
    edit(config, "first", "31002")
    refused(send(copy), 3, "chain A: expected chain id 31002 at http://", "got 31001")
    refused(_relay(copy), 3, "expected chain id")
    assert dispatched(network) == before
    assert not (copy / "journal.sqlite").exists()


def _relay(copy: Path) -> Ended:
    """A relayer's end, without what it logged before, a JSON object a line.

    It listens nowhere: the network's own relayer has the address.
    """
    ended = astralink("relay", "--state", copy, ASTRALINK_RELAYER__LISTEN_URL="")
    said = [line for line in ended.err.splitlines() if not line.startswith("{")]
    return Ended(ended.code, ended.out, "\n".join(said) + "\n")


# The key service and messages


def test_the_key_service_is_down(copy: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    refused(
        astralink("keys", "list", "--state", copy, ASTRALINK_KEY_SERVICE__URL=url),
        6,
        f"key service: no answer from {url}",
    )


def test_messages_that_are_not_there(network: Network, copy: Path) -> None:
    malformed = "12 " * 32  # 32 bytes to a lenient reader
    refused(
        network.cli("message", malformed), 2, f"expected 0x and 64 hex digits, got {malformed!r}"
    )
    unknown = "0x" + "12" * 32
    refused(network.cli("message", unknown), 8, f"no message {unknown} in the journal")
    refused(
        astralink("message", unknown, "--state", copy),
        2,
        "expected the relayer's journal, got none",
    )
    assert not (copy / "journal.sqlite").exists()


# devnet up


def up(folder: Path, *more: object, **variables: str) -> Ended:
    ports = ("--port-a", 0, "--port-b", 0, "--port-keys", 0)
    return astralink(
        *("devnet", "up", "--state", folder, "--chain", "embedded", "--bare", *ports, *more),
        **variables,
    )


def test_a_port_in_use_leaves_nothing_behind(network: Network, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        refused(up(folder, "--port-a", port), 2, f"chain A: port {port} on 127.0.0.1 is in use")
    assert processes_with(str(folder)) == []
    assert not folder.exists()
    twice = up(folder, "--port-a", port, "--port-keys", port)
    refused(twice, 2, f"chain A and key service: expected two ports, got {port} for both")
    assert not folder.exists()


def test_what_began_before_an_error_is_stopped_and_the_next_up_goes_on(
    network: Network, tmp_path: Path
) -> None:
    folder = tmp_path / "state"
    anvil = up(folder, "--chain", "anvil", ASTRALINK_ANVIL=str(tmp_path / "none"))
    refused(anvil, 2, "ASTRALINK_ANVIL: no program at")

    config = (folder / "astralink.toml").read_text()
    port = int(re.findall(r":(\d+)\"", config)[1])
    with socket.create_server(("127.0.0.1", port)):
        refused(up(folder), 2, f"chain-B: port {port} on 127.0.0.1 is in use")
    assert processes_with(str(folder)) == []

    ended = up(folder)
    assert ended.code == 0, ended.err
    assert len(processes_with(str(folder))) == 3
    down = astralink("devnet", "down", "--wipe", "--state", folder)
    assert down.code == 0
    assert not folder.exists()
    assert processes_with(str(folder)) == []
