"""What was read of a Screenzzie server -> `core.content.Programme`: its words stop here, and what is wrong costs itself alone.

Pure. Each schedule that reaches this screen is a rule, in the screen's own zone; each playlist or sequence that something names is
a layout of one region. What the screen has now, else what it has by default, is shown where no rule is. A sequence is its playlists
one after the other, written out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from player.cms.screenzzie.words import (
    DAY_S,
    WireMedia,
    WirePlaylist,
    WirePlaylistItem,
    WireSchedule,
    WireScreen,
    WireSequence,
    WireSequenceItem,
    web_options,
)
from player.cms.wire import table
from player.core import content
from player.core.content import Item, Layout, Programme, WantedAsset, full_screen
from player.core.faults import Fault
from player.core.kinds import Kind
from player.core.plaintext import without_logins
from player.core.schedule import Rule

ITEMS, FAULTS, REPEATS = 10_000, 100, 1000
MOST_ITEMS = 2 * ITEMS  # of all playlists and sequences
DEFAULT_S = 10.0
_SPECIFIC = {"all_screens": 0, "screen_group": 1, "multiple_screens": 2, "screen": 3}
_FILES = {"image": Kind.IMAGE, "video": Kind.VIDEO}


class Named(NamedTuple):
    """What a schedule or a screen names: a "playlist" or a "sequence", by its id."""

    kind: str
    id: str

    @property
    def layout(self) -> str:
        """The id of its layout."""
        return f"{self.kind} {self.id}"


def source_of(playlist: str | None, sequence: str | None) -> Named | None:
    """Of the two what is named, the playlist first."""
    return Named("playlist", playlist) if playlist else Named("sequence", sequence) if sequence else None


def standing(screen: WireScreen) -> tuple[Named, ...]:
    """What the screen shows where no schedule is on air, the first that is there."""
    now = source_of(screen.current_playlist, None), source_of(None, screen.current_sequence)
    otherwise = source_of(screen.default_playlist, None), source_of(None, screen.default_sequence)
    return tuple(dict.fromkeys(one for one in (*now, *otherwise) if one is not None))


def is_within(schedule: WireSchedule, screen: WireScreen) -> bool:
    """Whether it is active, and of the screen's workspace or of none."""
    return schedule.is_active is not False and schedule.workspace in (None, screen.workspace)


def problem_of(schedule: WireSchedule) -> str:
    """What it lacks to be a rule; "" where it is whole but for its times."""
    if schedule.id is None:
        return "it has no id"
    if schedule.target not in _SPECIFIC:
        return f'its target "{(schedule.target or "")[:40]}" is not known'
    if source_of(schedule.playlist, schedule.sequence) is None:
        return "it names neither a playlist nor a sequence"
    return ""


def reaches(schedule: WireSchedule, screen: WireScreen, chosen: Collection[str | None]) -> bool:
    """Whether it is for this screen. `chosen`: the ids of schedules for several screens that name this one."""
    match schedule.target:
        case "all_screens":
            return True
        case "screen_group":
            return schedule.group is not None and schedule.group == screen.group
        case "multiple_screens":
            return schedule.id in chosen
        case "screen":
            return schedule.screen is not None and schedule.screen == screen.id
        case _:
            return False


@dataclass(frozen=True, slots=True)
class ReadLibrary:
    """What was read, by id. What is not in it does not exist there, and was told."""

    playlists: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sequences: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    media: Mapping[str, WireMedia] = field(default_factory=dict)

    def has(self, source: Named) -> bool:
        """Whether it was read."""
        return source.id in (self.playlists if source.kind == "playlist" else self.sequences)


@dataclass(slots=True)
class ScreenzzieReader:
    """Makes one programme, of which the items are `server`'s. `absolute` makes an address whole; `now` is when faults began."""

    screen: WireScreen
    library: ReadLibrary
    now: float
    absolute: Callable[[str], str]
    server: str
    faults: list[Fault] = field(default_factory=list)
    assets: dict[str, WantedAsset] = field(default_factory=dict)
    _layouts: dict[str, Layout] = field(default_factory=dict)
    _written: int = 0  # items in all layouts

    def programme(self, schedules: Collection[WireSchedule]) -> Programme:
        """With the schedules that reach the screen."""
        rules = tuple(rule for rule in map(self._rule, schedules) if rule is not None)
        standing_by = [self._layout(source) for source in standing(self.screen) if self.library.has(source)]
        default = next((one for one in standing_by if one.regions[0].playlist.items), None)
        return Programme(
            tuple(self._layouts.values()), rules, default.id if default else None,
            assets=tuple(self.assets.values()), faults=tuple(self.faults),
        )  # fmt: skip

    @property
    def zone(self) -> ZoneInfo | None:
        """The screen's own; None: the device's."""
        return zone_of(self.screen.timezone)

    def _rule(self, schedule: WireSchedule) -> Rule | None:
        source = source_of(schedule.playlist, schedule.sequence)
        if source is None or not self.library.has(source):
            return None
        zone = self.zone
        try:
            times = schedule.times(zone)
        except ValueError as error:
            self._fault("bad_rule", f"{schedule} is left out: {error}")
            return None
        return Rule(
            schedule.id or "", **times, priority=round(min(max(schedule.priority or 0, 0), 100)),
            layout=self._layout(source).id, name=schedule.name or "", zone=zone.key if zone else None,
            specificity=_SPECIFIC[schedule.target or ""], updated_at=schedule.updated_at or 0.0,
        )  # fmt: skip

    def _layout(self, source: Named) -> Layout:
        if source.layout not in self._layouts:
            if self._written >= MOST_ITEMS:
                self._fault("shortened", f"the schedules name more than {MOST_ITEMS} items in all; what comes after is empty")
                made = content.Playlist(source.id, "")
            else:
                made = self._of_playlist(source.id) if source.kind == "playlist" else self._of_sequence(source.id)
            self._written += len(made.items)
            self._layouts[source.layout] = replace(full_screen(made), id=source.layout)
        return self._layouts[source.layout]

    # --- sequences

    def _of_sequence(self, name: str) -> content.Playlist:
        wire = WireSequence.model_validate(self.library.sequences[name])
        parts = sorted(_parts(wire), key=lambda part: part[0])
        written_out = (item for _, part in parts for item in self._part(part, wire.name or name))
        items = list(islice(written_out, ITEMS + 1))
        if len(items) > ITEMS:
            self._fault("shortened", f'the sequence "{wire.name or name}" is longer than {ITEMS} items; these are shown')
        return content.Playlist(name, wire.name or "", tuple(_told_apart(items[:ITEMS])))

    def _part(self, part: WireSequenceItem, name: str) -> Iterator[Item]:
        if part.playlist is None or part.playlist not in self.library.playlists:
            self._fault("bad_item", f'the sequence "{name}" names a playlist that is not there; the others are shown')
            return
        items = self._layout(Named("playlist", part.playlist)).regions[0].playlist.items
        if part.duration is not None and part.duration > 0 and items:
            yield from self._lasting(items, min(part.duration, DAY_S))
            return
        for _ in range(min(max(round(part.repeat or 1), 1), REPEATS)):
            yield from items

    def _lasting(self, items: tuple[Item, ...], left_s: float) -> Iterator[Item]:
        """Round and round for so many seconds; the last one is cut where they end."""
        for number in range(ITEMS):
            item = items[number % len(items)]
            media = self.library.media.get(item.content_id)
            lasts_s = item.duration_s or (media.duration if media else None) or DEFAULT_S
            yield replace(item, duration_s=left_s) if lasts_s > left_s else item
            left_s -= lasts_s
            if left_s < 1:
                return

    # --- playlists

    def _of_playlist(self, name: str) -> content.Playlist:
        raw = self.library.playlists[name]
        wire, numbered = WirePlaylist.model_validate(raw), isinstance(raw.get("id"), int)
        found = wire.items or []
        if len(found) > ITEMS:
            self._fault("shortened", f'the playlist "{wire.name or name}" is {len(found)} items long; the first {ITEMS} are shown')
        kept: list[tuple[float, Item]] = []
        for index, row in enumerate(map(table, found[:ITEMS])):
            entry = WirePlaylistItem.model_validate(row)
            item = self._item(entry, index, wire.name or name)
            if item is not None:
                numbers = _numbers(row) + (("playlist_id",) if numbered else ())
                kept.append((index if entry.position is None else entry.position, replace(item, numbers=numbers)))
        items = (item for _, item in sorted(kept, key=lambda pair: pair[0]))
        return content.Playlist(name, wire.name or "", tuple(_told_apart(items)))

    def _item(self, entry: WirePlaylistItem, index: int, playlist: str) -> Item | None:
        where = f'item {index + 1} of the playlist "{playlist}"'
        match (entry.kind or ("media" if entry.media else "")).strip().lower():
            case "media":
                return self._of_media(entry, where)
            case "website":
                return self._of_page(entry, where)
            case other:
                self._fault("unsupported_type", f'{where} is of the type "{other[:40]}"; it is left out', entry)
                return None

    def _of_media(self, entry: WirePlaylistItem, where: str) -> Item | None:
        media = self.library.media.get(entry.media or "")
        if media is None or entry.media is None:
            self._fault("bad_item", f"{where} names a file that is not there; it is left out", entry)
            return None
        kind = _FILES.get((media.kind or "").strip().lower())
        if kind is None:
            self._fault("unsupported_type", f'{where} is a file of the type "{(media.kind or "")[:40]}"; it is left out', entry)
            return None
        address = self._address(media.url)
        if address is None:
            self._fault("bad_url", f"{where} has a file without an address; it is left out", entry)
            return None
        name = media.name or entry.media
        size = round(media.size) if media.size is not None and 0 < media.size < 2**50 else None
        self.assets[entry.media] = WantedAsset(entry.media, name, kind.value, address, media.updated_at, size)
        return self._made(entry, where, entry.media, name, kind, file_hash=media.updated_at)

    def _of_page(self, entry: WirePlaylistItem, where: str) -> Item | None:
        address = entry.config.get("url")
        if not isinstance(address, str) or not address.strip():
            self._fault("bad_url", f"{where} is a page without an address; it is left out", entry)
            return None
        plain = without_logins(address)[:200]  # whatever is called so is shown, and told
        made = self._made(entry, where, entry.id or plain, plain, Kind.WEB)
        return replace(made, url=address, web=web_options(entry.config))

    def _made(
        self, entry: WirePlaylistItem, where: str, content_id: str, name: str, kind: Kind, *, file_hash: str | None = None
    ) -> Item:
        seconds = self._seconds(entry, where, kind)
        return Item(entry.id or content_id, content_id, name, kind, seconds, file_hash=file_hash, server=self.server)

    def _seconds(self, entry: WirePlaylistItem, where: str, kind: Kind) -> float:
        """1 s to 24 h; where nothing is said, 10, and 0 for what has a length of its own."""
        asked = entry.duration
        if asked is not None and not 0 <= asked <= DAY_S:
            self._fault("bad_duration", f"{where} is to stay {asked:g} seconds; a sensible time is used", entry)
        if not kind.needs_duration:
            return min(max(asked or 0.0, 0.0), DAY_S)
        return min(max(asked, 1.0), DAY_S) if asked else DEFAULT_S

    def _address(self, url: str | None) -> str | None:
        try:
            return self.absolute(url) if url else None
        except ValueError:  # what urllib cannot take apart
            return None

    def _fault(self, code: str, message: str, entry: WirePlaylistItem | None = None) -> None:
        of = (None, None) if entry is None else (entry.id, entry.media or entry.id)
        if len(self.faults) < FAULTS:
            self.faults.append(Fault(code, message, self.now, *of))


def zone_of(name: str | None) -> ZoneInfo | None:
    """The zone of that name; None where there is none."""
    try:
        return ZoneInfo(name) if name and re.fullmatch(r"[\w+-]+(/[\w+-]+)*", name) else None
    except (LookupError, ValueError, OSError):
        return None


def playlists_of(sequence: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of a sequence's playlists, each once."""
    return tuple(dict.fromkeys(part.playlist for _, part in _parts(WireSequence.model_validate(sequence)) if part.playlist))


def media_of(playlist: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of a playlist's files, each once."""
    entries = (WirePlaylistItem.model_validate(table(row)) for row in (WirePlaylist.model_validate(playlist).items or [])[:ITEMS])
    return tuple(dict.fromkeys(entry.media for entry in entries if entry.media))


def _parts(sequence: WireSequence) -> list[tuple[float, WireSequenceItem]]:
    found = [WireSequenceItem.model_validate(table(row)) for row in (sequence.items or [])[:ITEMS]]
    return [(index if part.position is None else part.position, part) for index, part in enumerate(found)]


def _numbers(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Which of an entry's ids came as numbers, by their names in a proof of play."""
    names = {"item_id": "id", "content_id": "mediaId"}
    return tuple(name for name, key in names.items() if isinstance(raw.get(key), int))


def _told_apart(items: Iterator[Item] | list[Item]) -> Iterator[Item]:
    """Each with an id of its own: what comes again in a sequence is another item."""
    seen: dict[str, int] = {}
    for item in items:
        seen[item.id] = seen.get(item.id, 0) + 1
        yield item if seen[item.id] == 1 else replace(item, id=f"{item.id}#{seen[item.id]}")
