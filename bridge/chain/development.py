"""The ten accounts that every development chain funds, the same as Anvil's and Hardhat's.

Their keys are public. They exist on development chains only and guard nothing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loaded where the accounts are asked for
    from eth_account.signers.local import LocalAccount

MNEMONIC = "test test test test test test test test test test test junk"
DERIVATION_PATH = "m/44'/60'/0'/0/"
ACCOUNTS = 10
BALANCE_WEI = 10_000 * 10**18


@lru_cache(maxsize=1)
def development_accounts() -> tuple[LocalAccount, ...]:
    """The ten accounts in their order (BIP-39 seed, BIP-44 path m/44'/60'/0'/0/i)."""
    from eth_account import Account as EthAccount
    from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

    seed = seed_from_mnemonic(MNEMONIC, "")
    keys = (key_from_seed(seed, f"{DERIVATION_PATH}{index}") for index in range(ACCOUNTS))
    return tuple(EthAccount.from_key(key) for key in keys)
