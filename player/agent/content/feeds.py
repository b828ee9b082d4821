"""Feeds behind tickers: read every five minutes beside the programme, kept as lines of text below `feeds/` of the cache.

Laws: the text that was read last stays until there is a better one (the screen does not wait for the network); a feed that is away,
endless, slow or no feed at all costs its own item and nothing else; its address is held to the same rules as any file's
(`media.fetch.egress`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import aiohttp

from player.core.allowance import Allowance
from player.core.content import Item
from player.core.feed import LARGEST, file_of, lines_of
from player.core.ports.box import Clock
from player.core.ports.stage import Reread, StagePort
from player.errors import BoxError, ContentError, ServerError, ServerNonsense, SignageError, StorageError
from player.media.fetch.egress import Egress, Way, parse_url, shown
from player.media.fetch.transfer import retry_after
from player.media.store.cache import Cache
from player.runtime.fault_page import FaultPage
from player.runtime.tasks import backoff, jittered
from player.store import write_atomically

log = logging.getLogger(__name__)

FOLDER = "feeds"
MODE = 0o640  # the stage reads it by its group
EVERY_S, FIRST_RETRY_S = 300.0, 10.0
LIMIT_S, FIRST_BYTE_S = 30.0, 15.0
AT_ONCE = 4
READ_AT_ONCE, READ_EVERY_S = 64, 1.0  # feeds that are read without a pause; whatever is more waits for its turn


@dataclass(slots=True)
class _Feed:
    """One address, and what its server last said of it. `due` is monotonic."""

    item: Item
    url: str
    file: str
    due: float = 0.0
    failures: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    pause_s: float = 0.0  # what the server asked for


class Feeds:
    """`session` is of `egress.session()`. `arrived` is called when a feed that was not here yet has come."""

    def __init__(
        self,
        cache: Cache,
        session: aiohttp.ClientSession,
        egress: Egress,
        stage: StagePort,
        clock: Clock,
        arrived: Callable[[], None],
        *,
        faults: FaultPage,
        every_s: float = EVERY_S,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._cache, self._stage, self._clock, self._arrived = cache, stage, clock, arrived
        self._way = Way(session, egress, {}, min(FIRST_BYTE_S, limit_s))
        self._every_s, self._limit_s = every_s, limit_s
        self._faults = faults
        self._wanted: dict[str, _Feed] = {}
        self._here: set[str] = set()
        self._changed = asyncio.Event()
        self._slots, self._allowance = asyncio.Semaphore(AT_ONCE), Allowance(READ_AT_ONCE, READ_EVERY_S)

    def __repr__(self) -> str:
        return f"<Feeds: {len(self._here)} of {len(self._wanted)} here>"

    async def want(self, items: Iterable[Item]) -> frozenset[str]:
        """These feeds are to be kept fresh, and no others; the files (as in `Item.file`) that are here. Raises StorageError."""
        items = [item for item in items if item.url]
        wanted = {item.url or "": item for item in reversed(items)}
        for url, item in wanted.items():
            kept = self._wanted.get(url)
            self._wanted[url] = _Feed(item, url, file_of(url)) if kept is None else kept
            self._wanted[url].item = item
        self._wanted = {url: feed for url, feed in self._wanted.items() if url in wanted}
        self._faults.keep_only(wanted)
        names = await asyncio.to_thread(self._cache.safe_folder.names, FOLDER) if wanted else []
        self._here = {f"{FOLDER}/{name}" for name in names} & {feed.file for feed in self._wanted.values()}
        self._changed.set()
        return frozenset(self._here)

    @property
    def here(self) -> frozenset[str]:
        """The files of those wanted feeds that have come."""
        return frozenset(self._here)

    async def sweep(self, keep_files: Iterable[str]) -> None:
        """Removes the texts of feeds that neither the programme nor what plays (`keep_files`) names."""
        keep = {feed.file for feed in self._wanted.values()} | set(keep_files)
        await asyncio.to_thread(self._sweep, keep)

    def _sweep(self, keep: set[str]) -> None:
        for name in self._cache.safe_folder.names(FOLDER):
            if f"{FOLDER}/{name}" not in keep:
                self._cache.safe_folder.remove(f"{FOLDER}/{name}")

    async def run(self) -> None:
        """Reads what is due, a few at once, the longest overdue first, for ever."""
        while True:
            self._changed.clear()
            async with asyncio.TaskGroup() as group:
                for feed in self._due()[: AT_ONCE * AT_ONCE]:
                    group.create_task(self._renew(feed), name=f"feed {feed.item.content_id}")
            try:
                async with asyncio.timeout(self._pause_s()):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _due(self) -> Sequence[_Feed]:
        now = self._clock.monotonic()
        return sorted((feed for feed in self._wanted.values() if feed.due <= now), key=lambda feed: feed.due)

    def _pause_s(self) -> float | None:
        now = self._clock.monotonic()
        return max(0.05, min(feed.due for feed in self._wanted.values()) - now) if self._wanted else None

    async def _renew(self, feed: _Feed) -> None:
        feed.pause_s = 0.0
        try:
            async with self._slots:
                await asyncio.sleep(self._allowance.take(self._clock.monotonic()))
                answer = await self._fetch(feed)
                if answer is not None:
                    body, headers = answer
                    await self._keep(feed, await asyncio.to_thread(_read, feed.item, body))
                    feed.headers = headers
        except (SignageError, OSError) as error:
            self._failed(feed, error if isinstance(error, SignageError) else StorageError(feed.file, str(error)))
        else:
            feed.failures, feed.due = 0, self._clock.monotonic() + max(feed.pause_s, jittered(self._every_s))
            self._faults.clear(feed.url)

    def _failed(self, feed: _Feed, error: SignageError) -> None:
        pause = backoff(feed.failures, first_s=FIRST_RETRY_S, limit_s=self._every_s)
        feed.failures, feed.due = feed.failures + 1, self._clock.monotonic() + max(feed.pause_s, pause)
        self._faults.report(feed.url, error.code, str(error), item_id=feed.item.id, content_id=feed.item.content_id)

    # --- one feed

    async def _fetch(self, feed: _Feed) -> tuple[bytes, dict[str, str]] | None:
        """Its bytes, and what to ask with next time; None where it has not changed. Raises ContentError."""
        name = str(feed.item)
        url = parse_url(feed.url, name)
        known = feed.headers if feed.file in self._here else {}
        try:
            async with (
                asyncio.timeout(self._limit_s),
                self._way.open(url, name, {"Accept-Encoding": "identity", **known}) as response,
            ):
                if response.status == 304 and known:
                    return None
                self._check(feed, response)
                return await _body(response, name), _validators(response)
        except TimeoutError as error:
            raise _unreachable(name, f"{shown(url)} did not send it within {self._limit_s:.0f} s") from error
        except ServerNonsense as error:
            raise _unreadable(name, error.reason) from error
        except (ServerError, aiohttp.ClientError, OSError) as error:
            raise _unreachable(name, str(error) or type(error).__name__) from error

    def _check(self, feed: _Feed, response: aiohttp.ClientResponse) -> None:
        name, where = str(feed.item), shown(response.url)
        feed.pause_s = retry_after(response.headers.get("Retry-After")) or 0.0
        if response.status != 200:
            raise _unreachable(name, f"{where} answered {response.status}: correct the address of the feed, or mend its server")
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise _unreadable(name, f"{where} sends it compressed, although asked not to")

    async def _keep(self, feed: _Feed, text: str) -> None:
        """Writes the text where it is another one, and tells who shows it. Raises StorageError."""
        first = feed.file not in self._here
        if not await asyncio.to_thread(self._write, feed.file, text.encode()) and not first:
            return
        log.info("the feed of %s has new text: %d lines", feed.item, text.count("\n"))
        if self._wanted.get(feed.url) is not feed:
            return
        self._here.add(feed.file)
        if first:
            self._arrived()
        try:
            await self._stage.ask(Reread())
        except BoxError as error:
            log.debug("%s; it reads the feed when it shows it", error)

    def _write(self, file: str, text: bytes) -> bool:
        """Whether it was another text: the flash is spared."""
        with self._cache.safe_folder.folder(FOLDER):
            path = self._cache.folder / file
        if path.is_file() and not path.is_symlink() and path.read_bytes() == text:
            return False
        write_atomically(path, text, MODE)
        return True


def _read(item: Item, body: bytes) -> str:
    try:
        return "\n".join(lines_of(body)) + "\n"
    except ValueError as error:
        raise _unreadable(str(item), str(error)) from error


async def _body(response: aiohttp.ClientResponse, name: str) -> bytes:
    """All of it, at most `LARGEST` bytes."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST:
            raise _unreadable(name, f"it is larger than {LARGEST // 1_000_000} MB: choose a smaller feed")
    return bytes(body)


def _validators(response: aiohttp.ClientResponse) -> dict[str, str]:
    """What the next request shows the server, so that it can answer that nothing has changed."""
    pairs = (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
    return {ours: response.headers[theirs] for ours, theirs in pairs if response.headers.get(theirs)}


def _unreachable(name: str, reason: str) -> ContentError:
    return ContentError("feed_unreachable", name, f"its feed cannot be fetched ({reason}); its last text stays")


def _unreadable(name: str, reason: str) -> ContentError:
    return ContentError("feed_unreadable", name, f"its feed cannot be read ({reason}); its last text stays")
