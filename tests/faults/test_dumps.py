"""Which dumps of a chain are put back after it was killed."""

import copy
from typing import Any

from tests.faults.network import is_one_moment

DUMP: dict[str, Any] = {
    "accounts": {"0xaa": {"nonce": 2}, "0xbb": {"nonce": 1}, "0xcc": {"nonce": 0}},
    "transactions": [{"info": {"from": sender}} for sender in ("0xaa", "0xbb", "0xaa")],
}


def test_one_whose_accounts_are_ahead_of_its_blocks_is_not() -> None:
    assert is_one_moment(DUMP)
    ahead = copy.deepcopy(DUMP)
    ahead["accounts"]["0xaa"]["nonce"] = 3
    assert not is_one_moment(ahead)
    behind = copy.deepcopy(DUMP)
    del behind["accounts"]["0xbb"]
    assert not is_one_moment(behind)
