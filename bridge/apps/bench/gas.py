"""All figures of ``astralink bench gas``: deploy, register, verify, deliver, read what it cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from bridge.apps.bench.delivery import bench_bridge, deliveries
from bridge.apps.bench.meter import Cost, Meter
from bridge.apps.bench.node import anvil
from bridge.apps.bench.parts import parts_of
from bridge.apps.bench.peers import DELIVERY_PEERS, PEERS
from bridge.apps.bench.vectors import Vector, vectors
from bridge.apps.bench.verdicts import verdict_gas
from bridge.chain.artifact import load
from bridge.chain.client import ChainClient
from bridge.chain.contracts import Contract
from bridge.chain.development import development_accounts
from bridge.chain.transactions import TRANSACTION_GAS_CAP, Account, deploy

ML_DSA, SLH_128S, SLH_256S = "ml_dsa_87", "slh_dsa_sha2_128s", "slh_dsa_sha2_256s"
HALVES = (1, 0)
"""The order in which a key's halves are registered."""

Figures = dict[str, Any]


async def measure(announce: Callable[[str], None] = lambda what: None) -> Figures:
    """The figures by name, as ``--json`` prints them; ``announce`` is told what is under way."""
    announce("starting Anvil")
    async with anvil() as client:
        account = Account(development_accounts()[0])
        meter = await Meter.deployed(client, account)
        announce("ML-DSA-87: deploying")
        verifier = await _deployed(
            client,
            account,
            "MlDsa87Verifier",
            (await _deployed(client, account, "MlDsa87Kernel")).address,
            (await _deployed(client, account, "MlDsa87Expander")).address,
        )
        vector = vectors()[ML_DSA]
        announce("ML-DSA-87: registering the key")
        registration, key_id = await _register(verifier, account, vector)
        commitment = await _commit(verifier, account, vector)
        expansion = await verifier.call("expand", vector.public_key)
        # The verifier takes an expansion for a commitment's before it looks for a registered key.
        with_expansion = replace(vector, signature=vector.signature + expansion)
        ways = {
            "registered_key": (vector, key_id),
            "committed_key": (with_expansion, key_id),
            "raw_key": (vector, vector.public_key),
        }
        ml_dsa: Figures = {}
        for way, (given, key) in ways.items():
            announce(f"ML-DSA-87: {way.replace('_', ' ')}")
            ml_dsa[way] = asdict(await _cost(meter, verifier, given, key))
        registered = ml_dsa["registered_key"]
        announce("ML-DSA-87: tracing")
        steps = await meter.trace(verifier.address, _call_data(verifier, vector, key_id))
        registered["parts"] = parts_of(steps, registered["gas"])
        verifiers: Figures = {ML_DSA: ml_dsa}
        for name, contract in (
            (SLH_128S, "SlhDsaSha2128sVerifier"),
            (SLH_256S, "SlhDsaSha2256sVerifier"),
        ):
            announce(contract)
            slh = await _deployed(client, account, contract)
            vector = vectors()[name]
            verifiers[name] = asdict(await _cost(meter, slh, vector, vector.public_key))
        announce("delivery: deploying the bridge")
        bridge = await bench_bridge(client, account)
        delivery = await deliveries(client, account, bridge, announce)
        announce("verdicts")
        verdicts = await verdict_gas(client, account, meter, bridge)
    return {
        "verifiers": verifiers,
        "registration": {ML_DSA: registration},
        "commitment": {ML_DSA: commitment},
        "delivery": delivery,
        "verdicts": verdicts,
        "peers": [asdict(peer) for peer in PEERS],
        "delivery_peers": [asdict(peer) for peer in DELIVERY_PEERS],
    }


async def _deployed(client: ChainClient, account: Account, name: str, *arguments: Any) -> Contract:
    code = load(name).deployment(*arguments)
    address = await deploy(client, account, code, gas=TRANSACTION_GAS_CAP)
    return Contract.at(client, name, address)


async def _register(
    verifier: Contract, account: Account, vector: Vector
) -> tuple[dict[str, int], bytes]:
    """What the two transactions cost and store, and the key's id."""
    gas = 0
    heads: list[Any] = []
    for half in HALVES:
        receipt = await verifier.send(
            account, "register", vector.public_key, half, gas=TRANSACTION_GAS_CAP
        )
        gas += receipt.gas_used
        heads += [event for event in verifier.events(receipt.logs) if event.name == "Registered"]
    (registered,) = heads
    key_id: bytes = registered.arguments["keyId"]
    contracts = [registered.arguments["head"], *await verifier.call("uppers", key_id)]
    code = [await verifier.client.code(address) for address in contracts]
    # The head ends with the addresses of the other three; the first of them is in no mapping.
    code.append(await verifier.client.code("0x" + code[0][-96:-64][12:].hex()))
    stored = sum(len(one) for one in code)
    return {"gas": gas, "transactions": len(HALVES), "bytes": stored}, key_id


async def _commit(verifier: Contract, account: Account, vector: Vector) -> dict[str, int]:
    receipt = await verifier.send(account, "commit", vector.public_key, gas=TRANSACTION_GAS_CAP)
    return {"gas": receipt.gas_used, "transactions": 1, "bytes": 0}


def _call_data(verifier: Contract, vector: Vector, key: bytes) -> bytes:
    return verifier.artifact.call_data(
        "verifyWithContext", key, vector.message, vector.ctx, vector.signature
    )


async def _cost(meter: Meter, verifier: Contract, vector: Vector, key: bytes) -> Cost:
    return await meter.cost(verifier.address, _call_data(verifier, vector, key))
