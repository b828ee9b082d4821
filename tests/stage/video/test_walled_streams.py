"""What a stream leads to: segments, keys, redirects and other schemes, in a real libmpv behind the real wall."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

import pytest
from aiohttp import web

from player.core.content import Item
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.core.reach import beside
from player.errors import ContentError
from player.stage.video.mpv import MpvSurface
from player.stage.wall import Wall
from tests.fakes.names import FakeNames
from tests.fakes.neighbour import Neighbour, neighbour
from tests.fakes.running import running
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
        f"crypto:http://{at}/a.ts", f"rtmp://{at}/a/b", f"udp://{at}", f"hls+http://{at}/a.m3u8", f"data:http://{at}",
    ]  # fmt: skip
    found = {f"segment {number}": SEGMENT.format(segment) for number, segment in enumerate(segments)}
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="http://{at}/key"\n#EXTINF:2.0,\n/good.ts\n#EXT-X-ENDLIST\n'
    section = f'#EXT-X-MAP:URI="http://{at}/init.mp4"\n#EXTINF:2.0,\n/good.ts\n#EXT-X-ENDLIST\n'
    return found | {
        "key": HEAD + key, "map": HEAD + section, "dash": DASH.format(f"http://{at}/dash.mp4"),
        "variant": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://{at}/variant.m3u8\n",
    }  # fmt: skip


@dataclass
class Studio:
    """A server of playlists, who must not be reached, and the wall."""

    wall: Wall
    neighbour: Neighbour
    url: str
    asked: list[str]

    async def load(self, url: str) -> str:
        """Opens it as an item; the code of the fault."""
        options = {"vo": "null", "ao": "null", "hwdec": "no"}
        surface = await MpvSurface.create(
            "sig-x", (160, 90), self.wall.for_streams, options=options, load_limit_s=4, why=self.wall.why
        )
        try:
            item = Item("s", "s", "Live", Kind.LIVESTREAM, 10.0, url=url)
            with pytest.raises(ContentError) as caught:
                await surface.load(Playable(item, await self.wall.stream(url), (160, 90)))
            return caught.value.code
        finally:
            await surface.close()


@contextlib.asynccontextmanager
async def studio() -> AsyncIterator[Studio]:
    asked: list[str] = []
    async with neighbour() as other:
        texts = hostile(other.port)

        async def answer(request: web.Request) -> web.StreamResponse:
            asked.append(request.path)
            if request.path == "/away":
                raise web.HTTPFound(request.query["to"])
            name = request.path.strip("/").rpartition(".")[0]
            if name not in texts:
                return web.Response(status=404)
            kind = "application/dash+xml" if request.path.endswith(".mpd") else "application/vnd.apple.mpegurl"
            return web.Response(text=texts[name], content_type=kind)

        app = web.Application()
        app.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, SITE, 0).start()
        names = FakeNames()
        names.on("site.test", [SITE])
        names.on("inward.test", ["127.0.0.1"])
        wall = Wall(STRAIGHT, replace(beside("https://cms.example.com"), nets=(IPv4Network(f"{SITE}/32"),)), names)
        try:
            async with running(wall.run()):
                yield Studio(wall, other, f"http://site.test:{runner.addresses[0][1]}", asked)
        finally:
            await runner.cleanup()


async def test_c9_nothing_that_a_stream_leads_to_reaches_a_neighbour():
    async with studio() as made:
        names = list(hostile(made.neighbour.port))
        await asyncio.gather(*(made.load(f"{made.url}/{name}.{'mpd' if name == 'dash' else 'm3u8'}") for name in names))
        assert {f"/{name}.m3u8" for name in names if name != "dash"} <= set(made.asked)
        assert "/dash.mpd" in made.asked
        assert made.neighbour.reached == []


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
