"""What stands around the box: a web site with a page, a stream and a video; a sound server; a stream over UDP; a private bus."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web
from PIL import Image

from tests.e2e.player_box import COLOURS
from tests.fakes.device import answering
from tests.fakes.running import ENDS_WITH_US, free_port

_FAST = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p", "-threads", "1")


def picture(folder: Path, colour: str, name: str = "") -> Path:
    """A plain picture."""
    path = folder / f"{name or colour}.png"
    Image.new("RGB", (640, 360), COLOURS[colour]).save(path)
    return path


def clip(folder: Path, colour: str, seconds: float, *output: str) -> Path:
    """A plain video; `output` are ffmpeg's words for another form of it."""
    path = folder / f"{colour}.mp4"
    source = "color=0x{:02x}{:02x}{:02x}:s=320x180:r=10:d={}".format(*COLOURS[colour], seconds)
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, *_FAST, *(output or (str(path),))]
    subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
    return path


def stream(folder: Path, colour: str, seconds: float) -> Path:
    """A stream in segments: an .m3u8 with its .ts beside it."""
    path = folder / "live.m3u8"
    clip(folder, colour, seconds, "-f", "hls", "-hls_time", "2", "-hls_list_size", "0", str(path))
    return path


@contextlib.asynccontextmanager
async def web_site(folder: Path) -> AsyncIterator[str]:
    """Serves the files of `folder`, and pages: /page/COLOUR is plain, /watch/COLOUR holds the video COLOUR.mp4."""

    async def page(request: web.Request) -> web.Response:
        colour = request.match_info["colour"]
        return web.Response(
            text=f"<!doctype html><title>{colour}</title><body style='background:{colour}'>", content_type="text/html"
        )

    async def watch(request: web.Request) -> web.Response:
        source = f"/files/{request.match_info['colour']}.mp4"
        text = f"<!doctype html><title>Film</title><video><source src='{source}' type='video/mp4'></video>"
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/page/{colour}", page), web.get("/watch/{colour}", watch), web.static("/files", folder)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def sent_by_udp(colour: str) -> AsyncIterator[str]:
    """A live transport stream to a port of this machine; its address."""
    address = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
    source = "color=0x{:02x}{:02x}{:02x}:s=320x180:r=10".format(*COLOURS[colour])
    sender = await asyncio.create_subprocess_exec(
        "ffmpeg", "-v", "quiet", "-re", "-f", "lavfi", "-i", source, *_FAST, "-f", "mpegts", f"{address}?pkt_size=1316",
        stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield address
    finally:
        sender.kill()
        await sender.wait()


@contextlib.asynccontextmanager
async def sound_server(folder: Path) -> AsyncIterator[dict[str, str]]:
    """A real sound server with one null sink, in a folder of its own; the environment of who may use it."""
    own = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    server = await asyncio.create_subprocess_exec(
        *ENDS_WITH_US, "pulseaudio", "--daemonize=no", "-n", "--exit-idle-time=-1", "--disable-shm",
        "-L", "module-null-sink sink_name=test", "-L", "module-native-protocol-unix",
        env=own, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await answering(folder / "pulse/native")
        yield {"PULSE_SERVER": f"unix:{folder / 'pulse/native'}"}
    finally:
        server.terminate()
        await server.wait()


async def sink(settings: dict[str, str]) -> tuple[int, bool]:
    """The null sink's volume (percent) and whether it is mute."""
    words = []
    for question in ("get-sink-volume", "get-sink-mute"):
        process = await asyncio.create_subprocess_exec(
            "pactl", question, "test", env=os.environ | settings | {"LANG": "C", "LC_ALL": "C"}, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(10):
            words.append((await process.communicate())[0].decode())
    return int(words[0].split("%")[0].split()[-1]), "yes" in words[1]
