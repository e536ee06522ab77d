"""A creation run once more, on the state that the chain had before it, for the code it makes.

Immutables are whatever the creation code wrote, and hand-made creation code writes anything. So
the transaction that created the contract is run again by revm, in a process of its own, with its
sender, value and data and in the surroundings of its block; the code that this leaves at the
address must be the chain's. With a creation code that is the compiled one, the immutables are then
those that the source's constructor makes of its arguments.

revm asks for each account and storage word that it reads. It asks a server on loopback, which
passes the question on to `bridge.chain` for the block before. What other transactions of the same
block did before this one is not in that state: where the result depends on it, the replay differs
and nothing is bound. The base fee and the gas price are zero in a replay.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from bridge.chain.client import ChainClient
from bridge.chain.creation import Creation, surroundings
from bridge.chain.wire import data as hex_data
from bridge.chain.wire import parse_data, quantity
from bridge.domain.errors import BridgeError, ChainRefused, ExtraMissing

TIMEOUT_S = 60.0
MAX_QUESTIONS = 5_000
LEAST_GAS = 1 << 25
"""Gas prices changed over the forks: an old transaction gets more than it had."""
PASSED_ON = frozenset({"eth_getBalance", "eth_getCode", "eth_getTransactionCount"})
MISSING = 4
"""How the process ends that finds no revm."""


class ReplayFailed(Exception):
    """The creation cannot be run again; says why."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The code that the creation makes, and how many questions of state it took."""

    code: bytes
    questions: int


async def replay(client: ChainClient, creation: Creation) -> Replayed:
    """The code that the creation leaves at its address, run on the state of the block before.

    Raises ``ReplayFailed`` where the node has no such old state, the transaction reverts, or the
    time is up; ``ExtraMissing`` without revm.
    """
    transaction = creation.transaction
    if transaction.block_number == 0:
        raise ReplayFailed("it was created in the first block")
    around = await surroundings(client, transaction.block_number)
    state = _State(client, transaction.block_number - 1)
    runner = web.AppRunner(state.application(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        task = {
            "url": f"http://127.0.0.1:{port}/",
            "block": transaction.block_number - 1,
            "chain_id": client.settings.chain_id,
            "surroundings": {**asdict(around), "prevrandao": around.prevrandao.hex()},
            "sender": transaction.sender,
            "nonce": transaction.nonce,
            "to": transaction.to,
            "value": transaction.value,
            "gas": max(transaction.gas, LEAST_GAS),
            "data": transaction.data.hex(),
            "address": creation.address,
        }
        answer = await _run(task)
    finally:
        await runner.cleanup()
    if state.failure is not None:
        raise ReplayFailed(f"state of block {transaction.block_number - 1}: {state.failure}")
    if "failed" in answer:
        raise ReplayFailed(str(answer["failed"]))
    return Replayed(bytes.fromhex(answer["code"]), state.questions)


async def _run(task: Mapping[str, Any]) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bridge.verifier.match.replay_process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            out, err = await process.communicate(json.dumps(task).encode())
    except TimeoutError as error:
        raise ReplayFailed(f"not done within {TIMEOUT_S:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == MISSING:
        raise ExtraMissing("pyrevm", "verifier")
    if process.returncode != 0:
        lines = err.decode(errors="replace").strip().splitlines() or ["no words"]
        raise ReplayFailed(f"revm ended with {process.returncode}: {lines[-1][:300]}")
    answer: dict[str, Any] = json.loads(out)
    return answer


class _State:
    """Answers questions about accounts from one block of a chain."""

    def __init__(self, client: ChainClient, block: int) -> None:
        self._client = client
        self._block = block
        self.questions = 0
        self.failure: str | None = None

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_post("/", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.Response:
        question = await request.json()
        self.questions += 1
        response = {"jsonrpc": "2.0", "id": question.get("id")}
        try:
            result = await self._result(question["method"], question["params"])
            return web.json_response({**response, "result": result})
        except (BridgeError, ValueError, LookupError, TypeError) as error:
            self.failure = self.failure or str(error)
            failure = {"code": -32000, "message": "no such state"}
            return web.json_response({**response, "error": failure})

    async def _result(self, method: str, params: list[Any]) -> object:
        if self.questions > MAX_QUESTIONS:
            raise ValueError(f"more than {MAX_QUESTIONS} questions")
        address = hex_data(parse_data(params[0], 20)) if method != "eth_getBlockByNumber" else ""
        if method == "eth_getCode":
            return hex_data(await self._client.code(address, self._block))
        if method == "eth_getStorageAt":
            slot = int(params[1], 16)
            return hex_data(await self._client.storage(address, slot, self._block))
        if method in PASSED_ON:
            return await self._client.request(method, address, quantity(self._block))
        if method == "eth_getBlockByNumber":  # BLOCKHASH of an earlier block
            return await self._client.request(method, params[0], False)
        raise ChainRefused(self._client.settings.name, method, 0, "not asked for in a replay")
