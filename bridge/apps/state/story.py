"""The demonstration: generate, correct, admit, age, purify, swap, teleport, each with its figures.

Every figure comes of a run made here; what theory says of it stands beside.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from bridge import QuantumErrorCorrection, QuantumKeyDistribution, QuantumStateManager
from bridge.apps.state.storage import BLOCK
from bridge.domain.errors import CoherenceExceeded, LinkError, PurificationFailed
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.distribution.generation import SiftedKeys
from bridge.quantum.kernels.plain import unpack
from bridge.quantum.memory.bell import BellDiagonal
from bridge.quantum.memory.corrected import CorrectedKeys
from bridge.quantum.memory.decoherence import Coherence
from bridge.quantum.memory.dense import density, fidelity
from bridge.quantum.memory.holding import PatchMemory
from bridge.quantum.memory.lane import MemoryLane
from bridge.quantum.memory.purification import GateNoise, dejmps
from bridge.quantum.memory.states import Kind
from bridge.quantum.memory.swapping import chain
from bridge.quantum.memory.teleportation import average
from bridge.quantum.network.allocation import Demand, allocate
from bridge.quantum.network.routing import routes
from bridge.quantum.network.topology import Link, Network, Node

RUNS = 400
GATES = GateNoise(two_qubit=1e-3, measurement=1e-2)
MEMORY = Coherence(100e-6, 100e-6)
TIMES_S = (0.0, 5e-6, 20e-6, 50e-6, 100e-6)
NODES = ("alice", "carol", "dave", "bob")

Data = dict[str, Any]
STEPS = ("generate", "correct", "admit", "age", "purify", "swap", "teleport", "network")


class StateStory:
    """The steps, in order; ``rng`` draws what states show. Keys come of the system's randomness."""

    def __init__(
        self, distance: int, held_s: float, noise: CircuitNoise, rng: np.random.Generator
    ) -> None:
        rounds = max(1, round(held_s / 1e-6))
        self.lane = MemoryLane.encoded(PatchMemory(distance, rounds, noise))
        self.manager = QuantumStateManager(
            nodes=dict.fromkeys(NODES, (MEMORY,) * 8), gates=GATES, rng=rng
        )
        self._rng = rng
        self._sifted: SiftedKeys | None = None
        self._corrected: CorrectedKeys | None = None

    def run(self, tell: Callable[[str], None]) -> Data:
        """All steps, in order; ``tell`` hears the name of each when it is done."""
        data: Data = {"simulated": True}
        for name in STEPS:
            data[name] = getattr(self, name)()
            tell(name)
        return data

    def generate(self) -> Data:
        """Pairs held in patches, and what becomes of the same pairs in bare memories."""
        system = QuantumKeyDistribution(parameters=BLOCK, memory=self.lane)
        keys = self._sifted = asyncio.run(system.generate_keys())
        assert keys.record is not None
        wrong = unpack(keys.sender.bits, len(keys)) ^ unpack(keys.receiver.bits, len(keys))
        size = sum(
            rows.nbytes
            for end in (keys.record.sender, keys.record.receiver)
            for rows in end.events.values()
        )
        patch = self.lane.memory
        assert isinstance(patch, PatchMemory)
        return {
            "distance": patch.distance,
            "rounds": patch.rounds,
            "error_probability": patch.noise.two_qubit,
            "qubits_a_half": patch.qubits,
            "held_s": keys.record.held_s,
            "sifted_bits": len(keys),
            "raw_error_rate": float(wrong.mean()),
            "sample_qber": keys.qber,
            "limit": keys.limit,
            "record_bytes": size,
            "bare": self._bare(keys.record.held_s),
        }

    def _bare(self, held_s: float) -> Data:
        lane = MemoryLane.bare(held_s, MEMORY)
        data: Data = {"expected_qber": lane.expected_qber()}
        try:
            lane.require_key(BLOCK)
            system = QuantumKeyDistribution(parameters=BLOCK, memory=lane)
            keys = asyncio.run(system.generate_keys())
            corrected = QuantumErrorCorrection().apply_correction(keys)
        except CoherenceExceeded as error:
            return data | {"key_bits": 0, "why": str(error), "longest_s": error.longest_s}
        except LinkError as error:
            return data | {"key_bits": 0, "why": str(error), "longest_s": None}
        return data | {"key_bits": corrected.key_bits, "why": None, "longest_s": None}

    def correct(self) -> Data:
        """Syndromes decoded, the rest reconciled, verified and amplified."""
        assert self._sifted is not None
        corrected = self._corrected = QuantumErrorCorrection().apply_correction(self._sifted)
        assert corrected.frame is not None
        return {
            "decoders": list(corrected.frame.decoders),
            "flipped": list(corrected.frame.flipped),
            "qber": corrected.qber,
            "leak_bits": corrected.leak_bits,
            "epsilon": corrected.epsilon,
            "key_bits": corrected.key_bits,
            "secret_fraction": corrected.secret_fraction,
        }

    def admit(self) -> Data:
        """The key into the manager, with what it knows of it."""
        assert self._corrected is not None
        key = self.manager.initialize_state(self._corrected)
        return {
            "state_id": key.state_id,
            "key_bits": key.key_bits,
            "fidelity": key.fidelity,
            "held_s": key.held_s,
            "provenance": asdict(key.provenance),
        }

    def age(self) -> Data:
        """A Bell, a GHZ and a W state through time, in the same memories."""
        held = {
            kind: self.manager.prepare(kind, NODES[: 2 if kind is Kind.BELL else 4], least=0.0)
            for kind in Kind
        }
        seen: dict[str, list[float]] = {kind.value: [] for kind in Kind}
        before = 0.0
        for at in TIMES_S:
            self.manager.wait(at - before)
            before = at
            for kind, state in held.items():
                seen[kind.value].append(self.manager.fidelity(state.state_id))
        for state in held.values():
            self.manager.discard(state.state_id)
        return {"held_s": list(TIMES_S), "fidelity": seen}

    def purify(self) -> Data:
        """Pairs at 0.85, two by two, until as many tries as `RUNS`."""
        pair = BellDiagonal.werner(0.85)
        expected = dejmps(pair, pair, GATES)
        kept = []
        for _run in range(RUNS):
            ids = [self.manager.store_pair(pair, ("alice", "bob")).state_id for _ in range(2)]
            try:
                made = self.manager.purify(*ids)
            except PurificationFailed:
                continue
            kept.append(self.manager.fidelity(made.state_id))
            self.manager.discard(made.state_id)
        return {
            "fidelity_before": pair.fidelity,
            "fidelity_after": float(np.mean(kept)),
            "tries": RUNS,
            "kept": len(kept),
            "expected_success": expected.success,
            "expected_fidelity": expected.pair.fidelity,
        }

    def swap(self) -> Data:
        """Three pairs along the chain of nodes, joined at once, after a wait of 2 us."""
        pair = BellDiagonal.werner(0.98)
        hops = list(itertools.pairwise(NODES))
        held = [self.manager.store_pair(pair, hop) for hop in hops]
        self.manager.wait(2e-6)
        aged = [self.manager.fidelity(one.state_id) for one in held]
        joined = self.manager.swap_chain([one.state_id for one in held])
        data = {
            "nodes": list(NODES),
            "fidelity_each": pair.fidelity,
            "fidelity_after_wait": aged[0],
            "fidelity_joined": self.manager.fidelity(joined.state_id),
            "fidelity_ideal_chain": chain([pair] * len(hops)).fidelity,
        }
        self.manager.discard(joined.state_id)
        return data

    def teleport(self) -> Data:
        """One state, `RUNS` times, through pairs at 0.95; the far end corrects by the two bits."""
        pair = BellDiagonal.werner(0.95)
        ideal = np.array([np.cos(0.6), np.exp(0.5j) * np.sin(0.6)])
        seen, bits = [], [0, 0, 0, 0]
        for _run in range(RUNS):
            held = self.manager.store_pair(pair, ("alice", "bob"))
            sent = self.manager.teleport(density(ideal), held.state_id)
            seen.append(fidelity(sent.state, ideal))
            bits[sent.x_bit + 2 * sent.z_bit] += 1
        return {
            "runs": RUNS,
            "pair_fidelity": pair.fidelity,
            "fidelity": float(np.mean(seen)),
            "expected_fidelity": fidelity(average(density(ideal), pair, GATES), ideal),
            "results": bits,
            "without_pair": 2.0 / 3.0,
        }

    def network(self) -> Data:
        """Which path and how much purification, and how the channels are shared out."""
        net = small_network()
        ranked = routes(net, "alice", "bob")
        demands = [Demand("alice", "bob", weight=2.0, least=1), Demand("carol", "dave", least=1)]
        shared = allocate(net, demands)
        return {
            "routes": [
                {
                    "path": list(route.path),
                    "purification_rounds": list(route.rounds),
                    "fidelity": route.pair.fidelity,
                    "pairs_per_s": route.pairs_per_s,
                    "key_bits_per_s": route.key_rate,
                }
                for route in ranked
            ],
            "allocation": [
                {
                    "demand": f"{demands[share.demand].source} - {demands[share.demand].target}",
                    "path": list(share.route.path),
                    "channels": share.channels,
                    "key_bits_per_s": share.channels * share.route.key_rate,
                }
                for share in shared.shares
            ],
            "refused": list(shared.refused),
        }


def small_network() -> Network:
    """Four nodes with memories of 10 ms: a direct link that is poor, and two ways round it."""
    memory = Coherence(10e-3, 10e-3)
    nodes = [Node(name, 6, memory, GateNoise(1e-3, 2e-3)) for name in NODES]
    made = [
        ("alice", "bob", 0.83, 2e5),
        ("alice", "carol", 0.98, 5e5),
        ("carol", "bob", 0.97, 4e5),
        ("carol", "dave", 0.96, 3e5),
        ("dave", "bob", 0.99, 6e5),
    ]
    return Network(
        nodes,
        [
            Link(first, second, BellDiagonal.werner(f), attempts, 0.5, 5.0, channels=3)
            for first, second, f, attempts in made
        ],
    )
