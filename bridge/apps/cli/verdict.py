"""``astralink verdict``: attested verdicts on deployed contracts, from question to chain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from eth_utils.address import is_address, to_checksum_address
from rich.console import Console
from rich.table import Table

from bridge.apps.cli.root import JsonOption, StateOption, print_json
from bridge.apps.config import Config, load_config, state_folder
from bridge.apps.devnet.layout import Layout, read_deployment, replace_text
from bridge.apps.devnet.world import agreed_client, attestor_client, chain_client
from bridge.apps.operators import guardian_account, relayer_account
from bridge.apps.verdicts import (
    Requester,
    SignedStatement,
    Submitted,
    recheck_of,
    verdicts_of,
)
from bridge.apps.verdicts import (
    submit as bring,
)
from bridge.chain.transactions import Account
from bridge.chain.verdicts import StandingVerdict
from bridge.crypto.digests import statement_digest
from bridge.domain.errors import ConfigError, InputError, NotVerified, UnknownDomain
from bridge.domain.verdicts import NO_DIGEST, MatchKind, Verdict, VerdictStatement
from bridge.keyservice.secretfile import read_secret
from bridge.relayer.quorum import Quorum
from bridge.relayer.route import Side
from bridge.verifier.recheck import Examined, Source
from bridge.verifier.source_verifier import read_source

app = typer.Typer(help="Attested verdicts on deployed contracts.", no_args_is_help=True)

DAY_S = 86_400
T = TypeVar("T")

ChainArgument = Annotated[str, typer.Argument(help="The chain of the contract, as A.")]
AddressArgument = Annotated[str, typer.Argument(help="The contract.")]
OnOption = Annotated[
    str | None,
    typer.Option("--on", help="The chain whose registry is meant; default: the contract's own."),
]
SourceOption = Annotated[
    Path | None,
    typer.Option(
        "--source",
        help="JSON that the contract is matched with: stdJsonInput, compilerVersion, "
        "contractIdentifier.",
        dir_okay=False,
    ),
]
BlockOption = Annotated[
    int | None, typer.Option(min=0, help="A final block; default: the newest final one.")
]
KeyFileOption = Annotated[
    Path | None,
    typer.Option(
        "--account-key-file",
        help="The private key of who sends it; default: the development network's.",
        dir_okay=False,
    ),
]
LeastOption = Annotated[
    str, typer.Option("--least", help="MATCH or EXACT_MATCH: what it must be at the least.")
]


@app.callback()
def _verdict() -> None:
    """Attested verdicts on deployed contracts."""


@app.command()
def request(
    chain: ChainArgument,
    address: AddressArgument,
    out: Annotated[Path, typer.Option(help="Where the signed verdict goes.", dir_okay=False)],
    source: SourceOption = None,
    on: OnOption = None,
    block: BlockOption = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it counts.")] = 30,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the scan's report, named by the digest that is signed.",
            file_okay=False,
        ),
    ] = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Verify a contract here, and have a quorum of attestors verify it and sign what was found."""
    given = None if source is None else read_source(source)

    async def work(config: Config, stack: AsyncExitStack, status: Callable[[str], None]) -> Any:
        side, raw, chain_id = await _place(config, stack, chain, address, on)
        status(f"verifying {address} on chain {chain}")
        found = await _examined(config, stack, chain_id, raw, block, given)
        requester = Requester(side, await _quorum(config, stack), status)
        return found, await requester.verdict(found.verdict, days * DAY_S, given)

    found: Examined
    signed: SignedStatement
    found, signed = _run(state, work)
    if report is not None and found.report is not None:
        report.mkdir(parents=True, exist_ok=True)
        name = f"{found.verdict.scan_digest.hex()}.json"
        replace_text(report / name, found.report.decode("ascii"))
    signed.write(out)
    _tell_signed(signed, out, json)


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="A signed statement.", dir_okay=False)],
    on: Annotated[str | None, typer.Option("--on", help="The chain of its registry.")] = None,
    account_key_file: KeyFileOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Bring a signed verdict or revocation to its registry."""
    signed = SignedStatement.read(file)
    account = _payer(account_key_file)

    async def work(config: Config, stack: AsyncExitStack, status: Callable[[str], None]) -> Any:
        name = on or _name(config, signed.statement.place.registry_chain_id)
        side = await _side(config, stack, name)
        status(f"bringing it to the registry on chain {name}")
        return await bring(side, account, signed)

    _tell_submitted(_run(state, work), json)


@app.command()
def show(
    chain: ChainArgument,
    address: AddressArgument,
    on: OnOption = None,
    least: LeastOption = "MATCH",
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """The last verdict on a contract, and whether it counts now."""
    level = _level(least)

    async def work(config: Config, stack: AsyncExitStack, status: Callable[[str], None]) -> Any:
        side, raw, chain_id = await _place(config, stack, chain, address, on)
        verdicts = verdicts_of(side)
        return (
            await verdicts.standing(chain_id, raw),
            await verdicts.obstacle(chain_id, raw, level),
        )

    standing, obstacle = _run(state, work)
    data = {"address": address, "chain": chain, "verified": obstacle is None, "reason": obstacle}
    if standing is not None:
        data |= _data(standing)
    if json:
        print_json(data)
        return
    table = Table(title=f"{address} on chain {chain}", title_justify="left", show_header=False)
    for name, value in data.items():
        if name not in ("address", "chain"):
            table.add_row(name.replace("_", " "), "" if value is None else str(value))
    Console(highlight=False).print(table)


@app.command()
def check(
    chain: ChainArgument,
    address: AddressArgument,
    source: SourceOption = None,
    on: OnOption = None,
    least: LeastOption = "MATCH",
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Verify a contract anew and hold its verdict against that; exit code 8 where they differ.

    Without --source only the code is held against the verdict.
    """
    level, given = _level(least), None if source is None else read_source(source)

    async def work(config: Config, stack: AsyncExitStack, status: Callable[[str], None]) -> Any:
        side, raw, chain_id = await _place(config, stack, chain, address, on)
        verdicts = verdicts_of(side)
        obstacle = await verdicts.obstacle(chain_id, raw, level)
        if obstacle is not None:
            raise NotVerified(chain, address, obstacle)
        standing = await verdicts.standing(chain_id, raw)
        assert standing is not None
        status(f"verifying {address} on chain {chain}")
        own = (await _examined(config, stack, chain_id, raw, None, given)).verdict
        _require_agreement(chain, address, standing, own, with_source=given is not None)
        return own

    own: Verdict = _run(state, work)
    if json:
        data = {"code_hash": "0x" + own.code_hash.hex(), "block_number": own.block_number}
        print_json({"verified": True, **data})
        return
    Console(highlight=False, soft_wrap=True).print(
        f"{address} on chain {chain} is what the verdict says, at block {own.block_number}"
    )


@app.command()
def revoke(
    chain: ChainArgument,
    address: AddressArgument,
    out: Annotated[
        Path | None, typer.Option(help="Where the signed revocation goes.", dir_okay=False)
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="At once, as the guardian, without a quorum.")
    ] = False,
    code: Annotated[
        bool, typer.Option("--code", help="The code of its verdict as well, wherever it is.")
    ] = False,
    reason: Annotated[str, typer.Option(help="At most 32 bytes, for the quorum's.")] = "",
    on: OnOption = None,
    account_key_file: KeyFileOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Take back what was said of a contract until now: by a quorum, or at once by the guardian."""

    async def work(config: Config, stack: AsyncExitStack, status: Callable[[str], None]) -> Any:
        side, raw, chain_id = await _place(config, stack, chain, address, on)
        verdicts = verdicts_of(side)
        code_hash = NO_DIGEST
        if code:
            standing = await verdicts.standing(chain_id, raw)
            if standing is None:
                raise NotVerified(chain, address, "no verdict is on it whose code could be revoked")
            code_hash = standing.code_hash
        if now:
            guardian = guardian_account(account_key_file)
            receipts = [await verdicts.revoke_now(guardian, chain_id, raw)]
            if code:
                receipts.append(await verdicts.revoke_code(guardian, code_hash))
            return Submitted(tuple(receipts), accepted=True)
        requester = Requester(side, await _quorum(config, stack), status)
        signed = await requester.revocation(chain_id, raw, code_hash, reason)
        if out is not None:
            signed.write(out)
        return await bring(side, _payer(account_key_file), signed)

    _tell_submitted(_run(state, work), json)


Work = Callable[[Config, AsyncExitStack, Callable[[str], None]], Awaitable[T]]


def _run(state: Path | None, work: Work[T]) -> T:
    config = load_config(Layout(state_folder(state)).config)

    async def run() -> T:
        async with AsyncExitStack() as stack:
            progress = stack.enter_context(Console(stderr=True, highlight=False).status("asking"))
            return await work(config, stack, progress.update)

    return asyncio.run(run())


async def _side(config: Config, stack: AsyncExitStack, name: str) -> Side:
    sides = read_deployment(config.relayer.deployment).sides
    if name not in sides:
        raise UnknownDomain(name, sorted(sides))
    return Side.of(await stack.enter_async_context(chain_client(config, name)), sides[name])


async def _place(
    config: Config, stack: AsyncExitStack, chain: str, address: str, on: str | None
) -> tuple[Side, bytes, int]:
    """The chain of the registry, the contract's address and its chain id."""
    if not is_address(address):
        raise InputError(f"address: expected 20 bytes in hex, got {address!r}")
    return (
        await _side(config, stack, on or chain),
        bytes.fromhex(to_checksum_address(address)[2:]),
        config.chain(chain).chain_id,
    )


async def _examined(
    config: Config,
    stack: AsyncExitStack,
    chain_id: int,
    address: bytes,
    block: int | None,
    source: Source | None,
) -> Examined:
    if config.verdicts is None:
        raise ConfigError("verdicts", ["missing: with an empty section contracts are verified"])
    client = agreed_client(config, _name(config, chain_id))
    stack.push_async_callback(client.close)
    return await recheck_of(config.verdicts, [client]).examined(chain_id, address, block, source)


async def _quorum(config: Config, stack: AsyncExitStack) -> Quorum:
    if not config.attestors:
        raise ConfigError("attestors", ["expected one or more, got none"])
    clients = [await stack.enter_async_context(attestor_client(one)) for one in config.attestors]
    return Quorum(clients)


def _require_agreement(
    chain: str, address: str, standing: StandingVerdict, own: Verdict, with_source: bool
) -> None:
    fields = ["code_hash"] + (["match"] if with_source else [])
    if with_source and any(standing.scan_digest) and standing.tool == own.tool:
        fields.append("scan_digest")  # another version may find more
    for name in fields:
        said, found = getattr(standing, name), getattr(own, name)
        if said != found:
            words = [one.hex() if isinstance(one, bytes) else one.name for one in (said, found)]
            reason = f"{name}: the verdict says {words[0]}, found was {words[1]}"
            raise NotVerified(chain, address, reason)


def _name(config: Config, chain_id: int) -> str:
    for name, chain in config.chains.items():
        if chain.chain_id == chain_id:
            return name
    raise UnknownDomain(str(chain_id), sorted(config.chains))


def _payer(key_file: Path | None) -> Account:
    return relayer_account() if key_file is None else Account.from_key(read_secret(key_file))


def _level(text: str) -> MatchKind:
    if text not in ("MATCH", "EXACT_MATCH"):
        raise InputError(f"least: expected MATCH or EXACT_MATCH, got {text!r}")
    return MatchKind[text]


def _data(standing: StandingVerdict) -> dict[str, Any]:
    return {
        "match": standing.match.name,
        "code_hash": "0x" + standing.code_hash.hex(),
        "block_number": standing.block_number,
        "block_hash": "0x" + standing.block_hash.hex(),
        "scan_digest": "0x" + standing.scan_digest.hex(),
        "tool": standing.tool,
        "sequence": standing.sequence,
        "epoch": standing.epoch,
        "issued_at": _time(standing.issued_at),
        "expires_at": _time(standing.expires_at),
        "revoked": standing.revoked,
        "code_revoked": standing.code_revoked,
    }


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _tell_signed(signed: SignedStatement, out: Path, json: bool) -> None:
    statement = signed.statement
    assert isinstance(statement, VerdictStatement)
    data = {
        "file": str(out),
        "digest": "0x" + statement_digest(statement).hex(),
        "match": statement.verdict.match.name,
        "code_hash": "0x" + statement.verdict.code_hash.hex(),
        "block_number": statement.verdict.block_number,
        "sequence": statement.place.sequence,
        "epoch": statement.place.epoch,
        "signers": sorted(signed.signatures),
    }
    if json:
        print_json(data)
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{data['match']} at block {data['block_number']}, signed by {data['signers']} as number "
        f"{data['sequence']}: {out}"
    )


def _tell_submitted(done: Submitted, json: bool) -> None:
    hashes = ["0x" + receipt.transaction_hash.hex() for receipt in done.receipts]
    if json:
        print_json({"accepted": done.accepted, "transactions": hashes, "gas": done.gas})
        return
    console = Console(highlight=False, soft_wrap=True)
    for one in hashes:
        console.print(f"{'accepted' if done.accepted else 'counted'} {one}")
