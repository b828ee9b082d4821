"""What a Spot player is to show, all of it in one tree -> `core.content.Programme`; a bad item or region costs that one.

Pure. The tree is the player's row with its layout or playlist in place, the playlists of regions in these, and the assets of items
in those. Places are layout units, or percentages of the layout ("25%"). A signed address differs each time, so that an asset is
known by its checksum, else by its size and the time of its last change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from player.cms.wire import Instant, Number, Text, Truth, Wire, number, rows, table, text
from player.cms.words import DAY_S, allowed, byte_count, colour, fit, percent, transition_kind, whole
from player.core.content import (
    CUT,
    FULL_SCREEN,
    Fit,
    Item,
    Layout,
    Playlist,
    Programme,
    Rect,
    Region,
    Transition,
    TransitionKind,
    WantedAsset,
)
from player.core.dated import DatedItem, by_dates
from player.core.faults import Fault
from player.core.geometry import placed
from player.core.kinds import Kind
from player.core.schedule import Rule

REGIONS, ITEMS, FAULTS = 8, 10_000, 100
MOST_ITEMS = 2 * ITEMS  # of all playlists together
DEFAULT_S, BLEND_S = 10.0, 0.6
KINDS = ("image", "video", "audio")


class _Entry(Wire):
    id: Text = None
    asset_id: Text = None
    duration: Any = None
    position: Number = None
    campaign_id: Text = None
    starts_at: Any = None
    ends_at: Any = None
    weight: Number = None


class _Asset(Wire):
    id: Text = None
    name: Text = None
    type: Text = None
    url: Text = None
    download_url: Text = None
    mime_type: Text = None
    size: Number = None
    checksum: Text = None
    hash: Text = None
    md5: Text = None
    sha256: Text = None
    duration: Number = None
    updated_at: Text = None

    @property
    def version(self) -> str | None:
        """What tells one revision of the file from another; None where nothing does."""
        said = self.sha256 or self.checksum or self.hash or self.md5
        known = [part for part in (byte_count(self.size), self.updated_at) if part is not None]
        return said or ("@".join(str(part) for part in known) if known else None)


class _Zone(Wire):
    id: Text = None
    name: Text = None
    x: Any = None
    y: Any = None
    width: Any = None
    height: Any = None
    z_index: Number = None
    fit: Text = None
    transition: Any = None
    transition_duration: Number = None
    muted: Truth = None
    volume: Number = None
    background: Text = None


class _List(Wire):
    id: Text = None
    name: Text = None
    shuffle: Truth = None
    transition: Any = None
    transition_duration: Number = None


class _Dates(Wire):
    starts_at: Instant = None
    ends_at: Instant = None


def layout_of(player: Mapping[str, Any]) -> dict[str, Any]:
    """The player's layout where it is here whole, else empty."""
    found = table(player.get("layout"))
    return found if zones_of(found) is not None else {}


def zones_of(layout: Mapping[str, Any]) -> list[Any] | None:
    """A layout's regions, by either of their names; None where it does not say."""
    found = rows(layout.get("regions"))
    return rows(layout.get("zones")) if found is None else found


@dataclass(slots=True)
class SpotReader:
    """Reads one tree, of which the items are `server`'s. `absolute` makes an address whole; `where` the tree came from.

    `numbered` collects the ids of assets that came as numbers, `layouts` those of the layouts of regions, by the region's id.
    """

    where: str
    now: float
    absolute: Callable[[str], str]
    server: str
    assets: dict[str, WantedAsset] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    numbered: set[str] = field(default_factory=set)
    layouts: dict[str, str | int] = field(default_factory=dict)
    _read: int = 0  # items

    def programme(self, player: Mapping[str, Any]) -> Programme:
        """What is to be on air: the layout, else the playlist over the whole screen, else nothing."""
        layout, playlist = layout_of(player), table(player.get("playlist"))
        if layout:
            found, rules = self._layout(layout)
        else:
            listed = self._playlist(playlist)
            screen = Layout("full", FULL_SCREEN.width, FULL_SCREEN.height, (Region("main", FULL_SCREEN, listed),))
            found, rules = by_dates(screen, {"main": self._items(playlist)}, self.now)
        return Programme(found, rules, assets=tuple(self.assets.values()), faults=tuple(self.faults))

    def _layout(self, raw: Mapping[str, Any]) -> tuple[tuple[Layout, ...], tuple[Rule, ...]]:
        canvas = Rect(0, 0, whole(raw.get("width"), FULL_SCREEN.width), whole(raw.get("height"), FULL_SCREEN.height))
        found = zones_of(raw) or []
        if len(found) > REGIONS:
            self._fault("too_many_regions", f"the layout has {len(found)} regions; the first {REGIONS} are shown")
        regions: dict[str, Region] = {}
        items: dict[str, list[DatedItem]] = {}
        for index, row in enumerate(found[:REGIONS]):
            zone = table(row)
            found_there = self._items(table(zone.get("playlist")))
            region = self._region(zone, index, canvas, [one.item.kind for one in found_there])
            if region is not None:
                regions[region.id], items[region.id] = region, found_there
                self.layouts[region.id] = _as_sent(raw.get("id"))
        name = text(raw.get("id")) or "layout"
        layout = Layout(name, canvas.width, canvas.height, tuple(regions.values()), colour(raw.get("background")))
        return by_dates(layout, items, self.now)

    def _region(self, raw: Mapping[str, Any], index: int, canvas: Rect, kinds: Collection[Kind]) -> Region | None:
        wire = _Zone.model_validate(raw)
        name = wire.id or f"region{index + 1}"
        x, y = _units(wire.x, canvas.width) or 0, _units(wire.y, canvas.height) or 0
        width, height = _units(wire.width, canvas.width) or 0, _units(wire.height, canvas.height) or 0
        place = placed(Rect(x, y, width, height), (canvas.width, canvas.height), kinds)
        if place is None:
            sentence = f"the region {wire.name or name} has no place on the screen; its size and position must be given"
            self._fault("bad_region", sentence)
            return None
        playlist = self._playlist(table(raw.get("playlist")))
        transition = self._transition(wire.transition, wire.transition_duration)
        return Region(
            name,
            place,
            playlist if transition is None else Playlist(playlist.id, playlist.name, (), transition, playlist.shuffle),
            z=index if wire.z_index is None else round(min(max(wire.z_index, -1000), 1000)),
            fit=fit(wire.fit) or Fit.CONTAIN,
            background=colour(wire.background),
            audible=not wire.muted,
            volume=percent(wire.volume),
        )

    def _playlist(self, raw: Mapping[str, Any]) -> Playlist:
        wire = _List.model_validate(raw)
        transition = self._transition(wire.transition, wire.transition_duration)
        return Playlist(wire.id or "", wire.name or "", (), transition or CUT, bool(wire.shuffle))

    def _items(self, playlist: Mapping[str, Any]) -> list[DatedItem]:
        numbered = ("playlist_id",) if isinstance(playlist.get("id"), int) else ()
        kept: list[tuple[float, DatedItem]] = []
        found = rows(playlist.get("items")) or []
        room = min(ITEMS, MOST_ITEMS - self._read)
        self._read += min(room, len(found))
        if len(found) > room:
            self._fault("shortened", f"a playlist is {len(found)} items long; the first {room} are shown")
        for index, row in enumerate(found[:room]):
            raw = table(row)
            wire = _Entry.model_validate(raw)
            dated = self._item(raw, wire, index, numbered)
            if dated is not None:
                kept.append((index if wire.position is None else wire.position, dated))
        return [one for _, one in sorted(kept, key=lambda pair: pair[0])]

    def _item(self, raw: Mapping[str, Any], wire: _Entry, index: int, numbered: tuple[str, ...]) -> DatedItem | None:
        row = table(raw.get("asset"))
        asset = _Asset.model_validate(row)
        content = asset.id or wire.asset_id
        if content is None:
            self._fault("bad_item", f"item {index + 1} of the playlist names no asset; it is left out", wire.id)
            return None
        name = asset.name or f"asset {content}"
        if not row:
            self._fault("bad_item", f"{name} is not among the server's assets; it is left out", wire.id, content)
            return None
        kind, address = self._kind(asset), self._address(asset)
        if kind is None:
            said = f'the type "{asset.type or asset.mime_type or ""}"'
            self._fault("unsupported_type", f"{name} has {said}, which this player cannot show; it is left out", wire.id, content)
            return None
        if address is None:
            self._fault("bad_item", f"{name} has an address that is not http or https; it is left out", wire.id, content)
            return None
        if isinstance(row.get("id"), int):
            self.numbered.add(content)
        self.assets.setdefault(content, WantedAsset(content, name, kind.value, address, asset.version, byte_count(asset.size)))
        ids = {"item_id": raw.get("id", row.get("id")), "content_id": row.get("id"), "campaign_id": raw.get("campaign_id")}
        item = Item(
            id=wire.id or content,
            content_id=content,
            name=name,
            kind=kind,
            duration_s=self._duration(wire, asset, kind, name, content),
            file_hash=asset.version,
            weight=min(max(round(wire.weight or 1), 1), 100),
            campaign_id=wire.campaign_id,
            numbers=tuple(key for key, value in ids.items() if isinstance(value, int)) + numbered,
            server=self.server,
        )
        return self._dated(item, wire)

    def _dated(self, item: Item, wire: _Entry) -> DatedItem:
        dates = _Dates(starts_at=wire.starts_at, ends_at=wire.ends_at)
        if (wire.starts_at and dates.starts_at is None) or (wire.ends_at and dates.ends_at is None):
            self._fault(
                "bad_item", f"{item.name} has dates that cannot be read; it is shown without them", item.id, item.content_id
            )
        return DatedItem(item, dates.starts_at, dates.ends_at)

    def _kind(self, asset: _Asset) -> Kind | None:
        word = (asset.type or (asset.mime_type or "").partition("/")[0]).strip().lower()
        try:
            return Kind(word) if word in KINDS else None
        except ValueError:
            return None

    def _address(self, asset: _Asset) -> str | None:
        given = asset.download_url or asset.url
        try:
            address = self.absolute(given) if given else ""
        except ValueError:  # what urllib cannot take apart
            return None
        return address if allowed(address, Kind.IMAGE) else None

    def _duration(self, wire: _Entry, asset: _Asset, kind: Kind, name: str, content: str) -> float:
        """Seconds: 1 s to 24 h, the asset's own or 10 where nothing is said; 0 for what has a length of its own."""
        asked = number(wire.duration)
        if wire.duration is not None and (asked is None or asked < 0 or asked > DAY_S):
            said = f'{name} has the duration "{str(wire.duration)[:40]}"; a sensible one is used'
            self._fault("bad_duration", said, wire.id, content)
        if not kind.needs_duration:
            return min(max(asked or 0.0, 0.0), DAY_S)
        return min(max(asked or asset.duration or DEFAULT_S, 1.0), DAY_S)

    def _transition(self, raw: Any, seconds: float | None) -> Transition | None:
        word = text(raw)
        if word is None:
            return None
        kind = transition_kind(word)
        if kind is None:
            self._fault("unsupported_transition", f'there is no transition "{word[:40]}"; a cut is used')
        if kind in (None, TransitionKind.CUT):
            return CUT
        return Transition(kind, BLEND_S if seconds is None else min(max(seconds, 0.0), 5.0))

    def _fault(self, code: str, message: str, item: str | None = None, content: str | None = None) -> None:
        if len(self.faults) < FAULTS:
            self.faults.append(Fault(code, message, self.now, item, content))


def _units(value: Any, of: int) -> int | None:
    """Layout units of a number, or of a percentage of `of`; None where it is neither."""
    if isinstance(value, str) and value.strip().endswith("%"):
        share = number(value.strip().removesuffix("%"))
        return None if share is None else round(min(max(share, -1000.0), 1000.0) / 100 * of)
    read = number(value)
    return None if read is None else round(min(max(read, -65536.0), 65536.0))


def _as_sent(value: Any) -> str | int:
    return value if isinstance(value, int) else text(value) or ""
