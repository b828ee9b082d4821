"""A handle that ends while a call is in the midst of it, and one whose wait for events ends without one."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace

import mpv

from player.core.kinds import Kind
from player.stage.video.mpv import MpvSurface, as_opened
from player.stage.video.sound import SILENCE
from tests.fakes.gate import open_gate
from tests.fakes.running import eventually, running
from tests.fakes.samples import make_picture
from tests.fakes.wall import not_known
from tests.fakes.way_out import STRAIGHT
from tests.stage.video.conftest import SIZE, playable

UNSEEN = {"vo": "null", "hwdec": "no", "ao": "null"}


class SlowHandle:
    """Takes no command before `event` is set; `told` is what it went through, in order."""

    def __init__(self) -> None:
        self.event, self.told = threading.Event(), list[str]()
        self.frame_drop_count = self.decoder_frame_drop_count = 0

    def command(self, *words: str) -> None:
        if words[0] == "loadfile":
            self.told.append("loading")
            self.event.wait()
            self.told.append("loaded")

    def terminate(self) -> None:
        self.told.append("ended")


def surface_of(handle: SlowHandle) -> MpvSurface:
    return MpvSurface(
        "s-1", handle, asyncio.get_running_loop(), STRAIGHT, sound=as_opened, why=not_known, load_limit_s=60, stall_s=60
    )


async def test_one_that_was_closed_plays_no_sound_however_late_its_library_told_of_it():
    surface = surface_of(SlowHandle())
    surface._told.observed("current-ao", SILENCE)
    await eventually(lambda: surface.sound_output == SILENCE)
    surface._told.observed("current-ao", SILENCE)
    await surface.close()
    await asyncio.sleep(0)
    assert surface.sound_output is None


async def test_a_surface_is_of_use_again_when_its_library_has_let_go_of_what_it_had_open():
    surface = surface_of(SlowHandle())
    surface._told.event(SimpleNamespace(event_id=SimpleNamespace(value=6), data=SimpleNamespace(playlist_entry_id=1)))
    await eventually(lambda: surface._told.is_open)
    unloading = asyncio.ensure_future(surface.unload())
    for _ in range(20):
        await asyncio.sleep(0.01)
    assert not unloading.done()
    surface._told.event(SimpleNamespace(event_id=SimpleNamespace(value=7), data=SimpleNamespace(reason=2, error=0)))
    async with asyncio.timeout(20):
        await unloading
        await surface.unload()


async def test_a_handle_is_ended_after_the_call_that_is_under_way(tmp_path):
    handle = SlowHandle()
    surface = surface_of(handle)
    loading = asyncio.ensure_future(surface.load(playable(str(tmp_path / "a.mp4"), Kind.VIDEO)))
    await eventually(lambda: handle.told == ["loading"], 20)
    loading.cancel()
    async with running(surface.close()):
        await asyncio.sleep(0.1)
        assert handle.told == ["loading"]
        handle.event.set()
        await eventually(lambda: "ended" in handle.told, 20)
    assert handle.told == ["loading", "loaded", "ended"]


async def test_t1_a_wait_that_ends_without_an_event_as_when_the_clock_is_set_by_months_ends_no_handle(tmp_path: Path):
    surface = await MpvSurface.create("sig-x", SIZE, STRAIGHT, gate=open_gate(), options=UNSEEN, sound=as_opened, why=not_known)
    try:
        for _ in range(20):  # one that meets an event ends nothing
            mpv._mpv_wakeup(surface._handle._event_handle)
            await asyncio.sleep(0.02)
        await surface.load(playable(make_picture(tmp_path / "picture.png"), Kind.IMAGE))
    finally:
        await surface.close()
