"""Choice of providers by setting, and the report that ``astralink doctor`` prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridge.crypto.kem import KemProvider
from bridge.crypto.signatures import RoutedSignatures, SignatureProvider
from bridge.domain.errors import ConfigError, ProviderMissing
from bridge.domain.keys import Algorithm

SETTINGS: Final = ("default", "liboqs", "liboqs+default")


@dataclass(frozen=True, slots=True)
class Providers:
    """What a setting chose: one signature provider and one key encapsulation provider."""

    signatures: SignatureProvider
    kem: KemProvider


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """One library, as the doctor shows it.

    ``version`` is None when the library is not there. ``missing`` are the bridge's algorithms that
    it lacks. ``mend`` is one line that says what to do, empty when there is nothing to mend.
    """

    name: str
    version: str | None
    mechanisms: frozenset[Algorithm]
    missing: frozenset[Algorithm]
    mend: str

    @property
    def installed(self) -> bool:
        """Whether the library is there."""
        return self.version is not None


def select(setting: str = "default") -> Providers:
    """The providers of a setting; ``ConfigError`` for another word.

    ``default``: ``cryptography`` for ML-DSA-87 and ML-KEM-1024, ``pqcrypto`` for
    SLH-DSA-SHA2-128s. ``liboqs``: liboqs alone; ``ProviderMissing`` when it is not there, and an
    algorithm that it lacks is a ``MechanismMissing`` when it is used. ``liboqs+default``: liboqs,
    and the default for what it lacks.
    """
    if setting == "default":
        return _default()
    if setting == "liboqs":
        return _liboqs()
    if setting == "liboqs+default":
        return _liboqs_with_default()
    raise ConfigError("provider", [f"expected one of {', '.join(SETTINGS)}, got {setting!r}"])


def signature_providers() -> dict[str, Callable[[], SignatureProvider]]:
    """Every signature library by name; a call raises ``ProviderMissing`` if it is not there."""
    return {
        "cryptography": _pyca_signatures,
        "pqcrypto": _pqcrypto_signatures,
        "slh-dsa": _slh_dsa_signatures,
        "liboqs": _liboqs_signatures,
    }


def kem_providers() -> dict[str, Callable[[], KemProvider]]:
    """Every KEM library by name; a call raises ``ProviderMissing`` if it is not there."""
    return {"cryptography": _pyca_kem, "pqcrypto": _pqcrypto_kem, "liboqs": _liboqs_kem}


def provider_report() -> tuple[ProviderRow, ...]:
    """One row for each library that the bridge can use, in the order of preference."""
    kems = kem_providers()
    return tuple(
        _row(name, signatures, kems.get(name)) for name, signatures in signature_providers().items()
    )


def _row(
    name: str,
    signatures: Callable[[], SignatureProvider],
    kem: Callable[[], KemProvider] | None,
) -> ProviderRow:
    everything = frozenset(Algorithm)
    try:
        provider = signatures()
        mechanisms = provider.mechanisms()
        if kem is not None:
            mechanisms |= kem().mechanisms()
    except ProviderMissing as error:
        return ProviderRow(name, None, frozenset(), everything, str(error))
    missing = everything - mechanisms
    mend = ""
    if name == "liboqs" and missing:
        mend = (
            f"this build of liboqs has no {', '.join(sorted(missing))}: build a version that has, "
            "or choose provider = liboqs+default"
        )
    return ProviderRow(name, provider.version(), mechanisms, missing, mend)


def _default() -> Providers:
    return Providers(RoutedSignatures("default", _default_routes()), _pyca_kem())


def _default_routes() -> dict[Algorithm, SignatureProvider]:
    return {
        Algorithm.ML_DSA_87: _pyca_signatures(),
        Algorithm.SLH_DSA_SHA2_128S: _pqcrypto_signatures(),
    }


def _liboqs() -> Providers:
    return Providers(_liboqs_signatures(), _liboqs_kem())


def _liboqs_with_default() -> Providers:
    first = _liboqs()
    own = dict.fromkeys(first.signatures.mechanisms(), first.signatures)
    kem = first.kem if first.kem.mechanisms() else _pyca_kem()
    return Providers(RoutedSignatures("liboqs+default", _default_routes() | own), kem)


def _pyca_signatures() -> SignatureProvider:
    try:
        from bridge.crypto.providers.pyca import PycaSignatures
    except ImportError as error:
        raise _not_installed("cryptography", "cryptography>=50", error) from error
    return PycaSignatures()


def _pyca_kem() -> KemProvider:
    try:
        from bridge.crypto.providers.pyca import PycaKem
    except ImportError as error:
        raise _not_installed("cryptography", "cryptography>=50", error) from error
    return PycaKem()


def _pqcrypto_signatures() -> SignatureProvider:
    try:
        from bridge.crypto.providers.pqcrypto import PqcryptoSignatures
    except ImportError as error:
        raise _not_installed("pqcrypto", "pqcrypto slh-dsa", error) from error
    return PqcryptoSignatures()


def _pqcrypto_kem() -> KemProvider:
    try:
        from bridge.crypto.providers.pqcrypto import PqcryptoKem
    except ImportError as error:
        raise _not_installed("pqcrypto", "pqcrypto slh-dsa", error) from error
    return PqcryptoKem()


def _slh_dsa_signatures() -> SignatureProvider:
    try:
        from bridge.crypto.providers.slh_dsa import SlhDsaSignatures
    except ImportError as error:
        raise _not_installed("slh-dsa", "slh-dsa", error) from error
    return SlhDsaSignatures()


def _liboqs_signatures() -> SignatureProvider:
    from bridge.crypto.providers.liboqs import LiboqsSignatures

    return LiboqsSignatures()


def _liboqs_kem() -> KemProvider:
    from bridge.crypto.providers.liboqs import LiboqsKem

    return LiboqsKem()


def _not_installed(name: str, requirement: str, error: ImportError) -> ProviderMissing:
    return ProviderMissing(f"{name}: not installed ({error}); pip install {requirement}")
