"""What stands by for triggers: found in the programme or on this machine, laid over a region, kept ready by how often it comes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from player.core.content import Item, Layout, Playlist, Programme, Rect, Region, StandBy, WantedAsset, full_screen
from player.core.kinds import Kind
from player.core.standby import OWNER, likeliest, over, with_stand_by
from player.core.triggers import TriggerRule


def item(name: str, kind: Kind = Kind.VIDEO) -> Item:
    return Item(f"i-{name}", name, name, kind, 10.0 if kind is not Kind.VIDEO else 0.0, server="s", weight=3)


LEFT = Region("left", Rect(0, 0, 2, 9), Playlist("p-left", "Left", (item("a"),)))
RIGHT = Region("right", Rect(2, 0, 8, 9), Playlist("p-right", "Right", (item("b"), item("c", Kind.PDF))))
LAYOUT = Layout("two", 10, 9, (LEFT, RIGHT))
AHEAD = (
    WantedAsset("d", "d.mp4", "video", "https://x.example/d", "1"), WantedAsset("e", "e.png", "image", "https://x.example/e"),
    WantedAsset("f", "f.bin", "hologram", "https://x.example/f"), WantedAsset("g", "g", "ticker", "https://x.example/g"),
)  # fmt: skip
PROGRAMME = Programme((LAYOUT,), assets=AHEAD)
ANSWER = WantedAsset("stand-by:answer.mp4", "answer.mp4", "video", "stand-by:answer.mp4", "9-9")


def stand_by(show: str, **more: object) -> Programme:
    return with_stand_by(PROGRAMME, [TriggerRule("r", show, **more)], {"answer.mp4": ANSWER}, 5.0)  # type: ignore[arg-type]  # of a test


def test_content_of_the_programme_stands_by_for_as_long_as_the_rule_says():
    (one,) = stand_by("content:a", seconds=8.0, priority=4, zone="right").stand_by
    assert one == StandBy("r", (replace(item("a"), id="trigger r 1", weight=1, duration_s=8.0),), "right", 8.0, 4, "p-left")
    (one,) = stand_by("content:a").stand_by
    assert (one.items[0].duration_s, one.zone) == (0.0, None), "a clip as long as it is"
    (one,) = stand_by("content:c", seconds=8.0).stand_by
    assert one.items[0].duration_s == 10.0, "a document's pages have their own time each, within that of the rule"


def test_content_that_is_only_fetched_ahead_stands_by_too():
    (one,) = stand_by("content:d").stand_by
    assert one.items == (Item("trigger r 1", "d", "d.mp4", Kind.VIDEO, 0.0, file_hash="1", server="s"),)
    (one,) = stand_by("content:e").stand_by
    assert (one.items[0].kind, one.items[0].duration_s) == (Kind.IMAGE, 10.0)


def test_a_playlist_stands_by_whole():
    (one,) = stand_by("playlist:p-right", seconds=30.0).stand_by
    assert [(shown.id, shown.content_id, shown.duration_s) for shown in one.items] == [
        ("trigger r 1", "b", 0.0), ("trigger r 2", "c", 10.0),
    ]  # fmt: skip
    assert (one.seconds, one.playlist) == (30.0, "p-right")


def test_files_and_addresses_of_the_configuration_are_nobodys():
    found = stand_by("file:answer.mp4")
    (one,) = found.stand_by
    assert (one.items[0].content_id, one.items[0].server, one.playlist) == ("stand-by:answer.mp4", OWNER, OWNER)
    assert found.assets == (*AHEAD, ANSWER)
    (one,) = stand_by("url:https://x.example/").stand_by
    assert (one.items[0].url, one.items[0].kind, one.items[0].server) == ("https://x.example/", Kind.WEB, OWNER)
    (one,) = stand_by("url:https://u:p@x.example/?sig=a").stand_by
    assert one.items[0].url == "https://u:p@x.example/?sig=a"
    assert (one.items[0].name, one.items[0].content_id) == ("https://(removed)@x.example/?(removed)",) * 2


@pytest.mark.parametrize(
    ("show", "because"),
    [
        ("content:z", 'there is no content "z" in the programme'), ("content:f", "there is no content"),
        ("content:g", "there is no content"), ("playlist:z", 'there is no playlist "z" with items in the programme'),
        ("file:z.png", 'there is no file "z.png" that can be shown'), ("z", 'show is "z"; it begins with'),
    ],
)  # fmt: skip
def test_a_rule_that_names_what_is_not_there_costs_itself(show: str, because: str):
    found = with_stand_by(PROGRAMME, [TriggerRule("bad", show), TriggerRule("good", "content:a")], {}, 5.0)
    (fault,) = found.faults
    assert (fault.code, fault.since) == ("bad_trigger", 5.0)
    assert fault.message.startswith(f"the trigger bad: {because}")
    assert [one.trigger for one in found.stand_by] == ["good"]


def test_it_lies_over_the_region_that_it_names_else_the_largest_and_comes_once():
    one = StandBy("r", (item("x"),), playlist="p")
    laid = over(LAYOUT, one)
    assert laid == replace(LAYOUT, regions=(replace(RIGHT, playlist=Playlist("p", "r", (item("x"),), repeats=False)),))
    assert over(LAYOUT, replace(one, zone="left")).regions[0].rect == LEFT.rect
    assert over(LAYOUT, replace(one, zone="nowhere")).regions[0].id == "right"
    for empty in (None, Layout("none", 10, 9)):
        assert over(empty, one) == full_screen(Playlist("p", "r", (item("x"),), repeats=False))


def test_those_shown_most_often_are_the_likeliest_and_what_shows_the_present_is_none():
    made = [StandBy(name, (item(name),)) for name in "abc"]
    live, nothing = StandBy("live", (item("l", Kind.LIVESTREAM),)), StandBy("empty", ())
    assert [one.trigger for one in likeliest([live, nothing, *made], {}, 2)] == ["a", "b"]
    assert [one.trigger for one in likeliest([live, nothing, *made], {"c": 2, "b": 1, "live": 9}, 2)] == ["c", "b"]
