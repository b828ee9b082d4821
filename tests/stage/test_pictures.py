"""Pictures that move, have pages, or are drawn by the browser, on the real screen."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from PIL import Image

from player.core.content import Item, Kind
from tests.stage.conftest import StageBox

pytestmark = pytest.mark.stage


def animation(box: StageBox, form: str, *colours: str) -> Item:
    """Frames of 400 ms, kept as they came, as `prepare` leaves them."""
    frames = [Image.new("RGB", (320, 180), colour) for colour in colours]
    path = box.dirs.cache / f"moving.{form.lower()}"
    frames[0].save(path, form, save_all=True, append_images=frames[1:], duration=400)
    return Item("moving", "c-moving", "moving", Kind.IMAGE, 30.0, file=path.name)


@pytest.mark.parametrize("form", ["GIF", "PNG"])
async def test_c18_an_animation_runs_round_and_round_until_its_time_is_over(box: StageBox, form: str):
    box.publish(animation(box, form, "red", "lime", "blue"))
    box.start()
    await box.until_shown("moving")
    for colour in ("red", "lime", "blue", "red", "lime", "blue", "red"):
        await box.until_seen(colour, limit_s=4)


async def test_c18_an_animation_gives_way_when_its_time_is_over_and_a_still_follows_in_its_window(box: StageBox):
    moving = animation(box, "GIF", "red", "lime")
    box.publish(replace(moving, duration_s=1.5), box.picture("blue", 4))
    box.start()
    await box.until_shown("moving")
    await box.until_shown("blue")
    await box.until_seen("blue")
    await asyncio.sleep(1.0)
    await box.until_seen("blue")
