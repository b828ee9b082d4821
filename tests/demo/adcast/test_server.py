"""The server as a whole: its life, its page, its samples, and its command line."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from pathlib import Path

import pytest

from player.demo.adcast.client import Operator
from player.demo.adcast.seed import EMAIL, PASSWORD
from player.demo.adcast.server import DemoServer
from player.demo.samples import Sample
from player.errors import ServerUnreachable
from tests.fakes.samples import make_clip, make_picture


@pytest.fixture
def few(tmp_path: Path) -> list[Sample]:
    return [
        Sample("Clip", "video", make_clip(tmp_path / "clip.mp4", 0.2, (96, 54))),
        Sample("Picture", "image", make_picture(tmp_path / "picture.png"), 5.0),
    ]


async def test_what_was_stored_is_there_after_a_restart_at_the_same_port(tmp_path: Path):
    server = DemoServer(tmp_path / "server")
    async with server, Operator(server.url) as operator:
        await operator.register("Ada", "ada@example.com", "correct horse", "Ada's")
        await operator.link("https://example.com/", name="Page")
    async with Operator(server.url) as operator:
        with pytest.raises(ServerUnreachable):
            await operator.login("ada@example.com", "correct horse")
    url = server.url
    async with server, Operator(url) as operator:
        assert server.url == url
        await operator.login("ada@example.com", "correct horse")
        assert [row["name"] for row in (await operator.request("GET", "/api/content"))["data"]] == ["Page"]


async def test_an_upload_cut_off_by_a_crash_is_swept_away(tmp_path: Path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "0123456789abcdef.part").write_bytes(b"half")
    (tmp_path / "files" / ("0" * 64)).write_bytes(b"whole, but refused")
    async with DemoServer(tmp_path):
        assert list((tmp_path / "files").iterdir()) == []


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_open(server: DemoServer, tmp_path: Path):
    with pytest.raises(OSError, match="address already in use"):
        async with DemoServer(tmp_path / "second", port=server.port):
            pass


async def test_samples_are_put_there_once_and_played_by_default(server: DemoServer, device, few: list[Sample]):
    for _ in range(2):
        await server.seed_samples(few)
    async with Operator(server.url) as operator:
        await operator.login(EMAIL, PASSWORD)
        await operator.pair((await device.register())["pairing_code"], "Lobby")
    items = (await device.playlist())["playlist"]["items"]
    assert [(item["name"], item["type"], item["duration"]) for item in items] == [("Clip", "video", None), ("Picture", "image", 5)]


async def test_a_clip_has_a_thumbnail(server: DemoServer, few: list[Sample], device):
    await server.seed_samples(few)
    async with Operator(server.url) as operator:
        await operator.login(EMAIL, PASSWORD)
        headers = {"Authorization": f"Bearer {operator.token}"}
    status, _, body = await device.call("GET", "/api/content/1/thumbnail", headers=headers)
    assert (status, body[:3]) == (200, b"\xff\xd8\xff")


@pytest.mark.parametrize("path", ["/", "/pair?code=4A7X2B"])
async def test_a_page_loads_nothing_and_runs_only_its_own_script(device, path: str):
    status, headers, body = await device.call("GET", path)
    page, policy = body.decode(), headers["Content-Security-Policy"]
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)
    assert nonce
    assert f'<script nonce="{nonce[1]}">' in page
    assert policy.startswith("default-src 'none'")
    assert headers["X-Frame-Options"] == "DENY"
    assert not re.search(r"""(src|href)=["']?(https?:|//)|innerHTML|\son\w+=""", page)
    _, again, _ = await device.call("GET", path)
    assert again["Content-Security-Policy"] != policy


async def test_the_command_line_serves_until_it_is_told_to_stop(tmp_path: Path):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "player.demo", "--folder", str(tmp_path / "state"), "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        assert process.stdout
        url = (await process.stdout.readline()).decode().strip()
        async with Operator(url) as operator:
            await operator.register("Ada", "ada@example.com", "correct horse", "Ada's")
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_the_command_line_says_what_is_wrong_with_a_taken_port(server: DemoServer, tmp_path: Path):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "player.demo", "--folder", str(tmp_path / "state"), "--port", str(server.port)),
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        _, complaint = await process.communicate()
    assert process.returncode == 1
    assert f"cannot run at 127.0.0.1:{server.port}" in complaint.decode()
