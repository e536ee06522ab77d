"""The configuration of a KME and of the simulated link: one TOML file each, checked whole.

Paths in them are relative to the file's folder. `astralink kme init` writes them.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.apps.addresses import HttpsUrl, HttpUrl
from bridge.domain.errors import ConfigError
from bridge.keyservice.kme.settings import DeliveryLimits, KmeSettings
from bridge.keyservice.pool import PoolLimits
from bridge.keyservice.retention import RETENTION_S
from bridge.keyservice.sealingkey import KeyFile, KeyVariable
from bridge.keyservice.tlsfiles import TlsFiles

DATABASE_SCHEME = "postgresql+psycopg://"


Name = Annotated[str, Field(min_length=1, max_length=64)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PoolConfig(_Model):
    """A `PoolLimits`; ``lifetime_s`` of 0 is none."""

    high_bits: int = 1 << 20
    low_bits: int = 1 << 19
    reserve_bits: int = 1 << 12
    capacity_bits: int = 1 << 33
    lifetime_s: Annotated[float, Field(ge=0)] = 24 * 3600.0


class DeliveryConfig(_Model):
    """A `DeliveryLimits`."""

    key_size: int = 256
    min_key_size: int = 64
    max_key_size: int = 8192
    max_key_per_request: int = 128
    max_sae_id_count: int = 8
    wait_s: float = 3600.0


class KmeConfig(_Model):
    """One KME.

    SAEs ask at ``listen_url``; the other KME and the link at ``peer_listen_url``; at
    ``metrics_listen_url``, where there is one, metrics, health and readiness are told to everybody.
    Records of delivered keys are forgotten after ``retention_s``, 30 days. The sealing key is in
    ``key_file``, or in the variable of the environment that ``key_variable`` names.
    """

    kme_id: Name
    peer_id: Name
    peer_url: HttpsUrl
    listen_url: HttpsUrl
    peer_listen_url: HttpsUrl
    metrics_listen_url: HttpUrl | None = None
    database: str
    certificate: Path
    certificate_key: Path
    authority: Path
    key_file: Path | None = None
    key_variable: str | None = None
    links: tuple[Name, ...] = ()
    saes: dict[str, Name] = {}
    pool: PoolConfig = PoolConfig()
    delivery: DeliveryConfig = DeliveryConfig()
    retention_s: Annotated[float, Field(gt=0)] = RETENTION_S

    def settings(self, folder: Path) -> KmeSettings:
        """As a KME takes them; ``InputError`` for figures that do not fit together."""
        shared = self.database.startswith(DATABASE_SCHEME)
        limits = self.pool.model_dump() | {"lifetime_s": self.pool.lifetime_s or None}
        variable = self.key_variable
        return KmeSettings(
            kme_id=self.kme_id,
            peer_id=self.peer_id,
            peer_url=self.peer_url,
            database=self.database if shared else folder / self.database,
            sealing=KeyVariable(variable)
            if variable
            else KeyFile(folder / (self.key_file or f"{self.kme_id}.sealing")),
            tls=TlsFiles(
                folder / self.certificate, folder / self.certificate_key, folder / self.authority
            ),
            saes=self.saes,
            links=self.links,
            limits=PoolLimits(**limits),
            delivery=DeliveryLimits(**self.delivery.model_dump()),
            retention_s=self.retention_s,
        )


class LinkConfig(_Model):
    """The simulated link between two KMEs, which answer it at ``ends``."""

    link_id: Name
    ends: tuple[HttpsUrl, HttpsUrl]
    certificate: Path
    certificate_key: Path
    authority: Path
    pulses: Annotated[int, Field(ge=1 << 12, le=1 << 26)] = 1 << 18
    patience: Annotated[int, Field(ge=1)] = 5

    def tls(self, folder: Path) -> TlsFiles:
        """Who the link is."""
        return TlsFiles(
            folder / self.certificate, folder / self.certificate_key, folder / self.authority
        )


Kind = TypeVar("Kind", bound=BaseModel)


def read(kind: type[Kind], path: Path) -> Kind:
    """The configuration in ``path``; ``ConfigError`` with each key that is wrong."""
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(str(path), [f"expected a TOML file: {error}"]) from error
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in entry['loc'])}: {entry['msg']}"
            for entry in error.errors()
        ]
        raise ConfigError(str(path), problems) from None
