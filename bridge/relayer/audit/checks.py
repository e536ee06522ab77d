"""The questions to the ledger: what the chains contradict of each other, and of the journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bridge.crypto.merkle import Frontier
from bridge.domain.delivery import Stage
from bridge.relayer.audit.findings import Disagreement, Kind, RouteFigures, Waiting
from bridge.relayer.audit.ledger import INBOX, Ledger
from bridge.relayer.audit.reading import Nonces

SHOWN_WAITING = 100

Names = Mapping[int, str]
"""Names of chains by domain."""
Found = Iterator[Disagreement]

DONE = (Stage.DELIVERED.value, Stage.CONFIRMED.value)
GIVEN_UP = (Stage.HELD.value, Stage.DEAD_LETTER.value, Stage.DROPPED.value)


def check_deliveries(ledger: Ledger, names: Names) -> Found:
    """Deliveries that are two, that are of nothing, and events against bits."""
    for domain, identifier, times in ledger.ask(
        "SELECT destination, id, times FROM delivered WHERE times > 1"
    ):
        yield Disagreement(
            Kind.DELIVERED_TWICE,
            f"the Inbox delivered it {times} times",
            _origin(ledger, names, identifier),
            names[domain],
            identifier,
        )
    for domain, identifier, block in ledger.ask(
        "SELECT e.destination, e.id, e.block FROM delivered e LEFT JOIN dispatched d "
        "ON d.id = e.id AND d.destination = e.destination WHERE d.id IS NULL"
    ):
        yield Disagreement(
            Kind.DELIVERED_UNDISPATCHED,
            f"the Inbox delivered it in block {block}, no Outbox dispatched it there",
            _origin(ledger, names, identifier),
            names[domain],
            identifier,
        )
    for domain, origin, nonce, identifier, block in ledger.ask(
        "SELECT e.destination, d.origin, d.nonce, e.id, e.block FROM delivered e JOIN dispatched d "
        "ON d.id = e.id AND d.destination = e.destination LEFT JOIN closed c "
        "ON c.destination = e.destination AND c.origin = d.origin AND c.nonce = d.nonce "
        "WHERE c.nonce IS NULL"
    ):
        yield Disagreement(
            Kind.EVENT_WITHOUT_BIT,
            f"an event of block {block} says that it was delivered, the bit of nonce {nonce} "
            "does not",
            names[origin],
            names[domain],
            identifier,
        )
    for domain, origin, nonce, identifier in ledger.ask(
        "SELECT c.destination, c.origin, c.nonce, d.id FROM closed c LEFT JOIN dispatched d "
        "ON d.origin = c.origin AND d.nonce = c.nonce AND d.destination = c.destination "
        "LEFT JOIN delivered e ON e.destination = c.destination AND e.id = d.id "
        "WHERE e.id IS NULL"
    ):
        yield Disagreement(
            Kind.BIT_WITHOUT_EVENT,
            f"the bit of nonce {nonce} says that it was delivered, no event does",
            names[origin],
            names[domain],
            identifier,
        )


def check_roots(ledger: Ledger, names: Names, origin: int, size: int, root: bytes | None) -> Found:
    """Roots that the tree of ``origin`` never had, and its Outbox against its own events.

    ``size`` and ``root`` are what the Outbox says, None for the root of no message.
    """
    tree = Frontier()
    gap = None
    wanted = ledger.ask(
        "SELECT size, root, destination, source FROM attested WHERE origin = ? ORDER BY size",
        origin,
    )
    said = next(wanted, None)
    for nonce, leaf in ledger.leaves(origin):
        if nonce != len(tree):
            gap = len(tree)
            break
        tree.append(leaf)
        own = tree.root() if said is not None and said[0] == len(tree) else None
        while said is not None and said[0] <= len(tree):
            if said[1] != own:
                yield _root(names, origin, said)
            said = next(wanted, None)
    while said is not None:
        yield _root(names, origin, said)
        said = next(wanted, None)
    if gap is not None:
        reason = f"the Outbox has {size} messages, of nonce {gap} there is no event"
    elif len(tree) != size:
        reason = f"the Outbox has {size} messages, its events are {len(tree)}"
    elif size and tree.root() != root:
        reason = (
            f"the Outbox's root is 0x{(root or b'').hex()}, its events give {tree.root().hex()}"
        )
    else:
        return
    yield Disagreement(Kind.OUTBOX_CONTRADICTS, reason, names[origin])


def _root(names: Names, origin: int, said: tuple[int, bytes, int, str]) -> Disagreement:
    size, root, destination, source = said
    at_inbox = source == INBOX
    who = "the Inbox has" if at_inbox else "the journal has a checkpoint with"
    return Disagreement(
        Kind.ROOT_UNKNOWN if at_inbox else Kind.CHECKPOINT_UNKNOWN,
        f"{who} root 0x{root.hex()} of {size} messages, which the Outbox never had",
        names[origin],
        names.get(destination, str(destination)),
    )


def check_journal(ledger: Ledger, names: Names, final: Mapping[int, int]) -> Found:
    """The journal's messages against the chains; ``final`` is the final block of each domain.

    What was not final when the journal was read may be missing in it, and what it calls delivered
    in a block that is not final may have gone.
    """
    for domain, block in final.items():
        yield from _missing(ledger, names, domain, block)
        yield from _not_delivered(ledger, names, domain, block)
        yield from _delivered(ledger, names, domain, block)
    for identifier, origin, nonce, destination, stage in ledger.ask(
        "SELECT h.id, h.origin, h.nonce, h.destination, h.stage FROM held h LEFT JOIN dispatched d "
        "ON d.id = h.id WHERE d.id IS NULL AND h.stage != ?",
        Stage.OBSERVED.value,
    ):
        if origin in names:
            yield Disagreement(
                Kind.NOT_ON_CHAIN,
                f"the journal has it as {stage} with nonce {nonce}, its Outbox does not have it",
                names[origin],
                names.get(destination, str(destination)),
                identifier,
            )


def _missing(ledger: Ledger, names: Names, origin: int, final: int) -> Found:
    for identifier, nonce, destination, block, stage in ledger.ask(
        "SELECT d.id, d.nonce, d.destination, d.block, h.stage FROM dispatched d LEFT JOIN held h "
        "ON h.id = d.id WHERE d.origin = ? AND d.block <= ? AND (h.id IS NULL OR h.stage = ?)",
        origin,
        final,
        Stage.OBSERVED.value,
    ):
        has = "does not have it" if stage is None else "has it as observed only"
        yield Disagreement(
            Kind.NOT_IN_JOURNAL,
            f"nonce {nonce}, final since block {block}: the journal {has}",
            names[origin],
            names.get(destination, str(destination)),
            identifier,
        )


def _not_delivered(ledger: Ledger, names: Names, destination: int, final: int) -> Found:
    for identifier, origin, nonce, stage in ledger.ask(
        "SELECT h.id, h.origin, h.nonce, h.stage FROM held h LEFT JOIN closed c "
        "ON c.destination = h.destination AND c.origin = h.origin AND c.nonce = h.nonce "
        "WHERE h.destination = ? AND h.stage IN (?, ?) AND c.nonce IS NULL "
        "AND (h.stage = ? OR h.delivery_block <= ?)",
        destination,
        *DONE,
        Stage.CONFIRMED.value,
        final,
    ):
        if origin in names:
            yield Disagreement(
                Kind.DELIVERED_IN_JOURNAL_ONLY,
                f"the journal has it as {stage}, the bit of nonce {nonce} is not set",
                names[origin],
                names[destination],
                identifier,
            )


def _delivered(ledger: Ledger, names: Names, destination: int, final: int) -> Found:
    for identifier, origin, stage, block in ledger.ask(
        "SELECT h.id, h.origin, h.stage, e.block FROM held h JOIN delivered e "
        "ON e.destination = h.destination AND e.id = h.id "
        "WHERE h.destination = ? AND e.block <= ? AND h.stage NOT IN (?, ?)",
        destination,
        final,
        *DONE,
    ):
        given_up = stage in GIVEN_UP
        yield Disagreement(
            Kind.GIVEN_UP_BUT_DELIVERED if given_up else Kind.DELIVERED_ON_CHAIN_ONLY,
            f"the Inbox delivered it in block {block}, the journal has it as {stage}",
            names.get(origin, str(origin)),
            names[destination],
            identifier,
        )


def check_nonces(accounts: Sequence[Nonces]) -> Found:
    """Transactions under way that the chain is past, and nonces that none of them has."""
    for one in accounts:
        for nonce in one.open:
            if nonce < one.before:
                yield Disagreement(
                    Kind.NONCE_PASSED,
                    f"{one.account}: a transaction with nonce {nonce} is open in the journal, "
                    f"the chain's next nonce was {one.before}",
                    destination=one.chain,
                )
        due = one.after
        for nonce in (nonce for nonce in one.open if nonce >= one.after):
            if nonce != due:
                yield Disagreement(
                    Kind.NONCE_GAP,
                    f"{one.account}: no transaction with nonce {due} is open in the journal, "
                    f"one with {nonce} is",
                    destination=one.chain,
                )
            due = nonce + 1


def route_figures(
    ledger: Ledger, names: Names, origin: int, destination: int, head: int
) -> RouteFigures:
    """The figures of a route; ``head`` is the block up to which its origin was read."""
    dispatched, delivered, expired, undelivered, failures = ledger.one(
        "SELECT COUNT(*), TOTAL(delivered), TOTAL(expired), "
        "TOTAL(NOT delivered AND NOT expired), TOTAL(failures) "
        "FROM outcomes WHERE origin = ? AND destination = ?",
        origin,
        destination,
    )
    (roots,) = ledger.one(
        "SELECT COUNT(*) FROM attested WHERE origin = ? AND destination = ? AND source = ?",
        origin,
        destination,
        INBOX,
    )
    waiting = ledger.ask(
        "SELECT id, nonce, block, failures FROM outcomes WHERE origin = ? AND destination = ? "
        "AND NOT delivered AND NOT expired ORDER BY nonce LIMIT ?",
        origin,
        destination,
        SHOWN_WAITING,
    )
    return RouteFigures(
        names[origin],
        names[destination],
        dispatched,
        delivered,
        expired,
        undelivered,
        failures,
        roots,
        tuple(
            Waiting(identifier, nonce, head - block, times)
            for identifier, nonce, block, times in waiting
        ),
    )


def _origin(ledger: Ledger, names: Names, identifier: bytes) -> str | None:
    found = next(ledger.ask("SELECT origin FROM dispatched WHERE id = ?", identifier), None)
    return None if found is None else names[found[0]]
