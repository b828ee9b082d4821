"""Archives of applets' files: packed and unpacked by a child behind walls, one at a time on this box.

What may come is what the applet has room for: the child is told, and what it made is counted again before any of it moves. What it
wrote is charged to what the applet may write to flash, also where nothing came of it.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from player.agent.devices import unpacked
from player.agent.devices.own_folder import OwnFolder
from player.agent.devices.parts import HaveArchive
from player.core.allowance import LINE_EVERY_S, LINES_AT_ONCE, Allowance
from player.core.applet_archives import METHOD, ArchiveRoom, check_method
from player.core.applet_storage import OwnRoom
from player.folders import make_folder
from player.media.prepare.parent import PACKED, UNPACKED, ArchiveOrder

log = logging.getLogger(__name__)
EXTRACT, PACK, DECOMPRESS = "file_system.extract_file", "file_system.create_archive_file", "offline.cache.decompress_file"
ARCHIVES = (EXTRACT, PACK, DECOMPRESS)


class AppletArchives:
    """`have` has a child do it; `parts` is a folder for what is on its way, on the disk of what is kept; `mono` a monotonic clock.

    `turn` is for whoever wants one done; it comes before the applet's own.
    """

    def __init__(self, have: HaveArchive, parts: Path, mono: Callable[[], float]) -> None:
        self._have, self._parts, self._mono = have, parts, mono
        self._lines = Allowance(LINES_AT_ONCE, LINE_EVERY_S)
        self.turn = asyncio.Lock()

    async def do(self, applet: str, folder: OwnFolder, what: str, asked: Mapping[str, Any]) -> None:
        """One of `ARCHIVES`, for whoever has the folder to himself. Raises SignageError, ValueError or OSError with the reason."""
        at = self._parts / uuid4().hex
        await asyncio.to_thread(make_folder, at, 0o750)
        try:
            done = await (self._pack(folder, asked, at) if what == PACK else self._unpack(folder, what, asked, at))
        finally:
            await asyncio.to_thread(shutil.rmtree, at, ignore_errors=True)
        if self._lines.spare(self._mono()):
            log.info("the applet %s %s", applet, done)

    async def _unpack(self, folder: OwnFolder, what: str, asked: Mapping[str, Any], at: Path) -> str:
        check_method(asked.get("method", METHOD))
        room = await asyncio.to_thread(folder.room)
        source, put = await asyncio.to_thread(_extracting if what == EXTRACT else _decompressing, folder, asked)
        await self._child(folder, ArchiveOrder(room), source, at)
        made = await asyncio.to_thread(unpacked.found_in, at / UNPACKED, room)
        await asyncio.to_thread(put, made)
        return f"unpacked {source.name}: {len(made.files)} files, {made.size // 1024} KiB"

    async def _pack(self, folder: OwnFolder, asked: Mapping[str, Any], at: Path) -> str:
        target = folder.file_target(asked.get("archiveFilePath"))
        room = await asyncio.to_thread(folder.room_for, target)
        names = await asyncio.to_thread(_chosen, folder, asked.get("archiveEntries"), target)
        await self._child(folder, ArchiveOrder(ArchiveRoom(len(names), room), names), folder.files, at)
        await asyncio.to_thread(_adopt, folder, at / PACKED, target)
        return f"packed {target.name}: {len(names)} files and folders"

    async def _child(self, folder: OwnFolder, order: ArchiveOrder, source: Path, at: Path) -> None:
        try:
            await self._have(order, source, f"the archive {source.name}", at)
        finally:
            folder.spent(await asyncio.to_thread(unpacked.bytes_below, at))


Put = Callable[[unpacked.Unpacked], None]


def _extracting(folder: OwnFolder, asked: Mapping[str, Any]) -> tuple[Path, Put]:
    """The archive, and how its files come into a folder of the file system."""
    source, target = folder.at(asked.get("archiveFilePath")), folder.at(asked.get("destinationDirectoryPath"))
    if not source.is_file():
        raise ValueError("there is no such archive")
    if not target.is_dir():
        raise ValueError("the folder that it goes into is not there; make it first")
    return source, lambda made: unpacked.put_into(made, target)


def _decompressing(folder: OwnFolder, asked: Mapping[str, Any]) -> tuple[Path, Put]:
    """The archive, and how its files come into the offline cache, under uids that begin with the one that is given."""
    source, start = folder.held(OwnRoom.CACHE, asked.get("uid")), asked.get("destinationUid")
    if not isinstance(start, str) or not start.strip("/"):
        raise ValueError("destinationUid is a text")

    def put(made: unpacked.Unpacked) -> None:
        unpacked.put_as(made, {path: folder.cache_target(f"{start.rstrip('/')}/{path}") for path in made.files})

    return source, put


def _chosen(folder: OwnFolder, entries: object, target: Path) -> tuple[str, ...]:
    """What goes into an archive that becomes `target`, by the names below the folder of files: with all that is in folders."""
    names: dict[str, None] = {}
    for entry in entries if isinstance(entries, Sequence) else ():
        path = folder.at(entry)
        if not path.exists():
            raise ValueError(f"there is no {str(path.relative_to(folder.files))[:80]!r} to be packed")
        within = (path, *sorted(path.rglob("*"))) if path.is_dir() else (path,)
        names.update((str(one.relative_to(folder.files)), None) for one in within if one not in (folder.files, target))
    if not names:
        raise ValueError("archiveEntries are places of files or folders, one at the least")
    return tuple(names)


def _adopt(folder: OwnFolder, packed: Path, target: Path) -> None:
    if not unpacked.is_plain(packed):
        raise ValueError(unpacked.SOMETHING_ELSE)
    folder.adopt(packed, target, written=0)
