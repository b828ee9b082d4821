"""The way to a server, over real HTTP on loopback: what it refuses to believe, how long it waits, what it never says."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import resource
import socket
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from player.cms.http import LONG_ANSWER, ServerHttp
from player.errors import (
    CaptivePortal,
    ClockUntrusted,
    ConfigError,
    DeviceForgotten,
    NameUnknown,
    NotOffered,
    NoWayOut,
    ServerBusy,
    ServerDenied,
    ServerError,
    ServerMoved,
    ServerNonsense,
    ServerRefused,
    ServerUnreachable,
    ServerUntrusted,
)
from player.runtime.sessions import open_session, tls_context
from tests.fakes.certificate import self_signed
from tests.fakes.clock import FakeClock
from tests.fakes.server import Script, raw_server, scripted_server, session
from tests.fakes.way_out import STRAIGHT

UUID = "3f2b8c1e-0a4d-4a3e-9c55-7f1f2d9b6e10"


@pytest.fixture
async def script():
    async with scripted_server() as made:
        yield made


@pytest.fixture
async def http():
    async with session() as made:
        yield made


@pytest.fixture
def clock():
    random.seed(7)
    return FakeClock()


@pytest.fixture
def server_http(script: Script, http, clock: FakeClock):
    return ServerHttp(http, script.url, STRAIGHT, clock=clock, budget=None, secrets=(UUID,))


async def test_json_goes_both_ways(script: Script, server_http: ServerHttp):
    script.on("/api/a", {"n": 1})
    assert await server_http.get("/api/a", {"uuid": UUID}) == {"n": 1}
    assert await server_http.post("/api/a", {"x": [1, "ä"]}) == {"n": 1}
    assert script.seen[0].query == {"uuid": UUID}
    assert script.seen[1].body == {"x": [1, "ä"]}


async def test_an_empty_answer_to_a_post_is_none(script: Script, server_http: ServerHttp):
    script.on("/api/a", web.Response(status=204))
    assert await server_http.post("/api/a", {}) is None


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (web.Response(text="<html>Welcome to FreeWiFi</html>", content_type="text/html"), "text/html instead of JSON"),
        (web.Response(status=302, headers={"Location": "http://login.hotel.example/?x=1"}), "login.hotel.example"),
        (web.Response(body=b"", content_type="application/json"), "cannot be read"),
        (web.Response(body=b'{"a": 1', content_type="application/json"), "cannot be read"),
        (web.Response(body=b'{"a": NaN}', content_type="application/json"), "cannot be read"),
        (web.Response(body=b'{"a": "\xff"}', content_type="application/json"), "cannot be read"),
        (web.Response(body=b"[" * 100_000, content_type="application/json"), "cannot be read"),
        (web.Response(body=b"[" * 70 + b"]" * 70, content_type="application/json"), "nested more than 64 deep"),
        (web.Response(body=b'"' + b"x" * (17 << 20) + b'"', content_type="application/json"), "17.0 MiB long.* has 16 MiB at most"),
    ],
)
async def test_n4_n17_what_is_no_api_is_nonsense(script: Script, server_http: ServerHttp, answer: web.Response, says: str):
    script.on("/api/a", answer)
    with pytest.raises(ServerNonsense, match=says):
        await server_http.get("/api/a")


async def test_n18_a_gzip_bomb_stops_at_the_cap(script: Script, server_http: ServerHttp):
    packer = zlib.compressobj(1, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    script.on("/api/a", web.Response(body=bomb, headers=headers))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ServerNonsense, match=r"more than 16 MiB|unpacked"):
        await server_http.get("/api/a")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


async def test_an_answer_above_the_limit_is_refused_before_it_is_read(http, clock: FakeClock):
    async def serve(_reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 25165824\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(20)

    async with raw_server(serve) as url:
        with pytest.raises(ServerNonsense, match=r"it is 24\.0 MiB long, and an answer has 16 MiB at most"):
            await ServerHttp(http, url, STRAIGHT, clock=clock, budget=None, secrets=()).get("/api/a")


async def test_one_below_it_is_read(script: Script, server_http: ServerHttp):
    script.on("/api/a", {"x": "y" * (15 << 20)})
    assert len((await server_http.get("/api/a"))["x"]) == 15 << 20


async def test_an_answer_that_is_the_one_before_is_known_by_its_tag_and_by_its_bytes(script: Script, server_http: ServerHttp):
    script.on("/api/a", {"n": 1})
    first = await server_http.get_anew("/api/a", None, by_body=True, in_parts=False)
    assert await server_http.get_anew("/api/a", first, {"uuid": UUID}, by_body=True, in_parts=False) is first
    assert (await server_http.get_anew("/api/a", first, by_body=False, in_parts=False)) is not first
    script.on("/api/a", {"n": 2})
    second = await server_http.get_anew("/api/a", first, by_body=True, in_parts=False)
    assert (first.value, second.value) == ({"n": 1}, {"n": 2})
    script.on("/api/a", web.json_response({"n": 3}, headers={"ETag": '"three"'}), 304)
    third = await server_http.get_anew("/api/a", second, by_body=True, in_parts=False)
    assert await server_http.get_anew("/api/a", third, by_body=True, in_parts=False) is third
    asked = [one.headers.get("If-None-Match") for one in script.asked("/api/a")]
    assert asked == [None, None, None, None, None, '"three"']


@pytest.mark.parametrize("value", [1, "1" * LONG_ANSWER], ids=["short", "long"])
async def test_an_answer_is_asked_for_by_the_tag_that_came_with_it_last(script: Script, server_http: ServerHttp, value: object):
    def sent(value: object, tag: str = "") -> web.Response:
        return web.json_response({"n": value}, headers={"ETag": tag} if tag else {})

    script.on(
        "/api/a", sent(value), sent(value), sent(value, '"late"'), 304, sent(value, '"other"'), 304, sent(value), sent(2), sent(2)
    )
    known, same = None, []
    for _ in range(9):
        before = known
        known = await server_http.get_anew("/api/a", known, by_body=True, in_parts=False)
        same.append(known is before)
    assert same == [False, True, True, True, True, True, True, False, True]
    asked = [one.headers.get("If-None-Match") for one in script.asked("/api/a")]
    assert asked == [None, None, None, '"late"', '"late"', '"other"', '"other"', '"other"', None]


async def test_a_long_answer_that_stays_the_same_is_not_kept_and_asked_for_again_where_it_is_another(
    script: Script, server_http: ServerHttp
):
    known, asked = None, 0

    async def requests(value: str) -> int:
        """How many it takes to have that answer."""
        nonlocal known, asked
        script.on("/api/a", {"n": value})
        before = known
        known = await server_http.get_anew("/api/a", before, by_body=True, in_parts=False)
        assert known.value == {"n": value}
        assert (known is before) == (before is not None and before.value == known.value)
        made, asked = len(script.asked("/api/a")) - asked, len(script.asked("/api/a"))
        return made

    one, two, longer = "1" * LONG_ANSWER, "2" * LONG_ANSWER, "3" * (LONG_ANSWER + 1)
    assert [await requests(value) for value in (one, one, one)] == [1, 1, 1]
    assert [await requests(value) for value in (two, one, two)] == [2, 1, 1], "it was not the same before"
    assert [await requests(value) for value in (two, two, longer)] == [1, 1, 1], "its length tells it"
    assert [await requests(value) for value in ("1", "1", "1", "2")] == [1, 1, 1, 1], "a short one costs nothing to keep"


async def test_n5_an_answer_that_drips_ends_at_the_deadline(http, clock: FakeClock):
    async def drip(_reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with raw_server(drip) as url:
        with pytest.raises(ServerUnreachable, match="no answer in time"):
            async with asyncio.timeout(3):
                await ServerHttp(http, url, STRAIGHT, clock=clock, budget=None, secrets=(), total_s=0.4).get("/api/a")


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: -5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nZZ\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nnope",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
async def test_n8_broken_http_is_nonsense(http, clock: FakeClock, sent: bytes):
    async def serve(_reader, writer):
        writer.write(sent)
        await writer.drain()

    async with raw_server(serve) as url:
        with pytest.raises(ServerNonsense):
            await ServerHttp(http, url, STRAIGHT, clock=clock, budget=None, secrets=()).get("/api/a")


async def test_nobody_listening_is_unreachable_and_says_where(http, clock: FakeClock):
    async with scripted_server() as script:
        url = script.url
    with pytest.raises(ServerUnreachable, match=url):
        await ServerHttp(http, url, STRAIGHT, clock=clock, budget=None, secrets=()).get("/api/a")


class NoSuchName(aiohttp.abc.AbstractResolver):
    """Answers every question as a name service would, or as nobody does."""

    def __init__(self, number: int) -> None:
        self._number = number

    async def resolve(self, host: str, *_: object, **__: object) -> list[aiohttp.abc.ResolveResult]:  # type: ignore[override]
        raise socket.gaierror(self._number, f"{host}: no")

    async def close(self) -> None: ...


@pytest.mark.parametrize(("number", "kind"), [(socket.EAI_NONAME, NameUnknown), (socket.EAI_AGAIN, NoWayOut)])
async def test_n1_a_name_that_nobody_knows_and_a_network_without_a_way_out_are_told_apart(
    number: int, kind: type[ServerError], clock: FakeClock
):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=NoSuchName(number))) as session:
        with pytest.raises(kind):
            await ServerHttp(session, "http://cms.example", STRAIGHT, clock=clock, budget=None, secrets=()).get("x")


async def test_a_refusal_carries_the_servers_words(script: Script, server_http: ServerHttp):
    script.on("/api/a", web.json_response({"message": "Licence\nexpired"}, status=403))
    with pytest.raises(ServerDenied, match="403: Licence expired") as caught:
        await server_http.get("/api/a")
    assert not caught.value.transient


@pytest.mark.parametrize(
    ("status", "means", "transient"),
    [
        (400, ServerRefused, False),
        (401, ServerDenied, False),
        (402, ServerDenied, False),
        (403, ServerDenied, False),
        (404, NotOffered, False),
        (405, NotOffered, False),
        (410, NotOffered, False),
        (422, ServerRefused, False),
        (429, ServerBusy, True),
        (500, ServerBusy, True),
        (501, NotOffered, False),
        (503, ServerBusy, True),
    ],
)
async def test_a_status_leaves_by_its_meaning(
    script: Script, server_http: ServerHttp, status: int, means: type[ServerError], transient: bool
):
    script.on("/api/a", status)
    with pytest.raises(means) as caught:
        await server_http.post("/api/a", {})
    assert (type(caught.value), caught.value.transient, caught.value.retry_after_s) == (means, transient, None)


async def test_a_path_may_mean_something_of_its_own_by_a_status(script: Script, server_http: ServerHttp):
    script.on("/api/a", 404)
    with pytest.raises(DeviceForgotten):
        await server_http.post("/api/a", {}, means={404: DeviceForgotten})


async def test_n17_a_refusal_in_words_that_are_not_utf_8_is_a_refusal_all_the_same(script: Script, server_http: ServerHttp):
    script.on("/api/a", web.Response(body=b'{"message": "\xff\xfe"}', content_type="application/json", status=403))
    with pytest.raises(ServerRefused, match="403: Forbidden"):
        await server_http.get("/api/a")


async def test_the_uuid_is_never_said_in_full(script: Script, server_http: ServerHttp, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    script.on("/api/a", web.json_response({"message": f"no device {UUID}"}, status=410))
    script.on("/api/b", web.Response(text="x"))
    for path in ("/api/a", "/api/b", f"/api/{UUID}"):
        with pytest.raises((ServerRefused, ServerNonsense)) as caught:
            await server_http.get(path, {"uuid": UUID})
        assert UUID not in str(caught.value)
    assert UUID not in caplog.text


async def test_n12_retry_after_in_seconds_is_obeyed(script: Script, server_http: ServerHttp, clock: FakeClock):
    script.on("/api/a", web.Response(status=429, headers={"Retry-After": "120"}), {"ok": 1})
    with pytest.raises(ServerBusy) as caught:
        await server_http.get("/api/a")
    assert caught.value.retry_after_s == 120
    clock.forward(119)
    with pytest.raises(ServerBusy) as paused:
        await server_http.get("/api/a")
    assert paused.value.retry_after_s is not None
    assert len(script.seen) == 1
    clock.forward(15)
    assert await server_http.get("/api/a") == {"ok": 1}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "1000000000"}, 3600),
        ({"Retry-After": "Wed, 25 Mar 2026 12:05:00 GMT", "Date": "Wed, 25 Mar 2026 12:00:00 GMT"}, 300),
        ({"Retry-After": "Wed, 25 Mar 2026 11:00:00 GMT", "Date": "Wed, 25 Mar 2026 12:00:00 GMT"}, 0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}, 30),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1774440060", "Date": "Wed, 25 Mar 2026 12:00:00 GMT"}, 60),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
    ],
)
def test_n12_each_form_of_asking_for_a_pause(headers: dict[str, str], seconds: float | None):
    from player.cms.pace import Pace

    for skew in (0, -2 * 365 * 86400):
        clock = FakeClock()
        clock.step(skew)
        if "Date" in headers or skew == 0:
            assert Pace(clock).asked_pause(headers) == seconds


async def test_a_used_up_rate_limit_pauses_that_endpoint_alone(script: Script, server_http: ServerHttp, clock: FakeClock):
    full = web.Response(
        text="{}", content_type="application/json", headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "40"}
    )
    script.on("/api/a", full, {})
    script.on("/api/b", {})
    await server_http.get("/api/a")
    with pytest.raises(ServerBusy, match="rate limit"):
        await server_http.get("/api/a")
    await server_http.get("/api/b")
    clock.forward(41)
    await server_http.get("/api/a")


async def test_n13_a_storm_of_500_is_met_with_growing_pauses_up_to_five_minutes(
    script: Script, server_http: ServerHttp, clock: FakeClock
):
    script.on("/api/a", 503)
    times = []
    for _ in range(4000):
        before = len(script.seen)
        with pytest.raises((ServerBusy, ServerUnreachable)):
            await server_http.get("/api/a")
        if len(script.seen) > before:
            times.append(clock.monotonic())
        clock.forward(1)
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert gaps[0] <= 2
    assert max(gaps) <= 301
    assert max(gaps[-10:]) > 100
    assert 12 < len(times) < 60
    script.on("/api/a", {"ok": 1})
    clock.forward(300)
    assert await server_http.get("/api/a") == {"ok": 1}


async def test_location_is_read_and_not_followed(script: Script, server_http: ServerHttp):
    script.on("/api/c", web.Response(status=302, headers={"Location": "https://www.youtube.com/watch?v=1"}))
    assert await server_http.location("/api/c", {}, endpoint="c") == "https://www.youtube.com/watch?v=1"
    script.on("/api/c", {})
    assert await server_http.location("/api/c", {}, endpoint="c") is None


async def test_a_file_is_sent_as_a_form(script: Script, server_http: ServerHttp):
    script.on("/api/s", {})
    await server_http.upload("/api/s", {"uuid": "u"}, "shot.jpg", b"\xff\xd8", "image/jpeg")
    assert script.seen[0].body == {"uuid": "u", "file": b"\xff\xd8"}


async def asked_over_tls(url: str, clock: FakeClock, ca_file: str) -> Any:
    way_out = replace(STRAIGHT, ca_file=ca_file)
    async with open_session(way_out) as made:
        return await ServerHttp(made, url, way_out, clock=clock, budget=None, secrets=()).get("/api/a")


@pytest.mark.parametrize(
    ("name", "begins", "ends", "trusted", "kind", "says"),
    [
        ("127.0.0.1", -1, 30, False, ServerUntrusted, "nobody whom this box trusts"),
        ("127.0.0.1", -30, -1, True, ServerUntrusted, "has expired"),
        ("cms.example.com", -1, 30, True, ServerUntrusted, "is for another"),
        ("127.0.0.1", 3, 30, True, ClockUntrusted, "date and time"),
    ],
)
async def test_n2_n3_a_certificate_that_does_not_hold_is_refused_with_its_own_code(
    tmp_path: Path, clock: FakeClock, name: str, begins: int, ends: int, trusted: bool, kind: type, says: str
):
    context, ca = self_signed(tmp_path, name, begins=begins, ends=ends)
    async with scripted_server(context) as script:
        script.on("/api/a", {})
        with pytest.raises(kind, match=says) as caught:
            await asked_over_tls(script.url, clock, str(ca) if trusted else "")
        assert type(caught.value) is kind
        assert script.seen == []


async def test_a_private_authority_is_trusted_when_its_file_is_named(tmp_path: Path, clock: FakeClock):
    context, ca = self_signed(tmp_path, "127.0.0.1")
    async with scripted_server(context) as script:
        script.on("/api/a", {"ok": 1})
        assert await asked_over_tls(script.url, clock, str(ca)) == {"ok": 1}


def test_an_authority_file_that_is_none_is_a_mistake_in_the_configuration(tmp_path: Path):
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="ca_file"):
        tls_context(replace(STRAIGHT, ca_file=str(tmp_path / "ca.pem")))


def test_sessions_share_what_they_trust():
    assert tls_context(STRAIGHT) is tls_context(replace(STRAIGHT))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (web.Response(text="<html>Welcome to FreeWiFi</html>", content_type="text/html"), "text/html instead of JSON"),
        (web.Response(status=302, headers={"Location": "http://login.hotel.example/?x=1"}), "redirects to login.hotel.example"),
        (web.Response(status=307, headers={"Location": "/login"}), "log this box in"),
        (web.Response(status=303), "log this box in"),
        (web.Response(status=511), "511"),
    ],
)
async def test_a_log_in_page_is_told_as_such(script: Script, server_http: ServerHttp, answer: web.Response, says: str):
    script.on("/api/a", answer)
    with pytest.raises(CaptivePortal, match=says) as caught:
        await server_http.get("/api/a")
    assert caught.value.code == "portal"


@pytest.mark.parametrize(
    ("status", "location", "base"),
    [
        (308, "https://new.example.com/api/a?uuid=0f5c2f8e-1111-4222-8333-444455556666", "https://new.example.com:"),
        (301, "https://new.example.com/signage/api/a", "https://new.example.com/signage:"),
        (301, "https://new.example.com/", "https://new.example.com:"),
        (302, "https://new.example.com/api/a", "https://new.example.com:"),
    ],
)
async def test_a_server_that_moved_is_told_with_its_new_address(
    script: Script, server_http: ServerHttp, status: int, location: str, base: str
):
    script.on("/api/a", web.Response(status=status, headers={"Location": location}))
    with pytest.raises(ServerMoved, match=f"the server moved to {base} set cms.url") as caught:
        await server_http.get("/api/a")
    assert caught.value.code == "server_moved"


async def test_the_cause_is_told_again_while_the_server_is_left_alone(script: Script, server_http: ServerHttp):
    script.on("/api/a", web.Response(text="{half", content_type="application/json"))
    for _ in range(3):
        with pytest.raises(ServerNonsense, match="its JSON cannot be read") as caught:
            await server_http.get("/api/a")
    assert "asked again in" in str(caught.value)
    assert len(script.seen) == 1
