"""The keys and signatures that are measured, the same ones each time.

``scripts/bench_vectors.py`` made them once. A verifier's gas depends on the signature: ML-DSA's by
some hundred (SampleInBall's rejections, hints), SLH-DSA's by 233 for each step of a WOTS+ chain.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Vector:
    """A valid signature of ``message`` under ``ctx``."""

    public_key: bytes
    message: bytes
    ctx: bytes
    signature: bytes


@cache
def vectors() -> dict[str, Vector]:
    """The vectors by name: ml_dsa_87, slh_dsa_sha2_128s, slh_dsa_sha2_256s."""
    raw = json.loads((resources.files("bridge.apps.bench") / "vectors.json").read_text())
    message, ctx = bytes.fromhex(raw["message"]), bytes.fromhex(raw["ctx"])
    return {
        name: Vector(
            bytes.fromhex(one["public_key"]), message, ctx, base64.b64decode(one["signature"])
        )
        for name, one in raw["vectors"].items()
    }
