"""What a KME needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bridge.domain.errors import InputError
from bridge.keyservice.pool import PoolLimits
from bridge.keyservice.retention import RETENTION_S
from bridge.keyservice.sealingkey import SealingKeySource
from bridge.keyservice.tlsfiles import TlsFiles


@dataclass(frozen=True, slots=True)
class DeliveryLimits:
    """What SAEs may ask for; sizes in bits. A key waits ``wait_s`` for its slave SAEs."""

    key_size: int = 256
    min_key_size: int = 64
    max_key_size: int = 8192
    max_key_per_request: int = 128
    max_sae_id_count: int = 8
    wait_s: float = 3600.0

    def __post_init__(self) -> None:
        sizes = (self.min_key_size, self.key_size, self.max_key_size)
        if sorted(sizes) != list(sizes) or sizes[0] < 8 or any(size % 8 for size in sizes):
            raise InputError(
                "delivery: expected min_key_size <= key_size <= max_key_size in multiples of 8, "
                f"got {sizes}"
            )
        if self.max_key_per_request < 1 or self.max_sae_id_count < 0 or self.wait_s <= 0:
            raise InputError(
                "delivery: expected at least 1 key a request, 0 additional SAEs and a wait above "
                f"0 s, got {self.max_key_per_request}, {self.max_sae_id_count}, {self.wait_s}"
            )


@dataclass(frozen=True, slots=True)
class KmeSettings:
    """One KME of two.

    ``saes`` has every SAE of both ends with the id of its KME, ``links`` the ids of the links that
    may deposit blocks. ``retention_s`` is how long records of delivered keys are kept. Names of
    SAEs, KMEs and links are the common names of their certificates.
    """

    kme_id: str
    peer_id: str
    peer_url: str
    database: Path | str
    sealing: SealingKeySource | Path
    tls: TlsFiles
    saes: Mapping[str, str]
    links: tuple[str, ...] = ()
    limits: PoolLimits = field(default_factory=PoolLimits)
    delivery: DeliveryLimits = field(default_factory=DeliveryLimits)
    retention_s: float = RETENTION_S

    def __post_init__(self) -> None:
        ends = {self.kme_id, self.peer_id}
        if len(ends) != 2:
            raise InputError(f"KMEs: expected two different ids, got {self.kme_id!r} twice")
        for sae_id, kme_id in self.saes.items():
            if kme_id not in ends:
                raise InputError(
                    f"SAE {sae_id!r}: expected {self.kme_id!r} or {self.peer_id!r} as its KME, "
                    f"got {kme_id!r}"
                )
        if not self.retention_s >= self.delivery.wait_s:
            raise InputError(
                f"retention: expected at least the {self.delivery.wait_s:g} s that a key waits, "
                f"got {self.retention_s:g}"
            )
        names = [*ends, *self.links, *self.saes]
        if len(set(names)) != len(names):
            raise InputError(f"names: expected each of KMEs, links and SAEs once, got {names}")
