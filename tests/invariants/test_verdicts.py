"""What is verified was signed by a quorum, is the code that is there, and was not taken back."""

from __future__ import annotations

import pytest

from tests.invariants import profiles
from tests.invariants.verdicts import VerdictMachine

REFUSALS = {
    *("StaleSequence", "NotYetIssued", "InvalidValidity", "RevokedSince", "CodeChanged"),
    *("InvalidSignature", "SignerAlreadyCounted", "WrongChainId", "WrongRegistry", "WrongEpoch"),
    *("NotGuardian", "DomainPaused", "VerdictExpired"),
}


@pytest.mark.timeout(0 if profiles.LONG else 900)
def test_verdicts_hold_under_random_calls() -> None:
    calls = VerdictMachine.calls
    profiles.run("verdicts", VerdictMachine, calls)
    # Otherwise the machine talks to a closed door.
    for function in ("submit", "revoke", "revokeNow", "revokeCode"):
        assert calls.succeeded(function) > calls.made // 200, function
        assert calls.refused(function) > calls.made // 200, function
    assert calls.errors() >= REFUSALS, REFUSALS - calls.errors()
    assert profiles.LONG or calls.made >= profiles.CALLS["verdicts"], calls
