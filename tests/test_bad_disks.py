"""The two daemons as processes on a disk that takes nothing: full, or read-only. The screen plays, and the server hears of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from player.agent.stage_client import StageClient
from player.brief_file import BriefFile
from player.config import Config, StorageConfig
from player.core.content import Item, Playlist, full_screen
from player.core.kinds import Kind
from player.dirs import Dirs, resolve_dirs
from player.journal_reader import read_journal
from player.programme_file import ProgrammeFile
from tests.fakes.brief import brief
from tests.fakes.disk import read_only
from tests.fakes.faults import fault_page
from tests.fakes.programmes import manifest_of
from tests.fakes.running import eventually, running
from tests.fakes.server import Script, scripted_server

HEARTBEAT = "/api/device/heartbeat"
FULL = ("prlimit", "--fsize=0")  # every write to a file fails, wherever the file lies


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    async with scripted_server() as made:
        made.on("/api/device/register", {"paired": True, "device_name": "Lobby"})
        made.on(HEARTBEAT, {"paired": True})
        made.on("/api/device/playlist", 503)
        made.on("/api/device/playback", {})
        yield made


@pytest.fixture
def dirs(runtime_dir: Path) -> Dirs:
    """Folders of a box that was paired and has a programme."""
    storage = StorageConfig(
        state_dir=str(runtime_dir / "state"), cache_dir=str(runtime_dir / "cache"), runtime_dir=str(runtime_dir / "run")
    )
    found = resolve_dirs(Config(storage=storage), {})
    for folder in (found.state, found.cache, found.runtime):
        folder.mkdir(mode=0o700)
    items = tuple(Item(name, f"c-{name}", name, Kind.CLOCK, 1.0) for name in ("red", "green"))
    ProgrammeFile(found.state).write(manifest_of(full_screen(Playlist("p", "Lobby", items)), "1", assets=2))
    BriefFile(found.brief).write(brief(paired=True))
    return found


@contextlib.contextmanager
def daemon(name: str, dirs: Dirs, url: str, *before: str) -> Iterator[None]:
    """`signage-player NAME`, until it is ended in order; `before` are words in front of the command."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("SIGNAGE__")},
        "SIGNAGE__STORAGE__STATE_DIR": str(dirs.state),
        "SIGNAGE__STORAGE__CACHE_DIR": str(dirs.cache),
        "SIGNAGE__STORAGE__RUNTIME_DIR": str(dirs.runtime),
        "SIGNAGE__STAGE__BACKEND": "none",
        "SIGNAGE__CONTROL__LISTEN": "",
        "SIGNAGE__CMS__URL": url,
        "SIGNAGE__CMS__HEARTBEAT_INTERVAL": "0.2",
    }
    command = [*before, sys.executable, "-P", "-m", "player", name]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def told(script: Script) -> set[str]:
    """The codes of the faults in the last heartbeat."""
    heartbeats: list[dict[str, Any]] = [one.body for one in script.asked(HEARTBEAT)]
    return {fault["code"] for fault in heartbeats[-1].get("faults", [])} if heartbeats else set()


async def an_earlier_life(dirs: Dirs, script: Script) -> None:
    with daemon("agent", dirs, script.url), daemon("stage", dirs, script.url):
        await eventually(lambda: script.asked("/api/device/playback"), 20)
    script.seen.clear()


@pytest.mark.parametrize(
    ("disk", "before", "names", "codes"),
    [
        (lambda dirs: read_only(dirs.state, dirs.cache), (), ("run",), {"storage"}),
        (lambda _: contextlib.nullcontext(), FULL, ("agent", "stage"), {"proof_degraded"}),
    ],
    ids=["read-only", "full"],
)
async def test_s2_s3_on_a_disk_that_takes_nothing_the_screen_plays_and_the_server_hears_of_it(
    dirs: Dirs, script: Script, disk: Callable[[Dirs], AbstractContextManager[None]], before: tuple[str, ...],
    names: tuple[str, ...], codes: set[str],
) -> None:  # fmt: skip
    await an_earlier_life(dirs, script)
    client = StageClient(dirs.stage_socket, lambda _: asyncio.sleep(0), fault_page())
    before_it, shown = len(list(read_journal(dirs.plays))), set[str]()

    def both_shown() -> bool:
        shown.update(item.name for item in (client.status.items if client.status else ()))
        return len(shown) == 2

    with contextlib.ExitStack() as life:
        life.enter_context(disk(dirs))
        for name in names:
            life.enter_context(daemon(name, dirs, script.url, *before))
        async with running(client.run()):
            await eventually(both_shown, 20)
        await eventually(lambda: codes <= told(script), 20)
    log = dirs.runtime / "run.log"
    assert names != ("run",) or f"{dirs.state} is read-only: what is here plays on" in log.read_text()
    with daemon("stage", dirs, script.url):
        await eventually(lambda: len(list(read_journal(dirs.plays))) > before_it, 20)
