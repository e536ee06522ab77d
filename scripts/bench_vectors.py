"""Make the signatures that ``astralink bench gas`` measures: bridge/apps/bench/vectors.json.

    python scripts/bench_vectors.py

Seeds, message and context are fixed. SLH-DSA signs deterministically with the package slh-dsa;
ML-DSA-87 by a library that only signs hedged, so a new run gives another signature of it, and
figures that differ by some hundred gas.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

from slhdsa import SecretKey, sha2_128s, sha2_256s
from slhdsa.lowlevel.addresses import Address
from slhdsa.lowlevel.xmss import XMSS

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bridge.crypto.providers import select  # noqa: E402, the path comes first
from bridge.domain.keys import Algorithm  # noqa: E402

TARGET = ROOT / "bridge" / "apps" / "bench" / "vectors.json"
MESSAGE = bytes(range(32))
CTX = b"astralink/bench/v1"


def main() -> None:
    vectors = {}
    provider = select("default").signatures
    pair = provider.key_pair(Algorithm.ML_DSA_87, bytes([7]) * 32)
    signature = provider.sign(Algorithm.ML_DSA_87, pair.secret, MESSAGE, CTX)
    vectors["ml_dsa_87"] = (pair.public_key, signature)
    for name, parameters in (("slh_dsa_sha2_128s", sha2_128s), ("slh_dsa_sha2_256s", sha2_256s)):
        # FIPS 205, Algorithm 18: SK.seed || SK.prf || PK.seed, and PK.root of the topmost tree.
        n = parameters.n
        seeds = bytes(range(3 * n))
        top = Address(parameters.d - 1, 0)
        root = XMSS(parameters).node(seeds[:n], 0, parameters.h_m, seeds[2 * n :], top)
        public_key = seeds[2 * n :] + bytes(root)
        secret = SecretKey.from_digest(seeds + bytes(root), parameters)
        signature = bytes(secret.sign_pure(MESSAGE, randomize=False, ctx=CTX))
        vectors[name] = (public_key, signature)
    text = json.dumps(
        {
            "made by": "scripts/bench_vectors.py",
            "message": MESSAGE.hex(),
            "ctx": CTX.hex(),
            "vectors": {
                name: {"public_key": key.hex(), "signature": base64.b64encode(made).decode()}
                for name, (key, made) in vectors.items()
            },
        },
        indent=1,
    )
    TARGET.write_text(text + "\n")


if __name__ == "__main__":
    main()
