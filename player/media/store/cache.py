"""The media store: files named by their SHA-256 below `media/`, what was prepared from them below `prepared/`, parts in `part/`.

Content-addressed: a file's name is its content, so the same clip under ten ids is kept once, and damage can be found. The index
(which revision is which file) is a snapshot inside the folder: both may be wiped at any time and are filled again.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from player.core.ports.box import Clock
from player.core.wear import A_MINUTE, for_changes
from player.errors import StorageError
from player.media.fetch.transfer import Fetched
from player.media.filetype import HEAD_BYTES
from player.media.store.catalogue import Catalogue
from player.media.store.index import CacheFigures, Derived, Index, Stored, suffix_of
from player.media.store.safe_folder import SafeFolder
from player.store import Snapshot

_NAME = re.compile(r"([0-9a-f]{64})(?:\.[a-z0-9]{2,4})?")
_SAVE_EVERY = 32


class Cache:
    """The store below `folder`, `limit_bytes` large at most (which the plan sees to). `files`: what is known of what is in it."""

    def __init__(self, folder: Path, clock: Clock, limit_bytes: int) -> None:
        self.folder, self.limit_bytes, self._clock = folder, limit_bytes, clock
        self.safe_folder = SafeFolder(folder)
        self._snapshot = Snapshot(folder / "index.json", Index)
        self.files = Catalogue(clock)
        self._growing: set[str] = set()
        self._wear = for_changes(A_MINUTE)

    @property
    def parts(self) -> Path:
        """The folder in which downloads grow until they are whole."""
        return self.folder / "part"

    @property
    def prepared(self) -> Path:
        """Where what is prepared from files goes."""
        return self.folder / "prepared"

    async def open(self) -> None:
        """Makes the folders, reads the index, and takes in files that a crash kept from being indexed. Raises StorageError."""
        self.files.take(await asyncio.to_thread(self._read))

    def _read(self) -> Index:
        for name in ("media", "prepared", "part"):
            with self.safe_folder.folder(name):
                pass
        index = self._snapshot.read_or(Index())
        for shard in self.safe_folder.names("media"):
            if not re.fullmatch("[0-9a-f]{2}", shard):
                continue
            for name in self.safe_folder.names("media", shard):
                self._take_in(index, f"media/{shard}/{name}", name)
        return index

    def _take_in(self, index: Index, file: str, name: str) -> None:
        match = _NAME.fullmatch(name)
        if not match or match[1] in index.files:
            return
        found = self.safe_folder.stat(file)
        if found is not None:
            index.files[match[1]] = Stored(match[1], found.st_size, file, found.st_mtime_ns)

    async def save(self) -> None:
        """Writes the index, where it changed; where it is large and was written just now, that is put off until it is asked again.

        A power cut loses little by it: what a file was prepared as, and which revision it was called.
        """
        if self.files.unsaved and self._wear.wait_s(self._clock.monotonic()) <= 0:
            size = await asyncio.to_thread(self._write, self.files.whole())
            self._wear.spend(size, self._clock.monotonic())

    def _write(self, index: Index) -> int:
        self._snapshot.write(index)
        return self._snapshot.path.stat().st_size

    async def _save_in_time(self) -> None:
        """Now and then, not at each file: ten thousand files would wear the flash with indexes; a lost entry costs one download."""
        if self.files.unsaved >= _SAVE_EVERY:
            await self.save()

    def figures(self) -> CacheFigures:
        """How many files there are and how large they are, for the status."""
        held = self.files.held()
        return CacheFigures(sum(one.size for one in held), self.limit_bytes, len(held))

    async def free_bytes(self) -> int:
        """What the file system has left."""
        return await asyncio.to_thread(self.safe_folder.free_bytes)

    def part_bytes(self, keys: Iterable[str]) -> int:
        """Disk that the parts of these revisions take already."""
        found = (self.safe_folder.root / "part" / f"{key}.part" for key in keys)
        return sum(path.stat().st_blocks * 512 for path in found if path.is_file() and not path.is_symlink())

    async def adopt(self, fetched: Fetched, key: str, name: str, content_id: str) -> Stored:
        """Takes a whole, synced file out of the folder of parts. Raises StorageError."""
        stored = await asyncio.to_thread(self._adopt, fetched, key, name)
        self.files.add(stored)
        self.files.call(key, stored.sha256, content_id)
        if not fetched.verified:
            self.files.name_validators(key, fetched.validators)
        await self._save_in_time()
        return self.files.get(stored.sha256) or stored

    def _adopt(self, fetched: Fetched, key: str, name: str) -> Stored:
        try:
            with fetched.path.open("rb") as part:
                suffix = suffix_of(part.read(HEAD_BYTES))
        except OSError as error:
            raise StorageError(str(fetched.path), f"vanished before it was kept ({error.strerror}): it is fetched again") from error
        file = f"media/{fetched.sha256[:2]}/{fetched.sha256}{suffix}"
        found = self.safe_folder.move_in(fetched.path, file)
        self.safe_folder.remove(f"part/{key}.json")
        now = self._clock.now().timestamp()
        return Stored(
            fetched.sha256, fetched.size, file, found.st_mtime_ns, name, verified=fetched.verified, used_at=now, checked_at=now
        )

    async def add_derived(self, sha256: str, derived: Derived) -> None:
        """Lets the stage read what was prepared, and notes it; what stands there for another panel stays until it is swept."""
        if self.files.get(sha256) is not None:
            for place in derived.places:
                await asyncio.to_thread(self.safe_folder.share, place)
            self.files.add_derived(sha256, derived)
            await self._save_in_time()

    async def settle(self) -> None:
        """Before anything that survives a power cut says that what came is here: so does that. Raises StorageError."""
        await asyncio.to_thread(self.safe_folder.settle)

    async def evict(self, sha256: str) -> None:
        """Removes a file and what was prepared from it. Raises StorageError."""
        stored = self.files.forget(sha256)
        if stored is not None:
            await asyncio.to_thread(self._remove, stored)
            await self._save_in_time()

    def _remove(self, stored: Stored) -> None:
        for file in {stored.file}.union(*(d.places for d in stored.derived)):
            self.safe_folder.remove(file)

    @contextlib.contextmanager
    def growing(self, key: str) -> Iterator[None]:
        """Keeps the part of `key` from being swept while it is fetched beside the programme."""
        self._growing.add(key)
        try:
            yield
        finally:
            self._growing.discard(key)

    async def sweep(self, *, panels: Collection[str], keep_files: Collection[str], keep_parts: Collection[str]) -> None:
        """Removes what was prepared for other panels, or from files that are gone, and parts that nothing waits for.

        `keep_files` (as in `Item.file`) stay in any case: the manifest that plays names them.
        """
        known = self.files.keep_derived(panels, keep_files) | {"/".join(file.split("/")[:2]) for file in keep_files}
        missing = {key for key in keep_parts if self.files.find(key) is None}  # a part of what is here is what a crash left
        await asyncio.to_thread(self._sweep, known, self._growing | missing)

    def _sweep(self, prepared: Collection[str], parts: Collection[str]) -> None:
        for name in self.safe_folder.names("prepared"):
            if f"prepared/{name}" not in prepared:
                self.safe_folder.remove(f"prepared/{name}")
        for name in self.safe_folder.names("part"):
            if name.partition(".")[0] not in parts:
                self.safe_folder.remove(f"part/{name}")

    def size_of(self, places: Iterable[str]) -> int:
        """Bytes of files and folders below the cache. Blocks."""
        return sum(self.safe_folder.size(place) for place in places)

    def relative(self, path: Path) -> str:
        """`path` as in `Item.file`. Raises StorageError when it is not below the cache."""
        try:
            return path.relative_to(self.folder).as_posix()
        except ValueError as error:
            raise StorageError(str(path), f"is not below the cache {self.folder}: check storage.cache_dir") from error
