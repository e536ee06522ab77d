"""What a chain or its nodes did not do."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.errors.base import BridgeError


class ChainError(BridgeError):
    """Base of what goes wrong between the bridge and a chain."""

    exit_code = 3


class ChainUnreachable(ChainError):
    """Nobody answers at the RPC address."""

    retryable = True

    def __init__(self, name: str, url: str, reason: str) -> None:
        super().__init__(f"chain {name}: no answer from {url}: {reason}")


class WrongChainId(ChainError):
    """Another chain answers at the RPC address."""

    def __init__(self, name: str, url: str, expected: int, got: int) -> None:
        super().__init__(f"chain {name}: expected chain id {expected} at {url}, got {got}")


class EndpointsTooFew(ChainError):
    """Fewer RPC endpoints answer than must agree; ``failures`` names those that do not."""

    retryable = True

    def __init__(self, name: str, got: int, needed: int, failures: Sequence[str]) -> None:
        self.failures = tuple(failures)
        missing = "; ".join(self.failures)
        super().__init__(f"chain {name}: {got} endpoints answer, {needed} must agree: {missing}")


class EndpointsDisagree(ChainError):
    """No answer, or more than one, is given by as many RPC endpoints as must agree.

    ``said`` is what each said.
    """

    retryable = True

    def __init__(self, name: str, what: str, needed: int, said: Sequence[str]) -> None:
        self.said = tuple(said)
        super().__init__(
            f"chain {name}: {what}: {needed} endpoints must agree, got {'; '.join(self.said)}"
        )


class FinalizedChanged(ChainError):
    """Blocks that were final are no longer on the chain."""

    def __init__(self, name: str, from_block: int, read_to: int) -> None:
        super().__init__(
            f"chain {name}: blocks up to {read_to} were final and read, "
            f"from {from_block} on they are others now"
        )


class ChainRefused(ChainError):
    """The node answered a request with an error that is no revert."""

    def __init__(self, name: str, method: str, code: int, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"chain {name}: {method} refused with {code}: {message}")


class BlockUnknown(ChainError):
    """The chain has no such block."""

    def __init__(self, name: str, block: str) -> None:
        super().__init__(f"chain {name}: no block {block}")


class RecipientHasNoCode(ChainError):
    """The recipient's address holds no contract on the destination chain."""

    def __init__(self, recipient: str, chain: str) -> None:
        super().__init__(
            f"recipient {recipient} has no code on chain {chain}: expected a contract with handle()"
        )


class TransactionReverted(ChainError):
    """The contract said no.

    ``error`` is the custom error as Solidity writes it, with its arguments.
    """

    def __init__(self, what: str, error: str, data: bytes = b"") -> None:
        self.error = error
        self.data = data
        super().__init__(f"{what} reverted: {error}")


class TransactionTooHeavy(ChainError):
    """More gas than one transaction may have (EIP-7825)."""

    def __init__(self, what: str, gas: int, cap: int) -> None:
        super().__init__(f"{what} needs {gas} gas: one transaction may have at most {cap}")


class TransactionTimeout(ChainError):
    """No receipt before the deadline."""

    retryable = True

    def __init__(self, what: str, transaction: str, timeout_s: float) -> None:
        super().__init__(f"{what}: no receipt for {transaction} within {timeout_s:g} s")


class AccountEmpty(ChainError):
    """An account holds less than a transaction may cost."""

    retryable = True

    def __init__(self, chain: str, account: str, balance_wei: int, needed_wei: int) -> None:
        super().__init__(
            f"chain {chain}: account {account} holds {balance_wei} wei, a transaction may cost "
            f"{needed_wei}: send it funds"
        )
