"""The film that has a head start: with libmpv, whose picture nobody sees."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from player.core.content import Item
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.core.resume import Film, HeadStart
from player.errors import BoxError, ContentError
from player.stage.backends.ahead import Ahead
from player.stage.video.mpv import MpvSurface
from tests.fakes.films import open_film
from tests.fakes.running import eventually, running
from tests.stage.video.conftest import SIZE, colour, encode

UNSEEN = {"vo": "null", "hwdec": "no", "ao": "null"}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return encode(tmp_path / "clip.mp4", *colour("lime", 3))


async def made(name: str, size: tuple[int, int]) -> MpvSurface:
    return await open_film(name, size, UNSEEN)


def playable(target: Path, begin_s: float) -> Playable:
    return Playable(Item("i", "c", "clip", Kind.VIDEO, 0.0), str(target), SIZE, fit="cover", volume=40, begin_s=begin_s)


async def begun(clip: Path) -> MpvSurface:
    """What was begun with that clip, from its first second on."""
    ahead = Ahead(made)
    await ahead.begin(HeadStart(Film(str(clip), SIZE), 1.0))
    assert ahead.taken((1, 1)) is None, "another region's size"
    surface = ahead.taken(SIZE)
    assert surface is not None
    assert ahead.taken(SIZE) is None, "it is one region's alone"
    return surface


async def test_the_region_that_goes_on_with_it_waits_only_for_the_rest_and_shows_it_as_it_wants(clip: Path):
    surface = await begun(clip)
    await eventually(surface.duration_s, 20)  # it is open
    await asyncio.to_thread(clip.unlink)  # whoever opened it again would find nothing
    await surface.load(playable(clip, 1.0))
    assert surface.duration_s() == pytest.approx(3.0, abs=0.1)
    handle = surface._handle
    assert (handle.time_pos, handle.volume, handle.panscan) == (pytest.approx(1.0, abs=0.1), 40, 1)
    await surface.close()


@pytest.mark.parametrize("begin_s", [0.0, 2.0])
async def test_what_begins_elsewhere_is_opened_anew(clip: Path, begin_s: float):
    surface = await begun(clip)
    threading.Event().wait(0.5)  # the loop stands still: what libmpv says of the first file comes while the second is asked for
    await surface.load(playable(clip, begin_s))
    assert surface._handle.time_pos == pytest.approx(begin_s, abs=0.1)
    await surface.close()


async def test_a_file_that_cannot_be_played_is_the_regions_trouble(tmp_path: Path):
    (tmp_path / "clip.mp4").write_bytes(b"no film")
    surface = await begun(tmp_path / "clip.mp4")
    with pytest.raises(ContentError) as caught:
        await surface.load(playable(tmp_path / "clip.mp4", 1.0))
    assert (caught.value.code, caught.value.name) == ("unplayable", "clip")
    await surface.close()


async def test_a_surface_that_cannot_be_made_costs_the_head_start_alone(caplog: pytest.LogCaptureFixture):
    async def refused(_name: str, _size: tuple[int, int]) -> MpvSurface:
        raise BoxError("mpv", "is not there")

    ahead = Ahead(refused)
    await ahead.begin(HeadStart(Film("/film", SIZE), 0.0))
    assert ahead.taken(SIZE) is None
    assert "has no head start: mpv: is not there" in caplog.text


async def test_what_nobody_takes_is_let_go(clip: Path):
    ahead = Ahead(made, kept_s=0.01)
    await ahead.begin(HeadStart(Film(str(clip), SIZE), 1.0))
    surface = ahead._surface
    assert surface is not None
    async with running(ahead.run()):
        await eventually(lambda: surface._handle is None, 20)
    assert ahead.taken(SIZE) is None
