"""Nothing delivered twice or that was not dispatched, whoever calls what in whatever order."""

from __future__ import annotations

import pytest

from tests.invariants import profiles
from tests.invariants.delivery import Delivery


@pytest.mark.timeout(0 if profiles.LONG else 900)
def test_delivery_holds_under_random_calls() -> None:
    calls = Delivery.calls
    profiles.run("delivery", Delivery, calls)
    # Otherwise the machine talks to a closed door.
    for function in ("dispatch", "attest", "process", "processRange", "expire"):
        assert calls.succeeded(function) > calls.made // 2_000, function
        assert calls.refused(function) > calls.made // 2_000, function
    assert calls.succeeded("execute") > 0  # a denied root was allowed
    assert profiles.LONG or calls.made >= profiles.CALLS["delivery"], calls
