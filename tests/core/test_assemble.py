"""Which files a programme needs, and the layout with those that are here."""

from __future__ import annotations

from dataclasses import replace

from player.core.assemble import Need, Ready, assemble, earlier, needs_of
from player.core.content import Item, Layout, Playlist, Programme, Rect, Region, StandBy, WantedAsset, full_screen
from player.core.kinds import Kind
from tests.fakes.measured import processor_at_most
from tests.fakes.programmes import programme_of


def item(name: str, kind: Kind = Kind.VIDEO, content: str | None = None) -> Item:
    return Item(f"i{name}", content or name, name, kind, 10)


def asset(name: str) -> WantedAsset:
    return WantedAsset(name, name, "video", f"https://h/{name}", f"hash-{name}")


def layout(*playlists: tuple[Item, ...]) -> Layout:
    regions = tuple(Region(f"r{n}", Rect(0, 0, 1, 1), Playlist(f"p{n}", "p", items)) for n, items in enumerate(playlists))
    return Layout("l", 2, 2, regions)


def items_in(result: Layout) -> list[Item]:
    return [item for region in result.regions for item in region.playlist.items]


def files(result: Layout) -> list[list[tuple[str, str | None]]]:
    return [[(i.id, i.file) for i in region.playlist.items] for region in result.regions]


def test_each_file_is_needed_once_and_first_where_a_region_begins_with_it():
    wanted = layout((item("a"), item("b"), item("a")), (item("b"), item("w", Kind.WEB)))
    needs, lost = needs_of(programme_of(wanted, (asset("a"), asset("b"), asset("unused"))), ["l"])
    assert needs[:2] == (Need(asset("a"), Kind.VIDEO, "ia", turn=0), Need(asset("b"), Kind.VIDEO, "ib", turn=0))
    assert [n.content for n in needs[:2]] == [("a", Kind.VIDEO), ("b", Kind.VIDEO)]
    assert needs[2:] == (Need(asset("unused"), Kind.VIDEO, "unused", turn=2),), "it is fetched ahead, when all others are here"
    assert lost == ()


def test_files_are_needed_in_the_order_in_which_the_layouts_times_come():
    later, now = replace(layout((item("a"), item("b"))), id="later"), replace(layout((item("c"), item("b"))), id="now")
    stand_by = (StandBy("goal", (item("s"),)),)
    assets = tuple(asset(name) for name in "abcs")
    needs, _ = needs_of(Programme((later, now), stand_by=stand_by, assets=assets), ["now", "later"])
    assert [(need.asset.name, need.turn) for need in needs] == [("c", 0), ("b", 1), ("s", 1), ("a", 2)]


def test_an_item_whose_file_nobody_lists_is_told():
    needs, lost = needs_of(programme_of(layout((item("a"), item("b"))), (asset("b"),)), ["l"])
    assert [n.item_id for n in needs] == ["ib"]
    assert needs[0].turn == 1
    assert [i.id for i in lost] == ["ia"]


def test_one_content_shown_as_two_kinds_is_two_needs():
    needs, _ = needs_of(programme_of(layout((item("a"), item("a", Kind.IMAGE))), (asset("a"),)), ["l"])
    assert [n.kind for n in needs] == [Kind.VIDEO, Kind.IMAGE]


def test_only_what_is_ready_is_shown():
    ready = {("a", Kind.VIDEO): Ready("media/aa/a.mp4", "sha-a", "hash-a")}
    result = assemble(layout((item("a"), item("b"), item("w", Kind.WEB)), (item("b"),)), ready, left_out={"iw"})
    assert files(result) == [[("ia", "media/aa/a.mp4")], []]
    assert result.regions[0].playlist.items[0].asset == "sha-a"


def test_a_document_becomes_an_item_for_each_page():
    ready = {("d", Kind.PDF): Ready("p/1.png", "sha", None, ("p/1.png", "p/2.png", "p/3.png"))}
    result = assemble(layout((item("d", Kind.PDF),)), ready)
    assert files(result) == [[("id", "p/1.png"), ("id/2", "p/2.png"), ("id/3", "p/3.png")]]


def test_a_picture_that_turned_out_to_be_a_drawing_is_shown_as_one_and_can_be_shown_again():
    ready = {("s", Kind.IMAGE): Ready("prepared/s.svg", "sha", "h"), ("i", Kind.IMAGE): Ready("prepared/i.png", "sha-i", "h")}
    result = assemble(layout((item("s", Kind.IMAGE), item("i", Kind.IMAGE))), ready)
    assert [i.kind for i in result.regions[0].playlist.items] == [Kind.SVG, Kind.IMAGE]
    assert earlier(items_in(result)) == ready


def test_what_was_shown_can_be_shown_again():
    ready = {
        ("m", Kind.AUDIO): Ready("media/m.mp3", "sha-m", "hm", cover="prepared/m.png"),
        ("n", Kind.AUDIO): Ready("media/n.mp3", "sha-n", "hn"),
        ("d", Kind.PDF): Ready("p/1.png", "sha-d", "hd", ("p/1.png", "p/2.png")),
        ("a", Kind.VIDEO): Ready("media/a.mp4", "sha-a", "ha"),
    }
    sounds = (item("m", Kind.AUDIO), item("n", Kind.AUDIO))
    shown = assemble(layout((*sounds, item("d", Kind.PDF), item("a"), item("a"), item("w", Kind.WEB))), ready)
    assert earlier(items_in(shown)) == ready
    assert [one.cover for one in items_in(shown)][:3] == ["prepared/m.png", None, None]


def test_an_empty_programme_stays_one():
    empty = full_screen(Playlist("1", "empty"))
    assert needs_of(programme_of(empty), ["full"]) == ((), ())
    assert assemble(empty, {}) == empty


def test_c12_ten_thousand_items_are_assembled_within_a_second():
    items = tuple(item(str(n)) for n in range(10_000))
    programme = programme_of(layout(items), tuple(asset(str(n)) for n in range(10_000)))
    for _ in processor_at_most(1.0):
        needs, _ = needs_of(programme, ["l"])
        result = assemble(programme.layouts[0], {n.content: Ready("f", "s") for n in needs})
    assert len(result.regions[0].playlist.items) == 10_000
