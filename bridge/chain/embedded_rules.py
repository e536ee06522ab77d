"""The embedded chain's rules: its fork, its limits and its first block."""

from __future__ import annotations

import time

from eth.abc import BlockHeaderAPI, SignedTransactionAPI
from eth.constants import ZERO_ADDRESS
from eth.typing import AccountState, HeaderParams
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.constants import STANDARD_TOKEN_COST, TOTAL_COST_FLOOR_PER_TOKEN
from eth_typing import Address

from bridge.chain.development import BALANCE_WEI, development_accounts

BLOCK_GAS_LIMIT = 30_000_000
TRANSACTION_GAS_CAP = 1 << 24
"""EIP-7825: the most gas one transaction may ask for. Osaka's rule, kept here on Prague."""
CALL_GAS_CAP = 50_000_000
"""What ``eth_call`` gets when it names no gas, as in geth."""
TRANSFER_GAS = 21_000
CALL_STIPEND = 2_300
PRIORITY_FEE_WEI = 10**9
CODE_LIMIT_BYTES = 2 * 24_576
"""EIP-3860: the longest init code."""
BLOB_TYPE = 3


class EmbeddedVM(PragueVM):
    """Prague, where a block may have its parent's timestamp.

    Blocks come more than once a second here. Were each to need a later second than its parent,
    the chain's clock would run away from the wall's.
    """

    @classmethod
    def validate_header(cls, header: BlockHeaderAPI, parent_header: BlockHeaderAPI) -> None:
        """None; ``ValidationError`` for a header that cannot follow its parent."""
        if parent_header is not None and header.timestamp == parent_header.timestamp:
            header = header.copy(timestamp=header.timestamp + 1)
        super().validate_header(header, parent_header)


def base_fee_of(header: BlockHeaderAPI) -> int:
    """The block's base fee in wei; every block has one since London."""
    fee = header.base_fee_per_gas
    assert fee is not None
    return fee


def minimum_gas(transaction: SignedTransactionAPI) -> int:
    """The least gas the transaction may name: intrinsic, or the calldata floor (EIP-7623)."""
    zeros = transaction.data.count(0)
    tokens = zeros + STANDARD_TOKEN_COST * (len(transaction.data) - zeros)
    intrinsic: int = transaction.intrinsic_gas
    return max(intrinsic, TRANSFER_GAS + TOTAL_COST_FLOOR_PER_TOKEN * tokens)


def genesis(chain_id: int) -> tuple[dict[str, HeaderParams], AccountState]:
    """The first block's header, which names the chain id, and the state: ten funded accounts."""
    header: dict[str, HeaderParams] = {
        "coinbase": ZERO_ADDRESS,
        "difficulty": 0,
        "extra_data": chain_id.to_bytes(32, "big"),
        "gas_limit": BLOCK_GAS_LIMIT,
        "timestamp": int(time.time()),
    }
    state: AccountState = {
        Address(bytes.fromhex(account.address[2:])): {
            "balance": BALANCE_WEI,
            "nonce": 0,
            "code": b"",
            "storage": {},
        }
        for account in development_accounts()
    }
    return header, state
