"""Carries a sync plan out: evicts, downloads two at a time, has each file looked at, and knows what is ready to be shown.

A file that cannot be had costs that file (design law 2): it is noted and tried again later. When the way to the server or the disk
itself is gone, the rest of the round is left for the next one.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from player.agent.content.ask_again import AskAgain
from player.agent.content.item_faults import ItemFaults
from player.core.assemble import Content, Need, Ready
from player.core.filehash import asset_key
from player.core.kinds import Kind
from player.core.ports.box import Clock
from player.core.syncplan import Evict, Fetch, Plan, Refuse, Wanted, plan
from player.core.wear import LEAST_A_DAY, ByteBudget, Revisions
from player.errors import BoxError, ContentError, ServerBusy, ServerError, ServerUnreachable, StorageError
from player.media.fetch.download import Downloader, NoRoom
from player.media.store.cache import Cache
from player.media.store.index import ANY_PANEL, Derived, Stored

log = logging.getLogger(__name__)
AT_ONCE = 2
ENOUGH_UNREACHABLE = 4
TOLD_AT_ONCE = 100


class PreparedFile(Protocol):
    """What `prepare` answers: the file to open, all pages of a document, a sound's cover, a sentence where that is not all."""

    @property
    def file(self) -> Path: ...
    @property
    def pages(self) -> tuple[Path, ...]: ...
    @property
    def cover(self) -> Path | None: ...
    @property
    def shortened(self) -> str: ...


class Prepare(Protocol):
    """Looks at `source` once and makes of it, below `folder`, what can be shown on `panel`.

    Raises ContentError, StorageError, BoxError.
    """

    async def __call__(
        self, source: Path, kind: Kind, name: str, folder: Path, panel: tuple[int, int], *, sha256: str | None = None
    ) -> PreparedFile: ...


OnReady = Callable[[int], Awaitable[None]]  # how many more can be shown


@dataclass(frozen=True, slots=True)
class _Job:
    """One file and everything that waits for it."""

    key: str
    needs: tuple[Need, ...]
    room: int


class AssetFetcher:
    """Makes files ready for `panel` (pixels, the longer side first); what fails is in `item_faults`.

    No more is fetched than flash bears (`core.wear`).
    """

    def __init__(
        self,
        cache: Cache,
        downloader: Downloader,
        prepare: Prepare,
        item_faults: ItemFaults,
        *,
        reserve_bytes: int,
        panel: tuple[int, int],
        clock: Clock,
    ) -> None:
        self._cache, self._downloader, self._prepare, self._item_faults = cache, downloader, prepare, item_faults
        self._reserve_bytes = reserve_bytes
        self.panel = panel
        self._learned: dict[str, int] = {}  # sizes that the server told only when asked for the file
        self._preparing = asyncio.Lock()
        self._stopped, self._unreachable = False, 0
        self._ask_again = AskAgain(cache, downloader)
        self._clock, self._revisions = clock, Revisions()
        a_day = max(cache.limit_bytes, LEAST_A_DAY)
        self._budget = ByteBudget(2 * a_day, a_day)

    @property
    def panels(self) -> frozenset[str]:
        """The panels that prepared files may be for."""
        return frozenset({ANY_PANEL, _panel_name(self.panel)})

    def ready(self, needs: Sequence[Need]) -> dict[Content, Ready]:
        """What can be shown now."""
        found = {}
        for need in needs:
            stored, derived = self._look_up(need)
            if stored and derived:
                found[need.content] = Ready(derived.file, stored.sha256, need.asset.file_hash, derived.pages, derived.cover)
        return found

    def _look_up(self, need: Need) -> tuple[Stored | None, Derived | None]:
        stored = self._cache.files.find(key_of(need))
        return stored, self._cache.files.derived(stored.sha256, self._panel_of(need.kind), need.kind) if stored else None

    def _panel_of(self, kind: Kind) -> str:
        return _panel_name(self.panel) if kind.per_panel else ANY_PANEL

    async def plan(self, needs: Sequence[Need], pinned: Collection[str], delete: Collection[str]) -> Plan:
        """`pinned` by SHA-256, `delete` by content id."""
        wanted = []
        for need in needs:
            key = key_of(need)
            stored = self._cache.files.find(key)
            size = self._learned.get(key, need.asset.size)
            wanted.append(Wanted(stored.sha256 if stored else key, need.asset.name, size, need.turn))
        gone = set(delete)
        missing = [w.key for w in wanted if self._cache.files.get(w.key) is None]
        taken = await asyncio.to_thread(self._cache.part_bytes, missing) if missing else 0
        return plan(
            wanted,
            self._cache.files.held(),
            pinned=frozenset(pinned),
            delete={s.sha256 for s in self._cache.files.entries() if s.contents and gone.issuperset(s.contents)},
            limit_bytes=self._cache.limit_bytes,
            reserve_bytes=self._reserve_bytes,
            free_bytes=await self._cache.free_bytes() + taken,
        )

    async def fetch(self, needs: Sequence[Need], pinned: Collection[str], delete: Collection[str], on_ready: OnReady) -> None:
        """One round; a second pass follows at once where a file turned out to need more room than was planned for."""
        self._stopped, self._unreachable = False, 0
        await self._ask_again.look(needs)
        for _ in range(2):
            known = dict(self._learned)
            await self._carry_out(await self.plan(needs, pinned, delete), needs, on_ready)
            if known == self._learned:
                break
        wanted = {key_of(need) for need in needs}
        self._revisions.keep_only({need.asset.content_id for need in needs})
        self._learned = {key: size for key, size in self._learned.items() if key in wanted}

    async def _carry_out(self, steps: Plan, needs: Sequence[Need], on_ready: OnReady) -> None:
        log.debug("%s", steps)
        groups: dict[str, list[Need]] = {}
        for need in needs:
            stored = self._cache.files.find(key_of(need))
            groups.setdefault(stored.sha256 if stored else key_of(need), []).append(need)
        await self.evict(steps)
        await self._refuse(steps, groups)
        jobs = self._jobs(steps, groups)
        async with asyncio.TaskGroup() as group:
            for number in range(AT_ONCE):
                group.create_task(self._work(jobs, on_ready), name=f"fetch {number}")

    async def evict(self, steps: Plan) -> None:
        """The plan's evictions alone."""
        for step in steps.evictions:
            await self._cache.evict(step.key)

    async def _refuse(self, steps: Plan, groups: Mapping[str, Sequence[Need]]) -> None:
        refused = [(step, need) for step in steps.steps if isinstance(step, Refuse) for need in groups[step.key]]
        for number, (step, need) in enumerate(refused):
            if number % TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)  # there may be ten thousand
            words = {"item_id": need.item_id, "content_id": need.asset.content_id}
            self._item_faults.state(fault_key(need), step.code, step.reason, **words)

    def _jobs(self, steps: Plan, groups: dict[str, list[Need]]) -> Iterator[_Job]:
        for step in steps.steps:
            if not isinstance(step, Evict | Refuse):
                yield _Job(step.key, tuple(groups[step.key]), step.room if isinstance(step, Fetch) else 0)

    async def _work(self, jobs: Iterator[_Job], on_ready: OnReady) -> None:
        for job in jobs:
            if self._stopped:
                return
            count = await self._make_ready(job)
            if count:
                await on_ready(count)

    async def _make_ready(self, job: _Job) -> int:
        """How many contents can be shown that could not be before."""
        waiting = []
        for need in job.needs:
            stored, derived = self._look_up(need)
            if stored and derived:
                self._settle(need, stored, derived)
            elif self._item_faults.due(fault_key(need)):
                waiting.append(need)
        if not waiting:
            return 0
        fetched = self._cache.files.find(job.key) or await self._fetch(job, waiting)
        return sum([await self._look_at(need, fetched) for need in waiting]) if fetched else 0

    def _settle(self, need: Need, stored: Stored, derived: Derived) -> None:
        self._cache.files.call(key_of(need), stored.sha256, need.asset.content_id)
        if derived.shortened:
            words = f"{need.asset.name}: {derived.shortened}"
            self._item_faults.state(fault_key(need), "shortened", words, item_id=need.item_id, content_id=need.asset.content_id)
        else:
            self._item_faults.gone(fault_key(need))

    async def _fetch(self, job: _Job, waiting: Sequence[Need]) -> Stored | None:
        need = waiting[0]
        written = 0

        def progress(so_far: int, _: int | None) -> None:
            nonlocal written
            written = so_far

        try:
            self._check_wear(need, job.key)
            fetched = await self._downloader.fetch(need.asset, job.key, job.room, progress)
            stored = await self._cache.adopt(fetched, job.key, need.asset.name, need.asset.content_id)
        except NoRoom as error:
            if self._learn(job, error):
                return None
            self._note(waiting, error)
        except (ContentError, ServerError, StorageError) as error:
            self._note(waiting, error)
        else:
            self._unreachable = 0
            self._revisions.fetched(need.asset.content_id)
            return stored
        finally:
            self._budget.spend(written, self._clock.monotonic())
        return None

    def _check_wear(self, need: Need, key: str) -> None:
        """Raises ServerBusy where flash would wear out."""
        asset, now = need.asset, self._clock.monotonic()
        wait_s, reason = self._budget.wait_s(now), "more than the cache holds was fetched within a day"
        if wait_s <= 0:
            wait_s, reason = self._revisions.wait_s(asset.content_id, key, now), f"{asset.name} is another file each time"
        if wait_s > 0:
            raise ServerBusy("the server", f"{reason}; it is fetched in {wait_s:.0f} s", retry_after_s=wait_s)

    def _learn(self, job: _Job, error: NoRoom) -> bool:
        """Whether the file's true size is news, so that a better plan may find room for it."""
        size = error.size if error.size is not None else job.room * 2
        if size <= self._learned.get(job.key, 0):
            return False
        self._learned[job.key] = size
        return True

    def _note(self, needs: Sequence[Need], error: ContentError | ServerError | StorageError | BoxError) -> None:
        self._unreachable = self._unreachable + 1 if isinstance(error, ServerUnreachable) else 0
        self._stopped = self._stopped or isinstance(error, StorageError) or self._unreachable >= ENOUGH_UNREACHABLE
        for need in needs:
            self._item_faults.failed(fault_key(need), error, item_id=need.item_id, content_id=need.asset.content_id)

    async def _look_at(self, need: Need, stored: Stored) -> bool:
        """Has one file prepared; one at a time, since decoding takes the memory of a small board."""
        try:
            async with self._preparing:
                derived = await self._prepared(need, stored)
            await self._cache.add_derived(stored.sha256, derived)
        except (ContentError, StorageError, BoxError) as error:
            self._note([need], error)
            return False
        self._settle(need, stored, derived)
        return True

    async def _prepared(self, need: Need, stored: Stored) -> Derived:
        source, cache = self._cache.folder / stored.file, self._cache
        made = await self._prepare(source, need.kind, need.asset.name, cache.prepared, self.panel, sha256=stored.sha256)
        pages = tuple(cache.relative(page) for page in made.pages)
        derived = Derived(
            self._panel_of(need.kind), need.kind, cache.relative(made.file), pages=pages, shortened=made.shortened,
            cover=cache.relative(made.cover) if made.cover else "",
        )  # fmt: skip
        return replace(derived, size=await asyncio.to_thread(cache.size_of, derived.places))


def key_of(need: Need) -> str:
    """What this revision is called in the cache."""
    return _key(need.asset.content_id, need.asset.file_hash, need.asset.url)


@functools.lru_cache(maxsize=4096)
def _key(content_id: str, file_hash: str | None, url: str) -> str:
    """A key, worked out once: each is asked for some fifteen times in a round."""
    return asset_key(content_id, file_hash, url)


def fault_key(need: Need) -> str:
    """What its faults are filed under."""
    return f"{key_of(need)} {need.kind}"


@functools.lru_cache(maxsize=4)
def _panel_name(panel: tuple[int, int]) -> str:
    return f"{max(panel)}x{min(panel)}"
