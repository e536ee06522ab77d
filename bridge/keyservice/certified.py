"""Who a client is by the certificate that its connection was made with."""

from __future__ import annotations

import asyncio
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

CLIENT_CERTIFICATE = "client_certificate"
"""Where a request's state has the client's certificate, in DER."""


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
