"""The account that signs."""

from __future__ import annotations

import pytest

from bridge.chain.transactions import Account
from bridge.domain.errors import InputError

KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


def test_address_and_redacted_repr() -> None:
    account = Account.from_key(KEY)
    assert account.address == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert repr(account) == f"Account({account.address}, key redacted)"
    assert KEY[2:] not in repr(account)


@pytest.mark.parametrize("key", [b"", b"1" * 31, "zz", bytes(32), b"\xff" * 32, 5])
def test_no_private_key(key: bytes) -> None:
    with pytest.raises(InputError, match="expected 32 bytes") as caught:
        Account.from_key(key)
    assert caught.value.__cause__ is None
