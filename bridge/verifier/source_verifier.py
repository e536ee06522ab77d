"""What verifies and scans a deployed contract for a verdict: `SourceVerifier`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bridge.chain.wire import parse_data
from bridge.domain.errors import InputError, NoMatch
from bridge.domain.verdicts import MatchKind
from bridge.verifier.compilers.choice import Compilers
from bridge.verifier.contract_scan import scan_code, scan_matched
from bridge.verifier.match.compiled import compile_request
from bridge.verifier.match.request import Request, from_standard_json, parse_json
from bridge.verifier.match.verifying import verify
from bridge.verifier.recheck import Deployed, Source
from bridge.verifier.report import Report, canonical

FIELDS = frozenset(
    {"stdJsonInput", "compilerVersion", "contractIdentifier", "creationTransactionHash"}
)


class SourceVerifier:
    """Holds contracts against their sources, and scans both, with ``compilers``."""

    def __init__(self, compilers: Compilers) -> None:
        self._compilers = compilers

    async def match(self, deployed: Deployed, source: Source | None) -> MatchKind:
        """How well the code agrees with the source; ``NO_MATCH`` without a source.

        Raises ``SourceRefused`` for what is no source, and what compilers and the chain raise.
        """
        if source is None:
            return MatchKind.NO_MATCH
        request, transaction = request_of(source)
        try:
            found = await verify(
                deployed.client,
                self._compilers,
                request,
                deployed.checksummed,
                transaction,
                deployed.block.number,
            )
        except NoMatch:
            return MatchKind.NO_MATCH
        return found.match

    async def scan(self, deployed: Deployed, source: Source | None, tool: str) -> bytes:
        """The scan's report in its canonical form; ``source`` is one that the code agrees with.

        What a chain says of owners is not in it: a report of the same code stays the same.
        """
        if source is None:
            name = "0x" + deployed.address.hex()
            found = await asyncio.to_thread(scan_code, deployed.code, name)
        else:
            request, _ = request_of(source)
            compiled = await asyncio.to_thread(compile_request, self._compilers, request)
            found = await asyncio.to_thread(scan_matched, deployed.code, compiled, self._compilers)
        return canonical(Report.of(deployed.checksummed, tool, found.findings))


def read_source(path: Path) -> Source:
    """The source that a file has as JSON; ``InputError`` for anything else."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    found = parse_json(text, str(path))
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected a JSON object, got {type(found).__name__}")
    return found


def request_of(source: Source) -> tuple[Request, bytes | None]:
    """The request of a body of POST /v2/verify, and the creation transaction's hash.

    Raises ``InputError``, and ``SourceRefused`` for what may not be compiled.
    """
    unknown = sorted(set(source) - FIELDS)
    if unknown:
        raise InputError(
            f"source: expected {', '.join(sorted(FIELDS))}, got {', '.join(unknown)[:100]}"
        )
    request = from_standard_json(
        source.get("stdJsonInput"), source.get("compilerVersion"), source.get("contractIdentifier")
    )
    given = source.get("creationTransactionHash")
    if given is None:
        return request, None
    try:
        return request, parse_data(given, 32)
    except ValueError as error:
        raise InputError(f"source: creationTransactionHash: {error}") from error
