"""Verdicts from the question to the relayer's choice: real chains, attestors and key service."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.apps.devnet.layout import ANY_PORTS, read_deployment
from bridge.apps.devnet.world import ChainKind
from bridge.apps.verdicts import SignedStatement, verdicts_of
from bridge.chain.contracts import Contract
from bridge.crypto.hashing import keccak256
from bridge.domain.delivery import Stage
from bridge.domain.errors import AttestorRefused, BlockNotFinal
from bridge.domain.verdicts import MatchKind, Place, Statement, VerdictStatement
from bridge.relayer.journal import Journal
from bridge.relayer.route import Side
from bridge.verifier.recheck import Recheck
from bridge.verifier.source_verifier import SourceVerifier
from scripts.build_contracts import source_of
from tests.integration.conftest import (
    NEEDS_NODE,
    ONE_KIND,
    Network,
    astralink,
    processes_with,
    until,
)
from tests.integration.test_observability import relayer_url, scrape, total
from tests.sourcify.compilers import CACHE, compilers, seeded

pytestmark = NEEDS_NODE
VERIFIER = SourceVerifier(compilers())
CONFIGURATION = """
[relayer.verdicts]
least_match = "EXACT_MATCH"
greatest_severity = "medium"
scans = "scans"
recheck_s = 0.5
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A network whose relayer asks for verdicts and whose attestors give them."""
    one = Network(tmp_path_factory.mktemp("verdicts") / "state", ONE_KIND)
    one.world.configure(ANY_PORTS)
    config = one.world.layout.config
    text = config.read_text().replace("[verdicts]\n", f'[verdicts]\ncompilers = "{CACHE}"\n')
    config.write_text(text + CONFIGURATION)
    (one.folder / "scans").mkdir()
    seeded(CACHE)
    for name in ("Postcard", "Outbox"):
        (one.folder / f"{name}.json").write_text(json.dumps(source_of(name)))
    one.up()
    yield one
    one.end()
    assert processes_with(str(one.folder)) == []


def address(network: Network, chain: str, name: str = "postcard") -> str:
    found: str = getattr(read_deployment(network.world.layout.deployment).sides[chain], name)
    return found


def keep_report(network: Network, chain: str, where: str) -> Path:
    """Scan a contract anew, and put the report where the relayer looks for it."""
    url = network.world.config().chains[chain].urls[0]
    draft = network.folder / "scans" / "draft"
    ended = astralink(
        *("scan", where, "--rpc", url, "--source", postcard(network), "--no-owner"),
        *("--format", "canonical", "--output", draft),
        ASTRALINK_COMPILERS=str(CACHE),
    )
    assert ended.code == 0, ended.err
    report = draft.read_bytes()
    assert json.loads(report)["findings"][0]["contract"] == "Postcard"
    return draft.rename(draft.with_name(f"{hashlib.sha256(report).hexdigest()}.json"))


def postcard(network: Network) -> Path:
    """The file of the source of the Postcard."""
    return network.folder / "Postcard.json"


def requested(network: Network, chain: str, out: Path, *more: object) -> dict[str, Any]:
    ended = network.cli(
        *("verdict", "request", chain, address(network, chain), "--source", postcard(network)),
        *("--out", out, "--json", *more),
    )
    assert ended.code == 0, ended.err
    found: dict[str, Any] = ended.json
    return found


def submitted(network: Network, out: Path) -> dict[str, Any]:
    ended = network.cli("verdict", "submit", out, "--json")
    assert ended.code == 0, ended.err
    found: dict[str, Any] = ended.json
    return found


def shown(network: Network, chain: str) -> dict[str, Any]:
    ended = network.cli("verdict", "show", chain, address(network, chain), "--json")
    assert ended.code == 0, ended.err
    found: dict[str, Any] = ended.json
    return found


def held(network: Network, identifier: str, reason: str) -> None:
    """Wait until a message is held for that reason."""

    def there() -> bool:
        entry = network.entry(identifier)
        return entry is not None and entry.stage is Stage.HELD and reason in (entry.error or "")

    until(there, f"{identifier} is held: {reason}; it is {network.entry(identifier)}")


def relayer_lines(network: Network, event: str) -> list[dict[str, Any]]:
    text = network.world.processes.log_file("relayer").read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def test_messages_wait_for_verdicts_and_none_is_lost(own: Network, tmp_path: Path) -> None:
    sender, recipient = address(own, "A"), address(own, "B")
    (waiting, behind) = own.send("waits", "waits behind it")
    held(own, waiting, f"sender {sender.lower()} on chain A: no verdict is on it")
    held(own, behind, "no verdict is on it")
    ended = own.cli("messages", "list", "--stage", "held", "--json")
    assert [one["id"] for one in ended.json] == [waiting, behind]
    assert "no verdict is on it" in ended.json[0]["error"]
    (line,) = relayer_lines(own, "messages_held")[:1]
    assert (line["level"], line["route"]) == ("warning", "A->B")
    samples = scrape(relayer_url(own))
    assert total(samples, "astralink_messages_held_total", origin="A", destination="B") == 2
    assert total(samples, "astralink_queue_messages", origin="A", stage="held") == 2

    out = tmp_path / "a.json"
    asked = requested(own, "A", out, "--report", tmp_path)
    assert (asked["match"], asked["sequence"], asked["epoch"]) == ("EXACT_MATCH", 1, 1)
    assert len(asked["signers"]) >= 2
    assert not shown(own, "A")["verified"]
    done = submitted(own, out)
    assert done["accepted"]
    print(f"{own.kind}: a verdict with {len(asked['signers'])} signatures: {done['gas']:,} gas")
    told = shown(own, "A")
    assert (told["verified"], told["match"], told["sequence"]) == (True, "EXACT_MATCH", 1)
    assert told["code_hash"] == asked["code_hash"]

    # A verdict whose scan is not known here is not enough.
    held(own, waiting, f"sender {sender.lower()} on chain A: its scan is not known here")
    report = keep_report(own, "A", sender)
    assert report.read_bytes() == (tmp_path / report.name).read_bytes()

    # The sender alone is not enough; an operator who retries changes nothing.
    held(own, waiting, f"recipient {recipient.lower()} on chain B: no verdict is on it")
    own.cli("messages", "retry", waiting)
    held(own, waiting, f"recipient {recipient.lower()} on chain B")

    # Nor is it forgotten by a relayer that dies.
    os.kill(own.pid("relayer"), signal.SIGKILL)
    own.up()
    held(own, behind, f"recipient {recipient.lower()} on chain B")

    # The same code has the same report on every chain.
    out = tmp_path / "b.json"
    requested(own, "B", out)
    submitted(own, out)
    for identifier in (waiting, behind):
        own.reaches(identifier)
        assert own.deliveries(identifier) == 1
    assert relayer_lines(own, "messages_released")
    ended = own.cli("verdict", "check", "B", recipient, "--source", postcard(own), "--json")
    assert ended.json["verified"] is True
    # What comes later goes through at once.
    (identifier,) = own.send("no need to wait")
    own.reaches(identifier)


def statement(network: Network, chain: str = "A", **changes: Any) -> VerdictStatement:
    """What is true of the Postcard of a chain, and what is changed of it."""

    async def find(sides: dict[str, Side]) -> VerdictStatement:
        side = sides[chain]
        verdicts = verdicts_of(side)
        chain_id = side.record.chain_id
        recheck = Recheck({chain_id: side.client}, VERIFIER.match, VERIFIER.scan)
        raw = bytes.fromhex(side.record.postcard[2:])
        verdict = await recheck.verdict(chain_id, raw, None, source_of("Postcard"))
        now = (await side.client.finalized()).timestamp
        place = Place(
            chain_id,
            verdicts.raw_address,
            await side.registry.current_epoch(),
            await verdicts.sequence(chain_id, raw) + 1,
        )
        return VerdictStatement(place, now, now + 3_600, verdict)

    made = network.on_chain(find)
    parts = {"place": made.place, "verdict": made.verdict}
    for name, value in changes.items():
        if name in ("issued_at", "expires_at"):
            continue
        part = "verdict" if hasattr(made.verdict, name) else "place"
        parts[part] = dataclasses.replace(parts[part], **{name: value})  # type: ignore[type-var]
    times = {name: changes[name] for name in ("issued_at", "expires_at") if name in changes}
    return dataclasses.replace(made, **parts, **times)


def sign(network: Network, wanted: Statement, with_source: bool = True) -> None:
    source = source_of("Postcard") if with_source else None

    async def ask() -> None:
        async with network.attestor(1) as client:
            (record,) = await client.keys()
            await client.sign_statement(wanted, [record.key_id], source)

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"code_hash": b"\1" * 32}, "verdict_mismatch", "code_hash: it finds 0x"),
        ({"block_hash": b"\1" * 32}, "verdict_mismatch", "block_hash: it finds 0x"),
        (
            {"match": MatchKind.MATCH},
            "verdict_mismatch",
            "match: it finds 2, it was asked",
        ),
        ({"scan_digest": b"\1" * 32}, "verdict_mismatch", "scan_digest: it finds 0x"),
        ({"tool": "other/1"}, "verdict_mismatch", "it was asked to sign other/1"),
        ({"chain_id": 5}, "bad_input", "chain_id: expected one of 31001, 31002, got 5"),
        ({"address": b"\x77" * 20}, "not_verified", "it has no code at block"),
        ({"registry": b"\x77" * 20}, "verdict_refused", "registry: expected 0x"),
        ({"registry_chain_id": 5}, "verdict_refused", "registry_chain_id: expected one of"),
        ({"epoch": 2}, "verdict_refused", "epoch: expected 1, got 2"),
        ({"sequence": 2**63}, "verdict_refused", "sequence: expected"),
        ({"issued_at": 1}, "verdict_refused", "issued_at: expected"),
        ({"expires_at": 2**63}, "verdict_refused", "expires_at: expected"),
    ],
)
def test_an_attestor_signs_only_what_it_finds_itself(
    own: Network, changes: dict[str, Any], code: str, words: str
) -> None:
    wanted = statement(own, **changes)
    with pytest.raises(AttestorRefused) as refused:
        sign(own, wanted)
    assert refused.value.code == code, str(refused.value)
    assert words in str(refused.value)


def test_an_attestor_without_the_source_finds_no_match(own: Network) -> None:
    with pytest.raises(AttestorRefused, match="match: it finds 0, it was asked to sign 2"):
        sign(own, statement(own), with_source=False)


def test_an_attestor_signs_nothing_at_a_block_that_is_not_final(own: Network) -> None:
    with pytest.raises(BlockNotFinal):
        sign(own, statement(own, block_number=10**9))


def test_a_key_says_one_thing_under_a_number_and_the_next_number_is_found(
    own: Network, tmp_path: Path
) -> None:
    wanted = statement(own)
    sign(own, wanted)
    sign(own, wanted)
    with pytest.raises(AttestorRefused) as refused:
        sign(own, dataclasses.replace(wanted, expires_at=wanted.expires_at + 1))
    assert refused.value.code == "verdict_conflict"
    assert "another one takes another sequence" in str(refused.value)
    # Two of three may still be a quorum under that number; if not, the next one is.
    asked = requested(own, "A", tmp_path / "next.json")
    assert asked["sequence"] in (wanted.place.sequence, wanted.place.sequence + 1)


def test_a_verdict_is_brought_once_and_to_its_registry(own: Network, tmp_path: Path) -> None:
    out = tmp_path / "a.json"
    requested(own, "A", out)
    ended = own.cli("verdict", "submit", out, "--on", "B")
    assert ended.code == 2
    assert "statement: expected one to 0x" in ended.err
    signed = SignedStatement.read(out)
    one = dict(list(signed.signatures.items())[:1])
    short = tmp_path / "short.json"
    SignedStatement(signed.statement, one).write(short)
    ended = own.cli("verdict", "submit", short)
    assert ended.code == 8
    assert "1 signatures, expected a weight of 2" in ended.err
    submitted(own, out)  # the one that was counted is not brought again
    ended = own.cli("verdict", "submit", out)
    assert ended.code == 3
    assert "StaleSequence" in ended.err
    (tmp_path / "no.json").write_text("{}")
    assert own.cli("verdict", "submit", tmp_path / "no.json").code == 2


def test_bad_questions_get_clear_errors(own: Network, tmp_path: Path) -> None:
    out = tmp_path / "x.json"
    for arguments, words in (
        (("A", "0x12"), "address: expected 20 bytes in hex"),
        (("C", address(own, "A")), "unknown chain 'C'"),
        (("A", "0x" + "77" * 20), "it has no code at block"),
    ):
        ended = own.cli("verdict", "request", *arguments, "--out", out)
        assert words in ended.err, ended.err
        assert ended.code in (2, 8)
    ended = own.cli(*("verdict", "request", "A", address(own, "A"), "--out", out, "--block", 10**9))
    assert ended.code == 8
    assert "is final here, expected block" in ended.err
    ended = own.cli("verdict", "show", "A", address(own, "A"), "--least", "BEST")
    assert ended.code == 2
    assert not out.exists()


def test_code_that_is_not_the_source_is_signed_as_no_match_and_verifies_nothing(
    own: Network, tmp_path: Path
) -> None:
    """What a quorum finds may be bad news, and replaces what was said before."""
    out = tmp_path / "b.json"
    where = address(own, "B", "inbox")
    ended = own.cli(
        *("verdict", "request", "B", where, "--source", own.folder / "Outbox.json", "--out", out),
        "--json",
    )
    assert ended.json["match"] == "NO_MATCH"
    submitted(own, out)
    ended = own.cli("verdict", "show", "B", where, "--json")
    assert ended.json["verified"] is False
    assert ended.json["reason"] == "its verdict is NO_MATCH, expected MATCH at the least"


def test_a_revocation_by_a_quorum_holds_messages_again(own: Network, tmp_path: Path) -> None:
    recipient = address(own, "B")
    ended = own.cli("verdict", "revoke", "B", recipient, "--reason", "a test", "--json")
    assert ended.code == 0, ended.err
    assert ended.json["accepted"]
    assert shown(own, "B")["reason"] == "its verdict was revoked"
    ended = own.cli("verdict", "check", "B", recipient, "--source", postcard(own))
    assert ended.code == 8
    assert "is not verified: its verdict was revoked" in ended.err
    (identifier,) = own.send("after the revocation")
    held(own, identifier, "its verdict was revoked")

    def again() -> bool:
        out = tmp_path / "again.json"
        requested(own, "B", out)
        return own.cli("verdict", "submit", out).code == 0

    until(again, "a verdict that was issued later")
    own.reaches(identifier)
    assert own.deliveries(identifier) == 1


def under_way(network: Network) -> list[tuple[int, Stage, str | None]]:
    """Messages that are not where they end."""
    journal = Journal(network.world.layout.journal, read_only=True)
    try:
        entries = list(journal.all_entries())
    finally:
        journal.close()
    ended_as = {Stage.CONFIRMED, Stage.DELIVERED, Stage.DROPPED}
    return [(one.nonce, one.stage, one.error) for one in entries if one.stage not in ended_as]


def test_the_guardian_revokes_at_once_and_code_everywhere(own: Network) -> None:
    recipient = address(own, "B")
    until(lambda: not under_way(own), "the answers from B have arrived")
    ended = own.cli("verdict", "revoke", "B", recipient, "--now", "--code", "--json")
    assert ended.code == 0, ended.err
    assert len(ended.json["transactions"]) == 2
    told = shown(own, "B")
    assert (told["verified"], told["revoked"], told["code_revoked"]) == (False, True, True)
    (identifier,) = own.send("held for good")
    held(own, identifier, "its verdict was revoked")
    # Held is not lost: whoever wants it delivers it, and the journal sees that.
    ended = own.cli("messages", "drop", identifier, "--json")
    assert ended.json == [identifier]
    assert own.entry(identifier).stage is Stage.DROPPED


def test_code_that_changed_is_found_on_the_chain_and_by_a_new_check(
    own: Network, tmp_path: Path
) -> None:
    """What no chain does and an upgrade of it or a redeployment may: other code, same address."""
    if own.kind is not ChainKind.ANVIL:
        pytest.skip("the embedded chain has no method that changes code")
    out = tmp_path / "a.json"
    sender = address(own, "A")
    requested(own, "A", out)
    submitted(own, out)
    assert shown(own, "A")["verified"]

    async def change(sides: dict[str, Side]) -> str:
        client = sides["A"].client
        code = "0x" + (await client.code(sender)).hex()
        await client.request("anvil_setCode", sender, code + "00")
        return code

    code = own.on_chain(change)
    told = shown(own, "A")
    assert not told["verified"]
    assert "its verdict is on code 0x" in told["reason"]
    expected = keccak256(bytes.fromhex(code[2:]) + b"\0").hex()
    assert told["reason"].endswith(f"it has 0x{expected}")

    async def put_back(sides: dict[str, Side]) -> bool:
        client = sides["A"].client
        await client.request("anvil_setCode", sender, code)
        contract = Contract.at(client, "VerdictRegistry", sides["A"].record.verdicts or "")
        verified: bool = await contract.call("isVerified", sender)
        return verified

    assert own.on_chain(put_back)


def test_nothing_was_lost(own: Network) -> None:
    """Last: the journal and the chains agree, and no message is anywhere else than it should be."""
    assert under_way(own) == []
    ended = own.cli("audit", "--json")
    assert ended.code == 0, ended.err
