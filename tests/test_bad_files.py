"""Every file that the two daemons keep, damaged in every way: it costs what it alone knew, and nobody's start.

A home is made once by an agent and a stage that ran; each test spoils one file of it, and both start again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from player.agent.app import Agent
from player.agent.control.access import Scope, TokenStore
from player.agent.stage_client import StageClient
from player.brief_file import BriefFile
from player.cms.adcast.keys import Keys
from player.compositor.still_file import CurtainRecord, Still, first_picture, make_still, write_record
from player.config import CmsConfig, Config, ControlConfig, StageConfig
from player.core.blame import DEATHS
from player.core.content import Item, Playlist, full_screen
from player.core.kinds import Kind
from player.core.settings import Asker
from player.dirs import Dirs
from player.errors import BoxError
from player.identity import load_or_create
from player.journal_reader import read_journal
from player.launch.restarts import hold_back
from player.programme_file import ProgrammeFile
from player.stage.app import Stage
from tests.fakes.brief import brief
from tests.fakes.cut_child import show
from tests.fakes.faults import fault_page
from tests.fakes.programmes import manifest_of
from tests.fakes.running import eventually, running
from tests.fakes.server import Script, scripted_server
from tests.fakes.way_out import STRAIGHT
from tests.stage.conftest import assembled

DAMAGE = {
    "empty": b"", "zeros": bytes(4096), "noise": b"\xff\xfe\x00{", "cut": b'{"format": 1, "bo', "another shape": b"[1]",
    "from the future": b'{"format": 99, "body": {"x": 1}}', "nested": b"[" * 20_000,
}  # fmt: skip
# Each file, and what is known by it alone.
FILES = {
    "state/orders.json": {"volume"},
    "state/programme.json": {"programme"},
    "state/confirmed.json": set(),
    "state/lock.json": {"pin"},
    "state/tokens.json": {"token"},
    "state/identity.json": set(),
    "state/identity.backup.json": set(),
    "state/servers/*/server.json": {"paired"},
    "state/servers/*/plays-cursor.json": set(),
    "state/servers/*/locked.json": set(),
    "state/servers/*/commands/*.log": {"command"},
    "state/settings/*.log": {"who asked"},
    "state/stage/deaths.json": {"kept off"},
    "state/stage/plays/*.log": {"plays"},
    "cache/index.json": set(),
    "run/agent.starts": set(),
    "run/on_screen.json": set(),
    "run/places.json": {"place"},
    "run/curtain.json": {"last picture"},
    "run/crashes.json": set(),
    "run/last_words": set(),
    "run/plays.log": set(),
    "run/plays.followed": set(),
    "run/plays.number": set(),
}
REGISTER, HEARTBEAT, PLAYLIST = "/api/device/register", "/api/device/heartbeat", "/api/device/playlist"


def dirs_of(home: Path) -> Dirs:
    return Dirs(home / "state", home / "cache", home / "run", home / "run")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def script() -> AsyncIterator[Script]:
    async with scripted_server() as made:
        made.on(REGISTER, {"paired": True, "device_name": "Lobby"})
        made.on(HEARTBEAT, {"paired": True, "is_locked": True, "lock_pin": "4711"})
        made.on(PLAYLIST, 503)
        made.on("/api/device/playback", {})
        made.on("/api/device/commands/7/result", {})
        yield made


@dataclass
class Box:
    """An agent and a stage in one process."""

    agent: Agent
    stage: Stage
    client: StageClient


@contextlib.asynccontextmanager
async def switched_on(dirs: Dirs, script: Script, *, run: bool) -> AsyncIterator[Box]:
    cms = CmsConfig(url=script.url, heartbeat_interval=0.05, poll_interval=60)
    config = Config(cms=cms, control=ControlConfig(listen=""), server=Keys(), stage=StageConfig(backend="none"))
    stage = assembled(dirs, config)
    client = StageClient(dirs.stage_socket, lambda _: asyncio.sleep(0), fault_page())
    async with Agent(config, dirs, load_or_create(dirs.state), STRAIGHT, lambda: None) as agent:
        loops = (stage.run(), client.run(), agent.run()) if run else ()
        async with running(*loops):
            yield Box(agent, stage, client)
    stage.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(script: Script) -> AsyncIterator[Path]:
    """Every file of `FILES`, as two daemons left them that were killed."""
    made = Path(tempfile.mkdtemp(prefix="s-"))
    dirs = dirs_of(made)
    items = tuple(Item(name, f"c-{name}", name, Kind.CLOCK, 600.0) for name in ("deadly", "harmless"))
    dirs.stage.mkdir(parents=True)
    dirs.cache.mkdir()
    dirs.runtime.mkdir()
    ProgrammeFile(dirs.state).write(manifest_of(full_screen(Playlist("p", "Lobby", items)), "1", assets=2))
    BriefFile(dirs.brief).write(brief(paired=True))
    for _ in range(DEATHS):
        (dirs.runtime / "on_screen.json").write_text('{"main": "deadly"}')
        (dirs.runtime / "last_words").write_text("Segmentation fault")
        async with switched_on(dirs, script, run=False):
            pass
    script.on(HEARTBEAT, {**script.answers[HEARTBEAT][0], "pending_commands": [{"id": "7", "type": "no_such"}]})
    async with switched_on(dirs, script, run=True) as box:
        await eventually(lambda: box.agent.commands.recent() and box.agent.lock.has_pin and box.agent.lock.locked, 20)
        with contextlib.suppress(BoxError):  # no sound here; it is wanted all the same
            await box.agent.settings.ask("volume", 35, by=Asker.BOX, who="a command at the box")
        TokenStore(dirs.state / "tokens.json").create("phone", Scope.READ)
        for name in ("red", "green", "blue"):
            show(box.stage.plays, name)
        box.stage.plays.sync()
        await eventually(lambda: box.agent.plays and box.agent.plays.last_sent, 20)
        box.agent.formats.confirm()
        box.agent.cache.files.unsaved = 1
        await box.agent.cache.save()
    (dirs.runtime / "on_screen.json").write_text('{"main": "harmless"}')
    (dirs.runtime / "last_words").write_text("Segmentation fault")
    (dirs.runtime / "agent.starts").write_text("0 5.0")
    place = {"item": "harmless", "position_s": 5.0, "planned_s": 600.0, "heard": False}
    (dirs.runtime / "places.json").write_text(json.dumps({"regions": {"main": place}, "version": 1}))
    still = Still("still-A-1.bmp", 4, 2, 16, 1)
    os.close(make_still(dirs.runtime, still))
    write_record(dirs.runtime, CurtainRecord("still", {"A": still}))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def copied(home: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="s-"))
    shutil.copytree(home, folder, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
    for link in ("tail", "followed"):
        path = folder / "state/stage/plays" / link
        target = folder / "run" / path.readlink().name
        path.unlink()
        path.symlink_to(target)
    yield folder
    shutil.rmtree(folder)


def spoil(home: Path, name: str, damage: str) -> None:
    (path,) = home.glob(name)
    path.write_bytes(DAMAGE[damage])


async def known(box: Box, dirs: Dirs) -> set[str]:
    """What the daemons know after their start."""
    rows = {row.name: row for row in await box.agent.settings.rows()}
    facts = {
        "paired": box.agent.server.facts.paired is True,
        "pin": box.agent.lock.has_pin,
        "command": [result.id for result in box.agent.commands.recent()] == ["7"],
        "volume": box.agent.brief.current.settings.volume == 35,
        "who asked": rows["volume"].asked_by != "",
        "token": len(TokenStore(dirs.state / "tokens.json").tokens()) == 1,
        "programme": ProgrammeFile(dirs.state).read() is not None,
        "kept off": box.stage.mark.kept_off == {"deadly"},
        "plays": len(list(read_journal(dirs.plays))) >= 3,
        "place": box.stage.places.items == {"harmless"},
        "last picture": "still-A-1.bmp" in first_picture(dirs.runtime, turned=False, plain="#202020"),
    }
    return {name for name, holds in facts.items() if holds}


ALL = {"paired", "pin", "command", "volume", "who asked", "token", "programme", "kept off", "plays", "place", "last picture"}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", FILES)
async def test_s9_a_file_from_the_future_costs_itself(copied: Path, script: Script, name: str) -> None:
    await costs_itself(copied, script, name, "from the future")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("damage", DAMAGE)
async def test_s9_though_nothing_can_be_read_but_who_the_box_is_both_run(copied: Path, script: Script, damage: str) -> None:
    dirs, before = dirs_of(copied), load_or_create(copied / "state").uuid
    for name in FILES.keys() - {"state/identity.backup.json"}:
        spoil(copied, name, damage)
    async with switched_on(dirs, script, run=True) as box:
        await eventually(lambda: box.client.status and box.agent.contact.value.online, 20)
        await eventually(lambda: box.agent.server.facts.paired and box.agent.lock.locked, 20)
    assert load_or_create(dirs.state).uuid == before


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("*.log")])
async def test_s4_a_journal_that_the_disk_does_not_give_back_costs_itself(copied: Path, script: Script, name: str) -> None:
    (path,) = copied.glob(name)  # noqa: ASYNC240 - the test's own folder
    path.unlink()
    path.mkdir()  # the nearest to a bad block that a test can have: it is there, and cannot be read
    async with switched_on(dirs_of(copied), script, run=True) as box:
        await eventually(lambda: box.client.status and box.agent.contact.value.online, 20)
        show(box.stage.plays, "after it")
        box.stage.plays.sync()
        numbers = [play["seq"] for _, play in read_journal(dirs_of(copied).plays)]
    assert numbers[-1] > 3, "no number is given twice"


@pytest.mark.nightly
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", FILES)
async def test_s9_a_damaged_file_costs_itself(copied: Path, script: Script, name: str, damage: str) -> None:
    await costs_itself(copied, script, name, damage)


async def costs_itself(home: Path, script: Script, name: str, damage: str) -> None:
    dirs = dirs_of(home)
    before = load_or_create(dirs.state).uuid
    spoil(home, name, damage)
    hold_back("agent", {"INVOCATION_ID": "1", "SIGNAGE__STORAGE__RUNTIME_DIR": str(dirs.runtime)})
    async with switched_on(dirs, script, run=False) as box:
        assert ALL - await known(box, dirs) <= FILES[name]
        assert load_or_create(dirs.state).uuid == before
