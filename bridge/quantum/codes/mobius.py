"""Decoding of colour codes by matching on a Möbius strip, by Chromobius."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.domain.errors import InputError
from bridge.quantum.codes.decoders import Decoder
from bridge.quantum.codes.experiment import Packed
from bridge.quantum.codes.libraries import require

if TYPE_CHECKING:
    import stim

chromobius: Any = require("chromobius")


class MobiusDecoder(Decoder):
    """Chromobius; only for models whose detectors say their colour and basis."""

    def __init__(self, model: stim.DetectorErrorModel) -> None:
        super().__init__(model)
        if any(len(place) < 4 for place in model.get_detector_coordinates().values()):
            raise InputError(
                "mobius decoder: expected detectors with coordinates (x, y, t, colour), "
                "got some with fewer than 4"
            )
        self._decoder = chromobius.compile_decoder_for_dem(model)

    def _decode(self, detection_events: Packed) -> Packed:
        flips: Packed = self._decoder.predict_obs_flips_from_dets_bit_packed(detection_events)
        return flips
