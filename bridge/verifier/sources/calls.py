"""Calls: what each kind of call gives, asks or does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bridge.verifier.sources import effects
from bridge.verifier.sources.effects import Effect
from bridge.verifier.sources.program import ELEMENTARY, Contract, Function, Node, Program, type_of
from bridge.verifier.sources.shapes import mentions, root_of, takes_proof, what_is_called
from bridge.verifier.sources.sites import LOW_LEVEL, PRECOMPILES, PROOF_CALL, Site
from bridge.verifier.sources.taint import NONE, Summary, Taint, Token

if TYPE_CHECKING:
    from bridge.verifier.sources.flow import Flow

_CHANGE_SETS = {"add", "remove", "set", "insert", "increment", "pushBack", "pushFront"}
"""What libraries of sets and maps call their changes, where the library is not there to look."""


class Calls(ABC):
    """The calls of one function that is gone through; `flow.Run` is the rest of it."""

    flow: Flow
    program: Program
    function: Function
    out: Summary
    values: dict[str, set[Token | int]]
    loop: int

    @abstractmethod
    def value(self, node: Node | None, alone: bool = False) -> Taint:
        """The taint of an expression; ``alone`` for one whose value nobody takes."""

    @abstractmethod
    def union(self, nodes: Sequence[Node]) -> Taint:
        """The taint of several expressions together."""

    @abstractmethod
    def write(self, target: Node, taint: Taint, source: Node | None = None) -> None:
        """A write to what ``target`` names: of storage it is an effect."""

    @abstractmethod
    def site(self, site: Site, node: Node) -> Taint:
        """The token of a site in this function."""

    def call(self, node: Node, alone: bool) -> Taint:
        """What a call gives; ``alone`` says that nobody looks at its value."""
        called, options = what_is_called(node)
        arguments = [self.value(one) for one in node.get("arguments") or ()]
        extra = self.union(options)
        joined: Taint = extra.union(*arguments)
        if node.get("kind") in ("typeConversion", "structConstructorCall"):
            return joined
        kind = called["nodeType"]
        if kind == "ElementaryTypeNameExpression":
            return joined
        if kind == "NewExpression":
            return self.created(called, joined)
        if kind == "Identifier":
            return self.named_call(node, called, arguments, joined)
        if kind == "MemberAccess":
            return self.member_call(node, called, arguments, joined, bool(options), alone)
        return joined | self.value(called)

    def created(self, called: Node, joined: Taint) -> Taint:
        """What `new` gives: an effect where it makes a contract, none for an array."""
        name = str((called.get("typeName") or {}).get("name") or "")
        described = type_of(called)
        makes = "contract " in described if described else name[:1].isupper() and "[" not in name
        if makes:
            self.out.effects.add(Effect.CALL)
            self.out.decides |= joined
        return joined

    def named_call(self, node: Node, called: Node, arguments: list[Taint], joined: Taint) -> Taint:
        """What a call of a function by its name gives: an own one is followed."""
        name = str(called["name"])
        target = self.program.by_id.get(called.get("referencedDeclaration") or 0)
        if not self.program.compiled:
            target = self.program.functions_named(
                name, self.flow.contract, len(arguments), self.function
            )
        if isinstance(target, Function):
            return self.enter(self.program.function_in(self.flow.contract, target), arguments, node)
        if target is not None or name.startswith(ELEMENTARY):
            return joined
        if name in ("require", "assert"):
            self.out.decides |= arguments[0] if arguments else NONE
            return NONE
        if name == "ecrecover":
            return self.site(Site.ECRECOVER, node) | joined
        if name == "ripemd160":
            return self.site(Site.RIPEMD160, node) | joined
        if name in ("selfdestruct", "suicide"):
            self.out.effects.add(Effect.TRANSFER)
            self.out.decides |= joined
        return joined

    def member_call(
        self,
        node: Node,
        called: Node,
        arguments: list[Taint],
        joined: Taint,
        pays: bool,
        alone: bool,
    ) -> Taint:
        """What a call of a member gives: of a library, a base, another contract or an address."""
        base, member = called["expression"], str(called["memberName"])
        receiver = self.value(base)
        found = self.target(called, base, member, len(arguments))
        if found is not None:
            function, attached = found
            given = [receiver, *arguments] if attached else arguments
            return self.enter(function, given, node)
        everything = joined | receiver
        declared = self.program.by_id.get(called.get("referencedDeclaration") or 0)
        if not isinstance(declared, Function):
            if member in LOW_LEVEL:
                return self.low_level(node, base, member, everything, pays)
            if member in ("transfer", "send") and len(arguments) == 1:
                return self.does(Effect.TRANSFER, everything)
            if member in ("push", "pop") or (
                not self.program.compiled and member in _CHANGE_SETS and self.is_stored(base)
            ):
                self.write(base, everything)
                return everything
            if base.get("name") in ("abi", "bytes", "string", "block", "tx", "msg", "type"):
                return joined
        return self.external(node, member, declared, everything, alone, len(arguments))

    def target(
        self, called: Node, base: Node, member: str, count: int
    ) -> tuple[Function, bool] | None:
        """The function that runs in this contract's own context; whether the receiver is given."""
        program, contract = self.program, self.flow.contract
        name = str(base.get("name") or "") if base["nodeType"] == "Identifier" else ""
        if name == "this":
            own = program.functions_named(member, contract, count, self.function)
            return None if own is None or own.body is None else (own, False)
        if name == "super" and self.function.contract is not None:
            above = program.above(contract, self.function.contract, member, count)
            return None if above is None else (above, False)
        if program.compiled:
            declared = program.by_id.get(called.get("referencedDeclaration") or 0)
            if not isinstance(declared, Function):
                return None
            typed = type_of(base).startswith("type(")
            if declared.in_library:
                return declared, not (typed or type_of(base) == "")
            return (declared, False) if typed and declared.body is not None else None
        if name and name not in self.values:
            named = program.contract_named(name, self.function.source)
            for one in named.functions.get(member, ()) if named else ():
                if len(one.parameters) == count:
                    return (one, False) if one.body is not None else None
        attached = program.attached(member, contract, self.function, count)
        return None if attached is None else (attached, True)

    def low_level(
        self, node: Node, base: Node, member: str, everything: Taint, pays: bool
    ) -> Taint:
        """What `call`, `delegatecall` or `staticcall` of an address gives."""
        address = self.flow.constants.value(base, self.function, self.flow.contract)
        if address in PRECOMPILES:
            return self.site(PRECOMPILES[address], node) | everything
        if address is not None and 0 < address < 0x200:
            return everything
        if member == "staticcall":
            if mentions(node.get("arguments"), "isValidSignature"):
                return self.site(Site.CALLS_1271, node) | everything
            return everything
        if pays:
            self.out.effects.add(Effect.TRANSFER)
        return self.does(Effect.CALL, everything)

    def external(
        self,
        node: Node,
        member: str,
        declared: Contract | Function | Node | None,
        everything: Taint,
        alone: bool,
        count: int,
    ) -> Taint:
        """A call of another contract: a site, a question, or an effect."""
        self.out.called.add(member)
        if member == "isValidSignature":
            return self.site(Site.CALLS_1271, node) | everything
        if (PROOF_CALL.match(member) and count >= 2) or takes_proof(member, declared):
            return self.site(Site.CALLS_PROOF, node) | everything
        if member == "permit" and count >= 3:
            return self.site(Site.CALLS_PERMIT, node) | self.does(Effect.PERMIT, everything)
        if member in ("permitTransferFrom", "permitWitnessTransferFrom"):
            return self.site(Site.CALLS_PERMIT2, node) | self.does(Effect.TRANSFER, everything)
        if member in ("requestRandomWords", "requestRandomness"):
            return self.site(Site.CALLS_VRF, node) | everything
        if isinstance(declared, Function):
            if not declared.changes:
                return everything
        elif self.program.compiled or (
            not alone and effects.of_call(member) is Effect.CALL
        ):  # a variable's getter, or something of the language
            return everything
        return self.does(effects.of_call(member), everything)

    def is_stored(self, base: Node) -> bool:
        """Whether an expression begins with a state variable."""
        root = root_of(base)
        name = str(root.get("name") or "") if root else ""
        return name not in self.values and (
            self.program.variable_in(self.flow.contract, name) is not None
        )

    def does(self, effect: Effect, taint: Taint) -> Taint:
        """Note an effect that ``taint`` decides, and give the taint on."""
        self.out.effects.add(effect)
        self.out.decides |= taint
        return taint

    def enter(self, callee: Function, arguments: list[Taint], node: Node) -> Taint:
        """What a call of a function in the same context gives."""
        inner = self.flow.summary(callee)
        if callee.body is None and callee.changes:  # what heirs are to write may do anything
            inner = Summary(decides={*range(len(arguments))}, effects={Effect.STORAGE})
        self.out.called.add(callee.full_name)
        self.out.called |= inner.called
        passed = {
            one: self.flow.passed(one, callee, self.function, node, self.loop > 0)
            for one in inner.sites
        }

        def seen(tokens: set[Token | int]) -> Taint:
            result: set[Token | int] = set()
            for one in tokens:
                if isinstance(one, Token):
                    result.add(passed.get(one, one))
                elif one < len(arguments):
                    result |= arguments[one]
            return frozenset(result)

        self.out.sites.update(passed.values())
        self.out.decides |= seen(inner.decides)
        self.out.effects |= effects.of_function(inner.effects, callee.name)
        return seen(inner.returns)
