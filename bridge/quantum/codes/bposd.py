"""Belief propagation with ordered-statistics decoding, by ldpc."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridge.quantum.codes.decoders import Decoder
from bridge.quantum.codes.experiment import Packed
from bridge.quantum.codes.fault_model import FaultModel
from bridge.quantum.codes.libraries import require

if TYPE_CHECKING:
    import stim
    from ldpc import bposd_decoder
else:
    stim = require("stim")
    bposd_decoder = require("ldpc.bposd_decoder")

MS_SCALING_FACTOR, MAX_ITERATIONS = 0.625, 100
"""Of min-sum: with the library's own factor most shots on [[144,12,12]] do not converge."""


class BpOsdDecoder(Decoder):
    """Min-sum belief propagation on all faults, and where it does not converge, order-0 statistics.

    A combination sweep of order 7 takes twenty times as long on [[144,12,12]].
    """

    def __init__(self, model: stim.DetectorErrorModel) -> None:
        super().__init__(model)
        faults = FaultModel.of(model)
        self._observables = faults.observable_matrix()
        self._bposd = bposd_decoder.BpOsdDecoder(
            faults.check_matrix(),
            error_channel=list(faults.probabilities),
            max_iter=MAX_ITERATIONS,
            bp_method="minimum_sum",
            ms_scaling_factor=MS_SCALING_FACTOR,
            schedule="parallel",
            osd_method="OSD_0",
            osd_order=0,
        )

    def _decode(self, detection_events: Packed) -> Packed:
        bits = np.unpackbits(detection_events, axis=1, count=self.detectors, bitorder="little")
        flips = np.empty((len(bits), self.observables), dtype=np.uint8)
        for row, events in enumerate(bits):
            flips[row] = self._observables @ self._bposd.decode(events) % 2
        return np.packbits(flips, axis=1, bitorder="little")
