"""`astralink verifier` as a process, asked as Sourcify is asked, and by ape's own client for it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from eth_abi import encode

from bridge.chain.anvil import find_anvil
from bridge.verifier.match.proxies import SLOTS, ProxyKind
from tests.integration.conftest import astralink, environment
from tests.sourcify.anvil import CHAIN_ID, Anvil, hand_made, running
from tests.sourcify.builds import FIRST
from tests.sourcify.cases import OWNER, Deployer
from tests.sourcify.compilers import CACHE, ROOT, compilers

pytestmark = [
    pytest.mark.skipif(find_anvil() is None, reason="no Anvil: run `make tools`"),
    pytest.mark.skipif(
        shutil.which("node") is None or not (ROOT / "node_modules" / "solc").is_dir(),
        reason="no solc: Node.js is needed, and `make tools`",
    ),
]
DEADLINE_S = 180
ARGUMENTS = encode(["address", "uint256"], [OWNER, 10**18])
NOTHING = "0x" + "00" * 19 + "01"


@dataclass(frozen=True)
class Served:
    """The verifier that runs, and the chain it looks at."""

    anvil: Anvil
    deployer: Deployer
    url: str

    def get(self, path: str, **query: str) -> httpx.Response:
        return httpx.get(self.url + path, params=query, timeout=60)

    def post(self, path: str, body: object) -> httpx.Response:
        return httpx.post(self.url + path, json=body, timeout=60)

    def done(self, answer: httpx.Response) -> dict[str, Any]:
        """The job that an answer names, once it has ended."""
        assert answer.status_code == 202, answer.text
        path = f"/v2/verify/{answer.json()['verificationId']}"
        deadline = time.monotonic() + DEADLINE_S
        while True:
            job: dict[str, Any] = self.get(path).json()
            if job["isJobCompleted"]:
                return job
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    folder = tmp_path_factory.mktemp("verifier")
    with running() as anvil, (folder / "log").open("w") as log:
        deployer = Deployer(anvil, compilers(), FIRST)
        options = {
            "--port": port,
            "--rpc": f"{CHAIN_ID}={anvil.url}",
            "--store": folder / "verified.sqlite",
            "--compilers": CACHE,
        }
        command = [sys.executable, "-m", "bridge.apps.cli", "verifier"]
        words = [str(word) for pair in options.items() for word in pair]
        process = subprocess.Popen([*command, *words], stderr=log, cwd=ROOT, env=environment())
        try:
            one = Served(anvil, deployer, f"http://127.0.0.1:{port}")
            deadline = time.monotonic() + DEADLINE_S
            while True:
                try:
                    assert one.get("/health").status_code == 200
                    break
                except httpx.HTTPError:
                    assert process.poll() is None, (folder / "log").read_text()
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
            yield one
        finally:
            process.terminate()
            assert process.wait(30) == 0
        assert "Traceback" not in (folder / "log").read_text()


def asked(name: str, transaction: str | None = None) -> dict[str, Any]:
    body = {
        "stdJsonInput": FIRST.input(),
        "compilerVersion": FIRST.version,
        "contractIdentifier": f"{FIRST.path}:{name}",
    }
    return body | ({"creationTransactionHash": transaction} if transaction else {})


def test_a_contract_is_verified_and_found_again(served: Served) -> None:
    address, transaction = served.deployer.genuine("Fixed", ARGUMENTS)
    path = f"/v2/contract/{CHAIN_ID}/{address}"
    before = served.get(path)
    assert (before.status_code, before.json()["match"]) == (404, None)
    job = served.done(served.post(f"/v2/verify/{CHAIN_ID}/{address}", asked("Fixed", transaction)))
    contract = job["contract"]
    assert "error" not in job
    assert {
        key: contract[key] for key in ("match", "runtimeMatch", "creationMatch")
    } == dict.fromkeys(("match", "runtimeMatch", "creationMatch"), "exact_match")
    assert contract["chainId"] == str(CHAIN_ID)
    assert isinstance(contract["matchId"], str)
    assert served.get(path).json() == contract
    everything = served.get(path, fields="all").json()
    runtime = everything["runtimeBytecode"]
    assert runtime["onchainBytecode"] == "0x" + served.anvil.code(address).hex()
    assert {one["reason"] for one in runtime["transformations"]} == {"immutable"}
    assert everything["compilation"]["name"] == "Fixed"
    assert everything["deployment"]["transactionHash"] == transaction
    assert everything["creationBytecode"]["transformationValues"] == {
        "constructorArguments": "0x" + ARGUMENTS.hex()
    }
    assert everything["astralink"]["binding"] == "bound"
    some = served.get(path, fields="abi,compilation.name").json()
    assert set(some) - set(contract) == {"abi", "compilation"}
    assert some["compilation"] == {"name": "Fixed"}
    rest = served.get(path, omit="abi,compilation.name").json()
    assert "abi" not in rest
    assert "name" not in rest["compilation"]
    again = served.post(f"/v2/verify/{CHAIN_ID}/{address}", asked("Fixed", transaction))
    assert (again.status_code, again.json()["customCode"]) == (409, "already_verified")
    everywhere = served.get(f"/v2/contract/all-chains/{address}").json()["results"]
    assert everywhere == [contract]


def test_forged_immutables_are_told(served: Served) -> None:
    address, _ = served.deployer.genuine("Fixed", ARGUMENTS)
    code = bytearray(served.anvil.code(address))
    for place in served.deployer.compiled("Fixed").immutables:
        code[place.offset + place.length - 1] ^= 1
    forged, transaction = served.anvil.deploy(hand_made(bytes(code)))
    job = served.done(served.post(f"/v2/verify/{CHAIN_ID}/{forged}", asked("Fixed", transaction)))
    assert job["error"]["customCode"] == "immutables_forged"
    assert job["contract"]["match"] is None
    assert served.get(f"/v2/contract/{CHAIN_ID}/{forged}").status_code == 404


def test_code_that_changed_is_verified_no_more_and_may_be_again(served: Served) -> None:
    address, transaction = served.deployer.genuine("Plain")
    path = f"/v2/contract/{CHAIN_ID}/{address}"
    question = f"/v2/verify/{CHAIN_ID}/{address}"
    served.done(served.post(question, asked("Plain", transaction)))
    assert served.get(path).status_code == 200
    code = served.anvil.code(address)
    served.anvil.set_code(address, code + b"\0")
    gone = served.get(path)
    assert (gone.status_code, gone.json()["match"]) == (404, None)
    assert gone.json()["customCode"] == "code_changed"
    assert "code hash: 0x" in gone.json()["message"]
    again = served.done(served.post(question, asked("Plain")))
    assert again["error"]["customCode"] == "no_match"
    served.anvil.set_code(address, code)
    assert served.get(path).json()["match"] == "exact_match"


def test_an_upgraded_proxy_is_verified_no_more_and_may_be_again(served: Served) -> None:
    address, transaction = served.deployer.genuine("Plain")
    targets = [served.deployer.genuine("Plain")[0] for _ in range(2)]
    path = f"/v2/contract/{CHAIN_ID}/{address}"
    question = f"/v2/verify/{CHAIN_ID}/{address}"
    for target in targets:
        word = "0x" + target[2:].rjust(64, "0")
        served.anvil.rpc("anvil_setStorageAt", address, hex(SLOTS[ProxyKind.EIP1967]), word)
        served.anvil.rpc("evm_mine")
        if target is targets[1]:
            assert "behind it: 0x" in served.get(path).json()["message"]
        job = served.done(served.post(question, asked("Plain", transaction)))
        assert "error" not in job
        shown = served.get(path, fields="proxyResolution").json()["proxyResolution"]
        assert [one["address"].lower() for one in shown["implementations"]] == [target]


def test_metadata_and_its_sources(served: Served) -> None:
    address, transaction = served.deployer.genuine("Plain")
    metadata = json.loads(served.deployer.compiled("Plain").output["metadata"])
    sources = {path: one["content"] for path, one in FIRST.input()["sources"].items()}
    path = f"/v2/verify/metadata/{CHAIN_ID}/{address}"
    none = served.post(path, {"metadata": metadata, "sources": {}})
    assert (none.status_code, none.json()["customCode"]) == (400, "missing_source")
    body = {"metadata": metadata, "sources": sources, "creationTransactionHash": transaction}
    assert served.done(served.post(path, body))["contract"]["match"] == "exact_match"
    # Another one with the same code needs no source.
    like, _ = served.deployer.genuine("Plain")
    similar = served.done(served.post(f"/v2/verify/similarity/{CHAIN_ID}/{like}", {}))
    assert similar["contract"]["match"] == "exact_match"
    unlike, _ = served.anvil.deploy(hand_made(b"\x00" * 7))
    other = served.done(served.post(f"/v2/verify/similarity/{CHAIN_ID}/{unlike}", {}))
    assert other["error"]["customCode"] == "no_similar_match_found"


def test_a_list_in_pages(served: Served) -> None:
    for _ in range(3):
        address, transaction = served.deployer.genuine("Child", encode(["uint256"], [1]))
        served.done(served.post(f"/v2/verify/{CHAIN_ID}/{address}", asked("Child", transaction)))
    path = f"/v2/contracts/{CHAIN_ID}"
    every = [int(one["matchId"]) for one in served.get(path, sort="asc").json()["results"]]
    assert every == sorted(every)
    assert len(every) >= 3
    first = served.get(path, sort="asc", limit="2").json()["results"]
    rest = served.get(path, sort="asc", afterMatchId=first[-1]["matchId"]).json()["results"]
    assert [int(one["matchId"]) for one in [*first, *rest]] == every
    newest = served.get(path).json()["results"]
    assert [int(one["matchId"]) for one in newest] == every[::-1]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (f"/v2/verify/1/{NOTHING}", {}, 404, "unsupported_chain"),
        (f"/v2/verify/{CHAIN_ID}/0x12", {}, 400, "invalid_parameter"),
        (f"/v2/verify/{CHAIN_ID}/{NOTHING}", {}, 400, "invalid_parameter"),
        (f"/v2/verify/{CHAIN_ID}/{NOTHING}", [], 400, "invalid_parameter"),
        (
            f"/v2/verify/{CHAIN_ID}/{NOTHING}",
            asked("Plain") | {"compilerVersion": "newest"},
            400,
            "invalid_compiler_version",
        ),
        (
            f"/v2/verify/{CHAIN_ID}/{NOTHING}",
            asked("Plain") | {"creationTransactionHash": "0x12"},
            400,
            "invalid_parameter",
        ),
        (f"/v2/verify/metadata/{CHAIN_ID}/{NOTHING}", {"metadata": {}}, 400, "invalid_parameter"),
        ("/v2/verify/somewhere", {}, 405, "route_not_found"),
        ("/v3/verify", {}, 404, "route_not_found"),
    ],
)
def test_what_is_refused_at_once(
    served: Served, path: str, body: object, status: int, code: str
) -> None:
    answer = served.post(path, body)
    assert (answer.status_code, answer.json()["customCode"]) == (status, code)
    assert {"message", "errorId"} <= answer.json().keys()


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("/v2/verify/no-such-job", {}, 404, "job_not_found"),
        (f"/v2/contract/1/{NOTHING}", {}, 404, "unsupported_chain"),
        (f"/v2/contract/{CHAIN_ID}/{NOTHING}", {"fields": "b"}, 400, "invalid_parameter"),
        (
            f"/v2/contract/{CHAIN_ID}/{NOTHING}",
            {"fields": "abi", "omit": "abi"},
            400,
            "invalid_parameter",
        ),
        (f"/v2/contracts/{CHAIN_ID}", {"limit": "201"}, 400, "invalid_parameter"),
        (f"/v2/contracts/{CHAIN_ID}", {"sort": "up"}, 400, "invalid_parameter"),
        (f"/v2/contracts/{CHAIN_ID}", {"afterMatchId": "x"}, 400, "invalid_parameter"),
    ],
)
def test_what_cannot_be_looked_up(
    served: Served, path: str, query: dict[str, str], status: int, code: str
) -> None:
    answer = served.get(path, **query)
    assert (answer.status_code, answer.json()["customCode"]) == (status, code)


def test_bodies_that_are_no_requests(served: Served) -> None:
    path = f"{served.url}/v2/verify/{CHAIN_ID}/{NOTHING}"
    for body, status in (
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b'{"stdJsonInput": NaN}', 400),
        (b" " * (21 << 20), 413),
    ):
        answer = httpx.post(path, content=body, timeout=60)
        assert (answer.status_code, answer.json()["customCode"]) == (status, "invalid_parameter")


def test_the_same_contract_twice_at_once(served: Served) -> None:
    address, transaction = served.deployer.genuine("Plain")
    path = f"/v2/verify/{CHAIN_ID}/{address}"
    body = asked("Plain", transaction)
    # A source that nobody compiled before, in earlier runs either, so that it takes a while.
    body["stdJsonInput"]["sources"][FIRST.path]["content"] += f"// {uuid4()}\n"
    first = served.post(path, body)
    second = served.post(path, body)
    assert (second.status_code, second.json()["customCode"]) == (
        429,
        "duplicate_verification_request",
    )
    assert served.done(first)["contract"]["match"] == "match"
    # The same source again is no better.
    again = served.done(served.post(path, body))
    assert again["error"]["customCode"] == "already_verified"
    better = served.done(served.post(path, asked("Plain", transaction)))
    assert better["contract"]["match"] == "exact_match"


def test_the_command_line(served: Served, tmp_path: Path) -> None:
    address, transaction = served.deployer.genuine("Fixed", ARGUMENTS)
    file = tmp_path / "input.json"
    file.write_text(json.dumps(FIRST.input()))
    where = ("--chain", CHAIN_ID, "--rpc-url", served.anvil.url, "--compilers", CACHE)
    source = ("--input", file, "--compiler", FIRST.version, "--contract", f"{FIRST.path}:Fixed")
    done = astralink("verify", address, *where, *source, "--creation-tx", transaction, "--json")
    assert done.code == 0, done.err
    assert (done.json["match"], done.json["astralink"]["binding"]) == ("exact_match", "bound")
    shown = astralink("verify", address, *where, *source)
    assert shown.code == 0, shown.err
    assert f"{address}".lower() in shown.out.lower()
    assert "exact match" in shown.out
    assert "constructorArguments at byte" in shown.out or "immutable" in shown.out
    build = tmp_path / "artifacts" / "build-info" / "1.json"
    build.parent.mkdir(parents=True)
    build.write_text(json.dumps({"solcLongVersion": FIRST.version, "input": FIRST.input()}))
    artifact = {"_format": "hh3-artifact-1", "contractName": "Fixed", "buildInfoId": "1"}
    artifact["inputSourceName"] = FIRST.path
    (tmp_path / "artifacts" / "Fixed.json").write_text(json.dumps(artifact))
    built = astralink("verify", address, *where, "--project", tmp_path, "--contract", "Fixed")
    assert built.code == 0, built.err
    (tmp_path / "artifacts" / "Fixed.json").unlink()
    other, _ = served.deployer.genuine("Plain")
    differs = astralink("verify", other, *where, *source)
    assert (differs.code, differs.out) == (10, "")
    assert "error: contracts/modern.sol:Fixed: runtime code: expected" in differs.err
    for wrong, words in (
        ((*where, "--input", file), "expected --compiler and --contract"),
        (where, "expected one of --input, --metadata, --artifact, --project, got none"),
        ((*where, "--project", tmp_path), "--project: expected --contract"),
        ((*where, "--project", tmp_path, "--contract", "Fixed"), "expected one artifact of Fixed"),
        ((*where, *source, "--creation-tx", "0x12"), "--creation-tx: expected 32 bytes"),
        (("--chain", "Z", "--rpc-url", served.anvil.url, *source), "expected a chain id"),
    ):
        refused = astralink("verify", address, *wrong)
        assert refused.code == 2
        assert words in refused.err


def test_apes_own_client(served: Served) -> None:
    """ape-sourcify's client and models, in a process of their own: ape configures itself."""
    address, transaction = served.deployer.genuine("Child", encode(["uint256"], [5]))
    program = f"""
import json, time
from ape_sourcify.client import SourcifyClient
client = SourcifyClient({served.url!r})
assert client.supports_chain({CHAIN_ID}) and not client.supports_chain(1)
assert client.get_contract({CHAIN_ID}, {address!r}) is None
body = json.loads({json.dumps(asked("Child"))!r})
identity = client.submit_verification(
    {CHAIN_ID}, {address!r}, std_json_input=body["stdJsonInput"],
    compiler_version=body["compilerVersion"], contract_identifier=body["contractIdentifier"],
    creation_transaction_hash={transaction!r},
)
while not (job := client.get_verification_job(identity)).is_job_completed:
    time.sleep(0.1)
assert job.contract.match == "exact_match", job
from ape_sourcify.explorer import _MANIFEST_FIELDS, Sourcify
found = client.get_contract({CHAIN_ID}, {address!r}, fields=_MANIFEST_FIELDS)
kind = Sourcify._to_contract_type(found)
print(kind.name, [one.name for one in kind.view_methods])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=DEADLINE_S,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split(maxsplit=1)[0] == "Child"
    assert "number" in done.stdout
