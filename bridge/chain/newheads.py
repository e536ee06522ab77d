"""A subscription to new heads, over WebSocket, as a reason to look at once and never as data.

Nothing that comes over the socket is believed but that it came. After a loss everything begins
anew: a socket of its own and a subscription of its own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import structlog
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

log = structlog.get_logger()

OPEN_TIMEOUT_S = 10.0
SILENCE_S = 120.0
"""A socket that said nothing for so long is given up; pings find a dead one sooner."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
SUBSCRIBE = json.dumps(
    {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}
)


class NewHeads:
    """Calls ``wake`` for each head that the node at ``url`` announces of the chain ``name``.

    ``connected`` says whether there is a socket now. A loss is one line in the log, and so is a
    return.
    """

    def __init__(self, name: str, url: str, wake: Callable[[], None]) -> None:
        self.name = name
        self.connected = False
        self._url = url
        self._wake = wake
        self._said_lost = False

    async def run(self) -> None:
        """Listen until cancelled, again after each loss."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await self._listen()
            except (OSError, TimeoutError, WebSocketException) as error:
                if self.connected:
                    pause_s = FIRST_PAUSE_S
                if self.connected or not self._said_lost:
                    self._said_lost = True
                    log.warning(
                        "new_heads_lost",
                        chain=self.name,
                        reason=f"{type(error).__name__}: {error}".rstrip(": "),
                        instead="polling",
                    )
            finally:
                self.connected = False
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _listen(self) -> None:
        # A proxy of the environment has no business with it, as with requests.
        async with connect(self._url, open_timeout=OPEN_TIMEOUT_S, proxy=None) as socket:
            await socket.send(SUBSCRIBE)
            while True:
                async with asyncio.timeout(SILENCE_S):
                    text = await socket.recv()
                if not self.connected:
                    self._begin(text)
                self._wake()

    def _begin(self, text: str | bytes) -> None:
        """The first answer: the subscription's id, or the node's refusal."""
        try:
            answer = json.loads(text)
            refused = not isinstance(answer, dict) or "error" in answer
        except ValueError:
            refused = True
        if refused:
            raise WebSocketException(f"no subscription: {str(text)[:200]}")
        self.connected = True
        if self._said_lost:
            log.info("new_heads_back", chain=self.name)
            self._said_lost = False
