"""Which detectors click, as exact probabilities for one pulse, before any dead time.

For light that meets the receiver in its own basis, each photon reaches the right detector with
probability T (1 - e) and the wrong one with T e, where T is transmittance times efficiency and e
the misalignment; in the other basis both have T/2. With G(x) = E[x^n] and d the dark count
probability, no click at the right detector has probability (1 - d) G(1 - T (1 - e)), at the wrong
one (1 - d) G(1 - T e), at neither (1 - d)^2 G(1 - T). Depolarising exchanges the detectors for the
whole pulse with probability p/2. For coherent light these are the gains of Ma, Qi, Zhao and Lo
2005 (arXiv quant-ph/0503005, section II) with double clicks told apart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.quantum.link.channel import Channel
from bridge.quantum.link.detector import Detector
from bridge.quantum.link.light import Branch, Light

Pattern = npt.NDArray[np.float64]
"""Probabilities of (none, right only, wrong only, both), relative to the sender's bit."""


def pattern(
    branches: tuple[Branch, ...], same: bool, channel: Channel, detector: Detector
) -> Pattern:
    """The click pattern when the receiver's basis is the sender's (``same``) or is not."""
    total = np.zeros(4)
    for branch in branches:
        total += branch.weight * _one(branch.light, same, channel, detector)
    return total


def _one(light: Light, same: bool, channel: Channel, detector: Detector) -> Pattern:
    aligned = same != light.turned
    if light.bright:
        if not aligned:
            return np.array([1.0, 0.0, 0.0, 0.0])
        return np.array([0.0, 0.5, 0.5, 0.0]) if light.turned else np.array([0.0, 1.0, 0.0, 0.0])
    reach = min(1.0, channel.transmittance * light.gain) * detector.efficiency
    error = channel.misalignment if aligned else 0.5
    quiet = 1.0 - detector.dark_count_probability
    no_right = quiet * light.photons.generating(1.0 - reach * (1.0 - error))
    no_wrong = quiet * light.photons.generating(1.0 - reach * error)
    neither = quiet * quiet * light.photons.generating(1.0 - reach)
    straight = np.array([neither, no_wrong - neither, no_right - neither, 0.0])
    straight[3] = 1.0 - straight.sum()
    if not aligned:
        return straight
    flip = 0.5 if light.turned else channel.depolarising / 2.0
    return (1.0 - flip) * straight + flip * straight[[0, 2, 1, 3]]
