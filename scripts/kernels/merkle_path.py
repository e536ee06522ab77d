"""Where the nodes of a Merkle path go: left or right, by the bits of the leaf's index.

In a tree, the node of level h goes to M_1 if bit h of the index is 0 and to M_2 if it is 1, and its
sibling to the other. One multiplication spreads the bits of the index over lanes of 16 bits, which
become the places of all nodes of the path; BYTE then reads one. Places are below 256.
"""

from __future__ import annotations

from scripts.kernels.asm import Asm
from scripts.kernels.winternitz import lanes


def places(asm: Asm, levels: int, n: int, m_1: int) -> None:
    """From the index on top: it stays, then "places" and "siblings" with a lane for each level.

    M_1 is at ``m_1`` and M_2 at ``m_1 + n``; ``n`` is a power of two.
    """
    shift = n.bit_length() - 1
    asm.dup(asm.stack[-1])
    # Bit i of the index, times 2^(15 i + shift), is bit ``shift`` of lane i.
    asm.push(sum(1 << (15 * i + shift) for i in range(levels)))
    asm.op("MUL")
    asm.push(lanes(n, 16, levels))
    asm.op("AND")
    asm.push(lanes(m_1, 16, levels))
    asm.op("ADD", "places")
    asm.dup("places")
    asm.push(lanes(2 * m_1 + n, 16, levels))
    asm.op("SUB", "siblings")


def lane(asm: Asm, name: str, level: int) -> None:
    """The place in ``name`` for ``level``."""
    asm.dup(name)
    asm.push(31 - 2 * level)
    asm.op("BYTE", "place")
