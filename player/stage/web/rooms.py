"""Rooms: what one content's pages keep (cookies, databases, caches) lies in a profile of the browser that no other's pages see.

A room is a folder below the browser's own. It is made when its content first comes, kept while that is in the programme, and
thrown away when it leaves, when it holds more than it may, or, the longest unused first, when all of them together do. No name
is given twice: a folder that the browser has not yet let go of is never somebody else's room.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MIB = 1024 * 1024
QUOTA = 50 * _MIB  # of what pages keep in databases, as the browser counts it
CACHE = 8 * _MIB
ROOM_LIMIT = QUOTA + CACHE + 22 * _MIB  # on disk: with the browser's own files of a profile, and what it writes before it tidies up
ALL_LIMIT = 256 * _MIB  # or a third of their disk, which may be memory
SHARED = "Default"  # of what runs no scripts and keeps nothing
_NAME = "room-"
# What the browser would ask the network for, or offer to people, in a profile that it has not seen before.
_PREFERENCES: dict[str, Any] = {
    "alternate_error_pages": {"enabled": False},
    "autofill": {"credit_card_enabled": False, "profile_enabled": False},
    "browser": {"has_seen_welcome_page": True, "check_default_browser": False},
    "credentials_enable_service": False,
    "download": {"prompt_for_download": False},
    "download_restrictions": 3,
    "hardware": {"screen_capture_enabled": False},  # a page that somebody touches would ask which window it may see
    "net": {"network_prediction_options": 2},
    "profile": {
        "default_content_setting_values": {"automatic_downloads": 2, "notifications": 2, "geolocation": 2},
        "mixed_forms_warnings": False,  # a page of the browser's own, which asks whether to send by plain http
    },
    "safebrowsing": {"enabled": False},
    "search": {"suggest_enabled": False},
    "signin": {"allowed": False, "allowed_on_next_startup": False},
}


@dataclass(frozen=True, slots=True)
class Judged:
    """Profiles: those whose windows have to `close` since they are full, and those to `remove`."""

    close: Collection[str]
    remove: Collection[str]


class Rooms:
    """Which profile is whose: `room_limit` bytes each at most, `all_limit` together."""

    def __init__(self, *, room_limit: int, all_limit: int) -> None:
        self._room_limit, self._all_limit = room_limit, all_limit
        self._folders: dict[str, str] = {}  # by room; the one that was used last comes last
        self._made = 0

    def __repr__(self) -> str:
        return f"<{len(self._folders)} rooms>"

    def folder(self, room: str) -> str:
        """The name of the room's profile; the shared one for ""."""
        name = self._folders.pop(room, None) if room else SHARED
        if name is None:
            self._made += 1
            name = f"{_NAME}{self._made}"
        if room:
            self._folders[room] = name
        return name

    def has(self, name: str) -> bool:
        """Whether that profile is somebody's."""
        return name == SHARED or name in self._folders.values()

    def keep_only(self, rooms: Collection[str]) -> None:
        """The programme has no others: theirs are nobody's from here on."""
        self._folders = {room: name for room, name in self._folders.items() if room in rooms}

    def judge(self, sizes: Mapping[str, int], used: Collection[str]) -> Judged:
        """What is to be done, by what `measure` found; `used` are the profiles of windows. What is full is no room any more."""
        full = {name for name, size in sizes.items() if size > self._room_limit}
        total = sum(sizes.values())
        for name in [one for one in self._folders.values() if one not in used]:
            if total <= self._all_limit:
                break
            total -= sizes.get(name, 0)
            full.add(name)
        self._folders = {room: name for room, name in self._folders.items() if name not in full}
        return Judged(full & {*used}, sizes.keys() - {*used, *self._folders.values()})


def furnish(profile: Path) -> None:
    """A browser's profile is what it finds there, so it finds what it is not to do."""
    preferences = profile / "Preferences"
    if not preferences.exists():
        with contextlib.suppress(OSError):  # it would be opened with the browser's own
            preferences.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            preferences.write_text(json.dumps(_PREFERENCES), encoding="ascii")


def measure(folder: Path) -> dict[str, int]:
    """How many bytes each room in the browser's `folder` has on disk. Blocks for as long as that takes."""
    return {path.name: _bytes_below(path) for path in folder.glob(f"{_NAME}*")}


def remove(folder: Path, names: Collection[str]) -> None:
    """Nobody's, and in no window. Blocks for as long as the disk takes."""
    for name in names:
        shutil.rmtree(folder / name, ignore_errors=True)


def room_for_all(folder: Path) -> int:
    """Bytes that all rooms together may take on the disk of `folder`."""
    return min(ALL_LIMIT, shutil.disk_usage(folder).total // 3)


def _bytes_below(folder: Path) -> int:
    """On disk; what goes away meanwhile does not count."""
    total = 0
    for at, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(at, name)).st_blocks * 512  # noqa: PTH118 - thousands of them, every few seconds
    return total
