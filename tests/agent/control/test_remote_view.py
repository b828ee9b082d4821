"""The remote view over real sockets: shared pictures, few a second, none for nobody; who may watch, and how it ends. Fault L6."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from player.agent.control.mjpeg import WATCHERS, RemoteView
from player.errors import BoxError
from tests.fakes.control import control_server
from tests.fakes.local_controls import JPEG, FakeActions


class Camera(FakeActions):
    """Every picture says which one it is; `dark` is a screen that gives none."""

    def __init__(self) -> None:
        super().__init__()
        self.dark = False

    async def screenshot(self, kind: str, width: int | None = None) -> bytes:
        if self.dark:
            raise BoxError("screenshot", "the panel is off; switch the screen on first")
        return await super().screenshot(kind, width) + str(len(self.pictures)).encode()


class LocalControls:
    def __init__(self, folder: Path, camera: Camera) -> None:
        self.camera = camera
        self.server = control_server(folder, actions=camera)
        self.http: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/api/screen.mjpeg"


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[LocalControls]:
    made = LocalControls(tmp_path, Camera())
    timeout = aiohttp.ClientTimeout(total=10)
    connector = aiohttp.TCPConnector(force_close=True)
    async with made.server.serving(), aiohttp.ClientSession(timeout=timeout, connector=connector) as made.http:
        yield made


async def part(answer: aiohttp.ClientResponse) -> bytes:
    """The next picture of the stream."""
    assert await answer.content.readline() == b"--picture\r\n"
    assert await answer.content.readline() == b"Content-Type: image/jpeg\r\n"
    length = int((await answer.content.readline()).partition(b":")[2])
    await answer.content.readline()
    picture = await answer.content.readexactly(length)
    await answer.content.readline()
    return picture


async def test_pictures_follow_each_other_at_most_two_a_second_and_small(local: LocalControls):
    began = time.monotonic()
    async with local.http.get(local.url) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=picture"
        assert answer.headers["Cache-Control"] == "no-store"
        pictures = [await part(answer) for _ in range(4)]
    assert pictures == [JPEG + str(number).encode() for number in range(1, 5)]
    assert time.monotonic() - began > 1.4
    assert set(local.camera.pictures) == {("jpeg", 1280)}


async def test_watchers_share_the_pictures_and_none_is_taken_for_nobody(local: LocalControls):
    async with local.http.get(local.url) as one, local.http.get(local.url) as other:
        seen = [(await part(one), await part(other)) for _ in range(3)]
    assert all(first == second for first, second in seen)
    assert len(local.camera.pictures) <= 4
    await asyncio.sleep(1.2)
    taken = len(local.camera.pictures)
    await asyncio.sleep(1.2)
    assert len(local.camera.pictures) == taken, "nobody watches"


async def test_l6_one_watcher_too_many_is_told_so_and_comes_in_when_another_left(local: LocalControls):
    watching = [await local.http.get(local.url) for _ in range(WATCHERS)]
    async with local.http.get(local.url) as late:
        assert late.status == 503
        assert (await late.json())["message"] == "4 are watching this screen already; one of them has to stop first"
    watching.pop().close()
    for _ in range(30):
        async with local.http.get(local.url) as again:
            if again.status == 200:
                break
        await asyncio.sleep(0.1)
    assert again.status == 200
    for answer in watching:
        answer.close()


async def test_without_a_picture_there_is_a_sentence_and_a_screen_that_comes_back_goes_on(local: LocalControls):
    local.camera.dark = True
    async with local.http.get(local.url) as answer:
        assert answer.status == 503
        assert "the panel is off" in (await answer.json())["message"]
    local.camera.dark = False
    async with local.http.get(local.url) as answer:
        await part(answer)
        local.camera.dark = True
        await asyncio.sleep(1.2)
        local.camera.dark = False
        await part(answer)


@pytest.mark.parametrize(
    ("headers", "status"), [({"Host": "evil.example"}, 421), ({"Origin": "http://evil.example"}, 403), ({"Host": "lobby"}, 200)]
)
async def test_l3_the_same_rights_as_for_a_single_picture(local: LocalControls, headers: dict[str, str], status: int):
    async with local.http.get(local.url, headers=headers) as answer:
        stream = answer.status
    async with local.http.get(local.url.replace("mjpeg", "jpg"), headers=headers) as answer:
        assert (stream, answer.status) == (status, status)
    async with local.http.head(local.url) as answer:
        assert answer.status == 405


async def test_a_picture_that_is_slow_to_take_is_still_taken_once_for_all():
    taken = 0

    async def take() -> bytes:
        nonlocal taken
        taken += 1
        await asyncio.sleep(0.2)
        return b"x"

    view = RemoteView(take, every_s=0.05)
    first = await asyncio.gather(*(view._after(0) for _ in range(4)))
    assert (first, taken) == ([1] * 4, 1)
