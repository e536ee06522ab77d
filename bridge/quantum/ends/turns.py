"""A block in turns, so that one thread can serve two links.

What an end does of a block is a generator. It yields before it waits for the other end, and what it
has to reconcile; it is sent what came of that. A process that holds the sender's end of one link
and the receiver's of another takes both forward in turn, and reconciles both in one kernel. Each
end goes on where it would wait, so that little is waited for when the other process does the same.

Nobody waits in a circle: in turn k a receiver waits for what the sender sent in its own turn k at
most, a sender for what the receiver sent in its turn k - 1, and in a process the sender is first.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import BlockRejected
from bridge.quantum.kernels.conversation import answer_over, both_over, search_over
from bridge.quantum.kernels.knowledge import Search
from bridge.quantum.kernels.trees import Trees
from bridge.quantum.kernels.wire import Wire
from bridge.quantum.link.randomness import Words

_Tally: TypeAlias = "npt.NDArray[np.int64]"


@dataclass(slots=True)
class Answers:
    """A sender's side of a reconciliation: the arguments of `answer_over`.

    ``seconds`` of a processor are noted when it is over; of two together half for each.
    """

    side: tuple[Wire, Words, Trees, Words, int, _Tally]
    seconds: float = 0.0


@dataclass(slots=True)
class Searches:
    """A receiver's side: the arguments of `search_over`."""

    side: tuple[Wire, Words, Trees, Search, int, Words, int, _Tally]
    seconds: float = 0.0


Turn: TypeAlias = Answers | Searches | None
"""What an end yields; None before it waits."""

Result = TypeVar("Result")
First = TypeVar("First")
Second = TypeVar("Second")


def alone(turns: Generator[Turn, int, Result]) -> Result:
    """What one end makes of a block, with nothing beside."""
    given = 0
    try:
        turn = next(turns)
        while True:
            if turn is not None:
                given = _reconcile(turn)
            turn = turns.send(given)
    except StopIteration as end:
        result: Result = end.value
        return result


def together(
    sender: Generator[Turn, int, First], receiver: Generator[Turn, int, Second]
) -> tuple[First | BlockRejected, Second | BlockRejected]:
    """What a sender's and a receiver's end of two links make of a block each, or why nothing.

    Other errors than ``BlockRejected`` end both.
    """
    first: _Course[First] = _Course(sender)
    second: _Course[Second] = _Course(receiver)
    while not (first.over and second.over):
        first.advance()
        second.advance()
        answers, searches = first.turn, second.turn
        if isinstance(answers, Answers) and isinstance(searches, Searches):
            start = time.thread_time()
            second.given, first.given = both_over(*searches.side, *answers.side)
            answers.seconds = searches.seconds = (time.thread_time() - start) / 2.0
        elif answers is not None and second.over:
            first.given = _reconcile(answers)
        elif searches is not None and first.over:
            second.given = _reconcile(searches)
        else:
            continue  # who is ready to reconcile waits for the other
        first.turn = second.turn = None
    assert first.outcome is not None
    assert second.outcome is not None
    return first.outcome, second.outcome


def _reconcile(turn: Answers | Searches) -> int:
    start = time.thread_time()
    if isinstance(turn, Answers):
        result: int = answer_over(*turn.side)
    else:
        result = search_over(*turn.side)
    turn.seconds = time.thread_time() - start
    return result


class _Course(Generic[Result]):
    """How far an end is. One that has something to reconcile stays until ``turn`` is cleared."""

    def __init__(self, turns: Generator[Turn, int, Result]) -> None:
        self._turns = turns
        self.turn: Turn = None
        self.given: int | None = None
        self.over = False
        self.outcome: Result | BlockRejected | None = None

    def advance(self) -> None:
        """Take the next turn, if nothing is to be reconciled first."""
        if self.over or self.turn is not None:
            return
        given, self.given = self.given, None
        try:
            self.turn = self._turns.send(given)  # type: ignore[arg-type]
        except StopIteration as end:
            self.over, self.outcome = True, end.value
        except BlockRejected as rejection:
            self.over, self.outcome = True, rejection
