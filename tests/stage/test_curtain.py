"""What is on screen while no stage is there: the last picture, and never what is not to be seen."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from player.compositor.sway import Sway
from tests.conftest import looking
from tests.e2e.player_box import until
from tests.fakes.running import eventually
from tests.stage.conftest import COLOURS, StageBox

pytestmark = pytest.mark.stage

LOOKS = 12


def record(box: StageBox) -> dict[str, Any]:
    """What the curtain says of itself."""
    try:
        found: dict[str, Any] = json.loads((box.dirs.stage_runtime / "curtain.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


async def until_held(box: StageBox, holds: Callable[[dict[str, Any]], Any]) -> None:
    await eventually(lambda: holds(record(box)), 40)


def plain(picture: Image.Image) -> tuple[int, ...] | None:
    """The one colour of the whole screen; None where there is more."""
    colours = picture.getcolors(1)
    return colours[0][1] if colours else None


async def test_a_killed_stage_leaves_its_last_picture_until_the_next_one_shows_it_again(box: StageBox, runtime_dir: Path):
    box.publish(box.picture("red", 600))
    box.start()
    await box.until_seen("red")
    await until_held(box, lambda now: now.get("panels"))
    async with await Sway.connect(box.dirs.sway_socket, 30) as sway:
        look = looking(sway, runtime_dir)
        box.end("stage", signal.SIGKILL)
        seen = [plain(await look()) for _ in range(LOOKS)]
        box.start("stage")
        seen += [plain(await look()) for _ in range(LOOKS)]
        await box.until_shown("red")
        seen += [plain(await look()) for _ in range(LOOKS)]
    assert set(seen) == {COLOURS["red"]}
    await until_held(box, lambda now: now.get("shows") == "still")


async def test_a_killed_compositor_comes_back_with_the_picture_before_any_stage(box: StageBox, runtime_dir: Path):
    box.publish(box.picture("red", 600))
    box.start()
    await box.until_seen("red")
    await until_held(box, lambda now: now.get("panels"))
    box.end("compositor", signal.SIGKILL)
    box.end("stage", signal.SIGKILL)
    box.start("compositor")
    async with await Sway.connect(box.dirs.sway_socket, 20) as sway:
        look = looking(sway, runtime_dir)

        async def held() -> bool:
            return plain(await look()) == COLOURS["red"]

        await until("held", held, 20.0)
        await eventually((box.dirs.stage_runtime / "curtain.sock").exists, 20)
        assert {plain(await look()) for _ in range(LOOKS)} == {COLOURS["red"]}, "the curtain takes it over unseen"


def shows_blue(box: StageBox) -> bool:
    return box.client.status is not None and [item.name for item in box.client.status.items] == ["blue"]


@pytest.mark.parametrize(
    "hide",
    [
        pytest.param(lambda box: box.order(screen_on=False), id="the screen is switched off"),
        pytest.param(lambda box: box.publish(box.picture("blue", 600)), id="the programme lists it no more"),
    ],
)
async def test_what_is_not_to_be_seen_is_not_seen_when_the_stage_is_gone(
    box: StageBox, runtime_dir: Path, hide: Callable[[StageBox], None]
):
    box.publish(box.picture("red", 600))
    box.start()
    await box.until_seen("red")
    await until_held(box, lambda now: now.get("panels"))
    hide(box)
    await box.reread()
    await until_held(box, lambda now: now.get("shows", "still") != "still" or (now.get("panels") and shows_blue(box)))
    async with await Sway.connect(box.dirs.sway_socket, 30) as sway:
        look = looking(sway, runtime_dir)
        box.end("stage", signal.SIGKILL)

        async def hidden() -> bool:
            return (await look()).getpixel((640, 360)) != COLOURS["red"]

        await until("hidden", hidden, 20.0)
        assert {(await look()).getpixel((640, 360)) for _ in range(LOOKS)} & {COLOURS["red"]} == set()


async def test_a_damaged_picture_costs_itself_and_the_brand_is_seen(box: StageBox, runtime_dir: Path):
    box.publish(box.picture("red", 600))
    box.start()
    await box.until_seen("red")
    await until_held(box, lambda now: now.get("panels"))
    for name in ("compositor", "stage"):
        box.end(name, signal.SIGKILL)
    for still in box.dirs.stage_runtime.glob("still-*.bmp"):
        still.write_bytes(still.read_bytes()[:1000])
    box.start("compositor")
    with Image.open(box.dirs.stage_runtime / "idle.png") as drawn:
        brand = drawn.convert("RGB")
    async with await Sway.connect(box.dirs.sway_socket, 20) as sway:
        look = looking(sway, runtime_dir)

        async def branded() -> bool:
            return max(ImageStat.Stat(ImageChops.difference(await look(), brand)).mean) < 2

        await until("branded", branded, 20.0)
