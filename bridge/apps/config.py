"""The configuration: one TOML file, checked whole before anything starts.

Paths in it are relative to the file's folder. A variable ``ASTRALINK_...`` with ``__`` between the
levels wins over the file, as ``ASTRALINK_KEY_SERVICE__URL``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from bridge.apps.keyservice_config import (
    CertificateConfig,
    CertifiedConfig,
    ForeignKmeConfig,
    KeyStorageConfig,
    RotationConfig,
)
from bridge.apps.verdicts_config import PolicyConfig, VerdictsConfig
from bridge.chain.client import ChainSettings
from bridge.domain.errors import ConfigError, UnknownDomain

FILE_NAME = "astralink.toml"
ENVIRONMENT_PREFIX = "ASTRALINK_"
FOLDER_VARIABLE = "ASTRALINK_STATE"
DEFAULT_FOLDER = Path(".astralink")

GIVEN_TWICE = "given_twice"
IN_CHAIN = "in_chain"
DEFAULT_AGREEMENT = 2


def _url(text: str) -> str:
    """``text`` when it has host and port as they may be; ``PydanticCustomError`` otherwise."""
    try:
        parts = urlsplit(text)
        good = parts.hostname and parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:  # a port above 65535 or of letters, a bracket without its other
        good = False
    if not good or any(letter.isspace() for letter in text):
        raise PydanticCustomError("url", "expected an address as http://127.0.0.1:8545")
    return text


def _number(value: object) -> object:
    """``value`` unless it is true or false, which TOML tells from numbers and Python does not."""
    if isinstance(value, bool):
        raise PydanticCustomError("number", "expected a number")
    return value


def _ws_url(text: str) -> str:
    """``text`` when it is the address of a WebSocket."""
    scheme, _, rest = text.partition("://")
    if scheme not in ("ws", "wss"):
        raise PydanticCustomError("ws_url", "expected an address as ws://127.0.0.1:8545")
    _url(f"http://{rest}")
    return text


def _empty(value: object) -> object:
    """None for an empty text: a variable can say that there is none."""
    return None if value == "" else value


def _listen_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != "http" or parts.port is None:
        raise PydanticCustomError("listen", "expected an address as http://127.0.0.1:8549")
    return text


Url = Annotated[str, AfterValidator(_url)]
ListenUrl = Annotated[Annotated[Url, AfterValidator(_listen_url)] | None, BeforeValidator(_empty)]
WsUrl = Annotated[str, AfterValidator(_ws_url)]
Number = BeforeValidator(_number)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChainConfig(_Model):
    """One chain: its domain in messages, its chain id, and where it answers.

    ``rpc_url`` for one endpoint or ``rpc_urls`` for several, the preferred first. An attestor
    signs what ``agreement`` of them say alike: two by default, where there are as many. One that
    is more than ``lag_blocks`` behind most others is left. New heads at ``ws_url`` are a reason to
    look at once, and never believed; with it the relayer's ``poll_interval_s`` may be long.
    """

    domain: Annotated[int, Field(ge=1, lt=1 << 32), Number]
    chain_id: Annotated[int, Field(ge=1, lt=1 << 64), Number]
    rpc_url: Url | None = None
    rpc_urls: Annotated[tuple[Url, ...], Field(min_length=1)] | None = None
    ws_url: WsUrl | None = None
    agreement: Annotated[int, Field(ge=1), Number] | None = None
    lag_blocks: Annotated[int, Field(ge=0), Number] = 16
    timeout_s: Annotated[float, Field(gt=0, le=600), Number] = 30.0

    @model_validator(mode="after")
    def _endpoints(self) -> ChainConfig:
        problem = None
        if self.rpc_url is None and self.rpc_urls is None:
            problem = "rpc_url: missing"
        elif self.rpc_url is not None and self.rpc_urls is not None:
            problem = "rpc_url: expected it or rpc_urls, got both"
        elif len(set(self.urls)) != len(self.urls):
            problem = f"rpc_urls: expected each address once, got {list(self.urls)}"
        elif self.agreement is not None and self.agreement > len(self.urls):
            problem = (
                f"agreement: expected at most {len(self.urls)}, as many as there are addresses, "
                f"got {self.agreement}"
            )
        if problem is not None:
            raise PydanticCustomError(IN_CHAIN, "endpoints", {"problem": problem})
        return self

    @property
    def urls(self) -> tuple[str, ...]:
        """All addresses, the preferred first."""
        return (self.rpc_url,) if self.rpc_url is not None else self.rpc_urls or ()

    @property
    def needed_agreement(self) -> int:
        """How many endpoints must say alike what an attestor signs."""
        return self.agreement or min(DEFAULT_AGREEMENT, len(self.urls))


class KeyServiceConfig(_Model):
    """Where the key service answers and the file with its token; which library signs in it.

    An address as https://... is asked with the certificate of ``client``. ``kme`` stands in for the
    simulated link, ``certified`` is a second address over mutual TLS.
    """

    url: Url
    token_file: Path
    provider: str = "default"
    client: CertificateConfig | None = None
    kme: ForeignKmeConfig | None = None
    certified: CertifiedConfig | None = None
    rotation: RotationConfig = RotationConfig()
    storage: KeyStorageConfig = KeyStorageConfig()


JOURNAL_SCHEME = "postgresql+psycopg://"


def _journal(value: object) -> object:
    """A path, but for the address of a PostgreSQL; what is no text is the validator's to refuse."""
    if isinstance(value, str) and not value.startswith(JOURNAL_SCHEME):
        return Path(value)
    return value


def _journal_place(value: object) -> Path | str:
    if not isinstance(value, Path | str):
        raise ValueError(f"expected a path or {JOURNAL_SCHEME}host/name")
    return value


Journal = Annotated[Any, BeforeValidator(_journal), AfterValidator(_journal_place)]


class RelayerConfig(_Model):
    """The relayer's files and how often it looks, in seconds.

    ``journal`` is a file, or postgresql+psycopg://host/name for several relayers, each of which has
    a ``replica`` name and an account of its own. At ``listen_url`` it tells metrics, health and
    whether it is ready; without it nothing listens. With ``verdicts`` only messages between
    contracts that are verified are relayed, and the others wait.
    """

    deployment: Path
    journal: Journal
    account_key_file: Path
    replica: Annotated[str, Field(min_length=1, max_length=64)] = "relayer"
    poll_interval_s: Annotated[float, Field(gt=0, le=60), Number] = 0.25
    listen_url: ListenUrl = None
    verdicts: PolicyConfig | None = None


class AttestorConfig(_Model):
    """Where an attestor answers and the file with its token.

    ``signers`` are the labels of the keys that it signs with, where it runs on this machine.
    """

    url: Url
    token_file: Path
    signers: tuple[Annotated[str, Field(min_length=1)], ...] = ()


class AttestingConfig(_Model):
    """The folder of the attestors of this machine, and how often they look, in seconds."""

    folder: Path = Path("attestors")
    poll_interval_s: Annotated[float, Field(gt=0, le=60), Number] = 1.0


class TelemetryConfig(_Model):
    """Where an OpenTelemetry collector takes OTLP over HTTP, as http://127.0.0.1:4318.

    Without ``otlp_url`` there are no traces.
    """

    otlp_url: Annotated[Url | None, BeforeValidator(_empty)] = None


class _Variables(EnvSettingsSource):
    """The environment, with each chain's name spelled as in the file: variables have no case."""

    def __init__(self, settings: type[BaseSettings], names: Collection[str]) -> None:
        super().__init__(settings)
        self._names = {name.lower(): name for name in names}

    def __call__(self) -> dict[str, Any]:
        """What the variables say, by field."""
        found = super().__call__()
        chains = found.get("chains")
        if isinstance(chains, dict):
            found["chains"] = {self._names.get(name, name): chains[name] for name in chains}
        return found


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
    attesting: AttestingConfig = AttestingConfig()
    attestors: tuple[AttestorConfig, ...] = ()
    telemetry: TelemetryConfig = TelemetryConfig()
    verdicts: VerdictsConfig | None = None

    @field_validator("chains")
    @classmethod
    def _distinct(cls, chains: dict[str, ChainConfig]) -> dict[str, ChainConfig]:
        problems = []
        for field in ("domain", "chain_id"):
            owners: dict[int, str] = {}
            for name, chain in chains.items():
                value = getattr(chain, field)
                owner = owners.setdefault(value, name)
                if owner != name:
                    what = field.replace("_", " ")
                    problems.append(
                        f"chains.{name}.{field}: expected another {what} than chain {owner} has, "
                        f"got {value}"
                    )
        if problems:
            raise PydanticCustomError(GIVEN_TWICE, "given twice", {"problems": problems})
        return chains

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
        assert isinstance(init_settings, InitSettingsSource)
        chains = init_settings.init_kwargs.get("chains")
        names = chains if isinstance(chains, dict) else ()
        return _Variables(settings_cls, names), init_settings

    def chain(self, name: str) -> ChainSettings:
        """How to reach the chain ``name``; ``UnknownDomain`` when it is not configured."""
        if name not in self.chains:
            raise UnknownDomain(name, sorted(self.chains))
        chain = self.chains[name]
        first, *others = chain.urls
        return ChainSettings(
            name,
            chain.domain,
            chain.chain_id,
            first,
            chain.timeout_s,
            tuple(others),
            chain.lag_blocks,
        )

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
        problems = [problem for entry in error.errors() for problem in _problems(entry)]
        raise ConfigError(str(path), problems) from None
    except SettingsError as error:
        raise ConfigError("environment", [f"{ENVIRONMENT_PREFIX}...: {error}"]) from error
    folder = path.resolve().parent
    policy, verdicts = config.relayer.verdicts, config.verdicts
    return config.model_copy(
        update={
            "verdicts": verdicts and verdicts.resolved(folder),
            "key_service": config.key_service.model_copy(
                update={
                    "token_file": folder / config.key_service.token_file,
                    **{
                        name: part.resolved(folder)
                        for name in ("client", "kme", "certified")
                        if (part := getattr(config.key_service, name)) is not None
                    },
                }
            ),
            "relayer": config.relayer.model_copy(
                update={
                    **{
                        name: folder / getattr(config.relayer, name)
                        for name in ("deployment", "journal", "account_key_file")
                        if isinstance(getattr(config.relayer, name), Path)
                    },
                    "verdicts": policy and policy.resolved(folder),
                }
            ),
            "attesting": config.attesting.model_copy(
                update={"folder": folder / config.attesting.folder}
            ),
            "attestors": tuple(
                one.model_copy(update={"token_file": folder / one.token_file})
                for one in config.attestors
            ),
        }
    )


def _problems(entry: Any) -> list[str]:
    if entry["type"] == GIVEN_TWICE:
        return list(entry["ctx"]["problems"])
    where = ".".join(str(part) for part in entry["loc"])
    if entry["type"] == IN_CHAIN:
        return [f"{where}.{entry['ctx']['problem']}"]
    if entry["type"] == "missing":
        return [f"{where}: missing"]
    if entry["type"] == "extra_forbidden":
        return [f"{where}: unknown key"]
    got = "" if isinstance(entry["input"], dict) else f", got {entry['input']!r}"
    return [f"{where}: {entry['msg']}{got}"]
