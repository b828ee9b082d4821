"""A surface that ends while a call is in the midst of its handle: libmpv would be gone under it."""

from __future__ import annotations

import asyncio
import threading

from player.core.kinds import Kind
from player.stage.video.mpv import MpvSurface, as_opened
from tests.fakes.running import eventually, running
from tests.fakes.wall import not_known
from tests.fakes.way_out import STRAIGHT
from tests.stage.video.conftest import playable


class SlowHandle:
    """Takes no command before `event` is set; `told` is what it went through, in order."""

    def __init__(self) -> None:
        self.event, self.told = threading.Event(), list[str]()

    def command(self, *words: str) -> None:
        if words[0] == "loadfile":
            self.told.append("loading")
            self.event.wait()
            self.told.append("loaded")

    def terminate(self) -> None:
        self.told.append("ended")


async def test_a_handle_is_ended_after_the_call_that_is_under_way(tmp_path):
    handle = SlowHandle()
    surface = MpvSurface(
        "s-1", handle, asyncio.get_running_loop(), STRAIGHT, sound=as_opened, why=not_known, load_limit_s=60, stall_s=60
    )
    loading = asyncio.ensure_future(surface.load(playable(str(tmp_path / "a.mp4"), Kind.VIDEO)))
    await eventually(lambda: handle.told == ["loading"], 20)
    loading.cancel()
    async with running(surface.close()):
        await asyncio.sleep(0.1)
        assert handle.told == ["loading"]
        handle.event.set()
        await eventually(lambda: "ended" in handle.told, 20)
    assert handle.told == ["loading", "loaded", "ended"]
