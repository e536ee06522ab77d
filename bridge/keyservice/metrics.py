"""What a key service measures."""

from __future__ import annotations

import time

from bridge.keyservice.exposition import Family, Kind, Measured, Samples
from bridge.keyservice.service import KeyService

SIGNATURES = Family(
    "astralink_keyservice_signatures_total",
    Kind.COUNTER,
    "Signatures that were asked for, by algorithm and by what came of it: signed, or the error.",
    ("algorithm", "outcome"),
)
EQUIVOCATIONS = Family(
    "astralink_keyservice_equivocations_refused_total",
    Kind.COUNTER,
    "Second, different roots, sets or verdicts that were refused: an attack or a broken machine.",
)
POOL = Family(
    "astralink_keyservice_pool_bits", Kind.GAUGE, "Distilled bits that no key was made of yet."
)
POOL_TARGET = Family(
    "astralink_keyservice_pool_target_bits", Kind.GAUGE, "Bits that the pool is filled up to."
)
BLOCKS = Family(
    "astralink_keyservice_link_blocks_total",
    Kind.COUNTER,
    "Blocks of the key link, distilled or rejected. The link is simulated.",
    ("outcome",),
)
LINK_STATE = Family(
    "astralink_keyservice_link_state",
    Kind.GAUGE,
    "1 for the state that the link is in.",
    ("state",),
)
ENTROPY_FAILURES = Family(
    "astralink_keyservice_entropy_failures_total",
    Kind.COUNTER,
    "Health tests that the link's randomness failed. Any stops the link until it is reset.",
)
OLDEST = Family(
    "astralink_keyservice_oldest_key_age_seconds",
    Kind.GAUGE,
    "Time since the oldest bits of the pool were distilled.",
)
FAMILIES = (
    *(SIGNATURES, EQUIVOCATIONS, POOL, POOL_TARGET, OLDEST),
    *(BLOCKS, LINK_STATE, ENTROPY_FAILURES),
)


def measured(service: KeyService) -> Measured:
    """The collector of one key service."""

    def measure(samples: Samples) -> None:
        for (algorithm, outcome), count in list(service.asked.items()):
            samples.add(SIGNATURES, count, algorithm, outcome)
        samples.add(EQUIVOCATIONS, service.equivocations_refused)
        link = service.link_status()
        samples.add(POOL, link.pool_bits)
        samples.add(POOL_TARGET, link.target_bits)
        if link.oldest_at is not None:
            samples.add(OLDEST, max(0.0, time.time() - link.oldest_at))
        samples.add(BLOCKS, link.blocks_distilled, "distilled")
        samples.add(BLOCKS, link.blocks_rejected, "rejected")
        samples.add(LINK_STATE, 1, link.state.value)
        samples.add(ENTROPY_FAILURES, link.entropy_failures)

    return Measured(FAMILIES, measure)
