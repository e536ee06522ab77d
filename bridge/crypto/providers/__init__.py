"""The libraries behind the facades, the choice among them, and what each of them has.

Each library is imported in its own module here and nowhere else, and only when it is asked for.
"""

from bridge.crypto.providers.registry import (
    SETTINGS,
    ProviderRow,
    Providers,
    provider_report,
    select,
)

__all__ = ["SETTINGS", "ProviderRow", "Providers", "provider_report", "select"]
