"""Which of the instructions that the kernels use this processor has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from llvmlite import binding


@dataclass(frozen=True, slots=True)
class Processor:
    """``bit_extract`` is BMI2; ``carry_less`` PCLMULQDQ; ``wide_carry_less`` VPCLMULQDQ on AVX2."""

    bit_extract: bool
    carry_less: bool
    wide_carry_less: bool


@cache
def processor() -> Processor:
    """What LLVM says of the processor that this runs on. Machine code is cached by the same."""
    features = binding.get_host_cpu_features()
    has = {name for name, present in features.items() if present}
    return Processor(
        bit_extract="bmi2" in has,
        carry_less="pclmul" in has,
        wide_carry_less={"vpclmulqdq", "avx2"} <= has,
    )
