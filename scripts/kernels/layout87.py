"""Where everything stands while an ML-DSA-87 signature is verified, and the constants in lanes.

Calldata of the kernel:
    0x0000  the first of the four contracts that hold the expanded key, or 0
    0x0020  the signature: c_tilde (64), z (7 x 640), hint (83)
    0x1233  M' = 0 || len(ctx) || ctx || M
and where the first word is 0, behind M' the key's four parts (65,536 bytes) and tr (64).

Memory, in bytes:
    0x0000  STATE, 25 words: the Keccak state, each lane four times in its word
    0x0320  MU, 8 words: mu's lanes as the state has them; then C_LANES, 2 words: c_tilde's lanes
    0x0460  W1, 32 words: word g of a set has 16 coefficients of four rows, four bits each
    0x0860  STREAM, 5 words: bytes of SampleInBall
    0x0900  PLACES, 4 words: where each part of the key is, a contract or a place in calldata
    0x0980  TABLE, 3,744 bytes: the twiddles and the transforms' scratch words
    0x1900  POLYS, 512 words: z and c, then the rows of w
    0x5900  KEY, 2,048 bytes: a window of the expanded key; before, tr and the message
"""

from __future__ import annotations

from scripts.kernels.mldsa87 import GAMMA1, GAMMA2, Q

# Calldata
CD_KEY = 0x00
CD_SIGNATURE = 0x20
CD_C_TILDE = CD_SIGNATURE
CD_Z = CD_SIGNATURE + 64
CD_HINT = CD_Z + 7 * 640
CD_MESSAGE = CD_SIGNATURE + 4627
assert CD_MESSAGE == 0x1233

# Memory
STATE = 0x0000
MU = STATE + 25 * 32
C_LANES = MU + 8 * 32
W1 = C_LANES + 2 * 32
STREAM = W1 + 32 * 32
PLACES = STREAM + 5 * 32
TABLE = PLACES + 4 * 32
POLYS = 0x1900  # a multiple of 256 behind the transforms' memory
KEY = POLYS + 512 * 32
assert (MU, W1, STREAM, TABLE, KEY) == (0x0320, 0x0460, 0x0860, 0x0980, 0x5900)

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

STRIDE = 64
SET_OFFSET = 32
"""Word i of set s stands at POLYS + s * SET_OFFSET + i * STRIDE."""


def word(set_: int, index: int) -> int:
    """The offset of a word from the place of index 0."""
    return set_ * SET_OFFSET + index * STRIDE
