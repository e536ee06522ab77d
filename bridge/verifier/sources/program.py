"""A program: the contracts and functions of syntax trees, and which function a call means."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Node = dict[str, Any]

BUILTIN_CALLS = {
    "require", "assert", "revert", "keccak256", "sha256", "sha3", "ripemd160", "ecrecover",
    "addmod", "mulmod", "selfdestruct", "suicide", "blockhash", "blobhash", "gasleft", "type",
}  # fmt: skip
ELEMENTARY = ("uint", "int", "bytes", "address", "bool", "string", "payable", "fixed", "byte")


@dataclass(eq=False, slots=True)
class Contract:
    """A contract, library or interface. ``line`` is itself and its bases, most derived first."""

    name: str
    kind: str
    source: str
    node: Node
    line: list[Contract] = field(default_factory=list)
    functions: dict[str, list[Function]] = field(default_factory=dict)
    modifiers: dict[str, Function] = field(default_factory=dict)
    variables: dict[str, Node] = field(default_factory=dict)
    structs: set[str] = field(default_factory=set)
    libraries: list[str] = field(default_factory=list)
    """Names of the libraries that are attached to types in it."""

    @property
    def abstract(self) -> bool:
        """Whether it cannot be deployed as it is."""
        return bool(self.node.get("abstract")) or self.kind == "interface"


@dataclass(eq=False, slots=True)
class Function:
    """A function or modifier. ``contract`` is None for one that stands in no contract."""

    name: str
    contract: Contract | None
    source: str
    node: Node

    @property
    def body(self) -> Node | None:
        """Its block; None for one without."""
        return self.node.get("body") or None

    @property
    def parameters(self) -> list[Node]:
        """Its parameters' declarations, in order."""
        found: list[Node] = (self.node.get("parameters") or {}).get("parameters") or []
        return found

    @property
    def returned(self) -> list[Node]:
        """The declarations of what it returns, in order."""
        found: list[Node] = (self.node.get("returnParameters") or {}).get("parameters") or []
        return found

    @property
    def visibility(self) -> str:
        """``external``, ``public``, ``internal`` or ``private``."""
        return str(self.node.get("visibility") or "public")

    @property
    def changes(self) -> bool:
        """Whether it may write: neither ``view`` nor ``pure``."""
        return self.node.get("stateMutability") not in ("view", "pure")

    @property
    def constructs(self) -> bool:
        """Whether it is a constructor."""
        old = self.contract is not None and self.name == self.contract.name
        return self.node.get("kind") == "constructor" or bool(self.node.get("isConstructor")) or old

    @property
    def in_library(self) -> bool:
        """Whether it stands in a library, or in no contract."""
        return self.contract is None or self.contract.kind == "library"

    @property
    def full_name(self) -> str:
        """``Contract.function``."""
        return f"{self.contract.name}.{self.name}" if self.contract else self.name

    def signature(self) -> tuple[str, ...]:
        """Its name and the types of its parameters, without where they are kept."""
        return (self.name, *(type_of(one).split(" ")[0] for one in self.parameters))


class Program:
    """All contracts of one compilation, or of sources that were read without compiling."""

    def __init__(self, asts: Mapping[str, Node], texts: Mapping[str, str], compiled: bool) -> None:
        self.compiled = compiled
        self.texts = texts
        self.contracts: list[Contract] = []
        self.free: dict[str, list[Function]] = {}
        self.by_id: dict[int, Contract | Function | Node] = {}
        self.by_name: dict[str, list[Contract]] = {}
        self._lines: dict[str, list[int]] = {}
        self._libraries: dict[str, list[str]] = {}
        for name, ast in asts.items():
            for node in ast.get("nodes") or ():
                self._add(name, node)
        for contract in self.contracts:
            contract.line = self._linearized(contract)

    # Building.

    def _add(self, source: str, node: Node) -> None:
        kind = node.get("nodeType")
        if kind == "ContractDefinition":
            self._add_contract(source, node)
        elif kind == "FunctionDefinition":
            one = Function(str(node.get("name") or ""), None, source, node)
            self.free.setdefault(one.name, []).append(one)
            self.by_id[node["id"]] = one
        elif kind == "UsingForDirective":
            self._libraries.setdefault(source, []).extend(_attached(node))
        elif "id" in node:
            self.by_id[node["id"]] = node

    def _add_contract(self, source: str, node: Node) -> None:
        contract = Contract(str(node["name"]), str(node.get("contractKind")), source, node)
        self.contracts.append(contract)
        self.by_id[node["id"]] = contract
        self.by_name.setdefault(contract.name, []).append(contract)
        for part in node.get("nodes") or ():
            kind = part.get("nodeType")
            if kind == "FunctionDefinition":
                name = str(part.get("name") or part.get("kind") or "fallback")
                one = Function(name, contract, source, part)
                contract.functions.setdefault(name, []).append(one)
                self.by_id[part["id"]] = one
            elif kind == "ModifierDefinition":
                one = Function(str(part["name"]), contract, source, part)
                contract.modifiers[one.name] = one
                self.by_id[part["id"]] = one
            elif kind == "VariableDeclaration":
                contract.variables[str(part["name"])] = part
                self.by_id[part["id"]] = part
            elif kind == "UsingForDirective":
                contract.libraries += _attached(part)
            elif kind in ("StructDefinition", "EnumDefinition"):
                contract.structs.add(str(part.get("name")))
                self.by_id[part["id"]] = part

    def _linearized(self, contract: Contract, seen: tuple[str, ...] = ()) -> list[Contract]:
        if contract.line:
            return contract.line
        known = contract.node.get("linearizedBaseContracts")
        if known:
            found = [self.by_id.get(one) for one in known]
            return [one for one in found if isinstance(one, Contract)]
        result = [contract]
        for base in reversed(contract.node.get("baseContracts") or []):
            name = str((base.get("baseName") or {}).get("name") or "").split(".")[-1]
            if name in seen or name == contract.name:
                continue
            parent = self.contract_named(name, contract.source)
            if parent is not None:
                for one in self._linearized(parent, (*seen, contract.name)):
                    if one not in result:
                        result.append(one)
        return result

    # Looking up.

    def contract_named(self, name: str, near: str) -> Contract | None:
        """The contract of that name, of the source ``near`` before others."""
        found = self.by_name.get(name, [])
        return next((one for one in found if one.source == near), found[0] if found else None)

    def line_of(self, source: str, start: int) -> int:
        """The line of a byte, from 1."""
        starts = self._lines.get(source)
        if starts is None:
            raw = self.texts.get(source, "").encode(errors="replace")
            starts = [0]
            at = raw.find(b"\n")
            while at >= 0:
                starts.append(at + 1)
                at = raw.find(b"\n", at + 1)
            self._lines[source] = starts
        return bisect_right(starts, start)

    def function_in(self, contract: Contract, wanted: Function) -> Function:
        """What a call of ``wanted`` runs when ``contract`` is deployed: the most derived of it."""
        if wanted.contract is None or wanted.contract not in contract.line:
            return wanted
        if wanted.visibility == "private":
            return wanted
        signature = wanted.signature()
        for base in contract.line:
            if base is wanted.contract:
                return wanted
            for one in base.functions.get(wanted.name, ()):
                if one.signature() == signature and one.body is not None:
                    return one
        return wanted

    def above(self, contract: Contract, inside: Contract, name: str, count: int) -> Function | None:
        """What ``super.name`` runs in a function of ``inside`` when ``contract`` is deployed."""
        line = contract.line if inside in contract.line else inside.line
        for base in line[line.index(inside) + 1 :]:
            for one in base.functions.get(name, ()):
                if one.body is not None and len(one.parameters) == count:
                    return one
        return None

    def modifier_in(self, contract: Contract, name: str) -> Function | None:
        """The most derived modifier of that name."""
        short = name.split(".")[-1]
        return next((b.modifiers[short] for b in contract.line if short in b.modifiers), None)

    def variable_in(self, contract: Contract | None, name: str) -> Node | None:
        """The state variable of that name, own or of a base."""
        for base in contract.line if contract else ():
            if name in base.variables:
                return base.variables[name]
        return None

    def functions_named(
        self, name: str, contract: Contract, count: int, inside: Function
    ) -> Function | None:
        """The function that a bare name means; for trees in which nothing is resolved.

        Of several with as many parameters one is taken that is not ``inside`` itself: an overloaded
        function mostly calls another of its name.
        """
        lines = list(contract.line)
        if inside.contract is not None and inside.contract not in lines:
            lines = inside.contract.line + lines
        found = [one for base in lines for one in base.functions.get(name, ())]
        found += self.free.get(name, [])
        exact = [one for one in found if len(one.parameters) == count]
        exact.sort(key=lambda one: (one is inside, one.body is None))
        return exact[0] if exact else None

    def attached(
        self, name: str, contract: Contract, inside: Function, count: int
    ) -> Function | None:
        """The library's function that ``value.name(...)`` means with ``count`` arguments."""
        libraries = [lib for base in contract.line for lib in base.libraries]
        if inside.contract is not None:
            libraries += inside.contract.libraries
        libraries += self._libraries.get(inside.source, [])
        for library in dict.fromkeys(libraries):
            found = self.contract_named(library.split(".")[-1], inside.source)
            for one in found.functions.get(name, ()) if found else ():
                if len(one.parameters) == count + 1:
                    return one
        return None


def _attached(node: Node) -> list[str]:
    named = (node.get("libraryName") or {}).get("name")
    return [str(named)] if named else []


def type_of(node: Node | None) -> str:
    """The type that the compiler gave a node, or its text; empty for none."""
    if not node:
        return ""
    described = node.get("typeDescriptions") or {}
    return str(described.get("typeString") or (node.get("typeName") or {}).get("name") or "")


def cast_of(node: Node) -> str:
    """The type that a call with one argument casts to, or the name that it calls; else empty."""
    called = node.get("expression") or {}
    named = called.get("typeName")
    if isinstance(named, dict):
        named = named.get("name")
    return str(named or called.get("name") or "")


def start_of(node: Node) -> int:
    """The byte at which a node begins."""
    return int(str(node.get("src", "0")).split(":", 1)[0] or 0)


def below(node: Any) -> Iterator[Node]:
    """A node and all nodes in it."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if "nodeType" in one:
                yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
