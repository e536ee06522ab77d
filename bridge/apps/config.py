"""The configuration: one TOML file, checked whole before anything starts.

Paths in it are relative to the file's folder. A variable ``ASTRALINK_...`` with ``__`` between the
levels wins over the file, as ``ASTRALINK_KEY_SERVICE__URL``.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bridge.chain.client import ChainSettings
from bridge.domain.errors import ConfigError, UnknownDomain

FILE_NAME = "astralink.toml"
ENVIRONMENT_PREFIX = "ASTRALINK_"
FOLDER_VARIABLE = "ASTRALINK_STATE"
DEFAULT_FOLDER = Path(".astralink")

Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChainConfig(_Model):
    """One chain: its domain in messages, its chain id, and where it answers."""

    domain: Annotated[int, Field(ge=1, lt=1 << 32)]
    chain_id: Annotated[int, Field(ge=1, lt=1 << 64)]
    rpc_url: Url


class KeyServiceConfig(_Model):
    """Where the key service answers and the file with its token; which library signs in it."""

    url: Url
    token_file: Path
    provider: str = "default"


class RelayerConfig(_Model):
    """The relayer's files and how often it looks, in seconds."""

    deployment: Path
    journal: Path
    account_key_file: Path
    poll_interval_s: Annotated[float, Field(gt=0, le=60)] = 0.25


class Config(BaseSettings):
    """The whole configuration."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
    )

    chains: Annotated[dict[str, ChainConfig], Field(min_length=2)]
    key_service: KeyServiceConfig
    relayer: RelayerConfig

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for field in ("domain", "chain_id"):
            values = [getattr(chain, field) for chain in self.chains.values()]
            if len(set(values)) != len(values):
                raise ValueError(f"chains: expected each {field} once, got {values}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the file."""
        return env_settings, init_settings

    def chain(self, name: str) -> ChainSettings:
        """How to reach the chain ``name``; ``UnknownDomain`` when it is not configured."""
        if name not in self.chains:
            raise UnknownDomain(name, sorted(self.chains))
        chain = self.chains[name]
        return ChainSettings(name, chain.domain, chain.chain_id, chain.rpc_url)

    def name_of(self, domain: int) -> str:
        """The name of the chain with ``domain``; the number itself when it is not configured."""
        for name, chain in self.chains.items():
            if chain.domain == domain:
                return name
        return str(domain)


def state_folder(given: Path | None) -> Path:
    """The state folder: as given, else the variable ``ASTRALINK_STATE``, else ``.astralink``."""
    if given is not None:
        return given
    return Path(os.environ.get(FOLDER_VARIABLE, DEFAULT_FOLDER))


def load_config(path: Path) -> Config:
    """The configuration in ``path``, its paths made absolute.

    Raises ``ConfigError`` with every wrong, missing or unknown key and its path.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            str(path), ["expected a configuration file, got none; `astralink devnet up` makes one"]
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(str(path), [f"expected a TOML file: {error}"]) from error
    try:
        config = Config(**raw)
    except ValidationError as error:
        raise ConfigError(str(path), [_problem(entry) for entry in error.errors()]) from None
    folder = path.resolve().parent
    return config.model_copy(
        update={
            "key_service": config.key_service.model_copy(
                update={"token_file": folder / config.key_service.token_file}
            ),
            "relayer": config.relayer.model_copy(
                update={
                    name: folder / getattr(config.relayer, name)
                    for name in ("deployment", "journal", "account_key_file")
                }
            ),
        }
    )


def _problem(entry: Any) -> str:
    where = ".".join(str(part) for part in entry["loc"])
    if entry["type"] == "missing":
        return f"{where}: missing"
    if entry["type"] == "extra_forbidden":
        return f"{where}: unknown key"
    got = "" if isinstance(entry["input"], dict) else f", got {entry['input']!r}"
    return f"{where + ': ' if where else ''}{entry['msg']}{got}"
