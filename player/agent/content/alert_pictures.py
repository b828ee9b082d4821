"""Pictures of emergency alerts: fetched beside the programme at once, since an alert does not wait for a round of sync.

They pass the same checks as any picture, and stay in the cache until their room is needed.
"""

from __future__ import annotations

from collections.abc import Callable

from player.agent.content.asset_fetcher import Prepare
from player.core.content import WantedAsset
from player.core.filehash import asset_key
from player.core.kinds import Kind
from player.core.ports.box import Clock
from player.core.wear import ByteBudget
from player.errors import ServerBusy
from player.media.fetch.download import Downloader
from player.media.store.cache import Cache
from player.media.store.index import Derived

LARGEST = 32 * 1024 * 1024
A_DAY = 2 * LARGEST  # bytes that may be fetched, after twice as many at once: flash wears out
_NAME = "the picture of an alert"


class AlertPictures:
    """`panel` answers the panel's size in pixels; `downloader` is one of its own, so that no film is waited for, and asks for
    no hash, which no server has of the pictures of its alerts.
    """

    def __init__(
        self, cache: Cache, downloader: Downloader, prepare: Prepare, panel: Callable[[], tuple[int, int]], clock: Clock
    ) -> None:
        self._cache, self._downloader, self._prepare, self._panel, self._clock = cache, downloader, prepare, panel, clock
        self._budget = ByteBudget(2 * A_DAY, A_DAY)

    async def fetch(self, url: str) -> str:
        """The picture, as a path below the cache folder. Raises ContentError, ServerError, StorageError, BoxError."""
        asset = WantedAsset("alert", _NAME, Kind.IMAGE, url)
        key, panel = asset_key(asset.content_id, None, url), self._panel()
        shape = f"{max(panel)}x{min(panel)}"
        stored = self._cache.files.find(key)
        if stored is None:
            if (wait_s := self._budget.wait_s(self._clock.monotonic())) > 0:
                raise ServerBusy("the server", f"too many pictures of alerts were fetched; others in {wait_s:.0f} s", wait_s)
            with self._cache.growing(key):
                fetched = await self._downloader.fetch(asset, key, LARGEST)
                self._budget.spend(fetched.size, self._clock.monotonic())
                stored = await self._cache.adopt(fetched, key, _NAME, asset.content_id)
        derived = self._cache.files.derived(stored.sha256, shape, Kind.IMAGE)
        if derived is None:
            source = self._cache.folder / stored.file
            made = await self._prepare(source, Kind.IMAGE, _NAME, self._cache.prepared, panel, sha256=stored.sha256)
            derived = Derived(shape, Kind.IMAGE, self._cache.relative(made.file))
            await self._cache.add_derived(stored.sha256, derived)
        await self._cache.settle()
        self._cache.files.touch([stored.sha256])
        return derived.file
