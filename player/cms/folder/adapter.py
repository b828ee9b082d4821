"""The folder as a source of content: what it holds when it is there, and what stays when it goes.

A stick that is pulled takes its content with it, unless `copy` is set: all of it was copied before it was shown, so nothing breaks
on the screen either way.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from player.cms.folder.files import FILES, FolderFiles
from player.cms.folder.programme import MANIFEST, READ, SIGNATURE, FolderReader, suffix_of
from player.cms.folder.signature import NotSigned, checked
from player.core.content import Programme
from player.core.natural import natural_key
from player.core.ports.box import Clock
from player.errors import ServerUnreachable

USB = Path("/run/signage-player/usb")
REST_S = 1.0
MANIFEST_BYTES, TEXT_BYTES, READ_FILES = 4 * 1024 * 1024, 256 * 1024, 500


class FolderAway(ServerUnreachable):
    """There is no folder: no stick is in, or its path leads nowhere."""

    code = "no_folder"
    sentence = "{url}: {reason}"


def stick_in(mounts: Path) -> Path | None:
    """The first stick, by the name of its device; None where none is in."""
    try:
        found = [path for path in mounts.iterdir() if os.path.ismount(path)]
    except OSError:
        return None
    return min(found, key=lambda path: natural_key(path.name), default=None)


class Folder:
    """`where` says which folder it is now, None for none; `copies`: what was shown stays; `key`: whose the items are.

    `public_key`: "" where nothing has to be signed; `rest_s`: a file that was as it is for so long is at rest.
    Implements `ContentSource` and `LocalFiles`.
    """

    def __init__(
        self,
        where: Callable[[], Path | None],
        *,
        named: str,
        public_key: str,
        copies: bool,
        key: str,
        clock: Clock,
        rest_s: float = REST_S,
    ) -> None:
        self._where, self._named, self._public_key, self._copies = where, named, public_key, copies
        self._key, self._clock, self._files, self._rest_s = key, clock, FolderFiles(), rest_s
        self._turn, self._looked_at = asyncio.Lock(), -rest_s
        self.took_s = 0.0  # the last look

    def __repr__(self) -> str:
        return f"Folder({self._named})"

    @property
    def name(self) -> str:
        """What it is called on the screen."""
        return (self._files.root or Path(self._named)).name

    async def look(self) -> bool:
        """Looks through it, some time after the look before: whether there is something else to be shown."""
        async with self._turn:
            await asyncio.sleep(max(0.0, self._looked_at + self._rest_s - self._clock.monotonic()))
            self._looked_at = self._clock.monotonic()
            changed = await asyncio.to_thread(self._look)
            self.took_s = self._clock.monotonic() - self._looked_at
            return changed

    @property
    def is_there(self) -> bool:
        """As of the last look."""
        return self._files.root is not None

    def _look(self) -> bool:
        root = self._where()
        try:
            return self._files.look(root)
        except OSError:
            return self._files.look(None)

    async def programme(self) -> Programme:
        """Raises FolderAway where what was shown is to stay, NotSigned."""
        await self.look()
        if not self._files.is_known:
            await self.look()
        if not self.is_there:
            if self._copies:
                raise self.away()
            return Programme(())
        return await asyncio.to_thread(self._read)

    def away(self) -> FolderAway:
        """What is told while it is not there."""
        return FolderAway(self._named, "nothing is there; what was shown stays" if self._copies else "nothing is there")

    def _read(self) -> Programme:
        try:
            hashes = self._hashes()
            entries = {name: one for name, one in self._files.settled.items() if not self._public_key or name in hashes}
            raw = {name: self._files.read(name, TEXT_BYTES) for name in [n for n in entries if suffix_of(n) in READ][:READ_FILES]}
        except OSError as error:
            raise self.away() from error
        reader = FolderReader(entries, {}, hashes, self._clock.now().timestamp(), self._key)
        if self._files.is_cut:
            reader.complain("too_many_files", f"the folder holds more than {FILES} files; {FILES} of them are shown")
        if self._files.unnamed:
            reader.complain("bad_item", f"the name of {self._files.unnamed} is not UTF-8; it is left out until it is renamed")
        reader.texts = {name: text.decode("utf-8-sig", "replace") for name, text in raw.items() if reader.is_signed(name, text)}
        return reader.programme()

    def _hashes(self) -> Mapping[str, str]:
        """What is signed; nothing where nothing has to be."""
        if not self._public_key:
            return {}
        try:
            manifest, signature = self._files.read(MANIFEST, MANIFEST_BYTES), self._files.read(SIGNATURE, 1024)
        except FileNotFoundError as error:
            raise NotSigned(self._named, f"it has no {MANIFEST} with a {SIGNATURE}") from error
        return checked(self._named, manifest, signature, self._public_key)

    def open(self, url: str) -> IO[bytes] | None:
        """A file of the folder by its address. Raises OSError."""
        return self._files.open(url)
