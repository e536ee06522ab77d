"""Proofs of what hooks announced, for modules that fetch them: read from the journal alone."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from bridge.chain.hyperlane import ProofRequest, announcement, module_metadata
from bridge.crypto.merkle import verify_proof
from bridge.domain.delivery import ORDER, Stage
from bridge.domain.errors import NotAttested, UnknownMessage
from bridge.relayer.batch import Trees
from bridge.relayer.deliver import proof_siblings
from bridge.relayer.journal import Entry, Journal


@dataclass(frozen=True, slots=True)
class Proved:
    """What a module takes for ``entry``; ``final`` where no reorg takes its attestation back."""

    entry: Entry
    metadata: bytes
    final: bool


class Prover:
    """Answers requests from a journal. May be asked by several threads."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._trees = Trees(journal)
        self._lock = Lock()

    def prove(self, request: ProofRequest) -> Proved:
        """The proof that is asked for, of the first announcement that has one.

        Raises ``UnknownMessage`` where the journal has no such announcement, ``NotAttested`` where
        no quorum stands behind it yet, ``ProofError`` where the journal contradicts itself.
        """
        found = self._journal.with_body(
            request.origin, request.destination, request.hook, announcement(request.hyperlane_id)
        )
        if not found:
            raise UnknownMessage("with the announcement of 0x" + request.hyperlane_id.hex())
        attested = [entry for entry in found if _reached(entry, Stage.ATTESTED)]
        if not attested:
            raise NotAttested("0x" + found[0].id.hex(), found[0].stage)
        entry = attested[0]
        assert entry.root is not None
        assert entry.size is not None
        with self._lock:
            siblings = proof_siblings(self._trees, entry)
        verify_proof(entry.id, entry.nonce, entry.size, siblings, entry.root)
        metadata = module_metadata(entry.root + b"".join(siblings), entry.encoded)
        # A delivery in a finalized block stands on an attestation before it.
        return Proved(entry, metadata, _reached(entry, Stage.CONFIRMED))


def _reached(entry: Entry, stage: Stage) -> bool:
    return ORDER.index(entry.stage) >= ORDER.index(stage)
