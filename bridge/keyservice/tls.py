"""Mutual TLS: contexts of both sides, and who the other side is by its certificate."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from bridge.domain.errors import ConfigError

CLIENT_CERTIFICATE = "client_certificate"
"""Where a request's state has the client's certificate, in DER."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate with its key, and the authority that both sides' certificates come from."""

    certificate: Path
    key: Path
    authority: Path

    def server_context(self) -> ssl.SSLContext:
        """TLS 1.2 or later, for clients that bring a certificate of the authority only.

        ``ConfigError`` for files that are no such thing.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_REQUIRED
        return self._loaded(context)

    def client_context(self) -> ssl.SSLContext:
        """TLS 1.2 or later, to servers that bring a certificate of the authority for their host."""
        return self._loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def _loaded(self, context: ssl.SSLContext) -> ssl.SSLContext:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        for path in (self.authority, self.certificate, self.key):
            if not path.is_file():
                raise ConfigError(str(path), ["expected a file of PEM, got none"])
        try:
            context.load_verify_locations(self.authority)
            context.load_cert_chain(self.certificate, self.key)
        except ssl.SSLError as error:
            raise ConfigError(
                str(self.certificate),
                [f"expected a certificate in PEM with its key {self.key}: {error}"],
            ) from error
        return context


class CertifiedProtocol(H11Protocol):
    """Gives each request the certificate that the client's connection was made with.

    uvicorn does not put it into the scope; what stands in the state that it copies for each request
    comes there.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Looks at the certificate once a connection."""
        super().connection_made(transport)
        tls: Any = transport.get_extra_info("ssl_object")
        certificate = None if tls is None else tls.getpeercert(binary_form=True)
        self.app_state = {**self.app_state, CLIENT_CERTIFICATE: certificate}


def caller(scope: Scope) -> str | None:
    """The common name of the client's certificate; None where there is none, or not one."""
    certificate = scope.get("state", {}).get(CLIENT_CERTIFICATE)
    if certificate is None:
        return None
    names = x509.load_der_x509_certificate(certificate).subject.get_attributes_for_oid(
        NameOID.COMMON_NAME
    )
    return str(names[0].value) if len(names) == 1 else None
