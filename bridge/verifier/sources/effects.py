"""Effects: what a function does to the world, told from what it writes and calls.

The tables are words in names, and say what a write to a variable of such a name, or a function of
such a name, decides. They order findings; that there is an effect at all is told from the tree.
"""

from __future__ import annotations

import re
from enum import StrEnum

from bridge.verifier.finding import Guard


class Effect(StrEnum):
    """As `Guard`, and a mark: a nonce, or a note that something was used; it gives nobody power."""

    TRANSFER = "transfer"
    OWNERSHIP = "ownership"
    UPGRADE = "upgrade"
    PERMIT = "permit"
    CALL = "call"
    STORAGE = "storage"
    MARK = "mark"


GUARDS = {
    Effect.TRANSFER: Guard.TRANSFER,
    Effect.OWNERSHIP: Guard.OWNERSHIP,
    Effect.UPGRADE: Guard.UPGRADE,
    Effect.PERMIT: Guard.PERMIT,
    Effect.CALL: Guard.CALL,
    Effect.STORAGE: Guard.STORAGE,
    Effect.MARK: Guard.STORAGE,
}


def _words(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


_VARIABLES = (
    (
        Effect.MARK,
        _words(
            "nonce", "nullifier", "used", "consumed", "spent", "_status", "entered", "lock",
            "initializ", "invalidat", "epoch",
        ),
    ),
    (Effect.UPGRADE, _words("implementation", "beacon", "singleton", "mastercopy", r"logic\b")),
    (Effect.PERMIT, _words("allowance", "approv")),
    (
        Effect.OWNERSHIP,
        _words(
            "owner", "admin", "governor", "guardian", r"_?roles?\b", r"signers?\b", "threshold",
            r"minters?\b", "keeper", r"validators?\b",
        ),
    ),
    (Effect.TRANSFER, _words("balance", "totalsupply", r"shares\b", r"deposits?\b")),
)  # fmt: skip
_FUNCTIONS = (
    (Effect.MARK, _words("nonce", "nullif", "invalidate", "^_?cancel", "reentran")),
    (Effect.UPGRADE, _words("upgrade", "setimplementation", "_setbeacon")),
    (
        Effect.OWNERSHIP,
        _words(
            "ownership", "owner$", "addowner", "grantrole", "revokerole", "setadmin",
            "_transferadmin",
        ),
    ),
    (Effect.PERMIT, _words("^_?permit", "approve", "allowance")),
    (
        Effect.TRANSFER,
        _words(
            "^_?(safe)?(batch)?(transfer|mint|burn|withdraw|redeem|deposit|payout|release|refund|"
            r"swap|sendvalue|pay\b)"
        ),
    ),
)  # fmt: skip
_EXTERNAL = (
    (Effect.UPGRADE, _words("^upgrade")),
    (Effect.OWNERSHIP, _words("^(transferownership|grantrole|setowner|setadmin)")),
    (
        Effect.PERMIT,
        _words("^(safe|force|increase)?(approve|increaseallowance|setapprovalforall)"),
    ),
    (
        Effect.TRANSFER,
        _words("^(safe)?(batch)?(transfer|mint|burn|withdraw|redeem|deposit|swap)"),
    ),
)  # fmt: skip


def of_write(names: list[str], function: str) -> Effect:
    """The effect of a write to what these names lead to, in a function of that name."""
    text = " ".join(names)
    for effect, pattern in _VARIABLES:
        if pattern.search(text):
            return effect
    return of_function({Effect.STORAGE}, function).pop()


def of_function(effects: set[Effect], function: str) -> set[Effect]:
    """Effects seen from outside a function of that name: its plain writes become what it is for."""
    for effect, pattern in _FUNCTIONS:
        if pattern.search(function) and Effect.STORAGE in effects:
            return (effects - {Effect.STORAGE}) | {effect}
    return set(effects)


def of_call(name: str) -> Effect:
    """The effect of a call of another contract's function of that name."""
    return next((effect for effect, pattern in _EXTERNAL if pattern.search(name)), Effect.CALL)


def guards_of(effects: set[Effect]) -> tuple[Guard, ...]:
    """What is guarded, in the order of `Guard`; `Guard.NOTHING_SEEN` for no effect."""
    found = {GUARDS[one] for one in effects}
    return tuple(one for one in Guard if one in found) or (Guard.NOTHING_SEEN,)
