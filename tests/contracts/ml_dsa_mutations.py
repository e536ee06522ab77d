"""Signatures of ML-DSA-87 changed in every part, as FIPS 204 packs them (Algorithms 20 and 26)."""

from __future__ import annotations

import random
from collections.abc import Callable

from scripts.kernels.mldsa87 import BETA, C_TILDE_BYTES, GAMMA1, OMEGA, SIGNATURE_BYTES, K, L, N

Z = slice(C_TILDE_BYTES, C_TILDE_BYTES + 640 * L)
HINT = Z.stop
COUNTS = HINT + OMEGA
BOUND = GAMMA1 - BETA
NEAR = [sign * (BOUND + by) for sign in (1, -1) for by in (-2, -1, 0, 1, 2)]
FAR = [GAMMA1, 1 - GAMMA1, 0, 1, -1]

Mutation = Callable[[random.Random, bytearray], None]


def flip(chance: random.Random, signature: bytearray, start: int, stop: int) -> None:
    """Another bit anywhere in a range of bytes."""
    signature[chance.randrange(start, stop)] ^= 1 << chance.randrange(8)


def flip_anywhere(chance: random.Random, signature: bytearray) -> None:
    flip(chance, signature, 0, SIGNATURE_BYTES)


def flip_c_tilde(chance: random.Random, signature: bytearray) -> None:
    flip(chance, signature, 0, C_TILDE_BYTES)


def other_c_tilde(chance: random.Random, signature: bytearray) -> None:
    signature[:C_TILDE_BYTES] = chance.randbytes(C_TILDE_BYTES)


def set_z(signature: bytearray, index: int, value: int) -> None:
    """Coefficient ``index`` of the 1,792 of z; ``value`` is above -gamma1, at most gamma1."""
    at, shift = Z.start + index // 2 * 5, 20 * (index % 2)
    pair = int.from_bytes(signature[at : at + 5], "little")
    pair = pair & ~(0xFFFFF << shift) | (GAMMA1 - value) << shift
    signature[at : at + 5] = pair.to_bytes(5, "little")


def z_at_the_bound(chance: random.Random, signature: bytearray) -> None:
    set_z(signature, chance.randrange(L * N), chance.choice(NEAR))


def z_far_off(chance: random.Random, signature: bytearray) -> None:
    set_z(signature, chance.randrange(L * N), chance.choice(FAR))


def all_z(chance: random.Random, signature: bytearray) -> None:
    value = chance.choice(NEAR + FAR)
    for index in range(L * N):
        set_z(signature, index, value)


def flip_hint(chance: random.Random, signature: bytearray) -> None:
    flip(chance, signature, HINT, SIGNATURE_BYTES)


def rows(signature: bytearray) -> list[list[int]]:
    """The positions of each row of a hint that is well-formed."""
    ends = [0, *signature[COUNTS:]]
    return [list(signature[HINT + ends[r] : HINT + ends[r + 1]]) for r in range(K)]


def put_rows(signature: bytearray, hint: list[list[int]]) -> None:
    """The rows as they are given, in whatever order; more than 75 positions are cut."""
    positions = bytes(p for row in hint for p in row)[:OMEGA]
    signature[HINT:COUNTS] = positions.ljust(OMEGA, b"\0")
    end = 0
    for row in range(K):
        end += len(hint[row])
        signature[COUNTS + row] = min(end, 255)


def hint_out_of_order(chance: random.Random, signature: bytearray) -> None:
    """The same set of positions, two of a row exchanged: who does not look sees nothing."""
    hint = rows(signature)
    row = chance.choice([row for row in hint if len(row) > 1])
    a, b = chance.sample(range(len(row)), 2)
    row[a], row[b] = row[b], row[a]
    put_rows(signature, hint)


def hint_repeated(chance: random.Random, signature: bytearray) -> None:
    """The same set of positions, one of them twice."""
    hint = rows(signature)
    row = chance.choice([row for row in hint if row])
    at = chance.randrange(len(row))
    row.insert(at, row[at])
    put_rows(signature, hint)


def hint_added(chance: random.Random, signature: bytearray) -> None:
    hint = rows(signature)
    row = chance.choice(hint)
    row.append(chance.choice([i for i in range(N) if i not in row]))
    row.sort()
    put_rows(signature, hint)


def hint_removed(chance: random.Random, signature: bytearray) -> None:
    hint = rows(signature)
    row = chance.choice([row for row in hint if row])
    row.pop(chance.randrange(len(row)))
    put_rows(signature, hint)


def hint_filled(chance: random.Random, signature: bytearray) -> None:
    """75 or 76 positions, in order."""
    hint = rows(signature)
    wanted = chance.choice([OMEGA, OMEGA + 1])
    while sum(map(len, hint)) < wanted:
        row = chance.choice(hint)
        row.append(chance.choice([i for i in range(N) if i not in row]))
        row.sort()
    put_rows(signature, hint)


def hint_padding(chance: random.Random, signature: bytearray) -> None:
    """Something behind the last position, where nothing is read but to refuse it.

    Where there are 75 positions it is the last of them that changes.
    """
    first = min(HINT + signature[COUNTS + K - 1], COUNTS - 1)
    at = chance.choice([first, COUNTS - 1, chance.randrange(first, COUNTS)])
    signature[at] ^= chance.randrange(1, 256)


def hint_count(chance: random.Random, signature: bytearray) -> None:
    signature[COUNTS + chance.randrange(K)] = chance.choice([0, 74, 75, 76, 77, 83, 127, 128, 255])


def hint_count_moved(chance: random.Random, signature: bytearray) -> None:
    """A position goes to the row before or after, or padding becomes a position."""
    at = COUNTS + chance.randrange(K)
    signature[at] = (signature[at] + chance.choice([1, -1])) % 256


def hint_empty(_chance: random.Random, signature: bytearray) -> None:
    signature[HINT:] = bytes(OMEGA + K)


def length(chance: random.Random, signature: bytearray) -> None:
    """From nothing to twice the length, often closely beside it."""
    near = SIGNATURE_BYTES + chance.choice([-32, -1, 1, 32])
    wanted = chance.choice([near, chance.randrange(2 * SIGNATURE_BYTES + 1)])
    signature[:] = (signature * 2)[:wanted]


def nothing(_chance: random.Random, _signature: bytearray) -> None:
    """Left as it is: valid."""


def noise(chance: random.Random, signature: bytearray) -> None:
    signature[:] = chance.randbytes(SIGNATURE_BYTES)


MUTATIONS: tuple[Mutation, ...] = (
    nothing,
    nothing,
    flip_anywhere,
    flip_c_tilde,
    other_c_tilde,
    z_at_the_bound,
    z_at_the_bound,
    z_far_off,
    all_z,
    flip_hint,
    hint_out_of_order,
    hint_repeated,
    hint_added,
    hint_removed,
    hint_filled,
    hint_padding,
    hint_count,
    hint_count_moved,
    hint_empty,
    length,
    noise,
)
