"""A line that a server pushes by: a WebSocket that is opened again and again, and on which nobody can drown this box.

What comes is a hint or an order, never content: a message has a limit, and so have messages and frames a second. A line that breaks
a limit is closed and opened again after a pause; what it would have said is fetched. websockets' errors end here and leave by their
meaning.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxy, InvalidStatus, InvalidURI, ProxyError
from websockets.frames import Frame
from websockets.protocol import Event

from player.core.allowance import Allowance
from player.core.egress import WayOut
from player.core.ports.box import Clock
from player.errors import NotOffered, ProxyBroken, ServerBusy, ServerDenied, ServerError, ServerNonsense, ServerUnreachable
from player.runtime.sessions import tls_context
from player.runtime.tasks import backoff

log = logging.getLogger(__name__)
OPEN_S, CLOSE_S = 10.0, 2.0
READ_BYTES, LINE_BYTES = 10_000, 64 * 1024  # a longer message is not read; a longer one still ends the line
AT_ONCE, EACH_S = 200, 0.02  # messages: so many in one go, then fifty a second
FRAMES_AT_ONCE, FRAME_EACH_S, TAKEN_BYTES = 1000, 0.005, 4096  # pings among them, each of which is answered
HOUR_S, DAY_S, LASTED_S, LONGEST_S = 3600.0, 86_400.0, 60.0, 300.0


class Again(Enum):
    """When a line that has ended is opened again."""

    AT_ONCE = "at once"
    AFTER_A_PAUSE = "after a pause"
    TOMORROW = "tomorrow"  # with these settings it makes no sense


@dataclass(frozen=True, slots=True)
class Unread:
    """A message that was not understood: why, and whether it was too long to be looked at."""

    reason: str
    too_long: bool = False


class _Sluice(ClientConnection):
    """Takes what comes in small pieces, and hangs up on who sends more frames than anybody needs.

    websockets reads on however many pings come, and holds the answers for whoever does not read them.
    """

    _frames = Allowance(FRAMES_AT_ONCE, FRAME_EACH_S)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._frames = Allowance(FRAMES_AT_ONCE, FRAME_EACH_S)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        for begin in range(0, len(data), TAKEN_BYTES):
            if self.transport.is_closing():
                return
            super().data_received(data[begin : begin + TAKEN_BYTES])

    def process_event(self, event: Event) -> None:
        if isinstance(event, Frame) and not self._frames.spare(self.loop.time()):
            self.transport.abort()
        else:
            super().process_event(event)


class _Straight(connect):
    """Goes where it is told to and follows no redirect: that could lead to a neighbour of this box."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class PushLine:
    """One line, open. Messages are JSON objects."""

    def __init__(self, url: str, socket: ClientConnection, clock: Clock) -> None:
        self._url, self._socket, self._clock = url, socket, clock
        self._allowance = Allowance(AT_ONCE, EACH_S)

    def __repr__(self) -> str:
        return f"<PushLine {self._url}>"

    async def hear(self) -> dict[str, Any] | Unread | None:
        """The next message; None when the line has ended. Raises ServerNonsense where they come too fast."""
        try:
            raw = await self._socket.recv()
        except ConnectionClosed:
            return None
        if not self._allowance.spare(self._clock.monotonic()):
            raise ServerNonsense(self._url, f"more than {1 / EACH_S:.0f} messages a second were pushed; what matters is fetched")
        if len(raw) > READ_BYTES:
            return Unread(f"a message of {len(raw)} characters, of {READ_BYTES} at most", too_long=True)
        try:
            value = msgspec.json.decode(raw)
        except (ValueError, RecursionError):
            return Unread("a message that is not JSON")
        return value if isinstance(value, dict) else Unread("a message that is not a JSON object")

    async def send(self, message: Mapping[str, Any]) -> None:
        """Says something; on a line that has ended nothing."""
        with contextlib.suppress(ConnectionClosed):
            await self._socket.send(msgspec.json.encode(message), text=True)

    async def close(self) -> None:
        """Ends it: `hear` answers None."""
        await self._socket.close()

    @property
    def ended(self) -> tuple[int | None, str]:
        """The code and the words with which the other side ended it; None where it just went."""
        return self._socket.close_code, self._socket.close_reason or ""


@contextlib.asynccontextmanager
async def open_line(url: str, way_out: WayOut, clock: Clock, *, ping_s: float | None) -> AsyncIterator[PushLine]:
    """A line to `url` (ws or wss). `ping_s`: how often the other side has to answer; None: what is spoken has its own pings.

    Raises ServerError.
    """
    proxy = way_out.proxy_for(url)
    try:
        socket = await _Straight(
            url,
            ssl=tls_context(way_out) if url.startswith("wss:") else None,
            proxy=proxy.address if proxy else None,
            user_agent_header=way_out.user_agent,
            compression=None,
            open_timeout=OPEN_S,
            close_timeout=CLOSE_S,
            ping_interval=ping_s,
            ping_timeout=None if ping_s is None else 2 * ping_s,
            max_size=LINE_BYTES,
            create_connection=_Sluice,
        )
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
        raise _translated(url, str(proxy or ""), error) from error
    try:
        yield PushLine(url, socket, clock)
    finally:
        await socket.close()


def _translated(url: str, proxy: str, error: Exception) -> ServerError:
    match error:
        case ProxyError() | InvalidProxy():
            return ProxyBroken(proxy, f"does not let us through to {url}")
        case InvalidStatus(response=response) if response.status_code in (401, 402, 403):
            return ServerDenied(url, f"{response.status_code}: no line is opened")
        case InvalidStatus(response=response) if not _passes(response.status_code):
            return NotOffered(url, f"{response.status_code}: nothing is pushed from there")
        case InvalidStatus(response=response):
            return ServerBusy(url, f"{response.status_code}: no line is opened")
        case InvalidHandshake() | InvalidURI():
            return ServerNonsense(url, "no WebSocket answers there")
        case _:
            return ServerUnreachable(url, str(error) or "no answer in time")


def _passes(status: int) -> bool:
    """Whether a line may be had soon, although it was refused; else there is none, or something between lets none through."""
    return status in (408, 425, 429) or (status >= 500 and status != 501)


Talk = Callable[[PushLine], Awaitable[Again]]  # until the line ends, or is to end; raises ServerError
Trouble = Callable[[ServerError], None]
KeepLine = Callable[[Talk, Trouble], Awaitable[None]]  # `keep_line` to one address


async def keep_line(
    url: str,
    way_out: WayOut,
    clock: Clock,
    talk: Talk,
    *,
    ping_s: float | None,
    trouble: Trouble,
    first_s: float = 1.0,
) -> None:
    """Opens the line, talks, and opens it again, for ever: at once or after a growing pause; hours later where none is offered.

    `trouble` is told why there is no line; `first_s`: the first pause at most.
    """
    attempt, at_once = 0, Allowance(3, 30.0)
    while True:
        began, again = clock.monotonic(), Again.AFTER_A_PAUSE
        try:
            async with open_line(url, way_out, clock, ping_s=ping_s) as line:
                again = await talk(line)
        except NotOffered as error:
            trouble(error)
            await asyncio.sleep(backoff(0, first_s=HOUR_S) + HOUR_S)
            continue
        except ServerError as error:
            trouble(error)
        attempt = 0 if clock.monotonic() - began > LASTED_S else attempt + 1
        await asyncio.sleep(_pause_s(again, attempt, first_s) + (at_once.take(clock.monotonic()) if again is Again.AT_ONCE else 0))


def _pause_s(again: Again, attempt: int, first_s: float) -> float:
    match again:
        case Again.AT_ONCE:
            return 0.0
        case Again.TOMORROW:
            return DAY_S
        case _:
            return backoff(attempt, first_s=first_s, limit_s=LONGEST_S)


class Rationed:
    """Something that is asked for now and then, and done no more often than it may be: `AT_ONCE`, then one in `EACH_S`."""

    AT_ONCE, EACH_S = 10, 1.0

    def __init__(self, clock: Clock) -> None:
        self._clock, self._asked = clock, asyncio.Event()
        self._allowance = Allowance(self.AT_ONCE, self.EACH_S)

    def ask(self) -> None:
        """It is worth its while."""
        self._asked.set()

    async def due(self) -> None:
        """Until it is asked for, and may be done."""
        await self._asked.wait()
        while (wait_s := self._allowance.due_in(self._clock.monotonic())) > 0:  # noqa: ASYNC110 - for its time, not for another
            await asyncio.sleep(wait_s)
        self._asked.clear()
