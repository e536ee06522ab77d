"""The faults of a soak, drawn by a seed: what happens, to whom, and for how long.

A chain is ended by SIGTERM only, since Anvil keeps its state then and not at SIGKILL: a chain that
forgets final blocks is a fault that no bridge is made for. Of a chain's two endpoints one lies at
a time. Reorgs stay above the finalized block.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from bridge.apps.devnet.layout import CHAINS, SIGNERS
from bridge.domain.errors import ChainUnreachable
from tests import rpc_proxy
from tests.soak.network import BLOCK_TIME_S, FINALITY_BLOCKS, Network

GAP_S = (10.0, 20.0)
"""From the begin of a fault to that of the next, where the first is over by then."""
LAST_S = (2.0, 10.0)
"""How long a fault lasts that has a length."""
FULL_WEI = 10_000 * 10**18
JUMP_GWEI = (20, 150)
ANSWER_S = 180.0
"""An Anvil reads all of its state at its start."""


@dataclass(frozen=True)
class Fault:
    """One fault that was; times are of the monotonic clock."""

    kind: str
    at: str
    began: float
    ended: float


Act = Callable[["Faults"], tuple[str, AbstractAsyncContextManager[None]]]
"""Gives where the fault is and the fault, which lasts as long as it is entered."""


@dataclass
class Faults:
    """Draws and does faults; ``done`` are those that were, ``now`` the one that is."""

    network: Network
    seed: int
    last_s: tuple[float, float] = LAST_S
    done: list[Fault] = field(default_factory=list)
    now: str = ""

    def __post_init__(self) -> None:
        self.random = random.Random(f"{self.seed}:faults")
        self._left: list[str] = []
        self._restarted_at: dict[str, int] = {}
        """The head of a chain when it was restarted: Anvil loses its state in a reorg below it."""
        self.down: set[str] = set()
        """Processes that a fault has ended."""

    async def run(self, until: float) -> None:
        """A fault after the other until that time; the last one is undone."""
        while (began := time.monotonic()) < until:
            await self.one(self._draw())
            again = min(began + self.random.uniform(*GAP_S), until)
            await asyncio.sleep(max(0.0, again - time.monotonic()))

    async def one(self, kind: str) -> None:
        """One fault of this kind, from its begin to its end."""
        at, fault = FAULTS[kind](self)
        self.now = f"{kind} at {at}"
        began = time.monotonic()
        try:
            async with fault:
                await asyncio.sleep(self.random.uniform(*self.last_s))
        finally:
            self.done.append(Fault(kind, at, began, time.monotonic()))
            self.now = ""

    def _draw(self) -> str:
        """Kinds come in a random order, each once before any comes again."""
        if not self._left:
            self._left = list(FAULTS)
            self.random.shuffle(self._left)
        return self._left.pop()

    # Faults

    @asynccontextmanager
    async def killed(self, name: str) -> AsyncIterator[None]:
        process = self.network.processes[name]
        self.down.add(name)
        await asyncio.to_thread(process.end, signal.SIGKILL)
        try:
            yield
        finally:
            process.start()
            self.down.discard(name)

    @asynccontextmanager
    async def stopped(self, name: str) -> AsyncIterator[None]:
        process = self.network.processes[name]
        process.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.signal(signal.SIGCONT)

    @asynccontextmanager
    async def ended(self, name: str) -> AsyncIterator[None]:
        """By SIGTERM; a chain is waited for until it answers with its state.

        An Anvil that writes hundreds of megabytes of state goes on mining meanwhile, and forgets
        those blocks, final ones among them. So it stops mining before.
        """
        process = self.network.processes[name]
        self.down.add(name)
        if name.startswith("chain-"):
            await self.network.clients[name.removeprefix("chain-")].request(
                "evm_setIntervalMining", 0
            )
            await asyncio.sleep(BLOCK_TIME_S)
        await asyncio.to_thread(process.end, signal.SIGTERM)
        try:
            yield
        finally:
            process.start()
            self.down.discard(name)
            if name.startswith("chain-"):
                await self._answers(name.removeprefix("chain-"))

    @asynccontextmanager
    async def reorg(self, chain: str, depth: int) -> AsyncIterator[None]:
        client = self.network.clients[chain]
        async with asyncio.timeout(ANSWER_S):
            needed = self._restarted_at.get(chain, 0) + depth
            head = await client.block("latest")
            while head.number <= needed:
                await asyncio.sleep(BLOCK_TIME_S)
                head = await client.block("latest")
        await client.request("anvil_reorg", depth, [])
        yield

    @asynccontextmanager
    async def failing(self, chain: str, number: int, fault: rpc_proxy.Fault) -> AsyncIterator[None]:
        proxy = self.network.proxies[chain][number]
        proxy.fault = fault
        try:
            yield
        finally:
            proxy.heal()

    @asynccontextmanager
    async def lying(self, chain: str, number: int, lie: rpc_proxy.Lie) -> AsyncIterator[None]:
        proxy = self.network.proxies[chain][number]
        proxy.lie = lie
        try:
            yield
        finally:
            proxy.heal()

    @asynccontextmanager
    async def stale(self, chain: str, number: int) -> AsyncIterator[None]:
        client = self.network.clients[chain]
        heads = {
            tag: await client.request("eth_getBlockByNumber", tag, False)
            for tag in ("latest", "finalized")
        }
        at = int(heads["latest"]["number"], 16)

        def told(call: rpc_proxy.Call, result: object) -> object:
            if call["method"] != "eth_getBlockByNumber" or not isinstance(result, dict):
                return result
            tag = call["params"][0]
            if tag in heads:
                return heads[tag]
            return None if int(result["number"], 16) > at else result

        async with self.lying(chain, number, told):
            yield

    @asynccontextmanager
    async def journal_away(self) -> AsyncIterator[None]:
        await asyncio.to_thread(self.network.postgres.stop, "immediate")
        try:
            yield
        finally:
            await asyncio.to_thread(self.network.postgres.start)

    @asynccontextmanager
    async def drained(self, relayer: str, chain: str) -> AsyncIterator[None]:
        client, address = self.network.clients[chain], self.network.accounts[relayer].address
        await client.request("anvil_setBalance", address, "0x0")
        try:
            yield
        finally:
            await client.request("anvil_setBalance", address, hex(FULL_WEI))

    @asynccontextmanager
    async def base_fee(self, chain: str, gwei: int) -> AsyncIterator[None]:
        client = self.network.clients[chain]
        await client.request("anvil_setNextBlockBaseFeePerGas", hex(gwei * 10**9))
        yield

    @asynccontextmanager
    async def no_blocks(self, chain: str) -> AsyncIterator[None]:
        client = self.network.clients[chain]
        await client.request("evm_setIntervalMining", 0)
        try:
            yield
        finally:
            await client.request("evm_setIntervalMining", int(BLOCK_TIME_S))

    async def _answers(self, chain: str) -> None:
        async with asyncio.timeout(ANSWER_S):
            while True:
                with contextlib.suppress(ChainUnreachable):
                    head = await self.network.clients[chain].block("latest")
                    self._restarted_at[chain] = head.number
                    return
                await asyncio.sleep(0.1)

    # What the table draws

    def chain(self) -> str:
        return self.random.choice(list(CHAINS))

    def place(self) -> tuple[str, int]:
        chain = self.chain()
        return chain, self.random.randrange(len(self.network.proxies[chain]))

    def relayer(self) -> str:
        return self.random.choice(self.network.relayers).name

    def attestor(self) -> str:
        return f"attestor-{self.random.choice(list(SIGNERS))}"


def _killed(draw: Callable[[Faults], str]) -> Act:
    def act(faults: Faults) -> tuple[str, AbstractAsyncContextManager[None]]:
        name = draw(faults)
        return name, faults.killed(name)

    return act


def _stopped(draw: Callable[[Faults], str]) -> Act:
    def act(faults: Faults) -> tuple[str, AbstractAsyncContextManager[None]]:
        name = draw(faults)
        return name, faults.stopped(name)

    return act


def _ended(draw: Callable[[Faults], str]) -> Act:
    def act(faults: Faults) -> tuple[str, AbstractAsyncContextManager[None]]:
        name = draw(faults)
        return name, faults.ended(name)

    return act


def _failing(fault: rpc_proxy.Fault) -> Act:
    def act(faults: Faults) -> tuple[str, AbstractAsyncContextManager[None]]:
        chain, number = faults.place()
        return f"{chain}, endpoint {number + 1}", faults.failing(chain, number, fault)

    return act


def _lying(lie: rpc_proxy.Lie) -> Act:
    def act(faults: Faults) -> tuple[str, AbstractAsyncContextManager[None]]:
        chain, number = faults.place()
        return f"{chain}, endpoint {number + 1}", faults.lying(chain, number, lie)

    return act


def _stale(faults: Faults) -> tuple[str, AbstractAsyncContextManager[None]]:
    chain, number = faults.place()
    return f"{chain}, endpoint {number + 1}", faults.stale(chain, number)


def _reorg(faults: Faults) -> tuple[str, AbstractAsyncContextManager[None]]:
    chain, depth = faults.chain(), faults.random.randint(1, FINALITY_BLOCKS - 1)
    return f"{chain}, {depth} blocks", faults.reorg(chain, depth)


def _drained(faults: Faults) -> tuple[str, AbstractAsyncContextManager[None]]:
    relayer, chain = faults.relayer(), faults.chain()
    return f"{relayer} on {chain}", faults.drained(relayer, chain)


def _base_fee(faults: Faults) -> tuple[str, AbstractAsyncContextManager[None]]:
    chain, gwei = faults.chain(), faults.random.randint(*JUMP_GWEI)
    return f"{chain}, {gwei} gwei", faults.base_fee(chain, gwei)


def _no_blocks(faults: Faults) -> tuple[str, AbstractAsyncContextManager[None]]:
    chain = faults.chain()
    return chain, faults.no_blocks(chain)


def _journal(faults: Faults) -> tuple[str, AbstractAsyncContextManager[None]]:
    return "PostgreSQL", faults.journal_away()


FAULTS: dict[str, Act] = {
    "relayer killed": _killed(Faults.relayer),
    "attestor killed": _killed(Faults.attestor),
    "key service killed": _killed(lambda _: "keyservice"),
    "relayer stopped for a while": _stopped(Faults.relayer),
    "attestor stopped for a while": _stopped(Faults.attestor),
    "key service stopped for a while": _stopped(lambda _: "keyservice"),
    "chain stopped for a while": _stopped(lambda faults: f"chain-{faults.chain()}"),
    "chain restarted with its state": _ended(lambda faults: f"chain-{faults.chain()}"),
    "relayer restarted": _ended(Faults.relayer),
    "reorg": _reorg,
    "no blocks": _no_blocks,
    "base fee jumps": _base_fee,
    "account drained": _drained,
    "PostgreSQL crashes": _journal,
    "endpoint hangs": _failing(rpc_proxy.hangs),
    "endpoint hangs up": _failing(rpc_proxy.hangs_up),
    "endpoint is slow": _failing(rpc_proxy.slow(1.5)),
    "endpoint answers 429": _failing(rpc_proxy.too_many_requests),
    "endpoint answers 500": _failing(rpc_proxy.server_error),
    "endpoint truncates JSON": _failing(rpc_proxy.truncated_json),
    "endpoint has a stale head": _stale,
    "endpoint is another chain's": _lying(rpc_proxy.another_chain),
    "endpoint hides logs": _lying(rpc_proxy.no_logs),
    "endpoint forges logs": _lying(rpc_proxy.other_logs),
    "endpoint forges block hashes": _lying(rpc_proxy.other_hashes),
    "endpoint forges what calls return": _lying(rpc_proxy.other_roots),
}
