"""Verdicts: what was verified of one contract, and what a quorum signs of it.

The digests that go under the signatures are ``bridge.crypto.digests.verdict_digest`` and
``revocation_digest``, the context strings ``VERDICT_CONTEXT`` and ``REVOCATION_CONTEXT``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from bridge.domain.errors import InputError

VERDICT_TYPE = (
    "AstraLinkVerdict(uint64 registryChainId,address registry,uint32 epoch,uint64 sequence,"
    "uint64 issuedAt,uint64 expiresAt,uint64 chainId,address account,bytes32 codeHash,"
    "uint64 blockNumber,bytes32 blockHash,uint8 matchKind,bytes32 scanDigest,bytes32 tool)"
)
REVOCATION_TYPE = (
    "AstraLinkVerdictRevocation(uint64 registryChainId,address registry,uint32 epoch,"
    "uint64 sequence,uint64 issuedAt,uint64 chainId,address account,bytes32 codeHash,"
    "bytes32 reason)"
)
NO_DIGEST = bytes(32)
"""The scan digest where nothing was scanned; the code hash of a revocation that is of one contract
alone."""
TEXT_BYTES = 32
"""A word: the longest tool and reason."""


class MatchKind(IntEnum):
    """How well code and source agree. The numbers are signed and never change."""

    NO_MATCH = 0
    MATCH = 1
    EXACT_MATCH = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """``address`` is 20 bytes, ``code_hash``, ``block_hash`` and ``scan_digest`` are 32.

    ``code_hash`` is the Keccak-256 of the runtime code at ``block_number``. ``scan_digest`` is the
    SHA-256 of the scan's JSON in its canonical form, zero where nothing was scanned. ``tool`` is
    the version of what verified, 1 to 32 bytes without a zero byte.
    """

    chain_id: int
    address: bytes
    code_hash: bytes
    block_number: int
    block_hash: bytes
    match: MatchKind
    scan_digest: bytes
    tool: str

    def __post_init__(self) -> None:
        _lengths("verdict", self, address=20, code_hash=32, block_hash=32, scan_digest=32)
        _widths("verdict", self, chain_id=64, block_number=64)
        if not isinstance(self.match, MatchKind):
            raise InputError(f"verdict: match: expected a MatchKind, got {self.match!r}")
        _text("verdict", "tool", self.tool, 1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement about verdicts is said, and its number there.

    ``registry`` is the 20-byte address of the VerdictRegistry on the chain ``registry_chain_id``.
    ``sequence`` counts what is said there of one contract, from 1 on: what comes later replaces.
    """

    registry_chain_id: int
    registry: bytes
    epoch: int
    sequence: int

    def __post_init__(self) -> None:
        _lengths("place", self, registry=20)
        _widths("place", self, registry_chain_id=64, epoch=32, sequence=64)
        if self.sequence == 0:
            raise InputError("place: sequence: expected at least 1, got 0")


@dataclass(frozen=True, slots=True)
class VerdictStatement:
    """A verdict as it is signed. ``issued_at`` and ``expires_at`` are seconds since 1970.

    It counts up to and in the second ``expires_at``.
    """

    place: Place
    issued_at: int
    expires_at: int
    verdict: Verdict

    def __post_init__(self) -> None:
        _widths("verdict", self, issued_at=64, expires_at=64)
        if self.expires_at <= self.issued_at:
            raise InputError(
                f"verdict: expires_at: expected later than {self.issued_at}, got {self.expires_at}"
            )

    @property
    def chain_id(self) -> int:
        """The chain of the contract."""
        return self.verdict.chain_id

    @property
    def address(self) -> bytes:
        """The contract, 20 bytes."""
        return self.verdict.address


@dataclass(frozen=True, slots=True)
class RevocationStatement:
    """That no verdict on a contract counts which was issued until ``issued_at``, as it is signed.

    With ``code_hash``, 32 bytes, none on that code counts wherever it is; zero leaves others alone.
    ``reason`` is at most 32 bytes without a zero byte.
    """

    place: Place
    issued_at: int
    chain_id: int
    address: bytes
    code_hash: bytes = NO_DIGEST
    reason: str = ""

    def __post_init__(self) -> None:
        _widths("revocation", self, issued_at=64, chain_id=64)
        _lengths("revocation", self, address=20, code_hash=32)
        _text("revocation", "reason", self.reason, 0)


Statement = VerdictStatement | RevocationStatement


def word_of(text: str) -> bytes:
    """A tool or reason as it is signed: left-aligned in 32 bytes."""
    return text.encode().ljust(TEXT_BYTES, b"\0")


def text_of(word: bytes) -> str:
    """The tool or reason of a word; ``InputError`` where it is none."""
    stripped = word.rstrip(b"\0")
    try:
        text = stripped.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"text: expected UTF-8, got 0x{word.hex()}") from error
    if "\0" in text:
        raise InputError(f"text: expected no zero byte inside, got 0x{word.hex()}")
    return text


def _lengths(what: str, one: object, **lengths: int) -> None:
    for name, size in lengths.items():
        got = len(getattr(one, name))
        if got != size:
            raise InputError(f"{what}: {name}: expected {size} bytes, got {got}")


def _widths(what: str, one: object, **widths: int) -> None:
    for name, bits in widths.items():
        value = getattr(one, name)
        # A float is refused too: NaN is below and above nothing.
        if type(value) is not int or not 0 <= value < 1 << bits:
            raise InputError(f"{what}: {name}: expected 0 to 2^{bits} - 1, got {value}")


def _text(what: str, name: str, text: str, least: int) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise InputError(f"{what}: {name}: expected UTF-8, got {text!r}") from error
    if not least <= size <= TEXT_BYTES or "\0" in text:
        raise InputError(
            f"{what}: {name}: expected {least} to {TEXT_BYTES} bytes without a zero byte, "
            f"got {text!r}"
        )
