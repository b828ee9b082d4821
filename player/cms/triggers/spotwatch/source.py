"""Spotwatch as a source of triggers: its queue asked each second, or calls at an address of ours.

One key has one endpoint: whoever sets one takes the messages from another, so that what the server says of it is logged. However
many messages come, `WAITING` of them wait at most, the newest; the rest is counted.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections import deque
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from player.cms.pace import rest_s
from player.cms.triggers.spotwatch.adverts import Adverts
from player.cms.triggers.spotwatch.api import AT_ONCE, QUEUE, SpotwatchApi
from player.cms.triggers.spotwatch.words import Illegible, ReadBroadcast, messages_of, read
from player.core.ports.box import Clock
from player.core.ports.server import Missed, Reached
from player.core.ports.triggers import HookAnswer, Misread, OtherSort, Triggered, TriggerInbox
from player.core.triggers import Broadcast
from player.core.vocabulary import Vocabulary
from player.errors import ServerError, ServerRefused

log = logging.getLogger(__name__)
POLL_S, SET_AGAIN_S, WAITING = 1.0, 6 * 3600.0, 1000
FULL_S = 0.2  # between two questions as long as more waits than one answer holds
DAY_S = 86_400.0
LONGEST_PING = 1000
HOOK = "/hooks/spotwatch"


class Spotwatch:
    """Implements `TriggerSource`. `reached_at`: our address, where it is to call; "": it keeps a queue. `zone`: the key's."""

    def __init__(self, api: SpotwatchApi, base: str, reached_at: str, zone: ZoneInfo, clock: Clock) -> None:
        self.api, self._base, self._zone, self._clock = api, base, zone, clock
        self.hook = HOOK if reached_at else ""
        self._endpoint = reached_at.rstrip("/") + HOOK if reached_at else QUEUE
        self._adverts = Adverts(api, base, clock)
        self._token = secrets.token_hex(32) if reached_at else ""
        self._waiting: deque[Any] = deque()
        self._lost = 0
        self._came = asyncio.Event()
        self._set_at: float | None = None

    def __repr__(self) -> str:
        return f"<Spotwatch {self._base}, by {'calls' if self.hook else 'its queue'}>"

    @property
    def place(self) -> str:
        return self._base

    async def run(self, inbox: TriggerInbox) -> None:
        attempt = 0
        while True:
            try:
                await self._set_up()
                pause = await (self._wait_for_calls(inbox) if self.hook else self._empty_queue(inbox))
                attempt = 0
            except ServerError as error:
                if isinstance(error, ServerRefused):
                    self._set_at = None  # a queue that is not ours any more is refused
                await inbox.put(Missed(error))
                pause = rest_s(error, attempt, POLL_S)
                attempt += 1
            await asyncio.sleep(pause)

    async def _set_up(self) -> None:
        now = self._clock.monotonic()
        if self._set_at is not None and now < self._set_at + SET_AGAIN_S:
            return
        said = await self.api.push_to(self._endpoint, self._token)
        if self._set_at is None:
            log.info("Spotwatch sends this key's broadcasts to %s, and to no other endpoint; it says: %s", self._endpoint, said)
        self._set_at = now

    async def lately(self) -> Sequence[Broadcast]:
        now = self._clock.now().timestamp()
        rows = await self.api.broadcasts(now - DAY_S)
        found = await asyncio.to_thread(lambda: [read({"broadcast": row}, self._zone, now, self._base) for row in rows])
        return [one.broadcast for one in found if isinstance(one, ReadBroadcast)]

    async def vocabulary(self) -> Vocabulary:
        return Vocabulary(await self.api.brands(), await self.api.channels())

    # --- the queue

    async def _empty_queue(self, inbox: TriggerInbox) -> float:
        """Takes what waits there; how long to rest."""
        found = await self.api.queue()
        await inbox.put(Reached(self._offset()))
        await self._passed_over(len(found) - WAITING, inbox)
        await self._tell(found[-WAITING:], inbox)
        return FULL_S if len(found) >= AT_ONCE else POLL_S

    # --- calls

    async def called(self, body: bytes) -> HookAnswer:
        try:
            said = msgspec.json.decode(body)
        except (ValueError, RecursionError):  # what is not UTF-8 is a plain ValueError
            return HookAnswer(400, "The body is not JSON.")
        given = said.get("token") if isinstance(said, dict) else None
        is_ours = bool(self._token) and hmac.compare_digest(str(given).encode("utf-8", "replace"), self._token.encode())
        ping = said.get("ping") if isinstance(said, dict) else None
        if isinstance(ping, str) and self._token and (given is None or is_ours):
            return HookAnswer(200, ping[:LONGEST_PING])
        if not is_ours:
            return HookAnswer(403, "The token is not the one that was set.")
        self._waiting.extend(messages_of(said))
        while len(self._waiting) > WAITING:
            self._waiting.popleft()
            self._lost += 1
        self._came.set()
        return HookAnswer(200)

    async def _wait_for_calls(self, inbox: TriggerInbox) -> float:
        """Tells what came by calls; returns when the endpoint is to be set again."""
        await inbox.put(Reached(self._offset()))
        left = SET_AGAIN_S
        while left > 0:
            try:
                async with asyncio.timeout(left):
                    await self._came.wait()
            except TimeoutError:
                break
            self._came.clear()
            found, lost = list(self._waiting), self._lost
            self._waiting.clear()
            self._lost = 0
            await self._passed_over(lost, inbox)
            await self._tell(found, inbox)
            left = (self._set_at or 0.0) + SET_AGAIN_S - self._clock.monotonic()
        return 0.0

    # --- both

    async def _passed_over(self, lost: int, inbox: TriggerInbox) -> None:
        if lost > 0:
            words = f"{lost} broadcasts came faster than they can be looked at, and were passed over"
            await inbox.put(Misread("broadcast_flood", words, lost))

    async def _tell(self, messages: Sequence[Any], inbox: TriggerInbox) -> None:
        now = self._clock.now().timestamp()
        readings = list[ReadBroadcast]()
        for message in messages:
            match read(message, self._zone, now, self._base):
                case ReadBroadcast() as reading:
                    readings.append(reading)
                case Illegible(reason, sort):
                    words = f"a message of Spotwatch cannot be read: {reason}"
                    await inbox.put(OtherSort(sort) if sort else Misread("bad_broadcast", words))
        for broadcast in await self._adverts.completed(readings):
            await inbox.put(Triggered(broadcast))

    def _offset(self) -> float | None:
        """How far the server's clock leads ours, to the second."""
        said = self.api.server_time
        return None if said is None else round(said - self._clock.now().timestamp(), 1)
