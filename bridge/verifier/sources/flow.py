"""Flow: from a site to the conditions and effects that its result reaches.

One `Flow` sees the contracts as one of them deploys: calls go to the most derived function. A value
carries the sites it comes from; a function has a summary, in which its parameters stand for what a
caller gives. Order and paths are not looked at: whatever a function checks, it checks for all it
does, since a transaction that reverts does nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.verifier.sources import effects
from bridge.verifier.sources.assembly import Assembly
from bridge.verifier.sources.calls import Calls
from bridge.verifier.sources.program import Contract, Function, Node, Program, start_of
from bridge.verifier.sources.shapes import names_in, no_address, root_of
from bridge.verifier.sources.sites import Constants, Place, Site, curve_constants
from bridge.verifier.sources.taint import NONE, Summary, Taint, Token
from bridge.verifier.sources.yul import read_yul


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
            result = Run(self, function).result()
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


class Run(Calls):
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
        """The summary of the function, once nothing is added to it any more."""
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
        """Follow a modifier around the function."""
        name = str((node.get("modifierName") or {}).get("name") or "")
        found = self.program.modifier_in(self.flow.contract, name)
        arguments = [self.value(one) for one in node.get("arguments") or ()]
        if found is not None:
            kept = set(self.out.effects)
            self.enter(found, arguments, node)
            self.out.effects = kept  # a lock's own writes are no effect

    # Statements.

    def statement(self, node: Node | None) -> None:
        """Follow a statement and all that is in it."""
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
        """Follow a declaration: its variables hold what its value holds."""
        initial = node.get("initialValue")
        taint = self.value(initial)
        for one in node.get("declarations") or ():
            if not one:
                continue
            name = str(one.get("name") or "")
            self.give(name, taint)
            if one.get("storageLocation") == "storage":
                self.stored[name] = [name, *names_in(initial)]

    def give(self, name: str, taint: Taint) -> None:
        """Have a variable hold ``taint`` too."""
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

    def union(self, nodes: Sequence[Node]) -> Taint:
        """What these expressions hold together."""
        result: Taint = NONE
        for one in nodes:
            result |= self.value(one)
        return result

    def binary(self, node: Node) -> Taint:
        """What an operator of two values gives."""
        left, right = node.get("leftExpression"), node.get("rightExpression")
        taint = self.value(left) | self.value(right)
        if node.get("operator") in ("==", "!=") and any(no_address(one) for one in (left, right)):
            # That a key was recovered at all says nothing of whose it is.
            return frozenset(
                one
                for one in taint
                if isinstance(one, Token) and one.place.site is not Site.ECRECOVER
            )
        return taint

    def assign(self, node: Node) -> Taint:
        """Follow an assignment, and give what was assigned."""
        taint = self.value(node.get("rightHandSide"))
        left = node["leftHandSide"]
        targets = left.get("components") or () if left["nodeType"] == "TupleExpression" else (left,)
        for one in targets:
            if one:
                self.write(one, taint, node.get("rightHandSide"))
        return taint

    def write(self, target: Node, taint: Taint, source: Node | None = None) -> None:
        """A write to what ``target`` names: of storage it is an effect."""
        names = names_in(target)
        root = root_of(target)
        indexes: Taint = NONE
        if target["nodeType"] != "Identifier":
            indexes = self.value(target)
        name = str(root.get("name") or "") if root and root["nodeType"] == "Identifier" else ""
        if name and name in self.values and name not in self.stored:
            self.give(name, taint)
            return
        if name in self.stored:
            if target["nodeType"] == "Identifier":  # the name now leads elsewhere
                self.stored[name] = [name, *names_in(source)]
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

    def assembly(self, node: Node) -> None:
        """Follow a block of assembly, which is read here where the compiler did not."""
        tree = node.get("AST")
        if tree is None:
            tree = read_yul(str(node.get("operations") or ""), start_of(node))
            node["AST"] = tree
        Assembly(self).block(tree)
