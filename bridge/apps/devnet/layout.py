"""The state folder of a development network: what is in it and how it is first written."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from bridge.apps.config import FILE_NAME
from bridge.chain.deployment import DeploymentRecord
from bridge.chain.development import development_accounts
from bridge.domain.errors import ConfigError, InputError
from bridge.domain.keys import Algorithm

SIGNERS = {
    "signer-1": Algorithm.ML_DSA_87,
    "signer-2": Algorithm.ML_DSA_87,
    "signer-3": Algorithm.SLH_DSA_SHA2_128S,
}
"""Label and algorithm: both families, lattices and hashes."""
CHAINS = {"A": (1, 31001), "B": (2, 31002)}
"""Domain and chain id of each chain."""
DEPLOYER, RELAYER, SENDER, GUARDIAN = 0, 1, 2, 3
"""Which development account does what."""


@dataclass(frozen=True, slots=True)
class Ports:
    """A port for each server; 0 stands for any that is free."""

    chains: dict[str, int]
    key_service: int
    attestors: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIGNERS, 0))
    relayer: int = 0


def attestor_ports(first: int) -> dict[str, int]:
    """``first`` and those that follow it, a port for each signer; 0 for any of them."""
    return {label: first and first + n for n, label in enumerate(SIGNERS)}


DEFAULT_PORTS = Ports({"A": 8545, "B": 8546}, 8547, attestor_ports(8551), 8549)
ANY_PORTS = Ports({"A": 0, "B": 0}, 0)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is below ``folder``."""

    folder: Path

    @property
    def config(self) -> Path:
        """The configuration of every process."""
        return self.folder / FILE_NAME

    @property
    def deployment(self) -> Path:
        """The addresses of the contracts and the signer set."""
        return self.folder / "deployment.json"

    @property
    def journal(self) -> Path:
        """The relayer's journal."""
        return self.folder / "journal.sqlite"

    @property
    def keys(self) -> Path:
        """The key service's own folder."""
        return self.folder / "keyservice"

    @property
    def account_key(self) -> Path:
        """The private key of the relayer's account."""
        return self.folder / "secrets" / "relayer.key"

    def chain_state(self, name: str, kind: str) -> Path:
        """The file that keeps a chain over a restart; each kind of chain has its own format."""
        return self.folder / "chains" / f"{name}.{kind}"

    def create(self, ports: Ports) -> None:
        """Make the folders, the relayer's key and the configuration, where they are not there."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / "chains").mkdir(exist_ok=True)
        self.account_key.parent.mkdir(mode=0o700, exist_ok=True)
        if not self.account_key.exists():
            key = bytes(development_accounts()[RELAYER].key).hex()
            write_private(self.account_key, key + "\n")
        if not self.config.exists():
            replace_text(self.config, _config_text(ports))


def read_deployment(path: Path) -> DeploymentRecord:
    """The deployment that ``path`` records; ``ConfigError`` when it is not there or malformed."""
    try:
        deployment = DeploymentRecord.model_validate_json(path.read_text(encoding="utf-8"))
        deployment.signer_set()  # refuses what no registry would have taken
    except OSError as error:
        raise ConfigError(str(path), [f"expected a deployment record: {error.strerror}"]) from None
    except (ValueError, InputError) as error:
        raise ConfigError(str(path), [f"expected a deployment record: {error}"]) from error
    return deployment


def write_deployment(path: Path, deployment: DeploymentRecord) -> None:
    """Keep a deployment, whole or not at all."""
    replace_text(path, deployment.model_dump_json(indent=1) + "\n")


def write_private(path: Path, text: str) -> None:
    """A new file that only its owner reads, whole or not at all; it must not be there yet."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()


def replace_text(path: Path, text: str) -> None:
    """Write ``path`` whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text)
    temporary.replace(path)


def _config_text(ports: Ports) -> str:
    chains = "".join(
        f"[chains.{name}]\n"
        f"domain = {domain}\n"
        f"chain_id = {chain_id}\n"
        f'rpc_url = "http://127.0.0.1:{ports.chains[name]}"\n\n'
        for name, (domain, chain_id) in CHAINS.items()
    )
    attestors = "".join(
        "[[attestors]]\n"
        f'url = "http://127.0.0.1:{port}"\n'
        f'token_file = "attestors/{label}.token"\n'
        f'signers = ["{label}"]\n\n'
        for label, port in ports.attestors.items()
    )
    return (
        "# Made by `astralink devnet up`. Paths are relative to this file's folder.\n\n"
        f"{chains}"
        "# Attestors verify contracts and sign verdicts on them, as they are by default.\n"
        "[verdicts]\n\n"
        "[key_service]\n"
        f'url = "http://127.0.0.1:{ports.key_service}"\n'
        'token_file = "keyservice/secrets/keyservice.token"\n'
        'provider = "default"\n\n'
        f"{attestors}"
        "[relayer]\n"
        'deployment = "deployment.json"\n'
        'journal = "journal.sqlite"\n'
        'account_key_file = "secrets/relayer.key"\n'
        "poll_interval_s = 0.25\n"
        f'listen_url = "http://127.0.0.1:{ports.relayer}"\n'
    )
