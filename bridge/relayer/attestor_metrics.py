"""What an attestor measures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bridge.chain.client import ChainClient
from bridge.keyservice.exposition import Family, Kind, Measured, Samples
from bridge.relayer.attestor import Attestor
from bridge.verifier.attestor import VerdictAttestor

SIGNATURES = Family(
    "astralink_attestor_signatures_total",
    Kind.COUNTER,
    "Signatures made, and refusals by their error.",
    ("outcome",),
)
MESSAGES = Family(
    "astralink_attestor_messages", Kind.GAUGE, "Final messages of a chain in the tree.", ("chain",)
)
BLOCK = Family(
    "astralink_attestor_final_block",
    Kind.GAUGE,
    "The final block up to which a chain was read.",
    ("chain",),
)
CURRENT = Family(
    "astralink_attestor_current",
    Kind.GAUGE,
    "1 where the last reading of a chain reached its final block.",
    ("chain",),
)
HALTED = Family(
    "astralink_attestor_halted",
    Kind.GAUGE,
    "1 where a chain contradicted what was final: nothing of it is signed any more.",
    ("chain",),
)
KEY_SERVICE_UP = Family(
    "astralink_attestor_keyservice_up", Kind.GAUGE, "1 while the key service answers."
)
ENDPOINTS = (
    Family(
        "astralink_rpc_requests_total",
        Kind.COUNTER,
        "Requests to an RPC endpoint of a chain.",
        ("chain", "endpoint"),
    ),
    Family(
        "astralink_rpc_failures_total",
        Kind.COUNTER,
        "Times that an RPC endpoint gave no answer that can be used.",
        ("chain", "endpoint"),
    ),
    Family(
        "astralink_rpc_disagreements_total",
        Kind.COUNTER,
        "Times that an RPC endpoint said other things than others.",
        ("chain", "endpoint"),
    ),
    Family(
        "astralink_rpc_endpoint_up",
        Kind.GAUGE,
        "0 while an RPC endpoint is left alone.",
        ("chain", "endpoint"),
    ),
)
FAMILIES = (SIGNATURES, MESSAGES, BLOCK, CURRENT, HALTED, KEY_SERVICE_UP, *ENDPOINTS)


def measured(attestor: Attestor, verdicts: VerdictAttestor | None = None) -> Measured:
    """The collector of one attestor; signatures over verdicts are counted with the others."""

    def measure(samples: Samples) -> None:
        outcomes = attestor.outcomes + (verdicts.outcomes if verdicts else Counter())
        for outcome, count in outcomes.items():
            samples.add(SIGNATURES, count, outcome)
        for view in attestor.views.values():
            name = view.side.name
            samples.add(MESSAGES, len(view.tree), name)
            samples.add(BLOCK, view.block, name)
            samples.add(CURRENT, view.current, name)
            samples.add(HALTED, view.stopped is not None, name)
        samples.add(KEY_SERVICE_UP, attestor.key_service_problem is None)
        measure_endpoints(samples, (view.side.client for view in attestor.views.values()))

    return Measured(FAMILIES, measure)


def measure_endpoints(samples: Samples, clients: Iterable[ChainClient]) -> None:
    """What is counted of the RPC endpoints; each by its number, since an address may hold a key."""
    requests, failures, disagreements, up = ENDPOINTS
    for client in clients:
        for endpoint in client.endpoints:
            labels = client.settings.name, str(endpoint.number)
            samples.add(requests, endpoint.counts.requests, *labels)
            samples.add(failures, endpoint.counts.failures, *labels)
            samples.add(disagreements, endpoint.counts.disagreements, *labels)
            samples.add(up, endpoint.left_for is None, *labels)
