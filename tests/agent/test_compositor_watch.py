"""Who asks systemd when a compositor hangs and the stage could not end it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec

from player.agent.compositor_watch import CompositorWatch
from player.compositor.hang import hangs_told
from player.core.hangs import Hangs
from player.errors import BoxError
from tests.fakes.running import eventually


class Box:
    """The two files as stage and compositor write them, and a system that may refuse."""

    def __init__(self, folder: Path, refuses: bool = False) -> None:
        self.folder, self.refuses = folder, refuses
        self.looks = self.restarts = 0

    def tell(self, told_at: float) -> None:
        (self.folder / "hangs.json").write_bytes(msgspec.json.encode(Hangs(1, told_at)))

    def announce(self, started_at: float) -> None:
        told = {"backend": "drm", "renderer": "pixman", "wayland_display": "/x", "started_at": started_at}
        (self.folder / "compositor.json").write_bytes(msgspec.json.encode(told))

    def read(self) -> tuple[Hangs, float | None]:
        self.looks += 1
        return hangs_told(self.folder / "sway.sock")

    async def restart(self) -> None:
        self.restarts += 1
        if self.refuses:
            raise BoxError("compositor", "not allowed")

    async def looked(self, times: int = 2) -> None:
        """Until it was looked at so often from now on."""
        wanted = self.looks + times
        await eventually(lambda: self.looks >= wanted, 20)


async def test_systemd_is_asked_once_where_the_stage_told_twice_and_nothing_changed(tmp_path: Path):
    box = Box(tmp_path)
    box.announce(50.0)
    async with asyncio.TaskGroup() as group:
        watch = group.create_task(CompositorWatch(box.read, box.restart, look_s=0.01).run(), name="watch")
        box.tell(100.0)
        await box.looked()
        assert box.restarts == 0, "the stage ends it by itself"
        box.tell(111.0)
        await eventually(lambda: box.restarts == 1, 20)
        box.announce(112.0)
        await box.looked()
        assert box.restarts == 1
        watch.cancel()


async def test_a_refusal_is_no_end_of_it(tmp_path: Path):
    box = Box(tmp_path, refuses=True)
    box.announce(50.0)
    async with asyncio.TaskGroup() as group:
        watch = group.create_task(CompositorWatch(box.read, box.restart, look_s=0.01).run(), name="watch")
        for told_at in (100.0, 111.0, 122.0, 133.0):
            box.tell(told_at)
            await box.looked()
        await eventually(lambda: box.restarts >= 2, 20)
        watch.cancel()


async def test_no_file_and_a_damaged_one_tell_of_nothing(tmp_path: Path):
    box = Box(tmp_path)
    assert box.read() == (Hangs(), None)
    (tmp_path / "hangs.json").write_bytes(os.urandom(40))
    (tmp_path / "compositor.json").write_bytes(b"{")
    assert box.read() == (Hangs(), None)
