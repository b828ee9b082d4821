"""What can be shown of a programme without anything that moves: pictures, leaves of documents, the last picture of a page. Pure."""

from __future__ import annotations

from player.core.content import Item, Layout, Manifest
from player.core.kinds import Kind


def still_items(manifest: Manifest, on_air: str | None) -> tuple[Item, ...]:
    """The best first: of the layout `on_air` before others, of a larger region before a smaller one; pages come last."""
    layouts = sorted(manifest.layouts, key=lambda layout: layout.id != on_air)
    found = [item for layout in layouts for item in _by_area(layout)]
    found += [item for stand_by in manifest.stand_by for item in stand_by.items]
    best = (*filter(pictures_of, found), *(item for item in found if item.kind is Kind.WEB))
    return tuple({item.id: item for item in best}.values())


def pictures_of(item: Item) -> tuple[str, ...]:
    """The file of its picture, below the cache folder; () where it is none. A leaf of a document is prepared as one."""
    return (item.file,) if item.file and item.kind in (Kind.IMAGE, Kind.PDF) else ()


def _by_area(layout: Layout) -> list[Item]:
    regions = sorted(layout.regions, key=lambda region: -region.rect.width * region.rect.height)
    return [item for region in regions for item in region.playlist.items]
