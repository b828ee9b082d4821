"""Downloads: whole, checked and resumable, or not at all; a few at once on one session.

Laws (faults N4 to N11): a body is believed when its length and hash are right, never because a server said 200; what broke off is
continued with `Range` and `If-Range`; nothing takes more room than it was given; a server that trickles is left. Deadlines on
every wait on the network; there is no total one, since a large file on a slow line is still progress.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import aiohttp

from player.core.ask_again import Validators
from player.core.content import WantedAsset
from player.core.filehash import parse_file_hash
from player.core.ports.server import LocalFiles
from player.errors import ContentError
from player.media.fetch.body import Patience
from player.media.fetch.egress import Egress, Way, parse_url
from player.media.fetch.local import copied
from player.media.fetch.partfile import PartFile
from player.media.fetch.pump import NoRoom, Progress
from player.media.fetch.transfer import Fetched, FileAnswer, Transfer, ask

__all__ = ["Downloader", "Fetched", "FileAnswer", "NoRoom", "Patience", "Progress"]


class Downloader:
    """Fetches assets into `folder`, at most `at_once` at a time; `egress.session()` makes the session this is meant for.

    `credentials`: headers for the configured server alone. `require_hash` refuses what cannot be checked.
    `local`: files of this machine that the server's assets may be, where it is one that lists such.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        folder: Path,
        egress: Egress,
        *,
        reserve_bytes: int,
        credentials: Mapping[str, str],
        require_hash: bool,
        local: LocalFiles | None,
        at_once: int = 2,
        patience: Patience | None = None,
    ) -> None:
        self._patience = patience or Patience()
        self._way = Way(session, egress, credentials, self._patience.first_byte_s)
        self._folder, self._reserve_bytes, self._require_hash, self._local = folder, reserve_bytes, require_hash, local
        self._slots = asyncio.Semaphore(at_once)

    async def fetch(self, asset: WantedAsset, key: str, room: int, progress: Progress | None = None) -> Fetched:
        """The whole file behind `asset`, at most `room` bytes; `key` (hex digits) names its part, which stays when this ends early.

        Raises ContentError, ServerError, StorageError.
        """
        expected = parse_file_hash(asset.file_hash)
        if expected is None and self._require_hash:
            reason = "the server gave no hash to check it by, and cache.require_hash is set: add a hash on the server"
            raise ContentError("unverified", asset.name, reason, transient=False)
        source = await self._source(asset)
        algorithms = (expected.algorithm,) if expected else ()
        async with self._slots:
            part = await asyncio.to_thread(PartFile, self._folder, key, algorithms, reserve_bytes=self._reserve_bytes)
            try:
                if source is not None:
                    return await asyncio.to_thread(copied, source, asset, expected, part, room)
                url = parse_url(asset.url, asset.name)
                await asyncio.to_thread(part.resume, asset.file_hash, checkable=expected is not None)
                return await Transfer(self._way, self._patience, asset, url, expected, part, room, progress).run()
            finally:
                part.close()
                if source is not None:
                    source.close()

    async def _source(self, asset: WantedAsset) -> IO[bytes] | None:
        """The file of this machine behind the asset; None where it lies elsewhere."""
        try:
            return await asyncio.to_thread(self._local.open, asset.url) if self._local else None
        except OSError as error:
            raise ContentError("missing", asset.name, f"it cannot be opened ({error.strerror})") from error

    async def ask(self, asset: WantedAsset, known: Validators) -> FileAnswer | None:
        """What lies behind `asset` now, without fetching it; None where it is what is `known`. Raises ContentError, ServerError."""
        async with self._slots:
            return await ask(self._way, asset, parse_url(asset.url, asset.name), known)
