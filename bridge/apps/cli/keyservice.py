"""``astralink keyservice``: the key service as a process."""

from __future__ import annotations

from urllib.parse import urlsplit

from bridge.apps.cli.root import StateOption
from bridge.apps.config import load_config, state_folder
from bridge.apps.devnet.layout import Layout
from bridge.apps.logs import configure_logs
from bridge.domain.errors import ConfigError
from bridge.keyservice.serve import serve
from bridge.keyservice.service import KeyServiceSettings


def keyservice(state: StateOption = None) -> None:
    """Serve signing keys that a simulated BB84 link seeds, until it is told to stop."""
    configure_logs()
    layout = Layout(state_folder(state))
    config = load_config(layout.config)
    address = urlsplit(config.key_service.url)
    if address.hostname is None or address.port is None:
        raise ConfigError(
            str(layout.config),
            [f"key_service.url: expected host and port, got {config.key_service.url!r}"],
        )
    settings = KeyServiceSettings(layout.keys, provider=config.key_service.provider)
    serve(settings, address.hostname, address.port)
