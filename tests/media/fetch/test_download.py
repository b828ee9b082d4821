"""Downloads from a server that misbehaves: what is kept is whole and right, what is not says why."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import os
import random
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from player.core.address_policy import beside
from player.core.content import WantedAsset
from player.errors import ContentError, ServerBusy, ServerNonsense, ServerUnreachable, SignageError, StorageError
from player.media.fetch.download import Downloader, Fetched, NoRoom, Patience
from player.media.fetch.egress import MAX_REDIRECTS, Egress, parse_url
from player.media.fetch.partfile import Note, PartFile
from player.media.fetch.transfer import retry_after
from player.store import Snapshot
from tests.fakes.chaos import Chaos
from tests.fakes.downloads import real_downloads
from tests.fakes.running import eventually
from tests.fakes.way_out import STRAIGHT

KEY = "ab" * 32
MANY = 10**12
BODY = random.Random(7).randbytes(3 * 1024 * 1024 + 17)
SMALL = b"\x00\x00\x00\x18ftypmp42" + bytes(1000)
QUICK = Patience(first_byte_s=5, window_s=1.0, least_rate=1000, resumes=5, pause_s=0.01)


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@dataclass
class Bench:
    """A downloader beside a misbehaving server."""

    chaos: Chaos
    folder: Path
    downloader: Downloader

    async def fetch(
        self, path: str = "/a", file_hash: str | None = None, size: int | None = None, room: int = MANY, **more
    ) -> Fetched:
        url = path if "://" in path else self.chaos.url + path
        return await self.downloader.fetch(WantedAsset("1", "clip.mp4", "video", url, file_hash, size), KEY, room, **more)

    def left(self) -> list[str]:
        return sorted(p.name for p in self.folder.iterdir()) if self.folder.exists() else []


@contextlib.asynccontextmanager
async def benched(folder: Path, *, server: str | None = None, **options) -> AsyncIterator[Bench]:
    async with Chaos() as chaos:
        egress = Egress(beside(chaos.url if server is None else server), STRAIGHT)
        async with egress.session() as session:
            yield Bench(chaos, folder, real_downloads(session, folder, egress, **{"patience": QUICK, **options}))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with benched(tmp_path / "part") as made:
        yield made


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
async def test_a_whole_file_is_hashed_while_it_comes(bench: Bench, algorithm: str):
    bench.chaos.serve("/a", BODY)
    got = await bench.fetch(file_hash=hashlib.new(algorithm, BODY).hexdigest(), size=len(BODY))
    assert (got.sha256, got.size, got.verified) == (sha256(BODY), len(BODY), True)
    assert got.path.read_bytes() == BODY


async def test_an_opaque_hash_leaves_the_file_unverified(bench: Bench):
    bench.chaos.serve("/a", SMALL)
    assert not (await bench.fetch(file_hash="v7")).verified


async def test_an_opaque_hash_is_refused_where_hashes_are_required(tmp_path: Path):
    async with benched(tmp_path / "part", require_hash=True) as bench:
        with pytest.raises(ContentError, match=r"cache\.require_hash") as caught:
            await bench.fetch(file_hash="v7")
        assert (caught.value.code, caught.value.transient) == ("unverified", False)


async def test_progress_is_told(bench: Bench):
    bench.chaos.serve("/a", BODY)
    told: list[tuple[int, int | None]] = []
    await bench.fetch(progress=lambda so_far, total: told.append((so_far, total)))
    assert told[-1] == (len(BODY), len(BODY))
    assert told == sorted(told)


async def test_no_more_than_two_come_at_once(bench: Bench):
    for n in range(6):
        bench.chaos.serve(f"/{n}", bytes([n]) * 5000, trickle=(1000, 0.01))
    assets = [WantedAsset(str(n), "x", "video", f"{bench.chaos.url}/{n}") for n in range(6)]
    await asyncio.gather(*(bench.downloader.fetch(a, f"{n:064x}", MANY) for n, a in enumerate(assets)))
    assert bench.chaos.most_open == 2


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><title>Log in</title>", b"\xef\xbb\xbf  <HTML><body>pay here</body></html>"])
@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "video/mp4"])
async def test_n4_a_login_page_is_not_media(bench: Bench, body: bytes, content_type: str):
    bench.chaos.serve("/a", body, content_type=content_type)
    with pytest.raises(ServerNonsense, match="login page"):
        await bench.fetch()


@pytest.mark.parametrize("content_type", ["text/html", "application/json; charset=utf-8"])
async def test_n4_words_are_not_media_whatever_they_look_like(bench: Bench, content_type: str):
    bench.chaos.serve("/a", b'{"error": "log in first"}', content_type=content_type)
    with pytest.raises(ServerNonsense, match="instead of media"):
        await bench.fetch()


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/json", "application/xhtml+xml"])
@pytest.mark.parametrize("told", [True, False])
async def test_right_bytes_are_taken_whatever_the_header_calls_them(bench: Bench, content_type: str, told: bool):
    """A hash that fits outranks a header, and so do the first bytes of a video."""
    bench.chaos.serve("/a", SMALL, content_type=content_type, trickle=(100, 0.01))
    got = await bench.fetch(file_hash=sha256(SMALL) if told else None)
    assert (got.path.read_bytes(), got.verified) == (SMALL, told)


async def test_a_page_that_was_asked_for_by_its_hash_is_taken(bench: Bench):
    page = b"<!doctype html><h1>Menu</h1>"
    bench.chaos.serve("/a", page, content_type="text/html")
    assert (await bench.fetch(file_hash=sha256(page))).path.read_bytes() == page


@pytest.mark.parametrize("content_type", ["text/html", "video/mp4"])
@pytest.mark.parametrize("size", [None, 5_000_000])
async def test_n4_a_login_page_in_place_of_a_file_with_a_hash_is_told_as_one(bench: Bench, content_type: str, size: int | None):
    bench.chaos.serve("/a", b"<html>log in first", content_type=content_type, chunked=content_type == "video/mp4")
    with pytest.raises(ServerNonsense, match="login page"):
        await bench.fetch(file_hash=sha256(BODY), size=size)
    assert bench.left() == []


async def test_n4_a_redirect_to_a_login_page_is_not_media(bench: Bench):
    bench.chaos.redirect("/a", "/login")
    bench.chaos.serve("/login", b"<html>", content_type="text/html")
    with pytest.raises(ServerNonsense, match="login page"):
        await bench.fetch()


async def test_n5_a_server_that_trickles_is_left_and_the_bytes_kept(bench: Bench):
    slow = bench.chaos.serve("/a", BODY, etag='"1"', trickle=(10, 0.05))
    quick = bench.chaos.serve("/b", SMALL)
    async with asyncio.timeout(5):
        with pytest.raises(ServerUnreachable, match="bytes came in"):
            await bench.fetch()
        kept = (bench.folder / f"{KEY}.part").stat().st_size
        assert 0 < kept < 1000
        other = WantedAsset("2", "b", "video", bench.chaos.url + "/b")
        assert (await bench.downloader.fetch(other, "cd" * 32, MANY)).size == len(quick.body)
        slow.trickle = None
        assert (await bench.fetch(file_hash=None)).path.read_bytes() == BODY
    assert bench.chaos.ranges("/a") == [None, f"bytes={kept}-"]


async def test_n5_a_slow_but_honest_server_is_waited_for(bench: Bench):
    bench.chaos.serve("/a", bytes(range(256)) * 20, trickle=(512, 0.1))
    assert (await bench.fetch()).size == 5120


async def test_n5_a_server_that_never_answers_is_left(tmp_path: Path):
    async with benched(tmp_path / "part", patience=Patience(first_byte_s=0.2)) as bench:

        async def never(*_: object) -> None:
            await asyncio.sleep(60)

        bench.chaos.handle("/a", never)
        with pytest.raises(ServerUnreachable, match="no answer within"):
            await bench.fetch()


@pytest.mark.parametrize("validator", [{"etag": '"1"'}, {"last_modified": "Wed, 21 Oct 2026 07:28:00 GMT"}, {}])
async def test_n7_a_truncated_body_is_resumed(bench: Bench, validator: dict[str, str]):
    bench.chaos.serve("/a", BODY, cuts=[2_000_000, 500_000], **validator)
    got = await bench.fetch(file_hash=sha256(BODY))
    assert got.path.read_bytes() == BODY
    assert bench.chaos.ranges("/a") == [None, "bytes=2000000-", "bytes=2500000-"]
    assert {s.headers.get("if-range") for s in bench.chaos.seen[1:]} == set(validator.values() or [None])


@pytest.mark.parametrize("validator", [{}, {"etag": 'W/"1"'}])
async def test_n7_without_hash_and_validator_a_break_begins_again(bench: Bench, validator: dict[str, str]):
    bench.chaos.serve("/a", BODY, cuts=[2_000_000], **validator)
    assert (await bench.fetch()).path.read_bytes() == BODY
    assert bench.chaos.ranges("/a") == [None, None]


async def test_n7_a_body_that_breaks_without_progress_is_left_for_later(bench: Bench):
    bench.chaos.serve("/a", BODY, etag='"1"', cuts=[2_000_000, 0, 0, 0])
    with pytest.raises(ContentError, match="broke off") as caught:
        await bench.fetch()
    assert (caught.value.code, caught.value.transient) == ("truncated", True)
    assert (bench.folder / f"{KEY}.part").stat().st_size == 2_000_000


async def test_n7_an_end_without_length_before_the_announced_size_is_truncated(bench: Bench):
    bench.chaos.serve("/a", BODY[:1000], length=None, content_type="video/mp4")
    with pytest.raises(ContentError, match="1000 of 1001"):
        await bench.fetch(size=1001)


@pytest.mark.parametrize("length", ["-5", "abc", "99999999999999999999999999", "5, 6"])
async def test_n8_a_length_that_is_none_is_not_believed(bench: Bench, length: str):
    bench.chaos.serve("/a", SMALL, length=length)
    with pytest.raises((ServerNonsense, ServerUnreachable, ContentError)):
        await bench.fetch(room=10_000)
    assert not [name for name in bench.left() if (bench.folder / name).stat().st_size > 10_000]


@pytest.mark.parametrize("size", [len(SMALL) - 1, len(SMALL) + 1])
async def test_n8_a_length_other_than_announced_is_refused_before_a_byte(bench: Bench, size: int):
    bench.chaos.serve("/a", SMALL)
    with pytest.raises(ContentError) as caught:
        await bench.fetch(size=size)
    assert caught.value.code == "size_mismatch"
    assert (bench.folder / f"{KEY}.part").stat().st_size == 0


async def test_n8_a_body_without_length_ends_at_the_announced_size(bench: Bench):
    bench.chaos.serve("/a", BODY, chunked=True)
    with pytest.raises(ContentError) as caught:
        await bench.fetch(size=1_000_000)
    assert caught.value.code == "size_mismatch"
    assert bench.left() == []


@pytest.mark.parametrize("vice", [{"chunked": True}, {"length": None}])
async def test_n8_a_body_without_length_is_fine_when_it_fits(bench: Bench, vice: dict[str, object]):
    bench.chaos.serve("/a", BODY, **vice)
    assert (await bench.fetch()).sha256 == sha256(BODY)


async def test_n8_chunked_garbage_is_no_file(bench: Bench):
    bench.chaos.raw("/a", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n")
    with pytest.raises((ContentError, ServerNonsense, ServerUnreachable)):
        await bench.fetch()


@pytest.mark.parametrize(("vice", "size"), [({}, len(BODY)), ({"chunked": True}, None)])
async def test_s1_more_than_the_room_is_refused_with_its_size(bench: Bench, vice: dict[str, object], size: int | None):
    bench.chaos.serve("/a", BODY, **vice)
    with pytest.raises(NoRoom) as caught:
        await bench.fetch(room=1_000_000)
    assert (caught.value.code, caught.value.size) == ("no_space", size)
    assert bench.left() == ([f"{KEY}.part"] if size else [])
    assert not size or (bench.folder / f"{KEY}.part").stat().st_size == 0, "not a byte of what cannot fit"


async def test_n9_a_server_that_ignores_ranges_begins_again(bench: Bench):
    bench.chaos.serve("/a", BODY, etag='"1"', ranges=False, cuts=[2_000_000])
    assert (await bench.fetch(file_hash=sha256(BODY))).path.read_bytes() == BODY


async def test_n9_a_range_at_the_wrong_place_begins_again(bench: Bench):
    served = bench.chaos.serve("/a", BODY, etag='"1"', range_shift=-100, cuts=[2_000_000])
    assert (await bench.fetch(file_hash=sha256(BODY))).path.read_bytes() == BODY
    assert bench.chaos.ranges("/a") == [None, "bytes=2000000-", None]
    assert served.cuts == []


async def test_n9_a_part_nobody_asked_for_is_refused(bench: Bench):
    bench.chaos.raw("/a", b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-4/9\r\nContent-Length: 5\r\n\r\nhello")
    with pytest.raises(ServerNonsense, match="although the whole"):
        await bench.fetch()


@pytest.mark.parametrize("honest", [True, False])
async def test_n10_content_that_changed_meanwhile_begins_again(bench: Bench, honest: bool):
    other = BODY[::-1]
    served = bench.chaos.serve("/a", BODY, etag='"1"', cuts=[2_000_000, 0])
    with pytest.raises(ContentError, match="broke off"):
        await bench.fetch(file_hash="v1")
    served.body, served.etag, served.if_range, served.cuts = other, '"2"', honest, []
    assert (await bench.fetch(file_hash="v1")).path.read_bytes() == other


async def test_n10_bytes_mixed_from_two_versions_are_found_by_their_hash(bench: Bench):
    served = bench.chaos.serve("/a", BODY, cuts=[2_000_000, 0])
    other = BODY[::-1]
    with pytest.raises(ContentError, match="broke off"):
        await bench.fetch(file_hash=sha256(other))
    served.body, served.cuts = other, []
    assert (await bench.fetch(file_hash=sha256(other))).path.read_bytes() == other
    assert bench.chaos.ranges("/a")[-2:] == ["bytes=2000000-", None]


async def test_n11_redirects_are_followed_but_not_for_ever(bench: Bench):
    for n in range(MAX_REDIRECTS):
        bench.chaos.redirect(f"/{n}", f"{n + 1}")
    bench.chaos.serve(f"/{MAX_REDIRECTS}", SMALL)
    bench.chaos.redirect("/loop", "/loop")
    assert (await bench.fetch("/0")).size == len(SMALL)
    with pytest.raises(ContentError) as caught:
        await bench.fetch("/loop")
    assert caught.value.code == "redirects"
    assert bench.chaos.count("/loop") == MAX_REDIRECTS + 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.com/a", "gopher://127.0.0.1:70/"])
async def test_n11_a_redirect_to_another_scheme_is_refused(bench: Bench, target: str):
    bench.chaos.redirect("/a", target)
    with pytest.raises(ContentError) as caught:
        await bench.fetch()
    assert caught.value.code == "bad_url"


@pytest.mark.parametrize("target", ["http://1.2.3.4:99999/", "http://[", "http://1.2.3.4:x/", "//:0/"])
async def test_n11_a_redirect_to_what_is_no_address_costs_its_file(bench: Bench, target: str):
    bench.chaos.redirect("/a", target)
    with pytest.raises(SignageError, match=r"not an address|correct it on the server"):
        await bench.fetch()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/a", "http://[::1]:9/a", "http://169.254.169.254/latest", "http://10.0.0.1/a", "http://2130706433/a"]
)
async def test_n11_an_address_near_the_player_is_refused_for_a_public_server(tmp_path: Path, url: str):
    async with benched(tmp_path / "part", server="http://198.41.0.4") as bench:
        with pytest.raises(ContentError) as caught:
            await bench.fetch(url)
        assert caught.value.code == "forbidden_address"


async def test_n11_a_redirect_to_an_address_that_the_server_is_not_near_is_refused(bench: Bench):
    bench.chaos.redirect("/a", "http://169.254.169.254/latest/meta-data")
    with pytest.raises(ContentError, match=r"link-local address 169\.254\.169\.254"):
        await bench.fetch()


async def test_n11_the_connection_itself_is_guarded_too(bench: Bench):
    egress = Egress(beside("http://198.41.0.4"), STRAIGHT)
    bench.chaos.serve("/a", SMALL)
    async with egress.session() as session:
        with pytest.raises(OSError, match="not fetched from"):
            await session.get(bench.chaos.url + "/a")
    assert bench.chaos.seen == []


async def test_n11_credentials_go_to_the_server_alone(tmp_path: Path):
    async with benched(tmp_path / "part", credentials={"Authorization": "Bearer s3cret"}) as bench, Chaos() as elsewhere:
        bench.chaos.redirect("/a", elsewhere.url + "/b")
        elsewhere.serve("/b", SMALL)
        await bench.fetch()
        assert bench.chaos.seen[0].headers["authorization"] == "Bearer s3cret"
        assert "authorization" not in elsewhere.seen[0].headers


@pytest.mark.parametrize(
    "text", ["", "file:///etc/passwd", "//example.com/a", "http://", "http://[::1/", "x", "http://a:99999/", "http://a:0/"]
)
def test_n11_an_address_that_is_none_is_named(text: str):
    with pytest.raises(ContentError, match="correct it on the server"):
        parse_url(text, "clip")


def test_n11_line_breaks_in_an_address_are_taken_out_as_browsers_do_and_make_no_header():
    assert str(parse_url("http://x/\r\nHost: y", "clip")) == "http://x/Host:%20y"


@pytest.mark.parametrize(
    ("header", "seconds"), [("30", 30), ("1000000000", 3600), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("soon", None), ("", None)]
)
def test_n12_a_pause_that_the_server_asks_for_is_understood_and_clamped(header: str, seconds: float | None):
    assert retry_after(header) == seconds


async def test_a_refusal_carries_its_status_and_hides_the_query(bench: Bench):
    bench.chaos.serve("/a", b"", status=429, headers={"Retry-After": "30"})
    with pytest.raises(ServerBusy, match="429") as caught:
        await bench.fetch("/a?uuid=7f4df301-d4b5-4bb4-a0f2-3c4d7a1e9f55")
    assert caught.value.retry_after_s == 30
    assert "7f4df301" not in str(caught.value)


async def test_a_server_that_is_not_there_is_unreachable(bench: Bench):
    with pytest.raises(ServerUnreachable):
        await bench.fetch("http://127.0.0.1:9/a")


async def test_n1_a_name_that_does_not_resolve_is_unreachable(bench: Bench):
    with pytest.raises(ServerUnreachable, match="cannot be resolved"):
        await bench.fetch("http://no-such-host.invalid/a")


async def test_n18_media_that_is_packed_although_asked_not_to_is_unpacked(bench: Bench):
    packed = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    bench.chaos.serve("/a", gzip.compress(BODY), headers=packed, etag='"1"')
    bench.chaos.serve("/plain", BODY, headers=packed)
    for path in ("/a", "/plain"):  # the second server only says so
        got = await bench.fetch(path, file_hash=sha256(BODY), size=len(BODY))
        assert (got.path.read_bytes(), got.verified) == (BODY, True)
    bench.chaos.serve("/b", BODY, headers={"Content-Encoding": "br"})
    with pytest.raises(ServerNonsense, match=r"compressed \(br\)"):
        await bench.fetch("/b")


async def test_n18_packed_media_that_breaks_off_begins_again_and_a_bomb_ends_at_its_room(bench: Bench):
    packed = gzip.compress(BODY)
    bench.chaos.serve("/a", packed, headers={"Content-Encoding": "gzip"}, etag='"1"', cuts=[2_000_000])
    assert (await bench.fetch(file_hash=sha256(BODY))).path.read_bytes() == BODY
    assert bench.chaos.ranges("/a") == [None, None]
    bench.chaos.serve("/cut", packed[:-9], headers={"Content-Encoding": "gzip"})
    with pytest.raises(ContentError, match="has no end"):
        await bench.fetch("/cut")
    bench.chaos.serve("/bomb", gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"})
    with pytest.raises(NoRoom):
        await bench.fetch("/bomb", room=2_000_000)
    assert bench.left() == []


async def test_a_cookie_that_is_set_on_the_way_comes_back_to_who_set_it_and_is_forgotten(bench: Bench):
    async def gate(seen, writer: asyncio.StreamWriter) -> None:
        if "pass=a b" in seen.headers.get("cookie", "").replace('"', ""):
            target = "/file"
        else:
            target = '/a\r\nSet-Cookie: pass="a b"; Path=/'
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()

    async with Chaos() as elsewhere:
        bench.chaos.handle("/a", gate)
        bench.chaos.redirect("/file", elsewhere.url.replace("127.0.0.1", "localhost") + "/b")
        elsewhere.serve("/b", SMALL)
        assert (await bench.fetch()).size == len(SMALL)
        assert ["cookie" in seen.headers for seen in bench.chaos.seen] == [False, True, True]
        assert "cookie" not in elsewhere.seen[0].headers
        await bench.fetch()
        assert "cookie" not in bench.chaos.seen[3].headers


async def test_c2_a_file_without_content_is_refused(bench: Bench):
    bench.chaos.serve("/a", b"")
    with pytest.raises(ContentError) as caught:
        await bench.fetch()
    assert caught.value.code == "empty"
    assert bench.left() == []


async def test_c7_the_wrong_bytes_are_thrown_away(bench: Bench):
    bench.chaos.serve("/a", BODY)
    with pytest.raises(ContentError) as caught:
        await bench.fetch(file_hash="0" * 64)
    assert caught.value.code == "hash_mismatch"
    assert bench.left() == []


async def test_s1_the_reserve_is_not_touched(tmp_path: Path):
    async with benched(tmp_path / "part", reserve_bytes=10**18) as bench:
        bench.chaos.serve("/a", BODY)
        with pytest.raises(StorageError, match="disk is full"):
            await bench.fetch()
        assert (bench.folder / f"{KEY}.part").stat().st_blocks == 0


@pytest.mark.parametrize("cut", [0, 1, 1_500_000, len(BODY)])
async def test_s8_what_a_killed_player_left_is_continued(bench: Bench, cut: int):
    bench.folder.mkdir()
    (bench.folder / f"{KEY}.part").write_bytes(BODY[:cut])
    Snapshot(bench.folder / f"{KEY}.json", Note).write(Note("u", sha256(BODY), '"1"', None, len(BODY)))
    bench.chaos.serve("/a", BODY, etag='"1"')
    assert (await bench.fetch(file_hash=sha256(BODY))).path.read_bytes() == BODY
    assert bench.chaos.ranges("/a") == {0: [None], len(BODY): []}.get(cut, [f"bytes={cut}-"])


@pytest.mark.parametrize("note", [None, b"", b"{", b'{"format": 1, "body": {"url": "u", "file_hash": "other", "etag": "\\"1\\""}}'])
async def test_s7_a_part_without_a_good_note_begins_again(bench: Bench, note: bytes | None):
    bench.folder.mkdir()
    (bench.folder / f"{KEY}.part").write_bytes(bytes(5000))
    if note is not None:
        (bench.folder / f"{KEY}.json").write_bytes(note)
    bench.chaos.serve("/a", BODY, etag='"1"')
    assert (await bench.fetch(file_hash="v1")).path.read_bytes() == BODY


async def test_s7_zeros_after_a_power_cut_are_found_by_their_hash(bench: Bench):
    bench.folder.mkdir()
    (bench.folder / f"{KEY}.part").write_bytes(BODY[:1_000_000] + bytes(500_000))
    Snapshot(bench.folder / f"{KEY}.json", Note).write(Note("u", sha256(BODY), '"1"', None, len(BODY)))
    bench.chaos.serve("/a", BODY, etag='"1"')
    assert (await bench.fetch(file_hash=sha256(BODY))).path.read_bytes() == BODY


async def test_s12_a_symlink_in_place_of_the_part_is_not_followed(bench: Bench, tmp_path: Path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    bench.folder.mkdir()
    (bench.folder / f"{KEY}.part").symlink_to(victim)
    bench.chaos.serve("/a", SMALL)
    with pytest.raises(StorageError, match="symbolic link"):
        await bench.fetch()
    assert victim.read_bytes() == b"precious"


async def test_a_cancelled_download_leaves_its_bytes_and_nothing_open(bench: Bench):
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted, not walked
    bench.chaos.serve("/a", BODY, etag='"1"', trickle=(400_000, 0.1))
    part = bench.folder / f"{KEY}.part"
    fetching = asyncio.ensure_future(bench.fetch())
    await eventually(lambda: part.exists() and part.stat().st_size)
    fetching.cancel()
    await asyncio.wait([fetching])
    assert 0 < part.stat().st_size < len(BODY)
    await eventually(lambda: len(os.listdir("/proc/self/fd")) <= before + 1)  # noqa: PTH208 - the server's own end may be closing


def test_the_room_is_taken_without_changing_the_size(tmp_path: Path):
    part = PartFile(tmp_path, KEY, (), reserve_bytes=0)
    part.reserve(8 * 1024 * 1024)
    part.write([b"abc", b"def"])
    part.close()
    assert (tmp_path / f"{KEY}.part").read_bytes() == b"abcdef"
    with pytest.raises(StorageError):
        part.write([b"late"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=80) | st.sampled_from(["../../etc/passwd", "/dev/null", "a\0b", "x" * 4096, "CON"]))
async def test_c8_names_of_the_server_never_reach_the_file_system(tmp_path: Path, name: str):
    async with benched(tmp_path / "part") as bench:
        bench.chaos.serve("/a", SMALL)
        got = await bench.downloader.fetch(WantedAsset(name, name, "video", bench.chaos.url + "/a", name), KEY, MANY)
        assert got.path == tmp_path / "part" / f"{KEY}.part"
        assert all(re.fullmatch(r"[0-9a-f]{64}\.(part|json)", p.name) for p in bench.folder.iterdir())
        got.path.unlink()
