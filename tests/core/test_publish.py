"""What goes on air while files are missing."""

from __future__ import annotations

from player.core.assemble import Ready
from player.core.content import Item, Layout, Manifest, Playlist, Programme, Rect, Region, Rule, StandBy
from player.core.kinds import Kind
from player.core.publish import Decision, Published, Supply, decide


def video(name: str) -> Item:
    return Item(f"i{name}", name, name, Kind.VIDEO, 10)


def layout(name: str, *names: str) -> Layout:
    items = tuple(video(one) for one in names)
    return Layout(name, 10, 10, (Region("main", Rect(0, 0, 10, 10), Playlist(name, name, items)),))


def here(*names: str) -> dict[tuple[str, Kind], Ready]:
    return {(name, Kind.VIDEO): Ready(f"media/{name}", f"sha-{name}", f"hash-{name}") for name in names}


def keys(*names: str) -> set[tuple[str, Kind]]:
    return {(name, Kind.VIDEO) for name in names}


def shown(decision: Decision) -> dict[str, list[str]] | None:
    if decision.published is None:
        return None
    layouts = decision.published.manifest.layouts
    return {one.id: [item.name for item in one.regions[0].playlist.items] for one in layouts}


def on_air(*layouts: Layout, unfinished: frozenset[str] = frozenset()) -> Published:
    """What was published with all its files."""
    names = [item.name for one in layouts for item in one.regions[0].playlist.items]
    found = decide(Programme(layouts), None, Supply(here(*names)), None, is_over=True).published
    assert found is not None
    return Published(found.manifest, unfinished)


def test_all_of_it_is_published_when_all_of_it_is_here():
    rules, stand_by = (Rule("1", layout="a"),), (StandBy("goal", (video("s"), video("t"))),)
    programme = Programme((layout("a", "x"),), rules, "a", stand_by, watermark=True)
    decision = decide(programme, "a", Supply(here("x", "s")), None, is_over=True)
    assert decision.published is not None
    manifest = decision.published.manifest
    assert (manifest.rules, manifest.default, manifest.watermark) == (rules, "a", True)
    assert [item.file for item in manifest.items] == ["media/x", "media/s"]
    assert decision.published.unfinished == frozenset()
    assert decision.why == "all of it is here, or given up"


def test_what_plays_stays_until_each_file_of_what_follows_is_here_or_given_up():
    before, programme = on_air(layout("a", "old")), Programme((layout("a", "x", "y"),))
    waiting = decide(programme, "a", Supply(here("x")), before, is_over=True)
    assert shown(waiting) == {"a": ["old"]}
    assert shown(decide(programme, "a", Supply(here("x"), given_up=keys("y")), before, is_over=True)) == {"a": ["x"]}
    assert shown(decide(programme, "a", Supply(here("x", "y")), before, is_over=False)) == {"a": ["x", "y"]}


def test_another_layout_does_not_take_the_air_before_it_is_finished():
    before, programme = on_air(layout("a", "old")), Programme((layout("b", "x", "y"),), (Rule("1", layout="b"),))
    decision = decide(programme, "b", Supply(here("x")), before, is_over=True)
    assert decision == Decision(None, "files of b are still to come: what plays stays")
    assert shown(decide(programme, "b", Supply(here("x", "y")), before, is_over=False)) == {"b": ["x", "y"]}


def test_a_layout_whose_time_comes_later_holds_nothing_up():
    before, programme = on_air(layout("a", "old")), Programme((layout("a", "x"), layout("later", "y", "z")))
    decision = decide(programme, "a", Supply(here("x", "y")), before, is_over=False)
    assert shown(decision) == {"a": ["x"], "later": ["y"]}
    assert decision.published is not None
    assert decision.published.unfinished == {"later"}


def test_a_screen_without_anything_is_given_more_as_more_comes():
    programme = Programme((layout("a", "x", "y", "z"),))
    first = decide(programme, "a", Supply(here("x")), None, is_over=False)
    assert (shown(first), first.why) == ({"a": ["x"]}, "what is here of it is shown, the rest is to come")
    assert decide(programme, "a", Supply(here("y")), first.published, is_over=False) == Decision(None, "no more of a has come")
    assert shown(decide(programme, "a", Supply(here("x", "y")), first.published, is_over=False)) == {"a": ["x", "y"]}
    assert shown(decide(programme, "a", Supply(here("y")), first.published, is_over=True)) == {"a": ["y"]}


def test_an_unfinished_layout_gives_way_to_another_unfinished_one():
    first = on_air(layout("a", "x"), unfinished=frozenset({"a"}))
    assert shown(decide(Programme((layout("b", "y", "z"),)), "b", Supply(here("y")), first, is_over=True)) == {"b": ["y"]}


def test_no_failure_takes_off_air_what_plays():
    before, programme = on_air(layout("a", "old")), Programme((layout("a", "x"),))
    lost = decide(programme, "a", Supply(given_up=keys("x")), before, is_over=True)
    assert shown(lost) == {"a": ["old"]}
    other = decide(Programme((layout("b", "x"),)), "b", Supply(given_up=keys("x")), before, is_over=True)
    assert other == Decision(None, "nothing of it can be shown: what plays stays")


def test_an_empty_programme_is_one():
    assert shown(decide(Programme((layout("a"),)), None, Supply(), on_air(layout("a", "old")), is_over=True)) == {"a": []}


def test_an_earlier_revision_stays_where_a_later_one_cannot_be_had():
    before, programme = on_air(layout("a", "x")), Programme((layout("a", "x", "y"),))
    kept = {("x", Kind.VIDEO): Ready("media/x1", "sha-x1")}
    decision = decide(programme, "a", Supply(here("y"), kept, keys("x")), before, is_over=True)
    assert decision.published is not None
    assert [item.file for item in decision.published.manifest.items] == ["media/x1", "media/y"]


def test_items_that_are_left_out_are_not_waited_for():
    decision = decide(Programme((layout("a", "x", "bad"),)), "a", Supply(here("x"), left_out={"ibad"}), None, is_over=True)
    assert shown(decision) == {"a": ["x"]}
    assert isinstance(decision.published and decision.published.manifest, Manifest)
