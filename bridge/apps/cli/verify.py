"""``astralink verify``: whether the code at an address comes from a source."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bridge.apps.cli.root import JsonOption, StateOption, print_json
from bridge.apps.config import load_config, state_folder
from bridge.apps.devnet.layout import Layout
from bridge.chain.client import ChainClient
from bridge.chain.endpoints import ChainSettings
from bridge.chain.wire import parse_data
from bridge.domain.errors import InputError, SourceRefused, UnknownDomain
from bridge.verifier.compilers.choice import Compilers
from bridge.verifier.compilers.confined import Limits
from bridge.verifier.match.artifacts import artifact_of, request_of_artifact
from bridge.verifier.match.record import WORDS, details, summary
from bridge.verifier.match.request import (
    MAX_BYTES,
    Request,
    from_metadata,
    from_standard_json,
    parse_json,
)
from bridge.verifier.match.verifying import Verification
from bridge.verifier.match.verifying import verify as verify_code

CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--compilers",
        help="Folder for compilers; default: ASTRALINK_COMPILERS, else the user's cache.",
        file_okay=False,
    ),
]


def verify(
    address: Annotated[str, typer.Argument(help="The contract, 0x and 40 hex digits.")],
    chain: Annotated[
        str, typer.Option(help="A configured chain's name or id; with --rpc-url any chain id.")
    ],
    input_: Annotated[
        Path | None,
        typer.Option("--input", help="Standard JSON input of the compiler.", dir_okay=False),
    ] = None,
    metadata: Annotated[
        Path | None,
        typer.Option(help="The contract's metadata.json, in place of --input.", dir_okay=False),
    ] = None,
    sources: Annotated[
        Path | None,
        typer.Option(help="Folder with the sources of --metadata.", file_okay=False),
    ] = None,
    artifact: Annotated[
        Path | None,
        typer.Option(
            help="An artifact of hardhat or foundry, or ape's manifest, in place of --input.",
            dir_okay=False,
        ),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(
            help="A hardhat, foundry or ape project that was built; --contract is the name.",
            file_okay=False,
        ),
    ] = None,
    compiler: Annotated[
        str | None, typer.Option(help="As 0.8.26+commit.8a97fa7a; --metadata knows it itself.")
    ] = None,
    contract: Annotated[
        str | None, typer.Option(help="path:Name, of --project the name; the others know it.")
    ] = None,
    creation_tx: Annotated[
        str | None, typer.Option(help="Hash of the transaction that created the contract.")
    ] = None,
    rpc_url: Annotated[
        str | None, typer.Option(help="Where a chain answers that is not configured.")
    ] = None,
    block: Annotated[
        str, typer.Option(help="latest, safe, finalized or a block number.")
    ] = "latest",
    follow: Annotated[
        bool, typer.Option("--follow", help="Hold the source against what a proxy leads to.")
    ] = False,
    time_limit: Annotated[
        float, typer.Option(min=1, help="Seconds that a compiler may take.")
    ] = 120.0,
    compilers: CacheOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Compile a source with its own compiler and compare the code with the chain's.

    Exit code 0 where it matches, 10 where it does not.
    """
    request = _request(
        {"--input": input_, "--metadata": metadata, "--artifact": artifact, "--project": project},
        sources,
        compiler,
        contract,
    )
    settings = chain_settings(chain, rpc_url, state)
    found_compilers = Compilers(compilers, Limits(time_s=time_limit))
    transaction = _transaction(creation_tx)
    at: int | str = int(block) if block.isdecimal() else block
    progress = Console(stderr=True, highlight=False)

    async def run() -> Verification:
        with progress.status(f"compiling and comparing {request.target}"):
            async with ChainClient(settings) as client:
                return await verify_code(
                    client,
                    found_compilers,
                    request,
                    address,
                    transaction,
                    at,
                    follow=follow,
                )

    found = asyncio.run(run())
    if json:
        print_json(_whole(found))
        return
    _show(Console(highlight=False, soft_wrap=True), found)


def chain_settings(chain: str, rpc_url: str | None, state: Path | None) -> ChainSettings:
    """The chain of that name or id; ``UnknownDomain`` for one that is not configured."""
    if rpc_url is not None:
        if not chain.isdecimal() or not 0 < int(chain) < 1 << 64:
            raise InputError(f"--chain: expected a chain id beside --rpc-url, got {chain!r}")
        return ChainSettings(chain, 0, int(chain), rpc_url)
    config = load_config(Layout(state_folder(state)).config)
    for name in config.chains:
        settings = config.chain(name)
        if chain in (name, str(settings.chain_id)):
            return settings
    raise UnknownDomain(chain, sorted(config.chains))


def _request(
    given: Mapping[str, Path | None],
    sources: Path | None,
    compiler: str | None,
    contract: str | None,
) -> Request:
    """The request of the one of these files that is given."""
    named = {name: path for name, path in given.items() if path is not None}
    if len(named) != 1:
        raise InputError(
            f"source: expected one of {', '.join(given)}, got {', '.join(named) or 'none'}"
        )
    ((kind, path),) = named.items()
    if kind == "--metadata":
        texts = _texts(sources) if sources is not None else {}
        return from_metadata(parse_json(_read(path), str(path)), texts)
    if kind == "--input":
        if compiler is None or contract is None:
            raise InputError("--input: expected --compiler and --contract beside it")
        return from_standard_json(parse_json(_read(path), str(path)), compiler, contract)
    if kind == "--project":
        if contract is None:
            raise InputError("--project: expected --contract beside it")
        path = artifact_of(path, contract)
    return request_of_artifact(path, contract)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SourceRefused(f"{path}: expected at most {MAX_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _texts(folder: Path) -> dict[str, str]:
    """Every source in the folder; which of them are needed is known by their hashes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".sol", ".vy", ".vyi", ".yul") and path.is_file():
            try:
                # Line ends as they are: they are part of what was hashed.
                found[path.relative_to(folder).as_posix()] = _read(path).decode()
            except UnicodeDecodeError as error:
                raise InputError(f"{path}: expected UTF-8") from error
    return found


def _transaction(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return parse_data(text, 32)
    except ValueError as error:
        raise InputError(f"--creation-tx: {error}") from error


def _whole(found: Verification) -> dict[str, Any]:
    value = {**summary(found), **details(found)}
    if found.implementation is not None:
        value["implementation"] = _whole(found.implementation)
    return value


def _show(console: Console, found: Verification, role: str = "") -> None:
    standing = found.standing
    word = (WORDS[found.match] or "no match").replace("_", " ")
    table = Table(
        title=f"{role}{standing.address}: {word}", title_justify="left", show_header=False
    )
    table.add_row("contract", str(found.compiled.request.target))
    table.add_row("compiler", f"{found.compiled.request.language} {found.compiled.compiler}")
    table.add_row("chain id", str(standing.chain_id))
    table.add_row("block", f"{standing.block.number} 0x{standing.block.hash.hex()}")
    table.add_row("code hash", f"0x{standing.code_hash.hex()}")
    for name, side in (("runtime code", found.runtime), ("creation code", found.creation)):
        said = (WORDS[side.kind] or "no match").replace("_", " ")
        table.add_row(name, said + (f": {side.reason}" if side.reason else ""))
        for one in side.transformations:
            what = f"{one.reason.value} {one.id or ''}".strip()
            table.add_row("", f"{one.type.value} {what} at byte {one.offset}")
    table.add_row("immutables", f"{found.binding.value}: {found.binding_reason}".rstrip(": "))
    if standing.proxy is not None:
        behind = ", ".join(one.address for one in standing.proxy.implementations) or "nothing"
        table.add_row("proxy", f"{standing.proxy.kind.value}, leads to {behind}")
    console.print(table)
    if found.implementation is not None:
        _show(console, found.implementation, "behind it: ")
