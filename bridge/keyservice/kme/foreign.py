"""Link key from somebody else's KME, for a pool that seeds are drawn from."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

from bridge.keyservice.kme.client import KmeClient, KmeKey
from bridge.keyservice.kme.extensions import PROVENANCE
from bridge.keyservice.linkblock import BlockHistory, LinkBlock
from bridge.keyservice.pool import LOCAL

UNKNOWN_QBER = 0.5
UNKNOWN_EPSILON = 1.0
"""Of a KME that does not tell nothing is taken to be known: its key is never the only secret."""
SIZE = 256


class ForeignLink:
    """A `KeySource` that asks a KME for keys which this SAE shares with ``slave``.

    A KME that tells where its keys come from is believed about that; of others nothing is taken to
    be known, ``simulated`` aside, which is what the operator says of it.
    """

    def __init__(
        self, client: KmeClient, slave: str, owner: str = LOCAL, simulated: bool = False
    ) -> None:
        self._client = client
        self._slave = slave
        self._owner = owner
        self._simulated = simulated

    def next_block(self) -> LinkBlock:
        """As many keys as one request gives, as one block.

        Raises what `KmeClient` raises.
        """
        status = self._client.status(self._slave)
        size = SIZE if status.min_key_size <= SIZE <= status.max_key_size else status.key_size
        number = max(1, min(status.max_key_per_request, status.stored_key_count))
        keys = self._client.get_key(self._slave, number, size, optional=[{PROVENANCE: True}])
        told = [self._told(one) for one in keys]
        history = BlockHistory(
            block_id=str(uuid4()),
            link_id=f"{status.source_KME_ID}>{status.target_KME_ID}"[:64],
            owner=self._owner,
            source=f"etsi-014:{status.source_KME_ID}",
            simulated=self._simulated or any(bool(one.get("simulated")) for one in told),
            qber=max(_number(one.get("qber"), UNKNOWN_QBER) for one in told),
            leak_bits=int(max(_number(one.get("leak_bits"), 0) for one in told)),
            epsilon=min(1.0, sum(_number(one.get("epsilon"), UNKNOWN_EPSILON) for one in told)),
            created_at=time.time(),
        )
        return LinkBlock(b"".join(one.key for one in keys), history)

    def restart(self) -> None:
        """See `KeySource.restart`: there is nothing here that could be broken for good."""

    def _told(self, key: KmeKey) -> dict[str, Any]:
        told = (key.extension or {}).get("astralink_provenance")
        return told if isinstance(told, dict) else {}


def _number(value: object, unknown: float) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return float(value) if good else unknown  # type: ignore[arg-type]
