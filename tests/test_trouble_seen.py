"""What a screen says when something is wrong, read off the screen itself: whole players, and the states that an installer meets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from aiohttp import web
from PIL import Image, ImageChops, ImageStat

from player.brief_file import BriefFile
from player.core.brief import CardFacts
from player.core.content import Item, Playlist, full_screen
from player.core.crashes import LIMIT
from player.core.kinds import Kind
from player.core.problem import Problem
from player.programme_file import ProgrammeFile
from player.stage.cards import catalogue as cards
from tests.e2e.player_box import PlayerBox, until
from tests.fakes.certificate import self_signed
from tests.fakes.programmes import manifest_of
from tests.fakes.server import PLAYLIST, REGISTER, Script, paired_server, scripted_server
from tests.stage.conftest import Running, StageBox

pytestmark = pytest.mark.stage

SIZE = (1280, 720)
NOBODY = "its certificate is signed by nobody whom this box trusts (name your authority's file as cms.ca_file)"
PORTAL = "it redirects to login.hotel.example; log this box in to its network, or check cms.url"
NO_NAME = "its name cannot be resolved; check the name in cms.url, or the network's name service"
NO_ANSWER = "no name service answers; check this network's way out"
PROBLEMS = {
    "no server": Problem("no_server"),
    "unknown name": Problem("name_unknown", NO_NAME),
    "no way out": Problem("no_internet", NO_ANSWER),
    "no network": Problem("no_network"),
    "portal": Problem("portal", PORTAL),
    "certificate": Problem("server_untrusted", NOBODY),
    "refused": Problem("server_refused", "403: The licence has expired"),
    "nothing to show": Problem("no_content"),
    "safe mode": Problem("safe_mode"),
    "agent": Problem("agent_away"),
}


def drawn(told: CardFacts, **more: Problem) -> dict[str, Image.Image]:
    """The card of every state, as it is now on a box of which that is known."""
    now = datetime.now().astimezone()
    found = {name: cards.problem_card(SIZE, problem, told, now) for name, problem in (PROBLEMS | more).items()}
    found["progress"] = cards.progress_card(SIZE, 0, 1, told, now)
    found["clock"] = cards.idle_card(SIZE, device_name=told.device_name, now=now)
    return found


def likeness(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures are apart, 0 to 255 on average."""
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


def recognised(seen: Image.Image, told: CardFacts, **more: Problem) -> str:
    """Which card that is, "" where it is none."""
    apart = {name: likeness(seen, card.convert("RGB")) for name, card in drawn(told, **more).items()}
    best = min(apart, key=lambda name: apart[name])
    return best if apart[best] < 2.0 else ""


async def until_card(box: PlayerBox, *names: str) -> str:
    """Waits until the screen shows one of these cards; which."""
    last = "nothing"

    async def look() -> str | None:
        nonlocal last
        seen, brief = await box.look(), BriefFile(box.dirs.brief).read()
        if seen is None or brief is None:
            return None
        last = await asyncio.to_thread(recognised, seen, brief.cards)
        return last if last in names else None

    try:
        return await until(f"the card {names}", look, 60.0)
    except AssertionError as error:
        raise AssertionError(f"{error}; last: {last!r}\n{box.log()}") from None


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="t-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@contextlib.asynccontextmanager
async def player(folder: Path, url: str) -> AsyncIterator[PlayerBox]:
    box = PlayerBox(folder, url)
    for path in (box.dirs.state, box.dirs.cache, box.dirs.runtime):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    await box.start()
    try:
        yield box
    finally:
        await box.stop()


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    async with paired_server() as made:
        yield made


async def test_a_fresh_install_says_that_no_server_is_configured(folder: Path):
    async with player(folder, "") as box:
        await until_card(box, "no server")


async def test_a_wrong_name_says_where_the_way_to_the_server_ends(folder: Path):
    async with player(folder, "https://no-such-server.invalid") as box:
        await until_card(box, "unknown name", "no way out", "no network")


async def test_the_login_page_of_a_network_is_told(script: Script, folder: Path):
    script.on(REGISTER, web.Response(status=302, headers={"Location": "https://login.hotel.example/"}))
    async with player(folder, script.url) as box:
        await until_card(box, "portal")


async def test_a_certificate_that_does_not_hold_is_told(tmp_path: Path, folder: Path):
    context, _ = self_signed(tmp_path, "127.0.0.1")
    async with scripted_server(context) as secured, player(folder, secured.url) as box:
        await until_card(box, "certificate")


async def test_a_refused_licence_is_told_in_the_servers_words(script: Script, folder: Path):
    script.on(REGISTER, web.json_response({"message": "The licence has expired"}, status=403))
    async with player(folder, script.url) as box:
        await until_card(box, "refused")


async def test_paired_without_content_is_told_and_then_content_that_comes_is_counted(script: Script, folder: Path):
    script.on(PLAYLIST, {"playlist": None})

    async def slow(_: object) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    async with player(folder, script.url) as box:
        await until_card(box, "nothing to show")
        about = {"content_id": 1, "name": "poster", "type": "image", "download_url": "/poster.png", "file_hash": "0" * 64}
        script.on("/poster.png", slow)
        script.on(PLAYLIST, {"playlist": {"id": 1, "name": "Lobby", "items": [{"id": 1, "order": 1, "duration": 5, **about}]}})
        await until_card(box, "progress")


async def test_after_five_crashes_safe_mode_is_told_and_shows_a_still_where_there_is_one(folder: Path):
    async with player(folder, "") as box:
        await until_card(box, "no server")

        async def crash() -> None:
            before = box.pid("stage")
            assert before
            os.kill(before, signal.SIGSEGV)
            await box.until(lambda s: s["stage"]["pids"].get("stage") not in (None, before), "another stage")

        for _ in range(LIMIT):
            await crash()
        await until_card(box, "safe mode")
        await box.until(lambda s: s["state"] == "safe_mode", "safe mode")
        Image.new("RGB", (640, 360), "red").save(box.dirs.cache / "poster.png")
        poster = Item("poster", "c-poster", "poster", Kind.IMAGE, 10.0, file="poster.png")
        ProgrammeFile(box.dirs.state).write(manifest_of(full_screen(Playlist("p", "Lobby", (poster,))), "1"))
        await crash()
        await box.until_seen("red")
        status = await box.until(lambda s: s["state"] == "safe_mode", "safe mode")
        assert status["now"]["items"] == []
        assert "safe_mode" in [fault["code"] for fault in status["faults"]]


async def test_a_configuration_that_cannot_be_read_is_told_with_file_and_key(runtime_dir: Path):
    async with Running(StageBox(runtime_dir)) as box:
        file = runtime_dir / "config.toml"
        file.write_text('[cms]\nulr = "https://cms.example.com"\n')
        box.environment["SIGNAGE_CONFIG"] = str(file)
        box.order(paired=True)
        box.start()
        told = Problem("config", f"{file}: cms.ulr: there is no such key; did you mean cms.url?")

        async def look() -> bool:
            return await asyncio.to_thread(recognised, await box.look(), box.brief.cards, config=told) == "config"

        await until("the configuration's card", look, 60.0)
