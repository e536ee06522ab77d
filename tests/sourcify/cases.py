"""The cases of the comparison: contracts deployed in good faith, by mistake, and to deceive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eth_abi import encode

from bridge.crypto.hashing import keccak256
from bridge.verifier.compilers.choice import Compilers
from bridge.verifier.match.compiled import Compiled
from tests.sourcify.anvil import SENDER, Anvil, hand_made
from tests.sourcify.builds import (
    COMMENT,
    FIRST,
    LINE_END,
    MODERN,
    OLDER,
    OLDEST,
    SIXTH,
    VYPER,
    Build,
)

OWNER = "0x" + "c0" * 20
LIBRARIES = {"Sums": b"\x51" * 20, "Products": b"\x52" * 20}


@dataclass(frozen=True)
class Case:
    """One address held against one source; ``kind`` says what was done to it."""

    id: str
    kind: str
    build: Build
    name: str
    address: str
    transaction: str | None
    edit: str = ""


def all_cases(anvil: Anvil, compilers: Compilers) -> Iterator[Case]:
    """Every case; what they ask of compilers takes minutes the first time."""
    for build in MODERN:
        yield from _modern(Deployer(anvil, compilers, build))
    for build in OLDER:
        yield from _older(Deployer(anvil, compilers, build))
    for build in SIXTH:
        yield from _fixed(Deployer(anvil, compilers, build), "Fixed", _fixed_arguments())
    for build in OLDEST:
        yield from _oldest(Deployer(anvil, compilers, build))
    for version in VYPER:
        plain = Deployer(anvil, compilers, Build(f"Vyper {version}", version, "plain.vy"))
        yield from _plain(plain, "plain")
        vault = Build(f"Vyper {version} immutables", version, "vault.vy")
        yield from _fixed(Deployer(anvil, compilers, vault), "vault", _fixed_arguments())


def few_cases(anvil: Anvil, compilers: Compilers) -> Iterator[Case]:
    """Those of one build."""
    yield from _modern(Deployer(anvil, compilers, FIRST))


class Deployer:
    """Deploys a build's contracts and makes cases of them."""

    def __init__(self, anvil: Anvil, compilers: Compilers, build: Build) -> None:
        self.anvil = anvil
        self.build = build
        self._compilers = compilers

    @property
    def comment(self) -> str:
        """What is put after a source to change no more than its hash."""
        return COMMENT[self.build.language]

    def compiled(self, name: str) -> Compiled:
        return self.build.compiled(self._compilers, name)

    def creation(self, name: str, arguments: bytes = b"") -> bytes:
        """The creation code, linked to made-up libraries."""
        compiled = self.compiled(name)
        code = bytearray(compiled.creation.code)
        for place in compiled.creation.libraries:
            library = LIBRARIES[place.id.rpartition(":")[2]]
            code[place.offset : place.offset + place.length] = library
        return bytes(code) + arguments

    def case(
        self, kind: str, name: str, address: str, transaction: str | None, edit: str = ""
    ) -> Case:
        identity = f"{self.build.label} / {name} / {kind}"
        return Case(identity, kind, self.build, name, address, transaction, edit)

    def genuine(self, name: str, arguments: bytes = b"") -> tuple[str, str]:
        return self.anvil.deploy(self.creation(name, arguments))

    def forged(self, kind: str, name: str, code: bytes) -> Case:
        """The case of a contract that hand-made creation code left behind."""
        return self.case(kind, name, *self.anvil.deploy(hand_made(code)))


def _fixed_arguments() -> bytes:
    return encode(["address", "uint256"], [OWNER, 10**18])


def _modern(deployer: Deployer) -> Iterator[Case]:
    yield from _plain(deployer, "Plain")
    limited = encode(
        ["string", "address", "(uint64,uint64)", "uint256[]"],
        ["a name", OWNER, (3, 9), [1, 2, 3]],
    )
    yield from _arguments(deployer, "Arguments", limited)
    yield from _fixed(deployer, "Fixed", _fixed_arguments())
    address, transaction = deployer.genuine("Aware")
    yield deployer.case("reads its surroundings", "Aware", address, transaction)
    source, _ = deployer.genuine("Plain")
    deployer.anvil.send(source, keccak256(b"set(uint256)")[:4] + encode(["uint256"], [77]))
    read = deployer.genuine("Reader", encode(["address"], [source]))
    yield deployer.case("reads another contract", "Reader", *read)
    yield from _linked(deployer)
    yield from _library(deployer)
    yield from _factory(deployer)


def _older(deployer: Deployer) -> Iterator[Case]:
    yield from _plain(deployer, "Plain")
    yield from _linked(deployer)
    yield from _library(deployer)
    factory, transaction = deployer.genuine("Factory")
    yield deployer.case("deployed", "Factory", factory, transaction)
    made = deployer.anvil.send(factory, keccak256(b"make()")[:4])
    child = deployer.anvil.rpc("eth_getStorageAt", factory, "0x0", "latest")[-40:]
    yield deployer.case("made by a factory", "Child", f"0x{child}", made["transactionHash"])


def _oldest(deployer: Deployer) -> Iterator[Case]:
    yield from _plain(deployer, "Plain")
    arguments = encode(["address", "uint256"], [OWNER, 5])
    yield from _arguments(deployer, "Owned", arguments)


def _plain(deployer: Deployer, name: str) -> Iterator[Case]:
    """A contract without anything to be put in."""
    address, transaction = deployer.genuine(name)
    other, other_transaction = deployer.genuine(name)
    code = deployer.anvil.code(address)
    yield deployer.case("deployed", name, address, transaction)
    yield deployer.case("no transaction given", name, address, None)
    yield deployer.case("another contract's transaction", name, address, other_transaction)
    yield deployer.case("a comment changed", name, other, other_transaction, edit=deployer.comment)
    if deployer.build is FIRST:
        yield deployer.case("a line end more", name, other, other_transaction, edit=LINE_END)
    yield deployer.forged("one byte of code changed", name, _flipped(code, len(code) // 3))
    yield deployer.forged("one instruction more", name, b"\x5b" + code)
    yield deployer.forged("hand-made creation", name, code)
    yield from _auxdata(deployer, name, code)


def _auxdata(deployer: Deployer, name: str, code: bytes) -> Iterator[Case]:
    """The CBOR at the end of the code, changed in every way."""
    places = list(deployer.compiled(name).runtime.auxdata.values())
    if not places:
        return
    one = places[-1]
    head, end = code[: one.offset], code[one.offset + len(one.value) :]
    assert not end
    if one.has_hash:
        yield deployer.forged("another hash of metadata", name, _flipped(code, one.offset + 20))
    yield deployer.forged("no auxdata", name, head[:-1])
    size = len(one.value) - 2
    string = b"\x58" + bytes([size - 2]) + b"\xaa" * (size - 2) + one.value[-2:]
    yield deployer.forged("auxdata that is a string", name, head + string)
    yield deployer.forged("auxdata that is no CBOR", name, head + b"\xff" * size + one.value[-2:])


def _arguments(deployer: Deployer, name: str, arguments: bytes) -> Iterator[Case]:
    """Constructor arguments."""
    yield deployer.case("with arguments", name, *deployer.genuine(name, arguments))
    longer = deployer.genuine(name, arguments + b"\x00" * 32)
    yield deployer.case("a word behind the arguments", name, *longer)
    text = deployer.genuine(name, arguments + b"referrer")
    yield deployer.case("text behind the arguments", name, *text)
    code = deployer.anvil.code(longer[0])
    yield deployer.forged("hand-made creation", name, code)


def _fixed(deployer: Deployer, name: str, arguments: bytes) -> Iterator[Case]:
    """Immutables, and every way to forge them."""
    address, transaction = deployer.genuine(name, arguments)
    code = deployer.anvil.code(address)
    yield deployer.case("immutables", name, address, transaction)
    yield deployer.case("immutables, no transaction given", name, address, None)
    yield deployer.case("a comment changed", name, address, transaction, edit=deployer.comment)
    places = deployer.compiled(name).immutables
    by_id: dict[str, list[int]] = {}
    for place in places:
        by_id.setdefault(place.id, []).append(place.offset + place.length - 1)
    several = next((ends for ends in by_id.values() if len(ends) > 1), None)
    if several is not None:
        forged = _flipped(code, several[-1])
        yield deployer.forged("immutables that disagree", name, forged)
        quiet = deployer.anvil.deploy(hand_made(forged))[0]
        yield deployer.case("immutables that disagree, no transaction", name, quiet, None)
    every = code
    for end in next(iter(by_id.values())):
        every = _flipped(every, end)
    yield deployer.forged("immutables forged alike", name, every)
    quiet = deployer.anvil.deploy(hand_made(every))[0]
    yield deployer.case("immutables forged alike, no transaction", name, quiet, None)
    yield deployer.forged("right immutables, hand-made creation", name, code)
    changed, before = deployer.genuine(name, arguments)
    deployer.anvil.set_code(changed, every)
    yield deployer.case("code changed after its creation", name, changed, before)


def _linked(deployer: Deployer) -> Iterator[Case]:
    """Code that is linked to libraries."""
    name = "Linked"
    address, transaction = deployer.genuine(name)
    code = deployer.anvil.code(address)
    yield deployer.case("linked", name, address, transaction)
    places = deployer.compiled(name).runtime.libraries
    ids = [one.id for one in places]
    twice = next((one for one in places if ids.count(one.id) > 1), None)
    if twice is not None:
        yield deployer.forged("one library, two addresses", name, _flipped(code, twice.offset + 9))
    other = code
    for place in places:
        if place.id == places[0].id:
            other = _flipped(other, place.offset + 9)
    yield deployer.forged("another library, hand-made creation", name, other)
    changed, before = deployer.genuine(name)
    deployer.anvil.set_code(changed, other)
    yield deployer.case("another library than at its creation", name, changed, before)


def _library(deployer: Deployer) -> Iterator[Case]:
    """A library, which is protected against calls."""
    address, transaction = deployer.genuine("Sums")
    code = deployer.anvil.code(address)
    yield deployer.case("a library", "Sums", address, transaction)
    if code[:1] == b"\x73":
        elsewhere = b"\x73" + bytes.fromhex(SENDER[2:]) + code[21:]
        yield deployer.forged("call protection of another address", "Sums", elsewhere)
        yield deployer.forged("no call protection", "Sums", b"\x60" + code[1:])


def _factory(deployer: Deployer) -> Iterator[Case]:
    """Contracts that a contract creates."""
    factory, transaction = deployer.genuine("Factory")
    yield deployer.case("deployed", "Factory", factory, transaction)
    if deployer.build is FIRST:  # two compilations more
        yield deployer.case(
            "a comment changed", "Factory", factory, transaction, edit=deployer.comment
        )
    calls = (
        ("made by a factory", "make()", b""),
        ("made by CREATE2", "makeAt(bytes32)", b"\x01" * 32),
    )
    for number, (kind, call, salt) in enumerate(calls):
        made = deployer.anvil.send(factory, keccak256(call.encode())[:4] + salt)
        slot = int.from_bytes(keccak256(bytes(32))) + number
        child = "0x" + deployer.anvil.rpc("eth_getStorageAt", factory, hex(slot), "latest")[-40:]
        yield deployer.case(kind, "Child", child, made["transactionHash"])
        yield deployer.case(f"{kind}, no transaction given", "Child", child, None)
    code = deployer.anvil.code(child)
    yield deployer.forged("a factory's child, hand-made creation", "Child", code)


def _flipped(code: bytes, at: int) -> bytes:
    return code[:at] + bytes([code[at] ^ 1]) + code[at + 1 :]


def kinds(cases: Sequence[Case]) -> list[str]:
    """All kinds, in their order."""
    return list(dict.fromkeys(one.kind for one in cases))
