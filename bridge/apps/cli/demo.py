"""``astralink demo``: the main job from beginning to end, on a world of its own."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.apps.cli.root import JsonOption, print_json
from bridge.apps.demo.screen import Screen
from bridge.apps.demo.story import Story
from bridge.apps.devnet.layout import Layout
from bridge.apps.devnet.world import ChainKind


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

    Two chains, a key service and a relayer run as processes in a temporary folder; they are
    stopped and the folder is deleted in the end, also after Ctrl-C.
    """
    folder = Path(tempfile.mkdtemp(prefix="astralink-demo-"))
    with Screen(to_stderr=json, record=picture is not None) as screen:
        story = Story(Layout(folder), screen, chain)
        try:
            data = asyncio.run(_interruptible(story, text))
        finally:
            screen.announce("stopping")
            ignored = {
                number: signal.signal(number, signal.SIG_IGN)
                for number in (signal.SIGINT, signal.SIGTERM)
            }
            story.world.down()
            shutil.rmtree(folder, ignore_errors=True)
            for number, handler in ignored.items():
                signal.signal(number, handler)
        screen.result(data)
    if json:
        print_json(data)
    if picture is not None:
        screen.save_picture(picture)


async def _interruptible(story: Story, text: str) -> dict[str, Any]:
    """Run the story; SIGTERM and a closed terminal end it as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    try:
        return await story.run(text)
    except asyncio.CancelledError:
        if stopped:
            raise KeyboardInterrupt from None
        raise
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)
