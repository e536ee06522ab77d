"""No set without a quorum and its delay, no revoked voice, no equivocator who gets away."""

from __future__ import annotations

import pytest

from tests.invariants import profiles
from tests.invariants.signers import Signers


@pytest.mark.timeout(0 if profiles.LONG else 900)
def test_signer_sets_hold_under_random_calls() -> None:
    calls = Signers.calls
    profiles.run("signers", Signers, calls)
    # Otherwise the machine talks to a closed door.
    for function in ("approveRotation", "scheduleRotation", "attest", "submitEvidence", "revoke"):
        assert calls.succeeded(function) > calls.made // 2_000, function
        assert calls.refused(function) > calls.made // 2_000, function
    assert calls.succeeded("execute") > 0
    assert calls.succeeded("cancelRotation") > 0
    assert profiles.LONG or calls.made >= profiles.CALLS["signers"], calls


def test_the_committed_configuration_makes_a_hundred_thousand_calls() -> None:
    """Each machine's own test asserts that it makes its share."""
    assert sum(profiles.CALLS.values()) >= 100_000
    machines = {"delivery", "signers", "tokens", "verdicts"}
    assert profiles.CALLS.keys() == profiles.EXAMPLES.keys() == machines
