"""The commands under their names, and the options that many of them share."""

from __future__ import annotations

import json
import sys
from importlib import import_module
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


COMMANDS = (
    "demo",
    "devnet",
    "send",
    "message",
    "messages",
    "audit",
    "keys",
    "qkd",
    "qec",
    "state",
    "signers",
    "verdict",
    "routes",
    "doctor",
    "bench",
    "relay",
    "attest",
    "keyservice",
    "kme",
    "ccip",
    "verify",
    "verifier",
    "scan",
)


def application(called: str | None = None) -> typer.Typer:
    """The command line; with one of ``COMMANDS`` as ``called``, that command alone.

    Each command is in the module of its name, as a group ``app`` or a function. Modules bring
    large libraries with them, so the one that is called is imported and the others are not.
    """
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

    for name in (called,) if called in COMMANDS else COMMANDS:
        module = import_module(f"bridge.apps.cli.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, name))
    return app


def print_json(value: Any) -> None:
    """``value`` as JSON on stdout."""
    sys.stdout.write(json.dumps(value, indent=1) + "\n")
