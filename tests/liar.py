"""An attestor over real HTTP that says it is somebody and signs as it likes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from bridge.crypto.digests import checkpoint_digest
from bridge.keyservice.wire import CheckpointBody
from tests.loopback import LoopbackServer


class LyingAttestor(LoopbackServer):
    """Answers with ``key`` to who it is, and with ``sign(digest)``, in hex, to every checkpoint."""

    def __init__(self, key: dict[str, Any], sign: Callable[[bytes], str]) -> None:
        super().__init__()
        self.key, self.sign = key, sign
        self.asked: list[bytes] = []
        self.app.router.add_get("/v1/signer", self._signer)
        self.app.router.add_post("/v1/signatures", self._signatures)

    async def _signer(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [self.key]})

    async def _signatures(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        checkpoint = CheckpointBody.model_validate(body["checkpoint"]).checkpoint()
        digest = checkpoint_digest(checkpoint)
        self.asked.append(digest)
        signature = {"key_id": self.key["key_id"], "signature": self.sign(digest)}
        return web.json_response({"digest": "0x" + digest.hex(), "signatures": [signature]})
