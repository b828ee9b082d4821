"""From what the server wants to what the stage can show: which files a programme needs, and the layout with those that are here.

Pure. An item without its file is left out, the rest plays on (design law 2). A content is named by its id and kind, since one file
can be shown as either of two things. Each page of a document is an item of its own that stays for the item's duration: whoever sets
ten seconds means ten seconds to read, however many pages there are. A picture that turned out to be a drawing is shown as one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from player.core.content import Item, Layout
from player.core.feed import file_of
from player.core.kinds import Kind
from player.core.ports.server import Programme, WantedAsset

DRAWING = ".svg"  # what a prepared drawing's file ends in

Content = tuple[str, Kind]  # content id, kind


@dataclass(frozen=True, slots=True)
class Need:
    """A file that items wait for; `item_id` is the first of them, `first` whether a region begins with it."""

    asset: WantedAsset
    kind: Kind
    item_id: str
    first: bool = False

    @property
    def content(self) -> Content:
        """What it is the file of."""
        return self.asset.content_id, self.kind


@dataclass(frozen=True, slots=True)
class Ready:
    """A file that can be shown; fields as in `Item`. `pages` of a document, the first included."""

    file: str
    asset: str | None
    file_hash: str | None = None
    pages: tuple[str, ...] = ()


def needs_of(programme: Programme) -> tuple[tuple[Need, ...], tuple[Item, ...]]:
    """The files that the programme's items need, each once, in playing order; and the items that name a file nobody lists."""
    assets = {asset.content_id: asset for asset in programme.assets}
    needs: dict[Content, Need] = {}
    lost = []
    for item, first in _items(programme.layout):
        asset, content = assets.get(item.content_id), (item.content_id, item.kind)
        if not item.kind.has_file:
            continue
        if asset is None:
            lost.append(item)
        elif content not in needs:
            needs[content] = Need(asset, item.kind, item.id, first)
        elif first:
            needs[content] = replace(needs[content], first=True)
    return tuple(needs.values()), tuple(lost)


def _items(layout: Layout) -> Iterator[tuple[Item, bool]]:
    for region in layout.regions:
        for index, item in enumerate(region.playlist.items):
            yield item, index == 0


def is_feed(item: Item) -> bool:
    """Whether its text comes from a feed."""
    return item.kind is Kind.TICKER and bool(item.url)


def with_feeds(layout: Layout) -> Layout:
    """`layout` with the files named in which the texts of its feeds are kept."""
    regions = []
    for region in layout.regions:
        items = tuple(replace(i, file=file_of(i.url)) if i.url and is_feed(i) else i for i in region.playlist.items)
        regions.append(replace(region, playlist=replace(region.playlist, items=items)))
    return replace(layout, regions=tuple(regions))


def assemble(layout: Layout, ready: Mapping[Content, Ready], left_out: Collection[str] = ()) -> Layout:
    """`layout` with its files filled in; items whose file is not `ready`, or whose id is in `left_out`, are not in it."""
    regions = []
    for region in layout.regions:
        items = tuple(shown for item in region.playlist.items if item.id not in left_out for shown in _filled(item, ready))
        regions.append(replace(region, playlist=replace(region.playlist, items=items)))
    return replace(layout, regions=tuple(regions))


def _filled(item: Item, ready: Mapping[Content, Ready]) -> tuple[Item, ...]:
    """The item as it can be shown: none, one, or one for each page of a document."""
    if not item.kind.has_file:
        return (item,)
    found = ready.get((item.content_id, item.kind))
    if found is None:
        return ()
    file_hash = found.file_hash or item.file_hash
    kind = Kind.SVG if found.file.endswith(DRAWING) else item.kind
    shown = replace(item, kind=kind, file=found.file, asset=found.asset, file_hash=file_hash)
    rest = (replace(shown, id=f"{item.id}/{n}", file=page) for n, page in enumerate(found.pages[1:], 2))
    return (shown, *rest)


def earlier(layout: Layout) -> dict[Content, Ready]:
    """What an earlier layout shows of each content: it stays in use where a later revision cannot be had."""
    found: dict[Content, list[Item]] = {}
    for item, _ in _items(layout):
        if item.kind.has_file and item.file is not None:
            found.setdefault((item.content_id, item.kind.asked), []).append(item)
    return {content: _as_ready(items) for content, items in found.items()}


def _as_ready(items: list[Item]) -> Ready:
    pages = tuple(dict.fromkeys(item.file for item in items if item.file))
    return Ready(items[0].file or "", items[0].asset, items[0].file_hash, pages if len(pages) > 1 else ())
