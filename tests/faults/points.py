"""The fault points: where in which process something may be broken, stage by stage.

A point is a function of the bridge and a moment, before it is called or after it returned. Nothing
in the bridge knows of them: ``tests.faults.process`` wraps these functions and starts the same
command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class When(StrEnum):
    BEFORE = "before"
    AFTER = "after"


class Wants(StrEnum):
    """Which calls count: the loops call many functions when there is nothing to do."""

    ANY = "any"
    WORK = "work"  # an argument, or what came back, is a list that is not empty
    ATTEST = "attest"  # it is about a transaction that brings signatures
    DELIVER = "deliver"  # it is about one that delivers


@dataclass(frozen=True)
class Point:
    """``function`` is a module and a qualified name, as ``package.module:Class.method``."""

    process: str
    stage: str
    function: str
    when: When
    wants: Wants = Wants.ANY

    def __str__(self) -> str:
        name = self.function.rpartition(":")[2].rpartition(".")[2].lstrip("_")
        about = f" ({self.wants})" if self.wants in (Wants.ATTEST, Wants.DELIVER) else ""
        return f"{self.when} {name}{about}"


JOURNAL = "bridge.relayer.journal"
BEFORE, AFTER = When.BEFORE, When.AFTER
WORK, ATTEST, DELIVER = Wants.WORK, Wants.ATTEST, Wants.DELIVER


def _relayer(stage: str, function: str, wants: Wants, *moments: When) -> list[Point]:
    return [Point("relayer", stage, function, when, wants) for when in moments or (BEFORE, AFTER)]


RELAYER = [
    *_relayer("observe", f"{JOURNAL}.observing:Observing.observe", WORK),
    *_relayer("finalize", f"{JOURNAL}.observing:Observing.finalize", WORK),
    *_relayer("batch", f"{JOURNAL}.attesting:Attesting.open_batch", Wants.ANY, BEFORE),
    *_relayer("batch", f"{JOURNAL}.attesting:Attesting.open_batch", WORK, AFTER),
    *_relayer("collect", "bridge.relayer.attest:collect", Wants.ANY),
    *_relayer("prepare attestation", f"{JOURNAL}.submitting:Submitting.prepare", ATTEST),
    *_relayer("send attestation", "bridge.relayer.submit:Submitter._send", ATTEST, BEFORE),
    *_relayer("send attestation", "bridge.chain.client:ChainClient.send_raw", ATTEST),
    *_relayer("settle attestation", f"{JOURNAL}.submitting:Submitting.mined", Wants.ANY, BEFORE),
    *_relayer("settle attestation", "bridge.relayer.attest:Attester.settle", ATTEST, BEFORE),
    *_relayer("settle attestation", f"{JOURNAL}.attesting:Attesting.attested", Wants.ANY),
    *_relayer("claim", f"{JOURNAL}.delivering:Delivering.claim", WORK, AFTER),
    *_relayer("prepare delivery", f"{JOURNAL}.submitting:Submitting.prepare", DELIVER),
    *_relayer("send delivery", "bridge.relayer.submit:Submitter._send", DELIVER, BEFORE),
    *_relayer("send delivery", "bridge.chain.client:ChainClient.send_raw", DELIVER),
    *_relayer("settle delivery", "bridge.relayer.submit:Submitter._look_for", DELIVER, BEFORE),
    *_relayer("settle delivery", "bridge.relayer.deliver:Deliverer.settle", DELIVER, BEFORE),
    *_relayer("settle delivery", f"{JOURNAL}.delivering:Delivering.delivered", WORK),
    *_relayer("settle delivery", f"{JOURNAL}.submitting:Submitting.free", Wants.ANY, BEFORE),
    *_relayer("confirm", f"{JOURNAL}.delivering:Delivering.confirmed", WORK),
]

ATTESTORS = ("attestor-signer-1", "attestor-signer-3")
"""One that signs with ML-DSA-87 and one with SLH-DSA-SHA2-128s."""

ASK = "bridge.keyservice.client:KeyServiceClient.sign_checkpoint"
APPEND = "bridge.relayer.treefile:TreeFile.append"
RECORD = "bridge.keyservice.store:KeyStore.record_root"
SIGNER = "bridge.keyservice.signer:Signer"

ATTESTOR = [
    Point(name, stage, function, when, wants)
    for name in ATTESTORS
    for stage, function, when, wants in (
        ("attestor reads", APPEND, BEFORE, WORK),
        ("attestor reads", APPEND, AFTER, WORK),
        ("attestor asks for a signature", ASK, BEFORE, Wants.ANY),
        ("attestor asks for a signature", ASK, AFTER, Wants.ANY),
        ("attestor answers", "bridge.relayer.attestor:Attestor.sign", AFTER, Wants.ANY),
    )
]

KEY_SERVICE = [
    Point("keyservice", "key service records", RECORD, BEFORE),
    Point("keyservice", "key service records", RECORD, AFTER),
    Point("keyservice", "key service signs", f"{SIGNER}._sign", BEFORE),
    Point("keyservice", "key service signs", f"{SIGNER}.sign_checkpoint", AFTER),
]

POINTS = [*RELAYER, *ATTESTOR, *KEY_SERVICE]
STAGES = list(dict.fromkeys(point.stage for point in POINTS))

PURPOSES = ("bridge.relayer.submit:Submitter._send", "bridge.relayer.submit:Submitter._look_for")
"""Inside these a transaction's purpose is known to what they call."""
