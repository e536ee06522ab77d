"""What a relayer asks beside its work, so that it can say whether it is ready.

Its account on each chain, and whether the attestors that answer are a quorum.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bridge.chain.registry import EpochState
from bridge.chain.transactions import Account
from bridge.domain.errors import BridgeError
from bridge.domain.keys import PublicKeyRecord
from bridge.relayer.attestor_client import AttestorClient
from bridge.relayer.route import Side
from bridge.relayer.signers import can_sign, signer_set_of
from bridge.relayer.watch import AccountSeen, Watch

PROBE_INTERVAL_S = 5.0


@dataclass(slots=True)
class AttestorSeen:
    """What an attestor says of itself; ``problem`` is why it cannot sign now."""

    problem: str | None = "not asked yet"
    records: list[PublicKeyRecord] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class QuorumSeen:
    """For one destination: the weight of the signers that can sign now, and what is needed."""

    weight: int
    threshold: int
    stands: bool


class Probe:
    """Looks at accounts and attestors. What it saw goes to ``watch`` and stays here."""

    def __init__(
        self,
        sides: Sequence[Side],
        attestors: Sequence[AttestorClient],
        account: Account,
        watch: Watch,
    ) -> None:
        self.attestors = {client: AttestorSeen() for client in attestors}
        self.quorums: dict[int, QuorumSeen] = {}
        self._sides = tuple(sides)
        self._account = account
        self._watch = watch
        self._epochs: dict[int, EpochState] = {}
        self._revoked: dict[int, set[int]] = {}

    def looks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What is to be repeated, each by its name."""
        found: dict[str, Callable[[], Awaitable[None]]] = {"probe attestors": self._ask_attestors}
        for side in self._sides:
            found[f"probe {side.name}"] = self._looking_at(side)
        return found

    def _looking_at(self, side: Side) -> Callable[[], Awaitable[None]]:
        async def look() -> None:
            client, address = side.client, self._account.address
            balance = await client.balance(address)
            nonce = await client.nonce(address, "latest")
            fees = await client.fees()
            self._watch.accounts[side.domain] = AccountSeen(balance, nonce, fees.max_fee_wei)
            head = await client.block("latest")
            self._watch.chains[side.domain].saw(head.number, (await client.finalized()).number)
            epoch = await side.registry.current_epoch()
            known = self._epochs.get(side.domain)
            if known is None or known.epoch != epoch:
                known = await side.registry.state(epoch)
            self._revoked[side.domain] = await side.registry.revoked(epoch)
            self._epochs[side.domain] = known
            self._judge()

        return look

    async def _ask_attestors(self) -> None:
        await asyncio.gather(*(self._ask(client) for client in self.attestors))
        self._judge()

    async def _ask(self, client: AttestorClient) -> None:
        seen = self.attestors[client]
        try:
            answer = await client.ready()
            if not seen.records:
                seen.records = await client.keys()
        except BridgeError as error:
            # Another may answer there the next time, with other keys.
            seen.problem, seen.records = str(error), []
            return
        problems = [one.problem for one in answer.origins if one.problem] + [answer.key_service]
        named = "; ".join(problem for problem in problems if problem)
        seen.problem = None if answer.ready else named or "it is not ready"

    def _judge(self) -> None:
        """Which quorums stand, of the epochs that are known."""
        records = [
            record
            for seen in self.attestors.values()
            if seen.problem is None
            for record in seen.records
        ]
        for domain, state in self._epochs.items():
            signer_set = signer_set_of(state, records)
            able = {n for n, signer in enumerate(signer_set.signers) if can_sign(signer)}
            able -= self._revoked[domain]
            weight = sum(signer_set.signers[index].weight for index in able)
            self.quorums[domain] = QuorumSeen(
                weight, signer_set.threshold, signer_set.is_quorum(able)
            )
