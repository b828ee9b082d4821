"""Pictures of alerts come at once, are checked like any other, and survive the sweep."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from player.agent.content.alert_pictures import A_DAY, LARGEST, AlertPictures
from player.core.address_policy import beside
from player.core.ask_again import Validators
from player.core.content import WantedAsset
from player.core.wear import DAY_S
from player.errors import ContentError, ServerBusy, ServerNonsense
from player.media.fetch.egress import Egress
from player.media.fetch.transfer import Fetched
from player.media.store.cache import Cache
from tests.fakes.chaos import Chaos
from tests.fakes.clock import FakeClock
from tests.fakes.cms import FakePrepare
from tests.fakes.downloads import real_downloads
from tests.fakes.way_out import STRAIGHT

PNG = b"\x89PNG\r\n\x1a\n" + bytes(500)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[tuple[Chaos, Cache, AlertPictures, FakePrepare]]:
    async with Chaos() as chaos:
        egress, cache, prepare = Egress(beside(chaos.url), STRAIGHT), Cache(tmp_path, FakeClock(), 10**9), FakePrepare()
        await cache.open()
        async with egress.session() as session:
            downloader = real_downloads(session, cache.parts, egress)
            yield chaos, cache, AlertPictures(cache, downloader, prepare, lambda: (1080, 1920), FakeClock()), prepare


async def test_an_alerts_picture_is_fetched_once_and_stays(bench):
    chaos, cache, pictures, prepare = bench
    chaos.serve("/storm.png", PNG, content_type="image/png")
    file = await pictures.fetch(chaos.url + "/storm.png")
    assert file.startswith("prepared/")
    await cache.sweep(panels={"1920x1080"}, keep_files=(), keep_parts=())
    assert await pictures.fetch(chaos.url + "/storm.png") == file
    assert (cache.folder / file).is_file()
    assert (chaos.count("/storm.png"), len(prepare.seen)) == (1, 1)


async def test_an_alerts_picture_is_checked_like_any_other(bench):
    chaos, _, pictures, _ = bench
    chaos.serve("/login", b"<html>", content_type="text/html")
    with pytest.raises(ServerNonsense):
        await pictures.fetch(chaos.url + "/login")
    chaos.serve("/huge", b"", length=str(LARGEST + 1))
    with pytest.raises(ContentError, match="room"):
        await pictures.fetch(chaos.url + "/huge")


async def test_pictures_that_are_others_each_time_are_fetched_as_flash_bears_it(tmp_path: Path):
    clock, asked = FakeClock(), list[str]()

    class Large:
        """As a downloader, of the largest pictures that there may be."""

        async def fetch(self, asset: WantedAsset, *_: object) -> Fetched:
            asked.append(asset.url)
            (tmp_path / "part").write_bytes(PNG)
            return Fetched(tmp_path / "part", hashlib.sha256(asset.url.encode()).hexdigest(), LARGEST, False, Validators())

    cache = Cache(tmp_path / "cache", clock, 10**9)
    await cache.open()
    pictures = AlertPictures(cache, Large(), FakePrepare(), lambda: (1080, 1920), clock)  # type: ignore[arg-type]
    for number in range(2 * A_DAY // LARGEST + 1):
        await pictures.fetch(f"https://cms.example.com/{number}.png")
    with pytest.raises(ServerBusy, match="too many pictures"):
        await pictures.fetch("https://cms.example.com/another.png")
    assert len(asked) == 2 * A_DAY // LARGEST + 1
    clock.forward(DAY_S)
    await pictures.fetch("https://cms.example.com/later.png")


async def test_a_part_that_grows_is_not_swept(bench):
    _, cache, _, _ = bench
    for key in ("a" * 64, "b" * 64):
        (cache.parts / f"{key}.part").write_bytes(b"half")
    with cache.growing("a" * 64):
        await cache.sweep(panels=(), keep_files=(), keep_parts=())
    assert [p.name for p in cache.parts.iterdir()] == [f"{'a' * 64}.part"]
