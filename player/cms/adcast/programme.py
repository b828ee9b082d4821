"""AdCast's playlist answer -> `core.content.Programme`: its words stop here, and a bad item costs that item (contract §3.3).

Pure: an answer and the address of the server in, a programme and faults out. `order` orders items. `fade` is AdCast's word for
what we call a crossfade. Pages that need a redirect resolved are left with the device's download address for `adapter`.

Memory is bounded by the answer as it was sent: rows are opened one by one, and what many items say alike is held once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from player.cms.adcast.words import is_zip, kind_of, pace
from player.cms.wire import Number, Rows, Text, Truth, Wire, number, rows, table, text, truth, unreadable
from player.cms.words import DAY_S, allowed, byte_count, colour, fit, percent, transition_kind, web_options, whole
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
    always,
    full_screen,
)
from player.core.faults import Fault
from player.core.geometry import placed
from player.core.kinds import Kind
from player.errors import ServerNonsense

T = TypeVar("T")
REGIONS, ITEMS, AHEAD, FAULTS = 8, 10_000, 1000, 100
MOST_ITEMS = 2 * ITEMS  # of all playlists together
DEFAULT_S, DRAWN_S, BLEND_S = 10.0, 60.0, 0.6


class _Item(Wire):
    id: Text = None
    content_id: Text = None
    name: Text = None
    type: Text = None
    download_url: Text = None
    source_url: Text = None
    url: Text = None
    duration: Any = None
    file_hash: Text = None
    file_size: Number = None
    mime: Text = None
    mime_type: Text = None
    order: Number = None
    transition: Any = None
    fit: Text = None
    volume: Number = None
    weight: Number = None
    web: Any = None
    schedule_id: Text = None
    campaign_id: Text = None
    text: Text = None
    format: Text = None
    speed: Any = None


class _Playlist(Wire):
    id: Text = None
    name: Text = None
    transition: Any = None
    shuffle: Truth = None
    items: Rows = None


class _Region(Wire):
    id: Text = None
    x: Number = None
    y: Number = None
    width: Number = None
    height: Number = None
    z: Number = None
    fit: Text = None
    background: Text = None
    audible: Truth = None
    volume: Number = None
    transition: Any = None
    name: Text = None
    shuffle: Truth = None
    items: Rows = None


def _words(wire: _Item, kind: Kind) -> str | None:
    """What a ticker says itself, or a clock's format ("" for the usual one); None where there is an address instead."""
    if kind is Kind.CLOCK:
        return (wire.format or wire.text or "")[:200]
    return wire.text if kind is Kind.TICKER and wire.text and wire.text.strip() else None


def _numbers(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Which of an item's ids came as numbers; where one of the two is missing, the other stands for it."""
    names = {
        "item_id": "id" if text(raw.get("id")) else "content_id",
        "content_id": "content_id" if text(raw.get("content_id")) else "id",
        "schedule_id": "schedule_id",
        "campaign_id": "campaign_id",
    }
    return tuple(name for name, key in names.items() if isinstance(raw.get(key), int))


@dataclass(slots=True)
class Reader:
    """Reads one answer, of which the items are `server`'s.

    `absolute` makes an address whole; `download` gives the device's own address of a content id. `numbered` collects the ids that
    came as numbers.
    """

    where: str
    now: float
    absolute: Callable[[str], str]
    download: Callable[[str], str]
    server: str
    assets: dict[str, WantedAsset] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    listed: dict[str, Any] = field(default_factory=dict)
    numbered: set[str] = field(default_factory=set)
    _alike: dict[Any, Any] = field(default_factory=dict)
    _read: int = 0  # items

    def programme(self, answer: Any) -> Programme:
        """The whole answer. Raises ServerNonsense where it is none."""
        return self.finished(self.answered(answer))

    def answered(self, answer: Any) -> Programme:
        """The answer but for its files (`finished`); a long one comes in parts (`wire.unfolded`).

        Raises ServerNonsense where it is none.
        """
        try:
            return self._answered(answer)
        except ValueError as error:
            raise unreadable(self.where, error) from error

    def _answered(self, answer: Any) -> Programme:
        if not isinstance(answer, dict) or not ("playlist" in answer or "layout" in answer):
            raise ServerNonsense(self.where, "neither a playlist nor a layout is in it")
        for row in rows(answer.get("content_to_download")) or []:
            known = table(row)
            key = text(known.get("content_id")) or text(known.get("id"))
            if key:
                self.listed[key] = row
        playlist = table(answer.get("playlist"))
        drawn = self.layout_of({**playlist, "layout": table(answer.get("layout")) or playlist.get("layout")})
        gone = tuple(filter(None, map(text, (rows(answer.get("content_to_delete")) or [])[:ITEMS])))
        watermark = bool(truth(answer.get("show_watermark")))
        schedule = text(playlist.get("schedule_id"))
        rules = tuple(replace(rule, name=f"schedule {schedule} at the server") if schedule else rule for rule in always(drawn))
        return Programme((drawn,), rules, delete=gone, watermark=watermark)

    def finished(self, programme: Programme) -> Programme:
        """`programme` with the files behind everything that was read, those to be fetched ahead last, and with what was wrong."""
        self._prefetch()
        return replace(programme, assets=tuple(self.assets.values()), faults=tuple(self.faults))

    def layout_of(self, playlist: Mapping[str, Any]) -> Layout:
        """A playlist's layout, or its items over the whole screen."""
        layout = table(playlist.get("layout"))
        if layout:
            return self._layout(layout, playlist)
        drawn = full_screen(self._playlist(playlist))
        name = drawn.regions[0].playlist.id
        return replace(drawn, id=f"playlist {name}") if name else drawn

    def complain(self, code: str, message: str) -> None:
        """What is wrong with something that is no item."""
        self._fault(code, message, None)

    def _playlist(self, raw: Mapping[str, Any]) -> Playlist:
        wire = _Playlist.model_validate(raw)
        items = self._items(wire.items or [], numbered=isinstance(raw.get("id"), int))
        return Playlist(wire.id or "", wire.name or "", items, self._transition(wire.transition, None) or CUT, bool(wire.shuffle))

    def _layout(self, raw: Mapping[str, Any], playlist: Mapping[str, Any]) -> Layout:
        width, height = (whole(raw.get("width"), FULL_SCREEN.width), whole(raw.get("height"), FULL_SCREEN.height))
        found = rows(raw.get("regions")) or []
        if len(found) > REGIONS:
            self._fault("too_many_regions", f"the layout has {len(found)} regions; the first {REGIONS} are shown", None)
        regions: dict[str, Region] = {}
        for index, row in enumerate(found[:REGIONS]):
            region = self._region(row, index, Rect(0, 0, width, height))
            if region is not None:
                regions[region.id] = region
        name = text(raw.get("id")) or text(playlist.get("id")) or "layout"
        return Layout(name, width, height, tuple(regions.values()), colour(raw.get("background")))

    def _region(self, row: Any, index: int, canvas: Rect) -> Region | None:
        raw = table(row)
        wire = _Region.model_validate(raw)
        name = wire.id or f"region{index + 1}"
        x, y = round(wire.x or 0), round(wire.y or 0)
        width, height = whole(wire.width, 0), whole(wire.height, 0)
        items = self._items(wire.items or [], numbered=isinstance(raw.get("id"), int))
        place = placed(Rect(x, y, width, height), (canvas.width, canvas.height), [item.kind for item in items])
        if place is None:
            self._fault("bad_region", f"the region {name} has no place on the screen; its size and position must be given", None)
            return None
        transition = self._transition(wire.transition, None) or CUT
        playlist = Playlist(name, wire.name or name, items, transition, bool(wire.shuffle))
        return Region(
            name,
            place,
            playlist,
            z=index if wire.z is None else round(min(max(wire.z, -1000), 1000)),
            fit=fit(wire.fit) or Fit.CONTAIN,
            background=colour(wire.background),
            audible=wire.audible is not False,
            volume=percent(wire.volume),
        )

    def _items(self, found: list[Any], *, numbered: bool) -> tuple[Item, ...]:
        """`numbered`: the playlist's own id came as a number."""
        kept: list[tuple[float, Item]] = []
        room = min(ITEMS, MOST_ITEMS - self._read)
        self._read += min(room, len(found))
        if len(found) > room:
            self._fault("shortened", f"a playlist is {len(found)} items long; the first {room} are shown", None)
        for index, row in enumerate(found[:room]):
            raw = table(row)
            wire = _Item.model_validate(raw)
            told = (("id", wire.id), ("content_id", wire.content_id))
            self.numbered.update(one for key, one in told if one and isinstance(raw.get(key), int))
            item = self._item(wire, index, self._once(_numbers(raw) + (("playlist_id",) if numbered else ())))
            if item is not None:
                kept.append((index if wire.order is None else wire.order, item))
        return tuple(item for _, item in sorted(kept, key=lambda pair: pair[0]))

    def _item(self, wire: _Item, index: int, numbers: tuple[str, ...]) -> Item | None:
        content = self._once(wire.content_id or wire.id)
        if content is None:
            self._fault("bad_item", f"item {index + 1} of the playlist has no id; it is left out", None)
            return None
        listed = table(self.listed.get(content))
        name = wire.name or f"content {content}"
        packed = is_zip(wire.mime or wire.mime_type, wire.source_url, wire.url, wire.download_url)
        kind = kind_of(wire.type, packed=packed)
        if kind is None:
            said = f'the type "{wire.type}"' if wire.type else "no type"
            self._fault("unsupported_type", f"{name} has {said}, which this player cannot show; it is left out", wire)
            return None
        words = _words(wire, kind)
        address = None if words is not None else self._address(wire, content, kind, listed)
        if address is None and words is None:
            missing = "neither a text nor the http address of a feed" if kind.is_drawn else "an address that is not http or https"
            self._fault("bad_item", f"{name} has {missing}; it is left out", wire)
            return None
        file_hash = self._once(wire.file_hash or text(listed.get("file_hash")))
        if kind.has_file and address is not None:
            size = wire.file_size if wire.file_size is not None else number(listed.get("file_size"))
            self.assets.setdefault(content, WantedAsset(content, name, kind.value, address, file_hash, byte_count(size)))
        return Item(
            id=wire.id or content,
            content_id=content,
            name=name,
            kind=kind,
            duration_s=self._once(self._duration(wire, kind, name)),
            url=None if kind.has_file else address,
            file_hash=file_hash,
            transition=self._once(self._transition(wire.transition, wire)),
            fit=fit(wire.fit),
            volume=None if wire.volume is None else percent(wire.volume),
            weight=min(max(round(wire.weight or 1), 1), 100),
            web=web_options(wire.web),
            schedule_id=self._once(wire.schedule_id),
            campaign_id=self._once(wire.campaign_id),
            text=words,
            speed=pace(wire.speed) if kind is Kind.TICKER else None,
            numbers=numbers,
            server=self.server,
        )

    def _once(self, value: T) -> T:
        """`value`, as the same object wherever it stands."""
        found: T = self._alike.setdefault(value, value)
        return found

    def _address(self, wire: _Item, content: str, kind: Kind, listed: Mapping[str, Any]) -> str | None:
        """Where it is: for files the download, for pages their own address first. None when its scheme is not allowed."""
        own, ahead = (wire.source_url, wire.url), text(listed.get("download_url"))
        direct = (wire.download_url, ahead, *own) if kind.has_file else (*own, wire.download_url, ahead)
        given = next((one for one in direct if one), None)
        if given is None and kind.is_drawn:
            return None
        try:
            address = self.absolute(given) if given else self.download(content)
        except ValueError:  # what urllib cannot take apart
            return None
        return address if allowed(address, kind) else None

    def _duration(self, wire: _Item, kind: Kind, name: str) -> float:
        """Seconds (C14): 1 s to 24 h, 10 where nothing is said; 0 for what has a length of its own."""
        asked = number(wire.duration)
        if wire.duration is not None and (asked is None or asked < 0 or asked > DAY_S):
            self._fault("bad_duration", f'{name} has the duration "{str(wire.duration)[:40]}"; a sensible one is used', wire)
        if kind.is_drawn and not asked:
            return DRAWN_S
        if not kind.needs_duration:
            return min(max(asked or 0.0, 0.0), DAY_S)
        return DEFAULT_S if asked is None else min(max(asked, 1.0), DAY_S)

    def _transition(self, raw: Any, item: _Item | None) -> Transition | None:
        """A word, or {type, duration}; None where nothing is said."""
        spec = raw if isinstance(raw, dict) else {"type": raw}
        word = text(spec.get("type") or spec.get("kind"))
        if word is None:
            return None
        kind = transition_kind(word)
        if kind is None:
            self._fault("unsupported_transition", f'there is no transition "{word[:40]}"; a cut is used', item)
        if kind in (None, TransitionKind.CUT):
            return CUT
        seconds = number(spec.get("duration"))
        return Transition(kind, BLEND_S if seconds is None else min(max(seconds, 0.0), 5.0))

    def _prefetch(self) -> None:
        """What the server wants downloaded beyond this playlist comes last; what cannot be read there costs nothing."""
        ahead = {content: row for content, row in self.listed.items() if content not in self.assets}
        if len(ahead) > AHEAD:
            self._fault("too_many_files", f"{len(ahead)} files are to be fetched ahead; the first {AHEAD} are", None)
        for content, row in list(ahead.items())[:AHEAD]:
            listed = table(row)
            wire = _Item.model_validate({**listed, "content_id": content})
            kind = kind_of(wire.type, packed=False)
            address = self._address(wire, content, kind, listed) if kind and kind.has_file else None
            if kind and address:
                name, size = wire.name or f"content {content}", byte_count(wire.file_size)
                self.assets[content] = WantedAsset(content, name, kind.value, address, wire.file_hash, size)

    def _fault(self, code: str, message: str, item: _Item | None) -> None:
        entry, content = (None, None) if item is None else (item.id, item.content_id or item.id)
        if len(self.faults) < FAULTS:
            self.faults.append(Fault(code, message, self.now, entry, content))
