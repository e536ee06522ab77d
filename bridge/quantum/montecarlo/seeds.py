"""Seeds for parts of a run, out of one for all of it."""

from __future__ import annotations

from hashlib import sha256

from bridge.domain.errors import InputError


def derived_seed(seed: int, *path: int | str) -> int:
    """63 bits for the part that ``path`` names: SHA-256 of the seed and the path.

    Depends on nothing else, so not on who does the part, or when. Good for simulations and for no
    secret.

    >>> derived_seed(1, "job", 2) == derived_seed(1, "job", 2) != derived_seed(1, "job", 3)
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed: expected a whole number from 0, got {seed!r}")
    # repr keeps 1 and "1" apart, and a tuple's keeps ("a", "b") and ("ab",) apart.
    digest = sha256(repr((seed, *path)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
