"""Where broadcasts go: to one endpoint by HTTP, or into the queue; whoever sets one takes them from the one before."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from player.demo.spotwatch.wire import SpotwatchDeclined

log = logging.getLogger(__name__)
QUEUE, MOST = "/message-queue", 1000
WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` or `QUEUE`; `token` goes with each push."""

    url: str
    token: str
    time_fmt: str
    ad_fields: tuple[str, ...]


class PushTo:
    """One key's endpoint, and its queue."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.endpoint: Endpoint | None = None
        self._queue: deque[dict[str, Any]] = deque(maxlen=MOST)

    async def set(self, endpoint: Endpoint) -> str:
        """Uses it from now on, once it has answered a ping; what is said to that. Raises SpotwatchDeclined."""
        if endpoint.url != QUEUE:
            await self._ping(endpoint.url)
        before, self.endpoint = self.endpoint, endpoint
        replaced = f" It replaces [{before.url}]." if before and before.url != endpoint.url else ""
        return f"Push endpoint set to [{endpoint.url}].{replaced}"

    async def _ping(self, url: str) -> None:
        word = secrets.token_hex(16)
        try:
            status, said = await self._post(url, {"ping": word})
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise SpotwatchDeclined(f"Endpoint [{url}] cannot be reached: {type(error).__name__}.") from error
        if status >= 300 or said.strip() != word:
            raise SpotwatchDeclined(f"Endpoint [{url}] did not answer the ping.")

    async def _post(self, url: str, body: dict[str, Any]) -> tuple[int, str]:
        async with asyncio.timeout(WITHIN_S):
            headers = {"Content-Type": "application/json"}
            async with self._session.post(url, data=json.dumps(body), headers=headers, allow_redirects=False) as answer:
                return answer.status, await answer.text()

    def take(self, most: int) -> Sequence[dict[str, Any]]:
        """The oldest messages of the queue, which leave it; -1: all."""
        count = len(self._queue) if most < 0 else min(most, len(self._queue))
        return [self._queue.popleft() for _ in range(count)]

    async def deliver(self, message: dict[str, Any]) -> None:
        """To the endpoint; one that does not take it misses it."""
        endpoint = self.endpoint
        if endpoint is None:
            return
        if endpoint.url == QUEUE:
            self._queue.append({"push_type": "broadcast", "message": message})
            return
        token = {"token": endpoint.token} if endpoint.token else {}
        try:
            await self._post(endpoint.url, {**token, "push_type": "broadcast", "message": message})
        except (aiohttp.ClientError, TimeoutError) as error:
            log.debug("a push was not taken: %s", error)
