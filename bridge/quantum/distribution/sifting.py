"""Two ends that sift and estimate, and authenticate what they said to each other.

As `bridge.quantum.ends` has it, with the seal after the sample: whoever goes on with the bits
reconciles, verifies and amplifies them, in another conversation with keys of its own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bridge.domain.errors import BlockRejected, BlockTooNoisy
from bridge.quantum.ends.authentication import check, tag
from bridge.quantum.ends.channel import Kind
from bridge.quantum.ends.end import End
from bridge.quantum.ends.halves import EstimatedBits
from bridge.quantum.ends.receiver import ReceiverEnd
from bridge.quantum.ends.sender import CONFIRMED, SenderEnd
from bridge.quantum.ends.turns import alone


class SiftingSender(SenderEnd):
    """The end that emits."""

    def sift_block(self) -> EstimatedBits:
        """The next block's bits that were not disclosed, and what the sample says of them.

        Raises ``BlockTooNoisy`` when no key can come of them, after which both ends can go on with
        the next; ``MessageForged`` or ``PeerLost`` when they cannot.
        """
        receiver_key, sender_key = self.keys.take()
        self.channel.begin()
        self.number += 1
        sifted = alone(self._sift())
        estimated = alone(self._estimate(sifted))
        exchanged = self.channel.used
        seal = self.channel.receive_tag(Kind.SEAL).tobytes()
        written = self.channel.written()[: 8 * exchanged]
        check(receiver_key, written, seal, "the receiver's seal of the sample")
        answer = tag(sender_key, CONFIRMED + seal)
        self.channel.send(Kind.CONFIRMATION, 0, np.frombuffer(answer, dtype=np.uint64))
        return _below_the_limit(self, estimated)


class SiftingReceiver(ReceiverEnd):
    """The end that detects."""

    def sift_block(self) -> EstimatedBits:
        """As `SiftingSender.sift_block`."""
        receiver_key, sender_key = self.keys.take()
        self.channel.begin()
        self.number += 1
        estimated = self._estimate(alone(self._sift()))
        seal = tag(receiver_key, self.channel.written())
        self.channel.send(Kind.SEAL, 0, np.frombuffer(seal, dtype=np.uint64))
        answer = self.channel.receive_tag(Kind.CONFIRMATION)
        check(sender_key, CONFIRMED + seal, answer.tobytes(), "the sender's confirmation")
        return _below_the_limit(self, estimated)


def qber_limit(end: End, block: EstimatedBits) -> float:
    """The lowest sampled QBER at which a block of this size leaves no key: what `End.gate` says."""
    low, high = 0, block.sample_size // 2
    while low < high:
        middle = (low + high) // 2
        try:
            end.gate(replace(block, sample_errors=middle))
        except BlockRejected:
            high = middle
        else:
            low = middle + 1
    return low / block.sample_size


def _below_the_limit(end: End, block: EstimatedBits) -> EstimatedBits:
    limit = qber_limit(end, block)
    if block.qber >= limit:
        raise BlockTooNoisy(block.qber, limit, block.sample_size)
    return block
