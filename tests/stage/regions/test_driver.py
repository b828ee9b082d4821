"""What a region's driver does when, on made-up surfaces."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from player.core.brief import DeviceSettings
from player.core.content import Item, Playlist, Transition, TransitionKind, full_screen
from player.core.cues import PlaylistChanged, PlayRecord, PrepareFailed, Resumed
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.errors import ContentError
from player.runtime.clock import SystemClock
from player.stage.regions.driver import PARKED_AT, SEAM_S, RegionDriver, RegionEvents
from player.stage.regions.surfaces import SurfacePool, SurfaceSort, Windows
from player.stage.regions.visibility import Visibility
from tests.fakes.running import eventually, running
from tests.fakes.surface import FakeCompositor, FakeSurface, Maker


class Region:
    """A driver of two items, and when each was loaded and shown (monotonic seconds). Clips are `natural_s` long."""

    def __init__(self, cache: Path, kind: Kind = Kind.IMAGE, duration_s: float = 60.0, natural_s: float | None = None) -> None:
        self.panel = True
        self.plays: list[PlayRecord] = []
        self.loaded: list[float] = []
        self.playables: list[Playable] = []
        self.volumes: list[int] = []
        self.shown: list[float] = []
        self.steps: list[tuple[str, int]] = []
        compositor = self.compositor = FakeCompositor()
        make = self.make = Maker(compositor)
        self.hangs = False
        self.why: ContentError | None = None  # whatever comes on screen from then on has broken already
        self.told: list[tuple[str, str]] = []

        async def timed(sort: SurfaceSort, name: str, size: tuple[int, int]) -> FakeSurface:
            surface = await make(sort, name, size)
            load, window = surface.load, len(make.made)

            async def fetch(_: Playable) -> None:
                self.steps.append(("fetch", compositor.places[window].x))

            async def note(playable: Playable) -> None:
                self.steps.append(("load", compositor.places[window].x))
                self.loaded.append(time.monotonic())
                self.playables.append(playable)
                await (asyncio.Event().wait() if self.hangs else load(playable))

            def be_heard(volume: int, *, muted: bool) -> None:
                self.volumes.append(volume)

            async def ended() -> None:
                if self.why:
                    raise self.why
                await asyncio.sleep(natural_s or 1000)

            async def unload() -> None:
                await asyncio.sleep(0.05)

            surface.fetch, surface.load, surface.duration_s, surface.ended = fetch, note, lambda: natural_s, ended
            surface.set_volume, surface.unload = be_heard, unload
            surface.start = lambda: self.steps.append(("start", len(compositor.swapped)))
            return surface

        items = tuple(Item(name, name, name, kind, duration_s, file=f"{name}.png") for name in ("one", "two"))
        for item in items:
            (cache / str(item.file)).write_bytes(b"a picture")
        self.playlist = Playlist("p", "p", items)
        visibility = Visibility(compositor)
        self.driver = RegionDriver(
            full_screen(self.playlist).regions[0],
            pool=SurfacePool("main", timed, Windows(compositor), visibility, lambda _: None, lambda: self.panel),
            visibility=visibility,
            cache=cache,
            clock=SystemClock(),
            region_events=RegionEvents(
                record=lambda _, play: self.plays.append(play),
                report=lambda report: self.told.append(("broken", report.item.name)),
                recover=lambda item: self.told.append(("well", item.name)),
                about_to_show=lambda *_: self.shown.append(time.monotonic()),
                changed=lambda: None,
            ),
            settings=DeviceSettings,
            resolve=lambda _: asyncio.sleep(0, ""),
            turns=asyncio.Semaphore(1),
            seed=0,
        )


async def test_nothing_is_loaded_while_the_first_frames_of_an_item_are_due(tmp_path: Path):
    region = Region(tmp_path)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        playing = group.create_task(region.driver.run(), name="region")
        region.driver.send(PlaylistChanged(region.playlist))
        while len(region.loaded) < 2:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        playing.cancel()
    assert len(region.shown) == 1
    assert region.loaded[1] - region.shown[0] >= SEAM_S


@pytest.mark.parametrize("kind", [Kind.VIDEO, Kind.AUDIO, Kind.IMAGE])
async def test_sound_changes_over_only_where_something_can_be_heard(tmp_path: Path, kind: Kind):
    region = Region(tmp_path, kind, duration_s=1.0)
    blended = replace(region.playlist, transition=Transition(TransitionKind.CROSSFADE, 0.2))
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        playing = group.create_task(region.driver.run(), name="region")
        region.driver.send(PlaylistChanged(blended))
        while len(region.loaded) < 3:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        playing.cancel()
    assert bool(region.volumes) is kind.is_heard


async def test_d1_a_clip_that_cannot_be_seen_takes_as_long_as_when_it_could(tmp_path: Path):
    region = Region(tmp_path, Kind.VIDEO, 0.0, natural_s=0.7)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        playing = group.create_task(region.driver.run(), name="region")
        region.driver.send(PlaylistChanged(region.playlist))
        while len(region.loaded) < 2:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        region.panel = False
        await region.driver.visibility.close()
        while len(region.plays) < 4:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        playing.cancel()
    assert len(region.loaded) == 2, "those after them were stood in for"
    lengths = [play.ended.mono - play.started.mono for play in region.plays]
    assert all(length > 0.6 for length in lengths), lengths


async def test_c16_a_page_that_was_not_ready_in_time_has_its_window_closed(tmp_path: Path):
    region = Region(tmp_path, Kind.WEB)
    region.hangs = True
    async with running(region.driver.run()):
        region.driver.send(PlaylistChanged(region.playlist))
        await eventually(lambda: region.loaded)
        region.driver.send(PrepareFailed(1, "timeout", "was not ready in time"))
        await eventually(lambda: region.make.made[0].closed)


async def test_the_fault_of_a_page_that_broke_before_it_was_seen_stands(tmp_path: Path):
    region = Region(tmp_path, Kind.WEB, duration_s=0.3)
    async with running(region.driver.run()):
        region.driver.send(PlaylistChanged(region.playlist))
        await eventually(lambda: region.shown)
        region.why = ContentError("page_memory", "two", "takes too much")
        await eventually(lambda: {("broken", "two"), ("well", "two")} <= {*region.told})
    assert region.told.index(("well", "two")) < region.told.index(("broken", "two"))


async def test_what_is_fetched_for_an_item_is_fetched_out_of_sight(tmp_path: Path):
    region = Region(tmp_path)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        playing = group.create_task(region.driver.run(), name="region")
        region.driver.send(PlaylistChanged(region.playlist))
        while len(region.loaded) < 2 or not region.driver.machine.settled:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        *_, waiting = region.compositor.places.values()
        playing.cancel()
    assert waiting.x == -PARKED_AT - 1, "what waits for its turn is out of sight again"
    assert region.steps[:2] == [("fetch", -PARKED_AT - 1), ("load", 0)], "beyond every panel, and on it for the first frame alone"


async def test_a_clip_that_goes_on_begins_where_it_was_and_silent_where_that_is_asked_this_once(tmp_path: Path):
    region = Region(tmp_path, Kind.VIDEO, 0.0, natural_s=1.0)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        playing = group.create_task(region.driver.run(), name="region")
        region.driver.send(Resumed("two", 4.5, silent=True))
        region.driver.send(PlaylistChanged(region.playlist))
        while len(region.playables) < 3:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        playing.cancel()
    assert [(one.item.id, one.begin_s, one.silent) for one in region.playables] == [
        ("two", 4.5, True), ("one", 0.0, False), ("two", 0.0, False),
    ]  # fmt: skip
    starts = [shown for step, shown in region.steps if step == "start"]
    assert starts[:2] == [0, 2], "what goes on moves when it comes in sight; others come in sight with their first frame"
