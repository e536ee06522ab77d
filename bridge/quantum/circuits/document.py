"""A hardware profile as JSON, read with every fault named and written back the same.

    {"format": "astralink-hardware-profile", "version": 1,
     "name": "...", "source": "...", "two_qubit_gate": "cz",
     "qubits": [{"qubit": 0, "t1_us": 100, "t2_us": 100, "gate_fidelity": 0.999, "gate_ns": 25,
                 "readout_fidelity": 0.99, "measure_ns": 300,
                 "reset_fidelity": 0.99, "reset_ns": 100}, ...],
     "couplings": [{"qubits": [0, 1], "gate_fidelity": 0.999, "gate_ns": 40}, ...]}

In place of ``readout_fidelity``, which stands for both ways to read wrongly alike, a qubit may have
``prob_meas1_prep0`` and ``prob_meas0_prep1``. Qubits are numbered without gaps.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.domain.errors import ConfigError, InputError
from bridge.domain.jsontext import require_shallow
from bridge.quantum.circuits.profile import Coupling, HardwareProfile, Qubit

FORMAT = "astralink-hardware-profile"
VERSION = 1
LARGEST_BYTES = 16 << 20

Figure = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Number = Annotated[int, Field(ge=0, strict=True)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Qubit(_Strict):
    qubit: Number
    t1_us: Figure
    t2_us: Figure
    gate_fidelity: Figure
    gate_ns: Figure
    readout_fidelity: Figure | None = None
    prob_meas1_prep0: Figure | None = None
    prob_meas0_prep1: Figure | None = None
    measure_ns: Figure
    reset_fidelity: Figure
    reset_ns: Figure

    def problem(self) -> str | None:
        both = (self.prob_meas1_prep0, self.prob_meas0_prep1)
        if self.readout_fidelity is None:
            if None in both:
                return "expected readout_fidelity, or prob_meas1_prep0 and prob_meas0_prep1"
        elif both != (None, None):
            return "expected readout_fidelity or prob_meas1_prep0 and prob_meas0_prep1, got both"
        elif not 0.0 < self.readout_fidelity <= 1.0:
            return f"readout_fidelity: expected a fidelity in (0, 1], got {self.readout_fidelity:g}"
        return None

    def figures(self) -> Qubit:
        wrong = 1.0 - self.readout_fidelity if self.readout_fidelity is not None else 0.0
        return Qubit(
            t1_us=self.t1_us,
            t2_us=self.t2_us,
            gate_fidelity=self.gate_fidelity,
            gate_ns=self.gate_ns,
            prob_meas1_prep0=wrong if self.prob_meas1_prep0 is None else self.prob_meas1_prep0,
            prob_meas0_prep1=wrong if self.prob_meas0_prep1 is None else self.prob_meas0_prep1,
            measure_ns=self.measure_ns,
            reset_fidelity=self.reset_fidelity,
            reset_ns=self.reset_ns,
        )


class _Coupling(_Strict):
    qubits: tuple[Number, Number]
    gate_fidelity: Figure
    gate_ns: Figure


class _Document(_Strict):
    format: Literal["astralink-hardware-profile"]
    version: Literal[1]
    name: str
    source: str
    two_qubit_gate: str
    qubits: list[_Qubit]
    couplings: list[_Coupling]


def read_profile(path: Path) -> HardwareProfile:
    """The profile in a file; ``InputError`` or ``ConfigError`` names the file and each fault."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputError(f"{path}: expected at most {LARGEST_BYTES:,} bytes")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8: {error.reason} at byte {error.start}") from None
    return parse_profile(text, str(path))


def parse_profile(text: str, source: str = "profile") -> HardwareProfile:
    """The profile in ``text``; ``source`` names it in errors."""
    try:
        require_shallow(text)
        raw = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{source}: expected JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except _Twice as error:
        raise InputError(f"{source}: key {error.args[0]!r} stands twice in one object") from None
    except ValueError as error:
        raise InputError(f"{source}: expected JSON less deep: {error}") from None
    try:
        document = _Document.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(source, [_problem(one) for one in error.errors()]) from None
    if problems := list(_numbering(document)):
        raise ConfigError(source, problems)
    try:
        return HardwareProfile(
            name=document.name,
            source=document.source,
            two_qubit_gate=document.two_qubit_gate,
            qubits=tuple(
                one.figures() for one in sorted(document.qubits, key=lambda one: one.qubit)
            ),
            couplings=tuple(
                Coupling(*one.qubits, one.gate_fidelity, one.gate_ns) for one in document.couplings
            ),
        )
    except ConfigError as error:
        raise ConfigError(source, error.problems) from None


def profile_json(profile: HardwareProfile) -> str:
    """``profile`` as a document that ``parse_profile`` reads back equal."""
    data = {
        "format": FORMAT,
        "version": VERSION,
        "name": profile.name,
        "source": profile.source,
        "two_qubit_gate": profile.two_qubit_gate,
        "qubits": [
            {
                "qubit": number,
                "t1_us": one.t1_us,
                "t2_us": one.t2_us,
                "gate_fidelity": one.gate_fidelity,
                "gate_ns": one.gate_ns,
                "prob_meas1_prep0": one.prob_meas1_prep0,
                "prob_meas0_prep1": one.prob_meas0_prep1,
                "measure_ns": one.measure_ns,
                "reset_fidelity": one.reset_fidelity,
                "reset_ns": one.reset_ns,
            }
            for number, one in enumerate(profile.qubits)
        ],
        "couplings": [
            {
                "qubits": [one.first, one.second],
                "gate_fidelity": one.gate_fidelity,
                "gate_ns": one.gate_ns,
            }
            for one in profile.couplings
        ],
    }
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


class _Twice(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise _Twice(next(key for key, count in counts.items() if count > 1))
    return result


def _problem(error: Any) -> str:
    where = ""
    for step in error["loc"]:
        where += f"[{step}]" if isinstance(step, int) else f".{step}" if where else str(step)
    got = repr(error["input"])
    shown = got if len(got) <= 60 else f"{got[:57]}..."
    if error["type"] == "missing":
        return f"{where}: is missing"
    if error["type"] == "extra_forbidden":
        return f"{where}: is no key of a profile"
    words = error["msg"][0].lower() + error["msg"][1:]
    return f"{where or 'document'}: {words}, got {shown}"


def _numbering(document: _Document) -> Iterator[str]:
    counts = Counter(one.qubit for one in document.qubits)
    yield from (f"qubits: {n} stands {count} times" for n, count in counts.items() if count > 1)
    highest = max(counts, default=-1)
    named = {number for one in document.couplings for number in one.qubits}
    if highest < LARGEST_BYTES:  # a single huge number makes no list of all below it
        yield from (
            f"qubits: {n} is missing, of 0 to {highest}" for n in _gaps(set(counts), highest)
        )
    else:
        yield f"qubits: {highest} is a number too large"
    yield from (
        f"qubits: {n} is missing, couplings name it"
        for n in sorted(named - set(counts))
        if n > highest
    )
    for one in document.qubits:
        if words := one.problem():
            yield f"qubits[{one.qubit}]: {words}"


def _gaps(present: set[int], highest: int) -> Iterator[int]:
    shown = 0
    for number in range(highest):
        if number not in present:
            yield number
            shown += 1
            if shown == 20:
                return
