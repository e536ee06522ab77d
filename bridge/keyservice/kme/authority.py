"""A certificate authority for development and tests: one folder, one command, no revocation.

An operator of real KMEs has an authority of his own; what this one makes has the same form. The
name of a KME, an SAE or a link is the common name of its certificate.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bridge.domain.errors import ConfigError, InputError
from bridge.keyservice.secretfile import private_folder, write_private_text
from bridge.keyservice.tlsfiles import TlsFiles

AUTHORITY = "authority"
MAXIMUM_NAME = 64
"""Longest common name (RFC 5280, ub-common-name)."""
DEFAULT_HOSTS = ("localhost", "127.0.0.1", "::1")


class Role(Enum):
    """What a certificate is for: a KME both serves and calls the other."""

    SERVER = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
    CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority in a folder."""

    folder: Path

    @classmethod
    def create(cls, folder: Path, days: int = 365) -> Authority:
        """A new authority; ``ConfigError`` where there is one already."""
        if (folder / f"{AUTHORITY}.pem").exists():
            raise ConfigError(str(folder), ["expected no certificate authority, got one"])
        private_folder(folder)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("AstraLink development authority")
        builder = _builder(name, name, key.public_key(), days).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
        certificate = builder.sign(key, hashes.SHA256())
        _write(folder / AUTHORITY, certificate, key)
        return cls(folder)

    def issue(
        self, name: str, role: Role, hosts: Sequence[str] = DEFAULT_HOSTS, days: int = 90
    ) -> TlsFiles:
        """A certificate for ``name``; a server's is for ``hosts``.

        ``InputError`` for a name that cannot be one, ``ConfigError`` when it has one already or
        there is no authority.
        """
        if not 1 <= len(name) <= MAXIMUM_NAME or not name.isprintable() or "/" in name:
            raise InputError(
                f"name: expected 1 to {MAXIMUM_NAME} printable characters but no /, got {name!r}"
            )
        stem = self.folder / name
        if name == AUTHORITY or stem.with_name(f"{name}.pem").exists():
            raise ConfigError(str(self.folder), [f"expected a name without a certificate: {name}"])
        authority, authority_key = self._load()
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(authority.subject, _name(name), key.public_key(), days)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        )
        builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage(role.value), critical=False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        if role is Role.SERVER:
            names = x509.SubjectAlternativeName([_host(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        _write(stem, builder.sign(authority_key, hashes.SHA256()), key)
        return self.files(name)

    def files(self, name: str) -> TlsFiles:
        """Where the certificate of ``name`` is, with its key and the authority's."""
        return TlsFiles(
            certificate=self.folder / f"{name}.pem",
            key=self.folder / f"{name}.key",
            authority=self.folder / f"{AUTHORITY}.pem",
        )

    def _load(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        files = self.files(AUTHORITY)
        try:
            certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
            key = serialization.load_pem_private_key(files.key.read_bytes(), None)
        except (OSError, ValueError) as error:
            raise ConfigError(
                str(self.folder), [f"expected a certificate authority: {error}"]
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ConfigError(str(files.key), ["expected a key on an elliptic curve"])
        return certificate, key


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))  # clocks differ
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _write(stem: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_private_text(stem.with_name(f"{stem.name}.key"), pem.decode())
    public = certificate.public_bytes(serialization.Encoding.PEM).decode()
    write_private_text(stem.with_name(f"{stem.name}.pem"), public)
