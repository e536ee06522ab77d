"""The picture of a soak: rate, oldest message and memory over time, with the faults as marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
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
    names = [name for name in found["memory"] if not name.startswith("soak")]
    memory = [
        (name, [(one["at_s"], one["rss_mib"][name]) for one in samples if name in one["rss_mib"]])
        for name in names
    ]
    panels: list[tuple[str, list[Line]]] = [
        ("delivered a second", [("", [(x, max(0.0, y)) for x, y in rate])]),
        ("oldest message, s", [("", [(one["at_s"], one["oldest_s"]) for one in samples])]),
        ("resident memory, MiB", memory),
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
    for part in range(7):
        seconds = end * part / 6
        parts.append(
            f'<text x="{x_of(seconds):.1f}" y="{bottom + 16}" text-anchor="middle">'
            f"{seconds / 60:.1f} min</text>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(title: str, lines: Sequence[Line], top: int, x_of: Any) -> list[str]:
    highest = max([y for _, points in lines for _, y in points], default=0.0) or 1.0
    right = WIDTH - RIGHT
    parts = [f'<text x="{LEFT}" y="{top - 5}" font-weight="bold">{escape(title)}</text>']
    for share in (0.0, 0.5, 1.0):
        y = top + PANEL * (1 - share)
        parts.append(f'<line x1="{LEFT}" x2="{right}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{highest * share:.3g}</text>'
        )
    for number, (name, points) in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        way = " ".join(f"{x_of(x):.1f},{top + PANEL * (1 - y / highest):.1f}" for x, y in points)
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.3"/>')
        if name:
            y = top + 10 + 14 * number
            parts.append(f'<text x="{right + 8}" y="{y}" fill="{colour}">{escape(name)}</text>')
    return parts
