"""Uploads to where a server says: judged as everything that is opened, told no more than a storage needs, never led on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from player.core.address_policy import beside
from player.errors import ServerBusy, ServerError, ServerNonsense, ServerRefused, ServerUnreachable
from player.media.fetch.egress import Egress
from player.media.fetch.upload import HEADERS, LONGEST, Uploader, told
from tests.core.test_address_policy import INSIDE
from tests.fakes.neighbour import neighbour
from tests.fakes.server import Script, raw_server, scripted_server
from tests.fakes.way_out import STRAIGHT

PICTURE = b"\xff\xd8picture"


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    async with scripted_server() as made:
        made.on("/put", {})
        yield made


async def put(url: str, server: str = "https://cms.example.com", **headers: str) -> None:
    egress = Egress(beside(server), STRAIGHT)
    async with egress.session() as session:
        await Uploader(session, egress).put(url, PICTURE, headers)


async def test_c8_no_form_of_an_inside_address_is_sent_a_picture():
    async with neighbour() as other:
        for host in INSIDE:
            with pytest.raises(ServerError):
                await put(f"http://{host}:{other.port}/apply?a=b")
        for url in (
            "",
            "x",
            "file:///etc/passwd",
            "http://",
            "http://[",
            "ftp://a/",
            "http://a\nHost: b/",
            f"//127.0.0.1:{other.port}/",
        ):
            with pytest.raises(ServerNonsense):
                await put(url)
        assert other.reached == []


async def test_a_storage_beside_the_server_gets_it_with_what_it_is_told(script: Script):
    await put(f"{script.url}/put?sig=1", script.url, **{"x-amz-acl": "private", "Content-Type": "image/jpeg", "Host": "inside"})
    (seen,) = script.seen
    assert (seen.method, seen.query, seen.headers["x-amz-acl"], seen.headers["Content-Type"]) == (
        "PUT", {"sig": "1"}, "private", "image/jpeg",
    )  # fmt: skip
    assert seen.headers["Host"] == script.url.removeprefix("http://")


@pytest.mark.parametrize(("status", "kind"), [(503, ServerBusy), (429, ServerBusy), (403, ServerRefused), (404, ServerRefused)])
async def test_a_refusal_leaves_by_its_meaning_without_the_query(script: Script, status: int, kind: type[ServerError]):
    script.on("/put", status)
    with pytest.raises(kind) as caught:
        await put(f"{script.url}/put?sig=secret", script.url)
    assert (caught.value.transient, "secret" in str(caught.value)) == (kind is ServerBusy, False)


async def test_nobody_is_led_on_to_a_neighbour(script: Script):
    async with neighbour() as other:
        script.on("/put", web.Response(status=307, headers={"Location": f"http://127.0.0.1:{other.port}/"}))
        with pytest.raises(ServerNonsense, match="307"):
            await put(f"{script.url}/put", script.url)
        assert other.reached == []


async def test_who_hangs_up_or_is_no_server_is_away(script: Script):
    async def hangs_up(*_: object) -> None:
        """At once."""

    async with raw_server(hangs_up) as url:
        with pytest.raises(ServerUnreachable):
            await put(f"{url}/put", url)


def test_of_the_headers_those_of_a_file_are_sent_on():
    names = ("Host", "Cookie", "Transfer-Encoding", "Content-Length", "Expect", "X-Auth", "Authorization", "Upgrade", "X-Amz-\r\nA")
    asked = {**dict.fromkeys(names, "a"), "Content-MD5": "a", "x-goog-meta": "ok", "Cache-Control": "no\r\nX: y"}
    assert told(asked) == {"Content-MD5": "a", "x-goog-meta": "ok"}
    many = told({f"X-Amz-{number}": "a" * 10_000 for number in range(1000)})
    assert (len(many), {len(value) for value in many.values()}) == (HEADERS, {LONGEST})
