"""The state folder: who may read it, that files are whole, and that what is there stays."""

import os
import stat

import pytest

from bridge.apps.config import load_config
from bridge.apps.devnet.layout import (
    CHAINS,
    RELAYER,
    Layout,
    Ports,
    attestor_ports,
    read_deployment,
    replace_text,
    write_deployment,
    write_private,
)
from bridge.chain.deployment import DeploymentRecord
from bridge.chain.development import development_accounts
from bridge.domain.errors import ConfigError
from bridge.keyservice.secretfile import read_secret

PORTS = Ports({"A": 18545, "B": 18546}, 18547, attestor_ports(18551), 18549)
ADDRESS = "0x" + "ab" * 20


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "new" / "state")


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def deployment() -> DeploymentRecord:
    side = {
        **{"chain_id": 31001, "start_block": 0},
        "verifiers": {"SLH-DSA-SHA2-128s": ADDRESS},
        **dict.fromkeys(("registry", "outbox", "inbox", "receipts", "postcard"), ADDRESS),
    }
    return DeploymentRecord.model_validate(
        {
            "epoch": 1,
            "threshold": 2,
            "signers": [
                {
                    "weight": 1,
                    "keys": [
                        {
                            "key_id": f"id-{n}",
                            "algorithm": "SLH-DSA-SHA2-128s",
                            "public_key": f"0x0{n}",
                        }
                    ],
                }
                for n in range(3)
            ],
            "sides": {"A": {"domain": 1, **side}, "B": {"domain": 2, **side}},
        }
    )


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_create_makes_a_configuration_that_loads(layout):
    layout.create(PORTS)
    config = load_config(layout.config)
    assert {name: (chain.domain, chain.chain_id) for name, chain in config.chains.items()} == CHAINS
    assert config.chains["B"].rpc_url == "http://127.0.0.1:18546"
    assert config.key_service.url == "http://127.0.0.1:18547"
    assert [one.url for one in config.attestors] == [
        f"http://127.0.0.1:{port}" for port in (18551, 18552, 18553)
    ]
    assert [one.signers for one in config.attestors] == [
        ("signer-1",),
        ("signer-2",),
        ("signer-3",),
    ]
    assert len({one.token_file for one in config.attestors}) == 3
    assert config.relayer.deployment == layout.deployment
    assert config.relayer.journal == layout.journal
    assert config.relayer.listen_url == "http://127.0.0.1:18549"
    assert config.key_service.token_file.parent.parent == layout.keys


def test_secrets_are_for_their_owner_only(layout, open_umask):
    layout.create(PORTS)
    assert mode(layout.folder) == 0o700
    assert mode(layout.account_key.parent) == 0o700
    assert mode(layout.account_key) == 0o600
    assert read_secret(layout.account_key) == bytes(development_accounts()[RELAYER].key)


def test_create_again_changes_nothing(layout):
    layout.create(PORTS)
    before = {path: path.read_bytes() for path in layout.folder.rglob("*") if path.is_file()}
    layout.create(Ports({"A": 1, "B": 2}, 3))
    after = {path: path.read_bytes() for path in layout.folder.rglob("*") if path.is_file()}
    assert before == after


def test_a_private_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch, open_umask):
    path = tmp_path / "secret"

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_private(path, "text")
    assert list(tmp_path.iterdir()) == []
    write_private(path, "text")
    assert path.read_text() == "text"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_private_file_is_never_replaced(tmp_path):
    path = tmp_path / "secret"
    write_private(path, "first")
    with pytest.raises(FileExistsError):
        write_private(path, "second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_replace_text_leaves_the_old_text_or_the_new(tmp_path):
    path = tmp_path / "file"
    replace_text(path, "old")
    replace_text(path, "new")
    assert path.read_text() == "new"
    with pytest.raises(UnicodeEncodeError):
        replace_text(path, "half \ud800")
    assert path.read_text() == "new"


def test_a_deployment_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "deployment.json"
    write_deployment(path, deployment())
    assert read_deployment(path) == deployment()
    assert read_deployment(path).signer_set().threshold == 2


def test_no_deployment(tmp_path):
    with pytest.raises(ConfigError, match="expected a deployment record: No such file"):
        read_deployment(tmp_path / "deployment.json")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"epoch":', '"era":'),
        (ADDRESS, "0x1234"),
        ('"0x01"', '"01"'),
        ("}", ""),
        ("SLH-DSA-SHA2-128s", "RSA"),
        ('"threshold": 2', '"threshold": 1'),
        ('"0x01"', '"0x02"'),
    ],
)
def test_a_malformed_deployment(tmp_path, old, new):
    path = tmp_path / "deployment.json"
    write_deployment(path, deployment())
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match="expected a deployment record: "):
        read_deployment(path)


def test_each_kind_of_chain_has_its_own_file(layout):
    assert layout.chain_state("A", "anvil") != layout.chain_state("A", "embedded")
    assert layout.chain_state("A", "anvil") != layout.chain_state("B", "anvil")
