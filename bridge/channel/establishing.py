"""`QuantumSecureChannel`: from a link to managed key in three steps."""

from __future__ import annotations

from bridge.quantum.distribution.generation import QuantumKeyDistribution
from bridge.quantum.memory.correction import QuantumErrorCorrection
from bridge.quantum.memory.manager import QuantumStateManager


class QuantumSecureChannel:
    """A link, error correction, and the manager that has the keys in the end.

    The three may be replaced by ones with other settings before the channel is established: a
    memory lane, other decoders, a manager over the key service's pool. Their errors are raised as
    they are; after one that is ``retryable`` the channel may be established again.

    >>> import asyncio
    >>> channel = QuantumSecureChannel()
    >>> asyncio.run(channel.establish_secure_channel())
    >>> [key.provenance.source for key in channel.state_manager.keys()]
    ['bb84-simulation']
    """

    def __init__(self) -> None:
        self.qkd_system = QuantumKeyDistribution()
        self.error_correction = QuantumErrorCorrection()
        self.state_manager = QuantumStateManager()

    async def establish_secure_channel(self) -> None:
        """Generate keys, correct them, and admit the result to the manager."""
        keys = await self.qkd_system.generate_keys()
        corrected_keys = self.error_correction.apply_correction(keys)
        self.state_manager.initialize_state(corrected_keys)
