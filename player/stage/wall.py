"""The wall between what is shown and the network: a forward proxy of the stage's own, through which pages and streams alone go out.

It checks the very address that it connects to, at each connection (`core.address_policy`), so that neither a redirect nor another
answer of a name service leads inside, and goes on through the configured proxy where there is one. It lives in the stage: pages
and streams play on while the agent is away. There is a door for pages and one for streams, and only processes of the stage's own
user are let in. A page's tunnel is for nobody to read; at a stream's the wall stands itself (`stage.tls`), since what comes by TLS
can be as much too much as what comes in the clear. What plays streams connects by itself too (rtsp, rtmp, and wherever playlists
and servers send it), which `video.gate` has judged here.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from player.core.address_policy import AddressPolicy, Call, Unopened
from player.core.allowance import LINE_EVERY_S, LINES_AT_ONCE, Allowance
from player.core.egress import Proxy, WayOut
from player.core.playlist_bounds import MOST_PATH, too_much, variants_in
from player.core.streams import opened_at, port_of
from player.core.urls import PACKETS, WEB, is_group
from player.core.wall import AWAY, BAD, FORBIDDEN, Passage, read_request, read_within, refused
from player.errors import ContentError, ProxyBroken, ServerUnreachable
from player.runtime.lookup import Lookup, Resolve
from player.runtime.peers import user_at
from player.runtime.threads import in_thread
from player.stage.passing import CHUNK, LET_THROUGH, Streams, exchange, tunnel, tunnelled
from player.stage.tls import Tls

log = logging.getLogger(__name__)

ADDRESS = "127.0.0.1"
HEAD_S, CONNECT_S, NEXT_S = 20.0, 15.0, 2.0
MOST = 200  # connections at once: Chromium asks for 32 of one proxy, and as many sockets of its own kind as pages want
KNOWN = 64  # hosts of which it is known why they did not open
STREAMS_AT_ONCE, STREAM_EVERY_S = 300, 0.02  # connections of what plays streams; a playlist may name variants without end
VARIANTS_AT_ONCE, VARIANT_EVERY_S = 600, 0.1  # of all playlists: one may name others that name others, or itself


class Wall:
    """Opens what `policy` allows, by `way_out`. Its doors stand when it is made; `run` lets through them."""

    def __init__(self, way_out: WayOut, policy: AddressPolicy, resolve: Resolve) -> None:
        self._way_out = way_out
        self._pages, self._streams = _door(), _door()
        self._tls = Tls(way_out.authorities)
        mine = frozenset(door.getsockname()[1] for door in (self._pages, self._streams))
        self._for_streams = (ADDRESS, self._streams.getsockname()[1])
        self._lookup = Lookup(replace(policy, listeners=policy.listeners | mine), resolve)
        self._unopened: dict[tuple[str, int], Unopened] = {}
        self._led_to: dict[tuple[str, int], None] = {}  # what plays streams was told to open; the latest come last
        self._serving: set[asyncio.Task[None]] = set()
        self._family = 0  # which of IPv4 and IPv6 answered last
        self._lines = Allowance(LINES_AT_ONCE, LINE_EVERY_S)
        self._streamed = Allowance(STREAMS_AT_ONCE, STREAM_EVERY_S)
        self._variants = Allowance(VARIANTS_AT_ONCE, VARIANT_EVERY_S)

    def __repr__(self) -> str:
        return f"wall ({len(self._serving)} connections)"

    @property
    def for_pages(self) -> WayOut:
        """What the browser and the resolver are told: everything leads through the wall."""
        return _through(self._pages, self._way_out)

    @property
    def for_streams(self) -> WayOut:
        """What plays streams is told: hosts of `stage.stream_hosts` are open to it, and it trusts the wall alone."""
        return replace(_through(self._streams, self._way_out), authorities=self._tls.trusted)

    def why(self, url: str) -> Unopened | None:
        """Why the host of `url` did not open when it was last asked for; None when it did, or was not asked for."""
        parts = urlsplit(url)
        return self._unopened.get((parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)))

    async def stream(self, url: str) -> str:
        """The address by which a stream is opened: that of the web by its own, which leads through here; others where they lead.

        Raises ContentError.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme in WEB:
            return url
        if parts.scheme in PACKETS and is_group(host):
            return opened_at(url, host)
        try:
            (address, *_) = await self._lookup.addresses(Call(host, parts.port or 0, stream=True))
        except ServerUnreachable as error:
            raise ContentError("unplayable", url, error.reason) from error
        self._leads_to(address, port_of(url))
        return opened_at(url, address)

    def _leads_to(self, address: str, port: int) -> None:
        end = (address.partition("%")[0], port)
        self._led_to.pop(end, None)
        self._led_to[end] = None
        if len(self._led_to) > KNOWN:
            self._led_to.pop(next(iter(self._led_to)))

    def admits(self, address: str, port: int) -> bool:
        """Whether what plays streams may connect there by itself: at its door, where `stream` led, and where an item might lead.

        It takes no answer for one until it has asked for all that a playlist names, so it gets quick ones: they cost it nothing.
        """
        if not self._streamed.spare(time.monotonic()):
            return False
        if (address, port) in (self._for_streams, *self._led_to):
            return True
        call = Call(address, port, stream=True)
        reason = self._lookup.policy.unlisted(call) or self._lookup.refusal(call, address)
        if reason is not None:
            self._say(call, reason)
        return reason is None

    async def run(self) -> None:
        """Lets through, until cancelled."""
        servers = [
            await asyncio.start_server(functools.partial(self._serve, stream=stream, known=False), sock=door, limit=CHUNK)
            for stream, door in ((False, self._pages), (True, self._streams))
        ]
        try:
            await asyncio.Event().wait()
        finally:
            for server in servers:
                server.close()
            for task in self._serving:
                task.cancel()

    @contextlib.asynccontextmanager
    async def also_at(self, door: socket.socket) -> AsyncIterator[None]:
        """Lets pages through at another door, which none but the browser can reach."""
        server = await asyncio.start_server(functools.partial(self._serve, stream=False, known=True), sock=door, limit=CHUNK)
        try:
            yield
        finally:
            server.close()

    def close(self) -> None:
        """Takes the doors away."""
        for door in (self._pages, self._streams):
            door.close()
        self._tls.close()

    # --- one connection

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, stream: bool, known: bool) -> None:
        """Everyone at this box can reach loopback, so of who is not `known` the user is looked at."""
        with self._counted(), contextlib.closing(writer):
            try:
                if len(self._serving) <= MOST and (known or user_at(writer) == os.getuid()):
                    await self._let_through((reader, writer), stream=stream)
            except* (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                pass  # one of the two left, or talks without end

    async def _let_through(self, inward: Streams, *, stream: bool) -> None:
        wanted = await self._asked(inward, None)
        if wanted is None:
            return
        call, proxy = wanted.call(stream=stream), self._way_out.proxy_for(wanted.url)
        if stream and (too_long := _too_long(wanted)):
            await self._refuse(inward[1], call, too_long)
            return
        try:
            outward = await self._open(wanted, call, proxy)
        except (ContentError, ServerUnreachable) as error:
            await self._refuse(inward[1], call, error)
            return
        self._unopened.pop((call.host, call.port), None)
        with contextlib.closing(outward[1]):
            if wanted.is_tunnel and not stream:
                await tunnel(inward, outward)
            elif problem := await self._answered(wanted, inward, outward, proxy, call):
                await self._refuse(inward[1], call, problem)

    async def _asked(self, inward: Streams, tunnel_to: Passage | None) -> Passage | None:
        """What the client asks for, inside a tunnel or at the door; None of what was refused."""
        try:
            async with asyncio.timeout(HEAD_S):
                head = await inward[0].readuntil(b"\r\n\r\n")
            return read_within(head, tunnel_to) if tunnel_to else read_request(head)
        except (ValueError, asyncio.LimitOverrunError) as error:
            inward[1].write(refused(BAD, f"what is asked for {error}"))
            await inward[1].drain()
            return None

    async def _answered(
        self, wanted: Passage, inward: Streams, outward: Streams, proxy: Proxy | None, call: Call
    ) -> ContentError | ProxyBroken | None:
        """The answer passed on, out of a tunnel too where it has one; or what is wrong with it."""
        if not wanted.is_tunnel:
            return await exchange(wanted, inward, outward, proxy, self._too_much if call.stream else None)
        certified = await in_thread(self._tls.inward, call.host)
        try:
            inward[1].write(LET_THROUGH)
            async with asyncio.timeout(HEAD_S):  # with no turn of the loop before it: what is said first is TLS's
                await inward[1].start_tls(certified)
            within = await self._asked(inward, wanted)
            if within is None:
                return None
            if too_long := _too_long(within):
                return too_long
            outward[1].write(within.head(None))
            return await exchange(within, inward, outward, None, self._too_much)
        finally:
            outward[1].transport.abort()  # a server that does not end TLS would keep it open

    def _too_much(self, playlist: bytes) -> str | None:
        if (much := too_much(playlist)) or not (named := variants_in(playlist)):
            return much
        if named > self._variants.left(time.monotonic()):
            return f"with those before it more than {VARIANTS_AT_ONCE} variants"
        for _ in range(named):
            self._variants.take(time.monotonic())
        return None

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served by a task")
        self._serving.add(task)
        try:
            yield
        finally:
            self._serving.discard(task)

    async def _refuse(self, writer: asyncio.StreamWriter, call: Call, error: ContentError | ServerUnreachable) -> None:
        forbidden = isinstance(error, ContentError)
        code = error.code if isinstance(error, ContentError) else "proxy" if isinstance(error, ProxyBroken) else ""
        reason = str(error) if isinstance(error, ProxyBroken) else error.reason
        if len(self._unopened) >= KNOWN:
            self._unopened.pop(next(iter(self._unopened)))
        self._unopened[call.host, call.port] = Unopened(code, reason)
        if forbidden:
            self._say(call, reason)
        writer.write(refused(FORBIDDEN if forbidden else AWAY, reason))
        await writer.drain()

    def _say(self, call: Call, reason: str) -> None:
        if self._lines.spare(time.monotonic()):
            log.warning("content wanted to open port %d of %s, which is refused: %s", call.port, call.host, reason)

    async def _open(self, wanted: Passage, call: Call, proxy: Proxy | None) -> Streams:
        """A connection that leads there; what is asked was sent already. Raises ContentError, ServerUnreachable."""
        outward = await self._led(wanted, call, proxy)
        try:
            if wanted.is_tunnel and proxy:
                await tunnelled(outward[0], proxy, call.host)
            if wanted.is_tunnel and call.stream:
                await self._secured(outward[1], call)
        except BaseException:
            outward[1].close()
            raise
        return outward

    async def _led(self, wanted: Passage, call: Call, proxy: Proxy | None) -> Streams:
        if proxy is None:
            outward = await self._connect(call.host, await self._lookup.addresses(call), call.port)
            if not wanted.is_tunnel:
                outward[1].write(wanted.head(None))
            return outward
        await self._lookup.behind_a_proxy(call)
        try:
            outward = await self._connect(proxy.host, await self._lookup.find(proxy.host, proxy.port), proxy.port)
        except ServerUnreachable as error:
            raise ProxyBroken(str(proxy), f"cannot be reached ({error.reason}): check network.proxy") from error
        outward[1].write(wanted.head(proxy))
        return outward

    async def _secured(self, writer: asyncio.StreamWriter, call: Call) -> None:
        """TLS with the host that was named. Raises ServerUnreachable with what is wrong with it."""
        try:
            async with asyncio.timeout(CONNECT_S):
                await writer.start_tls(await in_thread(self._tls.outward), server_hostname=call.host)
        except ssl.SSLCertVerificationError as error:
            message = f"its certificate is not trusted ({error.verify_message}): renew it, or name its authority in cms.ca_file"
            raise ServerUnreachable(f"{call.host}:{call.port}", message) from error
        except (OSError, ValueError) as error:
            raise ServerUnreachable(f"{call.host}:{call.port}", "it speaks no TLS that this box knows") from error

    async def _connect(self, host: str, addresses: list[str], port: int) -> Streams:
        """The first that answers; those of the family that answered last go first. Raises ServerUnreachable."""
        addresses = sorted(addresses, key=lambda address: _family(address) != self._family)
        reason = "no address"
        for left, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
            try:
                async with asyncio.timeout(NEXT_S if left else CONNECT_S):
                    streams = await asyncio.open_connection(address, port, limit=CHUNK)
            except TimeoutError:
                reason = "no answer in time"
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno else str(error)
            else:
                self._family = _family(address)
                _keep_alive(streams[1])
                return streams
        raise ServerUnreachable(f"{host}:{port}", reason)


def _too_long(wanted: Passage) -> ContentError | None:
    """What plays streams would begin each address of a playlist with that."""
    if len(wanted.path.partition("?")[0]) <= MOST_PATH:
        return None
    return ContentError("unplayable", "stream", f"its address is longer than {MOST_PATH} letters")


# --- sockets


def _door() -> socket.socket:
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    door.bind((ADDRESS, 0))
    door.listen(128)
    return door


def _through(door: socket.socket, way_out: WayOut) -> WayOut:
    proxy = Proxy(ADDRESS, door.getsockname()[1])
    return replace(way_out, http_proxy=proxy, https_proxy=proxy, no_proxy=())


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """What is at the other end of a tunnel may vanish without a word, and the browser sees only us."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 45)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
