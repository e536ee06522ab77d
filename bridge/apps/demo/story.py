"""What the demo does: a world, a postcard, its answer, and every stage of both as it happens.

The story knows nothing of a screen. It tells a ``Listener`` what happens and gives the whole as
data in the end.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from bridge.apps.config import Config
from bridge.apps.devnet.layout import ANY_PORTS, SENDER, Layout, read_deployment
from bridge.apps.devnet.world import ChainKind, Step, World, chain_client, key_service_client
from bridge.apps.postcards import SentPostcard, send_postcard
from bridge.chain.abi import decode
from bridge.chain.client import ChainClient
from bridge.chain.contracts import dispatched
from bridge.chain.deployment import DeploymentRecord
from bridge.chain.development import development_accounts
from bridge.chain.transactions import Account
from bridge.crypto.digests import message_id
from bridge.domain.delivery import Stage
from bridge.domain.errors import InputError, ProcessError
from bridge.domain.messages import Message
from bridge.keyservice.wire import LinkBody
from bridge.relayer.batch import Trees
from bridge.relayer.deliver import proof_siblings
from bridge.relayer.journal import Journal, Transition

POLL_S = 0.1
TIMEOUT_S = 180.0


@dataclass(frozen=True, slots=True)
class Happening:
    """A message reached a stage, ``seconds`` after it was dispatched."""

    message: int
    route: str
    stage: str
    seconds: float
    detail: dict[str, Any]


class Listener(Protocol):
    """Whoever watches the story."""

    def announce(self, what: str) -> None:
        """Something begins that may take a while."""

    def step(self, step: Step) -> None:
        """A step of the world is done."""

    def link(self, link: LinkBody) -> None:
        """The key link, after it gave the signers' seeds."""

    def sent(self, number: int, route: str, identifier: bytes, text: str) -> None:
        """A message exists: the postcard is number 1, its answer number 2."""

    def happened(self, happening: Happening) -> None:
        """A message reached a stage."""


@dataclass
class _Tale:
    """One message of the story."""

    number: int
    id: bytes
    route: tuple[str, str]
    text: str
    dispatched_at: float
    happenings: list[Happening] = field(default_factory=list)

    @property
    def arrow(self) -> str:
        return f"{self.route[0]} → {self.route[1]}"


class Story:
    """One run of the demo in the folder of ``layout``."""

    def __init__(self, layout: Layout, listener: Listener, kind: ChainKind | None) -> None:
        self._listener = listener
        self._kind = kind
        self._steps: list[Step] = []
        self.world = World(layout, listener.announce, self._step)

    async def run(self, text: str) -> dict[str, Any]:
        """The whole story as data. The world is left running; ``world.down()`` ends it."""
        started = time.time()
        await self.world.up(ANY_PORTS, self._kind)
        config = self.world.config()
        deployment = read_deployment(config.relayer.deployment)
        async with key_service_client(config) as keys:
            link = await keys.link()
        self._listener.link(link)
        async with chain_client(config, "A") as a, chain_client(config, "B") as b:
            tales = await self._messages(config, deployment, {"A": a, "B": b}, text)
        journal = Journal(config.relayer.journal)
        try:
            messages = [self._tale_data(journal, tale) for tale in tales]
        finally:
            journal.close()
        return {
            "seconds": round(time.time() - started, 3),
            "world": [
                {"name": step.name, "seconds": round(step.seconds, 3), **step.facts}
                for step in self._steps
            ],
            "link": link.model_dump(),
            "quorum": {"threshold": deployment.threshold, "signers": len(deployment.signers)},
            "messages": messages,
        }

    def _step(self, step: Step) -> None:
        self._steps.append(step)
        self._listener.step(step)

    async def _messages(
        self,
        config: Config,
        deployment: DeploymentRecord,
        chains: dict[str, ChainClient],
        text: str,
    ) -> list[_Tale]:
        account = Account.from_key(bytes(development_accounts()[SENDER].key))
        self._listener.announce("dispatching on A")
        sent = await send_postcard(chains["A"], chains["B"], deployment, account, text)
        tales = [self._begin(1, sent.id, ("A", "B"), text, _sent_detail(sent))]
        journal = Journal(config.relayer.journal)
        deadline = time.monotonic() + TIMEOUT_S
        last = 0
        try:
            while not (len(tales) == 2 and all(_ended(tale) for tale in tales)):
                self.world.processes.check_alive("relayer")
                if time.monotonic() > deadline:
                    log = self.world.processes.log_tail("relayer")
                    raise ProcessError(f"relayer: not done after {TIMEOUT_S:g} s:\n{log}")
                for transition in journal.transitions(after=last):
                    last = transition.number
                    tale = next((t for t in tales if t.id == transition.message_id), None)
                    if tale is not None:
                        self._happen(tale, transition)
                    if transition.stage is Stage.DELIVERED and tale is tales[0]:
                        answer = await self._answer(chains["B"], transition)
                        tales.append(answer)
                        # What the journal said of it before this story knew its id.
                        for earlier in journal.transitions(answer.id):
                            if earlier.number <= last:
                                self._happen(answer, earlier)
                await asyncio.sleep(POLL_S)
        finally:
            journal.close()
        return tales

    async def _answer(self, chain: ChainClient, delivery: Transition) -> _Tale:
        """The message that the recipient dispatched while it was handed the postcard."""
        transaction = bytes.fromhex(delivery.detail["transaction"][2:])
        receipt = await chain.receipt(transaction)
        if receipt is None:
            raise ProcessError(f"delivery 0x{transaction.hex()}: expected a receipt, got none")
        for log in receipt.logs:
            try:
                message = dispatched(log).message
            except InputError:
                continue
            detail = {"block": receipt.block_number, "transaction": "0x" + transaction.hex()}
            text = postcard_text(message)
            return self._begin(2, message_id(message), ("B", "A"), text, detail)
        raise ProcessError("the delivery dispatched no answer: expected a Dispatch log")

    def _begin(
        self,
        number: int,
        identifier: bytes,
        route: tuple[str, str],
        text: str,
        detail: dict[str, Any],
    ) -> _Tale:
        tale = _Tale(number, identifier, route, text, time.time())
        self._listener.sent(number, tale.arrow, identifier, text)
        self._tell(tale, Happening(number, tale.arrow, "dispatched", 0.0, detail))
        return tale

    def _happen(self, tale: _Tale, transition: Transition) -> None:
        seconds = max(0.0, transition.at - tale.dispatched_at)
        self._tell(
            tale,
            Happening(tale.number, tale.arrow, transition.stage.value, seconds, transition.detail),
        )

    def _tell(self, tale: _Tale, happening: Happening) -> None:
        tale.happenings.append(happening)
        self._listener.happened(happening)
        if not _ended(tale):
            self._listener.announce(f"message {tale.number} is {happening.stage}")

    def _tale_data(self, journal: Journal, tale: _Tale) -> dict[str, Any]:
        entry = journal.entry(tale.id)
        assert entry is not None  # it reached its last stage there
        siblings = proof_siblings(Trees(journal), entry)
        return {
            "id": "0x" + tale.id.hex(),
            "from": tale.route[0],
            "to": tale.route[1],
            "text": tale.text,
            "state": entry.stage.value,
            "stages": [
                {"stage": one.stage, "seconds": round(one.seconds, 3), **one.detail}
                for one in tale.happenings
            ],
            "proof": {
                "root": "0x" + (entry.root or b"").hex(),
                "size": entry.size,
                "index": entry.nonce,
                "siblings": ["0x" + sibling.hex() for sibling in siblings],
            },
        }


def postcard_text(message: Message) -> str:
    """The text of a Postcard's message: its body is abi.encode(Kind, string)."""
    kind_and_text = decode(["uint8", "string"], message.body)
    return str(kind_and_text[1])


def _ended(tale: _Tale) -> bool:
    return tale.happenings[-1].stage == Stage.CONFIRMED.value


def _sent_detail(sent: SentPostcard) -> dict[str, Any]:
    return {
        "block": sent.block,
        "transaction": "0x" + sent.transaction.hex(),
        "gas": sent.gas,
    }
