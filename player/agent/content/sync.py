"""The content side of the agent: what the server wants -> files on disk -> one complete manifest that the stage plays.

A manifest names only files that were here and right when it was written; what goes on air while some are missing is decided by
`core.publish`. Files are fetched in the order in which the layouts' times come. Contract 3.3, 3.10, 3.11.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import msgspec

from player.agent.content.asset_fetcher import AssetFetcher, fault_key, key_of
from player.agent.content.feeds import Feeds
from player.agent.content.gathered import GatheredByManifest
from player.agent.content.item_faults import ItemFaults
from player.agent.content.look_through import LookThrough, Work
from player.agent.reports.status import SyncProgress
from player.core.assemble import Content, Need, Ready
from player.core.content import Item, Layout, Manifest, Programme
from player.core.filehash import asset_key
from player.core.onair import Listings
from player.core.ports.box import Absent, Clock
from player.core.ports.server import ContentSource
from player.core.ports.stage import Reread, StagePort
from player.core.problem import ContentStanding
from player.core.publish import Published, Supply, count, decide
from player.core.schedule import Facts
from player.core.wear import LEAST_WRITE, PROGRAMMES_AT_ONCE, for_changes
from player.errors import BoxError, StorageError
from player.media.store.cache import Cache
from player.media.store.scrub import Scrub
from player.programme_file import ProgrammeFile
from player.runtime.fault_page import FaultPage

log = logging.getLogger(__name__)
LOOK_EVERY_S = 5.0


class Sync:
    """Keeps what is on disk and on air as the server wants it; one round at a time.

    `file` holds the Manifest that crosses to the stage. `zone` and `facts`: by which rules are judged, as the stage judges them.
    `faults` are of the programme itself.
    `youtube_hosts`, `stream_hosts`: see `core.urls.check_url`.
    """

    def __init__(
        self,
        content: ContentSource | Absent,
        cache: Cache,
        asset_fetcher: AssetFetcher,
        item_faults: ItemFaults,
        file: ProgrammeFile,
        stage: StagePort,
        clock: Clock,
        *,
        zone: Callable[[], ZoneInfo],
        facts: Callable[[], Facts],
        faults: FaultPage,
        youtube_hosts: Collection[str],
        stream_hosts: Collection[str],
        feeds: Feeds | None,
    ) -> None:
        self._content, self._cache, self._asset_fetcher, self._item_faults = content, cache, asset_fetcher, item_faults
        self._file, self._stage, self._clock, self._zone, self._facts = file, stage, clock, zone, facts
        self._look_through = LookThrough(item_faults, feeds, youtube_hosts=youtube_hosts, stream_hosts=stream_hosts)
        self._gathered = GatheredByManifest()
        self._decided: tuple[Work, Supply, Published | None, bool] | None = None  # the last decision was made of these
        self._feeds, self._fed = feeds, frozenset[str]()  # and those feeds that had come when the round began
        self._scrub = Scrub(cache)
        self._round, self._publishing = asyncio.Lock(), asyncio.Lock()
        self._wanted: Programme | None = None
        self._on_air: Published | None = None
        self._before: Manifest | None = None  # until the stage says that it has moved on
        self._earlier_player: Manifest | None = None  # what it finds again when it is brought back
        self._looked_at = -LOOK_EVERY_S
        self._wear = for_changes(PROGRAMMES_AT_ONCE)
        self._faults = faults
        self._counts = (0, 0)

    def __repr__(self) -> str:
        ready, total = self._counts
        return f"content {self.manifest.version if self.manifest else '(nothing on air)'}: {ready} of {total} files ready"

    @property
    def manifest(self) -> Manifest | None:
        """What is on air."""
        return self._on_air.manifest if self._on_air else None

    @property
    def facts(self) -> Facts:
        """What is known of the world, for the conditions of rules."""
        return self._facts()

    def listings(self, source: Programme | Manifest) -> Listings:
        """What is on air when, by this device's clock."""
        return Listings(source, self._zone())

    @property
    def wanted(self) -> Programme | Manifest | None:
        """What the server wants; before it was asked, what is on air."""
        return self._wanted or self.manifest

    @property
    def progress(self) -> SyncProgress:
        """How far the wanted programme is on disk."""
        current, (ready, total) = self.manifest, self._counts
        return SyncProgress(current.version, len(current.items), ready, total) if current else SyncProgress("", 0, ready, total)

    @property
    def standing(self) -> ContentStanding:
        """What a screen that shows nothing says of it."""
        items, here = (None if one is None else count(one.layouts) for one in (self._wanted, self.manifest))
        faults = (*self._faults.faults, *self._item_faults.faults)
        return ContentStanding(bool(here), items, self._round.locked(), *self._counts, faults)

    def retry_in_s(self) -> float | None:
        """When a round before the next poll makes sense: seconds, None when nothing is to be retried."""
        if self._feeds and not self._feeds.here <= self._fed:
            return 0.0
        return self._item_faults.retry_in_s()

    def rest_s(self) -> float:
        """How long no other programme is to be written: what was is still to be paid for."""
        return self._wear.wait_s(self._clock.monotonic())

    async def open(self) -> None:
        """Reads what was on air, and opens the cache. Raises StorageError."""
        current = await asyncio.to_thread(self._file.read)
        self._on_air = Published(current) if current else None
        self._earlier_player = await asyncio.to_thread(self._file.earlier)
        await self._cache.open()
        if self._feeds:
            await self._feeds.want(self._gathered.of(self.manifest).feeds)
        for item in self.shown:
            if item.asset and item.file_hash:
                self._cache.files.call(asset_key(item.content_id, item.file_hash, ""), item.asset, item.content_id)

    @property
    def shown(self) -> tuple[Item, ...]:
        """The items of what is on air."""
        return self.manifest.items if self.manifest else ()

    async def once(self) -> None:
        """One round: ask the server, fetch, check, publish, tidy up. Raises ServerError, StorageError; then what plays stays."""
        async with self._round:
            self._fed = self._feeds.here if self._feeds else self._fed
            await self._bring(await self._programme())

    async def clear_cache(self) -> None:
        """Throws away every file but those on screen, and fetches again; without an answer of the server nothing is thrown away.

        Raises as `once`, and BoxError where flash has to rest.
        """
        async with self._round:
            if (rest_s := self.rest_s()) > 0:
                raise BoxError("clear_cache", f"so much was written a moment ago that it has to wait; try again in {rest_s:.0f} s")
            programme = await self._programme()
            await self._keep_only_what_shows()
            self._item_faults.hurry()
            await self._bring(programme)

    async def _programme(self) -> Programme:
        if isinstance(self._content, Absent):
            raise BoxError(self._content.ability, self._content.reason)
        return await self._content.programme()

    async def _bring(self, programme: Programme) -> None:
        self._faults.replace(programme.faults)
        programme = self._wanted = self._look_through.addressed(programme)
        self._asset_fetcher.panel = self._panel()
        await self._scrub.reconcile()
        shown_feeds = self._gathered.of(self.manifest).feeds
        work = await self._look_through.work(self.listings(programme), self._clock.now(), self.facts, shown_feeds)
        needs = work.needs
        present = set(self._asset_fetcher.ready(needs))
        self._counts = (len(present), len(needs))

        async def on_ready(count: int) -> None:
            self._counts = (self._counts[0] + count, len(needs))
            await self._publish_what_came(work, count)

        try:
            if len(present) < len(needs):
                await on_ready(0)
            await self._asset_fetcher.fetch(needs, self._pinned(), programme.delete, on_ready)
            ready = self._asset_fetcher.ready(needs)
            self._counts = (len(ready), len(needs))
            changed = await self._publish(work, ready, is_over=True)
            if not changed and (self._behind() or ready.keys() - present):
                await self._tell_stage()
            if changed or ready.keys() != present:
                await self._asset_fetcher.evict(await self._asset_fetcher.plan(needs, self._pinned(), programme.delete))
            await self._sweep(needs)
        finally:
            await self._cache.save()

    def _panel(self) -> tuple[int, int]:
        """The panel as the stage sees it; as it was while the stage is away."""
        status = self._stage.status
        width, _, height = (status.size if status else "").partition("x")
        if not (width.isdigit() and height.isdigit()):
            return self._asset_fetcher.panel
        return max(int(width), int(height)), min(int(width), int(height))

    # --- publishing ---

    async def _publish_what_came(self, work: Work, count: int) -> None:
        """While files still come, looked at now and then: what the screen lacks most may be here. A long one is written seldom.

        Not while one is written: a slow disk takes longer for it than the next files to come.
        """
        if self._publishing.locked() or self._clock.monotonic() - self._looked_at < LOOK_EVERY_S or self.rest_s() > 0:
            return
        if count:
            self._looked_at = self._clock.monotonic()
        try:
            async with self._publishing:
                await self._publish(work, self._asset_fetcher.ready(work.needs), is_over=False)
        except StorageError as error:
            log.warning("%s; it is tried again when everything is ready", error)

    async def _publish(self, work: Work, ready: Mapping[Content, Ready], *, is_over: bool) -> bool:
        """Publishes what is decided of what is `ready`; whether that is another manifest than before. Raises StorageError."""
        shows = self._gathered.of(self.manifest).shows
        kept = {content: found for content, found in shows.items() if self._cache.files.get(found.asset or "")}
        given_up = {need.content for need in work.needs if self._item_faults.given_up(fault_key(need))}
        supply = Supply(ready, kept, given_up, work.left_out)
        asked = (work, supply, self._on_air, is_over)
        if self._decided == asked:
            return False
        decision = decide(work.programme, work.now, supply, self._on_air, is_over=is_over)
        log.debug("%s", decision.why)
        changed = decision.published is not None and await self._put_on_air(decision.published)
        self._decided = asked
        return changed

    async def _put_on_air(self, published: Published) -> bool:
        """Writes it and tells the stage, unless it is what is on air. Raises StorageError."""
        manifest, size = _stamped(published.manifest)
        before = self.manifest
        if before is not None and manifest.version == before.version:
            if self._on_air is None or published.unfinished != self._on_air.unfinished:
                self._on_air = Published(before, published.unfinished)
            return False
        self._cache.files.touch(self._gathered.of(before).assets | self._gathered.of(manifest).assets)
        await self._cache.settle()
        await asyncio.to_thread(self._file.write, manifest)
        self._wear.spend(max(size, LEAST_WRITE), self._clock.monotonic())
        self._before = self._before or before
        self._on_air = replace(published, manifest=manifest)
        log.info("on air: %d items, %d files (manifest %s)", len(manifest.items), manifest.assets, manifest.version)
        await self._tell_stage()
        return True

    async def _tell_stage(self) -> None:
        try:
            await self._stage.ask(Reread())
        except BoxError as error:
            log.debug("%s; it reads the manifest when it starts", error)

    def _behind(self) -> bool:
        """Whether the stage still plays something else than what was published."""
        status = self._stage.status
        return bool(status and self.manifest and status.manifest_version != self.manifest.version)

    # --- room ---

    def _pinned(self) -> frozenset[str]:
        """What must stay: on air, what the stage has not moved on from yet, what the player before this one may come back to."""
        status = self._stage.status
        if status and self.manifest and status.manifest_version == self.manifest.version:
            self._before = None
        if not self._file.has_earlier:
            self._earlier_player = None
        return frozenset[str]().union(
            *(self._gathered.of(one).assets for one in (self.manifest, self._before, self._earlier_player))
        )

    async def _sweep(self, needs: Sequence[Need]) -> None:
        """Removes what was left lying."""
        files = set[str]().union(*(self._gathered.of(one).files for one in (self.manifest, self._before, self._earlier_player)))
        if self._feeds:
            await self._feeds.sweep(files)
        await self._cache.sweep(panels=self._asset_fetcher.panels, keep_files=files, keep_parts={key_of(need) for need in needs})

    async def _keep_only_what_shows(self) -> None:
        """Puts on air what is on screen alone, unfinished, and evicts the rest."""
        if self.manifest is not None:
            status = self._stage.status
            on_screen = {playing.item_id for playing in status.items} if status else set()
            layouts = tuple(_only(layout, on_screen) for layout in self.manifest.layouts)
            left = replace(self.manifest, layouts=layouts, stand_by=())
            await self._put_on_air(Published(left, frozenset(layout.id for layout in layouts)))
        self._before = None
        kept = self._gathered.of(self.manifest).assets | self._gathered.of(self._earlier_player).assets
        for stored in self._cache.files.entries():
            if stored.sha256 not in kept:
                await self._cache.evict(stored.sha256)
        log.info("the cache is cleared; the %d files on screen are kept", len(kept))


def _only(layout: Layout, item_ids: Collection[str]) -> Layout:
    """Of each region the items on screen, and what needs no file; its first item where none is known."""
    regions = []
    for region in layout.regions:
        items = region.playlist.items
        kept = tuple(i for i in items if i.id in item_ids) or items[:1]
        shown = tuple(i for i in items if i in kept or i.file is None)
        regions.append(replace(region, playlist=replace(region.playlist, items=shown)))
    return replace(layout, regions=tuple(regions))


def _stamped(manifest: Manifest) -> tuple[Manifest, int]:
    """With the version that names what is in it, and the number of files; and how many bytes it has."""
    bare = replace(manifest, version="", assets=0)
    written = msgspec.json.encode(bare)
    version = hashlib.sha256(written).hexdigest()[:16]
    return replace(bare, version=version, assets=len({item.asset for item in bare.items if item.asset})), len(written)
