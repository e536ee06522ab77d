"""The Pauli frame: which measured bits the detection events say were flipped.

A decoder takes a circuit's detector error model, and then rows of detection events. Where one has
no answer, or one that is none, the next is asked; the last failure is told. That an answer is right
nothing here can know: what it leaves wrong is the reconciliation's, and verification's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import DecodingFailed, InputError
from bridge.quantum.basis import Basis
from bridge.quantum.distribution.syndromes import Events, MemoryRecord
from bridge.quantum.memory.holding import Memory

Flips = npt.NDArray[np.bool_]

Decode = Callable[[Events], Flips]
"""(shots, ceil(detectors / 8)) packed events -> (shots,) whether the observable flipped."""

BATCH_BYTES = 1 << 26


@dataclass(frozen=True, slots=True)
class Decoder:
    """``compile`` makes a `Decode` of a ``stim.DetectorErrorModel``; ``name`` is for reports."""

    name: str
    compile: Callable[[Any], Decode]


def _of_table(name: str, row: str) -> Decoder:
    """The decoder ``row`` of `codes.decoders`."""

    def compiled(model: Any) -> Decode:
        # Imported here: without its libraries a bare memory still has its frame.
        from bridge.quantum.codes.decoders import decoder_kind

        decode_batch = decoder_kind(row).compile(model).decode_batch
        return lambda events: decode_batch(events)[:, 0].astype(bool)

    return Decoder(name, compiled)


MATCHING = _of_table("matching", "matching")
CORRELATED = _of_table("correlated matching", "correlated")
NOTHING = _of_table("none", "none")
"""The one that does nothing, to compare with."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """``flips`` for each pair in the order of the bits; ``decoder`` names whose they are.

    ``failures`` says why the decoders before had none.
    """

    flips: Flips
    decoder: str
    failures: tuple[str, ...]


def decode_record(
    record: MemoryRecord, decoders: Sequence[Decoder] = (MATCHING, CORRELATED)
) -> Frame:
    """The frame of the first of ``decoders`` that has an answer for all of a record.

    Raises ``DecodingFailed`` when none has. A bare memory's frame is all zeros.
    """
    if not any(record.memory.detectors(basis) for basis in Basis):
        return Frame(np.zeros(len(record), dtype=bool), NOTHING.name, ())
    failures: list[str] = []
    for decoder in decoders:
        try:
            flips = np.zeros(len(record), dtype=bool)
            for number, basis in enumerate(Basis):
                flips[record.bases == number] = _decoded(
                    decoder, record.memory, basis, record.events[basis]
                )
            return Frame(flips, decoder.name, tuple(failures))
        except InputError:
            raise  # a library is missing: the next decoder would not help
        except Exception as error:  # whatever a decoder throws, it has no answer
            failures.append(f"{decoder.name}: {error}")
    raise DecodingFailed(f"frame of {len(record)} pairs", failures or ["no decoder was given"])


def _decoded(decoder: Decoder, memory: Memory, basis: Basis, events: Events) -> Flips:
    decode = _compiled(decoder, memory, basis)
    step = max(1, BATCH_BYTES // max(1, events.shape[1]))
    parts = []
    for start in range(0, len(events), step):
        part = events[start : start + step]
        flips = np.asarray(decode(part))
        if flips.shape != (len(part),) or flips.dtype != np.bool_:
            raise ValueError(
                f"expected a boolean for each of {len(part)} shots, got {flips.dtype} of "
                f"shape {flips.shape}"
            )
        parts.append(flips)
    return np.concatenate(parts) if parts else np.zeros(0, dtype=bool)


@lru_cache(maxsize=32)
def _compiled(decoder: Decoder, memory: Memory, basis: Basis) -> Decode:
    return decoder.compile(memory.error_model(basis))
