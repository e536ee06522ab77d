"""Decoders on matching graphs: PyMatching, plain and correlated, and belief-matching."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridge.quantum.codes.decoders import Decoder
from bridge.quantum.codes.experiment import Packed
from bridge.quantum.codes.libraries import require

if TYPE_CHECKING:
    import pymatching
    import stim
else:
    pymatching = require("pymatching")
    stim = require("stim")


class MatchingDecoder(Decoder):
    """Minimum-weight perfect matching on the graph of a decomposed model."""

    correlations = False

    def __init__(self, model: stim.DetectorErrorModel) -> None:
        super().__init__(model)
        self._matching = pymatching.Matching.from_detector_error_model(
            model, enable_correlations=self.correlations
        )
        # The matcher's first shot sets up its memory.
        self._decode(np.zeros((1, self._event_bytes), dtype=np.uint8))

    def _decode(self, detection_events: Packed) -> Packed:
        flips: Packed = self._matching.decode_batch(
            detection_events,
            bit_packed_shots=True,
            bit_packed_predictions=True,
            enable_correlations=self.correlations,
        )
        return flips


class CorrelatedMatchingDecoder(MatchingDecoder):
    """Matching in two passes: a fault that makes several edges ties them together."""

    correlations = True


class BeliefMatchingDecoder(Decoder):
    """Belief propagation on all faults, then matching with the weights that it found."""

    def __init__(self, model: stim.DetectorErrorModel) -> None:
        super().__init__(model)
        self._decoder = require("beliefmatching").BeliefMatching(model, max_bp_iters=20)

    def _decode(self, detection_events: Packed) -> Packed:
        bits = np.unpackbits(detection_events, axis=1, count=self.detectors, bitorder="little")
        return np.packbits(self._decoder.decode_batch(bits), axis=1, bitorder="little")
