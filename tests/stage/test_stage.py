"""The stage on a real screen: content in order, cards over it, faults beside it, and what a sudden death leaves behind."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from player.compositor.sway import Sway
from player.core import proof
from player.core.brief import Alert, Severity
from player.core.content import Item, Layout, Manifest, Orientation, Playlist, Rect, Region, Transition, TransitionKind
from player.core.kinds import Kind
from player.core.ports.stage import AnswerPin, NextItem, PlayContent, PreviousItem, ShowIdentity, ShowText, TakePicture
from player.core.showing import GONE
from player.errors import BoxError
from player.stage.cards.catalogue import lock_pad
from tests.e2e.player_box import until
from tests.fakes.programmes import manifest_of
from tests.fakes.running import eventually
from tests.stage.conftest import StageBox

pytestmark = pytest.mark.stage


async def test_pictures_and_clips_follow_each_other_on_the_screen_and_each_play_is_proved(box: StageBox):
    box.publish(box.picture("red", 1.5), box.clip("clip", "lime", 1.5), box.picture("blue", 1.5))
    box.start()
    for name, colour in (("red", "red"), ("clip", "lime"), ("blue", "blue"), ("red", "red")):
        await box.until_shown(name)
        await box.until_seen(colour)
    plays = box.plays()
    assert [(p["name"], p["result"]) for p in plays[:3]] == [("red", "complete"), ("clip", "complete"), ("blue", "complete")]
    assert proof.verify(plays) == []
    assert all(p["duration_ms"] >= 1400 for p in plays[:3]), "none was cut short"


async def test_case_16_what_was_taken_out_goes_though_its_hour_is_not_over_and_so_does_a_playlist_that_was_emptied(box: StageBox):
    def halves(left: tuple[Item, ...], right: tuple[Item, ...]) -> Manifest:
        regions = (Region("left", Rect(0, 0, 50, 100), Playlist("p1", "Left", left)),
                   Region("right", Rect(50, 0, 50, 100), Playlist("p2", "Right", right)))  # fmt: skip
        return manifest_of(Layout("halves", 100, 100, regions), assets=3)

    box.publish(manifest=halves((box.picture("red", 3600),), (box.picture("lime", 3600),)))
    box.start()
    await box.until_seen("red", (320, 360))
    await box.until_seen("lime", (960, 360))
    box.publish(manifest=halves((box.picture("blue", 3600),), ()))
    await box.reread()
    await box.until_seen("blue", (320, 360), limit_s=30)
    await box.until_seen("black", (960, 360), limit_s=30)
    ends = {play["name"]: (play["result"], play["reason"]) for play in box.plays()}
    assert ends == dict.fromkeys(("red", "lime"), ("interrupted", GONE))


async def test_a_crossfade_mixes_both_pictures(box: StageBox):
    box.publish(box.picture("red", 2), box.picture("blue", 2), transition=Transition(TransitionKind.CROSSFADE, 1.5))
    box.start()
    await box.until_seen("red")
    seen = []
    async with asyncio.timeout(60):
        while not any(20 < red < 235 and 20 < blue < 235 for red, _, blue in seen):
            seen.append((await box.look()).getpixel((640, 360)))
    assert all(abs(red + blue - 255) < 12 for red, _, blue in seen), "the weights of a crossfade sum to one"


async def test_c1_a_broken_file_is_reported_and_the_rest_plays_on(box: StageBox):
    (box.dirs.cache / "broken.mp4").write_bytes(b"\0" * 5000)
    broken = Item("x", "c-x", "broken", Kind.VIDEO, 0, file="broken.mp4")
    gone = Item("y", "c-y", "gone", Kind.VIDEO, 0, file="../../etc/passwd")
    elsewhere = Item("z", "c-z", "elsewhere", Kind.VIDEO, 0, file="/etc/passwd")
    box.publish(box.picture("red", 1.2), broken, gone, elsewhere, box.picture("blue", 1.2))
    box.start()
    await box.until_seen("red")
    await box.until_seen("blue")
    status = await box.until(lambda s: {f.item_id for f in s.faults} >= {"x", "y", "z"})
    assert {f.item_id: f.code for f in status.faults if f.item_id} == {"x": "unplayable", "y": "missing", "z": "missing"}


async def test_p1_killed_with_minus_nine_the_stage_comes_back_with_content_and_no_play_is_lost(box: StageBox):
    box.publish(box.picture("red", 1.0), box.picture("blue", 1.0))
    box.start()
    await box.until(lambda s: s.last_play_seq >= 2)
    before = box.plays()
    box.end("stage", signal.SIGKILL)
    box.start("stage")
    await box.until(lambda s: s.last_play_seq >= before[-1]["seq"] + 2)
    after = box.plays()
    assert after[: len(before)] == before
    assert proof.verify(after) == []


async def test_p1_a_film_goes_on_where_it_was_in_the_window_that_had_the_head_start(box: StageBox):
    box.publish(box.clip("film", "lime", 60))
    box.start()
    before = await box.until(lambda s: s.items and s.items[0].position_s > 3)
    box.end("stage", signal.SIGKILL)
    box.start("stage")
    after = await box.until(lambda s: s.started_at > before.started_at and s.items)
    assert after.items[0].position_s > 1.5, "where it was is written each second"
    async with await Sway.connect(box.dirs.sway_socket, 20) as sway:

        async def in_it() -> bool:  # another window is on the panel for its first frame, while it is made ready
            return [window.app_id for window in await sway.windows() if window.rect.x >= 0] == ["sig-ahead"]

        await until("that window alone on the panel", in_it)


async def test_p1_an_item_that_was_on_screen_at_three_deaths_is_kept_off(box: StageBox):
    box.publish(box.picture("red", 600), box.picture("blue", 1.0))  # after a crash the next one comes first
    box.start()
    before = 0.0
    for _ in range(3):
        status = await box.until(lambda s, before=before: s.started_at > before and any(item.name == "red" for item in s.items))
        before = status.started_at
        box.end("stage", signal.SIGSEGV)
        box.start("stage")
    await box.until(lambda s: any(f.code == "quarantined" for f in s.faults))
    await box.until_seen("blue")


async def test_without_content_the_idle_card_and_unpaired_the_code_is_on_screen(box: StageBox):
    box.order(
        paired=False,
        pairing_code="4A7X2B",
        server_name="AdCast",
        server_url="http://127.0.0.1:1",
        device_name="",
        network="Ethernet",
    )
    box.start()
    await box.until(lambda s: s.state == "pairing")
    pairing = await box.until_looks(lambda picture: len(picture.getcolors(1 << 20)) > 50)  # a drawn card, not a flat colour
    box.order(paired=True)
    await box.reread()
    await box.until(lambda s: s.state == "idle")
    idle = await box.until_looks(lambda picture: picture.tobytes() != pairing.tobytes())
    assert max(idle.getextrema(), key=lambda e: e[1])[1] > 100, "never black"


async def test_a_device_that_the_server_forgot_keeps_playing_with_the_code_in_a_corner(box: StageBox):
    box.publish(box.picture("white"))
    box.start()
    plain = await box.until_seen("white")
    box.order(paired=False, pairing_code="4A7X2B")
    await box.reread()
    below = (0, 500, 500, 720)
    corner = await box.until_looks(lambda picture: picture.crop(below).tobytes() != plain.crop(below).tobytes())
    assert corner.getpixel((640, 300)) == plain.getpixel((640, 300))


async def test_a_grave_alert_takes_the_screen_from_an_item_and_gives_it_back_when_it_expires(box: StageBox):
    """How soon it does is a figure of `scripts/bench push`."""
    box.publish(box.picture("white", 600))
    box.start()
    await box.until_seen("white")
    alert = Alert("1", "Fire", "Leave the building", Severity.EXTREME)
    box.order(alerts=(alert,))
    await box.reread()
    await box.until_looks(lambda picture: picture.getpixel((640, 20)) != (255, 255, 255))
    await box.until(lambda s: s.state == "alert")
    assert [(p["result"], p["reason"]) for p in box.plays()] == [("interrupted", "alert")]
    expires = time.time() + 2
    box.order(alerts=(replace(alert, expires_at=expires),))
    await box.reread()
    await box.until_seen("white")
    assert time.time() >= expires


async def test_a_lesser_alert_runs_along_the_bottom_and_content_goes_on(box: StageBox):
    box.publish(box.picture("white", 600))
    box.start()
    await box.until_seen("white")
    box.order(alerts=(Alert("1", "Rain", "Take an umbrella, it will rain all day long", Severity.MODERATE),))
    await box.reread()
    along = (0, 660, 1280, 720)
    one = (await box.until_looks(lambda picture: len(picture.crop(along).getcolors(1 << 20)) > 2)).crop(along)
    await box.until_looks(lambda picture: picture.crop(along).tobytes() != one.tobytes())  # it moves
    assert (await box.look()).getpixel((640, 300)) == (255, 255, 255)


async def test_the_screen_turns_and_its_picture_has_the_other_shape(box: StageBox):
    box.publish(box.picture("red", 600))
    box.start()
    await box.until_seen("red")
    box.order(orientation=Orientation.PORTRAIT)
    await box.reread()
    status = await box.until(lambda s: s.size == "720x1280")
    assert status.orientation == "portrait"
    assert (await box.look()).size == (720, 1280)
    await box.until_seen("red", at=(360, 640))
    box.order(mode="1024x600@50")
    await box.reread()
    status = await box.until(lambda s: s.size == "600x1024")
    assert status.mode == "1024x600@50", "read back from the compositor, before turning"
    await box.until_seen("red", at=(300, 512))


async def test_screen_off_is_black_and_plays_go_on_marked_as_unseen(box: StageBox):
    box.publish(box.picture("red", 1.0), box.picture("blue", 1.0))
    box.start()
    await box.until_seen("red")
    box.order(screen_on=False)
    await box.reread()
    await box.until_seen("black")
    seen = len(box.plays())
    await box.until(lambda s: s.last_play_seq >= seen + 2)
    assert not box.plays()[-1]["screen_on"]
    box.order(screen_on=True)
    await box.reread()
    await box.until_seen("red")


async def test_messages_identify_and_watermark_lie_over_the_content(box: StageBox):
    box.publish(box.picture("white", 600), watermark=True)
    box.start()
    await box.until_seen("white")
    message, mark, white = (0, 400, 900, 600), (900, 620, 1280, 720), (255, 255, 255)
    plain = await box.until_looks(lambda picture: picture.crop(mark).getcolors(1 << 16) != [(380 * 100, white)])
    assert plain.crop(message).getcolors(2) == [(900 * 200, white)]
    await box.ask(ShowText("Closing in ten minutes", 600))
    await box.until_looks(lambda picture: picture.crop(message).tobytes() != plain.crop(message).tobytes())
    await box.ask(ShowText("Closing in nine minutes", 1))
    gone = await box.until_looks(lambda picture: picture.crop(message).tobytes() == plain.crop(message).tobytes())
    assert gone.crop(mark).tobytes() == plain.crop(mark).tobytes(), "the watermark stays"
    await box.ask(ShowIdentity(60))
    await box.until_looks(lambda picture: picture.getpixel((640, 30)) != white)


async def test_next_previous_and_play(box: StageBox):
    box.publish(box.picture("red", 600), box.picture("lime", 600), box.picture("blue", 600))
    box.start()
    await box.until_shown("red")
    await box.ask(NextItem())
    await box.until_seen("lime")
    await box.ask(PreviousItem())
    await box.until_seen("red")
    await box.ask(PlayContent("c-blue", 600))
    await box.until_seen("blue")
    with pytest.raises(BoxError, match="not in the playlist"):
        await box.ask(PlayContent("c-none"))


async def until_pad(box: StageBox, touch: Callable[[], Awaitable[None]]) -> None:
    """Touches the screen until the pad is open: what comes before its cards are up is nobody's. An open pad takes no notice."""

    async def is_open() -> bool:
        await touch()
        return (await box.look()).getpixel((640, 10)) != (255, 0, 0)

    await until("the pad", is_open)


async def test_locked_any_key_only_opens_the_pad_and_a_pin_goes_to_the_agent(box: StageBox):
    box.order(locked=True)
    box.publish(box.picture("red", 600), box.picture("blue", 600))
    box.start()
    await box.until_seen("red")
    await box.until(lambda status: status.locked is True)
    await until_pad(box, lambda: box.keys("right"))
    await box.keys("1", "2", "3", "4", "enter")
    await eventually(lambda: box.pins)
    assert box.pins == ["1234"]
    await box.ask(AnswerPin(ok=False, wait_s=30))
    await box.keys("9", "enter")
    await asyncio.sleep(0.3)
    assert box.pins == ["1234"], "no try during the pause"
    box.order(locked=False)
    await box.reread()
    await box.until(lambda status: status.locked is False)
    await box.until_seen("red")
    await box.keys("right")
    await box.until_seen("blue")


async def test_locked_a_touch_opens_the_pad_and_its_keys_can_be_pressed(box: StageBox):
    box.order(locked=True)
    box.publish(box.picture("red", 600))
    box.start()
    await box.until_seen("red")
    await until_pad(box, lambda: box.click(20, 20))
    _, keys = lock_pad((1280, 720), entered=0, wait_s=0, message="")
    for name in ("7", "0", "enter"):
        await box.click(keys[name].x + keys[name].width // 2, keys[name].y + keys[name].height // 2)
    await eventually(lambda: box.pins)
    assert box.pins == ["70"]


async def test_sigterm_ends_the_stage_by_itself_and_the_play_under_way_is_recorded(box: StageBox):
    box.publish(box.picture("red", 600))
    box.start()
    await box.until_shown("red")
    assert box.end("stage") == 0
    assert [(p["name"], p["result"]) for p in box.plays()] == [("red", "interrupted")]


async def test_when_the_compositor_dies_the_stage_ends_at_once_and_content_is_back_after_both(box: StageBox):
    box.publish(box.picture("red", 600))
    box.start()
    await box.until_seen("red")
    box.end("compositor", signal.SIGKILL)
    assert box.processes["stage"].wait(20) == 3
    box.start()
    await box.until_seen("red")


async def test_without_a_picture_time_and_proof_go_on_all_the_same(dark_box: StageBox):
    dark_box.publish(dark_box.picture("red", 1.0), dark_box.picture("blue", 1.0))
    dark_box.start()
    await dark_box.until(lambda s: s.last_play_seq >= 2)
    assert proof.verify(dark_box.plays()) == []
    with pytest.raises(BoxError, match="draws no picture"):
        await dark_box.ask(TakePicture())
