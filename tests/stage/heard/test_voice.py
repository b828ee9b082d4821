"""What is only heard, by libmpv without a window: every format of the README's table, from its beginning and from within."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from player.core.content import Item
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.errors import ContentError
from player.media.prepare.parent import prepare
from player.stage.heard.surface import VOICE, HeardSurface
from player.stage.wayland.window import SharedPicture
from tests.fakes.films import open_film
from tests.fakes.running import eventually
from tests.what_plays import ROWS, SECONDS, Format, film, tune

FORMATS = [form for row in ROWS if row.kind is Kind.AUDIO for form in row.formats]
NOBODY = {"ao": "null"}  # in which playback keeps its time


@pytest.fixture
async def heard() -> AsyncIterator[HeardSurface]:
    voice = await open_film("sig-heard", (16, 16), VOICE | NOBODY)
    yield (found := HeardSurface(voice, None))
    await found.close()


def playable(path: Path, **more: object) -> Playable:
    return Playable(Item("i", "c", "song", Kind.AUDIO, 0.0), str(path), (0, 0), **more)


async def played_s(surface: HeardSurface) -> float:
    """How long it runs from here to its end."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    surface.start()
    async with asyncio.timeout(30):
        await surface.ended()
    return loop.time() - began


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
async def test_every_sound_of_the_table_is_prepared_and_plays_to_its_end(heard: HeardSurface, tmp_path: Path, form: Format):
    source = tmp_path / "file"  # a name that says nothing
    await asyncio.to_thread(form.make, source, "")
    made = await prepare(source, Kind.AUDIO, form.name, tmp_path / "prepared", (640, 360))
    await heard.load(playable(made.file, begin_s=SECONDS - 0.7))
    assert heard.duration_s() == pytest.approx(SECONDS, abs=0.1)
    assert await played_s(heard) > 0.65, "to the last of it"


async def test_a_sound_begins_where_it_was_left(heard: HeardSurface, tmp_path: Path):
    await asyncio.to_thread(tune("-af", "aloop=-1:96000,atrim=end=900", "-f", "flac"), tmp_path / "long", "")
    await heard.load(playable(tmp_path / "long", begin_s=899.5))
    assert heard.duration_s() == pytest.approx(900, abs=0.1)
    await played_s(heard)


async def test_a_sound_that_is_to_be_silent_keeps_its_time_and_the_next_one_is_heard(tmp_path: Path):
    song = tmp_path / "song"
    await asyncio.to_thread(FORMATS[0].make, song, "")
    told: list[str] = []

    def outputs() -> dict[str, str]:
        told.append("asked")
        return NOBODY

    voice = await open_film("sig-heard", (16, 16), VOICE, sound=outputs)
    try:
        await voice.load(playable(song, silent=True, begin_s=SECONDS - 0.5))
        assert told == []
        voice.start()
        async with asyncio.timeout(30):
            await voice.ended()
        await voice.unload()
        await voice.load(playable(song))
        assert told == ["asked"]
    finally:
        await voice.close()


async def test_a_sound_that_is_paused_stands_still_until_it_goes_on(heard: HeardSurface, tmp_path: Path):
    await asyncio.to_thread(FORMATS[0].make, tmp_path / "song", "")
    await heard.load(playable(tmp_path / "song"))
    heard.start()
    heard.pause()
    over = asyncio.ensure_future(heard.ended())
    await asyncio.sleep(SECONDS + 0.3)
    assert not over.done()
    heard.start()
    async with asyncio.timeout(30):
        await over


class Pictures:
    """A window that remembers the sizes of the pictures that it was given, and of those that it showed."""

    def __init__(self) -> None:
        self.given, self.shown = list[tuple[int, int]](), list[tuple[int, int]]()

    def take(self, picture: SharedPicture) -> None:
        self.given.append((picture.width, picture.height))
        picture.close()

    def show(self, x: int, width: int) -> None:
        assert (x, width) == (0, self.given[-1][0])
        self.shown.append(self.given[-1])

    def close(self) -> None:
        return


async def test_a_region_of_another_size_is_drawn_anew_and_not_for_a_sound_that_is_over(tmp_path: Path):
    song, window = tmp_path / "song", Pictures()
    await asyncio.to_thread(FORMATS[0].make, song, "")
    voice = await open_film("sig-heard", (16, 16), VOICE | NOBODY)
    surface = HeardSurface(voice, window)  # type: ignore[arg-type]  # as one
    try:
        await surface.load(replace(playable(song), size=(160, 90)))
        surface.resize(160, 90)
        await asyncio.sleep(0.2)  # for what is not to be drawn
        surface.resize(320, 180)
        await eventually(lambda: window.shown == [(160, 90), (320, 180)], 20)
        surface.resize(640, 360)
        await surface.unload()
        assert window.given[-1] == (1, 1)
        surface.resize(32, 18)
        await asyncio.sleep(0.2)
        await surface.load(replace(playable(song), size=(80, 45)))
        assert window.shown == [(160, 90), (320, 180), (80, 45)]
    finally:
        await surface.close()


async def test_of_a_film_listed_as_a_sound_the_sound_is_heard_and_no_picture_is_opened(heard: HeardSurface, tmp_path: Path):
    await asyncio.to_thread(film("-c:v", "libx264", "-preset", "ultrafast", "-f", "mp4", sound="aac"), tmp_path / "film", "blue")
    await heard.load(playable(tmp_path / "film", begin_s=SECONDS - 0.5))
    assert not await asyncio.to_thread(lambda: heard._voice._handle.vid)
    await played_s(heard)


async def test_what_cannot_be_heard_is_refused(heard: HeardSurface, tmp_path: Path):
    (tmp_path / "noise").write_bytes(b"ID3\x03\0\0\0\0\0\0" + bytes(range(256)) * 40)
    with pytest.raises(ContentError):
        await heard.load(playable(tmp_path / "noise"))
    await asyncio.to_thread(FORMATS[3].make, tmp_path / "song", "")
    await heard.load(playable(tmp_path / "song"))
