"""Finding files that rotted: sizes and dates each round, a full hash by and by (faults S4, S6).

Damaged files are set aside in `aside/`, never played and never silently removed; the next round of sync fetches them again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections.abc import Callable, Iterable

from player.errors import StorageError
from player.media.store.cache import Cache
from player.media.store.index import Damaged, Stored

log = logging.getLogger(__name__)
_STEP = 16 * 1024 * 1024
_KEPT_ASIDE = 3

VerifyProgress = Callable[[int, int, str], None]  # bytes done, bytes in all, the file


class Scrub:
    """Reads what is in `cache` again."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def reconcile(self) -> tuple[Damaged, ...]:
        """Compares sizes and dates with the index; what is gone is forgotten, what was touched is hashed again (fault S6)."""
        gone, touched, bare = await asyncio.to_thread(self._compare)
        for sha256 in gone:
            self._cache.files.forget(sha256)
        for sha256 in bare:
            self._cache.files.forget_derived(sha256)
        return await self._check(touched)

    def _compare(self) -> tuple[list[str], list[Stored], list[str]]:
        """What is gone, what was touched, and what lost the files prepared from it."""
        gone, touched, bare = [], [], []
        prepared = {f"prepared/{name}" for name in self._cache.safe_folder.names("prepared")}
        files = self._cache.safe_folder.stats_within("media")
        for stored in self._cache.files.entries():
            found = files.get(stored.file)
            if found is None:
                gone.append(stored.sha256)
            elif (found.st_size, found.st_mtime_ns) != (stored.size, stored.mtime_ns):
                touched.append(stored)
            elif any(d.places - prepared for d in stored.derived):
                bare.append(stored.sha256)
        return gone, touched, bare

    async def verify(self, progress: VerifyProgress | None = None) -> tuple[Damaged, ...]:
        """Hashes everything again; the damaged is set aside and returned."""
        return await self._check(self._cache.files.entries(), progress)

    async def scrub_next(self, pause_s: float = 0.1) -> Damaged | None:
        """Hashes the file that was longest not checked, gently."""
        if not self._cache.files.entries():
            return None
        stored = min(self._cache.files.entries(), key=lambda s: s.checked_at)
        return next(iter(await self._check([stored], pause_s=pause_s)), None)

    async def run(self, all_in_s: float = 7 * 86400.0) -> None:
        """For ever: every file once in `all_in_s` (fault S6); what it finds is logged, and fetched again by the next round."""
        while True:
            await asyncio.sleep(max(60.0, all_in_s / max(1, len(self._cache.files.entries()))))
            await self.scrub_next()

    async def _check(
        self, some: Iterable[Stored], progress: VerifyProgress | None = None, pause_s: float = 0.0
    ) -> tuple[Damaged, ...]:
        files = list(some)
        done, total, damaged = 0, sum(s.size for s in files), []
        for stored in files:
            reason = await self._fault_of(stored, done, total, progress, pause_s)
            done += stored.size
            if reason is None:
                await self._confirm(stored)
            elif self._cache.files.get(stored.sha256) is not None:
                damaged.append(await self._set_aside(stored, reason))
        await self._cache.save()
        return tuple(damaged)

    async def _confirm(self, stored: Stored) -> None:
        found = await asyncio.to_thread(self._cache.safe_folder.stat, stored.file)
        if found is not None:
            self._cache.files.confirm(stored.sha256, found.st_mtime_ns)

    async def _fault_of(self, stored: Stored, done: int, total: int, progress: VerifyProgress | None, pause_s: float) -> str | None:
        """What is wrong with a file's content; None when nothing is."""
        running, size = hashlib.sha256(), 0
        try:
            handle = await asyncio.to_thread(self._cache.safe_folder.open, stored.file)
        except StorageError as error:
            return error.reason
        try:
            while got := await asyncio.to_thread(_hash_step, handle, size, running.update):
                size += got
                if progress:
                    progress(done + size, total, stored.name or stored.file)
                await asyncio.sleep(pause_s)
        except OSError as error:
            return f"the disk cannot read it ({error.strerror})"
        finally:
            os.close(handle)
        if size != stored.size:
            return f"it has {size} bytes instead of {stored.size}"
        return None if running.hexdigest() == stored.sha256 else "its content changed on the disk"

    async def _set_aside(self, stored: Stored, reason: str) -> Damaged:
        self._cache.files.forget(stored.sha256)
        await asyncio.to_thread(self._move_aside, stored)
        log.warning("%s is damaged: %s; it is set aside and fetched again", stored.name or stored.file, reason)
        return Damaged(stored.sha256, stored.name, reason)

    def _move_aside(self, stored: Stored) -> None:
        for name in self._cache.safe_folder.names("aside")[: -(_KEPT_ASIDE - 1)]:
            self._cache.safe_folder.remove(f"aside/{name}")
        if self._cache.safe_folder.stat(stored.file) is not None:
            self._cache.safe_folder.move(stored.file, f"aside/{stored.sha256}")
        for place in frozenset().union(*(d.places for d in stored.derived)):
            self._cache.safe_folder.remove(place)


def _hash_step(handle: int, offset: int, update: Callable[[bytes], None]) -> int:
    done = 0
    while done < _STEP and (chunk := os.pread(handle, 1024 * 1024, offset + done)):
        update(chunk)
        done += len(chunk)
    return done
