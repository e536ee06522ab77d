"""Effects: what a function does to the world, told from what it writes and calls.

The tables are words in names, and say what a write to a variable of such a name, or a function of
such a name, decides. They order findings; that there is an effect at all is told from the tree.
"""

from __future__ import annotations

import re
from enum import StrEnum

from bridge.verifier.finding import Guard


class Effect(StrEnum):
    """As `Guard`, and a mark: a nonce or a note that something was used, which gives nobody power."""

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

_VARIABLES = (
    (Effect.MARK, re.compile(r"nonce|nullifier|_?used|consumed|spent|_status|entered|lock|initializ|invalidat|epoch", re.I)),
    (Effect.UPGRADE, re.compile(r"implementation|beacon|singleton|mastercopy|logic\b", re.I)),
    (Effect.PERMIT, re.compile(r"allowance|approv", re.I)),
    (Effect.OWNERSHIP, re.compile(r"owner|admin|governor|guardian|_?roles?\b|signers?\b|threshold|minters?\b|keeper|validators?\b", re.I)),
    (Effect.TRANSFER, re.compile(r"balance|totalsupply|shares\b|deposits?\b", re.I)),
)  # fmt: skip
_FUNCTIONS = (
    (Effect.MARK, re.compile(r"nonce|nullif|invalidate|_cancel|^_?cancel|reentran", re.I)),
    (Effect.UPGRADE, re.compile(r"upgrade|setimplementation|_setbeacon", re.I)),
    (Effect.OWNERSHIP, re.compile(r"ownership|owner$|addowner|grantrole|revokerole|setadmin|_transferadmin", re.I)),
    (Effect.PERMIT, re.compile(r"^_?permit|approve|allowance", re.I)),
    (Effect.TRANSFER, re.compile(r"^_?(safe)?(batch)?(transfer|mint|burn|withdraw|redeem|deposit|payout|release|refund|swap|sendvalue|pay\b)", re.I)),
)  # fmt: skip
_EXTERNAL = (
    (Effect.UPGRADE, re.compile(r"^upgrade", re.I)),
    (Effect.OWNERSHIP, re.compile(r"^(transferownership|grantrole|setowner|setadmin)", re.I)),
    (Effect.PERMIT, re.compile(r"^(safe|force|increase)?(approve|increaseallowance|setapprovalforall)", re.I)),
    (Effect.TRANSFER, re.compile(r"^(safe)?(batch)?(transfer|mint|burn|withdraw|redeem|deposit|swap)", re.I)),
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
