"""``astralink kme``: key management entities with the interface of ETSI GS QKD 014."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bridge.apps.addresses import host_and_port
from bridge.apps.cli.root import JsonOption, print_json
from bridge.apps.kmeconfig import KmeConfig, LinkConfig, read
from bridge.apps.logs import configure_logs
from bridge.domain.errors import InputError
from bridge.keyservice.kme.authority import Authority, Role
from bridge.keyservice.kme.link import LinkFeeder
from bridge.keyservice.kme.peer import LinkEnd
from bridge.keyservice.kme.serve import feed, serve_kme
from bridge.keyservice.linkblock import SimulatedLink
from bridge.keyservice.secretfile import write_private_text
from bridge.quantum.distillation.pipeline import BlockParameters

app = typer.Typer(help="KMEs with ETSI GS QKD 014.", no_args_is_help=True)

ConfigArgument = Annotated[Path, typer.Argument(help="TOML, as `kme init` writes it.")]


@app.callback()
def _kme() -> None:
    """Two KMEs, one for each end of a link, and the SAEs that they serve."""


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where it is made; must have no authority yet.")],
    kme: Annotated[list[str], typer.Option("--kme", help="Id of a KME; twice.")],
    sae: Annotated[list[str], typer.Option("--sae", help="An SAE and its KME, as alice=kme-a.")],
    link: Annotated[str, typer.Option(help="Id of the simulated link.")] = "link-1",
    host: Annotated[str, typer.Option(help="Where both KMEs listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65530, help="The first of six ports.")] = 8443,
    json: JsonOption = False,
) -> None:
    """Make a development authority, certificates for two KMEs, a link and SAEs, and the files.

    `kme run FOLDER/ID.toml` serves a KME, `kme link FOLDER/LINK.toml` feeds both.
    """
    if len(set(kme)) != 2 or len(kme) != 2:
        raise InputError(f"--kme: expected two different ids, got {', '.join(kme)}")
    saes = dict(_sae(text, kme) for text in sae)
    names = [*kme, *saes, link]
    if len(set(names)) != len(names):
        raise InputError(f"names: expected each once, got {', '.join(names)}")
    authority = Authority.create(folder)
    made: dict[str, str] = {}
    for number, one in enumerate(kme):
        authority.issue(one, Role.SERVER, ("localhost", "127.0.0.1", "::1", host))
        other = 1 - number
        operator = f"http://127.0.0.1:{port + 4 + number}"
        ports = port + 2 * number, port + 2 * other
        text = _kme_text(one, kme[other], host, *ports, operator, link, saes)
        write_private_text(folder / f"{one}.toml", text)
        made[one] = str(folder / f"{one}.toml")
    authority.issue(link, Role.CLIENT)
    ends = [f"https://{host}:{port + 2 * number + 1}" for number in (0, 1)]
    write_private_text(
        folder / f"{link}.toml", f"link_id = {_q(link)}\nends = {_q(ends)}\n{_tls_text(link)}"
    )
    made[link] = str(folder / f"{link}.toml")
    for one in saes:
        authority.issue(one, Role.CLIENT)
        made[one] = str(folder / f"{one}.pem")
    if json:
        print_json(made)
        return
    console = Console(highlight=False, soft_wrap=True)
    for name, path in made.items():
        console.print(f"{name}: {path}")


@app.command()
def run(config: ConfigArgument) -> None:
    """Serve a KME until it is told to stop."""
    configure_logs()
    kme = read(KmeConfig, config)
    settings = kme.settings(config.resolve().parent)
    operator = kme.metrics_listen_url
    serve_kme(
        settings,
        host_and_port(kme.listen_url),
        host_and_port(kme.peer_listen_url),
        None if operator is None else host_and_port(operator),
    )


@app.command()
def link(config: ConfigArgument) -> None:
    """Feed two KMEs from a simulated BB84 link until it is told to stop."""
    configure_logs()
    settings = read(LinkConfig, config)
    tls = settings.tls(config.resolve().parent)
    first, second = (LinkEnd(url, tls) for url in settings.ends)
    source = SimulatedLink(
        BlockParameters(pulses=settings.pulses), owner=settings.link_id, link_id=settings.link_id
    )
    feed(LinkFeeder(source, (first, second), settings.patience))


def _sae(text: str, kmes: list[str]) -> tuple[str, str]:
    name, separator, kme = text.rpartition("=")
    if not separator or not name or kme not in kmes:
        raise InputError(f"--sae: expected NAME=KME with a KME of {', '.join(kmes)}, got {text!r}")
    return name, kme


def _kme_text(
    kme_id: str,
    peer_id: str,
    host: str,
    port: int,
    peer_port: int,
    operator_url: str,
    link_id: str,
    saes: dict[str, str],
) -> str:
    of_saes = "".join(f"{_q(name)} = {_q(kme)}\n" for name, kme in saes.items())
    return (
        "# Made by `astralink kme init`. Paths are relative to this file's folder.\n\n"
        f"kme_id = {_q(kme_id)}\n"
        f"peer_id = {_q(peer_id)}\n"
        f"peer_url = {_q(f'https://{host}:{peer_port + 1}')}\n"
        f"listen_url = {_q(f'https://{host}:{port}')}\n"
        f"peer_listen_url = {_q(f'https://{host}:{port + 1}')}\n"
        f"metrics_listen_url = {_q(operator_url)}\n"
        f"database = {_q(f'{kme_id}.sqlite')}\n"
        f"key_file = {_q(f'{kme_id}.sealing')}\n"
        f"links = {_q([link_id])}\n"
        f"{_tls_text(kme_id)}\n"
        f"[saes]\n{of_saes}"
    )


def _tls_text(name: str) -> str:
    return (
        f"certificate = {_q(f'{name}.pem')}\n"
        f"certificate_key = {_q(f'{name}.key')}\n"
        'authority = "authority.pem"\n'
    )


def _q(value: object) -> str:
    """A text or a list of them in TOML, which has JSON's quotes."""
    return jsonlib.dumps(value)
