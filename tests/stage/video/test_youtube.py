"""Resolving through the real resolver, in its child, against pages on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from player.errors import ContentError
from player.stage.video.youtube import Resolver
from tests.fakes.running import eventually
from tests.fakes.way_out import STRAIGHT

HOSTS = ("127.0.0.1",)
PAGE = "<html><head><title>A page</title></head><body><video src='{}'></video></body></html>"


class Site:
    """An HTTP server with one page for each path; `/hang` is accepted and never answered."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.asked: list[str] = []
        self.port = 0

    def url(self, path: str, page: str = "") -> str:
        self.pages[path] = page
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split()[1]
            self.asked.append(path)
            if path == "/hang":
                await reader.read()
            body = self.pages.get(path, "").encode()
            status = "200 OK" if path in self.pages else "404 Not Found"
            writer.write(f"HTTP/1.0 {status}\r\ncontent-type: text/html\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An empty home, where whatever the child leaves would lie."""
    names = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, str(tmp_path)))
    yield tmp_path
    for name, value in before.items():
        os.environ.pop(name)
        if value is not None:
            os.environ[name] = value


def children() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "player.stage.video.youtube" in process.cmdline():
                found.append(process)
    return found


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def refusal(resolver: Resolver, url: str) -> ContentError:
    with pytest.raises(ContentError) as caught:
        await resolver(url)
    return caught.value


async def test_a_page_gives_the_address_of_its_video_and_nothing_is_left_behind(site: Site, home: Path):
    page = site.url("/watch", PAGE.format("/clip.mp4"))
    assert await Resolver(HOSTS, STRAIGHT)(page) == f"http://127.0.0.1:{site.port}/clip.mp4"
    assert children() == []
    assert left_in(home) == []


async def test_a_host_that_is_not_on_the_list_is_never_asked(site: Site):
    for resolver in (Resolver(("youtube.com", "youtu.be"), STRAIGHT), Resolver((), STRAIGHT)):
        error = await refusal(resolver, site.url("/watch", PAGE.format("/clip.mp4")))
        assert error.code == "bad_url"
        assert "stage.youtube_hosts" in error.reason
    assert site.asked == []


@pytest.mark.parametrize("address", ["file:///etc/passwd.mp4", "ftp://127.0.0.1/clip.mp4"])
async def test_c9_an_answer_with_another_scheme_is_not_passed_on(site: Site, address: str):
    error = await refusal(Resolver(HOSTS, STRAIGHT), site.url("/watch", PAGE.format(address)))
    assert error.code == "unresolved"
    assert "what the resolver found cannot be used" in error.reason


async def test_a_page_without_a_video_is_refused_with_the_resolvers_reason(site: Site):
    error = await refusal(Resolver(HOSTS, STRAIGHT), site.url("/empty", "<html></html>"))
    assert error.code == "unresolved"
    assert "Unsupported URL" in error.reason


async def test_n5_a_server_that_never_answers_ends_at_the_deadline_and_the_child_with_it(site: Site):
    for limit in (3, 12):  # beside two busy processes the child alone takes three seconds to begin: then it is asked again
        error = await refusal(Resolver(HOSTS, STRAIGHT, limit_s=limit), site.url("/hang"))
        assert (error.code, error.reason) == ("unresolved", f"no playable address was found within {limit} s")
        assert children() == []
        if site.asked:
            break
    assert site.asked == ["/hang"], "it was the server that was waited for"


async def test_a_question_that_nobody_waits_for_any_more_ends_its_child(site: Site):
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(Resolver(HOSTS, STRAIGHT)(site.url("/hang")), name="resolve")
        await eventually(children)
        asking.cancel()
    assert children() == []


async def test_a_stage_that_is_killed_takes_its_resolver_along(site: Site):
    asks = (
        "import asyncio; from player.core.egress import straight; from player.stage.video.youtube import Resolver; "
        f"asyncio.run(Resolver({HOSTS!r}, straight('x'))({site.url('/hang')!r}))"
    )
    stage = await asyncio.create_subprocess_exec(sys.executable, "-c", asks)
    child: list[psutil.Process] = []
    try:
        await eventually(lambda: site.asked)
        child = children()
        assert len(child) == 1
    finally:
        stage.kill()
        await stage.wait()
    await eventually(lambda: not child[0].is_running() or child[0].status() == psutil.STATUS_ZOMBIE, 10)


async def test_k5_an_address_that_looks_like_an_option_stays_an_address(home: Path):
    for url in ("--exec=touch pwned", "-o/tmp/pwned", "http://127.0.0.1/ --exec"):
        assert (await refusal(Resolver(HOSTS, STRAIGHT), url)).code == "bad_url"
    assert left_in(home) == []
