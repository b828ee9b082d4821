"""layout.toml -> `core.content.Layout`: regions and what plays in them, written by hand; a mistake names the file and the key.

    width = 1920
    height = 1080

    [[region]]
    height = 1000

    [[region.item]]
    file = "film.mp4"

    [[region]]
    y = 1000

    [[region.item]]
    text = "Welcome"

Files are named relative to the layout's own folder. What an item is follows from what it names, unless `type` says it; each page of
a document stays for the item's duration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from player.core.content import CUT, Item, Layout, Playlist, Rect, Region, Transition, TransitionKind, WebOptions
from player.core.geometry import placed
from player.core.kinds import Kind
from player.core.urls import check_url, written_out
from player.errors import ConfigError, SignageError
from player.layout_tables import BLEND_S, ItemTable, LayoutTable, TransitionTable, WebTable, parsed

REGIONS = 8
DEFAULT_S, DRAWN_S = 10.0, 3600.0
_STREAMS = ("rtsp:", "rtmp:", "srt:", "udp:", "rtp:")


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file became: paths below the cache, the SHA-256 of its bytes; `pages` of a document, the first included;
    `cover` of a sound.

    Of a file that is still to be fetched: `content`, its content's id, alone.
    """

    kind: Kind
    file: str | None = None
    asset: str | None = None
    pages: tuple[str, ...] = ()
    content: str = ""
    cover: str | None = None

    @property
    def content_id(self) -> str:
        """The content's id."""
        return self.content or (self.asset or "")[:16]


@dataclass(frozen=True, slots=True)
class Hosts:
    """Which hosts items may name, as `core.urls.check_url` takes them."""

    youtube: tuple[str, ...]
    streams: tuple[str, ...]


# Takes a file into the cache, as the kind that is asked for or the one that it is. Raises SignageError.
TakeIn = Callable[[Path, Kind | None], Taken]


def read_layout(path: Path, take_in: TakeIn, hosts: Hosts) -> Layout:
    """The layout in `path`, each file taken in by `take_in`. Raises ConfigError, naming the file and the key."""
    return layout_of(parsed(path), path, take_in, hosts)


def layout_of(table: LayoutTable, path: Path, take_in: TakeIn, hosts: Hosts) -> Layout:
    """The layout that the tables of the file `path` say. Raises ConfigError."""
    if not table.region:
        raise ConfigError(str(path), "region", "the layout has no region; add one: [[region]] with a [[region.item]] below it")
    if len(table.region) > REGIONS:
        raise ConfigError(str(path), "region", f"there are {len(table.region)} regions; up to {REGIONS} are shown")
    regions = tuple(_LayoutReading(path, table, take_in, hosts, number).region() for number in range(len(table.region)))
    names = [region.id for region in regions]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ConfigError(str(path), f"region[{number}].id", f'"{name}" is the id of another region; give each its own')
    return Layout(path.stem, table.width, table.height, regions, table.background)


class _LayoutReading:
    """One region of the file."""

    def __init__(self, path: Path, layout: LayoutTable, take_in: TakeIn, hosts: Hosts, number: int) -> None:
        self._path, self._layout, self._take_in, self._hosts, self._number = path, layout, take_in, hosts, number
        self._table = layout.region[number]

    def region(self) -> Region:
        """The region that the table describes. Raises ConfigError."""
        table, name = self._table, self._table.id or f"region{self._number + 1}"
        if not table.item:
            raise self._mistake("item", "the region has nothing to show; add a [[region.item]] with a file, a url or a text")
        items = tuple(shown for number, item in enumerate(table.item) for shown in self._items(number, item))
        rect = placed(self._rect(), (self._layout.width, self._layout.height), [item.kind for item in items])
        if rect is None:
            size = f"{self._layout.width} x {self._layout.height}"
            raise self._mistake("", f"it lies outside the layout of {size}; change x, y, width or height")
        playlist = Playlist(name, name, items, _transition(table.transition) or CUT, table.shuffle)
        return Region(
            name, rect, playlist, self._number if table.z is None else table.z, table.fit, table.background.lower(),
            table.audible, table.volume, table.output,
        )  # fmt: skip

    def _rect(self) -> Rect:
        """As it is given; without a size, to the layout's edge."""
        table, layout = self._table, self._layout
        width = layout.width - table.x if table.width is None else table.width
        return Rect(table.x, table.y, width, layout.height - table.y if table.height is None else table.height)

    def _items(self, number: int, table: ItemTable) -> tuple[Item, ...]:
        taken = self._taken(number, table) if table.file else None
        table = msgspec.structs.replace(table, url=written_out(table.url))
        kind = taken.kind if taken else self._kind(table)
        self._check(number, table, kind)
        item = Item(
            id=f"{self._number + 1}-{number + 1}", content_id=taken.content_id if taken else table.url or kind.value,
            name=table.name or Path(table.file).name or table.url or table.text or kind.value, kind=kind,
            duration_s=_seconds(table, kind), file=taken.file if taken else None, url=table.url or None,
            asset=taken.asset if taken else None, cover=taken.cover if taken else None,
            transition=_transition(table.transition), fit=table.fit, volume=table.volume, web=_web(table.web),
            text=table.text if kind.is_drawn else None, speed=table.speed,
        )  # fmt: skip
        pages = taken.pages if taken else ()
        return (item, *(replace(item, id=f"{item.id}/{n}", file=page) for n, page in enumerate(pages[1:], 2)))

    def _check(self, number: int, table: ItemTable, kind: Kind) -> None:
        """Whether the item names one thing, of the sort that its kind has."""
        given = [key for key in ("file", "url", "text") if getattr(table, key)]
        here = f"item[{number}]"
        if len(given) > 1 or not (given or kind is Kind.CLOCK):
            said = f"it has {' and '.join(given)}" if given else "it has none of them"
            raise self._mistake(here, f"an item has one of file, url and text; {said}")
        wanted = "text" if kind.is_drawn else "file" if kind.has_file else "url"
        if given and given[0] != wanted:
            raise self._mistake(f"{here}.{given[0]}", f"an item of the type {kind} has a {wanted} instead")
        if table.url and (reason := self._refusal(table.url, kind)):
            raise self._mistake(f"{here}.url", reason)

    def _kind(self, table: ItemTable) -> Kind:
        """Of what is no file."""
        if table.type:
            return table.type
        if table.text:
            return Kind.TICKER
        if self._refusal(table.url, Kind.YOUTUBE) is None:
            return Kind.YOUTUBE
        is_stream = table.url.lower().startswith(_STREAMS) or table.url.partition("?")[0].lower().endswith((".m3u8", ".mpd"))
        return Kind.LIVESTREAM if is_stream else Kind.WEB

    def _refusal(self, url: str, kind: Kind) -> str | None:
        return check_url(url, kind, youtube_hosts=self._hosts.youtube, stream_hosts=self._hosts.streams)

    def _taken(self, number: int, table: ItemTable) -> Taken:
        try:
            return self._take_in(self._path.parent / table.file, table.type)
        except SignageError as error:
            raise self._mistake(f"item[{number}].file", str(error)) from error

    def _mistake(self, key: str, problem: str) -> ConfigError:
        return ConfigError(str(self._path), f"region[{self._number}]" + (f".{key}" if key else ""), problem)


def _seconds(table: ItemTable, kind: Kind) -> float:
    if table.duration is not None:
        return table.duration
    return 0.0 if not kind.needs_duration else DRAWN_S if kind.is_drawn else DEFAULT_S


def _transition(given: TransitionKind | TransitionTable | None) -> Transition | None:
    if given is None:
        return None
    kind, seconds = (given.type, given.duration) if isinstance(given, TransitionTable) else (given, BLEND_S)
    return CUT if kind is TransitionKind.CUT else Transition(kind, seconds)


def _web(table: WebTable) -> WebOptions:
    return WebOptions(table.zoom, table.scroll_y, table.reload_s, table.user_agent or None, dict(table.headers))
