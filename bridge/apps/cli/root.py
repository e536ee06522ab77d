"""The commands under their names, and the options that many of them share."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge import __version__

StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        help="State folder; default: the variable ASTRALINK_STATE, else .astralink.",
        file_okay=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Data as JSON on stdout.")]


def application() -> typer.Typer:
    """The whole command line."""
    from bridge.apps.cli import bench, demo, devnet, doctor, keys, keyservice, message, relay, send

    app = typer.Typer(
        name="astralink",
        help="A bridge between EVM chains, attested with post-quantum signatures.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @app.callback(invoke_without_command=True)
    def root(
        version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    ) -> None:
        if version:
            typer.echo(__version__)
            raise typer.Exit

    app.command("demo")(demo.demo)
    app.add_typer(devnet.app, name="devnet")
    app.command("send")(send.send)
    app.command("message")(message.message)
    app.add_typer(keys.app, name="keys")
    app.command("doctor")(doctor.doctor)
    app.add_typer(bench.app, name="bench")
    app.command("relay")(relay.relay)
    app.command("keyservice")(keyservice.keyservice)
    return app


def print_json(value: Any) -> None:
    """``value`` as JSON on stdout."""
    sys.stdout.write(json.dumps(value, indent=1) + "\n")
