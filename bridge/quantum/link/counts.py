"""A run by counts alone: any number of pulses at the cost of a few random numbers."""

from __future__ import annotations

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.link.optics import OpticalLink
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.link.tally import Tally


def run_counts(link: OpticalLink, pulses: int, rng: Randomness) -> Tally:
    """The counts of ``pulses`` pulses, drawn from their multinomial law.

    Exact without dead time: pulses are independent then. With dead time the mean live fraction
    thins the clicks (`OpticalLink.live_patterns`). Afterpulses need `events`; they raise here.
    """
    if pulses < 1:
        raise InputError(f"pulses: expected at least 1, got {pulses}")
    if link.detector.afterpulse_probability > 0.0:
        raise InputError(
            "a run by counts: expected no afterpulses, got probability "
            f"{link.detector.afterpulse_probability}; run it by events"
        )
    classes = link.class_probabilities()
    laws = link.live_patterns()
    sent = rng.noise.multinomial(pulses, classes.ravel()).reshape(classes.shape)
    drawn = rng.noise.multinomial(sent, np.clip(laws, 0.0, 1.0))
    doubles = drawn[..., 3]
    errors = drawn[..., 2] + rng.noise.binomial(doubles, 0.5)
    return Tally(
        sent=sent.astype(np.float64),
        clicks=drawn[..., 1:].sum(axis=-1).astype(np.float64),
        errors=errors.astype(np.float64),
        doubles=doubles.astype(np.float64),
    )
