"""What it costs to hold an ML-DSA-87 key, by the way it is held and how often it is used.

A key's price is paid once: contract code of 65,700 bytes, or a slot with the hash of its expansion,
or nothing. Each verification then costs its execution and its calldata; where calldata is most of a
transaction, EIP-7623's floor in their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ML_DSA = "ml_dsa_87"
USES = (1, 100, 10_000)
CODE_BYTE_GAS = 200
"""What a byte of contract code costs today."""
EIP_8037_CODE_BYTE_GAS = 1_530
"""The draft of EIP-8037. It raises the price of new slots and accounts too; that is left out."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A way to hold a key: its price once, today and under EIP-8037, and that of each use, in gas.

    The price of a use has no 21,000 in it: a bridge's message pays them anyway.
    """

    way: str
    once: int
    once_eip_8037: int
    each: int

    def total(self, uses: int, eip_8037: bool = False) -> int:
        """All gas of ``uses`` verifications and of what came before them."""
        return (self.once_eip_8037 if eip_8037 else self.once) + uses * self.each


def holdings(figures: Mapping[str, Any]) -> tuple[Holding, ...]:
    """The three ways, from measured figures."""
    registration = figures["registration"][ML_DSA]
    commitment = figures["commitment"][ML_DSA]
    once = {"registered_key": registration, "committed_key": commitment, "raw_key": None}
    names = {
        "registered_key": "contract code",
        "committed_key": "commitment",
        "raw_key": "raw",
    }
    found = []
    for way, price in once.items():
        today = price["gas"] if price else 0
        code_bytes = price["bytes"] if price else 0
        later = today + code_bytes * (EIP_8037_CODE_BYTE_GAS - CODE_BYTE_GAS)
        cost = figures["verifiers"][ML_DSA][way]
        each = max(cost["gas"] + cost["calldata_gas"], cost["calldata_floor_gas"])
        found.append(Holding(names[way], today, later, each))
    return tuple(found)
