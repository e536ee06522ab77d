"""The bodies between the two KMEs, and between the link and each of them. Bytes are base64."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bridge.domain.errors import InputError
from bridge.keyservice.chunks import Segment
from bridge.keyservice.linkblock import BlockHistory, LinkBlock

MAXIMUM_PROMISES = 1024


class PeerBody(BaseModel):
    """Frozen, and a field that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SegmentBody(PeerBody):
    """A `Segment`."""

    block_id: str
    offset: int
    length: int

    def segment(self) -> Segment:
        """The segment of a body."""
        return Segment(self.block_id, self.offset, self.length)


class PromiseBody(PeerBody):
    """A key that the sender gave its master SAE; the receiver keeps it for its own slave SAEs.

    Without slaves the bytes are destroyed: they were for the sender's side alone.
    """

    key_id: str
    master: str
    slaves: list[str]
    segments: Annotated[list[SegmentBody], Field(min_length=1)]


class PromisesBody(PeerBody):
    """Question of ``POST /peer/v1/promises``: all are kept or none. May be repeated."""

    promises: Annotated[list[PromiseBody], Field(min_length=1, max_length=MAXIMUM_PROMISES)]


class BlockBody(PeerBody):
    """Question of ``POST /link/v1/blocks``: a block as this end of the link has it."""

    block_id: str
    link_id: str
    owner: str
    source: str
    simulated: bool
    qber: float
    leak_bits: int
    epsilon: float
    created_at: float
    key: str = Field(repr=False)

    @classmethod
    def of(cls, block: LinkBlock) -> BlockBody:
        """The body of a block."""
        history = block.history
        return cls(
            block_id=history.block_id,
            link_id=history.link_id,
            owner=history.owner,
            source=history.source,
            simulated=history.simulated,
            qber=history.qber,
            leak_bits=history.leak_bits,
            epsilon=history.epsilon,
            created_at=history.created_at,
            key=base64.b64encode(block.key).decode(),
        )

    def block(self) -> LinkBlock:
        """The block of a body; ``InputError`` for bytes or names that are none."""
        try:
            key = base64.b64decode(self.key, validate=True)
        except binascii.Error as error:
            raise InputError(f"block {self.block_id}: expected base64: {error}") from None
        return LinkBlock(key, BlockHistory(**self.model_dump(exclude={"key"})))


class LevelBody(PeerBody):
    """Answer of ``GET /link/v1/level``: what this KME may give away, and its water marks."""

    kme_id: str
    bits: int
    low_bits: int
    high_bits: int


class DoneBody(PeerBody):
    """Answer of what was done."""

    done: bool = True


class RefusedBody(PeerBody):
    """Answer of what was refused; ``code`` is the name of the error's class."""

    code: str
    message: str
