"""One round of sync in a process of its own, to be killed: `python -m tests.fakes.sync_child FOLDER URL NAME:SHA256[:KIND]…`.

Of the kind image, which is prepared for real, or video, which is shown as it came.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from pathlib import Path

from player.agent.content.asset_fetcher import AssetFetcher
from player.agent.content.item_faults import ItemFaults
from player.agent.content.sync import Sync
from player.core.address_policy import beside
from player.core.content import Item, WantedAsset
from player.core.kinds import Kind
from player.media.fetch.egress import Egress
from player.media.prepare.children import Children
from player.media.prepare.parent import prepare
from player.media.store.cache import Cache
from player.programme_file import ProgrammeFile
from player.runtime.clock import SystemClock
from tests.fakes.cms import FakeCms, FakePrepare
from tests.fakes.downloads import real_downloads
from tests.fakes.faults import fault_page
from tests.fakes.programmes import JUDGED
from tests.fakes.stage import FakeStage
from tests.fakes.way_out import STRAIGHT


async def main(folder: Path, url: str, wanted: list[str]) -> None:
    clock, cms, egress = SystemClock(), FakeCms(), Egress(beside(url), STRAIGHT)
    cache, item_faults = Cache(folder / "cache", clock, 10**12), ItemFaults(fault_page(), clock)
    rows = [(name, sha, Kind(*kind) if kind else Kind.VIDEO) for name, sha, *kind in (one.split(":") for one in wanted)]
    cms.want(*((Item(n, n, n, kind, 10, file_hash=sha), WantedAsset(n, n, kind, f"{url}/{n}", sha)) for n, sha, kind in rows))
    is_real = any(kind is Kind.IMAGE for _, _, kind in rows)
    async with egress.session() as session, Children() as children:
        look_at = functools.partial(prepare, children=children) if is_real else FakePrepare()
        downloader = real_downloads(session, cache.parts, egress)
        asset_fetcher = AssetFetcher(cache, downloader, look_at, item_faults, reserve_bytes=0, panel=(1920, 1080), clock=clock)
        sync = Sync(
            cms, cache, asset_fetcher, item_faults, ProgrammeFile(folder), FakeStage(), clock, **JUDGED, faults=fault_page(),
            youtube_hosts=("youtube.com",), stream_hosts=(), feeds=None,
        )  # fmt: skip
        await sync.open()
        print("ready", flush=True)
        await sync.once()
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
