"""Feeds over real HTTP: read, renewed and kept for offline; one that misbehaves in any way costs its own item and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from player.agent.content.asset_fetcher import AssetFetcher
from player.agent.content.feeds import AT_ONCE, READ_AT_ONCE, Feeds
from player.agent.content.item_faults import ItemFaults
from player.agent.content.sync import Sync
from player.core.address_policy import beside
from player.core.content import Item
from player.core.feed import file_of
from player.core.kinds import Kind
from player.core.ports.stage import StageStatus
from player.media.fetch.egress import Egress
from player.media.store.cache import Cache
from player.programme_file import ProgrammeFile
from player.runtime.clock import SystemClock
from player.runtime.fault_page import FaultPage
from tests.fakes.chaos import Chaos, Seen
from tests.fakes.cms import FakeCms, FakePrepare
from tests.fakes.downloads import real_downloads
from tests.fakes.faults import fault_page
from tests.fakes.programmes import JUDGED
from tests.fakes.stage import FakeStage
from tests.fakes.way_out import STRAIGHT

BOMB = b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><rss><channel><item><title>&b;</title></item></channel></rss>'


def rss(*titles: str) -> bytes:
    return f"<rss><channel>{''.join(f'<item><title>{t}</title></item>' for t in titles)}</channel></rss>".encode()


@dataclass
class Bench:
    folder: Path
    chaos: Chaos
    cache: Cache
    stage: FakeStage
    feeds: Feeds
    arrivals: list[float]
    faults: FaultPage

    def item(self, path: str = "/news", name: str = "News") -> Item:
        return Item(f"i{path}", f"c{path}", name, Kind.TICKER, 60, url=self.chaos.url + path)

    def text(self, path: str = "/news") -> str | None:
        file = self.cache.folder / file_of(self.chaos.url + path)
        return file.read_text() if file.exists() else None

    def codes(self) -> dict[str | None, str]:
        return {fault.item_id: fault.code for fault in self.faults.faults}

    async def until(self, holds: Callable[[], object], limit_s: float = 20.0) -> None:
        deadline = time.monotonic() + limit_s
        while not holds():
            assert time.monotonic() < deadline, f"{self.feeds}, {self.faults}"
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def benched(folder: Path, chaos: Chaos, *, every_s: float = 0.2, limit_s: float = 1.0) -> AsyncIterator[Bench]:
    """Feeds that are read all the time; a second one on the same folder is a restart."""
    egress, clock, stage = Egress(beside(chaos.url), STRAIGHT), SystemClock(), FakeStage()
    cache = Cache(folder / "cache", clock, 10**12)
    await cache.open()
    arrivals: list[float] = []
    faults = fault_page()
    async with egress.session() as session, asyncio.TaskGroup() as group:
        feeds = Feeds(
            cache, session, egress, stage, clock, lambda: arrivals.append(time.monotonic()),
            faults=faults, every_s=every_s, limit_s=limit_s,
        )  # fmt: skip
        running = group.create_task(feeds.run())
        yield Bench(folder, chaos, cache, stage, feeds, arrivals, faults)
        running.cancel()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Chaos() as chaos, benched(tmp_path, chaos) as found:
        yield found


async def test_a_feed_is_kept_as_lines_of_text_and_told_when_it_comes(bench: Bench):
    bench.chaos.serve("/news", rss("One", "<b>Two</b> &amp;amp; more"), content_type="application/rss+xml")
    assert await bench.feeds.want([bench.item()]) == frozenset()
    await bench.until(bench.text)
    assert bench.text() == "One\nTwo & more\n"
    await bench.until(lambda: bench.stage.asked)
    assert len(bench.arrivals) == 1
    assert await bench.feeds.want([bench.item()]) == {file_of(bench.chaos.url + "/news")} == bench.feeds.here
    assert bench.faults.faults == ()
    file = bench.cache.folder / file_of(bench.chaos.url + "/news")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o640, 0o750)


async def test_a_feed_is_renewed_and_a_changed_one_is_told_once(bench: Bench):
    served = bench.chaos.serve("/news", rss("One"), etag='"1"', last_modified="Wed, 25 Mar 2026 12:00:00 GMT")
    await bench.feeds.want([bench.item()])
    await bench.until(lambda: bench.chaos.count("/news") >= 3)
    written = (bench.cache.folder / file_of(bench.chaos.url + "/news")).stat().st_mtime_ns
    served.body, served.etag = rss("Two"), '"2"'
    await bench.until(lambda: bench.text() == "Two\n" and len(bench.stage.asked) >= 2)
    assert (bench.cache.folder / file_of(bench.chaos.url + "/news")).stat().st_mtime_ns > written
    asked = [seen.headers for seen in bench.chaos.seen]
    assert "if-none-match" not in asked[0]
    assert asked[1]["if-none-match"] == '"1"'
    assert asked[1]["if-modified-since"] == "Wed, 25 Mar 2026 12:00:00 GMT"
    assert len(bench.stage.asked) == 2, "the same text again is no news"
    assert len(bench.arrivals) == 1


async def test_not_modified_is_an_answer(bench: Bench):
    served = bench.chaos.serve("/news", rss("One"), etag='"1"')
    await bench.feeds.want([bench.item()])
    await bench.until(bench.text)
    served.status, served.body = 304, b""
    before = bench.chaos.count("/news")
    await bench.until(lambda: bench.chaos.count("/news") >= before + 3)
    assert (bench.text(), bench.codes()) == ("One\n", {})


async def test_a_broken_revision_is_asked_for_again_in_full(bench: Bench):
    """What could not be read is not what a later "not modified" may speak of."""
    served = bench.chaos.serve("/news", rss("One"), etag='"1"')
    await bench.feeds.want([bench.item()])
    await bench.until(bench.text)
    served.body, served.etag = b"<rss><chan", '"2"'
    await bench.until(lambda: bench.codes() == {"i/news": "feed_unreadable"})
    assert all(seen.headers.get("if-none-match") in (None, '"1"') for seen in bench.chaos.seen)
    assert bench.text() == "One\n"
    served.body = rss("Two")
    await bench.until(lambda: bench.text() == "Two\n" and not bench.codes())


class Endless:
    """A feed of 100 MB; `sent` counts what of it was taken."""

    def __init__(self) -> None:
        self.sent = 0

    async def __call__(self, _: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<rss>")
        for _ in range(1000):
            writer.write(b" " * 100_000)
            await writer.drain()
            self.sent += 100_000


async def silent(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 500\r\n\r\n<rss>")
    await writer.drain()
    await asyncio.sleep(30)


async def test_n8_c7_a_bomb_a_page_an_endless_and_a_hanging_feed_cost_only_themselves(bench: Bench):
    bench.chaos.serve("/bomb", BOMB)
    bench.chaos.serve("/page", b"<!DOCTYPE html><html><body>Log in</body></html>", content_type="text/html")
    endless = Endless()
    bench.chaos.handle("/endless", endless)
    bench.chaos.handle("/silent", silent)
    bench.chaos.serve("/cut", rss("One", "Two"), cuts=[20] * 50)
    bench.chaos.serve("/packed", gzip.compress(rss("One")), headers={"Content-Encoding": "gzip"})
    bench.chaos.serve("/empty", b"")
    bench.chaos.serve("/gone", b"", status=404)
    bench.chaos.serve("/busy", b"", status=503, headers={"Retry-After": "30"})
    bench.chaos.redirect("/inward", "http://169.254.169.254/latest/meta-data")
    bench.chaos.serve("/news", rss("Good"))
    bad = ("bomb", "page", "endless", "silent", "cut", "packed", "empty", "gone", "busy", "inward")
    await bench.feeds.want([*(bench.item(f"/{name}", name) for name in bad), bench.item()])
    await bench.until(lambda: len(bench.codes()) == len(bad))
    unreadable, unreachable, forbidden = "feed_unreadable", "feed_unreachable", "forbidden_address"
    assert bench.codes() == {
        "i/bomb": unreadable, "i/page": unreadable, "i/endless": unreadable, "i/silent": unreachable, "i/cut": unreachable,
        "i/packed": unreadable, "i/empty": unreadable, "i/gone": unreachable, "i/busy": unreachable, "i/inward": forbidden,
    }  # fmt: skip
    assert bench.text() == "Good\n"
    assert [name for name in bad if bench.text(f"/{name}") is not None] == []
    assert all(fault.item_id and fault.item_id[2:] in fault.message for fault in bench.faults.faults)
    assert endless.sent / bench.chaos.count("/endless") < 20_000_000, (
        "no more is taken than a feed may be long, and what lies in buffers"
    )
    assert bench.chaos.count("/busy") == 1, "a server that asks for a pause is given it"


async def test_n1_offline_the_last_good_text_stays_and_a_restart_has_it(tmp_path: Path):
    async with Chaos() as chaos:
        async with benched(tmp_path, chaos) as bench:
            chaos.serve("/news", rss("One"))
            await bench.feeds.want([bench.item()])
            await bench.until(bench.text)
            chaos.raw("/news", b"")
            await bench.until(lambda: bench.codes() == {"i/news": "feed_unreachable"})
            assert bench.text() == "One\n"
        async with benched(tmp_path, chaos) as bench:
            assert await bench.feeds.want([bench.item()]) == {file_of(chaos.url + "/news")}
            await bench.until(lambda: bench.codes() == {"i/news": "feed_unreachable"})
            chaos.serve("/news", rss("Two"))
            await bench.until(lambda: bench.text() == "Two\n")
            assert bench.arrivals == []


async def test_feeds_that_nobody_wants_are_swept_and_their_faults_go(bench: Bench):
    bench.chaos.serve("/news", rss("One"))
    bench.chaos.serve("/old", rss("Old"))
    await bench.feeds.want([bench.item(), bench.item("/old"), bench.item("/nothing")])
    await bench.until(lambda: bench.text() and bench.text("/old") and bench.codes())
    await bench.feeds.want([bench.item()])
    assert bench.faults.faults == ()
    await bench.feeds.sweep([file_of(bench.chaos.url + "/old")])
    assert bench.text("/old"), "what plays keeps its text"
    await bench.cache.sweep(panels=(), keep_files=(), keep_parts=())
    await bench.feeds.sweep([])
    assert (bench.text("/old"), bench.text()) == (None, "One\n")


async def test_s12_a_link_in_the_place_of_a_text_is_replaced_and_not_followed(bench: Bench):
    secret = bench.folder / "secret"
    secret.write_text("secret")
    file = bench.cache.folder / file_of(bench.chaos.url + "/news")
    file.parent.mkdir()
    file.symlink_to(secret)
    bench.chaos.serve("/news", rss("One"))
    await bench.feeds.want([bench.item()])
    await bench.until(lambda: not file.is_symlink() and bench.text() == "One\n")
    assert secret.read_text() == "secret"


# --- with the programme


@contextlib.asynccontextmanager
async def synced(bench: Bench, cms: FakeCms, items: FaultPage) -> AsyncIterator[Sync]:
    """Opened, with the bench's feeds; `items` is the page of what is wrong with items."""
    clock, egress = SystemClock(), Egress(beside(bench.chaos.url), STRAIGHT)
    item_faults = ItemFaults(items, clock)
    async with egress.session() as session:
        downloader = real_downloads(session, bench.cache.parts, egress)
        sync = Sync(
            cms, bench.cache,
            AssetFetcher(
                bench.cache, downloader, FakePrepare(), item_faults, reserve_bytes=0, panel=(1920, 1080), clock=SystemClock()
            ), item_faults,
            ProgrammeFile(bench.folder), bench.stage, clock, **JUDGED, faults=fault_page(), youtube_hosts=("youtube.com",),
            stream_hosts=(), feeds=bench.feeds,
        )  # fmt: skip
        await sync.open()
        yield sync


async def test_an_item_goes_on_air_when_its_feed_has_come_and_nothing_waits_for_it(bench: Bench):
    cms, snapshot = FakeCms(), ProgrammeFile(bench.folder)
    async with synced(bench, cms, fault_page()) as sync:
        page = Item("page", "page", "Page", Kind.WEB, 10, url="http://page.example/")
        clock_item = Item("clock", "clock", "Clock", Kind.CLOCK, 10, text="")
        cms.want((page, None), (bench.item(), None), (clock_item, None), (bench.item("/silent"), None))
        bench.chaos.handle("/silent", silent)
        bench.chaos.serve("/news", rss("One"))
        await sync.once()
        assert [item.name for item in snapshot.read().items] == ["Page", "Clock"]
        await bench.until(lambda: bench.arrivals)
        assert sync.retry_in_s() == 0.0
        await sync.once()
        shown = {item.id: item.file for item in snapshot.read().items}
        assert shown == {"page": None, "i/news": file_of(bench.chaos.url + "/news"), "clock": None}
        assert sync.retry_in_s() is None
        bench.chaos.serve("/news", b"broken")
        await bench.until(lambda: "i/news" in bench.codes())
        cms.want((bench.item(), None))
        await sync.once()
        assert [item.id for item in snapshot.read().items] == ["i/news"]
        bench.stage.status = StageStatus(manifest_version=snapshot.read().version)  # it has moved on from what was before
        (bench.cache.folder / "feeds" / "left.txt").write_text("nobody's")
        await sync.once()
        assert [path.name for path in (bench.cache.folder / "feeds").iterdir()] == [Path(shown["i/news"]).name]


async def test_c9_a_feed_at_a_forbidden_address_is_never_asked_for(bench: Bench):
    items, cms, snapshot = fault_page(), FakeCms(), ProgrammeFile(bench.folder)
    async with synced(bench, cms, items) as sync:
        cms.want(
            (Item("x", "x", "Spy", Kind.TICKER, 10, url="file:///etc/passwd"), None), (Item("c", "c", "C", Kind.CLOCK, 10), None)
        )
        await sync.once()
        assert [item.id for item in snapshot.read().items] == ["c"]
        assert [fault.code for fault in items.faults] == ["bad_url"]
        assert bench.faults.faults == ()


async def test_thousands_of_feeds_are_read_one_after_another(bench: Bench):
    await bench.feeds.want([bench.item(f"/feed{n}") for n in range(4000)])
    await bench.until(lambda: len(bench.chaos.seen) >= READ_AT_ONCE)
    await asyncio.sleep(0.5)
    assert len(bench.chaos.seen) <= READ_AT_ONCE + 2
    bench.chaos.serve("/news", rss("One"))
    await bench.feeds.want([bench.item()])
    await bench.until(bench.text, 30)
    assert len({seen.path for seen in bench.chaos.seen}) <= READ_AT_ONCE + 2 + AT_ONCE * AT_ONCE
