"""The files of applets' pages: each message as a deed in the applet's own folder, one after the other, downloads beside them.

What a page has downloaded comes by the same way as content: the same forbidden addresses, the same proxy, and no more bytes than
the applet may keep.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from player.agent.devices.applet_archives import ARCHIVES, AppletArchives
from player.agent.devices.own_folder import DRAFTS, OwnFolder
from player.agent.devices.parts import Fetch, HaveArchive
from player.core.applet_storage import OWN, PARTS, OwnRoom, own_folder, text_of
from player.core.content import WantedAsset
from player.errors import BoxError
from player.media.fetch.download import NoRoom

DOWNLOADED_S = 600.0
DOWNLOADS = ("file_system.download_file", "offline.cache.save_file")
LONGEST_URL = 2000


class AppletStorage:
    """`cache` is the cache folder; `fetch` fetches into `PARTS` there. That and what was being written are emptied at the start.

    `archives` has an archive packed or unpacked there; `spare` bytes of the disk stay free; `mono` is a monotonic clock.
    """

    def __init__(
        self, cache: Path, fetch: Fetch, archives: HaveArchive, *, spare: int, mono: Callable[[], float]
    ) -> None:  # fmt: skip
        self._root, self._fetch, self._parts, self._spare, self._mono = cache / OWN, fetch, cache / PARTS, spare, mono
        self._lines: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._folders: dict[str, OwnFolder] = {}
        self._archives = AppletArchives(archives, self._parts, mono)
        for unfinished in (self._parts, *self._root.glob(f"*/{DRAFTS}")):
            shutil.rmtree(unfinished, ignore_errors=True)

    async def do(self, applet: str, what: str, asked: Mapping[str, Any]) -> Any:
        """What the page is answered. Raises SignageError, or ValueError, with the reason."""
        try:
            if what in DOWNLOADS:
                return await self._download(applet, what, asked)
            if what in ARCHIVES:
                async with self._archives.turn, self._lines[applet]:
                    return await self._archives.do(applet, self._of(applet), what, asked)
            async with self._lines[applet]:
                return await asyncio.to_thread(_done, self._of(applet), what, asked)
        except OSError as error:
            raise BoxError("applet", f"it cannot be done: {error.strerror or 'the disk refuses'}") from error

    async def clear(self, applet: str) -> None:
        """All that an applet keeps goes."""
        async with self._lines[applet]:
            await asyncio.to_thread(self._of(applet).clear)

    def sweep(self, applets: Collection[str]) -> None:
        """What other applets than these kept goes."""
        names = {own_folder(applet) for applet in applets}
        with contextlib.suppress(OSError):
            for folder in self._root.iterdir() if self._root.is_dir() else ():
                if folder.name not in names:
                    shutil.rmtree(folder, ignore_errors=True)

    def _of(self, applet: str) -> OwnFolder:
        if applet not in self._folders:
            self._folders[applet] = OwnFolder(self._root / own_folder(applet), self._spare, self._mono)
        return self._folders[applet]

    async def _download(self, applet: str, what: str, asked: Mapping[str, Any]) -> Any:
        folder, is_cached = self._of(applet), what == "offline.cache.save_file"
        url = asked.get("uri" if is_cached else "sourceUri")
        if not isinstance(url, str) or len(url) > LONGEST_URL:
            raise ValueError(f"an address is a text of {LONGEST_URL} characters at most")
        if asked.get("headers"):
            raise ValueError("files are fetched without headers of the page's own")
        target = folder.cache_target(asked.get("uid")) if is_cached else folder.file_target(asked.get("filePath"))
        async with self._lines[applet]:
            room = await asyncio.to_thread(folder.room_for, target)
        key = hashlib.sha256(f"{applet} {uuid4().hex}".encode()).hexdigest()
        try:
            async with asyncio.timeout(DOWNLOADED_S):
                fetched = await self._fetch(WantedAsset(applet, f"a file of the applet {applet}", "file", url), key, room)
            async with self._lines[applet]:
                await asyncio.to_thread(folder.adopt, fetched.path, target)
        except NoRoom:
            raise ValueError(f"such a file has {room // 2**20} MiB at most here") from None
        except TimeoutError:
            raise BoxError("applet", f"the file was not here within {DOWNLOADED_S / 60:g} minutes") from None
        finally:
            for path in self._parts.glob(f"{key}*"):
                path.unlink(missing_ok=True)
        return await asyncio.to_thread(folder.load, asked.get("uid")) if is_cached else None


def _done(folder: OwnFolder, what: str, asked: Mapping[str, Any]) -> Any:  # noqa: C901 - one arm a message
    place, uid, kind = asked.get("filePath"), asked.get("uid"), asked.get("hashType")
    match what.removeprefix("file_system."):
        case "list_storage_units":
            return folder.units()
        case "list_files":
            return folder.listed(asked.get("directoryPath"))
        case "exists":
            return folder.exists(place)
        case "is_directory":
            return folder.is_folder(place)
        case "get_file":
            return folder.file(place)
        case "read_file":
            return folder.read(place)
        case "write_file":
            return folder.write(place, text_of(asked, "contents"))
        case "append_file":
            return folder.append(place, text_of(asked, "contents"))
        case "copy_file":
            return folder.copy(asked.get("sourceFilePath"), asked.get("destinationFilePath"), asked.get("options"))
        case "move_file":
            return folder.move(asked.get("sourceFilePath"), asked.get("destinationFilePath"), asked.get("options"))
        case "link":
            return folder.link(asked.get("sourceFilePath"), asked.get("destinationFilePath"))
        case "delete_file":
            return folder.delete(place, with_all=asked.get("recursive") is True)
        case "create_directory":
            return folder.make(asked.get("directoryPath"))
        case "get_file_checksum":
            return folder.checksum(place, kind)
        case "wipeout":
            return folder.clear()
    match what.removeprefix("offline.cache."):
        case "list_files":
            return folder.uids(OwnRoom.CACHE)
        case "load_file":
            return folder.load(uid)
        case "delete_file":
            return folder.forget(OwnRoom.CACHE, uid)
        case "get_checksum":
            return folder.checksum_of(uid, kind)
        case "validate_checksum":
            return folder.checksum_of(uid, kind) == str(asked.get("hash")).lower()
        case "list_contents":
            return folder.uids(OwnRoom.TEXTS)
        case "load_content":
            return folder.load_text(uid)
        case "save_content":
            return folder.save_text(uid, text_of(asked, "content"))
        case "delete_content":
            return folder.forget(OwnRoom.TEXTS, uid)
    raise ValueError(f"this player does not answer {what[:100]}")
