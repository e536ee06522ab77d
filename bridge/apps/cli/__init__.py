"""The command ``astralink``: one file a command.

Data goes to stdout, progress and diagnostics to stderr. Exit codes: 0 done; 1 something of the
bridge failed; 2 bad input or configuration; 3 a chain; 4 cryptography; 5 the link; 6 the key
service; 7 a process; 8 relaying; 9 circuits and their hardware; 10 no match of
code and source, or a finding at the threshold or above; 130 interrupted.
"""

from __future__ import annotations

import sys

from rich.console import Console

from bridge.apps.cli.root import application
from bridge.apps.logs import configure_logs
from bridge.domain.errors import BridgeError
from bridge.domain.loading import undisturbed

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its code."""
    configure_logs("error")  # a daemon says more, once it knows that it is one
    problems = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        with undisturbed():
            command = application(sys.argv[1] if len(sys.argv) > 1 else None)
        command()
    except BridgeError as error:
        problems.print("error: ", style="bold red", end="")
        problems.print(str(error), markup=False)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        problems.print("interrupted", style="yellow")
        sys.exit(130)
