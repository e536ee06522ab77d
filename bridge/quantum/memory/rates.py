"""How much key a block has at an error rate, as the two ends reckon it before they start."""

from __future__ import annotations

from bridge.quantum.distillation.bounds import binary_entropy, final_length, twin_error_count
from bridge.quantum.ends.authentication import BLOCK_WORDS
from bridge.quantum.ends.cascade import FOLDED_PASSES, FRAMES, HALVING_PASSES
from bridge.quantum.ends.end import TAG_BITS, LinkParameters
from bridge.quantum.memory.pauli import probability

EFFICIENCY = 1.05
"""What Cascade's searches cost beside Shannon's limit; its last passes ask as much of any block."""

LAST_PASSES_BITS = FRAMES * HALVING_PASSES + FOLDED_PASSES

SIFTING_BITS = 64 * BLOCK_WORDS
"""What the conversation before, which sifted, takes back for its own authentication."""


def key_bits(parameters: LinkParameters, qber: float) -> int:
    """The key of one block whose bits differ at the rate ``qber``, authentication taken off."""
    length = parameters.block_bits
    rate = probability("QBER", qber)
    errors = min(length, round(rate * length))
    leak = int(EFFICIENCY * length * binary_entropy(rate)) + LAST_PASSES_BITS + TAG_BITS
    phase = twin_error_count(length, errors, (parameters.epsilon_secrecy / 4.0) ** 2)
    bits = final_length(length, phase, leak, 0.4995 * parameters.epsilon_secrecy)
    return max(0, 64 * (bits // 64) - 64 * BLOCK_WORDS - SIFTING_BITS)


def key_fraction(parameters: LinkParameters, qber: float) -> float:
    """Key bits for each bit of a block and its sample."""
    return key_bits(parameters, qber) / parameters.sifted_bits


def qber_limit(parameters: LinkParameters) -> float:
    """The lowest QBER that leaves no key, within 10^-6."""
    low, high = 0.0, 0.5
    if key_bits(parameters, low) == 0:
        return 0.0
    while high - low > 1e-6:
        middle = (low + high) / 2.0
        if key_bits(parameters, middle) > 0:
            low = middle
        else:
            high = middle
    return high
