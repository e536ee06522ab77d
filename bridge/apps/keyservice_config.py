"""The parts of ``[key_service]`` that are left out where nobody needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from bridge.apps.addresses import HttpsUrl
from bridge.keyservice.tlsfiles import TlsFiles

RIGHTS = r"^(read|checkpoint|rotation|decapsulate|administer)$"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CertificateConfig(_Model):
    """A certificate with its key, and the authority that the other side's comes from."""

    certificate: Path
    certificate_key: Path
    authority: Path

    def resolved(self, folder: Path) -> Self:
        """The same with its paths below ``folder``."""
        names = ("certificate", "certificate_key", "authority")
        return self.model_copy(update={name: folder / getattr(self, name) for name in names})

    @property
    def tls(self) -> TlsFiles:
        """The files."""
        return TlsFiles(self.certificate, self.certificate_key, self.authority)


class ForeignKmeConfig(CertificateConfig):
    """Somebody else's KME, that seeds are drawn from in place of the simulated link.

    The keys are those that this service, an SAE there, shares with ``slave_sae_id``. ``simulated``
    says what the operator knows of the KME's link.
    """

    url: HttpsUrl
    slave_sae_id: Annotated[str, Field(min_length=1, max_length=256)]
    simulated: bool = False


class GrantConfig(_Model):
    """What the holder of the certificate ``name`` may do with the keys of ``labels``."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    rights: tuple[Annotated[str, Field(pattern=RIGHTS)], ...]
    labels: tuple[str, ...] = ()


class CertifiedConfig(CertificateConfig):
    """A second address of the service, over mutual TLS, for callers with grants."""

    listen_url: HttpsUrl
    grants: tuple[GrantConfig, ...] = ()


class RotationConfig(_Model):
    """A `RotationPolicy`."""

    max_age_s: Annotated[float, Field(gt=0)] | None = None
    max_uses: Annotated[int, Field(gt=0)] | None = None
    overlap_s: Annotated[float, Field(gt=0)] | None = None


class KeyStorageConfig(_Model):
    """Where keys are kept where a file beside the service will not do, and for how long.

    ``database`` is the address of a PostgreSQL, ``sealing_key_variable`` the variable of the
    environment that has the sealing key as 64 hex digits. What was made of a block is remembered
    for ``retention_s``, 30 days where it is not given (`bridge.keyservice.retention`).
    """

    database: Annotated[str, Field(pattern=r"^postgresql\+psycopg://")] | None = None
    sealing_key_variable: Annotated[str, Field(min_length=1)] | None = None
    retention_s: Annotated[float, Field(gt=0)] | None = None
