"""From the server's wish to a manifest on air: real files over real HTTP, failing in every way."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from player.agent.content.asset_fetcher import AssetFetcher, Prepare
from player.agent.content.item_faults import ItemFaults
from player.agent.content.sync import LOOK_EVERY_S, Sync
from player.core.address_policy import beside
from player.core.content import Item, Layout, Playlist, Programme, Rect, Region, WantedAsset
from player.core.faults import Fault, FaultBook
from player.core.kinds import Kind
from player.core.ports.stage import NowPlaying, Request, Reread, StageStatus
from player.core.schedule import Rule
from player.core.syncplan import GUESS
from player.core.wear import A_MINUTE, PROGRAMMES_AT_ONCE, REVISION_EVERY_S, REVISIONS
from player.errors import BoxError, ContentError, ServerUnreachable, StorageError
from player.media.fetch.download import Patience
from player.media.fetch.egress import Egress
from player.media.prepare.parent import prepare as look_at
from player.media.store.cache import Cache
from player.programme_file import ProgrammeFile
from tests.fakes.chaos import Chaos
from tests.fakes.clock import FakeClock
from tests.fakes.cms import FakeCms, FakePrepare, Made
from tests.fakes.downloads import real_downloads
from tests.fakes.faults import fault_page
from tests.fakes.measured import processor_at_most
from tests.fakes.programmes import JUDGED, programme_of
from tests.fakes.stage import FakeStage
from tests.fakes.way_out import STRAIGHT

Wish = tuple[Item, WantedAsset | None]
MANY = 10**12
A = TypeVar("A")


class FollowingStage(FakeStage):
    """Plays whatever the snapshot holds when it is told to read it again; `slow` leaves it with what it has."""

    def __init__(self, snapshot: ProgrammeFile) -> None:
        super().__init__()
        self.snapshot, self.slow = snapshot, False
        self.status = StageStatus(size="1920x1080")

    async def ask(self, request: Request[A]) -> A:
        answer = await super().ask(request)
        if not self.slow and self.status:
            self.status = replace(self.status, manifest_version=self.snapshot.read().version)
        return answer


@dataclass
class Bench:
    folder: Path
    chaos: Chaos
    clock: FakeClock
    cms: FakeCms
    cache: Cache
    prepare: FakePrepare
    snapshot: ProgrammeFile
    stage: FollowingStage
    sync: Sync
    faults: FaultBook

    def video(
        self, name: str, body: bytes | None = None, *, hash_: str | None = None, kind: Kind = Kind.VIDEO, **vices: object
    ) -> Wish:
        """A file at /NAME, and the item and asset that want it."""
        body = body_of(name) if body is None else body
        self.chaos.serve(f"/{name}", body, **vices)
        file_hash = hashlib.sha256(body).hexdigest() if hash_ is None else hash_
        asset = WantedAsset(name, name, kind.value, f"{self.chaos.url}/{name}", file_hash or None, None)
        return Item(f"i-{name}", name, name, kind, 10, file_hash=file_hash), asset

    async def on_air(self, *wishes: Wish, rounds: int = 1, delete: tuple[str, ...] = ()) -> list[str]:
        self.cms.want(*wishes, delete=delete)
        for _ in range(rounds):
            await self.sync.once()
            self.clock.forward(600)
        return self.names()

    def names(self) -> list[str]:
        """What the snapshot on disk says is on air; each file of it is there."""
        manifest = self.snapshot.read()
        if manifest is None:
            return []
        for item in manifest.items:
            assert item.file is None or (self.cache.folder / item.file).is_file(), f"{item} is on air without its file"
        return [item.name for item in manifest.items]

    def codes(self) -> list[str]:
        return [fault.code for fault in self.faults.faults]

    def held(self) -> list[str]:
        return sorted(stored.name for stored in self.cache.files.entries())


def body_of(name: str) -> bytes:
    return b"\x00\x00\x00\x18ftypmp42" + name.encode() * 200


@contextlib.asynccontextmanager
async def benched(
    folder: Path, chaos: Chaos, clock: FakeClock, *, limit: int = MANY, reserve: int = 0, prepare: Prepare | None = None
) -> AsyncIterator[Bench]:
    """A whole content side; a second one on the same folder is a restart."""
    egress = Egress(beside(chaos.url), STRAIGHT)
    async with egress.session() as session:
        cms, fake, faults = FakeCms(), FakePrepare(), FaultBook()
        item_faults = ItemFaults(fault_page(faults, "items", clock), clock)
        cache = Cache(folder / "cache", clock, limit)
        patience = Patience(first_byte_s=5, window_s=0.8, pause_s=0.01)
        downloader = real_downloads(session, cache.parts, egress, reserve_bytes=reserve, patience=patience)
        asset_fetcher = AssetFetcher(
            cache, downloader, prepare or fake, item_faults, reserve_bytes=reserve, panel=(1920, 1080), clock=clock
        )
        snapshot = ProgrammeFile(folder)
        stage = FollowingStage(snapshot)
        sync = Sync(
            cms, cache, asset_fetcher, item_faults, snapshot, stage, clock, **JUDGED,
            faults=fault_page(faults, "programme", clock),
            youtube_hosts=("youtube.com",), stream_hosts=(), feeds=None,
        )  # fmt: skip
        await sync.open()
        yield Bench(folder, chaos, clock, cms, cache, fake, snapshot, stage, sync, faults)


@pytest.fixture
async def chaos() -> AsyncIterator[Chaos]:
    async with Chaos() as server:
        yield server


@pytest.fixture
async def bench(tmp_path: Path, chaos: Chaos) -> AsyncIterator[Bench]:
    async with benched(tmp_path, chaos, FakeClock()) as made:
        yield made


async def test_a_programme_goes_on_air_with_its_files(bench: Bench):
    assert await bench.on_air(bench.video("a"), bench.video("b")) == ["a", "b"]
    item = bench.sync.manifest.items[0]
    assert item.asset == hashlib.sha256(body_of("a")).hexdigest()
    assert (bench.cache.folder / item.file).read_bytes() == body_of("a")
    assert bench.sync.manifest.assets == 2
    progress = bench.sync.progress
    assert (progress.items, progress.assets_ready, progress.assets_total) == (2, 2, 2)
    assert progress.version == bench.sync.manifest.version
    assert repr(bench.sync) == f"content {progress.version}: 2 of 2 files ready"


async def test_an_unchanged_programme_writes_and_fetches_nothing(bench: Bench):
    await bench.on_air(bench.video("a"))
    stamps = {p: p.stat().st_mtime_ns for p in bench.folder.rglob("*") if p.is_file()}
    asked = list(bench.stage.asked)
    await bench.on_air(bench.video("a"), rounds=3)
    assert {p: p.stat().st_mtime_ns for p in bench.folder.rglob("*") if p.is_file()} == stamps
    assert (bench.chaos.count("/a"), bench.stage.asked) == (1, asked)


async def test_a_file_that_is_another_one_at_each_answer_is_fetched_some_times_and_then_now_and_then(bench: Bench):
    for number in range(REVISIONS + 5):
        bench.cms.want(bench.video("a", body_of(f"a{number}")))
        await bench.sync.once()
    assert bench.chaos.count("/a") == REVISIONS
    assert bench.names() == ["a"], "what was there before stays"
    assert bench.codes() == ["server_busy"]
    bench.clock.forward(REVISION_EVERY_S)
    await bench.sync.once()
    assert bench.chaos.count("/a") == REVISIONS + 1


async def test_pictures_are_shown_as_they_were_prepared(bench: Bench):
    await bench.on_air(bench.video("p", kind=Kind.IMAGE))
    file = bench.sync.manifest.items[0].file
    assert file.startswith("prepared/")
    assert (bench.cache.folder / file).read_bytes().startswith(b"picture of ")


async def test_a_sound_comes_with_its_cover_which_stays_as_long_as_it_is_on_air(bench: Bench):
    song = bench.video("song", kind=Kind.AUDIO)
    assert await bench.on_air(song, rounds=2) == ["song"]
    (item,) = bench.sync.manifest.items
    assert (item.kind, item.file.startswith("media/"), item.cover.startswith("prepared/")) == (Kind.AUDIO, True, True)
    assert (bench.cache.folder / item.cover).is_file()
    assert bench.cache.files.entries()[0].bytes > len(body_of("song"))
    await bench.on_air(bench.video("a"), delete=("song",), rounds=2)
    assert not (bench.cache.folder / item.cover).exists()


async def test_a_real_picture_goes_through_the_real_child(tmp_path: Path, chaos: Chaos):
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (4000, 1000), "teal").save(out, "PNG")
    async with benched(tmp_path, chaos, FakeClock(), prepare=look_at) as bench:
        good = bench.video("good", out.getvalue(), kind=Kind.IMAGE)
        torn = bench.video("torn", out.getvalue()[:2000], kind=Kind.IMAGE)
        assert await bench.on_air(good, torn) == ["good"]
        with Image.open(bench.cache.folder / bench.sync.manifest.items[0].file) as shown:
            assert shown.size == (1920, 480)
        assert [fault.item_id for fault in bench.faults.faults] == ["i-torn"]


async def test_another_panel_means_preparing_again_and_the_earlier_picture_goes(bench: Bench):
    wish = bench.video("p", kind=Kind.IMAGE)
    await bench.on_air(wish, bench.video("v"))
    before = bench.sync.manifest.items[0].file
    bench.stage.status = replace(bench.stage.status, size="1080x1920")
    await bench.on_air(wish, bench.video("v"))
    assert bench.sync.manifest.items[0].file == before, "turned, not another panel"
    bench.stage.status = replace(bench.stage.status, size="3840x2160")
    await bench.on_air(wish, bench.video("v"), rounds=2)
    assert "3840x2160" in bench.sync.manifest.items[0].file
    assert not (bench.cache.folder / before).exists()
    assert sorted(name for name, _ in bench.prepare.seen) == ["p", "p", "v"]
    assert bench.chaos.count("/p") == 1


async def test_a_document_is_shown_page_by_page(bench: Bench):
    assert await bench.on_air(bench.video("d", kind=Kind.PDF)) == ["d", "d"]
    assert [i.id for i in bench.sync.manifest.items] == ["i-d", "i-d/2"]


async def test_c13_an_empty_playlist_is_a_programme(bench: Bench):
    await bench.on_air(bench.video("a"))
    assert await bench.on_air() == []
    assert bench.snapshot.read() is not None
    assert bench.faults.faults == ()


async def test_pages_need_no_file_but_a_good_address(bench: Bench):
    good = Item("w", "w", "w", Kind.WEB, 10, url="https://example.com/")
    bad = Item("x", "x", "x", Kind.WEB, 10, url="file:///etc/passwd")
    assert await bench.on_air((good, None), (bad, None), bench.video("a")) == ["w", "a"]
    fault = bench.faults.faults[0]
    assert (fault.code, fault.item_id) == ("bad_url", "x")
    assert "'x' (web x)" in fault.message
    await bench.on_air((good, None))
    assert bench.faults.faults == ()


async def test_case_20_an_address_as_people_write_it_goes_on_air_as_a_browser_asks_for_it(bench: Bench):
    written = Item("w", "w", "w", Kind.WEB, 10, url="https://bücher.example/our menu.html ")
    assert await bench.on_air((written, None)) == ["w"]
    assert [item.url for item in bench.sync.shown] == ["https://xn--bcher-kva.example/our%20menu.html"]
    assert bench.faults.faults == ()


async def test_an_item_without_a_file_costs_that_item(bench: Bench):
    item, _ = bench.video("lost")
    assert await bench.on_air((item, None), bench.video("a")) == ["a"]
    assert bench.codes() == ["no_file"]


async def test_faults_of_the_programme_itself_are_passed_on(bench: Bench):
    bench.cms.want(bench.video("a"), faults=[Fault("bad_item", "x", 0.0)])
    await bench.sync.once()
    assert bench.codes() == ["bad_item"]


async def test_a_bad_file_is_tried_three_times_then_the_rest_goes_on_air(bench: Bench):
    await bench.on_air(bench.video("old"))
    bad = bench.video("bad", status=500)
    for wanted in (["old"], ["old"], ["new"], ["new"]):
        assert await bench.on_air(bad, bench.video("new")) == wanted
    fault = bench.faults.faults[0]
    assert (fault.code, fault.item_id, fault.content_id, fault.count) == ("server_busy", "i-bad", "bad", 4)
    assert fault.since == FakeClock().now().timestamp() + 600
    bench.video("bad")
    assert await bench.on_air(bad, bench.video("new")) == ["bad", "new"]
    assert bench.faults.faults == ()


async def test_a_bad_file_is_not_asked_for_again_before_its_pause_is_over(bench: Bench):
    bench.cms.want(bench.video("bad", status=503, headers={"Retry-After": "120"}))
    await bench.sync.once()
    await bench.sync.once()
    assert bench.chaos.count("/bad") == 1
    assert bench.sync.retry_in_s() == 120
    bench.clock.forward(121)
    assert bench.sync.retry_in_s() == 0
    await bench.sync.once()
    assert bench.chaos.count("/bad") == 2


async def test_c7_after_three_wrong_hashes_integrity_is_reported_and_the_earlier_revision_stays(bench: Bench):
    await bench.on_air(bench.video("a"))
    first = bench.sync.manifest.items[0]
    item, asset = bench.video("a", b"not what the hash says" * 50, hash_="f" * 64)
    for code in ("hash_mismatch", "hash_mismatch", "integrity"):
        assert await bench.on_air((item, asset), bench.video("b")) == (["a"] if code != "integrity" else ["a", "b"])
        assert bench.codes() == [code]
    kept = bench.sync.manifest.items[0]
    assert (kept.file, kept.asset, kept.file_hash) == (first.file, first.asset, first.file_hash)
    assert (await bench.on_air((item, asset), bench.video("b"), rounds=3), bench.codes()) == (["a", "b"], ["integrity"])


async def test_c1_an_unplayable_file_is_skipped_at_once(bench: Bench):
    bench.prepare.refuse["bad"] = ContentError("unsupported", "bad", "is no video", transient=False)
    await bench.on_air(bench.video("old"))
    assert await bench.on_air(bench.video("bad"), bench.video("a")) == ["a"]
    assert bench.codes() == ["unsupported"]
    await bench.on_air(bench.video("bad"), bench.video("a"), rounds=3)
    assert [name for name, _ in bench.prepare.seen].count("bad") == 1, "looked at once an hour at most"


async def test_a_box_that_cannot_look_at_videos_says_so(bench: Bench):
    bench.prepare.refuse["a"] = BoxError("ffmpeg", "is not installed")  # type: ignore[assignment]
    assert await bench.on_air(bench.video("a"), bench.video("b")) == ["b"]
    assert bench.codes() == ["box"]


async def test_what_plays_stays_while_anything_is_wrong_with_the_server(bench: Bench):
    await bench.on_air(bench.video("a"))
    bench.cms.down = True
    with pytest.raises(ServerUnreachable):
        await bench.sync.once()
    assert bench.names() == ["a"]


async def test_n4_a_captive_portal_leaves_what_plays(bench: Bench):
    await bench.on_air(bench.video("a"))
    wishes = [bench.video(name, body=b"<!doctype html>pay", content_type="text/html", hash_="v1") for name in "bcd"]
    assert await bench.on_air(*wishes, rounds=5) == ["a"]
    assert set(bench.codes()) == {"server_nonsense"}
    assert bench.held() == ["a"]


async def test_n5_one_slow_file_does_not_hold_up_the_others(bench: Bench):
    slow = bench.video("slow", body_of("slow") * 50, trickle=(10, 0.05))
    assert await bench.on_air(slow, *(bench.video(n) for n in "abcdef")) == list("abcdef")
    assert bench.codes() == ["server_unreachable"]


async def test_a_dead_server_of_media_is_not_asked_ten_thousand_times(bench: Bench):
    await bench.on_air(bench.video("a"))
    dead = [
        (Item(f"{n}", f"{n}", f"{n}", Kind.VIDEO, 1), WantedAsset(f"{n}", f"{n}", "video", "http://127.0.0.1:9/x"))
        for n in range(200)
    ]
    assert await bench.on_air(*dead) == ["a"]
    assert len(bench.faults.faults) < 8


async def test_a_screen_without_anything_is_given_what_is_ready_so_far(bench: Bench):
    bench.cms.want(bench.video("a"), bench.video("later", trickle=(300, 0.2)))
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        round_ = group.create_task(bench.sync.once(), name="round")
        while bench.names() != ["a"]:  # noqa: ASYNC110 - what another process would see: a file that changes
            await asyncio.sleep(0.01)
        assert not round_.done()
    assert bench.names() == ["a", "later"]


async def test_a_screen_with_something_waits_for_all_of_it(bench: Bench):
    await bench.on_air(bench.video("old"))
    seen: set[tuple[str, ...]] = set()
    bench.cms.want(bench.video("a"), bench.video("later", trickle=(300, 0.1)))
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        round_ = group.create_task(bench.sync.once(), name="round")
        while not round_.done():
            seen.add(tuple(bench.names()))
            await asyncio.sleep(0.01)
    assert seen | {tuple(bench.names())} == {("old",), ("a", "later")}


async def test_each_region_begins_before_any_goes_on(bench: Bench):
    wishes = {name: bench.video(name) for name in ("a1", "a2", "a3", "b1", "b2")}
    regions = tuple(
        Region(r, Rect(0, 0, 1, 1), Playlist(r, r, tuple(wishes[n][0] for n in names)))
        for r, names in {"a": ["a1", "a2", "a3"], "b": ["b1", "b2"]}.items()
    )
    bench.cms.wanted = programme_of(Layout("l", 2, 2, regions), tuple(asset for _, asset in wishes.values() if asset))
    await bench.sync.once()
    assert {seen.path for seen in bench.chaos.seen[:2]} == {"/a1", "/b1"}


async def test_the_same_bytes_under_two_names_are_fetched_once(bench: Bench):
    one, two = bench.video("one", b"same" * 500), bench.video("two", b"same" * 500)
    assert await bench.on_air(one, two) == ["one", "two"]
    assert bench.chaos.count("/one") + bench.chaos.count("/two") == 1
    assert bench.cache.files.entries()[0].contents == ("one", "two")


async def test_an_opaque_version_that_changes_is_fetched_again(bench: Bench):
    await bench.on_air(bench.video("a", hash_="v1"))
    await bench.on_air(bench.video("a", b"other" * 500, hash_="v2"))
    assert bench.chaos.count("/a") == 2
    assert bench.sync.manifest.items[0].asset == hashlib.sha256(b"other" * 500).hexdigest()


async def test_what_the_server_deleted_goes_when_it_is_free(bench: Bench):
    a, b = bench.video("a"), bench.video("b")
    await bench.on_air(a, b)
    assert await bench.on_air(a, b, delete=("a",)) == ["a", "b"]
    bench.stage.slow = True
    await bench.on_air(b, delete=("a",))
    assert bench.held() == ["a", "b"], "the stage has not moved on yet"
    bench.stage.slow = False
    await bench.on_air(b, delete=("a",), rounds=2)
    assert bench.held() == ["b"]


async def test_what_is_not_wanted_stays_while_there_is_room(bench: Bench):
    await bench.on_air(bench.video("a"))
    await bench.on_air(bench.video("b"), rounds=2)
    await bench.on_air(bench.video("a"))
    assert bench.chaos.count("/a") == 1


async def test_s1_a_full_cache_makes_room_by_what_was_used_longest_ago(tmp_path: Path, chaos: Chaos):
    async with benched(tmp_path, chaos, FakeClock(), limit=2500) as bench:
        for name in "abc":
            await bench.on_air(bench.video(name, bytes([ord(name)]) * 1000), rounds=2)
        assert bench.held() == ["b", "c"]


async def test_s1_what_does_not_fit_beside_what_plays_is_told_and_comes_later(tmp_path: Path, chaos: Chaos):
    async with benched(tmp_path, chaos, FakeClock(), limit=2500) as bench:
        await bench.on_air(bench.video("a", b"a" * 1000), bench.video("b", b"b" * 1000))
        wishes = [bench.video(name, name.encode() * 1000) for name in "cd"]
        names = [await bench.on_air(*wishes) for _ in range(4)]
        assert names[-1] in (["c"], ["d"], ["c", "d"])
        assert await bench.on_air(*wishes, rounds=2) == ["c", "d"]
        assert bench.cache.figures().bytes <= 2500
        assert bench.codes() == []


async def test_s1_what_can_never_fit_is_refused_and_the_rest_plays(tmp_path: Path, chaos: Chaos):
    async with benched(tmp_path, chaos, FakeClock(), limit=2500) as bench:
        item, asset = bench.video("huge", b"h" * 5000)
        assert await bench.on_air((item, replace(asset, size=5000)), bench.video("a")) == ["a"]
        assert bench.codes() == ["no_space"]
        assert bench.chaos.count("/huge") == 0
        assert "storage.cache_limit" in bench.faults.faults[0].message


async def test_s1_an_unannounced_size_is_learned_and_planned_for(tmp_path: Path, chaos: Chaos):
    async with benched(tmp_path, chaos, FakeClock(), limit=2500) as bench:
        await bench.on_air(bench.video("a", b"a" * 1000), rounds=2)
        await bench.on_air(bench.video("b", b"b" * 100), rounds=2)
        assert await bench.on_air(bench.video("big", b"B" * 2200), rounds=2) == ["big"]
        assert bench.held() == ["b", "big"]
        assert bench.codes() == []


async def test_s1_a_size_beyond_every_guess_is_learned_and_planned_for(tmp_path: Path, chaos: Chaos):
    async with benched(tmp_path, chaos, FakeClock(), limit=GUESS * 2) as bench:
        await bench.on_air(bench.video("idle", bytes(GUESS - 2**20)))
        await bench.on_air(bench.video("a"), rounds=2)
        assert await bench.on_air(bench.video("big", bytes(GUESS + 2**23))) == ["big"]
        assert bench.held() == ["a", "big"]


async def test_s1_the_disk_below_its_reserve_keeps_what_plays(tmp_path: Path, chaos: Chaos):
    clock = FakeClock()
    async with benched(tmp_path, chaos, clock) as bench:
        await bench.on_air(bench.video("a"))
    async with benched(tmp_path, chaos, clock, reserve=10**18) as bench:
        bench.cms.want(bench.video("b"))
        await bench.sync.once()
        assert bench.names() == ["a"]
        assert bench.codes() == ["no_space"]


async def test_s6_a_rotten_file_is_fetched_again_and_the_stage_told(bench: Bench):
    await bench.on_air(bench.video("a"))
    (bench.cache.folder / bench.sync.manifest.items[0].file).write_bytes(b"rot")
    before = len(bench.stage.asked)
    assert await bench.on_air(bench.video("a")) == ["a"]
    assert (bench.chaos.count("/a"), len(bench.stage.asked)) == (2, before + 1)


async def test_s12_a_cache_wiped_while_playing_is_filled_again(bench: Bench):
    await bench.on_air(bench.video("a"), bench.video("p", kind=Kind.IMAGE))
    shutil.rmtree(bench.cache.folder)
    assert await bench.on_air(bench.video("a"), bench.video("p", kind=Kind.IMAGE)) == ["a", "p"]


@pytest.mark.parametrize("lose", ["index.json", "cache", "programme.json", "nothing"])
async def test_s8_a_restart_goes_on_where_it_was(tmp_path: Path, chaos: Chaos, lose: str):
    clock = FakeClock()
    async with benched(tmp_path, chaos, clock) as bench:
        wishes = [bench.video("a"), bench.video("b", hash_="v7")]
        await bench.on_air(*wishes)
    if lose == "cache":
        shutil.rmtree(tmp_path / "cache")
    for path in [tmp_path / "programme.json", tmp_path / "cache" / "index.json"]:
        if path.name == lose:
            path.unlink()
    async with benched(tmp_path, chaos, clock) as bench:
        assert await bench.on_air(*wishes) == ["a", "b"]
        expected = 2 if lose == "cache" else 1
        assert (chaos.count("/a"), chaos.count("/b")) == (expected, expected)


async def test_s7_a_file_emptied_by_a_power_cut_is_fetched_again(tmp_path: Path, chaos: Chaos):
    clock = FakeClock()
    async with benched(tmp_path, chaos, clock) as bench:
        await bench.on_air(bench.video("a"))
        file = bench.cache.folder / bench.sync.manifest.items[0].file
    file.write_bytes(b"")
    async with benched(tmp_path, chaos, clock) as bench:
        await bench.on_air(bench.video("a"))
        assert file.read_bytes() == body_of("a")


async def test_s8_a_round_cut_off_anywhere_leaves_a_whole_manifest_and_is_finished_by_the_next(tmp_path: Path, chaos: Chaos):
    clock = FakeClock()
    async with benched(tmp_path, chaos, clock) as bench:
        await bench.on_air(bench.video("a"))
        for cut in range(12):
            bench.cms.want(*(bench.video(f"{n}{cut}", trickle=(50, 0.003)) for n in "xyz"))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.006 * cut):
                    await bench.sync.once()
            names = bench.names()
            assert names == ["a"] or ("".join(n[0] for n in names) == "xyz" and len({n[1:] for n in names}) == 1)
        await bench.sync.once()
        assert bench.names() == ["x11", "y11", "z11"]
        assert list(bench.cache.parts.iterdir()) == []


async def _killed_after(delay_s: float | None, folder: Path, url: str, wanted: dict[str, bytes]) -> None:
    """A round in a process of its own, killed `delay_s` after it began; None lets it end."""
    names = [f"{name}:{hashlib.sha256(body).hexdigest()}" for name, body in wanted.items()]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.sync_child", str(folder), url, *names, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(30):
            assert child.stdout is not None
            assert await child.stdout.readline() == b"ready\n"
            if delay_s is None:
                assert await child.wait() == 0
            else:
                await asyncio.sleep(delay_s)
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def test_s8_a_player_killed_at_any_moment_goes_on_from_there(tmp_path: Path, chaos: Chaos):
    wanted = {name: bytes([n]) * 3_000_000 for n, name in enumerate("abcd", 1)}
    for name, body in wanted.items():
        chaos.serve(f"/{name}", body, etag=f'"{name}"', trickle=(150_000, 0.005))
    snapshot = ProgrammeFile(tmp_path)
    for delay in (0.01, 0.06, 0.12, 0.19, 0.27):
        await _killed_after(delay, tmp_path, chaos.url, wanted)
        manifest = snapshot.read()
        for item in manifest.items if manifest else ():
            assert (tmp_path / "cache" / item.file).read_bytes() == wanted[item.name]
    await _killed_after(None, tmp_path, chaos.url, wanted)
    assert [item.name for item in snapshot.read().items] == list("abcd")
    assert list((tmp_path / "cache" / "part").iterdir()) == []
    assert [r for name in wanted for r in chaos.ranges(f"/{name}") if r], "something was resumed"


async def test_the_stage_being_away_does_not_matter(bench: Bench):
    bench.stage.away, bench.stage.status = True, None
    assert await bench.on_air(bench.video("a")) == ["a"]
    bench.stage.away, bench.stage.status = False, StageStatus(manifest_version="another")
    await bench.on_air(bench.video("a"))
    assert bench.stage.asked == [Reread()], "a stage that is behind is told again"


async def test_clearing_the_cache_keeps_what_is_on_screen_and_fetches_the_rest_again(bench: Bench):
    wishes = [bench.video(n) for n in "abc"]
    await bench.on_air(*wishes)
    await bench.on_air(bench.video("idle"))
    await bench.on_air(*wishes)
    bench.stage.status = replace(bench.stage.status, items=(NowPlaying("main", "i-b", "b", "b", "video", 1.0, 10.0),))
    await bench.sync.clear_cache()
    assert bench.names() == ["a", "b", "c"]
    assert [bench.chaos.count(f"/{n}") for n in "abc"] == [2, 1, 2]
    assert bench.held() == ["a", "b", "c"]


async def test_a_long_programme_is_written_seldom_while_its_files_come_and_when_the_cache_is_cleared(tmp_path: Path, chaos: Chaos):
    clock, made = FakeClock(), FakePrepare()

    async def slowly(*given: Any, **more: Any) -> Made:
        clock.forward(2 * LOOK_EVERY_S)
        return await made(*given, **more)

    async def written(bench: Bench, length: int) -> int:
        pages = [(Item(f"w{n}", f"w{n}", "w", Kind.WEB, 10, url=f"https://a.example/{n}{'x' * 700}"), None) for n in range(length)]
        bench.cms.want(*pages, *(bench.video(f"film{n}") for n in range(20)))
        before = len(bench.stage.asked)
        await bench.sync.once()
        assert len(bench.names()) == length + 20
        return len(bench.stage.asked) - before

    for name in ("long", "short"):
        (tmp_path / name).mkdir()
    async with benched(tmp_path / "long", chaos, clock, prepare=slowly) as bench:
        assert await written(bench, 9000) == 3, "when it begins, once that is paid for, and when all is here"
        assert PROGRAMMES_AT_ONCE < bench.snapshot.path.stat().st_size < 10 * A_MINUTE
        rest_s = bench.sync.rest_s()
        assert rest_s > 0
        with pytest.raises(BoxError, match=f"try again in {rest_s:.0f} s"):
            await bench.sync.clear_cache()
        assert len(bench.names()) == 9020
        clock.forward(rest_s + 1)
        await bench.sync.clear_cache()
    async with benched(tmp_path / "short", chaos, clock, prepare=slowly) as bench:
        assert await written(bench, 10) > 10


async def test_clearing_the_cache_without_a_server_throws_nothing_away(bench: Bench):
    await bench.on_air(bench.video("a"), bench.video("b"))
    bench.cms.down = True
    with pytest.raises(ServerUnreachable):
        await bench.sync.clear_cache()
    assert (bench.names(), bench.held()) == (["a", "b"], ["a", "b"])


async def test_c8_names_from_the_server_never_reach_the_file_system(bench: Bench):
    for name in ["../../escape", "/etc/passwd", "nul\0byte", "x" * 4000, "-rf", "CON"]:
        item, asset = bench.video("file")
        await bench.on_air((replace(item, name=name, content_id=name), replace(asset, name=name, content_id=name, file_hash=name)))
    files = [p.relative_to(bench.folder).as_posix() for p in bench.folder.rglob("*") if p.is_file()]
    assert all(f.count("/") <= 3 and "escape" not in f and "xxx" not in f for f in files)


async def test_c12_ten_thousand_items_that_are_here_are_a_round_of_a_second(bench: Bench):
    item, asset = bench.video("a")
    pages = [(Item(f"w{n}", f"w{n}", "w", Kind.WEB, 10, url="https://example.com/"), None) for n in range(5_000)]
    files = [(replace(item, id=f"i{n}"), asset) for n in range(5_000)]
    await bench.on_air(*pages, *files)
    for _ in processor_at_most(1.5):
        await bench.on_air(*pages, *files)
    assert len(bench.sync.manifest.items) == 10_000


async def test_a_manifest_that_could_not_be_written_is_written_in_the_next_round(bench: Bench):
    await bench.on_air(bench.video("a"))
    file = bench.snapshot.path
    kept = file.read_bytes()
    file.unlink()
    file.mkdir()
    bench.cms.want(bench.video("b"))
    for _ in range(2):
        with pytest.raises(StorageError):
            await bench.sync.once()
    file.rmdir()
    file.write_bytes(kept)
    await bench.sync.once()
    assert bench.names() == ["b"]


# --- bytes, not names


DATES = ("Wed, 21 Oct 2026 07:28:00 GMT", "Thu, 22 Oct 2026 07:28:00 GMT")


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize(
    ("before", "after"),
    [({"etag": '"1"'}, {"etag": '"2"'}), ({"last_modified": DATES[0]}, {"last_modified": DATES[1]}), ({}, {})],
    ids=["tag", "date", "length alone"],
)
async def test_other_bytes_behind_the_same_address_are_on_air_a_few_rounds_later(
    bench: Bench, before: dict[str, str], after: dict[str, str], conditional: bool
):
    wish = bench.video("a", hash_="", conditional=conditional, **before)
    await bench.on_air(wish, bench.video("b"), rounds=5)
    (first, _) = bench.snapshot.read().items
    served = bench.chaos.serve("/a", body_of("a") + b"and more", conditional=conditional, **(before | after))
    assert await bench.on_air(wish, bench.video("b"), rounds=4) == ["a", "b"]
    (second, _) = bench.snapshot.read().items
    assert (second.asset, second.asset != first.asset) == (hashlib.sha256(served.body).hexdigest(), True)


async def test_unchanged_bytes_cost_a_304_now_and_then_and_are_fetched_once(bench: Bench, chaos: Chaos):
    wishes = [bench.video(name, hash_="", etag=f'"{name}"') for name in "abcdef"]
    hashed = bench.video("g", etag='"g"')
    await bench.on_air(*wishes, hashed)
    assert [chaos.count(f"/{name}") for name in "abcdefg"] == [1] * 7
    await bench.on_air(*wishes, hashed, rounds=3)
    assert [chaos.count(f"/{name}") for name in "abcdefg"] == [2] * 6 + [1], "each once in three rounds; a hash needs no question"
    assert [one.headers["if-none-match"] for one in chaos.seen[7:]] == [f'"{one.path[1:]}"' for one in chaos.seen[7:]]
    assert bench.codes() == []


async def test_the_same_bytes_under_another_address_are_not_fetched_again(bench: Bench, chaos: Chaos):
    item, asset = bench.video("a", hash_="", etag='"strong"')
    await bench.on_air((item, asset))
    (before,) = bench.snapshot.read().items
    moved = replace(asset, url=f"{asset.url}?copy=2")
    assert await bench.on_air((item, moved), rounds=2) == ["a"]
    (after,) = bench.snapshot.read().items
    assert after.asset == before.asset
    assert "if-none-match" in chaos.seen[1].headers
    assert [one for one in chaos.seen[1:] if "if-none-match" not in one.headers] == [], "not fetched"


@pytest.mark.parametrize("trouble", [404, 503, "login page", "away"])
async def test_a_question_that_fails_costs_nothing(bench: Bench, trouble: int | str):
    wish = bench.video("a", hash_="", etag='"1"')
    await bench.on_air(wish, rounds=2)
    before = bench.snapshot.read()
    vices = {"status": trouble} if isinstance(trouble, int) else {"content_type": "text/html"} if trouble == "login page" else {}
    bench.chaos.serve("/a", b"<html>", conditional=False, **vices)
    if trouble == "away":
        bench.chaos.raw("/a", b"")
    assert await bench.on_air(wish, rounds=3) == ["a"]
    assert (bench.snapshot.read(), bench.codes()) == (before, [])


async def test_after_a_restart_what_the_server_called_the_bytes_is_known(tmp_path: Path, chaos: Chaos):
    for _ in range(2):
        async with benched(tmp_path, chaos, FakeClock()) as bench:
            await bench.on_air(bench.video("a", hash_="", etag='"1"'), rounds=2)
    assert ["if-none-match" in one.headers for one in chaos.seen] == [False, True, True, True]


async def test_a_document_of_which_only_a_part_is_shown_is_on_air_and_a_fault_says_so(tmp_path: Path, chaos: Chaos):
    for _ in range(2):  # a restart does not forget it
        async with benched(tmp_path, chaos, FakeClock()) as bench:
            bench.prepare.shortened = "it has 300 pages, and only the first 200 can be shown; split it"
            assert await bench.on_air(bench.video("a", kind=Kind.PDF), rounds=2) != []
            (fault,) = bench.faults.faults
            assert (fault.code, fault.content_id) == ("shortened", "a")
            assert "a: it has 300 pages" in fault.message
            assert bench.sync.retry_in_s() is None


# --- the programme carries time


def layout_of(name: str, *wishes: Wish) -> Layout:
    return Layout(name, 1, 1, (Region("main", Rect(0, 0, 1, 1), Playlist(name, name, tuple(item for item, _ in wishes))),))


def timed(bench: Bench, rules: tuple[Rule, ...], *layouts: Layout) -> None:
    """A programme of these layouts; its files are those that were served."""
    contents = [item for layout in layouts for region in layout.regions for item in region.playlist.items]
    assets = tuple(
        WantedAsset(item.content_id, item.name, item.kind, f"{bench.chaos.url}/{item.name}", item.file_hash) for item in contents
    )
    bench.cms.wanted = Programme(layouts, rules, layouts[-1].id, assets=assets)


async def test_files_are_fetched_in_the_order_in_which_their_times_come(bench: Bench):
    night, evening, day = (layout_of(name, bench.video(f"{name}1")) for name in ("night", "evening", "day"))
    rules = (
        Rule("1", start_time=dt.time(23), end_time=dt.time(3), layout="night"),
        Rule("2", start_time=dt.time(18), end_time=dt.time(23), layout="evening"),
    )
    timed(bench, rules, night, evening, day)
    await bench.sync.once()  # at noon
    *first, last = (seen.path for seen in bench.chaos.seen)
    assert (sorted(first), last) == (["/day1", "/evening1"], "/night1"), "two are fetched at once"


async def test_files_of_a_later_layout_hold_up_nothing(bench: Bench):
    await bench.on_air(bench.video("old"))
    day, night = layout_of("full", bench.video("new")), layout_of("night", bench.video("bad", status=500))
    timed(bench, (Rule("1", start_time=dt.time(23), end_time=dt.time(3), layout="night"),), night, day)
    await bench.sync.once()
    assert bench.names() == ["new"]
    assert [layout.id for layout in bench.snapshot.read().layouts] == ["night", "full"]
    bench.video("bad")
    bench.clock.forward(600)
    await bench.sync.once()
    assert bench.names() == ["bad", "new"]


async def test_rules_alone_may_change(bench: Bench):
    day, night = layout_of("day", bench.video("a")), layout_of("night", bench.video("b"))
    timed(bench, (Rule("1", layout="night"),), night, day)
    await bench.sync.once()
    first = bench.sync.manifest.version
    timed(bench, (Rule("1", layout="day"),), night, day)
    await bench.sync.once()
    assert bench.sync.manifest.version != first
    assert bench.snapshot.read().rules == (Rule("1", layout="day"),)
    assert bench.chaos.count("/a") == bench.chaos.count("/b") == 1


async def test_what_the_player_before_may_come_back_to_stays_until_its_file_goes(tmp_path: Path, chaos: Chaos):
    clock, file = FakeClock(), tmp_path / "manifest.json"
    async with benched(tmp_path, chaos, clock) as bench:
        await bench.on_air(bench.video("old"))
        manifest = bench.snapshot.read()
    (layout,) = manifest.layouts
    file.write_bytes(
        msgspec.json.encode({"format": 1, "body": {"version": "1", "layout": layout, "watermark": False, "assets": 1}})
    )
    bench.snapshot.path.unlink()
    async with benched(tmp_path, chaos, clock) as bench:
        assert [item.name for item in bench.sync.manifest.items] == ["old"], "it goes on with what is there"
        written = file.read_bytes()
        await bench.on_air(bench.video("new"), delete=("old",), rounds=2)
        assert (bench.held(), file.read_bytes()) == (["new", "old"], written)
        file.unlink()
        await bench.on_air(bench.video("new"), delete=("old",), rounds=2)
        assert bench.held() == ["new"]
