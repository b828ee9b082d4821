"""What can be shown of a programme while nothing moves, the best first."""

from __future__ import annotations

from player.core.content import Item, Layout, Manifest, Playlist, Rect, Region, StandBy, full_screen
from player.core.kinds import Kind
from player.core.stills import pictures_of, still_items


def item(name: str, kind: Kind = Kind.IMAGE) -> Item:
    return Item(name, f"c-{name}", name, kind, 10.0, file=f"{name}.png" if kind.has_file else None, url=f"http://h/{name}")


def region(name: str, width: int, *items: Item) -> Region:
    return Region(name, Rect(0, 0, width, 100), Playlist(name, name, items))


def test_what_is_on_air_goes_before_the_rest_the_larger_region_before_the_smaller_and_pages_come_last():
    split = Layout("split", 100, 100, (region("a", 30, item("small")), region("b", 70, item("page", Kind.WEB), item("large"))))
    other = full_screen(Playlist("p", "p", (item("other"), item("large"))))
    manifest = Manifest("1", (other, split), stand_by=(StandBy("fire", (item("standing by"),)),))
    assert [one.name for one in still_items(manifest, "split")] == ["large", "small", "other", "standing by", "page"]
    assert [one.name for one in still_items(manifest, None)][:1] == ["other"]


def test_only_pictures_and_leaves_of_documents_have_a_picture():
    assert pictures_of(item("a")) == ("a.png",)
    assert pictures_of(item("a", Kind.PDF)) == ("a.png",)
    assert [pictures_of(item("a", kind)) for kind in (Kind.VIDEO, Kind.WEB, Kind.PACKAGE, Kind.CLOCK)] == [()] * 4
