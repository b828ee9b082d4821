"""The wall, asked as a browser would ask it: what it lets through, what it refuses, and that nothing goes round it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path

import aiohttp
import pytest

from player.core.address_policy import beside
from player.core.egress import Proxy, WayOut
from player.errors import ContentError
from player.runtime.lookup import is_ours
from player.stage.wall import ADDRESS, Wall
from tests.core.test_address_policy import INSIDE
from tests.core.test_film_index import MANY, TYPE, box, track
from tests.fakes.names import FakeNames
from tests.fakes.neighbour import Neighbour, neighbour
from tests.fakes.proxy import PASSWORD, USER, FakeProxy, private_authority, proxy
from tests.fakes.running import eventually, running
from tests.fakes.server import Script, raw_server, scripted_server
from tests.fakes.way_out import STRAIGHT

LOOPBACK = (IPv4Network("127.0.0.1/32"),)


@dataclass
class Town:
    """A server with a name, a neighbour that must not be reached, a name service, and the wall."""

    server: Script
    neighbour: Neighbour
    names: FakeNames
    wall: Wall
    session: aiohttp.ClientSession

    @property
    def port(self) -> int:
        return int(self.server.url.rpartition(":")[2])

    async def get(self, url: str, *, stream: bool = False, **more) -> tuple[int, str]:
        asking = self.session.request(more.pop("method", "GET"), url, proxy=door(self.wall, stream=stream), **more)
        async with asyncio.timeout(20), asking as answer:
            return answer.status, await answer.text()


def door(wall: Wall, *, stream: bool = False) -> str:
    way_out = wall.for_streams if stream else wall.for_pages
    assert way_out.http_proxy == way_out.https_proxy
    assert way_out.http_proxy is not None
    return way_out.http_proxy.server


@contextlib.asynccontextmanager
async def town(way_out: WayOut = STRAIGHT, **policy) -> AsyncIterator[Town]:
    async with scripted_server() as server, neighbour() as other, aiohttp.ClientSession() as session:
        names = FakeNames()
        names.on("cms.test", ["127.0.0.1"])
        server.on("/", {"from": "the server"})
        allowed = replace(beside(server.url.replace("127.0.0.1", "cms.test")), **policy)
        with contextlib.closing(Wall(way_out, allowed, names)) as wall:
            async with running(wall.run()):
                yield Town(server, other, names, wall, session)


async def test_the_servers_own_origin_is_let_through():
    async with town() as made:
        made.server.on("/form", {"taken": "yes"})
        assert await made.get(f"http://cms.test:{made.port}/") == (200, '{"from": "the server"}')
        assert (await made.get(f"http://cms.test:{made.port}/form?a=b", method="POST", json={"x": "y" * 200_000}))[0] == 200
        assert made.server.seen[1].body == {"x": "y" * 200_000}
        assert made.server.seen[1].query == {"a": "b"}
        assert "Proxy-Connection" not in made.server.seen[1].headers
        assert made.wall.why(f"http://cms.test:{made.port}/") is None


@pytest.mark.parametrize("stream", [False, True], ids=["page", "stream"])
async def test_no_form_of_an_inside_address_reaches_a_neighbour(stream: bool):
    async with town() as made:
        for host in INSIDE:
            for ask in (
                f"GET http://{host}:{made.neighbour.port}/ HTTP/1.1\r\n\r\n",
                f"POST http://{host}:{made.neighbour.port}/apply HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b",
                f"CONNECT {host}:{made.neighbour.port} HTTP/1.1\r\n\r\n",
            ):
                answer = await raw(made.wall, ask.encode(), stream=stream)
                assert answer.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 ")), (ask, answer)
        assert made.neighbour.reached == []
        assert set(made.names.asked) <= {"cms.test"}, "which says nothing of other names"


async def raw(wall: Wall, text: bytes, *, stream: bool = False) -> bytes:
    """What the wall says to these bytes until it closes."""
    reader, writer = await asyncio.open_connection(ADDRESS, int(door(wall, stream=stream).rpartition(":")[2]))
    writer.write(text)
    found = b""
    with contextlib.suppress(ConnectionResetError):  # it closed with something unread
        async with asyncio.timeout(20):
            while chunk := await reader.read(1000):
                found += chunk
    writer.close()
    return found


async def test_a_name_or_a_redirect_that_leads_inside_is_refused_and_it_is_known_why():
    async with town() as made:
        made.names.on("router.test", ["127.0.0.1"])
        made.names.on("cloud.test", ["169.254.169.254"])
        made.server.on("/away", redirect(f"http://router.test:{made.neighbour.port}/"))
        made.server.on("/meta", redirect("http://cloud.test/latest/meta-data"))
        for path in ("/away", "/meta"):
            status, text = await made.get(f"http://cms.test:{made.port}{path}")
            assert (status, "network.allow_private" in text) == (403, True)
        found = made.wall.why(f"http://router.test:{made.neighbour.port}/x")
        assert found is not None
        assert (found.code, found.reason.startswith("router.test is the loopback address 127.0.0.1")) == ("forbidden_address", True)
        assert made.wall.why("https://cms.test/") is None
        assert made.neighbour.reached == []


@pytest.mark.root
async def test_another_user_of_this_box_gets_no_answer():
    """Everyone at this box can reach loopback, and the wall may know a proxy's password."""
    async with town(nets=(IPv4Network("127.0.0.1/32"),)) as made:
        program = (
            "import socket, sys\n"
            "with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as line:\n"
            "    line.sendall(sys.argv[2].encode() + b'\\r\\n\\r\\n')\n"
            "    print(line.recv(1000).decode().partition('\\r\\n')[0])"
        )
        ask = f"GET http://127.0.0.1:{made.port}/ HTTP/1.1"
        for user, answer in (("root", "HTTP/1.1 200 OK"), ("nobody", "")):
            asked = await asyncio.create_subprocess_exec(
                "setpriv", f"--reuid={user}", "--clear-groups", sys.executable, "-I", "-c", program,
                door(made.wall).rpartition(":")[2], ask, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, cwd="/",
            )  # fmt: skip
            said, _ = await asked.communicate()
            assert said.decode().strip() == answer, user
        assert [seen.path for seen in made.server.seen] == ["/"]


def redirect(to: str) -> aiohttp.web.Response:
    return aiohttp.web.Response(status=302, headers={"Location": to})


async def test_a_name_that_leads_elsewhere_the_second_time_is_judged_again():
    async with town(nets=(IPv4Network("127.0.0.1/32"),)) as made:
        made.names.on("evil.test", ["127.0.0.1"], ["127.0.0.2"])
        url = f"http://evil.test:{made.port}/"
        assert (await made.get(url))[0] == 200
        assert made.names.asked == ["evil.test"], "looked up once, and connected to what was found"
        status, text = await made.get(url)
        assert (status, "127.0.0.2" in text) == (403, True)


async def test_of_several_addresses_those_that_are_open_are_tried():
    async with town(nets=(IPv4Network("127.0.0.1/32"),)) as made:
        made.names.on("both.test", ["169.254.0.1", "127.0.0.1"])
        assert (await made.get(f"http://both.test:{made.port}/"))[0] == 200


async def test_private_addresses_open_where_the_servers_name_never_led_elsewhere():
    for answers, opens in ((["10.9.8.7"], True), (["10.9.8.7", "8.8.8.8"], False), (["127.0.0.1"], False)):
        names = FakeNames()
        names.on("cms.test", answers)
        names.on("media.test", ["10.1.1.1"])
        with contextlib.closing(Wall(STRAIGHT, beside("http://cms.test"), names)) as wall:
            if opens:
                assert await wall.stream("rtsp://media.test:554/live") == "rtsp://10.1.1.1:554/live"
            else:
                with pytest.raises(ContentError, match="private address"):
                    await wall.stream("rtsp://media.test:554/live")


async def test_the_player_itself_is_never_opened():
    async with scripted_server() as control:
        port = int(control.url.rpartition(":")[2])
        control.on("/", {"state": "secret"})
        async with town(nets=(IPv4Network("127.0.0.0/8"),), listeners=frozenset({port})) as made:
            for url in (
                f"http://127.0.0.1:{port}/",
                f"http://[::ffff:127.0.0.1]:{port}/",
                door(made.wall),
                door(made.wall, stream=True),
            ):
                status, text = await made.get(url)
                assert (status, "this player itself" in text) == (403, True)
        assert control.seen == []


async def test_hosts_that_are_listed_for_streams_open_at_the_door_of_streams_alone():
    async with town(stream_hosts=("127.0.0.1",)) as made:
        url = f"{made.server.url}/"
        assert (await made.get(url, stream=True))[0] == 200
        assert (await made.get(url))[0] == 403


async def test_a_second_request_on_one_connection_is_not_read():
    async with town(nets=(IPv4Network("127.0.0.1/32"),)) as made:
        one = f"GET http://127.0.0.1:{made.port}/ HTTP/1.1\r\n\r\n".encode()
        two = f"GET http://169.254.169.254:{made.port}/stolen HTTP/1.1\r\n\r\n".encode()
        answer = await raw(made.wall, one + two)
        assert answer.count(b"HTTP/1.1") <= 1
        assert [seen.path for seen in made.server.seen] in ([], ["/"])
        body = b"POST http://127.0.0.1:%d/ HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nab" % made.port
        await raw(made.wall, body + two)
        assert "/stolen" not in {seen.path for seen in made.server.seen}


async def test_a_server_that_does_not_answer_is_told_as_away():
    async with town(nets=(IPv4Network("127.0.0.1/32"),)) as made:
        status, text = await made.get("http://127.0.0.1:1/")
        assert (status, text) == (502, "Connection refused")
        assert made.wall.why("http://127.0.0.1:1/").code == ""  # type: ignore[union-attr]
        assert (await made.get("http://nobody.test/"))[0] == 502


async def test_a_tunnel_carries_what_it_likes_until_one_end_closes():
    async def echoes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(1000):
            writer.write(chunk)

    async with town(nets=(IPv4Network("127.0.0.1/32"),)) as made, raw_server(echoes) as echo:
        reader, writer = await asyncio.open_connection(ADDRESS, int(door(made.wall).rpartition(":")[2]))
        writer.write(f"CONNECT {echo.removeprefix('http://')} HTTP/1.1\r\n\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.write(b"GET /\r\n\r\n" + b"x" * 300_000)
        async with asyncio.timeout(20):
            assert len(await reader.readexactly(300_000)) == 300_000
            writer.write_eof()
            assert await reader.read() == b""
        writer.close()


# --- what plays streams


def answered(body: bytes, *fields: str, ends: bool = True):
    """A server that says this to everyone; `ends` false: it waits until others close."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join(("HTTP/1.1 200 OK", *fields, "", "")).encode() + body)
        await writer.drain()
        if not ends:
            await reader.read()

    return serve


def without_end(first: bytes):
    """A server whose answer begins with that, and goes on until nobody reads it."""

    async def serve(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(b"X-A: b\r\n" * 1000)
            await writer.drain()

    return serve


SEGMENTS = b"#EXTM3U\n" + b"#EXTINF:2,\na.ts\n" * 20_000
INDEX = box(b"moov", *[track(MANY)] * 4)
VARIANTS = b"#EXTM3U\n" + b"#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n" * 1000


def chunks(body: bytes, size: int) -> bytes:
    parts = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x;a=b\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("serve", "says"),
    [
        (without_end(b"HTTP/1.1 200 OK\r\n\r\n#EXTM3U\n"), "its playlist has more than 4194304 bytes"),
        (answered(VARIANTS), "its playlist has more than 400 variants"),
        (answered(chunks(VARIANTS, 1), "Transfer-Encoding: chunked"), "its playlist has more than 400 variants"),
        (answered(b"\x1f\x8b", "Content-Encoding: gzip"), "its server sends it packed"),
        (answered(TYPE + INDEX), "its film has more than 3000000 samples"),
    ],
    ids=["without end", "variants", "variants in chunks", "packed", "index"],
)
async def test_a_playlist_that_is_too_much_is_refused_to_what_plays_streams_and_it_is_known_why(serve, says: str):
    async with town(nets=(IPv4Network("127.0.0.1/32"),)) as made, raw_server(serve) as url:
        status, text = await made.get(f"{url}/a.ts", stream=True)
        found = made.wall.why(url)
        assert (status, text.startswith(says), found and found.code) == (403, True, "unplayable")


async def test_playlists_that_name_playlists_or_themselves_have_a_bound_together():
    masters = b"#EXTM3U\n" + b"#EXT-X-STREAM-INF:BANDWIDTH=1\nself.m3u8\n" * 300
    async with town(nets=LOOPBACK) as made, raw_server(answered(masters)) as url:
        said = [await made.get(f"{url}/self.m3u8?{number}", stream=True) for number in range(5)]
        assert [status for status, _ in said] == [200] * 2 + [403] * 3
        assert said[2][1] == "its playlist has with those before it more than 600 variants"
        async with raw_server(answered(SEGMENTS)) as other:
            assert (await made.get(f"{other}/a.m3u8", stream=True))[0] == 200


async def test_a_film_whose_index_comes_late_is_broken_off_before_it_and_it_is_known_why():
    begun = TYPE + box(b"mdat", bytes(300_000))
    async with town(nets=LOOPBACK) as made, raw_server(answered(begun + INDEX + box(b"mdat", bytes(300_000)), ends=False)) as url:
        answer = await raw(made.wall, f"GET {url}/a HTTP/1.1\r\n\r\n".encode(), stream=True)
        assert (b"moov" in answer, len(answer) < 310_000) == (False, True)
        found = await eventually(lambda: made.wall.why(url))
        assert found.reason == "its film has more than 3000000 samples"


async def test_what_plays_streams_gets_playlists_and_parts_whole_however_they_come():
    body = bytes(range(1, 256)) * 1000
    chunked, length = "Transfer-Encoding: chunked", "Content-Length: {}"
    async with town(nets=(IPv4Network("127.0.0.1/32"),)) as made:
        for text in (SEGMENTS, body, b"k" * 16, b""):
            for serve in (
                answered(text), answered(text, length.format(len(text)), ends=False),
                answered(chunks(text, 5000), chunked, "Content-Length: 7", ends=False),
            ):  # fmt: skip
                async with raw_server(serve) as url:
                    answer = await raw(made.wall, f"GET {url}/a HTTP/1.1\r\n\r\n".encode(), stream=True)
                    head, _, found = answer.partition(b"\r\n\r\n")
                    assert (head.startswith(b"HTTP/1.1 200 "), b"chunked" in head, found == text) == (True, False, True)


async def test_a_server_whose_head_or_chunks_are_none_ends_the_connection_and_leaves_no_trace(caplog: pytest.LogCaptureFixture):
    async with town(nets=(IPv4Network("127.0.0.1/32"),)) as made:
        chunked = "Transfer-Encoding: chunked"
        for serve in (
            without_end(b"HTTP/1.1 200 OK\r\n"), answered(b"-5\r\n", chunked), answered(b"9\r\nabc", chunked),
            answered(b"1" * 100_000, chunked),
        ):  # fmt: skip
            for stream in (True, False):
                async with raw_server(serve) as url:
                    await raw(made.wall, f"GET {url}/head HTTP/1.1\r\n\r\n".encode(), stream=stream)
        assert (await made.get(f"http://cms.test:{made.port}/"))[0] == 200
    gc.collect()  # by which asyncio tells of tasks that failed
    assert caplog.records == []


async def test_an_address_with_which_all_others_would_begin_has_a_bound():
    async with town(nets=(IPv4Network("127.0.0.1/32"),)) as made:
        url = f"http://127.0.0.1:{made.port}/" + "a" * 2048
        assert (await made.get(url, stream=True))[0] == 403
        assert (await made.get(url))[0] == 404
        made.server.on("/a", {"b": "c"})
        assert (await made.get(f"http://127.0.0.1:{made.port}/a?{'d' * 4000}", stream=True))[0] == 200


@contextlib.asynccontextmanager
async def secure_server(folder: Path, serve) -> AsyncIterator[tuple[str, WayOut]]:
    """Speaks TLS as cms.test: its address, and a way out that trusts it."""
    tls, authority = private_authority(folder, "cms.test")
    async with raw_server(serve, tls) as url:
        yield url.replace("127.0.0.1", "cms.test"), replace(STRAIGHT, authorities=str(authority))


@pytest.mark.parametrize(("body", "says"), [(VARIANTS, "its playlist has more than 400 variants"), (SEGMENTS, ""), (b"", "")])
async def test_what_comes_by_tls_is_read_for_what_plays_streams_and_for_no_page(tmp_path: Path, body: bytes, says: str):
    async with secure_server(tmp_path, answered(body)) as (url, way_out), town(way_out, nets=LOOPBACK) as made:
        status, text = await made.get(f"{url}/a.ts", stream=True, ssl=False)
        found = made.wall.why(url)
        assert (status, text, found and found.reason) == ((403, says, says) if says else (200, body.decode(), None))
        assert await made.get(f"{url}/a.ts", ssl=False) == (200, body.decode())
        status, text = await made.get(f"{url}/{'a' * 2048}", stream=True, ssl=False)
        assert (status, text) == (403, "its address is longer than 2048 letters")


async def test_by_tls_the_servers_own_name_is_asked_for_and_nothing_else(tmp_path: Path):
    tls, authority = private_authority(tmp_path, "cms.test")
    way_out = replace(STRAIGHT, authorities=str(authority))
    async with scripted_server(tls) as server, town(way_out, nets=LOOPBACK) as made:
        host = f"cms.test:{server.url.rpartition(':')[2]}"
        server.on("/a", {"from": "the server"})
        assert (await made.get(f"https://{host}/a?b=c", stream=True, ssl=False, headers={"Host": "other.test"}))[0] == 200
        assert [(seen.path, seen.query, seen.headers["Host"]) for seen in server.seen] == [("/a", {"b": "c"}, host)]
        reader, writer = await asyncio.open_connection(ADDRESS, int(door(made.wall, stream=True).rpartition(":")[2]))
        writer.write(f"CONNECT {host} HTTP/1.1\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        await writer.start_tls(ssl.create_default_context(cafile=made.wall.for_streams.authorities), server_hostname="cms.test")
        writer.write(b"GET http://169.254.169.254/ HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(20):
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()
        assert len(server.seen) == 1


async def test_a_server_that_is_not_trusted_is_told_as_such_to_what_plays_streams(tmp_path: Path):
    async def greets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"SSH-2.0\r\n")
        writer.close()

    (tmp_path / "other").mkdir()
    _, other = private_authority(tmp_path / "other", "cms.test")
    no_tls = await asyncio.start_server(greets, "127.0.0.1", 0)
    plain = f"http://127.0.0.1:{no_tls.sockets[0].getsockname()[1]}"
    async with secure_server(tmp_path, answered(b"")) as (url, way_out), no_tls:
        for trusting, to, says in (
            (
                replace(way_out, authorities=str(other)),
                url,
                "its certificate is not trusted (unable to get local issuer certificate)",
            ),
            (way_out, url.replace("cms.test", "127.0.0.1"), "its certificate is not trusted (IP address mismatch"),
            (way_out, plain, "it speaks no TLS that this box knows"),
            (replace(way_out, authorities=str(tmp_path / "none.pem")), url, "it speaks no TLS that this box knows"),
        ):
            async with town(trusting, nets=LOOPBACK) as made:
                host = to.partition("://")[2]
                answer = await raw(made.wall, f"CONNECT {host} HTTP/1.1\r\n\r\n".encode(), stream=True)
                found = made.wall.why(f"https://{host}/")
                assert (answer.startswith(b"HTTP/1.1 502 "), found and found.code) == (True, "")
                assert found is not None
                assert found.reason.startswith(says)


async def test_what_plays_streams_opens_some_hundred_connections_at_once_and_no_thousands():
    with contextlib.closing(Wall(STRAIGHT, beside(""), FakeNames())) as wall:
        port = int(door(wall, stream=True).rpartition(":")[2])
        assert 300 <= sum(wall.admits(ADDRESS, port) for _ in range(2000)) < 1000


# --- through another proxy


def chained(made: FakeProxy, password: str = PASSWORD) -> WayOut:
    through = Proxy("127.0.0.1", made.port, USER, password)
    return replace(STRAIGHT, http_proxy=through, https_proxy=through)


async def test_the_configured_proxy_is_gone_through_and_told_who_we_are():
    async with scripted_server() as behind, proxy({"far.test": int(behind.url.rpartition(":")[2])}, PASSWORD) as other:
        behind.on("/", {"far": "away"})
        async with town(chained(other)) as made:
            assert await made.get("http://far.test/") == (200, '{"far": "away"}')
            tunnel = await raw_tunnel(made.wall, "far.test:443", b"GET / HTTP/1.1\r\nHost: far.test\r\nConnection: close\r\n\r\n")
            assert tunnel.endswith(b'{"far": "away"}')
            assert other.seen == ["GET http://far.test/", "CONNECT far.test:443"]
            assert made.names.asked == [], "what only the proxy resolves is left to it"


async def raw_tunnel(wall: Wall, to: str, text: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(ADDRESS, int(door(wall).rpartition(":")[2]))
    writer.write(f"CONNECT {to} HTTP/1.1\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.write(text)
    async with asyncio.timeout(20):
        found = await reader.read()
    writer.close()
    return found


async def test_written_addresses_and_local_names_are_judged_behind_a_proxy_too():
    async with proxy({}, PASSWORD) as other, town(chained(other)) as made:
        made.names.on("printer", ["10.0.0.9"])
        made.names.on("nas.local", ["10.0.0.10"])
        for host in ("printer", "nas.local", "localhost", "0x7f.1", "169.254.169.254", f"127.0.0.1:{other.port}"):
            assert (await made.get(f"http://{host}/"))[0] == 403
        assert other.heads == []
        assert (await made.get("http://unknown/"))[0] == 502


async def test_a_proxy_that_fails_is_told_as_such():
    async with proxy({}, PASSWORD) as other:
        async with town(chained(other, "wrong")) as made:
            for ask in (b"GET http://far.test/ HTTP/1.1\r\n\r\n", b"CONNECT far.test:80 HTTP/1.1\r\n\r\n"):
                answer = await raw(made.wall, ask)
                assert answer.startswith(b"HTTP/1.1 502 ")
                assert b"wants another user or password" in answer
                assert b"wrong" not in answer
        async with town(chained(other)) as made:
            assert b"does not let us through (502)" in await raw(made.wall, b"CONNECT far.test:443 HTTP/1.1\r\n\r\n")

    async def babbles(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0\r\n\r\n")

    async def closes(_: object, writer: asyncio.StreamWriter) -> None:
        writer.close()

    for serve, says in ((babbles, b"not HTTP"), (closes, b"closed the connection")):
        async with raw_server(serve) as broken:
            between = Proxy.of(broken.removeprefix("http://"))
            async with town(replace(STRAIGHT, http_proxy=between, https_proxy=between)) as made:
                for ask in (b"GET http://far.test/ HTTP/1.1\r\n\r\n", b"CONNECT far.test:443 HTTP/1.1\r\n\r\n"):
                    assert says in await raw(made.wall, ask)
    between = Proxy.of("no-such-proxy.test:3128")
    async with town(replace(STRAIGHT, http_proxy=between, https_proxy=between)) as made:
        assert b"cannot be resolved" in await raw(made.wall, b"GET http://far.test/ HTTP/1.1\r\n\r\n")


# --- streams that speak no http


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("http://cms.test/live.m3u8", "http://cms.test/live.m3u8"),
        ("rtsp://cam.test/live", "rtsp://8.8.8.8/live"),
        ("srt://cam.test:9000?streamid=a", "srt://8.8.8.8:9000?mode=caller&streamid=a"),
        ("udp://@239.1.1.1:1234", "udp://239.1.1.1:1234?fifo_size=28672&buffer_size=1048576&overrun_nonfatal=1"),
    ],
)
async def test_a_stream_is_opened_by_the_address_that_was_checked(url: str, opened: str):
    names = FakeNames()
    names.on("cam.test", ["8.8.8.8"], ["127.0.0.1"])
    with contextlib.closing(Wall(STRAIGHT, beside(""), names)) as wall:
        assert await wall.stream(url) == opened


async def test_what_plays_streams_connects_to_the_door_to_where_it_was_led_and_to_where_an_item_might_lead():
    names = FakeNames()
    names.on("cam.test", ["192.168.7.5"])
    policy = replace(beside("https://cms.example.com"), stream_hosts=("cam.test",), nets=(IPv4Network("10.1.0.0/16"),))
    with contextlib.closing(Wall(STRAIGHT, replace(policy, stream_hosts=()), names)) as wall:
        assert all(wall.admits(address, 554) for address in ("8.8.8.8", "10.1.2.3"))
        assert not any(wall.admits(address, 554) for address in ("192.168.7.5", "10.2.0.1"))
    with contextlib.closing(Wall(STRAIGHT, policy, names)) as wall:
        (streams, pages) = (int(door(wall, stream=stream).rpartition(":")[2]) for stream in (True, False))
        assert [wall.admits(ADDRESS, port) for port in (streams, pages, 80)] == [True, False, False]
        assert not wall.admits("192.168.7.5", 554)
        assert await wall.stream("rtsp://cam.test/live") == "rtsp://192.168.7.5/live"
        assert [wall.admits("192.168.7.5", port) for port in (554, 80)] == [True, False]
        assert not wall.admits("8.8.8.8", 554), "no item may name it where hosts are listed"
        assert not any(wall.admits(address, streams) for address in ("169.254.169.254", "::ffff:127.0.0.1", "::1", "10.2.0.1"))
        for last in range(100):
            await wall.stream(f"rtsp://10.1.2.3:{1000 + last}/live")
        assert not wall.admits("192.168.7.5", 554), "of what it was led to long ago nothing is kept"


async def test_a_name_that_is_asked_for_alone_gets_no_answer_and_harms_nobody():
    async with town() as made:
        for text in (
            b"CONNECT\r\n\r\n",
            b"CONNECT \r\n\r\n",
            b"CONNECT  HTTP/1.1\r\n\r\n",
            b"CONNECT :80 HTTP/1.1\r\n\r\n",
            b"CONNECT x",
        ):
            reader, writer = await asyncio.open_connection(ADDRESS, int(door(made.wall).rpartition(":")[2]))
            writer.write(text)
            writer.write_eof()
            async with asyncio.timeout(20):
                answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 400 ") if text.endswith(b"\n") else answer == b"", text
            writer.close()
        assert (await made.get(f"http://cms.test:{made.port}/"))[0] == 200


@pytest.mark.parametrize("url", ["rtsp://127.0.0.1/live", "rtmp://0x7f.1/a/b", "srt://inward.test:9000", "udp://10.0.0.1:1234"])
async def test_a_stream_from_inside_is_refused(url: str):
    names = FakeNames()
    names.on("inward.test", ["192.168.1.1"])
    with contextlib.closing(Wall(STRAIGHT, beside(""), names)) as wall:
        with pytest.raises(ContentError) as caught:
            await wall.stream(url)
        assert caught.value.code == "forbidden_address"
        with pytest.raises(ContentError, match="cannot be resolved"):
            await wall.stream("rtsp://nobody.test/")


def test_an_address_of_this_box_is_known_as_such():
    assert [is_ours(address) for address in ("127.0.0.1", "127.9.9.9", "::1", "8.8.8.8", "2606:4700::1111")] == [
        True,
        True,
        True,
        False,
        False,
    ]
