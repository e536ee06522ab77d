"""Flow through assembly. Memory is one value: what is read from it may be all that was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.verifier.sources import effects
from bridge.verifier.sources.effects import Effect
from bridge.verifier.sources.program import Node, below
from bridge.verifier.sources.sites import PRECOMPILES, Site, number
from bridge.verifier.sources.taint import Taint

if TYPE_CHECKING:
    from bridge.verifier.sources.flow import Run

MEMORY = "memory of assembly"
ERC1271_MAGIC = 0x1626BA7E
"""ERC-1271: the selector of isValidSignature, and what it returns."""
_NOTHING = {"revert", "stop", "invalid", "pop", "log0", "log1", "log2", "log3", "log4"}


class Assembly:
    """One block of assembly in a function's run."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def block(self, node: Node | None) -> None:
        """All statements of a block; functions are known before they are called."""
        statements = (node or {}).get("statements") or ()
        for one in statements:
            if one["nodeType"] == "YulFunctionDefinition":
                self.run.yul[one["name"]] = one
        for one in statements:
            self.statement(one)

    def statement(self, node: Node) -> None:
        """One statement."""
        kind = node["nodeType"]
        if kind == "YulBlock":
            self.block(node)
        elif kind == "YulExpressionStatement":
            self.value(node["expression"])
        elif kind in ("YulVariableDeclaration", "YulAssignment"):
            taint = self.value(node.get("value"))
            for one in node.get("variables") or node.get("variableNames") or ():
                self.run.give(_plain(one["name"]), taint)
        elif kind == "YulIf":
            self.run.out.decides |= self.value(node["condition"])
            self.block(node["body"])
        elif kind == "YulSwitch":
            self.run.out.decides |= self.value(node["expression"])
            for case in node.get("cases") or ():
                self.block(case.get("body"))
        elif kind == "YulForLoop":
            self.block(node.get("pre"))
            self.run.loop += 1
            self.run.out.decides |= self.value(node["condition"])
            self.block(node.get("body"))
            self.block(node.get("post"))
            self.run.loop -= 1

    def value(self, node: Node | None) -> Taint:
        """The taint of an expression."""
        if not node:
            return frozenset()
        if node["nodeType"] == "YulIdentifier":
            return frozenset(self.run.values.get(_plain(node["name"]), ()))
        if node["nodeType"] != "YulFunctionCall":
            return frozenset()
        name = str(node["functionName"]["name"])
        arguments: list[Node] = node.get("arguments") or []
        taints = [self.value(one) for one in arguments]
        joined: Taint = frozenset().union(*taints)
        run = self.run
        if name in run.yul:
            return self.enter(name, taints)
        if name in ("mload", "keccak256", "returndatacopy"):
            return joined | frozenset(run.values.get(MEMORY, ()))
        if name in ("mstore", "mstore8", "mcopy"):
            run.give(MEMORY, joined)
            if arguments[0]["nodeType"] == "YulIdentifier":
                run.give(_plain(arguments[0]["name"]), joined)
        elif name == "sstore":
            run.out.effects.add(effects.of_write(_names(arguments[0]), run.function.name))
            run.out.decides |= joined
        elif name == "tstore":
            run.out.effects.add(Effect.MARK)
        elif name in ("call", "callcode", "delegatecall", "staticcall"):
            return self.call(node, name, arguments, joined)
        elif name in ("create", "create2"):
            return run.does(Effect.CALL, joined)
        elif name in ("selfdestruct",):
            return run.does(Effect.TRANSFER, joined)
        elif name == "return":
            run.out.returns |= joined | run.values.get(MEMORY, set())
        return frozenset() if name in _NOTHING else joined

    def call(self, node: Node, name: str, arguments: list[Node], joined: Taint) -> Taint:
        """A call of another contract, or of a precompile."""
        run = self.run
        if len(arguments) < 6:
            return joined
        address = run.flow.constants.value(arguments[1], run.function, run.flow.contract)
        site = PRECOMPILES.get(address) if address is not None else None
        if site is None and name == "staticcall" and self._asks_1271():
            site = Site.CALLS_1271
        if site is not None:
            token = run.site(site, node)
            run.give(MEMORY, token)
            for one in arguments[-2:]:
                if one["nodeType"] == "YulIdentifier":
                    run.give(_plain(one["name"]), token)
            return token | joined
        if name == "staticcall" or (address is not None and 0 < address < 0x200):
            return joined
        if name in ("call", "callcode"):
            value = arguments[2]
            if not (value["nodeType"] == "YulLiteral" and number(str(value.get("value"))) == 0):
                run.out.effects.add(Effect.TRANSFER)
        run.out.effects |= effects.of_function({Effect.STORAGE}, run.function.name) - {
            Effect.STORAGE,
            Effect.MARK,
        }
        return run.does(Effect.CALL, joined)

    def enter(self, name: str, taints: list[Taint]) -> Taint:
        """A call of a function of assembly, which sees its parameters and memory only."""
        run = self.run
        definition = run.yul[name]
        for one, taint in zip(definition.get("parameters") or (), taints, strict=False):
            run.give(one["name"], taint)
        if name not in run.yul_active:
            run.yul_active.add(name)
            self.block(definition.get("body"))
            run.yul_active.discard(name)
        result: set[object] = set()
        for one in definition.get("returnVariables") or ():
            result |= run.values.get(one["name"], set())
        return frozenset(result)  # type: ignore[arg-type]

    def _asks_1271(self) -> bool:
        """Whether the function has the selector of isValidSignature in it."""
        for one in below(self.run.function.body):
            if one["nodeType"] in ("YulLiteral", "Literal"):
                value = number(str(one.get("value") or ""))
                if value is not None and value in (ERC1271_MAGIC, ERC1271_MAGIC << 224):
                    return True
        return False


def _plain(name: str) -> str:
    """A variable's name without ``.slot``, ``.offset``, ``_slot``."""
    for ending in (".slot", ".offset", ".length", "_slot", "_offset"):
        if name.endswith(ending):
            return name[: -len(ending)]
    return name


def _names(node: Node) -> list[str]:
    """All names in an expression of assembly."""
    if node["nodeType"] == "YulIdentifier":
        return [str(node["name"])]
    return [name for one in node.get("arguments") or () for name in _names(one)]
