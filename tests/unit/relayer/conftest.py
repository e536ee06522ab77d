"""A journal on a real file, and messages as an Outbox's logs tell them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.chain.contracts import Dispatched
from bridge.chain.deployment import SideRecord
from bridge.chain.records import Log
from bridge.domain.messages import Message
from bridge.relayer.journal import Journal

ADDRESS = "0x" + "11" * 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal(path)
    yield opened
    opened.close()


@pytest.fixture
def found() -> Callable[..., Dispatched]:
    """A message at ``nonce`` of ``origin``, seen in ``block``."""

    def make(
        nonce: int, block: int = 10, body: bytes = b"hello", origin: int = 1, destination: int = 2
    ) -> Dispatched:
        message = Message(nonce, origin, b"\x01" * 32, destination, b"\x02" * 32, body)
        block_hash = block.to_bytes(32)
        log = Log(ADDRESS, (), b"", block, block_hash, (1000 + block).to_bytes(32), nonce)
        return Dispatched(message, log)

    return make


@pytest.fixture
def record() -> Callable[[int], SideRecord]:
    def make(domain: int) -> SideRecord:
        return SideRecord(
            domain=domain,
            chain_id=31000 + domain,
            start_block=0,
            verifiers={"SLH-DSA-SHA2-128s": ADDRESS},
            **dict.fromkeys(("registry", "outbox", "inbox", "receipts", "postcard"), ADDRESS),
        )

    return make
