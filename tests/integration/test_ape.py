"""The ape way of working as a user has it: ``ape test``, and a devnet that ape deploys on.

All of it runs on a copy of the project's ape files, with a home and an ape folder of its own, and
with a proxy that nobody answers at, so that whatever asks the Internet fails.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.apps.devnet.layout import CHAINS, DEFAULT_PORTS, Layout, read_deployment
from bridge.chain.anvil import find_anvil
from bridge.chain.development import ACCOUNTS, MNEMONIC

ROOT = Path(__file__).resolve().parents[2]
APE = shutil.which("ape", path=str(Path(sys.executable).parent))
SOLC = ROOT / "scripts" / "solc"
NOWHERE = "http://127.0.0.1:9"
TIMEOUT_S = 600

needs_ape = pytest.mark.skipif(APE is None, reason="no ape: the extra `ape` is not installed")
needs_anvil = pytest.mark.skipif(find_anvil() is None, reason="no Anvil: run `make tools`")
needs_solc = pytest.mark.skipif(
    shutil.which("node") is None
    or not all((ROOT / "node_modules" / name).is_dir() for name in ("solc", "@openzeppelin")),
    reason="no solc or no imported contracts: Node.js is needed, and `make tools`",
)
# The compiler takes more than a minute over all contracts, and two when the machine is busy.
pytestmark = [needs_ape, needs_solc, pytest.mark.timeout(1_200)]


@dataclass(frozen=True)
class Done:
    """A command that ended; ``text`` is its stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


@dataclass(frozen=True)
class Workplace:
    """A folder with the files that ape reads, and the environment to run it in."""

    folder: Path
    environment: Mapping[str, str]

    def ape(self, *arguments: str, **variables: str) -> Done:
        assert APE is not None
        return self._run([APE, *arguments], variables)

    def astralink(self, *arguments: str, **variables: str) -> Done:
        return self._run([sys.executable, "-m", "bridge.apps.cli", *arguments], variables)

    def _run(self, command: list[str], variables: Mapping[str, str]) -> Done:
        """The command's end; past the deadline it is killed with all that it started."""
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=TIMEOUT_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        return Done(process.returncode, out, err)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """The copy, compiled once; what ape built is in its own ``.build``."""
    base = tmp_path_factory.mktemp("ape")
    folder, home = base / "project", base / "home"
    home.mkdir()
    for name in ("contracts", "scripts", "tests/ape"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
    # Copied, not linked: the contracts import by path, and ape follows links out of the project.
    imported = Path("node_modules") / "@openzeppelin"
    shutil.copytree(ROOT / imported, folder / imported)
    config = (ROOT / "ape-config.yaml").read_text()
    # Where ape-sourcify is installed, it asks for contracts that nobody here has, once each.
    (folder / "ape-config.yaml").write_text(config + "\nsourcify:\n  retries: 0\n")
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
    anvil = find_anvil()
    path = os.environ["PATH"]
    environment = {
        **kept,
        "PATH": path if anvil is None else f"{anvil.parent}{os.pathsep}{path}",
        "HOME": str(home),
        "APE_DATA_FOLDER": str(base / "ape-data"),
        "SOLCX_BINARY_PATH": str(SOLC),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HTTP_PROXY": NOWHERE,
        "HTTPS_PROXY": NOWHERE,
        "NO_PROXY": "127.0.0.1,localhost",
    }
    if anvil is not None:
        environment["ASTRALINK_ANVIL"] = str(anvil)
    made = Workplace(folder, environment)
    compiled = made.ape("compile")
    assert compiled.code == 0, compiled.text
    return made


def config() -> dict:
    """What ape-config.yaml says."""
    import yaml  # of ape's libraries

    return yaml.safe_load((ROOT / "ape-config.yaml").read_text())


def test_ape_compiles_with_the_settings_of_the_artifacts() -> None:
    spec = importlib.util.spec_from_file_location("build", ROOT / "scripts" / "build_contracts.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    ape = config()["solidity"]
    assert build.SOLC.name == f"solc-v{ape['version']}"
    assert {
        "evmVersion": ape["evm_version"],
        "viaIR": ape["via_ir"],
        "optimizer": {"enabled": ape["optimize"], "runs": ape["optimization_runs"]},
    } == build.SETTINGS


def test_ape_knows_the_plugins_chains_and_accounts_of_the_project() -> None:
    ape = config()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {f"ape-{plugin['name']}=={plugin['version']}" for plugin in ape["plugins"]}
    assert pinned < set(project["optional-dependencies"]["ape"])
    networks = {network["name"]: network["chain_id"] for network in ape["networks"]["custom"]}
    uris = {name: node["uri"] for name, node in ape["node"]["ethereum"].items()}
    for name, (_, chain_id) in CHAINS.items():
        network = f"chain-{name.lower()}"
        assert networks.pop(network) == chain_id
        assert uris.pop(network) == f"http://127.0.0.1:{DEFAULT_PORTS.chains[name]}"
    assert not networks
    assert not uris
    assert ape["test"]["mnemonic"] == MNEMONIC
    assert ape["test"]["number_of_accounts"] == ACCOUNTS


def test_ape_compiles_what_is_committed(workplace: Workplace) -> None:
    built = json.loads((workplace.folder / ".build" / "__local__.json").read_text())
    for path in (ROOT / "bridge" / "chain" / "artifacts").glob("*.json"):
        committed = json.loads(path.read_text())
        if not committed["abi"]:
            continue  # a kernel: assembled, not compiled
        compiled = built["contractTypes"][path.stem]
        assert compiled["runtimeBytecode"]["bytecode"] == committed["deployedBytecode"]
        assert compiled["deploymentBytecode"]["bytecode"] == committed["bytecode"]
        assert compiled["abi"] == committed["abi"]


@pytest.mark.parametrize("provider", ["test", pytest.param("foundry", marks=needs_anvil)])
def test_ape_test_passes(workplace: Workplace, provider: str) -> None:
    done = workplace.ape("test", "tests/ape", "--network", f"ethereum:local:{provider}")
    assert done.code == 0, done.text
    summary = re.search(r"=+ (\d+) passed(, \d+ warnings?)? in ", done.out)
    assert summary, done.text
    written = (workplace.folder / "tests" / "ape").glob("test_*.py")
    assert int(summary[1]) >= sum(path.read_text().count("\ndef test_") for path in written)


def test_the_scripts_are_listed(workplace: Workplace) -> None:
    done = workplace.ape("run", "--help")
    assert done.code == 0, done.text
    assert re.search(r"^  deploy +Deploy the bridge", done.out, re.MULTILINE)
    assert re.search(r"^  send +Send a postcard", done.out, re.MULTILINE)
    assert "_devnet" not in done.out
    assert "ERROR" not in done.text


@pytest.fixture
def state(tmp_path: Path, workplace: Workplace) -> Iterator[Path]:
    """A state folder whose processes are stopped in the end."""
    folder = tmp_path / "state"
    yield folder
    done = workplace.astralink("devnet", "down", ASTRALINK_STATE=str(folder))
    assert done.code == 0, done.text


def test_ape_deploys_on_a_bare_devnet_and_sends(workplace: Workplace, state: Path) -> None:
    where = {"ASTRALINK_STATE": str(state)}
    layout = Layout(state)
    send = ("run", "send", "--from", "A", "--to", "B", "--text", "hello from ape")

    nothing = workplace.ape("run", "deploy", **where)
    assert nothing.code == 2
    assert "expected a configuration file, got none" in nothing.err

    ports = ("--port-a", "0", "--port-b", "0", "--port-keys", "0")
    bare = workplace.astralink("devnet", "up", "--bare", *ports, **where)
    assert bare.code == 0, bare.text

    early = workplace.ape(*send, **where)
    assert early.code == 2
    assert "expected a deployment record" in early.err

    written = layout.config.read_text()
    layout.config.write_text(written.replace("31002", "31009"))
    other = workplace.ape("run", "deploy", **where)
    layout.config.write_text(written)
    assert other.code == 3
    assert "chain B: expected chain id 31009" in other.err
    assert not layout.deployment.exists()

    deployed = workplace.ape("run", "deploy", **where)
    assert deployed.code == 0, deployed.text
    record = read_deployment(layout.deployment)
    assert record.sides.keys() == CHAINS.keys()
    for side in record.sides.values():
        assert side.inbox in deployed.out

    again = workplace.ape("run", "deploy", **where)
    assert again.code == 2
    assert "deployment.json: expected none" in again.err

    unheard = workplace.ape(*send, "--timeout", "1", **where)
    assert unheard.code == 7
    assert "is not delivered on B after 1 s" in unheard.err

    up = workplace.astralink("devnet", "up", **where)
    assert up.code == 0, up.text
    assert read_deployment(layout.deployment) == record

    sent = workplace.ape(*send, **where)
    assert sent.code == 0, sent.text
    assert re.search(r"^message 0x[0-9a-f]{64}$", sent.out, re.MULTILINE)
    assert "delivered on B: nonce 1 of A" in sent.out
    assert "delivered on A: Received: hello from ape" in sent.out

    down = workplace.astralink("devnet", "down", **where)
    assert down.code == 0, down.text
    gone = workplace.ape(*send, **where)
    assert gone.code == 3
    assert "chain A: no answer from" in gone.err
