"""The picture of a soak: rate, oldest message and memory over time, with the faults as marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from math import ceil, floor, log10
from typing import Any

WIDTH, LEFT, RIGHT, TOP = 960, 70, 150, 30
PANEL, GAP, MARKS = 150, 34, 22
COLOURS = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#16a085", "#7f8c8d", "#2c3e50")

Line = tuple[str, Sequence[tuple[float, float]]]


def picture(found: Mapping[str, Any], marks: Sequence[tuple[float, float, str]]) -> str:
    """An SVG of a summary; ``marks`` are begin and end of each fault, in seconds, and its kind."""
    samples = found["samples"]
    end = max([one["at_s"] for one in samples] + [mark[1] for mark in marks] + [1.0])
    rate = [
        (after["at_s"], (after["delivered"] - before["delivered"]) / step)
        for before, after in pairwise(samples)
        if (step := after["at_s"] - before["at_s"]) > 0
    ]
    memory = {
        name: (
            name,
            [(one["at_s"], one["rss_mib"][name]) for one in samples if name in one["rss_mib"]],
        )
        for name in found["memory"]
        if not name.startswith("soak")
    }
    chains = [name for name in memory if name.startswith("chain")]
    panels: list[tuple[str, list[Line]]] = [
        ("delivered a second", [("", [(x, max(0.0, y)) for x, y in rate])]),
        ("oldest message, s", [("", [(one["at_s"], one["oldest_s"]) for one in samples])]),
        ("memory of the bridge, MiB", [memory[name] for name in memory if name not in chains]),
        ("memory of the chains, MiB", [memory[name] for name in chains]),
    ]
    height = TOP + MARKS + len(panels) * (PANEL + GAP) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="18" font-size="13">Soak, seed {found["seed"]}: '
        f"{len(marks)} faults (grey), {found['messages']['dispatched']:,} messages</text>",
    ]

    def x_of(seconds: float) -> float:
        return LEFT + seconds / end * (WIDTH - LEFT - RIGHT)

    bottom = height - 20 - GAP
    for began, ended, kind in marks:
        width = max(1.0, x_of(ended) - x_of(began))
        parts.append(
            f'<rect x="{x_of(began):.1f}" y="{TOP}" width="{width:.1f}" height="{bottom - TOP}" '
            f'fill="#000" opacity="0.07"><title>{escape(kind)}</title></rect>'
        )
    for number, (title, lines) in enumerate(panels):
        top = TOP + MARKS + number * (PANEL + GAP)
        parts += _panel(title, lines, top, x_of)
    step = _step(end / 60)
    for part in range(int(end / 60 / step) + 1):
        parts.append(
            f'<text x="{x_of(60 * step * part):.1f}" y="{bottom + 16}" text-anchor="middle">'
            f"{step * part:g} min</text>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _step(largest: float) -> float:
    """1, 2 or 5 times a power of ten, of which three to seven make up ``largest``."""
    power = 10.0 ** floor(log10(largest))
    steps: list[float] = [power / 5, power / 2, power, 2 * power]
    return next(step for step in steps if largest / step <= 7)


def _panel(title: str, lines: Sequence[Line], top: int, x_of: Any) -> list[str]:
    largest = max([y for _, points in lines for _, y in points], default=0.0) or 1.0
    step = _step(largest)
    highest = step * ceil(largest / step)
    right = WIDTH - RIGHT
    parts = [f'<text x="{LEFT}" y="{top - 5}" font-weight="bold">{escape(title)}</text>']
    for mark in range(round(highest / step) + 1):
        y = top + PANEL * (1 - step * mark / highest)
        parts.append(f'<line x1="{LEFT}" x2="{right}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{step * mark:,g}</text>')
    for number, (name, points) in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        way = " ".join(f"{x_of(x):.1f},{top + PANEL * (1 - y / highest):.1f}" for x, y in points)
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.3"/>')
        if name:
            y = top + 10 + 14 * number
            parts.append(f'<text x="{right + 8}" y="{y}" fill="{colour}">{escape(name)}</text>')
    return parts
