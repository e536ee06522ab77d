"""What goes wrong while code is held against its source."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.errors.base import BridgeError
from bridge.domain.errors.input import InputError


class SourceRefused(InputError):
    """A request, a standard JSON or a metadata that cannot be used."""

    def __init__(self, message: str, code: str = "invalid_parameter") -> None:
        self.code = code
        super().__init__(message)


class AlreadyRunning(SourceRefused):
    """The same contract is being verified already."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "duplicate_verification_request")


class MatchError(BridgeError):
    """Base of what the match of code and source ends with, other than a match."""

    exit_code = 10

    def __init__(self, message: str, code: str) -> None:
        self.code = code
        super().__init__(message)


class CompilerMissing(MatchError):
    """No such compiler, or nothing that runs it."""

    def __init__(self, compiler: str, reason: str) -> None:
        super().__init__(f"compiler {compiler}: {reason}", "unsupported_compiler_version")


class CompilerFailed(MatchError):
    """The compiler refused the sources; ``errors`` are its own words."""

    def __init__(self, compiler: str, errors: Sequence[str]) -> None:
        self.errors = tuple(errors)
        first = self.errors[0].strip() if self.errors else "no output"
        more = f" (and {len(self.errors) - 1} more)" if len(self.errors) > 1 else ""
        super().__init__(f"compiler {compiler}: {first}{more}", "compiler_error")


class CompilerExhausted(MatchError):
    """The compiler ran into its limit of time, memory or output."""

    def __init__(self, compiler: str, what: str, limit: str) -> None:
        super().__init__(
            f"compiler {compiler}: stopped, its {what} reached the limit of {limit}",
            "compiler_limit_exceeded",
        )


class NotDeployed(MatchError):
    """The address has no code at that block."""

    def __init__(self, chain_id: int, address: str, block: int) -> None:
        super().__init__(
            f"chain {chain_id}: {address} has no code at block {block}", "contract_not_deployed"
        )


class CodeUnreadable(MatchError):
    """The chain does not say what the code is."""

    retryable = True

    def __init__(self, chain_id: int, address: str, reason: str) -> None:
        super().__init__(
            f"chain {chain_id}: code of {address} cannot be read: {reason}",
            "cannot_fetch_bytecode",
        )


class RpcInconsistent(MatchError):
    """The chain said one thing, then another, of a block that has not changed."""

    retryable = True

    def __init__(self, chain_id: int, what: str, first: str, then: str) -> None:
        super().__init__(
            f"chain {chain_id}: {what} was {first}, then {then}: the RPC endpoint lies, or the "
            "chain was reorganized",
            "rpc_inconsistent",
        )


class NoMatch(MatchError):
    """Code and source differ, or the code is forged; ``code`` says how."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code)
