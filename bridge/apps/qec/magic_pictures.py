"""Distillation and cost of magic states as a picture, PNG and SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge.apps.qec.magic_study import Study
from bridge.apps.qec.surgery_pictures import save
from bridge.apps.qkd.pictures import BLUE, GREY, ORANGE, RED, require_matplotlib
from bridge.quantum.codes.magic_cost import Cost


def draw_magic(study: Study, base: Path) -> list[Path]:
    """Writes ``base``.png and ``base``.svg and returns their paths."""
    figure = require_matplotlib().Figure(figsize=(9.6, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _distillation(left, study)
    _cost(right, study)
    for panel in (left, right):
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.grid(True, which="major", color="#e5e7eb")
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(edgecolor="none", framealpha=1.0, fontsize=9)
    return save(figure, base, "magic")


def _distillation(panel: Any, study: Study) -> None:
    errors = [p for p, _ in study.distilled]
    panel.plot(errors, errors, color=GREY, linestyle=":", label="as it was")
    panel.plot(errors, [35 * p**3 for p in errors], color=GREY, linestyle="--", label="$35\\,p^3$")
    panel.plot(
        errors, [one.error for _, one in study.distilled], color=BLUE, label="15-to-1, exact"
    )
    for injected, color, words in zip(
        study.injected, (ORANGE, RED), ("post-selected", "not post-selected"), strict=True
    ):
        if injected.error > 0.0:
            panel.axvline(injected.error, color=color, linewidth=1.2, label=f"injected, {words}")
    panel.set_xlabel("error of a magic state")
    panel.set_ylabel("error after distillation")


def _cost(panel: Any, study: Study) -> None:
    points = [(target, cost) for target, cost in study.costs if isinstance(cost, Cost)]
    for level, color in ((0, GREY), (1, ORANGE), (2, BLUE)):
        some = [(target, cost) for target, cost in points if cost.levels == level]
        if some:
            words = ("injected", "15-to-1", "15-to-1 twice")[level]
            panel.plot(
                [target for target, _ in some],
                [cost.volume for _, cost in some],
                marker="o",
                markersize=5,
                linestyle="none",
                color=color,
                label=words,
            )
    for target, cost in points:
        panel.annotate(
            ", ".join(str(distance) for distance in cost.distances),
            (target, cost.volume),
            textcoords="offset points",
            xytext=(5, 5),
            fontsize=8,
        )
    panel.invert_xaxis()
    panel.set_xlabel("target error")
    panel.set_ylabel("qubits × rounds a state")
    panel.set_title(f"noise {study.plan.noise:g}; distances at the points", fontsize=10)
