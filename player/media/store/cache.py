"""The media store: files named by their SHA-256 below `media/`, what was prepared from them below `prepared/`, parts in `part/`.

Content-addressed: a file's name is its content, so the same clip under ten ids is kept once, and damage can be found. The index
(which revision is which file) is a snapshot inside the folder: both may be wiped at any time and are filled again.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from player.core.ask_again import Validators
from player.core.ports.box import Clock
from player.core.syncplan import Held
from player.errors import StorageError
from player.media.fetch.transfer import Fetched
from player.media.filetype import HEAD_BYTES
from player.media.store.index import CacheFigures, Derived, Index, Stored, suffix_of
from player.media.store.safe_folder import SafeFolder
from player.store import Snapshot

_NAME = re.compile(r"([0-9a-f]{64})(?:\.[a-z0-9]{2,4})?")
_SAVE_EVERY = 32


class Cache:
    """The store below `folder`, `limit_bytes` large at most (which the plan sees to)."""

    def __init__(self, folder: Path, clock: Clock, limit_bytes: int) -> None:
        self.folder, self.limit_bytes, self._clock = folder, limit_bytes, clock
        self.safe_folder = SafeFolder(folder)
        self._snapshot = Snapshot(folder / "index.json", Index)
        self._index = Index()
        self._unsaved = 0
        self._growing: set[str] = set()

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
        self._index = await asyncio.to_thread(self._read)

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
        """Writes the index, where it changed."""
        if self._unsaved:
            self._unsaved = 0
            files = dict(self._index.files)
            self._index.names = {key: sha256 for key, sha256 in self._index.names.items() if sha256 in files}
            self._index.validators = {key: v for key, v in self._index.validators.items() if key in self._index.names}
            await asyncio.to_thread(self._snapshot.write, Index(files, dict(self._index.names), dict(self._index.validators)))

    async def _changed(self) -> None:
        """Now and then, not at each file: ten thousand files would wear the flash with indexes; a lost entry costs one download."""
        self._unsaved += 1
        if self._unsaved >= _SAVE_EVERY:
            await self.save()

    def entries(self) -> list[Stored]:
        """Everything, the largest first."""
        return sorted(list(self._index.files.values()), key=lambda s: -s.size)  # noqa: C414 - one step: a thread may read while the loop writes

    def find(self, key: str) -> Stored | None:
        """The file of a revision; `key` as `core.filehash.asset_key` makes it (a SHA-256 is its own key)."""
        return self._index.files.get(self._index.names.get(key, key))

    def get(self, sha256: str) -> Stored | None:
        """The file with this content."""
        return self._index.files.get(sha256)

    def held(self) -> list[Held]:
        """Every file that is here, as the plan of what is evicted wants it."""
        return [Held(s.sha256, s.bytes, s.used_at) for s in self._index.files.values()]

    def figures(self) -> CacheFigures:
        """How many files there are and how large they are, for the status."""
        return CacheFigures(sum(s.bytes for s in self._index.files.values()), self.limit_bytes, len(self._index.files))

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
        before = self._index.files.get(stored.sha256)
        if before:
            stored = replace(stored, derived=before.derived, contents=before.contents)
        self._index.files[stored.sha256] = stored
        self.call(key, stored.sha256, content_id)
        if not fetched.verified:
            self.name_validators(key, fetched.validators)
        await self._changed()
        return self._index.files[stored.sha256]

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

    def call(self, key: str, sha256: str, content_id: str) -> None:
        """Notes that a file that is here is also this revision, of this content."""
        stored = self._index.files.get(sha256)
        if stored is None or (self._index.names.get(key) == sha256 and content_id in stored.contents):
            return
        contents = tuple(dict.fromkeys((*stored.contents, content_id)))
        self._index.names[key] = sha256
        self._index.files[sha256] = replace(stored, contents=contents)
        self._unsaved += 1

    def validators(self, key: str) -> Validators:
        """What the server called the bytes of a revision, nothing where that is not known."""
        return self._index.validators.get(key, Validators())

    def name_validators(self, key: str, validators: Validators) -> None:
        """Notes what the server calls the bytes of a revision."""
        if validators not in (Validators(), self.validators(key)):
            self._index.validators[key] = validators
            self._unsaved += 1

    def tagged(self, content_id: str) -> dict[str, Validators]:
        """What is here of this content under whichever address: SHA-256 -> what the server called it."""
        named = {self._index.names[key]: found for key, found in self._index.validators.items() if key in self._index.names}
        return {s.sha256: named[s.sha256] for s in self._index.files.values() if s.sha256 in named and content_id in s.contents}

    def forget_name(self, key: str) -> None:
        """Other bytes are behind this revision's name: it is fetched as if it were not here; the file that is stays."""
        self._index.names.pop(key, None)
        self._index.validators.pop(key, None)
        self._unsaved += 1

    async def add_derived(self, sha256: str, derived: Derived) -> None:
        """Notes what was prepared; what stands there for another panel stays until it is swept."""
        stored = self._index.files.get(sha256)
        if stored is not None:
            for place in derived.places:
                await asyncio.to_thread(self.safe_folder.share, place)
            others = tuple(d for d in stored.derived if (d.panel, d.kind) != (derived.panel, derived.kind))
            self._index.files[sha256] = replace(stored, derived=(*others, derived))
            await self._changed()

    def derived(self, sha256: str, panel: str, kind: str) -> Derived | None:
        """What was prepared for this panel, None when that is still to do."""
        stored = self._index.files.get(sha256)
        return next((d for d in stored.derived if (d.panel, d.kind) == (panel, kind)), None) if stored else None

    def touch(self, sha256s: Iterable[str]) -> None:
        """These are in use now; what was used longest ago is evicted first. Written with the next change, to spare the flash."""
        now = self._clock.now().timestamp()
        for sha256 in sha256s:
            stored = self._index.files.get(sha256)
            if stored is not None:
                self._index.files[sha256] = replace(stored, used_at=now)

    async def evict(self, sha256: str) -> None:
        """Removes a file and what was prepared from it. Raises StorageError."""
        stored = self.forget(sha256)
        if stored is not None:
            await asyncio.to_thread(self._remove, stored)
            await self._changed()

    def _remove(self, stored: Stored) -> None:
        for file in {stored.file}.union(*(d.places for d in stored.derived)):
            self.safe_folder.remove(file)

    def forget(self, sha256: str) -> Stored | None:
        """Takes a file out of the index; what is on disk stays."""
        self._unsaved += 1
        return self._index.files.pop(sha256, None)

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
        for stored in list(self._index.files.values()):
            kept = tuple(d for d in stored.derived if d.panel in panels or d.file in keep_files)
            if kept != stored.derived:
                self._index.files[stored.sha256] = replace(stored, derived=kept)
                self._unsaved += 1
        known = {place for s in self._index.files.values() for d in s.derived for place in d.places}
        known |= {"/".join(file.split("/")[:2]) for file in keep_files}
        missing = {
            key for key in keep_parts if self.find(key) is None
        }  # what is here needs no part; a crash may have left its note
        await asyncio.to_thread(self._sweep, known, self._growing | missing)

    def _sweep(self, prepared: Collection[str], parts: Collection[str]) -> None:
        for name in self.safe_folder.names("prepared"):
            if f"prepared/{name}" not in prepared:
                self.safe_folder.remove(f"prepared/{name}")
        for name in self.safe_folder.names("part"):
            if name.partition(".")[0] not in parts:
                self.safe_folder.remove(f"part/{name}")

    def confirm(self, sha256: str, mtime_ns: int) -> None:
        """Notes that a file was read and found right."""
        stored = self._index.files.get(sha256)
        if stored is not None:
            checked_at = self._clock.now().timestamp()
            self._index.files[sha256] = replace(stored, mtime_ns=mtime_ns, checked_at=checked_at)

    def forget_derived(self, sha256: str) -> None:
        """What was prepared from a file is gone: it is prepared again."""
        self._index.files[sha256] = replace(self._index.files[sha256], derived=())
        self._unsaved += 1

    def size_of(self, places: Iterable[str]) -> int:
        """Bytes of files and folders below the cache. Blocks."""
        return sum(self.safe_folder.size(place) for place in places)

    def relative(self, path: Path) -> str:
        """`path` as in `Item.file`. Raises StorageError when it is not below the cache."""
        try:
            return path.relative_to(self.folder).as_posix()
        except ValueError as error:
            raise StorageError(str(path), f"is not below the cache {self.folder}: check storage.cache_dir") from error
