"""What a key is required to be, and the length that it may have."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.errors import InputError


@dataclass(frozen=True, slots=True)
class Security:
    """The key is ``epsilon_secrecy``-secret and ``epsilon_correctness``-correct.

    ``correction_efficiency`` f says what error correction is taken to announce, f n h(E) bits,
    where no correction ran: 1.16 is the customary figure (Lim et al. 2014, section IV).
    """

    epsilon_secrecy: float = 1e-10
    epsilon_correctness: float = 1e-15
    correction_efficiency: float = 1.16

    def __post_init__(self) -> None:
        for name in ("epsilon_secrecy", "epsilon_correctness"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise InputError(f"{name}: expected between 0 and 1, got {getattr(self, name)}")
        if self.correction_efficiency < 1.0:
            raise InputError(
                f"correction efficiency: expected at least 1, Shannon's limit, got "
                f"{self.correction_efficiency}"
            )


@dataclass(frozen=True, slots=True)
class KeyLength:
    """The secret bits of a block and what they were reckoned from.

    ``sifted`` bits in the basis of the key, with error rate ``qber``; at least ``single_photons``
    and ``vacuum`` of them from pulses of one and no photon (for entangled pairs all are counted as
    single photons); ``phase_error_upper`` bounds the phase error rate of the former; ``leak_bits``
    were announced in error correction. ``bits`` is 0 where nothing is left.
    """

    bits: int
    sifted: float
    qber: float
    single_photons: float
    vacuum: float
    phase_error_upper: float
    leak_bits: float

    @property
    def secret_fraction(self) -> float:
        """Secret bits for each sifted bit."""
        return self.bits / self.sifted if self.sifted else 0.0
