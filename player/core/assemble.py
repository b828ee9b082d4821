"""From what the server wants to what the stage can show: which files a programme needs, and the layout with those that are here.

Pure. An item without its file is left out, the rest plays on (design law 2). A content is named by its id and kind, since one file
can be shown as either of two things. Each page of a document is an item of its own that stays for the item's duration: whoever sets
ten seconds means ten seconds to read, however many pages there are. A picture that turned out to be a drawing is shown as one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from player.core.content import Item, Layout, Programme, WantedAsset
from player.core.feed import file_of
from player.core.kinds import Kind
from player.core.urls import written_out

DRAWING = ".svg"  # what a prepared drawing's file ends in

Content = tuple[str, Kind]  # content id, kind


@dataclass(frozen=True, slots=True)
class Need:
    """A file that items wait for; `item_id` is the first of them, `turn` the smaller the earlier it is needed."""

    asset: WantedAsset
    kind: Kind
    item_id: str
    turn: int = 0

    @property
    def content(self) -> Content:
        """What it is the file of."""
        return self.asset.content_id, self.kind


@dataclass(frozen=True, slots=True)
class Ready:
    """A file that can be shown; fields as in `Item`, "" for none. `pages` of a document, the first included."""

    file: str
    asset: str | None
    file_hash: str | None = None
    pages: tuple[str, ...] = ()
    cover: str = ""


def needs_of(programme: Programme, order: Sequence[str]) -> tuple[tuple[Need, ...], tuple[Item, ...]]:
    """The files that the programme's items need, each once, as they are needed; and the items that name a file nobody lists.

    `order`: the ids of the layouts as their times come. Of each layout come those first with which regions begin; what stands by
    for a trigger comes with the layout that is on air. Files that no item shows yet are fetched ahead, when all others are here.
    """
    assets = {asset.content_id: asset for asset in programme.assets}
    needs: dict[Content, Need] = {}
    lost: dict[str, Item] = {}
    for turn, item in sorted(_in_turn(programme, order), key=lambda pair: pair[0]):
        asset, content = assets.get(item.content_id), (item.content_id, item.kind)
        if not item.kind.has_file:
            continue
        if asset is None:
            lost[item.id] = item
        else:
            needs.setdefault(content, Need(asset, item.kind, item.id, turn))
    shown = {content_id for content_id, _ in needs}
    for content_id, asset in assets.items():
        if content_id not in shown:
            kind = Kind(asset.kind)
            needs[content_id, kind] = Need(asset, kind, content_id, 2 * len(order))
    return tuple(needs.values()), tuple(lost.values())


def _in_turn(programme: Programme, order: Sequence[str]) -> Iterator[tuple[int, Item]]:
    places = {layout_id: place for place, layout_id in enumerate(order)}
    for layout in programme.layouts:
        for item, first in _items(layout):
            yield 2 * places[layout.id] + (0 if first else 1), item
    for stand_by in programme.stand_by:
        yield from ((1, item) for item in stand_by.items)


def _items(layout: Layout) -> Iterator[tuple[Item, bool]]:
    for region in layout.regions:
        for index, item in enumerate(region.playlist.items):
            yield item, index == 0


def is_feed(item: Item) -> bool:
    """Whether its text comes from a feed."""
    return item.kind is Kind.TICKER and bool(item.url)


def addressed(programme: Programme) -> Programme:
    """The programme with every address written out, and every feed's item with the file that its text is kept in."""
    layouts = []
    for layout in programme.layouts:
        regions = []
        for region in layout.regions:
            items = tuple(_addressed(item) for item in region.playlist.items)
            regions.append(replace(region, playlist=replace(region.playlist, items=items)))
        layouts.append(replace(layout, regions=tuple(regions)))
    stand_by = tuple(replace(one, items=tuple(_addressed(item) for item in one.items)) for one in programme.stand_by)
    return replace(programme, layouts=tuple(layouts), stand_by=stand_by)


def _addressed(item: Item) -> Item:
    if not item.url:
        return item
    url = written_out(item.url)
    return replace(item, url=url, file=file_of(url) if is_feed(item) else item.file)


def assemble(layout: Layout, ready: Mapping[Content, Ready], left_out: Collection[str] = ()) -> Layout:
    """`layout` with its files filled in; items whose file is not `ready`, or whose id is in `left_out`, are not in it."""
    regions = []
    for region in layout.regions:
        items = filled(region.playlist.items, ready, left_out)
        regions.append(replace(region, playlist=replace(region.playlist, items=items)))
    return replace(layout, regions=tuple(regions))


def filled(items: Iterable[Item], ready: Mapping[Content, Ready], left_out: Collection[str] = ()) -> tuple[Item, ...]:
    """Those of the items that can be shown, with their files."""
    return tuple(shown for item in items if item.id not in left_out for shown in _filled(item, ready))


def _filled(item: Item, ready: Mapping[Content, Ready]) -> tuple[Item, ...]:
    """The item as it can be shown: none, one, or one for each page of a document."""
    if not item.kind.has_file:
        return (item,)
    found = ready.get((item.content_id, item.kind))
    if found is None:
        return ()
    file_hash = found.file_hash or item.file_hash
    kind = Kind.SVG if found.file.endswith(DRAWING) else item.kind
    shown = replace(item, kind=kind, file=found.file, cover=found.cover or None, asset=found.asset, file_hash=file_hash)
    rest = (replace(shown, id=f"{item.id}/{n}", file=page) for n, page in enumerate(found.pages[1:], 2))
    return (shown, *rest)


def earlier(items: Iterable[Item]) -> dict[Content, Ready]:
    """What items on air show of each content: it stays in use where a later revision cannot be had."""
    found: dict[Content, list[Item]] = {}
    for item in items:
        if item.kind.has_file and item.file is not None:
            found.setdefault((item.content_id, item.kind.asked), []).append(item)
    return {content: _as_ready(items) for content, items in found.items()}


def _as_ready(items: list[Item]) -> Ready:
    pages = tuple(dict.fromkeys(item.file for item in items if item.file))
    first = items[0]
    return Ready(first.file or "", first.asset, first.file_hash, pages if len(pages) > 1 else (), first.cover or "")
