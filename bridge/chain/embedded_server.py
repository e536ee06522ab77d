"""The embedded chain as a process of its own: JSON-RPC over HTTP on 127.0.0.1.

    python -m bridge.chain.embedded_server --port 8545 --chain-id 31337

Exit codes: 0 after SIGTERM or SIGINT, 2 for arguments, a port or a state file that cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge.chain.embedded_settings import EmbeddedSettings
from bridge.domain.errors import InputError
from bridge.domain.loading import undisturbed

LIMITS = (
    ("port", 1, 65_535),
    ("chain_id", 1, (1 << 53) - 1),
    ("block_time", 0, 3_600),
    ("finality", 0, 1_000),
    ("log_range", 1, 1_000_000),
)
"""What the command line takes; a chain id that every JSON parser keeps exact."""


def parse_arguments(arguments: Sequence[str]) -> EmbeddedSettings:
    """The settings that the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bridge.chain.embedded_server")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--chain-id", type=int, required=True)
    parser.add_argument("--block-time", type=float, default=0.5, help="seconds; 0: no empty blocks")
    parser.add_argument("--finality", type=int, default=2, help="blocks from latest to finalized")
    parser.add_argument("--state", type=Path, default=None, help="SQLite file that keeps the chain")
    parser.add_argument("--log-range", type=int, default=10_000, help="widest eth_getLogs range")
    given = parser.parse_args(arguments)
    for name, least, most in LIMITS:
        value = getattr(given, name)
        if not least <= value <= most:
            parser.error(f"--{name.replace('_', '-')}: expected {least} to {most}, got {value}")
    return EmbeddedSettings(
        given.port,
        given.chain_id,
        given.block_time,
        given.finality,
        given.state,
        given.log_range,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The process's exit code."""
    settings = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    with undisturbed():
        from bridge.chain.embedded_http import serve
    try:
        serve(settings)
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
