"""Cards on several panels of a real sway: each panel has them at its own size, whichever panel comes or goes."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from player.compositor.sway import Sway
from player.core.brief import Alert, Severity, StageBrief
from player.core.content import Layout, Playlist, Rect, Region
from player.core.cover import StageState, View
from player.core.ports.stage import ShowIdentity, ShowText
from player.runtime.clock import SystemClock
from player.stage.cards.catalogue import lock_pad
from player.stage.cards.panel_cards import Presenters
from player.stage.cards.presenter import Notices, Pad
from player.stage.wayland.overlay import Overlay
from tests.conftest import Look, looking
from tests.fakes.programmes import manifest_of
from tests.stage.conftest import COLOURS, Running, StageBox
from tests.stage.test_output import nested, swaymsg

pytestmark = pytest.mark.stage

FIRST, SECOND = "HEADLESS-1", "HEADLESS-2"
SIZES = {FIRST: (1280, 720), SECOND: (800, 450)}
BLACK, RED = COLOURS["black"], COLOURS["red"]
ALERT = Alert("a1", "Fire", "Leave the building by the stairs.", Severity.EXTREME)


async def panel(box: StageBox, name: str) -> Image.Image:
    """What that panel alone shows."""
    status = await box.until(lambda _: True)
    process = await asyncio.create_subprocess_exec(
        "grim", "-o", name, "-t", "ppm", "-", env=box.environment | {"WAYLAND_DISPLAY": status.wayland_display},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(20):
        shown, _ = await process.communicate()
    assert process.returncode == 0
    return Image.open(io.BytesIO(shown)).convert("RGB")


async def until_both(box: StageBox, holds: Callable[[Image.Image], bool], *names: str) -> list[Image.Image]:
    """Waits until it holds for what every panel shows."""
    for _ in range(200):
        pictures = [await panel(box, name) for name in names or (FIRST, SECOND)]
        if all(holds(picture) for picture in pictures):
            return pictures
        await asyncio.sleep(0.15)
    raise AssertionError([(picture.size, holds(picture), picture.getpixel((30, 30))) for picture in pictures])


def colours(picture: Image.Image) -> int:
    """How many different ones: a card with text on it has dozens, a plane has one."""
    return len(picture.getcolors(1 << 21) or ())


def is_alert(picture: Image.Image) -> bool:
    """The dark red of an extreme alert, and not the content's pure one."""
    pixel = picture.getpixel((4, 4))
    return 150 < pixel[0] < 190 and max(pixel[1:]) < 60


def is_open_pad(picture: Image.Image) -> bool:
    return picture.getpixel((4, 4)) != RED and colours(picture) > 30


def is_dark(picture: Image.Image) -> bool:
    return picture.getextrema() == ((0, 0), (0, 0), (0, 0))


async def until_dark(look: Look) -> None:
    for _ in range(200):
        if is_dark(await look()):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the screen is not dark")


def is_red(picture: Image.Image) -> bool:
    return picture.getcolors(2) == [(picture.width * picture.height, RED)]


@contextlib.asynccontextmanager
async def two_panels(runtime_dir: Path, outputs: str = "mirror") -> AsyncIterator[StageBox]:
    made = StageBox(runtime_dir)
    made.environment["SIGNAGE__STAGE__OUTPUTS"] = outputs
    async with Running(made) as box:
        box.start("compositor")
        async with await Sway.connect(box.dirs.sway_socket, 30):
            await plug_second(box)
            yield box


async def plug_second(box: StageBox) -> None:
    await swaymsg(box, "create_output")
    await swaymsg(box, f"output {SECOND} mode --custom {SIZES[SECOND][0]}x{SIZES[SECOND][1]}")


async def test_alert_curtain_and_message_are_on_both_panels_at_their_own_sizes(runtime_dir: Path):
    async with two_panels(runtime_dir) as box:
        box.publish(box.picture("red", 600))
        box.start("stage")
        await until_both(box, is_red)
        box.order(alerts=(ALERT,))
        await box.reread()
        pictures = await until_both(box, lambda picture: picture.getpixel((4, 4)) != RED and colours(picture) > 30)
        assert [picture.size for picture in pictures] == [SIZES[FIRST], SIZES[SECOND]]
        for picture in pictures:
            corners = {picture.getpixel(at) for at in ((2, 2), (picture.width - 3, 2), (2, picture.height - 3))}
            assert RED not in corners, "the alert fills its panel"
        await box.ask(ShowIdentity(1))
        await asyncio.sleep(0.7)
        assert [(await panel(box, name)).getpixel((2, 2)) for name in SIZES] == [p.getpixel((2, 2)) for p in pictures], (
            "no notice before it"
        )
        await asyncio.sleep(0.4)
        box.order(alerts=())
        await box.reread()
        await until_both(box, is_red)
        box.order(screen_on=False)
        await box.reread()
        await until_both(box, is_dark)
        assert not (await box.until(lambda s: not s.screen_on)).screen_on
        box.order(screen_on=True)
        await box.reread()
        await until_both(box, is_red)
        await box.ask(ShowText("Closing soon", 20))
        await until_both(box, lambda p: colours(p.crop((0, p.height * 6 // 10, p.width, p.height * 19 // 20))) > 10)


async def test_a_ticker_runs_along_the_foot_of_both_panels(runtime_dir: Path):
    async with two_panels(runtime_dir) as box:
        box.publish(box.picture("red", 600))
        box.order(alerts=(Alert("t", "Note", "Closing at six", Severity.MINOR),))
        box.start("stage")
        foots = await until_both(
            box, lambda p: p.getpixel((p.width // 2, 30)) == RED and p.getpixel((p.width - 2, p.height - 3)) != RED
        )
        for foot in foots:
            assert foot.getpixel((foot.width // 2, foot.height - max(28, foot.height // 14) - 4)) == RED, (
                "as high as its panel asks for"
            )


async def test_an_alert_in_arabic_runs_right_its_beginning_first(runtime_dir: Path):
    text = "انقطاع المياه في الطابق الثاني من الساعة التاسعة حتى الظهر، نعتذر عن الإزعاج " * 3
    async with two_panels(runtime_dir) as box:
        box.publish(box.picture("red", 600))
        box.start("stage")
        await until_both(box, is_red)
        box.order(alerts=(Alert("t", "تنبيه", text, Severity.MINOR),))
        await box.reread()
        places: list[tuple[int, int]] = []
        async with asyncio.timeout(20):
            while not places or places[-1][1] < places[0][1] + 40:
                picture = await panel(box, FIRST)
                foot = picture.crop((0, picture.height - 20, picture.width, picture.height - 6))
                ground = Image.new("RGB", foot.size, foot.getpixel((foot.width - 2, 1)))
                ink = ImageChops.difference(foot.convert("RGB"), ground).getbbox()
                if ink and foot.getpixel((foot.width - 2, 1)) != RED:
                    places.append((ink[0], ink[2]))
        assert places[0][1] < picture.width // 2, "it comes in from the left"


async def test_identify_names_each_panel_and_the_idle_card_lies_on_both(runtime_dir: Path):
    async with two_panels(runtime_dir) as box:
        box.order(device_name="Lobby")
        box.start("stage")
        first, second = await until_both(box, lambda picture: colours(picture) > 30)
        assert (first.size, second.size) == (SIZES[FIRST], SIZES[SECOND])
        await swaymsg(box, f"output {SECOND} mode --custom 1280x720")
        for _ in range(100):
            idle, other = await panel(box, FIRST), await panel(box, SECOND)
            if idle.tobytes() == other.tobytes():
                break
            await asyncio.sleep(0.15)
        assert idle.tobytes() == other.tobytes(), "the same card at the same size"
        await box.ask(ShowIdentity(20))
        frame = await until_both(box, lambda p: p.getpixel((2, 2)) not in (BLACK, idle.getpixel((2, 2))))
        assert frame[0].getpixel((2, 2)) == frame[1].getpixel((2, 2))
        assert frame[0].tobytes() != frame[1].tobytes(), "each says which panel it is"


async def test_the_ground_lies_on_a_panel_without_a_region_too(runtime_dir: Path):
    async with two_panels(runtime_dir, "first") as box:
        region = Region("a", Rect(0, 0, 100, 100), Playlist("a", "a", (box.picture("red", 600),)))
        box.publish(manifest=manifest_of(Layout("l", 100, 100, (region,), background="#204060"), assets=1))
        box.start("stage")
        await until_both(box, lambda picture: picture.getcolors(2) == [(800 * 450, (0x20, 0x40, 0x60))], SECOND)


async def test_the_lock_pad_opens_on_both_panels_and_takes_touches_on_the_second(runtime_dir: Path):
    async with two_panels(runtime_dir) as box:
        box.publish(box.picture("red", 600))
        box.order(locked=True)
        box.start("stage")
        await until_both(box, is_red)
        width, height = SIZES[FIRST][0] + SIZES[SECOND][0], SIZES[FIRST][1]
        await box.person("click", str(SIZES[FIRST][0] + 300), "200", str(width), str(height))
        await until_both(box, lambda picture: colours(picture) > 30)
        _, keys = lock_pad(SIZES[SECOND], entered=0, wait_s=0, message="")
        for name in ("4", "2", "7", "1", "enter"):
            x, y = SIZES[FIRST][0] + keys[name].x + keys[name].width // 2, keys[name].y + keys[name].height // 2
            await box.person("click", str(x), str(y), str(width), str(height))
        await box.until(lambda _: box.pins == ["4271"])


async def test_d1_cards_follow_panels_that_come_and_go_and_the_keyboard_goes_with_them(runtime_dir: Path):
    async with nested(runtime_dir) as (box, socket):
        box.publish(box.picture("red", 600))
        box.order(alerts=(ALERT,))
        box.start()
        await until_both(box, is_alert, "WL-1")
        await swaymsg(box, "create_output")
        await until_both(box, is_alert, "WL-1", "WL-2")
        first = next(window for window in await socket.outer.windows() if window.title.endswith("WL-1"))
        await socket.outer._ask(0, f"[con_id={first.id}] kill")
        await box.until(lambda s: any(f.code == "panel_missing" for f in s.faults))
        assert (await box.until(lambda s: s.state == "alert")).screen_on, "one panel is left, and shows it"
        await until_both(box, lambda picture: is_alert(picture) and picture.width == SIZES[FIRST][0], "WL-2")
        box.order(alerts=(), locked=True)
        await box.reread()
        await until_both(box, lambda picture: not is_alert(picture), "WL-2")
        await box.keys("right", "1", "2", "3", "4", "enter")
        await box.until(lambda _: box.pins == ["1234"])
        await swaymsg(box, "create_output")
        await until_both(box, is_open_pad, "WL-2", "WL-3")
        box.order(screen_on=False)
        await box.reread()
        await until_both(box, is_dark, "WL-2", "WL-3")


async def test_d1_a_card_that_the_compositor_took_away_is_put_up_again(headless_sway: Path, runtime_dir: Path):
    async with await Sway.connect(headless_sway, 30) as sway:
        overlay = await Overlay.connect(sway.session.wayland_display, lambda _: None, lambda *_: None)
        cards = Presenters(overlay.on_panel, SystemClock(), lambda: None, runtime_dir)
        cards.on(list(await sway.outputs()))
        look = looking(sway, runtime_dir)
        for _ in range(2):
            await cards.show(View(StageState.IDLE, curtain=True), StageBrief(), Pad(), Notices(), watermark=False, backdrop=None)
            assert cards.curtained
            await until_dark(look)
            overlay.on_panel(FIRST).remove("curtain")
            assert not cards.curtained, "what is gone is not believed to be there"
        overlay.close()


async def test_a_dimmed_picture_lets_so_much_of_the_light_through_and_none_behind_the_curtain(
    headless_sway: Path, runtime_dir: Path
):
    async with await Sway.connect(headless_sway, 30) as sway:
        overlay = await Overlay.connect(sway.session.wayland_display, lambda _: None, lambda *_: None)
        cards = Presenters(overlay.on_panel, SystemClock(), lambda: None, runtime_dir)
        cards.on(list(await sway.outputs()))
        look = looking(sway, runtime_dir)

        async def shown(dimmed: int, *, curtain: bool = False) -> None:
            view, brief = View(StageState.PLAYING, curtain=curtain), StageBrief(dimmed=dimmed)
            await cards.show(view, brief, Pad(), Notices(), watermark=False, backdrop="#ffffff")

        async def until_light(light: int) -> None:
            for _ in range(400):
                found = (await look()).getpixel((640, 360))
                if all(abs(each - light) <= 2 for each in found):
                    return
                await asyncio.sleep(0.05)
            raise AssertionError(found)

        for dimmed, light in ((0, 255), (45, 140), (90, 26)):
            await shown(dimmed)
            await until_light(light)
        await shown(90, curtain=True)
        await until_light(0)
        await shown(0)
        await until_light(255)
        overlay.close()


async def test_a_panel_that_is_not_there_refuses_its_cards_and_the_others_have_theirs(headless_sway: Path, runtime_dir: Path):
    async with await Sway.connect(headless_sway, 30) as sway:
        overlay = await Overlay.connect(sway.session.wayland_display, lambda _: None, lambda *_: None)
        there = (await sway.outputs())[0]
        cards = Presenters(overlay.on_panel, SystemClock(), lambda: None, runtime_dir)
        cards.on([there, replace(there, name="HDMI-A-9")])
        showing = cards.show(View(StageState.IDLE, curtain=True), StageBrief(), Pad(), Notices(), watermark=False, backdrop=None)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(showing, name="showing")
            await until_dark(looking(sway, runtime_dir))
            assert not task.done()
            assert not cards.curtained, "the second is not dark"
        cards.on([there])
        assert cards.curtained
        overlay.close()
