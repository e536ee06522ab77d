"""What is minted is locked, and what is locked is there, whoever calls what and whoever lies."""

from __future__ import annotations

import pytest

from tests.invariants import profiles
from tests.invariants.tokens import Tokens

LIES = {"NotLocked", "NotLockedFor", "WrongHome", "RouteUnknown", "NotPeer", "LimitExceeded"}


@pytest.mark.timeout(0 if profiles.LONG else 900)
def test_tokens_hold_under_random_calls() -> None:
    calls = Tokens.calls
    profiles.run("tokens", Tokens, calls)
    # Otherwise the machine talks to a closed door.
    for function in ("transfer", "process", "refund", "expire"):
        assert calls.succeeded(function) > calls.made // 4_000, function
        assert calls.refused(function) > calls.made // 4_000, function
    assert calls.succeeded("execute") > 0  # a limit was raised
    assert calls.succeeded("lowerLimits") > 0
    # Chain C was stopped by all that is there to stop it.
    assert {error for chain, error in Tokens.reasons if chain == "C"} >= LIES
    assert profiles.LONG or calls.made >= profiles.CALLS["tokens"], calls
