"""Pictures that move, have pages, or are drawn by the browser, on the real screen."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from player.core.assemble import Ready, assemble
from player.core.content import Item, Playlist, full_screen
from player.core.kinds import Kind
from player.core.ports.stage import NextItem
from player.media.prepare.parent import Prepared, prepare
from tests.fakes.programmes import manifest_of
from tests.stage.conftest import StageBox

pytestmark = pytest.mark.stage
FRAME_MS = 900  # of animations: each is there when the screen is looked at, also where looking takes most of a second


def animation(box: StageBox, form: str, *colours: str) -> Item:
    """Kept as it came, as `prepare` leaves it."""
    frames = [Image.new("RGB", (320, 180), colour) for colour in colours]
    path = box.dirs.cache / f"moving.{form.lower()}"
    frames[0].save(path, form, save_all=True, append_images=frames[1:], duration=FRAME_MS)
    return Item("moving", "c-moving", "moving", Kind.IMAGE, 30.0, file=path.name)


@pytest.mark.parametrize("form", ["GIF", "PNG"])
async def test_c18_an_animation_runs_round_and_round_until_its_time_is_over(box: StageBox, form: str):
    box.publish(animation(box, form, "red", "lime", "blue"))
    box.start()
    await box.until_shown("moving")
    for colour in ("red", "lime", "blue", "red"):
        await box.until_seen(colour)


async def test_c18_an_animation_gives_way_when_its_time_is_over_and_a_still_follows_in_its_window(box: StageBox):
    moving = animation(box, "GIF", "red", "lime")
    box.publish(replace(moving, duration_s=1.5), box.picture("blue", 600))
    box.start()
    await box.until_seen("blue")
    assert [(play["name"], play["result"]) for play in box.plays()] == [("moving", "complete")]
    for _ in range(3):
        assert (await box.look()).getcolors(2) == [(1280 * 720, (0, 0, 255))], "nothing moves in its window any more"


async def prepared(box: StageBox, source: Path, kind: Kind) -> Prepared:
    """As the agent has it prepared, in the box's cache."""
    return await prepare(source, kind, source.name, box.dirs.cache / "prepared", (1280, 720))


def publish(box: StageBox, kind: Kind, made: Prepared, duration_s: float = 30.0) -> None:
    """Puts on air what became of a file, as the agent would."""
    item = Item("i", "c", "the file", kind, duration_s)
    pages = tuple(str(page.relative_to(box.dirs.cache)) for page in made.pages)
    ready = Ready(str(made.file.relative_to(box.dirs.cache)), made.sha256, None, pages)
    layout = assemble(full_screen(Playlist("p", "Lobby", (item,))), {("c", kind): ready})
    box.publish(manifest=manifest_of(layout, assets=1))


SVG = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 16 9">
  <rect width="16" height="9" fill="lime"/><rect x="0" width="4" height="9" fill="blue"/>
  <image x="12" width="4" height="9" href="{url}" xlink:href="{url}"/>
  <script>document.documentElement.innerHTML = '<rect width="16" height="9" fill="red"/>'; fetch("{url}")</script>
</svg>"""


async def test_c16_a_drawing_is_shown_as_a_picture_and_neither_runs_nor_asks_for_anything(box: StageBox, tmp_path: Path):
    asked = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        (tmp_path / "sign.svg").write_text(SVG.format(url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/red.png"))
        publish(box, Kind.IMAGE, await prepared(box, tmp_path / "sign.svg", Kind.IMAGE))
        box.start()
        picture = await box.until_seen("lime")
        await box.until_seen("blue", at=(100, 360))
        assert picture.getpixel((1270, 700)) == (0, 255, 0), "what it refers to is not there"
        assert (await box.until(lambda s: s.items)).items[0].type == "svg"
    assert asked == []


@pytest.mark.parametrize(
    "text",
    [
        '<n:svg xmlns:n="http://www.w3.org/2000/svg" viewBox="0 0 16 9"><n:rect width="16" height="9" fill="lime"/></n:svg>',
        f"<!--{'a licence, and then some. ' * 400}-->" + SVG.partition("<image")[0] + "</svg>",
    ],
    ids=["prefix", "long comment"],
)
async def test_a_drawing_is_on_screen_whatever_stands_before_its_root(box: StageBox, tmp_path: Path, text: str):
    (tmp_path / "sign").write_text(text)
    publish(box, Kind.IMAGE, await prepared(box, tmp_path / "sign", Kind.IMAGE))
    box.start()
    await box.until_seen("lime")


async def test_each_page_of_a_document_is_shown_for_the_items_time(box: StageBox, tmp_path: Path):
    pages = [Image.new("RGB", (1280, 720), colour) for colour in ("red", "lime", "blue")]
    pages[0].save(tmp_path / "menu.pdf", "PDF", save_all=True, append_images=pages[1:])
    publish(box, Kind.PDF, await prepared(box, tmp_path / "menu.pdf", Kind.PDF), 1.5)
    box.start()
    for colour in ("red", "lime", "blue", "red"):
        await box.until_seen(colour)
    await box.until(lambda s: s.last_play_seq >= 3)
    assert [(p["item_id"], round(p["planned_ms"])) for p in box.plays()[:3]] == [("i", 1500), ("i/2", 1500), ("i/3", 1500)]


async def test_every_format_is_shown_in_its_shape(box: StageBox, tmp_path: Path):
    picture = Image.new("RGB", (720, 1440), "lime")
    ImageDraw.Draw(picture).rectangle((0, 0, 720, 300), "blue")
    items = []
    for form in ("AVIF", "WEBP", "BMP"):
        picture.save(tmp_path / form, form)
        made = await prepared(box, tmp_path / form, Kind.IMAGE)
        items.append(Item(form, form, form, Kind.IMAGE, 600.0, file=str(made.file.relative_to(box.dirs.cache))))
    box.publish(*items)
    box.start()
    for item in items:
        await box.until_shown(item.name)
        await box.until_seen("lime", at=(640, 600))
        await box.until_seen("blue", at=(640, 40))
        assert (await box.look()).getpixel((200, 360)) == (0, 0, 0), "a tall picture leaves the sides free"
        await box.ask(NextItem())


async def test_c18_an_animated_webp_runs_too(box: StageBox, tmp_path: Path):
    frames = [Image.new("RGB", (320, 180), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / "moving", "WEBP", save_all=True, append_images=frames[1:], duration=FRAME_MS, lossless=True)
    publish(box, Kind.IMAGE, await prepared(box, tmp_path / "moving", Kind.IMAGE))
    box.start()
    for colour in ("red", "lime", "blue", "red"):
        await box.until_seen(colour)
