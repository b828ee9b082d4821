"""Where what an applet keeps is on this box, under which names and addresses, and how much of it there may be (pure).

An applet has a folder of its own below the cache, with three rooms: its file system, the files and the texts of its offline cache.
Its page finds the first two under addresses of its own origin that begin with `SERVED`, so that it reads what is its own and
nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from player.core.applet_files import LARGEST_FILE, MOST_FILES, clean_path

OWN, PARTS = "applets/own", "applets/parts"  # below the cache folder: what they keep, and what is on its way
SERVED = "/.signage-own/"
LARGEST_OWN = 128 * 1024 * 1024  # bytes of one applet
LARGEST_TEXT = 128 * 1024  # bytes of what goes through a message, either way
UNIT = "internal"
LONGEST_NAME = 200  # of a cached file, as it is written


class OwnRoom(StrEnum):
    """The folders in an applet's own folder."""

    FILES = "files"
    CACHE = "cache"
    TEXTS = "texts"


def own_folder(applet: str) -> str:
    """What the folder of that applet is called, whatever the applet is: one name below `OWN`."""
    return hashlib.sha256(applet.encode(errors="replace")).hexdigest()[:32]


def address_of(room: OwnRoom, path: str) -> str:
    """Under which address of its own origin the page finds a file, which has that `path` in its room.

    A cached file whose uid is a path has it in its address too: a page that was unpacked there finds what lies beside it.
    """
    uid = PurePosixPath(uid_of(path))
    is_path = len(uid.parts) > 1 and str(uid) == uid_of(path) and ".." not in uid.parts and not uid.is_absolute()
    return quote(f"{SERVED}{room}/{uid if room is OwnRoom.CACHE and is_path else path}")


def file_of(asked: str) -> str:
    """The file below an applet's own folder that an address means, of which `asked` stands behind `SERVED`. Raises ValueError."""
    path = unquote(asked)
    room, _, rest = path.partition("/")
    return f"{room}/{name_of(rest)}" if room == OwnRoom.CACHE and "/" in rest else path


def place_of(given: object) -> str:
    """The path of a library's `{storageUnit, filePath}` in the room of files; "" is that room itself. Raises ValueError."""
    place = given if isinstance(given, Mapping) else {}
    unit, path = place.get("storageUnit"), place.get("filePath")
    if not isinstance(unit, Mapping) or unit.get("type") != UNIT:
        raise ValueError(f"a file's place is {{storageUnit, filePath}}, and this box has one storage unit, {UNIT}")
    if path in ("", ".", "/"):
        return ""
    return clean_path(path if isinstance(path, str) else "..")


def name_of(uid: object) -> str:
    """What the cached file of that uid is called on disk. Raises ValueError."""
    if not isinstance(uid, str) or not uid:
        raise ValueError("uid is a text")
    name = quote(uid, safe="", errors="replace")
    name = f"%2E{name[1:]}" if name.startswith(".") else name
    if len(name) > LONGEST_NAME:
        raise ValueError(f"a uid has {LONGEST_NAME} bytes at most")
    return name


def uid_of(name: str) -> str:
    """The uid whose file is called so."""
    return unquote(name)


def text_of(asked: Mapping[str, Any], name: str) -> str:
    """A field that has to be a text. Raises ValueError."""
    found = asked.get(name)
    if isinstance(found, str) and len(found.encode(errors="replace")) <= LARGEST_TEXT:
        return found
    raise ValueError(f"{name} is a text of {LARGEST_TEXT // 1024} KiB at most")


def check_room(held: Sequence[int], size: int, replaced: int | None) -> None:
    """Whether a file of `size` bytes fits beside those that are `held`, in the place of one of `replaced`. Raises ValueError."""
    if size > LARGEST_FILE:
        raise ValueError(f"a file has {LARGEST_FILE // 2**20} MiB at most")
    if replaced is None and len(held) >= MOST_FILES:
        raise ValueError(f"an applet keeps {MOST_FILES} files and folders at most; delete some")
    if sum(held) - (replaced or 0) + size > LARGEST_OWN:
        raise ValueError(f"an applet keeps {LARGEST_OWN // 2**20} MiB at most; delete some")
