"""Mutual TLS: the files of one side, and the contexts that they make."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from bridge.domain.errors import ConfigError


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
