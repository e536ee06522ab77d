"""Verdicts and revocations: the widths of their fields, and what they may never say."""

import dataclasses
import math
import re
from pathlib import Path

import pytest

from bridge.crypto.digests import (
    revocation_digest,
    statement_content,
    statement_digest,
    verdict_digest,
)
from bridge.domain.errors import InputError
from bridge.domain.verdicts import (
    REVOCATION_TYPE,
    VERDICT_TYPE,
    MatchKind,
    Place,
    RevocationStatement,
    Verdict,
    VerdictStatement,
    text_of,
    word_of,
)

PLACE = Place(31002, b"\x11" * 20, 1, 7)
VERDICT = Verdict(
    chain_id=31001,
    address=b"\x22" * 20,
    code_hash=b"\x33" * 32,
    block_number=9,
    block_hash=b"\x44" * 32,
    match=MatchKind.MATCH,
    scan_digest=b"\x55" * 32,
    tool="astralink/0.1.0",
)
STATEMENT = VerdictStatement(PLACE, 100, 200, VERDICT)
REVOCATION = RevocationStatement(PLACE, 100, 31001, b"\x22" * 20, b"\x33" * 32, "why")


def contract_fields(struct):
    text = (Path(__file__).parents[3] / "contracts/types/Verdict.sol").read_text()
    inside = re.search(rf"struct {struct} \{{(.*?)\}}", text, re.DOTALL)[1]
    kinds = {"MatchKind": "uint8"}
    pairs = [line.strip(" ;").split(" ") for line in inside.strip().splitlines()]
    return ",".join(f"{kinds.get(kind, kind)} {name}" for kind, name in pairs)


def test_the_signed_types_are_the_structs_of_the_contract():
    assert f"AstraLinkVerdict({contract_fields('Verdict')})" == VERDICT_TYPE
    assert f"AstraLinkVerdictRevocation({contract_fields('Revocation')})" == REVOCATION_TYPE
    text = (Path(__file__).parents[3] / "contracts/types/Verdict.sol").read_text()
    assert f'"{VERDICT_TYPE}"' in text
    assert f'"{REVOCATION_TYPE}"' in text


@pytest.mark.parametrize(
    ("one", "name", "bits"),
    [
        (PLACE, "registry_chain_id", 64),
        (PLACE, "epoch", 32),
        (PLACE, "sequence", 64),
        (VERDICT, "chain_id", 64),
        (VERDICT, "block_number", 64),
        (STATEMENT, "expires_at", 64),
        (REVOCATION, "issued_at", 64),
        (REVOCATION, "chain_id", 64),
    ],
)
def test_an_integer_takes_its_width_and_not_more(one, name, bits):
    most = 2**bits - 1
    assert getattr(dataclasses.replace(one, **{name: most}), name) == most
    for value in (-1, most + 1, math.nan, 1.0, True):
        with pytest.raises(InputError, match=rf"{name}: expected 0 to 2\^{bits} - 1, got {value}"):
            dataclasses.replace(one, **{name: value})


@pytest.mark.parametrize(
    ("one", "name", "size"),
    [
        (PLACE, "registry", 20),
        (VERDICT, "address", 20),
        (VERDICT, "code_hash", 32),
        (VERDICT, "block_hash", 32),
        (VERDICT, "scan_digest", 32),
        (REVOCATION, "address", 20),
        (REVOCATION, "code_hash", 32),
    ],
)
def test_bytes_have_their_length(one, name, size):
    for length in (0, size - 1, size + 1):
        with pytest.raises(InputError, match=f"{name}: expected {size} bytes, got {length}"):
            dataclasses.replace(one, **{name: b"\x01" * length})


@pytest.mark.parametrize("tool", ["", "a" * 33, "é" * 17, "a\0", "\0", "\ud800"])
def test_a_tool_fits_its_word_and_is_read_back(tool):
    with pytest.raises(InputError, match="tool: expected"):
        dataclasses.replace(VERDICT, tool=tool)


def test_text_is_its_word_and_nothing_else():
    for text in ("a", "astralink/0.1.0", "é" * 16, "a" * 32):
        assert text_of(word_of(text)) == text
        assert len(word_of(text)) == 32
    for word in (b"\xff" * 32, b"a\0b".ljust(32, b"\0")):
        with pytest.raises(InputError, match="text: expected"):
            text_of(word)


def test_a_sequence_begins_with_one_and_a_verdict_counts_for_a_while():
    with pytest.raises(InputError, match="sequence: expected at least 1, got 0"):
        dataclasses.replace(PLACE, sequence=0)
    for expires_at in (99, 100):
        with pytest.raises(InputError, match=f"expected later than 100, got {expires_at}"):
            dataclasses.replace(STATEMENT, expires_at=expires_at)
    with pytest.raises(InputError, match="match: expected a MatchKind, got 2"):
        dataclasses.replace(VERDICT, match=2)


def variants():
    """Each field of both statements changed, by name."""
    place = {
        "registry_chain_id": 1,
        "registry": b"\x12" * 20,
        "epoch": 2,
        "sequence": 8,
    }
    verdict = {
        "chain_id": 1,
        "address": b"\x12" * 20,
        "code_hash": b"\x12" * 32,
        "block_number": 1,
        "block_hash": b"\x12" * 32,
        "match": MatchKind.EXACT_MATCH,
        "scan_digest": bytes(32),
        "tool": "other",
    }
    for name, value in place.items():
        moved = dataclasses.replace(PLACE, **{name: value})
        yield f"verdict {name}", dataclasses.replace(STATEMENT, place=moved)
        yield f"revocation {name}", dataclasses.replace(REVOCATION, place=moved)
    for name, value in verdict.items():
        other = dataclasses.replace(VERDICT, **{name: value})
        yield f"verdict {name}", dataclasses.replace(STATEMENT, verdict=other)
    for name, value in {"issued_at": 1, "expires_at": 300}.items():
        yield f"verdict {name}", dataclasses.replace(STATEMENT, **{name: value})
    for name, value in {
        "issued_at": 1,
        "chain_id": 1,
        "address": b"\x12" * 20,
        "code_hash": bytes(32),
        "reason": "",
    }.items():
        yield f"revocation {name}", dataclasses.replace(REVOCATION, **{name: value})


def test_each_field_is_under_the_signature():
    digests = {name: statement_digest(one) for name, one in variants()}
    digests |= {"verdict": verdict_digest(STATEMENT), "revocation": revocation_digest(REVOCATION)}
    assert len(set(digests.values())) == len(digests)


def test_the_content_is_the_same_in_every_epoch_and_differs_in_all_else():
    contents = {name: statement_content(one) for name, one in variants()}
    assert contents.pop("verdict epoch") == statement_content(STATEMENT)
    assert contents.pop("revocation epoch") == statement_content(REVOCATION)
    own = {statement_content(STATEMENT), statement_content(REVOCATION)}
    assert len(own | set(contents.values())) == len(contents) + 2
