"""A bridge between EVM chains whose attestations are post-quantum signatures verified on chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.domain.version import VERSION

if TYPE_CHECKING:
    from bridge.quantum.distribution.generation import QuantumKeyDistribution

__version__ = VERSION
__all__ = ["QuantumKeyDistribution", "__version__"]


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: numba takes a second, and the command line needs it seldom.
    if name == "QuantumKeyDistribution":
        from bridge.quantum.distribution.generation import QuantumKeyDistribution

        return QuantumKeyDistribution
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
