"""``astralink demo``: the main job from beginning to end, on a world of its own."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bridge.apps.cli.root import JsonOption, print_json
from bridge.apps.demo.screen import Screen
from bridge.apps.demo.story import Story
from bridge.apps.devnet.layout import Layout
from bridge.apps.devnet.world import ChainKind, World
from bridge.apps.interrupts import SIGNALS, stoppable


def demo(
    text: Annotated[str, typer.Option(help="What the postcard says.")] = "Hello from A",
    chain: Annotated[
        ChainKind | None,
        typer.Option(help="What runs the chains; default: Anvil where it is found."),
    ] = None,
    json: JsonOption = False,
    picture: Annotated[
        Path | None, typer.Option(help="Keep the screen as an SVG in this file.", dir_okay=False)
    ] = None,
) -> None:
    """Send a postcard from A to B, attested and verified on chain, and get its answer.

    Two chains, a key service, attestors and a relayer run as processes in a temporary folder;
    they are stopped and the folder is deleted in the end, also after Ctrl-C.
    """
    with (
        Screen(to_stderr=json, record=picture is not None) as screen,
        stoppable(),
        _folder(screen) as folder,
    ):
        data = asyncio.run(Story(Layout(folder), screen, chain).run(text))
    screen.result(data)
    if json:
        print_json(data)
    if picture is not None:
        screen.save_picture(picture)


@contextmanager
def _folder(screen: Screen) -> Iterator[Path]:
    """A folder for a world; in the end its processes are stopped and it is deleted.

    Further signals wait for that.
    """
    folder = Path(tempfile.mkdtemp(prefix="astralink-demo-"))
    try:
        yield folder
    finally:
        handlers = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
        screen.announce("stopping")
        World(Layout(folder)).down()
        shutil.rmtree(folder, ignore_errors=True)
        for number, handler in handlers.items():
            signal.signal(number, handler)
