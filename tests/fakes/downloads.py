"""Files elsewhere, by address, and how they are fetched; and what fetches them really."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from player.core.ask_again import Validators
from player.core.content import WantedAsset
from player.errors import ServerUnreachable
from player.media.fetch.download import Downloader, Fetched, NoRoom
from player.media.fetch.egress import Egress


class FakeDownloads:
    """Fetches what `elsewhere` holds into `folder`, as `Downloader.fetch` promises."""

    def __init__(self, elsewhere: Mapping[str, bytes], folder: Path) -> None:
        self._elsewhere, self._folder = elsewhere, folder

    async def fetch(self, asset: WantedAsset, key: str, room: int) -> Fetched:
        raw = self._elsewhere.get(asset.url)
        if raw is None:
            raise ServerUnreachable(asset.url, "nobody is there")
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{key}.part"
        path.write_bytes(raw[:room])
        if len(raw) > room:
            raise NoRoom(asset.name, len(raw), room)
        return Fetched(path, hashlib.sha256(raw).hexdigest(), len(raw), verified=False, validators=Validators())


def real_downloads(session: aiohttp.ClientSession, folder: Path, egress: Egress, **given: Any) -> Downloader:
    """The real one: without a reserve, credentials or files of this machine, and content with files that have no hash."""
    options = {"reserve_bytes": 0, "credentials": {}, "require_hash": False, "local": None}
    return Downloader(session, folder, egress, **(options | given))
