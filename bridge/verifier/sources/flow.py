"""Flow: from a site to the conditions and effects that its result reaches.

One `Flow` sees the contracts as one of them deploys: calls go to the most derived function. A value
carries the sites it comes from; a function has a summary, in which its parameters stand for what a
caller gives. Order and paths are not looked at: whatever a function checks, it checks for all it
does, since a transaction that reverts does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.verifier.sources import effects
from bridge.verifier.sources.effects import Effect
from bridge.verifier.sources.program import (
    ELEMENTARY,
    Contract,
    Function,
    Node,
    Program,
    cast_of,
    start_of,
    type_of,
)
from bridge.verifier.sources.sites import (
    LOW_LEVEL,
    PRECOMPILES,
    PROOF_CALL,
    Constants,
    Place,
    Site,
    curve_constants,
)
from bridge.verifier.sources.yul import read_yul


@dataclass(frozen=True, slots=True)
class Token:
    """A site, and where a contract's own code called the library that it is in, if in one."""

    place: Place
    anchor: tuple[str, int] | None = None


_CHANGE_SETS = {"add", "remove", "set", "insert", "increment", "pushBack", "pushFront"}
"""What libraries of sets and maps call their changes, where the library is not there to look."""
Taint = frozenset[Token | int]
"""Sites that a value comes from, and the numbers of the parameters that it comes from."""
NONE: Taint = frozenset()


@dataclass(slots=True)
class Summary:
    """What a function does with sites, seen by who calls it."""

    returns: set[Token | int] = field(default_factory=set)
    decides: set[Token | int] = field(default_factory=set)
    effects: set[Effect] = field(default_factory=set)
    sites: set[Token] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    """Full names of functions that run, and names of functions of other contracts."""


class Flow:
    """Summaries of functions as ``contract`` runs them.

    ``names`` are the functions that a token came through, ``loops`` those tokens that a loop makes.
    """

    def __init__(self, program: Program, contract: Contract) -> None:
        self.program = program
        self.contract = contract
        self.constants = Constants(program)
        self.names: dict[Token, set[str]] = {}
        self.loops: set[Token] = set()
        self.too_deep: set[str] = set()
        self._known: dict[Function, Summary] = {}
        self._active: set[Function] = set()

    def summary(self, function: Function) -> Summary:
        """The function's summary; an empty one while it is being made, in a recursion."""
        known = self._known.get(function)
        if known is not None:
            return known
        if function in self._active or function.body is None:
            return Summary()
        self._active.add(function)
        try:
            result = _Run(self, function).result()
        except RecursionError:
            self.too_deep.add(function.full_name)
            result = Summary()
        finally:
            self._active.discard(function)
        self._known[function] = result
        return result

    def passed(
        self, token: Token, callee: Function, caller: Function, call: Node, in_loop: bool
    ) -> Token:
        """A callee's token as the caller has it."""
        result = token
        if token.anchor is None and callee.in_library and not caller.in_library:
            result = Token(token.place, (caller.source, start_of(call)))
        self.names.setdefault(result, set()).update(
            self.names.get(token, ()), (callee.full_name, caller.full_name)
        )
        if in_loop or token in self.loops:
            self.loops.add(result)
        return result


class _Run:
    """One function, its body gone through until nothing new is found."""

    def __init__(self, flow: Flow, function: Function) -> None:
        self.flow = flow
        self.program = flow.program
        self.function = function
        self.out = Summary()
        self.values: dict[str, set[Token | int]] = {}
        self.stored: dict[str, list[str]] = {}
        """Local names that lead into storage, with the names that they lead to."""
        self.loop = 0
        self.yul: dict[str, Node] = {}
        self.yul_active: set[str] = set()
        for place, one in enumerate(function.parameters):
            name = str(one.get("name") or "")
            self.values[name] = {place}
            if one.get("storageLocation") == "storage":
                self.stored[name] = [name]
        for one in function.returned:
            if one.get("storageLocation") == "storage" and one.get("name"):
                self.stored[str(one["name"])] = []

    def result(self) -> Summary:
        curve = curve_constants(self.program, self.function)
        own = self.site(curve, self.function.node) if curve else NONE
        for _ in range(4):
            before = self._size()
            for modifier in self.function.node.get("modifiers") or ():
                self.modifier(modifier)
            self.statement(self.function.body)
            if self._size() == before:
                break
        for one in self.function.returned:
            self.out.returns |= self.values.get(str(one.get("name") or ""), set())
        self.out.returns |= self.out.decides | own
        return self.out

    def _size(self) -> tuple[int, ...]:
        values = sum(len(one) for one in self.values.values())
        out = self.out
        return values, len(out.returns), len(out.decides), len(out.effects), len(out.sites)

    def site(self, site: Site, node: Node) -> Taint:
        """The token of a site in this function."""
        token = Token(Place(site, self.function.source, start_of(node)))
        self.out.sites.add(token)
        self.flow.names.setdefault(token, set()).add(self.function.full_name)
        if self.loop:
            self.flow.loops.add(token)
        return frozenset((token,))

    def modifier(self, node: Node) -> None:
        name = str((node.get("modifierName") or {}).get("name") or "")
        found = self.program.modifier_in(self.flow.contract, name)
        arguments = [self.value(one) for one in node.get("arguments") or ()]
        if found is not None:
            kept = set(self.out.effects)
            self.enter(found, arguments, node)
            self.out.effects = kept  # a lock's own writes are no effect

    # Statements.

    def statement(self, node: Node | None) -> None:
        if not node:
            return
        kind = node["nodeType"]
        if kind in ("Block", "UncheckedBlock"):
            for one in node.get("statements") or ():
                self.statement(one)
        elif kind == "ExpressionStatement":
            self.value(node.get("expression"), alone=True)
        elif kind == "VariableDeclarationStatement":
            self.declare(node)
        elif kind == "IfStatement":
            self.out.decides |= self.value(node["condition"])
            self.statement(node.get("trueBody"))
            self.statement(node.get("falseBody"))
        elif kind in ("WhileStatement", "DoWhileStatement", "ForStatement"):
            self.statement(node.get("initializationExpression"))
            self.loop += 1
            self.out.decides |= self.value(node.get("condition"))
            self.statement(node.get("body"))
            self.statement(node.get("loopExpression"))
            self.loop -= 1
        elif kind == "Return":
            self.out.returns |= self.value(node.get("expression"))
        elif kind == "EmitStatement":
            self.value(node.get("eventCall"))
        elif kind == "TryStatement":
            result = self.value(node.get("externalCall"))
            for clause in node.get("clauses") or ():
                parameters = (clause.get("parameters") or {}).get("parameters") or ()
                for one in parameters:
                    self.give(str(one.get("name") or ""), result)
                self.out.decides |= result
                self.statement(clause.get("block"))
        elif kind == "InlineAssembly":
            self.assembly(node)

    def declare(self, node: Node) -> None:
        initial = node.get("initialValue")
        taint = self.value(initial)
        for one in node.get("declarations") or ():
            if not one:
                continue
            name = str(one.get("name") or "")
            self.give(name, taint)
            if one.get("storageLocation") == "storage":
                self.stored[name] = [name, *_chain(initial)]

    def give(self, name: str, taint: Taint) -> None:
        if name:
            self.values.setdefault(name, set()).update(taint)

    # Expressions.

    def value(self, node: Node | None, alone: bool = False) -> Taint:
        """The taint of an expression; ``alone`` for one whose value nobody takes."""
        if not node:
            return NONE
        kind = node["nodeType"]
        if kind == "Identifier":
            return frozenset(self.values.get(str(node["name"]), ()))
        if kind == "FunctionCall":
            return self.call(node, alone)
        if kind == "MemberAccess":
            return self.value(node.get("expression"))
        if kind == "IndexAccess":
            return self.value(node.get("baseExpression")) | self.value(node.get("indexExpression"))
        if kind == "BinaryOperation":
            return self.binary(node)
        if kind == "Assignment":
            return self.assign(node)
        if kind == "UnaryOperation":
            inner = self.value(node.get("subExpression"))
            if node.get("operator") in ("delete", "++", "--"):
                self.write(node["subExpression"], inner)
            return inner
        if kind == "Conditional":
            condition = self.value(node.get("condition"))
            self.out.decides |= condition
            return (
                condition
                | self.value(node.get("trueExpression"))
                | self.value(node.get("falseExpression"))
            )
        if kind == "TupleExpression":
            return self.union(node.get("components") or ())
        if kind == "FunctionCallOptions":
            return self.value(node.get("expression")) | self.union(node.get("options") or ())
        return NONE

    def union(self, nodes: list[Node] | tuple[()]) -> Taint:
        result: Taint = NONE
        for one in nodes:
            result |= self.value(one)
        return result

    def binary(self, node: Node) -> Taint:
        left, right = node.get("leftExpression"), node.get("rightExpression")
        taint = self.value(left) | self.value(right)
        if node.get("operator") in ("==", "!=") and any(_no_address(one) for one in (left, right)):
            # That a key was recovered at all says nothing of whose it is.
            return frozenset(
                one
                for one in taint
                if isinstance(one, Token) and one.place.site is not Site.ECRECOVER
            )
        return taint

    def assign(self, node: Node) -> Taint:
        taint = self.value(node.get("rightHandSide"))
        left = node["leftHandSide"]
        targets = left.get("components") or () if left["nodeType"] == "TupleExpression" else (left,)
        for one in targets:
            if one:
                self.write(one, taint, node.get("rightHandSide"))
        return taint

    def write(self, target: Node, taint: Taint, source: Node | None = None) -> None:
        """A write to what ``target`` names: of storage it is an effect."""
        names = _chain(target)
        root = _root(target)
        indexes: Taint = NONE
        if target["nodeType"] != "Identifier":
            indexes = self.value(target)
        name = str(root.get("name") or "") if root and root["nodeType"] == "Identifier" else ""
        if name and name in self.values and name not in self.stored:
            self.give(name, taint)
            return
        if name in self.stored:
            if target["nodeType"] == "Identifier":  # the name now leads elsewhere
                self.stored[name] = [name, *_chain(source)]
                return
            names = [*names, *self.stored[name]]
        elif name and self.program.variable_in(self.flow.contract, name) is None:
            if self.program.variable_in(self.function.contract, name) is None:
                self.give(name, taint)
                return
        elif (root is None or root["nodeType"] != "FunctionCall") and not name:
            return
        self.out.effects.add(effects.of_write(names, self.function.name))
        self.out.decides |= taint | indexes

    # Calls.

    def call(self, node: Node, alone: bool) -> Taint:
        called, options = _called(node)
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
        name = str((called.get("typeName") or {}).get("name") or "")
        described = type_of(called)
        makes = "contract " in described if described else name[:1].isupper() and "[" not in name
        if makes:
            self.out.effects.add(Effect.CALL)
            self.out.decides |= joined
        return joined

    def named_call(self, node: Node, called: Node, arguments: list[Taint], joined: Taint) -> Taint:
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
        address = self.flow.constants.value(base, self.function, self.flow.contract)
        if address in PRECOMPILES:
            return self.site(PRECOMPILES[address], node) | everything
        if address is not None and 0 < address < 0x200:
            return everything
        if member == "staticcall":
            if _mentions(node.get("arguments"), "isValidSignature"):
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
        if (PROOF_CALL.match(member) and count >= 2) or _takes_proof(member, declared):
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
        root = _root(base)
        name = str(root.get("name") or "") if root else ""
        return name not in self.values and (
            self.program.variable_in(self.flow.contract, name) is not None
        )

    def does(self, effect: Effect, taint: Taint) -> Taint:
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

    # Assembly.

    def assembly(self, node: Node) -> None:
        tree = node.get("AST")
        if tree is None:
            tree = read_yul(str(node.get("operations") or ""), start_of(node))
            node["AST"] = tree
        from bridge.verifier.sources.assembly import Assembly

        Assembly(self).block(tree)


def _called(node: Node) -> tuple[Node, list[Node]]:
    """What a call calls, and its options: ``f{value: v}(x)``, or in old code ``f.value(v)(x)``."""
    called: Node = node["expression"]
    options: list[Node] = []
    while True:
        kind = called["nodeType"]
        if kind == "FunctionCallOptions":
            options += called.get("options") or []
            called = called["expression"]
        elif kind == "TupleExpression" and len(called.get("components") or ()) == 1:
            called = called["components"][0]
        elif (
            kind == "FunctionCall"
            and (called.get("expression") or {}).get("nodeType") == "MemberAccess"
            and called["expression"].get("memberName") in ("value", "gas", "salt")
        ):
            options += called.get("arguments") or []
            called = called["expression"]["expression"]
        else:
            return called, options


def _root(node: Node) -> Node | None:
    """What an expression such as ``a.b[c].d`` begins with."""
    while node["nodeType"] in ("MemberAccess", "IndexAccess"):
        node = node.get("expression") or node.get("baseExpression") or {"nodeType": "none"}
    return node if node["nodeType"] in ("Identifier", "FunctionCall") else None


def _chain(node: Node | None) -> list[str]:
    """The names in an expression such as ``a.b[c].d``, without those of indexes."""
    names: list[str] = []
    while node:
        kind = node["nodeType"]
        if kind == "MemberAccess":
            names.append(str(node["memberName"]))
            node = node.get("expression")
        elif kind == "IndexAccess":
            node = node.get("baseExpression")
        elif kind == "FunctionCall":
            node = node.get("expression")
        else:
            if kind == "Identifier":
                names.append(str(node["name"]))
            break
    return names


def _no_address(node: Node | None) -> bool:
    """Whether it is ``address(0)``, or in old code ``0x0``."""
    if not node:
        return False
    if node["nodeType"] == "FunctionCall" and len(node.get("arguments") or ()) == 1:
        inner = node["arguments"][0]
        if cast_of(node) in ("address", "payable"):
            return _no_address(inner) or str(inner.get("value")) == "0"
    return node["nodeType"] == "Literal" and str(node.get("value")).lower() in ("0x0", "0x00")


def _takes_proof(member: str, declared: Contract | Function | Node | None) -> bool:
    """Whether it is a ``verify`` that takes a pairing proof: eight words, or two by two."""
    if not isinstance(declared, Function) or not member.lower().startswith("verif"):
        return False
    types = {type_of(one).split(" ")[0] for one in declared.parameters}
    return bool(types & {"uint256[8]", "uint256[2][2]"})


def _mentions(nodes: object, name: str) -> bool:
    if isinstance(nodes, dict):
        if name in (nodes.get("memberName"), nodes.get("name")):
            return True
        return any(_mentions(one, name) for one in nodes.values() if isinstance(one, dict | list))
    if isinstance(nodes, list):
        return any(_mentions(one, name) for one in nodes)
    return False
