"""An attestor over real HTTP that says it is somebody and signs as it likes."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web

from bridge.crypto.digests import checkpoint_digest
from bridge.keyservice.wire import CheckpointBody


class LyingAttestor:
    """Answers with ``key`` to who it is, and with ``sign(digest)``, in hex, to every checkpoint."""

    def __init__(self, key: dict[str, Any], sign: Callable[[bytes], str]) -> None:
        self.key, self.sign = key, sign
        self.asked: list[bytes] = []
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/v1/signer", self._signer)
        app.router.add_post("/v1/signatures", self._signatures)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def _signer(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [self.key]})

    async def _signatures(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        checkpoint = CheckpointBody.model_validate(body["checkpoint"]).checkpoint()
        digest = checkpoint_digest(checkpoint)
        self.asked.append(digest)
        signature = {"key_id": self.key["key_id"], "signature": self.sign(digest)}
        return web.json_response({"digest": "0x" + digest.hex(), "signatures": [signature]})
