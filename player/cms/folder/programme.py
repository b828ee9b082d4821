"""The files of a folder -> `core.content.Programme`: in the order of their names, or as `playlist.toml` says. Pure.

Files that lie in the folder itself are shown one after the other over the whole screen; texts run below them. A folder in it is a
playlist that a schedule may name. What is no content is left out with a fault, and the rest is shown.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

from player.cms.folder.files import FolderFile
from player.core.content import FULL_SCREEN, Item, Layout, Playlist, Programme, Rect, Region, WantedAsset, full_screen
from player.core.faults import Fault
from player.core.kinds import Kind
from player.core.natural import natural_key
from player.core.schedule import Rule, parse_time
from player.core.urls import check_url, written_out
from player.errors import ConfigError, StorageError
from player.layout_file import Hosts, Taken, layout_of
from player.layout_tables import LayoutTable, PlaylistTable, ScheduleTable, read_tables

T = TypeVar("T")

PLAYLIST, MANIFEST, SIGNATURE = "playlist.toml", "manifest.json", "manifest.sig"
STAYS_S, STRIP = 10.0, 80  # of pictures and pages, seconds; the height of the line of text, of 1080
FAULTS, WORDS = 100, 4000
HOSTS = Hosts(("youtube.com", "youtu.be"), ())
_DAYS = {"mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6, "sun": 7}
_KINDS: Mapping[Kind, str] = {
    Kind.IMAGE: "jpg jpeg png gif webp avif heic heif svg bmp tif tiff",
    Kind.VIDEO: "mp4 m4v mov mkv webm avi mpg mpeg ts m2ts wmv ogv flv",
    Kind.AUDIO: "mp3 aac m4a flac ogg oga opus wav",
    Kind.PDF: "pdf",
    Kind.PACKAGE: "zip html htm",
}
_OF_SUFFIX = {f".{suffix}": kind for kind, suffixes in _KINDS.items() for suffix in suffixes.split()}
_ADDRESS, _TEXT = (".url",), (".txt",)
READ = (*_ADDRESS, *_TEXT, ".toml")  # what is read itself, and not shown from a file


def kind_of_name(name: str) -> Kind | None:
    """As what a file is shown, by its ending; None where it is none that is."""
    return _OF_SUFFIX.get(suffix_of(name))


def suffix_of(name: str) -> str:
    """In small letters, with its dot."""
    return PurePosixPath(name).suffix.lower()


@dataclass(slots=True)
class FolderReader:
    """Makes one programme of the `entries`. `texts`: what stands in those that are `READ`; `hashes`: what each must hash to.

    `now` is when faults began; the items are `server`'s.
    """

    entries: Mapping[str, FolderFile]
    texts: Mapping[str, str]
    hashes: Mapping[str, str]
    now: float
    server: str
    faults: list[Fault] = field(default_factory=list)
    assets: dict[str, WantedAsset] = field(default_factory=dict)
    _layouts: dict[str, Layout] = field(default_factory=dict)

    def programme(self) -> Programme:
        """What the folder shows, and when."""
        tables = self._tables(PLAYLIST, PlaylistTable)
        default = self._guarded(PLAYLIST, lambda: self._drawn(PLAYLIST, tables)) if tables and tables.region else None
        default = default or self._plain("")
        self._layouts.setdefault(default.id, default)
        schedules = tables.schedule if tables else ()
        rules = [rule for number, table in enumerate(schedules) if (rule := self._rule(number, table)) is not None]
        layouts = tuple(_owned(layout, self.server) for layout in self._layouts.values())
        return Programme(layouts, tuple(rules), default.id, assets=tuple(self.assets.values()), faults=tuple(self.faults[:FAULTS]))

    def complain(self, code: str, message: str) -> None:
        """What is wrong with the folder as a whole."""
        self.faults.append(Fault(code, message, self.now))

    def is_signed(self, name: str, content: bytes) -> bool:
        """Whether what was read is what was signed, where anything has to be; else that is told."""
        if name not in self.hashes or hashlib.sha256(content).hexdigest() == self.hashes[name]:
            return True
        self._fault("hash_mismatch", f"{name} is not what was signed; it is left out", name)
        return False

    # --- what playlist.toml says

    def _tables(self, name: str, kind: type[PlaylistTable]) -> PlaylistTable | None:
        return self._guarded(name, lambda: read_tables(self.texts[name], name, kind)) if name in self.texts else None

    def _guarded(self, name: str, make: Callable[[], T]) -> T | None:
        """A mistake in a file costs that file."""
        try:
            return make()
        except ConfigError as error:
            self._fault("bad_layout", str(error), name)
            return None

    def _drawn(self, name: str, tables: LayoutTable) -> Layout:
        layout = layout_of(tables, Path(name), self._taken, HOSTS)
        return replace(layout, regions=tuple(_told_apart(region, name) for region in layout.regions))

    def _taken(self, path: Path, kind: Kind | None) -> Taken:
        name = path.as_posix()
        entry, found = self.entries.get(name), kind or _OF_SUFFIX.get(suffix_of(name))
        if entry is None:
            raise StorageError(name, "is not in the folder")
        if found is None:
            raise StorageError(name, "is no file that the player shows")
        self._want(entry, found.asked)
        return Taken(found.asked, content=name)

    def _rule(self, number: int, table: ScheduleTable) -> Rule | None:
        layout = self._scheduled(f"schedule[{number}]", table)
        if layout is None:
            return None
        self._layouts.setdefault(layout.id, layout)
        return Rule(
            f"schedule {number + 1}", frozenset(_DAYS[day] for day in table.days) or frozenset(_DAYS.values()),
            parse_time(table.start_time), parse_time(table.end_time), table.start_date, table.end_date, table.priority,
            layout=layout.id, name=table.name,
        )  # fmt: skip

    def _scheduled(self, where: str, table: ScheduleTable) -> Layout | None:
        """What a schedule names."""
        if bool(table.layout) == bool(table.playlist):
            self._fault("bad_layout", f"{PLAYLIST}: {where}: it names either a layout (a file) or a playlist (a folder)", PLAYLIST)
            return None
        if table.playlist:
            folder = table.playlist.strip("/")
            if not any(name.startswith(f"{folder}/") for name in self.entries):
                self._fault("bad_layout", f'{PLAYLIST}: {where}.playlist: there is no folder "{folder}" with files in it', PLAYLIST)
                return None
            return self._plain(folder)
        if table.layout in self._layouts:
            return self._layouts[table.layout]
        if table.layout not in self.texts:
            self._fault("bad_layout", f'{PLAYLIST}: {where}.layout: there is no file "{table.layout}"', PLAYLIST)
            return None
        name = table.layout
        return self._guarded(name, lambda: self._drawn(name, read_tables(self.texts[name], name, LayoutTable)))

    # --- files in the order of their names

    def _plain(self, folder: str) -> Layout:
        """The files of one folder; texts run below the others, or alone over the whole screen."""
        here = [entry for entry in self.entries.values() if _parent(entry.name) == folder]
        items = [(entry, self._item(entry)) for entry in sorted(here, key=lambda entry: natural_key(entry.name))]
        shown = tuple(item for _, item in items if item and item.kind is not Kind.TICKER)
        lines = tuple(item for _, item in items if item and item.kind is Kind.TICKER)
        name = folder or "folder"
        if not lines:
            return replace(full_screen(Playlist(name, name, shown)), id=name)
        width, height = FULL_SCREEN.width, FULL_SCREEN.height
        strip = STRIP if shown else height
        regions = (
            Region("main", Rect(0, 0, width, height - strip), Playlist(name, name, shown)),
            Region("text", Rect(0, height - strip, width, strip), Playlist(f"{name} text", name, lines), z=1),
        )
        return Layout(name, width, height, regions if shown else regions[1:])

    def _item(self, entry: FolderFile) -> Item | None:
        suffix, name = suffix_of(entry.name), PurePosixPath(entry.name).name
        if entry.name in (PLAYLIST, MANIFEST, SIGNATURE) or suffix == ".toml":
            return None
        if suffix in _TEXT:
            words = " ".join(self.texts.get(entry.name, "").split())[:WORDS]
            return Item(entry.name, entry.name, name, Kind.TICKER, 0.0, text=words) if words else None
        if suffix in _ADDRESS:
            return self._link(entry, name)
        kind = _OF_SUFFIX.get(suffix)
        if kind is None:
            self._fault("unsupported_type", f"{entry.name} is no file that the player shows; it is left out", entry.name)
            return None
        self._want(entry, kind)
        return Item(entry.name, entry.name, name, kind, STAYS_S if kind.needs_duration else 0.0, file_hash=self._version(entry))

    def _link(self, entry: FolderFile, name: str) -> Item | None:
        address = address_in(self.texts.get(entry.name, ""))
        if check_url(address, Kind.WEB, youtube_hosts=(), stream_hosts=()) is not None and not address.startswith(_STREAMS):
            self._fault("bad_url", f"{entry.name} holds no address that may be opened; it is left out", entry.name)
            return None
        kind = _kind_of(address)
        return Item(entry.name, entry.name, name, kind, STAYS_S if kind.needs_duration else 0.0, url=address)

    def _want(self, entry: FolderFile, kind: Kind) -> None:
        name = PurePosixPath(entry.name).name
        self.assets[entry.name] = WantedAsset(entry.name, name, kind.value, entry.url, self._version(entry), entry.size)

    def _version(self, entry: FolderFile) -> str:
        return self.hashes.get(entry.name) or entry.version

    def _fault(self, code: str, message: str, name: str) -> None:
        self.faults.append(Fault(code, message, self.now, None, name))


_STREAMS = ("rtsp://", "rtmp://", "srt://", "udp://", "rtp://")


def _kind_of(address: str) -> Kind:
    """Of an address: a video of YouTube, a stream, or a page."""
    if check_url(address, Kind.YOUTUBE, youtube_hosts=HOSTS.youtube, stream_hosts=()) is None:
        return Kind.YOUTUBE
    is_stream = address.startswith(_STREAMS) or address.partition("?")[0].lower().endswith((".m3u8", ".mpd"))
    return Kind.LIVESTREAM if is_stream else Kind.WEB


def address_in(text: str) -> str:
    """Of a link file as desktops write it (`URL=…`), else its first line."""
    found = re.search(r"^\s*URL\s*=\s*(\S+)", text, re.IGNORECASE | re.MULTILINE)
    lines = text.split("\n", 1)
    return written_out(found[1] if found else lines[0])


def _parent(name: str) -> str:
    return name.rpartition("/")[0]


def _told_apart(region: Region, layout: str) -> Region:
    """Two layouts may call their items alike."""
    items = tuple(replace(item, id=f"{layout} {item.id}") for item in region.playlist.items)
    return replace(region, playlist=replace(region.playlist, items=items))


def _owned(layout: Layout, server: str) -> Layout:
    regions = []
    for region in layout.regions:
        items = tuple(replace(item, server=server) for item in region.playlist.items)
        regions.append(replace(region, playlist=replace(region.playlist, items=items)))
    return replace(layout, regions=tuple(regions))
