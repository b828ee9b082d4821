"""AdCast's push: a line on which the server says that something changed, so that the box asks at once and not at its interval.

A hint is no content. What it names is asked for as ever, and that is what counts: a hint that is lost, comes twice or is invented
costs a call at most, and calls are rationed. Whenever the line opens everything is asked for: nothing is kept for who was away.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from player.cms.push import LASTED_S, Again, KeepLine, PushLine, Rationed, Unread
from player.cms.wire import rows, text
from player.core.faults import Fault
from player.core.ports.box import Clock
from player.core.ports.server import ContentChanged, ServerInbox
from player.errors import NotOffered, ServerError, ServerUnreachable

log = logging.getLogger(__name__)
PATH, PING_S = "/api/device/ws", 20.0
_GOES_AWAY = (1000, 1001, 1012)  # RFC 6455: it has no complaint


def address(url: str) -> str:
    """Where the line to the server at `url` (http or https) is opened."""
    return f"ws{url.removeprefix('http').rstrip('/')}{PATH}"


class Hints:
    """`uuid` is what the box says with its first frame."""

    def __init__(self, uuid: str, clock: Clock, keep_line: KeepLine) -> None:
        self._uuid, self._clock, self._keep_line = uuid, clock, keep_line
        self._beat, self._programme = Rationed(clock), Rationed(clock)
        self._opened_at: float | None = None  # monotonic
        self._fault: Fault | None = None

    async def run(self, inbox: ServerInbox) -> None:
        """Keeps the line, for ever, and says when there is something else to be shown."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep(), name="adcast: push")
            group.create_task(self._hurry(inbox), name="adcast: hints of content")

    async def heartbeat_within(self, seconds: float) -> None:
        """Until a heartbeat is worth its call, for `seconds` at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._beat.due()

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the line. It is told until one has lasted for a minute."""
        if self._opened_at is not None and self._clock.monotonic() - self._opened_at >= LASTED_S:
            self._fault = None
        return (self._fault,) if self._fault else ()

    async def _hurry(self, inbox: ServerInbox) -> None:
        while True:
            await self._programme.due()
            await inbox.put(ContentChanged())

    async def _keep(self) -> None:
        await self._keep_line(self._talk, self._trouble)

    async def _talk(self, line: PushLine) -> Again:
        await line.send({"uuid": self._uuid})
        log.info("what changes at the server is pushed")
        self._opened_at = self._clock.monotonic()
        self._ask_for_all()
        try:
            while (message := await line.hear()) is not None:
                if isinstance(message, Unread):
                    self._complain(f"the push sent {message.reason}; what it may have said is asked for")
                    self._ask_for_all()
                else:
                    self._hear({text(word) for word in rows(message.get("changed")) or []})
        finally:
            self._opened_at = None
        code, reason = line.ended
        if code not in _GOES_AWAY:
            self._complain(f"the push ended with {code or 'no word'} {reason[:200]}".rstrip() + "; it is opened again")
            self._beat.ask()  # the server's answer says more
        return Again.AFTER_A_PAUSE

    def _hear(self, changed: set[str | None]) -> None:
        if changed & {"commands", "alerts"}:
            self._beat.ask()
        if "playlist" in changed:
            self._programme.ask()

    def _ask_for_all(self) -> None:
        self._beat.ask()
        self._programme.ask()

    def _trouble(self, error: ServerError) -> None:
        """Many a server has no push, and one that is away is told of already."""
        if isinstance(error, NotOffered | ServerUnreachable):
            log.debug("nothing is pushed: %s", error)
        else:
            self._complain(str(error))

    def _complain(self, sentence: str) -> None:
        if self._fault is None:
            log.info("%s", sentence)
        since = self._fault.since if self._fault else self._clock.now().timestamp()
        self._fault = Fault("push", sentence, since)
