"""The demo on a terminal: a line for each thing as it happens, and a table in the end."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.terminal_theme import MONOKAI

from bridge.apps.demo.story import Happening
from bridge.apps.devnet.world import Step
from bridge.keyservice.wire import LinkBody

WIDTH = 100

# An SVG that loads nothing: fonts are the reader's own.
SVG_FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" \
xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace;
 font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
<rect fill="#1b1d23" x="0" y="0" width="{width}" height="{height}" rx="8"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class Screen:
    """Prints the story. With ``to_stderr`` stdout is left to data."""

    def __init__(self, to_stderr: bool, record: bool) -> None:
        width = WIDTH if record else None
        self._console = Console(
            stderr=to_stderr, highlight=False, record=record, width=width, soft_wrap=True
        )
        self._status = self._console.status("starting")

    def __enter__(self) -> Self:
        self._console.print("[bold]AstraLink Bridge[/]: one message, there and back")
        self._console.print(
            "two chains, quorum 2 of 3, ML-DSA-87 and SLH-DSA-SHA2-128s (FIPS 204, 205) verified\n"
            "on chain, keys seeded over a simulated BB84 link\n",
            style="dim",
        )
        self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._status.stop()

    def announce(self, what: str) -> None:
        """Show beside the spinner what is going on."""
        self._status.update(what)

    def step(self, step: Step) -> None:
        """A line for a step of the world."""
        facts = _facts(step)
        self._console.print(
            f"[green]✓[/] {step.name:<13} {facts:<66}[cyan]{step.seconds:6.1f} s[/]"
        )

    def link(self, link: LinkBody) -> None:
        """A line for the key link."""
        block = link.last_block
        if block is None:
            return
        limit = "" if block.limit is None else f" (none left at {block.limit:.2%})"
        self._console.print(
            f"[green]✓[/] {'key link':<13} simulated BB84: QBER {block.qber:.2%}{limit}, "
            f"{block.leak_bits:,} bits leaked,\n{'':<16}epsilon "
            f"{block.epsilon:.0e}, {link.blocks_distilled} blocks distilled, "
            f"{link.blocks_rejected} thrown away"
        )

    def sent(self, number: int, route: str, identifier: bytes, text: str) -> None:
        """Two lines for a new message."""
        self._console.print(f"\n[bold]message {number}[/]  {route}  “{escape(text)}”")
        self._console.print(f"  0x{identifier.hex()}", style="dim")

    def happened(self, happening: Happening) -> None:
        """A line for a stage."""
        detail = happening.detail
        block = f"block {detail['block']}" if "block" in detail else ""
        gas = f"{detail['gas']:,} gas" if "gas" in detail else ""
        self._console.print(
            f"  {happening.route}  {happening.stage:<11}[cyan]{happening.seconds:6.1f} s[/]  "
            f"{block:<10} [yellow]{gas:>14}[/]  {_remark(happening)}"
        )

    def result(self, data: dict[str, Any]) -> None:
        """The end: both messages with their states, and what it cost."""
        self._status.stop()
        table = Table(
            title="\nboth messages in the end, and their gas", title_justify="left", box=None
        )
        for column in ("", "id", "state"):
            table.add_column(column, no_wrap=True)
        for column in ("dispatch", "attest", "deliver", "seconds"):
            table.add_column(column, justify="right", no_wrap=True)
        for message in data["messages"]:
            gas = {one["stage"]: one.get("gas") for one in message["stages"]}
            identifier = message["id"]
            table.add_row(
                f"{message['from']} → {message['to']}",
                f"{identifier[:10]}…",
                f"[green]{message['state']}[/]",
                *(_gas(gas.get(stage)) for stage in ("dispatched", "attested", "delivered")),
                f"{message['stages'][-1]['seconds']:.1f}",
            )
        self._console.print(table)
        self._console.print(f"\nall of it took {data['seconds']:.1f} s", style="dim")

    def save_picture(self, path: Path) -> None:
        """Keep what was on the screen as an SVG. Only of a screen that records."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._console.save_svg(
            str(path), title="astralink demo", theme=MONOKAI, code_format=SVG_FORMAT
        )


def _facts(step: Step) -> str:
    facts = step.facts
    if step.name.startswith("chain "):
        return f"{facts['software']}, chain id {facts['chain_id']}, domain {facts['domain']}"
    if step.name.startswith("key signer"):
        return f"{facts['algorithm']:<17} {facts['public_key'][:14]}…, seed = KDF(link, system)"
    if step.name == "contracts":
        return "on each chain; two ML-DSA-87 keys expanded and proved there"
    if step.name == "key service":
        return "a process of its own; private keys never leave it"
    if step.name == "attestors":
        return f"{len(facts['urls'])} processes, one for each signer; none has a key"
    if step.name == "relayer":
        return "a process of its own, with its journal"
    return ""


def _remark(happening: Happening) -> str:
    detail = happening.detail
    match happening.stage:
        case "dispatched":
            inside = "inside the delivery above" if happening.message == 2 else "Postcard.send"
            return inside
        case "batched":
            leaves = "leaf" if detail["size"] == 1 else "leaves"
            return f"root {detail['root'][:10]}…, {detail['size']} {leaves}"
        case "attested":
            names = " and ".join(str(index + 1) for index in detail.get("signers", ()))
            return f"signers {names}, verified on chain"
        case "delivered":
            return "proven, handed to Postcard"
        case "finalized":
            return "no reorg takes it back"
        case "confirmed":
            return "its delivery is final"
        case _:
            return ""


def _gas(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
