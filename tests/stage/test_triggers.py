"""Triggers on a real screen: what stands by lies over what plays, which goes on where it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from player.core.content import Layout, Playlist, Rect, Region, StandBy
from player.core.ports.stage import ShowTrigger
from tests.fakes.programmes import manifest_of
from tests.stage.conftest import StageBox

pytestmark = pytest.mark.stage
LEFT, RIGHT = (320, 360), (960, 360)


async def test_what_stands_by_lies_over_its_region_alone_and_what_was_there_goes_on(box: StageBox):
    clip = box.clip("clip", "blue", 120.0)
    regions = (
        Region("left", Rect(0, 0, 50, 100), Playlist("p1", "Left", (box.picture("red", 3600),)), z=5),
        Region("right", Rect(50, 0, 50, 100), Playlist("p2", "Right", (clip,)), z=5),
    )
    answers = (
        StandBy("goal", (replace(box.clip("answer", "lime", 4.0), id="trigger goal 1"),), "right", playlist="answers"),
        StandBy("sun", (replace(box.picture("white", 4.0), id="trigger sun 1"),), "left", playlist="answers"),
    )
    box.publish(manifest=replace(manifest_of(Layout("halves", 100, 100, regions), assets=4), stand_by=answers))
    box.start()
    await box.until_seen("red", LEFT)
    await box.until_seen("blue", RIGHT)
    for _ in range(2):
        before = await box.until(lambda s: any(one.name == "clip" and (one.position_s or 0) > 0.5 for one in s.items))
        seen = await box.ask(ShowTrigger("goal", {"name": "goal", "broadcast_id": "7"}))
        assert seen.at > before.started_at
        picture = await box.until_seen("lime", RIGHT)
        assert picture.getpixel(LEFT)[0] > 230, "only its own region"
        await box.ask(ShowTrigger("sun", {"name": "sun"}))
        await box.until_seen("white", LEFT)
        await box.until_seen("blue", RIGHT)
        await box.until_seen("red", LEFT)
    now = await box.until(lambda s: any(one.name == "clip" and (one.position_s or 0) > 1.0 for one in s.items))
    assert next(one.position_s for one in now.items if one.name == "clip") < 110, (
        "it did not begin again, and stood still meanwhile"
    )
    goals = [play for play in box.plays() if play["name"] == "answer"]
    assert [(play["result"], play["zone"], play["trigger"]["broadcast_id"]) for play in goals] == [("complete", "right", "7")] * 2
    whole = [play for play in box.plays() if play["name"] == "clip"]
    assert {play["reason"] for play in whole} == {'the trigger "goal"'}
