"""A reorg took a message whose block became final before anybody looked: it was neither above the
final block, where observing forgets, nor among what is final, and stayed observed."""

from pathlib import Path

from bridge.chain.contracts import Dispatched
from bridge.chain.events import Cursor
from bridge.chain.records import Log
from bridge.crypto.digests import message_id
from bridge.domain.delivery import Stage
from bridge.domain.messages import Message
from bridge.relayer.journal import Journal

OUTBOX = "0x" + "11" * 20


def dispatched(nonce: int, block: int) -> Dispatched:
    message = Message(nonce, 1, b"\x01" * 32, 2, b"\x02" * 32, b"hello")
    hash_ = block.to_bytes(32)
    return Dispatched(message, Log(OUTBOX, (), b"", block, hash_, hash_, nonce))


def test_it_is_dropped_when_its_block_is_final_without_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    stays, gone, later = dispatched(0, 587), dispatched(1, 588), dispatched(2, 590)
    journal.observe([stays, gone, later])
    assert journal.forget_observed(1, set(), above_block=590) == 0
    (entry,) = journal.finalize(1, [stays], Cursor(0, 589, ()))
    assert entry.message == stays.message
    assert journal.entry(message_id(gone.message)) is None
    assert journal.transitions(message_id(gone.message)) == []
    # What is not final yet is observing's, and what came into a later block comes back.
    assert journal.entry(message_id(later.message)).stage is Stage.OBSERVED
    (again,) = journal.observe([dispatched(1, 600)])
    assert again.block_number == 600
    (entry,) = journal.finalize(1, [dispatched(1, 600)], Cursor(0, 601, ()))
    assert entry.stage is Stage.FINALIZED
    journal.close()
