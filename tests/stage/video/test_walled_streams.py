"""What a stream leads to: segments, keys, redirects and other schemes, in a real libmpv behind the real wall."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

import pytest
from aiohttp import web

from player.core.address_policy import beside
from player.core.content import Item
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.errors import ContentError
from player.runtime.fault_page import FaultPage
from player.stage.video.gate import Gate
from player.stage.video.mpv import MpvSurface
from player.stage.wall import Wall
from tests.fakes.faults import fault_page
from tests.fakes.films import open_film
from tests.fakes.names import FakeNames
from tests.fakes.neighbour import Neighbour, neighbour
from tests.fakes.running import eventually, free_port, listens_at, running
from tests.fakes.way_out import STRAIGHT

SITE = "127.0.0.2"  # where the good server stands, which alone is open
HEAD = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
SEGMENT = HEAD + "#EXTINF:2.0,\n{}\n#EXT-X-ENDLIST\n"
DASH = """<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S" minBufferTime="PT1S"
profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4">
<Representation id="1" bandwidth="1">
<BaseURL>{}</BaseURL><SegmentBase indexRange="0-100"/></Representation></AdaptationSet></Period></MPD>"""


def hostile(inside: int) -> dict[str, str]:
    """Playlists, each of which leads to what listens at `inside`."""
    at = f"127.0.0.1:{inside}"
    segments = [
        f"http://{at}/plain.ts", f"https://{at}/tls.ts", f"http://0x7f.1:{inside}/hex.ts", f"http://inward.test:{inside}/name.ts",
        f"/away?to=http://{at}/redirect.ts", f"tcp://{at}", f"tls://{at}", f"crypto+http://{at}/a.ts",
        f"crypto:http://{at}/a.ts", f"concat:http://{at}/a.ts|http://{at}/b.ts", f"cache:http://{at}/a.ts",
        f"async:http://{at}/a.ts", f"subfile,,start,0,end,9,,:http://{at}/a.ts", f"rtmp://{at}/a/b", f"udp://{at}",
        f"hls+http://{at}/a.m3u8", f"data:http://{at}",
        f"httpproxy://{at}/router.ts", f"httpproxy://u:p@{at}/0.0.0.0:80", f"httpproxy://localhost:{inside}/a.ts",
        f"httpproxy://[::ffff:127.0.0.1]:{inside}/a.ts", f"crypto+httpproxy://{at}/a.ts",
    ]  # fmt: skip
    found = {f"segment {number}": SEGMENT.format(segment) for number, segment in enumerate(segments)}
    for scheme in ("http", "httpproxy"):
        key = f'#EXT-X-KEY:METHOD=AES-128,URI="{scheme}://{at}/key"\n#EXTINF:2.0,\n/good.ts\n#EXT-X-ENDLIST\n'
        section = f'#EXT-X-MAP:URI="{scheme}://{at}/init.mp4"\n#EXTINF:2.0,\n/good.ts\n#EXT-X-ENDLIST\n'
        found |= {
            f"key by {scheme}": HEAD + key, f"map by {scheme}": HEAD + section,
            f"dash by {scheme}": DASH.format(f"{scheme}://{at}/dash.mp4"),
            f"variant by {scheme}": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{scheme}://{at}/variant.m3u8\n",
        }  # fmt: skip
    return found


@dataclass
class Studio:
    """A server of playlists, who must not be reached, and the wall."""

    wall: Wall
    neighbour: Neighbour
    url: str
    asked: list[str]
    texts: dict[str, str | bytes]
    faults: FaultPage

    async def load(self, url: str) -> str:
        """Opens it as an item; the code of the fault."""
        with pytest.raises(ContentError) as caught:
            await self.plays(url, 4)
        return caught.value.code

    async def plays(self, url: str, within_s: float = 20) -> bool:
        """Opens it as an item, up to its first frame."""
        surface = await self.surface(within_s)
        try:
            await surface.load(await self.playable(url))
            return True
        finally:
            await surface.close()

    async def surface(self, within_s: float) -> MpvSurface:
        """One behind the wall, whose streams have so long to show something; who asks for it closes it."""
        options = {"vo": "null", "ao": "null", "hwdec": "no"}
        return await open_film(
            "sig-x", (160, 90), options, self.wall.for_streams, gate=Gate(self.wall.admits, self.faults), load_limit_s=within_s,
            why=self.wall.why,
        )  # fmt: skip

    async def playable(self, url: str) -> Playable:
        """The item of that address."""
        return Playable(Item("s", "s", "Live", Kind.LIVESTREAM, 10.0, url=url), await self.wall.stream(url), (160, 90))


@contextlib.asynccontextmanager
async def studio(*stream_hosts: str) -> AsyncIterator[Studio]:
    asked: list[str] = []
    async with neighbour() as other:
        texts: dict[str, str | bytes] = dict(hostile(other.port))

        async def answer(request: web.Request) -> web.StreamResponse:
            asked.append(request.path)
            if request.path == "/hangs":
                await asyncio.Event().wait()
            if request.path == "/away":
                raise web.HTTPFound(request.query["to"])
            if request.path.startswith("/hops/"):
                raise web.HTTPFound(f"/hops/{int(request.path[6:]) + 1}")
            name = request.path.strip("/").rpartition(".")[0]
            if name not in texts:
                return web.Response(status=404)
            kind = "application/dash+xml" if request.path.endswith(".mpd") else "application/vnd.apple.mpegurl"
            found = texts[name]
            return web.Response(body=found if isinstance(found, bytes) else found.encode(), content_type=kind)

        app = web.Application()
        app.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, SITE, 0).start()
        names = FakeNames()
        names.on("site.test", [SITE])
        names.on("inward.test", ["127.0.0.1"])
        nets = (IPv4Network(f"{SITE}/32"),)
        wall = Wall(STRAIGHT, replace(beside("https://cms.example.com"), nets=nets, stream_hosts=stream_hosts), names)
        try:
            async with running(wall.run()):
                yield Studio(wall, other, f"http://site.test:{runner.addresses[0][1]}", asked, texts, fault_page())
        finally:
            await runner.cleanup()


async def test_c9_nothing_that_a_stream_leads_to_reaches_a_neighbour():
    async with studio() as made:
        names = list(hostile(made.neighbour.port))
        paths = [f"/{name}.{'mpd' if name.startswith('dash') else 'm3u8'}" for name in names]
        await asyncio.gather(*(made.load(f"{made.url}{path.replace(' ', '%20')}") for path in paths))
        assert set(paths) <= set(made.asked)
        assert made.neighbour.reached == []
        assert made.faults.faults == ()


MANY = 10_000
ENTITIES = "".join(f'<!ENTITY {name} "{f"&{inner};" * 10}">' for name, inner in zip("bcdefghi", "abcdefgh", strict=True))
FLOODS = {
    "keys": HEAD + "".join(f'#EXT-X-KEY:METHOD=AES-128,URI="/key{n}"\n#EXTINF:2.0,\n/part{n}.ts\n' for n in range(MANY)),
    "laughs": f'<!DOCTYPE MPD [<!ENTITY a "{"x" * 1000}">{ENTITIES}]>{DASH.format("&i;")}',
    "outside": '<!DOCTYPE MPD [<!ENTITY a SYSTEM "file:///etc/hostname"><!ENTITY b SYSTEM "http://127.0.0.1:PORT/b">'
    f'<!ENTITY % c SYSTEM "http://127.0.0.1:PORT/c">%c;]>{DASH.format("/read-&a;&b;")}',
    "typed": f'<!DOCTYPE MPD SYSTEM "http://127.0.0.1:PORT/mpd.dtd">{DASH.format("/read")}',
    "forged": DASH.format("\n\x1b[2J ERROR the box is on fire &fire;\n"),
}


async def test_l3_what_a_stream_makes_the_player_do_has_an_end_and_its_words_are_not_in_the_log(
    capfd: pytest.CaptureFixture[str],
):
    async with studio() as made:
        made.texts.update({name: text.replace("PORT", str(made.neighbour.port)) for name, text in FLOODS.items()})
        kinds = {"keys": "m3u8"}
        found = await asyncio.gather(
            made.load(f"{made.url}/hops/0"), *(made.load(f"{made.url}/{name}.{kinds.get(name, 'mpd')}") for name in FLOODS)
        )
        assert set(found) <= {"unplayable", "timeout"}
        asked = Counter(re.sub(r"\d+", "", path) for path in made.asked)
        assert asked["/laughs.mpd"] > 0
        assert asked["/hops/"] < 20
        assert all(count < 1000 for count in asked.values()), asked
        assert [path for path in made.asked if path.startswith("/read-") and path != "/read-"] == [], "what lies in a file"
        assert made.neighbour.reached == []
        assert made.faults.faults == ()
    assert capfd.readouterr().err == ""


async def test_a_stream_that_is_given_up_ends_at_once_and_says_why_and_what_comes_next_is_played():
    async with studio() as made:
        surface = await made.surface(60)
        try:
            loading = asyncio.ensure_future(surface.load(await made.playable(f"{made.url}/hangs")))
            await eventually(lambda: "/hangs" in made.asked)
            assert (surface.is_streaming, surface.is_drawn) == (True, False)
            surface.give_up("it takes too much")
            with pytest.raises(ContentError, match="it takes too much") as caught:
                await loading
            assert caught.value.code == "unplayable"
            await surface.unload()
            assert not surface.is_streaming
            made.texts["many"] = "#EXTM3U\n" + "#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n" * 10_000
            with pytest.raises(ContentError, match="more than 400 variants"):
                await surface.load(await made.playable(f"{made.url}/many.m3u8"))
            assert "/a.m3u8" not in made.asked
        finally:
            await surface.close()


async def test_a_streams_picture_has_a_size_up_to_which_it_is_decoded():
    async with studio() as made:
        for name, height in (("large", 2304), ("larger", 2320)):
            source = ("-f", "lavfi", "-i", f"color=lime:s=4096x{height}:r=5:d=0.6", "-pix_fmt", "yuv420p")
            encoding = ("ffmpeg", "-v", "error", *source, "-c:v", "libx264", "-preset", "ultrafast", "-f", "mpegts", "-")
            made.texts[name] = await asyncio.to_thread(subprocess.check_output, encoding, stdin=subprocess.DEVNULL)
        assert await made.plays(f"{made.url}/large.ts")
        assert await made.load(f"{made.url}/larger.ts") == "unplayable"


@contextlib.asynccontextmanager
async def camera(answers: Mapping[str, str]) -> AsyncIterator[tuple[int, list[str]]]:
    """Speaks rtsp: what it answers to each method, and what it was asked."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while request := (await reader.readuntil(b"\r\n\r\n")).decode():
                method = request.partition(" ")[0]
                asked.append(method)
                number = request.partition("CSeq: ")[2].partition("\r\n")[0]
                writer.write(answers[method].replace("\n", f"\r\nCSeq: {number}\r\n", 1).encode() + b"\r\n")
        writer.close()

    server = await asyncio.start_server(serve, SITE, 0)
    try:
        yield server.sockets[0].getsockname()[1], asked
    finally:
        server.close()


@pytest.mark.parametrize("at", ["OPTIONS", "DESCRIBE"])
async def test_l4_a_camera_cannot_send_the_player_to_a_neighbour(at: str):
    async with studio() as made:
        inside = made.neighbour.port
        for to in (f"rtsp://127.0.0.1:{inside}/stolen", f"rtsp://localhost:{inside}/", f"rtsp://[::ffff:127.0.0.1]:{inside}/"):
            answers = {"OPTIONS": "RTSP/1.0 200 OK\nPublic: DESCRIBE\r\n", at: f"RTSP/1.0 302 Moved\nLocation: {to}\r\n"}
            async with camera(answers) as (port, asked):
                assert await made.load(f"rtsp://site.test:{port}/live") == "unplayable"
                assert at in asked
        assert made.neighbour.reached == []


@pytest.mark.parametrize(("listed", "reached"), [((), True), (("site.test", SITE), True), (("site.test",), False)])
async def test_a_camera_may_send_the_player_to_where_an_item_might_lead(listed: tuple[str, ...], reached: bool):
    async with studio(*listed) as made, camera({"OPTIONS": "RTSP/1.0 404 Gone\n"}) as (port, asked):
        answers = {"OPTIONS": f"RTSP/1.0 302 Moved\nLocation: rtsp://{SITE}:{port}/live\r\n"}
        async with camera(answers) as (first, sent_on):
            assert await made.load(f"rtsp://site.test:{first}/live") == "unplayable"
        assert (sent_on, asked) == (["OPTIONS"], ["OPTIONS"] if reached else [])


async def test_a_server_of_rtmp_is_played():
    async with studio() as made:
        port = free_port(host=SITE)
        source = ("-f", "lavfi", "-i", "color=lime:s=160x90:r=10", "-c:v", "flv", "-g", "5")
        served = await asyncio.create_subprocess_exec(
            "ffmpeg", "-v", "error", "-re", *source, "-f", "flv", "-listen", "1", f"rtmp://{SITE}:{port}/live/one",
            stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await eventually(lambda: listens_at(port), 20)
            assert await made.plays(f"rtmp://site.test:{port}/live/one")
        finally:
            served.kill()
            await served.wait()


async def test_a_stream_that_may_not_be_opened_is_told_as_that():
    async with studio() as made:
        inside = made.neighbour.port
        for url, code in {
            f"http://127.0.0.1:{inside}/a.m3u8": "forbidden_address",
            f"https://inward.test:{inside}/a.m3u8": "forbidden_address",
            "http://nobody.test/a.m3u8": "unplayable",
        }.items():
            assert await made.load(url) == code
        assert made.neighbour.reached == []
