"""A bridge between EVM chains whose attestations are post-quantum signatures verified on chain."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bridge.domain.version import VERSION

if TYPE_CHECKING:
    from bridge.channel.establishing import QuantumSecureChannel
    from bridge.quantum.distribution.generation import QuantumKeyDistribution
    from bridge.quantum.memory.correction import QuantumErrorCorrection
    from bridge.quantum.memory.manager import QuantumStateManager

__version__ = VERSION
__all__ = [
    "QuantumErrorCorrection",
    "QuantumKeyDistribution",
    "QuantumSecureChannel",
    "QuantumStateManager",
    "__version__",
]

_PLACES = {
    "QuantumErrorCorrection": "bridge.quantum.memory.correction",
    "QuantumKeyDistribution": "bridge.quantum.distribution.generation",
    "QuantumSecureChannel": "bridge.channel.establishing",
    "QuantumStateManager": "bridge.quantum.memory.manager",
}


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: numba takes a second, and the command line needs it seldom.
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
