"""Content that is broken, too much or not there, on the real stage: it costs itself, never the show (faults C2 to C19)."""

from __future__ import annotations

import asyncio
import subprocess

import psutil
import pytest

from player.core.content import Item, Playlist, full_screen
from player.core.kinds import Kind
from player.core.ports.stage import NextItem
from tests.fakes.measured import at_most
from tests.fakes.programmes import manifest_of
from tests.stage.conftest import StageBox

pytestmark = pytest.mark.stage


def empty(box: StageBox, name: str, kind: Kind) -> Item:
    (box.dirs.cache / name).touch()
    return Item(name, f"c-{name}", name, kind, 5, file=name)


async def until_drawn(box: StageBox) -> None:
    """Waits for a card on the screen: bright somewhere, and of many colours."""
    await box.until_looks(
        lambda picture: len(picture.getcolors(1 << 20) or ()) > 50 and max(high for _, high in picture.getextrema()) > 100
    )


async def test_c2_empty_files_are_passed_over_and_said(box: StageBox):
    names = {"film.mp4": Kind.VIDEO, "photo.jpg": Kind.IMAGE, "sign.svg": Kind.SVG, "page.png": Kind.PDF}
    box.publish(*(empty(box, name, kind) for name, kind in names.items()), box.picture("lime", 2))
    box.start()
    await box.until_seen("lime")
    status = await box.until(lambda s: {f.item_id for f in s.faults} >= set(names), 30)
    assert {item.name for item in status.items} == {"lime"}


async def test_c12_a_playlist_of_ten_thousand_items_comes_on_screen_and_takes_little_memory(box: StageBox):
    lime = box.picture("lime", 5)
    items = tuple(Item(f"i{n}", f"c{n}", f"item {n}", Kind.IMAGE, 5, file=lime.file) for n in range(10_000))
    box.start()
    await box.until(lambda s: s.state == "idle")
    stage = psutil.Process((await box.until(lambda _: True)).pids["stage"])
    before = stage.memory_info().rss
    box.publish(manifest=manifest_of(full_screen(Playlist("p", "Long", items)), assets=1))
    await box.reread()
    await box.until_seen("lime")
    assert stage.memory_info().rss - before < 200 * 2**20


async def test_c13_a_playlist_that_becomes_empty_gives_way_to_the_idle_card(box: StageBox):
    box.publish(box.picture("lime", 1))
    box.start()
    await box.until_seen("lime")
    box.publish()
    await box.reread()
    await box.until(lambda s: s.state == "idle")
    await until_drawn(box)


async def test_c15_where_every_item_fails_the_idle_card_stands_and_nothing_runs_hot(box: StageBox):
    broken = [empty(box, f"{n}.mp4", Kind.VIDEO) for n in range(3)]
    gone = Item("gone", "c-gone", "gone", Kind.IMAGE, 5, file="gone.png")
    box.publish(*broken, gone)
    box.start()
    status = await box.until(lambda s: len([f for f in s.faults if f.item_id]) == 4)
    stage = psutil.Process(status.pids["stage"])
    for _ in at_most(1.0, lambda: sum(stage.cpu_times()[:2])):  # of the processor
        await asyncio.sleep(4)
    status = await box.until(lambda s: s.state == "idle")
    assert sum(f.count for f in status.faults if f.item_id) <= 8
    await until_drawn(box)
    box.publish(*broken, box.picture("lime"))
    await box.reread()
    await box.until_seen("lime")


HDR = ("-color_trc", "smpte2084", "-color_primaries", "bt2020", "-colorspace", "bt2020nc")
UNUSUAL = {
    "ten bits, HDR": ("-vf", "format=yuv420p10le", "-c:v", "libx264", *HDR),
    "odd size": ("-vf", "scale=361:203,format=yuv444p", "-c:v", "libx264"),
    "tall": ("-vf", "scale=90:640", "-c:v", "libx264"),
}


async def test_c18_unusual_videos_are_shown(box: StageBox):
    source = ("-f", "lavfi", "-i", "color=lime:s=640x360:r=25:d=60")
    items = []
    for number, (name, encoding) in enumerate(UNUSUAL.items()):
        path = box.dirs.cache / f"{number}.mp4"
        command = ["ffmpeg", "-v", "error", *source, *encoding, "-preset", "ultrafast", str(path)]
        await asyncio.to_thread(subprocess.run, command, check=True, timeout=60)
        items.append(Item(name, f"c-{name}", name, Kind.VIDEO, 0, file=path.name))
    box.publish(*items)
    box.start()
    for item in items:
        await box.until_shown(item.name)
        await box.until_looks(lambda picture: (pixel := picture.getpixel((640, 360)))[1] >= 120 and max(pixel[0], pixel[2]) <= 110)
        await box.ask(NextItem())


async def test_c19_a_stream_that_is_away_is_passed_over(box: StageBox):
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    box.publish(
        Item("live", "c-live", "live", Kind.LIVESTREAM, 5, url=f"http://127.0.0.1:{port}/live.m3u8"), box.picture("lime", 2)
    )
    box.start()
    await box.until(lambda s: any(f.item_id == "live" for f in s.faults))
    for _ in range(5):
        picture = await box.look()
        assert picture.getpixel((640, 360)) != (255, 255, 255)
        await asyncio.sleep(0.3)
    await box.until_seen("lime")
