"""`QuantumErrorCorrection`: from both ends' sifted bits to one key, or a clear word on why not.

The ends are those of `bridge.quantum.ends`, so that bits out of memories are reconciled, verified
and amplified by the code that does it for photons. Before, each end decodes its own memories'
syndromes and flips its bits by them; where there is no record it does not.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace

import numpy as np

from bridge.domain.errors import (
    BlockRejected,
    InputError,
    LinkError,
    MessageForged,
    PeerLost,
)
from bridge.quantum.distribution.generation import SiftedKeys, Wires
from bridge.quantum.ends.authentication import BLOCK_BYTES, OneTimeKeys
from bridge.quantum.ends.channel import ClassicalChannel
from bridge.quantum.ends.end import LinkParameters
from bridge.quantum.ends.halves import EstimatedBits, KeyBlock
from bridge.quantum.ends.medium import Light, Medium
from bridge.quantum.ends.receiver import ReceiverEnd
from bridge.quantum.ends.sender import SenderEnd
from bridge.quantum.ends.turns import alone
from bridge.quantum.entropy.source import checked_randomness
from bridge.quantum.kernels.plain import pack
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.memory.corrected import CorrectedKeys, FrameReport
from bridge.quantum.memory.frame import CORRELATED, MATCHING, Decoder, Frame, decode_record

_NO_LIGHT = Light(1.0, 0.0)

_spent: weakref.WeakSet[SiftedKeys] = weakref.WeakSet()
_spending = threading.Lock()


class DistillingSender(SenderEnd):
    """The sender's end from estimated bits on."""

    def distil(self, estimated: EstimatedBits) -> KeyBlock:
        """The key of bits that another conversation sifted; raises as `End.run_block`."""
        receiver_key, sender_key = self.keys.take()
        self.channel.begin()
        self.number += 1
        corrected = alone(self._correct(estimated))
        return self.amplify(alone(self._verify(corrected, receiver_key, sender_key)))


class DistillingReceiver(ReceiverEnd):
    """The receiver's end from estimated bits on."""

    def distil(self, estimated: EstimatedBits) -> KeyBlock:
        """As `DistillingSender.distil`; ``estimated`` is left as it is."""
        receiver_key, sender_key = self.keys.take()
        self.channel.begin()
        self.number += 1
        corrected = alone(self._correct(replace(estimated, bits=estimated.bits.copy())))
        return self.amplify(alone(self._verify(corrected, receiver_key, sender_key)))


class QuantumErrorCorrection:
    """Decodes, reconciles, verifies and amplifies sifted keys.

    ``decoders`` are asked in this order for a Pauli frame, until one has an answer. A frame that
    turns out to be wrong ends with its block: another would cost what was said of the bits already.
    ``timeout_s`` bounds each wait between the ends,
    ``wires`` makes their classical channel, ``randomness`` their secret bits.

    >>> import asyncio
    >>> from bridge import QuantumKeyDistribution
    >>> keys = asyncio.run(QuantumKeyDistribution().generate_keys())
    >>> corrected = QuantumErrorCorrection().apply_correction(keys)
    >>> corrected.key_bits > 20_000, corrected.lane.value
    (True, 'bb84-simulation')
    """

    def __init__(
        self,
        *,
        decoders: Sequence[Decoder] = (MATCHING, CORRELATED),
        epsilon_secrecy: float = 1e-10,
        epsilon_correctness: float = 1e-15,
        timeout_s: float = 60.0,
        wires: Wires = socket.socketpair,
        randomness: Callable[[], Randomness] = checked_randomness,
    ) -> None:
        if not decoders:
            raise InputError("error correction: expected at least one decoder, got none")
        if not 0.0 < timeout_s < float("inf"):
            raise InputError(f"timeout: expected above 0 s, got {timeout_s}")
        self.decoders = tuple(decoders)
        self.timeout_s = timeout_s
        self._epsilons = (epsilon_secrecy, epsilon_correctness)
        self._wires = wires
        self._randomness = randomness

    def apply_correction(self, keys: SiftedKeys) -> CorrectedKeys:
        """The key of ``keys``, which serve once: their parities are told while they do.

        Runs both ends in threads of their own and waits for them: in an event loop, in a worker
        thread. Raises ``DecodingFailed`` when no decoder has an answer, ``BlockRejected`` when no
        key is left or the ends' tags differ, ``MessageForged`` and ``PeerLost`` as the ends do.
        """
        if not isinstance(keys, SiftedKeys):
            raise InputError(f"error correction: expected SiftedKeys, got {type(keys).__name__}")
        with _spending:
            if keys in _spent:
                raise InputError(
                    "error correction: expected sifted keys that were not corrected before, got "
                    "ones that were: what was said of them would count twice"
                )
            _spent.add(keys)
        if keys.record is None:
            return self._distil(keys, None)
        first, second = (
            decode_record(record, self.decoders)
            for record in (keys.record.sender, keys.record.receiver)
        )
        framed = replace(
            keys,
            sender=_flipped(keys.sender, first),
            receiver=_flipped(keys.receiver, second),
        )
        return self._distil(framed, FrameReport.of(first, second))

    def _distil(self, keys: SiftedKeys, frame: FrameReport | None) -> CorrectedKeys:
        parameters = LinkParameters(len(keys), keys.sender.sample_size, *self._epsilons)
        rng = self._randomness()
        rng.require_secret("a key of the link")
        shared, order = rng.secret_bytes(BLOCK_BYTES), rng.secret_bytes(32)
        sockets = self._wires()
        sender = DistillingSender(*self._common(parameters, sockets[0], shared, order))
        receiver = DistillingReceiver(*self._common(parameters, sockets[1], shared, order))

        def run(end: DistillingSender | DistillingReceiver, bits: EstimatedBits) -> KeyBlock:
            try:
                return end.distil(bits)
            except BaseException:
                _cut(sockets)  # so that the other end does not wait
                raise

        try:
            with ThreadPoolExecutor(2, thread_name_prefix="distilling-end") as threads:
                runs = [
                    threads.submit(run, sender, keys.sender),
                    threads.submit(run, receiver, keys.receiver),
                ]
                wait(runs)
        finally:
            for one in sockets:
                one.close()
        failures = [failure for failure in (one.exception() for one in runs) if failure]
        if failures:
            raise min(failures, key=_rank)
        first, second = (one.result() for one in runs)
        if keys.authentication_bits >= first.key_bits:
            raise BlockRejected(
                f"no key left: authentication of the blocks before takes "
                f"{keys.authentication_bits} bits of {first.key_bits}"
            )
        held_s = 0.0 if keys.record is None else keys.record.held_s
        return CorrectedKeys.of(
            first, second, frame, held_s, keys.authentication_bits, keys.created_at
        )

    def _common(
        self, parameters: LinkParameters, wire: socket.socket, shared: bytes, order: bytes
    ) -> tuple[LinkParameters, ClassicalChannel, Medium, OneTimeKeys, Randomness, bytes]:
        # No light is sent any more: the medium is there because an end has one.
        medium = Medium(_NO_LIGHT, bytes(32))
        channel = ClassicalChannel(wire, self.timeout_s)
        return parameters, channel, medium, OneTimeKeys(shared), self._randomness(), order


def _flipped(bits: EstimatedBits, frame: Frame) -> EstimatedBits:
    return replace(bits, bits=np.bitwise_xor(bits.bits, pack(frame.flips)))


def _cut(sockets: tuple[socket.socket, socket.socket]) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def _rank(failure: BaseException) -> int:
    """The more telling of both ends' failures first: a lost peer may be the other's rejection."""
    order = (MessageForged, BlockRejected, PeerLost)
    if not isinstance(failure, LinkError):
        return -1
    return next((place for place, kind in enumerate(order) if isinstance(failure, kind)), -1)
