"""A contract that deals with verified contracts only."""

from __future__ import annotations

import pytest

from bridge.crypto.hashing import keccak256
from bridge.domain.verdicts import MatchKind
from bridge.testing.machine import GUARDIAN, STRANGER, Deployed, reverts
from bridge.testing.world import Side, World
from tests.contracts.conftest import ACCEPTS
from tests.contracts.verdicts import ABROAD, bring, verdict
from tests.mocks import mock


@pytest.fixture
def side(world: World) -> Side:
    return world.b


@pytest.fixture
def vault(side: Side) -> Deployed:
    made = side.machine.deploy_artifact(
        mock("VerifiedVault"), side.verdicts.address, int(MatchKind.EXACT_MATCH)
    )
    side.machine.evm.set_balance(made.address, 10)
    return made


def test_it_pays_a_verified_contract_until_its_verdict_goes(side: Side, vault: Deployed) -> None:
    account = side.machine.deploy_code(ACCEPTS)
    with reverts("NotVerified", account):
        vault.send("pay", account)
    bring(side.verdicts, verdict(side, account, match=MatchKind.MATCH))
    with reverts("NotVerified", account):  # it asks for an exact match
        vault.send("pay", account)
    bring(side.verdicts, verdict(side, account, 2))
    vault.send("pay", account, sender=STRANGER)
    assert vault.call("payments") == 1
    assert side.machine.balance(account) == 1
    side.verdicts.send("revokeNow", side.machine.chain_id, account, sender=GUARDIAN)
    with reverts("NotVerified", account):
        vault.send("pay", account)


def test_it_takes_a_contract_of_another_chain_by_its_chain(side: Side, vault: Deployed) -> None:
    account = "0x" + "77" * 20
    with reverts("NotVerifiedOn", ABROAD, account):
        vault.send("note", ABROAD, account)
    code_hash = keccak256(b"code")
    abroad = verdict(side, account, chain_id=ABROAD, code_hash=code_hash)
    bring(side.verdicts, abroad)
    vault.send("note", ABROAD, account)
    with reverts("NotVerified", account):
        vault.send("pay", account)


def test_an_account_without_code_is_never_verified(side: Side, vault: Deployed) -> None:
    for account in (STRANGER, "0x" + "99" * 20):
        with reverts("NotVerified", account):
            vault.send("pay", account)


def test_it_is_not_made_without_a_registry_or_a_level(side: Side) -> None:
    for registry, least in (("0x" + "cc" * 20, 1), (side.verdicts.address, 0)):
        with reverts("InvalidVerdicts"):
            side.machine.deploy_artifact(mock("VerifiedVault"), registry, least)
