"""``astralink qec``: error-correcting codes, measured."""

from __future__ import annotations

import typer

from bridge.apps.cli.calibrate import calibrate, mitigate
from bridge.apps.cli.estimate import estimate
from bridge.apps.cli.magic import magic
from bridge.apps.cli.memory import memory
from bridge.apps.cli.surgery import surgery
from bridge.apps.cli.threshold import threshold

app = typer.Typer(help="Error-correcting codes, measured by simulation.", no_args_is_help=True)


@app.callback()
def _qec() -> None:
    """Error-correcting codes, measured by simulation. Needs the extra `codes`."""


app.command("threshold")(threshold)
app.command("memory")(memory)
app.command("estimate")(estimate)
app.command("calibrate")(calibrate)
app.command("mitigate")(mitigate)
app.command("surgery")(surgery)
app.command("magic")(magic)
