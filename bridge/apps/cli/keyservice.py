"""``astralink keyservice``: the key service as a process."""

from __future__ import annotations

from urllib.parse import urlsplit

from bridge.apps.addresses import host_and_port
from bridge.apps.cli.root import StateOption
from bridge.apps.config import KeyServiceConfig, load_config, state_folder
from bridge.apps.devnet.layout import Layout
from bridge.apps.logs import configure_logs
from bridge.domain.errors import ConfigError
from bridge.keyservice.access import Grant, Right
from bridge.keyservice.kme.client import KmeClient
from bridge.keyservice.kme.foreign import ForeignLink
from bridge.keyservice.retention import RETENTION_S
from bridge.keyservice.rotation import RotationPolicy
from bridge.keyservice.sealingkey import KeyVariable
from bridge.keyservice.serve import CertifiedAddress, serve
from bridge.keyservice.service import KeyServiceSettings


def keyservice(state: StateOption = None) -> None:
    """Serve keys that a simulated BB84 link or a KME seeds, until it is told to stop."""
    configure_logs()
    layout = Layout(state_folder(state))
    config = load_config(layout.config).key_service
    address = urlsplit(config.url)
    if address.hostname is None or address.port is None:
        raise ConfigError(
            str(layout.config),
            [f"key_service.url: expected host and port, got {config.url!r}"],
        )
    serve(_settings(config, layout), address.hostname, address.port, _certified(config))


def _settings(config: KeyServiceConfig, layout: Layout) -> KeyServiceSettings:
    source = None
    if config.kme is not None:
        client = KmeClient(config.kme.url, config.kme.tls)
        source = ForeignLink(client, config.kme.slave_sae_id, simulated=config.kme.simulated)
    variable = config.storage.sealing_key_variable
    return KeyServiceSettings(
        layout.keys,
        provider=config.provider,
        source=source,
        simulated=config.kme is None or config.kme.simulated,
        shared_database=config.storage.database,
        sealing=KeyVariable(variable) if variable else None,
        rotation=RotationPolicy(**config.rotation.model_dump()),
        retention_s=config.storage.retention_s or RETENTION_S,
    )


def _certified(config: KeyServiceConfig) -> CertifiedAddress | None:
    if config.certified is None:
        return None
    host, port = host_and_port(config.certified.listen_url)
    grants = tuple(
        Grant(one.name, frozenset(Right(right) for right in one.rights), frozenset(one.labels))
        for one in config.certified.grants
    )
    return CertifiedAddress(host, port, config.certified.tls, grants)
