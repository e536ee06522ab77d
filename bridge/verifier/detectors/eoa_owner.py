"""Contracts that obey one account, of which nothing says that it is a contract."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders
from bridge.verifier.finding import Confidence, Finding, Guard, Location, Severity
from bridge.verifier.sources.analysis import Analysis
from bridge.verifier.sources.judge import ECDSA_SECP256K1
from bridge.verifier.sources.owners import owned


def _find(analysis: Analysis) -> Iterator[Finding]:
    program = analysis.program
    for contract in analysis.contracts:
        found = owned(program, contract)
        if found is None:
            continue
        source, line, why = found
        yield Finding(
            detector="eoa-owner",
            contract=contract.name,
            algorithm=ECDSA_SECP256K1,
            severity=Severity.LOW,
            confidence=Confidence.MEDIUM if program.compiled else Confidence.LOW,
            location=Location(source=source, line=line),
            guards=(Guard.OWNERSHIP,),
            detail=f"{why}, which may be an account with a private key",
        )


DETECTOR = Detector(
    id="eoa-owner",
    title="Owner or administrator may be an account with a private key",
    impact="Whoever has the owner's private key does all that only the owner may do.",
    scenario=(
        "The first transaction of an account puts its public key on chain. The attacker computes "
        "the private key with Shor's algorithm and sends transactions as the owner."
    ),
    remedy=(
        "Let the owner be a contract that asks a post-quantum quorum, with a delay; or an account "
        "that has never sent a transaction, used once."
    ),
    bytecode=finders.eoa_owner,
    source=_find,
)
