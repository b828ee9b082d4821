"""How content comes to this box: everything between a server's programme and the manifest that the stage plays.

A page of the agent's composition root: the parts of `content`, and of `media` below them, are made and connected here.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from player.agent.content.alert_pictures import AlertPictures
from player.agent.content.asset_fetcher import AssetFetcher
from player.agent.content.decoder_walls import DecoderWalls
from player.agent.content.feeds import Feeds
from player.agent.content.item_faults import ItemFaults
from player.agent.content.rounds import Rounds
from player.agent.content.sync import Sync
from player.agent.devices.parts import HaveArchive
from player.agent.fallback import Fallback
from player.agent.stage_client import StageClient
from player.agent.trigger_source import Triggers
from player.config import Config
from player.core.applet_storage import PARTS
from player.core.egress import WayOut
from player.core.ports.box import Absent, Clock
from player.core.ports.server import Connection
from player.core.schedule import Facts
from player.dirs import Dirs
from player.media.fetch.download import Downloader
from player.media.fetch.egress import Egress
from player.media.fetch.upload import Uploader
from player.media.prepare.children import Children
from player.media.prepare.parent import have_archive, prepare
from player.media.store.cache import Cache
from player.media.store.scrub import Scrub
from player.programme_file import ProgrammeFile
from player.runtime.fault_page import FaultPage
from player.sizes import parse_size
from player.way_out import read_address_policy

FULL_HD = (1920, 1080)  # until the stage says what panel there is


@dataclass(frozen=True, slots=True)
class ContentSupply:
    """`rounds` asks for the programme, `sync` fetches what it needs into `cache` and publishes what can be shown.

    `page_files` fetches what applets' pages keep, into `PARTS`; `uploads` puts files where the server says; `archives` is
    `have_archive`, with the children that content has.
    """

    cache: Cache
    scrub: Scrub
    alert_pictures: AlertPictures
    feeds: Feeds
    sync: Sync
    rounds: Rounds
    page_files: Downloader
    uploads: Uploader
    archives: HaveArchive

    def loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs for ever where there is content, by name."""
        return {"content": self.rounds.run, "panel": self.rounds.follow_panel, "feeds": self.feeds.run}


async def open_supply(
    stack: AsyncExitStack,
    config: Config,
    dirs: Dirs,
    way_out: WayOut,
    server: Connection,
    fallback: Fallback | None,
    triggers: Triggers | None,
    stage: StageClient,
    clock: Clock,
    page: Callable[[str], FaultPage],
    *,
    hurry: asyncio.Event,
    known: Callable[[], bool],
    zone: Callable[[], ZoneInfo],
    facts: Callable[[], Facts],
    seed: str,
) -> ContentSupply:
    """Its sessions last until the end of `stack`.

    `hurry` has the programme asked for now; `known`: whether the server knows this box; `seed` spreads the first rounds of many
    devices.
    """
    content, local = server.content, server.files
    if fallback is not None:
        content, local = fallback.behind(content, known=known, shown=lambda: sync.shown), fallback.files(local)
    if triggers is not None:
        content, local = triggers.beside(content), triggers.files_beside(local)
    egress = Egress(read_address_policy(config), way_out)
    downloads = await stack.enter_async_context(egress.session())
    reserve = parse_size(config.storage.reserve)
    cache = Cache(dirs.cache, clock, parse_size(config.storage.cache_limit))
    download = functools.partial(Downloader, downloads, cache.parts, egress, reserve_bytes=reserve, credentials={})
    item_faults = ItemFaults(page("items"), clock)
    children = await stack.enter_async_context(Children())
    tell_missing = DecoderWalls(page("decoder")).tell
    look_at = functools.partial(prepare, children=children, tell_missing=tell_missing)
    archives = functools.partial(have_archive, children=children, tell_missing=tell_missing)
    asset_fetcher = AssetFetcher(
        cache, download(require_hash=config.cache.require_hash, local=local), look_at, item_faults, reserve_bytes=reserve,
        panel=FULL_HD, clock=clock,
    )  # fmt: skip
    feeds = Feeds(cache, downloads, egress, stage, clock, hurry.set, faults=page("feeds"))
    sync = Sync(
        content, cache, asset_fetcher, item_faults, ProgrammeFile(dirs.state, mode=0o640), stage, clock, zone=zone, facts=facts,
        faults=page("programme"), youtube_hosts=config.stage.youtube_hosts, stream_hosts=config.stage.stream_hosts, feeds=feeds,
    )  # fmt: skip
    has_other = fallback is not None or isinstance(server.content, Absent)
    rounds = Rounds(
        sync, clock, hurry, stage.changed, page("rounds"), known=lambda: known() or has_other,
        poll_s=config.cms.poll_interval, seed=seed,
    )  # fmt: skip
    alert_pictures = AlertPictures(cache, download(require_hash=False, local=None), look_at, lambda: asset_fetcher.panel, clock)
    page_files = Downloader(
        downloads, dirs.cache / PARTS, egress, reserve_bytes=reserve, credentials={}, require_hash=False, local=None
    )
    return ContentSupply(
        cache, Scrub(cache), alert_pictures, feeds, sync, rounds, page_files, Uploader(downloads, egress), archives
    )
