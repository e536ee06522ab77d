"""Amplification's plain twin: Carter and Wegman's hash over a Mersenne prime, in Python's integers.

h(x) = ((a x + b) mod p) mod 2^m with p = 2^q - 1, a from 1 to p - 1 and b from 0 to p - 1 (as in
Carter and Wegman 1979, doi 10.1016/0022-0000(79)90044-8). For x != y the pair of values mod p is
uniform on the pairs of different residues, and at most ceil(p / 2^m) - 1 of the other p - 1
residues agree with one in their m low bits: a collision has probability at most 2^-m. Leaving out
the prime, a x mod 2^n >> s, would not give that.
"""

from __future__ import annotations

from bridge.domain.errors import InputError

# fmt: off
MERSENNE_EXPONENTS = frozenset((
    3, 5, 7, 13, 17, 19, 31, 61, 89, 107, 127, 521, 607, 1279, 2203, 2281, 3217, 4253, 4423, 9689,
    9941, 11213, 19937, 21701, 23209, 44497, 86243, 110503, 132049, 216091, 756839, 859433,
    1257787, 1398269, 2976221, 3021377,
))
# fmt: on
"""q for which 2^q - 1 is prime, up to three million (OEIS A000043, less 2)."""


def collision_bound(exponent: int, length: int) -> float:
    """The largest probability with which two inputs below p have one key of ``length`` bits."""
    prime = (1 << exponent) - 1
    return (-(-prime // (1 << length)) - 1) / (prime - 1)


def modular_hash(value: int, multiplier: int, constant: int, exponent: int, length: int) -> int:
    """The key, ``length`` bits, of an input below 2^q - 1 for q = ``exponent``.

    ``InputError`` for numbers outside of their range.
    """
    if exponent not in MERSENNE_EXPONENTS:
        raise InputError(f"exponent: expected that of a Mersenne prime, got {exponent}")
    prime = (1 << exponent) - 1
    if not 0 < length <= exponent:
        raise InputError(f"key: expected 1 to {exponent} bits, got {length}")
    for name, number, least in (
        ("input", value, 0),
        ("multiplier", multiplier, 1),
        ("constant", constant, 0),
    ):
        if not least <= number < prime:
            raise InputError(f"{name}: expected {least} to 2^{exponent} - 2, got another number")
    total = multiplier * value + constant
    while total >> exponent:
        total = (total & prime) + (total >> exponent)
    if total == prime:
        total = 0
    return total & ((1 << length) - 1)
