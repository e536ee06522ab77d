"""Write the tables of docs/link.md by simulation, and with --pictures its pictures.

python scripts/link_page.py             write the tables between their marker lines
python scripts/link_page.py --check     exit 1 when the page has other tables
python scripts/link_page.py --pictures  draw docs/link-*.svg too
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bridge.apps.qkd.blocks import named_link
from bridge.apps.qkd.pictures import draw
from bridge.apps.qkd.study import Over, grid, study
from bridge.quantum.link.presets import PRESETS, preset
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.rates.comparison import compare
from bridge.quantum.rates.security import Security
from tests.adversary_runs import Outcome, runs

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "link.md"
SEED = 1

STUDIES = (
    ("link-distance", Over.DISTANCE, None, "li-2023", 0.0, 250.0, None),
    ("link-qber", Over.QBER, "decoy", None, 0.0, 0.08, 10**8),
    ("link-block", Over.BLOCK, "one-decoy", None, 1e5, 1e10, None),
)


def comparison_table() -> Iterator[str]:
    """Published and simulated figures side by side."""
    yield "| experiment | distance | figure | published | simulated | deviation |"
    yield "|---|---:|---|---:|---:|---:|"
    for one in PRESETS.values():
        for row in compare(one, Randomness.seeded(SEED)):
            length = one.link.channel.length_km
            if one.name.startswith("honjo"):
                length *= 2
            yield (
                f"| {one.title} (`{one.name}`) | {length:g} km | {row.figure.what} | "
                f"{quantity(row.figure.value, row.figure.unit)} | "
                f"{quantity(row.simulated, row.figure.unit)} | {deviation(row.deviation)} |"
            )


def deviation(share: float) -> str:
    """Percent with its sign, which nothing has none of."""
    return f"{share:+.0%}" if round(share, 2) else "0%"


def quantity(value: float, unit: str) -> str:
    """Two or three digits with the unit."""
    for scale, prefix in ((1e6, "M"), (1e3, "k")):
        if unit == "bit/s" and value >= scale:
            return f"{value / scale:.3g} {prefix}{unit}"
    return f"{value:.2g} {unit}".strip()


def parameter_table() -> Iterator[str]:
    """Where every parameter of every preset is from."""
    for one in PRESETS.values():
        yield f"**{one.title}** (`{one.name}`). {one.citation}."
        yield ""
        yield "| parameter | value | origin |"
        yield "|---|---|---|"
        for parameter in one.parameters:
            value = parameter.value
            if value == "see the preset":
                protocol = one.link.protocol
                means = ", ".join(f"{m:g}" for m in protocol.intensities)
                shares = ", ".join(f"{p:g}" for p in protocol.intensity_probabilities)
                value = f"means {means}; with {shares}; Z with {protocol.sender_z:g}"
            note = f"; {parameter.note}" if parameter.note else ""
            yield f"| {parameter.name} | {value} | {parameter.origin.value}{note} |"
        yield ""


def adversary_table() -> Iterator[str]:
    """What became of each adversary."""
    yield "| adversary | outcome | by | key, of the honest one's |"
    yield "|---|---|---|---:|"
    for run in runs():
        scenario = run.scenario
        by = scenario.reason.value if scenario.reason is not None else scenario.bound
        outcome = scenario.outcome.value
        if scenario.outcome is Outcome.UNSEEN:
            outcome = f"**{outcome}**"
        yield f"| {scenario.name} | {outcome} | {by} | {run.bits / run.honest_bits:.0%} |"


TABLES = {
    "comparison": comparison_table,
    "parameters": parameter_table,
    "adversaries": adversary_table,
}


def rendered(text: str) -> str:
    """The page with its tables between their marker lines."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"expected the lines {begin} and {end} once each")
        before, rest = text.split(begin)
        body = "\n".join(table()).rstrip()
        text = f"{before}{begin}\n{body}\n{end}{rest.split(end)[1]}"
    return text


def pictures() -> None:
    """The three pictures of the page."""
    for name, over, protocol, preset_name, start, stop, block in STUDIES:
        link, title = named_link(protocol, preset_name)
        chosen = preset(preset_name) if preset_name else None
        result = study(
            link,
            title,
            over,
            grid(over, start, stop, 41),
            block or (chosen.block if chosen else 10**8),
            3,
            Security(),
            Randomness.seeded(SEED),
            chosen,
            lambda: None,
        )
        for path in draw(result, DOCS / name):
            if path.suffix == ".png":
                path.unlink()
            else:
                print(f"wrote {path.name}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the tables of docs/link.md.")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--pictures", action="store_true", help="draw the pictures too")
    arguments = parser.parse_args()
    text = PAGE.read_text()
    page = rendered(text)
    if arguments.check:
        if page != text:
            print("error: docs/link.md: run python scripts/link_page.py", file=sys.stderr)
            return 1
        print("the tables of docs/link.md are what the simulation says")
        return 0
    PAGE.write_text(page)
    if arguments.pictures:
        pictures()
    return 0


if __name__ == "__main__":
    sys.exit(main())
