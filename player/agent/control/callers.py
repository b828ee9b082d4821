"""Whom the TCP listener lets in, and how many calls of theirs are answered at a time (fault L6): `core.callers` on real sockets.

The Unix socket, which the command line uses, is outside of all of it and never full.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

from aiohttp import web

from player.agent.control.access import Refused
from player.core.callers import Caller, room_for

T = TypeVar("T")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
HANDSHAKE_WITHIN_S = 5.0
READ_WITHIN_S = 20.0  # some of what is waiting for a caller, or the line is dead
SOON_S = 0.2
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def is_unix(transport: asyncio.BaseTransport | None) -> bool:
    """Whether the other end is at our Unix socket."""
    found = transport.get_extra_info("socket") if transport else None
    return found is not None and found.family == socket.AF_UNIX


def address_of(transport: asyncio.BaseTransport | None) -> Address | None:
    """The other end's address, IPv4 where it is an IPv4 address in IPv6's clothes; None when it has none."""
    peer = transport.get_extra_info("peername") if transport else None
    return _address(str(peer[0])) if peer else None


@functools.lru_cache(maxsize=1024)
def _address(text: str) -> Address | None:
    """Of every connection it is asked for at each other one that is opened."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class Turns:
    """`each` calls of one source are answered at a time; a further one waits for its turn, `wait_s` seconds at most."""

    def __init__(self, each: int, wait_s: float) -> None:
        self._each, self._wait_s = each, wait_s
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._calls: Counter[str] = Counter()
        self._at_work: Counter[web.RequestHandler] = Counter()
        self._asked: dict[web.RequestHandler, web.BaseRequest] = {}

    def __repr__(self) -> str:
        return f"<turns: {self._calls.total()} calls of {len(self._calls)} sources>"

    def is_at_work(self, connection: web.RequestHandler) -> bool:
        """Whether something was asked over `connection` that is not answered yet."""
        return connection in self._at_work

    def is_owed_an_answer(self, connection: web.RequestHandler) -> bool:
        """Whether what was asked over `connection` came to its end, and its answer will."""
        request = self._asked.get(connection)
        return request is not None and request.content.is_eof()

    @contextlib.contextmanager
    def working(self, request: web.BaseRequest, *, has_end: bool) -> Iterator[None]:
        """While entered, the connection of `request` does not make way for those who ask nothing. `has_end`: of its answer."""
        connection = request.protocol
        self._at_work[connection] += 1
        if has_end:
            self._asked[connection] = request
        try:
            yield
        finally:
            if not _less(self._at_work, connection):
                self._asked.pop(connection, None)

    @contextlib.asynccontextmanager
    async def turn(self, source: str) -> AsyncIterator[None]:
        """Waits for a turn of `source` and has it while entered. Raises Refused when none came."""
        gate = self._gates.setdefault(source, asyncio.Semaphore(self._each))
        self._calls[source] += 1
        try:
            try:
                async with asyncio.timeout(self._wait_s):
                    await gate.acquire()
            except TimeoutError:
                raise Refused(503, f"{self._each} calls from your address are being answered already; try again") from None
            try:
                yield
            finally:
                gate.release()
        finally:
            if not _less(self._calls, source):
                del self._gates[source]


def _less(counts: Counter[T], key: T) -> int:
    """One less of `key`, which is forgotten at 0."""
    counts[key] -= 1
    left = counts[key]
    if not left:
        del counts[key]
    return left


class GuardedSite(web.TCPSite):
    """A TCP site with at most `each` connections a source and `total` in all, where idle ones make way; `tls`: spoken under TLS."""

    def __init__(
        self, runner: web.AppRunner, host: str | None, port: int, turns: Turns, *, each: int, total: int,
        tls: ssl.SSLContext | None,
    ) -> None:  # fmt: skip
        super().__init__(runner, host, port, ssl_context=tls)
        self._tls = tls
        self._address, self._turns, self._each, self._total = (host, port), turns, each, total
        self.bound_port = port

    async def start(self) -> None:
        """Listens. Raises OSError."""
        await web.BaseSite.start(self)
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Door(self._answerer, self._turns), *self._address, backlog=128, ssl=self._tls,
            ssl_handshake_timeout=HANDSHAKE_WITHIN_S if self._tls else None,
        )  # fmt: skip
        self.bound_port = self._server.sockets[0].getsockname()[1]

    def _answerer(self, transport: asyncio.Transport) -> web.RequestHandler | None:
        """Who answers at `transport`; None: there is no room. Hangs up on the one that makes way."""
        server = self._runner.server
        if server is None:
            return None
        # oldest first; `abort` leaves a connection on the server's list until the loop comes round to it
        open_ones = [
            (handler, handler.transport)
            for handler in server.connections
            if handler.transport is not None and not handler.transport.is_closing() and not is_unix(handler.transport)
        ]
        callers = [Caller(str(address_of(at)), self._turns.is_at_work(handler)) for handler, at in open_ones]
        room = room_for(str(address_of(transport)), callers, each=self._each, total=self._total)
        if room is None:
            return None
        if room.goes is not None:
            open_ones[room.goes][1].abort()
        return server()


class OpenSite(web.SockSite):
    """A site of whoever may connect to `listening`, of which no caller is turned away."""

    def __init__(self, runner: web.AppRunner, listening: socket.socket, turns: Turns) -> None:
        super().__init__(runner, listening)
        self._listening, self._turns = listening, turns

    async def start(self) -> None:
        """Listens. Raises OSError."""
        await web.BaseSite.start(self)
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Door(self._answerer, self._turns), sock=self._listening, backlog=128
        )

    def _answerer(self, _: asyncio.Transport) -> web.RequestHandler | None:
        return None if self._runner.server is None else self._runner.server()


class _Door(asyncio.Protocol):
    """Judges a connection when it is known where it comes from, and stands before who answers it from then on.

    Who closes his half of the line is answered what he asked before.
    """

    def __init__(self, answerer: Callable[[asyncio.Transport], web.RequestHandler | None], turns: Turns) -> None:
        self._answerer, self._turns = answerer, turns
        self._transport: asyncio.Transport | None = None
        self._answering: web.RequestHandler | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hands it to who answers, or turns it away before anything was asked."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("only a stream can be answered")
        self._transport, self._answering = transport, self._answerer(transport)
        if self._answering is None:
            transport.write(_BUSY)
            transport.close()
            return
        _expect_reading(transport)
        self._answering.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._answering is not None:
            self._answering.data_received(data)

    def eof_received(self) -> bool:
        """Whether the line stays open for the answer; under TLS it has no halves."""
        if self._answering is None or self._transport is None or self._transport.get_extra_info("ssl_object") is not None:
            return False
        self._answering.close()  # when it has answered; what was asked last may only just begin to be looked at
        asyncio.get_running_loop().call_later(SOON_S, self._hang_up)
        return True

    def _hang_up(self) -> None:
        """Unless there is an answer to be waited for."""
        if self._transport is not None and self._answering is not None and not self._turns.is_owed_an_answer(self._answering):
            self._transport.close()

    def pause_writing(self) -> None:
        if self._answering is not None:
            self._answering.pause_writing()

    def resume_writing(self) -> None:
        if self._answering is not None:
            self._answering.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answering is not None:
            self._answering.connection_lost(exc)
            self._transport = None


def _expect_reading(transport: asyncio.Transport) -> None:
    """Of a caller that takes nothing of what waits for him, TCP hangs up by itself: answers are held for nobody."""
    found = transport.get_extra_info("socket")
    if found is not None and found.family != socket.AF_UNIX:
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(1000 * READ_WITHIN_S))
