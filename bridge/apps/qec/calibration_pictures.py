"""Calibration and mitigation as pictures, PNG and SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bridge.apps.qec.calibration_study import CalibrationStudy, MitigationStudy
from bridge.apps.qec.pictures import save
from bridge.apps.qkd.pictures import BLUE, GREY, ORANGE, RED, require_matplotlib
from bridge.quantum.circuits.calibration.fits import Decay, Points
from bridge.quantum.circuits.mitigation.extrapolation import Extrapolation


def draw_calibration(study: CalibrationStudy, base: Path) -> list[Path]:
    """T1, T2 and both benchmarks: the points, and the decay that was fitted."""
    figure = require_matplotlib().Figure(figsize=(10.5, 7.0), layout="constrained")
    axes = figure.subplots(2, 2)
    two, t1, t2, one = study.found[:4]
    for place, found, (decay, points), what in (
        (axes[0][0], t1, study.t1, "share of 1"),
        (axes[0][1], t2, study.t2, "share of 0"),
    ):
        _points(place, points, BLUE, "measured")
        x = np.linspace(0.0, max(points.x), 200)
        place.plot(x, _lifetime(decay, x), color=BLUE)
        place.set(xlabel="wait [us]", ylabel=what)
        place.set_title(f"{found.name}: {found.measured} us, given {found.truth:g} us", fontsize=11)
    _points(axes[1][0], study.one_qubit.points, BLUE, "random Cliffords")
    _power(axes[1][0], study.one_qubit.points, study.one_qubit.decay, BLUE)
    axes[1][0].set_title(f"sx: {one.measured}, given {one.truth:g}", fontsize=11)
    for curve, colour, label in (
        (study.without, BLUE, "random Cliffords"),
        (study.interleaved, ORANGE, f"{study.profile.two_qubit_gate} after each"),
    ):
        _points(axes[1][1], curve.points, colour, label)
        _power(axes[1][1], curve.points, curve.decay, colour)
    axes[1][1].set_title(
        f"{study.profile.two_qubit_gate}: {two.measured}, given {two.truth:g}", fontsize=11
    )
    for place in axes[1]:
        place.set(xlabel="Cliffords", ylabel="share that came back")
    for place in axes.flat:
        _plain(place)
    axes[1][0].legend(frameon=False, fontsize=9)
    axes[1][1].legend(frameon=False, fontsize=9)
    pair = f"qubit {study.pair[0]}, and its coupling to {study.pair[1]}"
    figure.suptitle(f"calibration of {study.profile.name} (simulated), {pair}", fontsize=12)
    return save(figure, base, "calibration")


def draw_mitigation(study: MitigationStudy, base: Path) -> list[Path]:
    """The parity over the folded noise, with and without readout mitigation, and what is at 0."""
    figure = require_matplotlib().Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.axhline(1.0, color=GREY, linestyle="--", label="the truth")
    _extrapolation(axes, study.extrapolated, BLUE, "as measured")
    _extrapolation(axes, study.both, ORANGE, "readout mitigated")
    axes.set(xlabel="gate noise, as a multiple of the processor's", ylabel="mean of the parity")
    axes.set_title("zero-noise extrapolation of a circuit and its inverse (simulated)", fontsize=11)
    axes.set_xlim(left=-0.15)
    _plain(axes)
    axes.legend(frameon=False, fontsize=9)
    return save(figure, base, "mitigation")


def _extrapolation(axes: Any, made: Extrapolation, colour: str, label: str) -> None:
    x = np.linspace(0.0, max(made.scales), 200)
    values = [point.value for point in made.points]
    axes.plot(x, np.polyval(np.polyfit(made.scales, values, len(values) - 1), x), color=colour)
    axes.errorbar(
        made.scales,
        values,
        yerr=[point.standard_error for point in made.points],
        marker="o",
        linestyle="none",
        capsize=2,
        color=colour,
        label=label,
    )
    axes.errorbar(
        [0.0],
        [made.at_zero.value],
        yerr=[made.at_zero.standard_error],
        marker="*",
        markersize=12,
        capsize=2,
        linestyle="none",
        color=colour if colour != ORANGE else RED,
        label=f"{label}, at no noise: {made.at_zero}",
    )


def _points(axes: Any, points: Points, colour: str, label: str) -> None:
    axes.errorbar(
        points.x,
        points.shares,
        yerr=points.errors,
        marker="o",
        markersize=4,
        capsize=2,
        linestyle="none",
        color=colour,
        label=label,
    )


def _lifetime(decay: Decay, x: Any) -> Any:
    return decay.amplitude * np.exp(-x / decay.rate.value) + decay.offset


def _power(axes: Any, points: Points, decay: Decay, colour: str) -> None:
    x = np.linspace(0.0, max(points.x), 200)
    axes.plot(x, decay.amplitude * decay.rate.value**x + decay.offset, color=colour)


def _plain(axes: Any) -> None:
    axes.grid(True, which="major", color="#e5e7eb")
    axes.spines[["top", "right"]].set_visible(False)
