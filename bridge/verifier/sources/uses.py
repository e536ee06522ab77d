"""Uses: each site of a contract with all that its result decides there."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.verifier.sources.effects import Effect
from bridge.verifier.sources.flow import Flow
from bridge.verifier.sources.program import Contract, Function, Program, below, start_of
from bridge.verifier.sources.sites import Site
from bridge.verifier.sources.taint import Summary, Token

AUTHORISES = {
    "isValidSignature",
    "validateUserOp",
    "validatePaymasterUserOp",
    "_validateSignature",
    "isValidSignatureNow",
}
"""Functions of standards (ERC-1271, ERC-4337) whose answer lets others act for the account."""
ISM_BASES = {"IInterchainSecurityModule", "IMultisigIsm", "IAggregationIsm", "ISM"}
"""Hyperlane: ``verify(bytes,bytes)`` of these decides whether a message is delivered."""


@dataclass(slots=True)
class Use:
    """One site in one contract, at the place where the contract's own code reaches it.

    ``entries`` are the functions that anybody can call and that reach it, ``names`` the functions
    on the way, ``called`` all that these entries run. ``answers`` says that an entry returns the
    result; ``outside`` that it is reached from outside at all.
    """

    contract: Contract
    site: Site
    source: str
    line: int
    home: str
    """The source that the site itself is in, a library's perhaps."""
    compiled: bool
    effects: set[Effect] = field(default_factory=set)
    entries: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    words: frozenset[str] = frozenset()
    in_loop: bool = False
    answers: bool = False
    outside: bool = False


def uses_of(program: Program, contract: Contract) -> tuple[list[Use], set[str]]:
    """The uses of a contract or library by their places, and functions too deep to follow."""
    if contract.kind == "interface":
        return [], set()
    flow = Flow(program, contract)
    found: dict[tuple[Site, str, int], Use] = {}
    seen: set[Token] = set()
    if contract.kind == "contract":
        for entry in entries(program, contract):
            summary = flow.summary(entry)
            for token in summary.sites:
                seen.add(token)
                use = _use(found, flow, token)
                _reached(use, contract, entry, summary, token)
    reached = {token.place for token in seen}
    for functions in contract.functions.values():
        for one in functions:
            for token in flow.summary(one).sites:
                own = (
                    contract.kind == "library"
                    or token.anchor is not None
                    or token.place.source == contract.source
                )
                if token not in seen and token.place not in reached and own:
                    use = _use(found, flow, token)
                    use.entries.add(one.name)
    words: dict[str, frozenset[str]] = {}
    for use in found.values():
        use.words = _words(program, use, words)
    ordered = sorted(found.values(), key=lambda one: (one.source, one.line, one.site.value))
    return ordered, flow.too_deep


def entries(program: Program, contract: Contract) -> list[Function]:
    """The functions with bodies that anybody can call when ``contract`` is deployed."""
    found: dict[tuple[str, ...], Function] = {}
    for base in contract.line:
        if base.kind != "contract":
            continue
        for functions in base.functions.values():
            for one in functions:
                special = one.name in ("fallback", "receive") or one.node.get("kind") in (
                    "fallback",
                    "receive",
                )
                if one.constructs or one.body is None:
                    continue
                if one.visibility in ("public", "external") or special:
                    found.setdefault(one.signature(), one)
    return list(found.values())


def _use(found: dict[tuple[Site, str, int], Use], flow: Flow, token: Token) -> Use:
    source, start = token.anchor or (token.place.source, token.place.start)
    line = flow.program.line_of(source, start)
    key = (token.place.site, source, line)
    if key not in found:
        found[key] = Use(
            flow.contract, token.place.site, source, line, token.place.source, flow.program.compiled
        )
    use = found[key]
    use.names |= flow.names.get(token, set())
    use.in_loop |= token in flow.loops
    return use


def _reached(use: Use, contract: Contract, entry: Function, summary: Summary, token: Token) -> None:
    use.outside = True
    use.entries.add(entry.name)
    use.called |= summary.called | {entry.full_name}
    decides = token in summary.decides or use.site is Site.CALLS_PERMIT
    if decides:
        use.effects |= summary.effects
        if "permit" in entry.name.lower() and summary.effects - {Effect.MARK}:
            use.effects.add(Effect.PERMIT)
    if decides or token in summary.returns:
        use.answers = True
        bases = {one.name for one in contract.line}
        if entry.name in AUTHORISES or (entry.name == "verify" and bases & ISM_BASES):
            use.effects.add(Effect.CALL)


def _words(program: Program, use: Use, known: dict[str, frozenset[str]]) -> frozenset[str]:
    """Names that stand in the contracts and libraries on the way, for telling schemes apart."""
    result: frozenset[str] = frozenset()
    for full in use.names:
        owner = full.split(".")[0]
        if owner not in known:
            contract = program.contract_named(owner, use.home)
            known[owner] = frozenset(
                str(node["name"])
                for node in below(contract.node if contract else None)
                if node.get("name") and node["nodeType"] not in ("Literal", "ContractDefinition")
            )
        result |= known[owner]
    return result


def line_of(program: Program, contract: Contract) -> int:
    """The line that a contract begins at."""
    return program.line_of(contract.source, start_of(contract.node))
