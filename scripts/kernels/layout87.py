"""Where everything stands while an ML-DSA-87 signature is verified, and the constants in lanes.

Calldata of the kernel:
    0x0000  the four contracts that hold the expanded key, a word each
    0x0080  the signature: c_tilde (64), z (7 x 640), hint (83)
    0x1293  M' = 0 || len(ctx) || ctx || M, to the end

Memory, in bytes:
    0x0000  STATE, 25 words: the Keccak state, each lane four times in its word
    0x0320  SCRATCH_Y, SCRATCH_Z, 25 words each: the permutation's
    0x0960  MU, 8 words: mu's lanes, four times in a word; then C_LANES, 2 words: c_tilde's lanes
    0x0aa0  W1, 32 words: word g of a set has 16 coefficients of four rows, four bits each
    0x0ea0  STREAM, 4 words: bytes of SampleInBall; a message block while mu is hashed
    0x0f40  TABLE: the transform's
    0x1700  POLYS, 512 words: z and c, then the rows of w
    0x5700  KEY: a window of the expanded key
"""

from __future__ import annotations

from scripts.kernels.mldsa87 import GAMMA1, GAMMA2, Q

# Calldata
CD_KEY = 0x00
CD_SIGNATURE = 0x80
CD_C_TILDE = CD_SIGNATURE
CD_Z = CD_SIGNATURE + 64
CD_HINT = CD_Z + 7 * 640
CD_MESSAGE = CD_SIGNATURE + 4627
assert CD_MESSAGE == 0x1293

# Memory
STATE = 0x0000
SCRATCH_Y = 0x0320
SCRATCH_Z = 0x0640
MU = 0x0960
C_LANES = 0x0A60
W1 = 0x0AA0
STREAM = 0x0EA0
TABLE = 0x0F40
POLYS = 0x1700
KEY = 0x5700

LANES = 4
LANE_BITS = 64


def lanes(value: int) -> int:
    """``value`` in each of the four lanes of a word."""
    assert 0 <= value < 1 << LANE_BITS
    return sum(value << (LANE_BITS * lane) for lane in range(LANES))


REPEAT = lanes(1)
M8 = lanes(0x00FF00FF00FF00FF)
M16 = lanes(0x0000FFFF0000FFFF)
M32 = lanes(0x00000000FFFFFFFF)
M20 = lanes((1 << 20) - 1)
M64 = (1 << 64) - 1
TOP_LANE = M64 << 192
Q_LANES = lanes(Q)
GAMMA1_LANES = lanes(GAMMA1 + Q)
W1_OFFSET = GAMMA2 - 1 + 512

STRIDE = 32
SET_OFFSET = 256 * 32
"""Word i of set s stands at POLYS + s * SET_OFFSET + i * STRIDE."""


def word(set_: int, index: int) -> int:
    """The offset of a word from the place of index 0."""
    return set_ * SET_OFFSET + index * STRIDE
