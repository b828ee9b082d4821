"""The content side of the agent: what the server wants -> files on disk -> one complete manifest that the stage plays.

Laws: a manifest names only files that were here and right when it was written; a later programme goes on air when each of its files
is ready or has been given up; where a later revision cannot be had, the one before stays; and no failure ever takes off air what
plays. Only a screen that has nothing to show yet is given what is ready so far. Contract 3.3, 3.10, 3.11.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Collection, Sequence
from dataclasses import replace

import msgspec

from player.agent.content.asset_fetcher import AssetFetcher, fault_key, key_of
from player.agent.content.feeds import Feeds
from player.agent.content.item_faults import ItemFaults
from player.agent.reports.status import SyncProgress
from player.core.assemble import Content, Need, Ready, assemble, earlier, is_feed, needs_of, with_feeds
from player.core.content import Item, Layout, Manifest
from player.core.faults import Fault
from player.core.filehash import asset_key
from player.core.ports.box import Absent, Clock
from player.core.ports.server import ContentSource, Programme
from player.core.ports.stage import Reread, StagePort
from player.core.urls import check_url
from player.errors import BoxError, StorageError
from player.media.store.cache import Cache
from player.media.store.scrub import Scrub
from player.store import Snapshot

log = logging.getLogger(__name__)
EARLY_EVERY_S = 5.0


class Sync:
    """Keeps what is on disk and on air as the server wants it; one round at a time.

    `snapshot` holds the Manifest that crosses to the stage. `youtube_hosts`, `stream_hosts`: see `core.urls.check_url`.
    """

    def __init__(
        self,
        content: ContentSource | Absent,
        cache: Cache,
        asset_fetcher: AssetFetcher,
        item_faults: ItemFaults,
        snapshot: Snapshot[Manifest],
        stage: StagePort,
        clock: Clock,
        *,
        youtube_hosts: Collection[str],
        stream_hosts: Collection[str],
        feeds: Feeds | None = None,
    ) -> None:
        self._content, self._cache, self._asset_fetcher, self._item_faults = content, cache, asset_fetcher, item_faults
        self._snapshot, self._stage, self._clock = snapshot, stage, clock
        self._youtube_hosts, self._stream_hosts = youtube_hosts, stream_hosts
        self._feeds, self._fed = feeds, frozenset[str]()  # and those feeds that had come when the round began
        self._scrub = Scrub(cache)
        self._round = asyncio.Lock()
        self._current: Manifest | None = None
        self._before: Manifest | None = None  # until the stage says that it has moved on
        self._bare = True  # the screen has nothing yet: show what there is
        self._early_at = -EARLY_EVERY_S
        self._programme_faults: tuple[Fault, ...] = ()
        self._counts = (0, 0)

    def __repr__(self) -> str:
        ready, total = self._counts
        return f"<Sync {self._current.version if self._current else 'nothing on air'}: {ready} of {total} files ready>"

    @property
    def manifest(self) -> Manifest | None:
        """What is on air."""
        return self._current

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the programme and its items."""
        return (*self._programme_faults, *self._item_faults.faults)

    @property
    def progress(self) -> SyncProgress:
        """How far the wanted programme is on disk."""
        current, (ready, total) = self._current, self._counts
        return SyncProgress(current.version, len(current.items), ready, total) if current else SyncProgress("", 0, ready, total)

    def retry_in_s(self) -> float | None:
        """When a round before the next poll makes sense: seconds, None when nothing is to be retried."""
        if self._feeds and not self._feeds.here <= self._fed:
            return 0.0
        return self._item_faults.retry_in_s()

    async def open(self) -> None:
        """Reads what was on air, and opens the cache. Raises StorageError."""
        self._current = await asyncio.to_thread(self._snapshot.read)
        self._bare = self._current is None
        await self._cache.open()
        if self._feeds and self._current:
            await self._feeds.want(filter(is_feed, self._current.items))
        for item in self._current.items if self._current else ():
            if item.asset and item.file_hash:
                self._cache.call(asset_key(item.content_id, item.file_hash, ""), item.asset, item.content_id)

    async def once(self) -> None:
        """One round: ask the server, fetch, check, publish, tidy up. Raises ServerError, StorageError; then what plays stays."""
        async with self._round:
            self._fed = self._feeds.here if self._feeds else self._fed
            await self._bring(await self._programme())

    async def clear_cache(self) -> None:
        """Throws away every file but those on screen, and fetches again; without an answer of the server nothing is thrown away."""
        async with self._round:
            programme = await self._programme()
            await self._keep_only_what_shows()
            self._item_faults.hurry()
            self._bare = True
            await self._bring(programme)

    async def _programme(self) -> Programme:
        if isinstance(self._content, Absent):
            raise BoxError(self._content.ability, self._content.reason)
        return await self._content.programme()

    async def _bring(self, programme: Programme) -> None:
        self._programme_faults = programme.faults
        programme = replace(programme, layout=with_feeds(programme.layout))
        self._asset_fetcher.panel = self._panel()
        await self._scrub.reconcile()
        needs, lost = needs_of(programme)
        left_out = self._check_items(programme, lost)
        left_out |= await self._without_text(programme.layout, left_out)
        known = {fault_key(need) for need in needs} | {_item_key(item_id) for item_id in left_out}
        self._item_faults.keep_only(known)
        present = set(self._asset_fetcher.ready(needs))
        self._counts = (len(present), len(needs))

        async def on_ready(count: int) -> None:
            self._counts = (self._counts[0] + count, len(needs))
            await self._publish_early(programme, needs, left_out)

        try:
            await on_ready(0)
            await self._asset_fetcher.gather(needs, self._pinned(), programme.delete, on_ready)
            await self._publish_complete(programme, needs, left_out, present)
            await self._tidy(programme, needs)
        finally:
            await self._cache.save()

    def _panel(self) -> tuple[int, int]:
        """The panel as the stage sees it; as it was while the stage is away."""
        status = self._stage.status
        width, _, height = (status.size if status else "").partition("x")
        if not (width.isdigit() and height.isdigit()):
            return self._asset_fetcher.panel
        return max(int(width), int(height)), min(int(width), int(height))

    # --- what may be shown ---

    def _check_items(self, programme: Programme, lost: Sequence[Item]) -> set[str]:
        """Files nobody lists and addresses that must not be opened: told, and left out."""
        left_out = {item.id for item in lost}
        for item in lost:
            self._refuse(item, "no_file", "the server names no file for it: upload it again")
        for region in programme.layout.regions:
            for item in region.playlist.items:
                if item.kind.has_file:
                    continue
                reason = check_url(item.url, item.kind, youtube_hosts=self._youtube_hosts, stream_hosts=self._stream_hosts)
                if reason:
                    left_out.add(item.id)
                    self._refuse(item, "bad_url", f"{reason}: correct it on the server")
        return left_out

    async def _without_text(self, layout: Layout, left_out: Collection[str]) -> set[str]:
        """Says which feeds are wanted. Nothing waits for one: an item whose feed has not come yet is left out until it has."""
        items = [i for region in layout.regions for i in region.playlist.items if is_feed(i) and i.id not in left_out]
        on_air = filter(is_feed, self._current.items if self._current else ())
        here = await self._feeds.want([*items, *on_air]) if self._feeds else frozenset()
        return {item.id for item in items if item.file not in here}

    def _refuse(self, item: Item, code: str, reason: str) -> None:
        self._item_faults.state(_item_key(item.id), code, f"{item}: {reason}", item_id=item.id, content_id=item.content_id)

    # --- publishing ---

    async def _publish_early(self, programme: Programme, needs: Sequence[Need], left_out: Collection[str]) -> None:
        """What is ready so far, where the screen has nothing else."""
        if not self._bare or self._clock.monotonic() - self._early_at < EARLY_EVERY_S:
            return
        layout = assemble(programme.layout, self._asset_fetcher.ready(needs), left_out)
        if _items(layout) > (len(self._current.items) if self._current else 0):
            self._early_at = self._clock.monotonic()
            try:
                await self._publish(layout, programme.watermark)
            except StorageError as error:
                log.warning("%s; it is tried again when everything is ready", error)

    async def _publish_complete(
        self, programme: Programme, needs: Sequence[Need], left_out: Collection[str], present: Collection[Content]
    ) -> None:
        """When nothing is to come any more. `present`: what was ready before this round; the stage is told of what came back."""
        ready = self._asset_fetcher.ready(needs)
        self._counts = (len(ready), len(needs))
        missing = [need for need in needs if need.content not in ready]
        pending = [need for need in missing if not self._item_faults.given_up(fault_key(need))]
        if pending and not self._bare:
            log.debug("%d files are still to come; what plays stays", len(pending))
            return
        layout = assemble(programme.layout, self._with_earlier(ready), left_out)
        if not _items(layout) and _items(programme.layout):
            return  # nothing of the programme can be shown: better what plays than nothing
        self._bare = bool(pending)
        changed = await self._publish(layout, programme.watermark)
        if not changed and (self._behind() or set(ready) - set(present)):
            await self._tell_stage()

    def _with_earlier(self, ready: dict[Content, Ready]) -> dict[Content, Ready]:
        """`ready`, and for the rest the revision that plays, where its file is still here."""
        before = earlier(self._current.layout) if self._current else {}
        return {content: kept for content, kept in before.items() if self._cache.get(kept.asset or "")} | ready

    async def _publish(self, layout: Layout, watermark: bool) -> bool:
        """Puts a manifest on air, unless it is the one that is. Raises StorageError."""
        manifest = _manifest(layout, watermark)
        if self._current and manifest.version == self._current.version:
            return False
        self._cache.touch(_assets(self._current) | _assets(manifest))
        await asyncio.to_thread(self._snapshot.write, manifest)
        self._before, self._current = self._before or self._current, manifest
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
        return bool(status and self._current and status.manifest_version != self._current.version)

    # --- room ---

    def _pinned(self) -> frozenset[str]:
        """What must stay: on air, or what the stage has not moved on from yet."""
        status = self._stage.status
        if status and self._current and status.manifest_version == self._current.version:
            self._before = None
        return frozenset(_assets(self._current) | _assets(self._before))

    async def _tidy(self, programme: Programme, needs: Sequence[Need]) -> None:
        """Removes what the server deleted and nothing uses any more, what is over the limit, and what was left lying."""
        pinned = self._pinned()
        await self._asset_fetcher.evict(await self._asset_fetcher.plan(needs, pinned, programme.delete))
        files = {item.file for manifest in (self._current, self._before) if manifest for item in manifest.items if item.file}
        if self._feeds:
            await self._feeds.sweep(files)
        await self._cache.sweep(panels=self._asset_fetcher.panels, keep_files=files, keep_parts={key_of(need) for need in needs})

    async def _keep_only_what_shows(self) -> None:
        """Puts on air what is on screen alone, and evicts the rest."""
        if self._current is not None:
            status = self._stage.status
            on_screen = {playing.item_id for playing in status.items} if status else set()
            await self._publish(_only(self._current.layout, on_screen), self._current.watermark)
        self._before = None
        kept = _assets(self._current)
        for stored in self._cache.entries():
            if stored.sha256 not in kept:
                await self._cache.evict(stored.sha256)
        log.info("the cache was cleared; %d files on screen stay", len(kept))


def _only(layout: Layout, item_ids: Collection[str]) -> Layout:
    """Of each region the items on screen, and what needs no file; its first item where none is known."""
    regions = []
    for region in layout.regions:
        items = region.playlist.items
        kept = tuple(i for i in items if i.id in item_ids) or items[:1]
        shown = tuple(i for i in items if i in kept or i.file is None)
        regions.append(replace(region, playlist=replace(region.playlist, items=shown)))
    return replace(layout, regions=tuple(regions))


def _manifest(layout: Layout, watermark: bool) -> Manifest:
    version = hashlib.sha256(msgspec.json.encode([layout, watermark])).hexdigest()[:16]
    manifest = Manifest(version, layout, watermark)
    return replace(manifest, assets=len(_assets(manifest)))


def _assets(manifest: Manifest | None) -> set[str]:
    return {item.asset for item in manifest.items if item.asset} if manifest else set()


def _items(layout: Layout) -> int:
    return sum(len(region.playlist.items) for region in layout.regions)


def _item_key(item_id: str) -> str:
    return f"item {item_id}"
