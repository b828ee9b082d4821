"""A real stage on a real headless sway, as processes of their own, with a test in the agent's place."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from PIL import Image

from player.agent.stage_client import StageClient
from player.brief_file import BriefFile
from player.config import Config, StageConfig, StorageConfig
from player.core.content import CUT, Item, Manifest, Playlist, Transition, full_screen
from player.core.faults import FaultBook
from player.core.kinds import Kind
from player.core.ports.stage import PictureFormat, Request, Reread, ScreenPicture, StageStatus, TakePicture
from player.device.host import boot_id
from player.dirs import Dirs, resolve_dirs
from player.errors import BoxError
from player.journal_reader import read_journal
from player.programme_file import ProgrammeFile
from player.runtime.tasks import Latest
from player.stage.app import Stage
from player.stage.backends.null import NullCompositor, NullScreen
from tests.e2e.player_box import until
from tests.fakes.brief import brief
from tests.fakes.faults import fault_page
from tests.fakes.programmes import manifest_of
from tests.fakes.running import ENDS_WITH_US
from tests.fakes.wall import quiet_wall
from tests.fakes.way_out import STRAIGHT
from tests.stage.sound import SoundServer

KEYS = {**{str(n): 1 + n for n in range(1, 10)}, "0": 11, "enter": 28, "right": 106, "left": 105, "escape": 1}
COLOURS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255), "black": (0, 0, 0)}


A = TypeVar("A")


class StageBox:
    """Folders, the two daemons, and what the agent would do with them."""

    def __init__(self, folder: Path, backend: str = "headless", size: str = "1280x720") -> None:
        self.config = Config(
            storage=StorageConfig(
                state_dir=str(folder / "state"), cache_dir=str(folder / "cache"), runtime_dir=str(folder / "run")
            ),
            stage=StageConfig(backend=backend, size=size),
        )
        self.dirs: Dirs = resolve_dirs(self.config, {})
        for path in (self.dirs.state, self.dirs.cache, self.dirs.runtime):
            path.mkdir(parents=True, mode=0o700)
        self.environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": str(self.dirs.runtime),
            "SIGNAGE__STORAGE__STATE_DIR": str(self.dirs.state),
            "SIGNAGE__STORAGE__CACHE_DIR": str(self.dirs.cache),
            "SIGNAGE__STORAGE__RUNTIME_DIR": str(self.dirs.runtime),
            "SIGNAGE__STAGE__BACKEND": backend,
            "SIGNAGE__STAGE__SIZE": size,
            "SIGNAGE__NETWORK__ALLOW_PRIVATE": "127.0.0.0/8",  # where a test's own servers stand
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.pins: list[str] = []
        self.client = StageClient(self.dirs.stage_socket, self._pin, fault_page())
        self.brief = brief(paired=True, trusted_boot=boot_id())
        self._group: asyncio.TaskGroup | None = None
        self._version = 0

    async def _pin(self, pin: str) -> None:
        self.pins.append(pin)

    # --- processes

    def start(self, *names: str) -> None:
        for name in names or (("stage",) if self.config.stage.backend == "none" else ("compositor", "stage")):
            with (self.dirs.runtime / f"{name}.log").open("ab") as log:
                command = [*ENDS_WITH_US, sys.executable, "-m", "player", name]
                self.processes[name] = subprocess.Popen(
                    command, env=self.environment, stderr=log, stdout=log, start_new_session=True
                )

    def end(self, name: str, number: int = signal.SIGTERM) -> int:
        process = self.processes.pop(name)
        process.send_signal(number)
        try:
            return process.wait(20)  # a machine that does other work beside
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def log(self, name: str = "stage") -> str:
        return (self.dirs.runtime / f"{name}.log").read_text(errors="replace")

    # --- content

    def picture(self, colour: str, duration: float = 30.0, **more: Any) -> Item:
        path = self.dirs.cache / f"{colour}.png"
        Image.new("RGB", (1280, 720), COLOURS[colour]).save(path)
        return Item(colour, f"c-{colour}", colour, Kind.IMAGE, duration, file=path.name, **more)

    def clip(self, name: str, colour: str, seconds: float = 2.0, *encoding: str, **more: Any) -> Item:
        path = self.dirs.cache / f"{name}.mp4"
        source = ("-f", "lavfi", "-i", f"color={colour}:s=640x360:r=25:d={seconds}")
        how = ("-preset", "ultrafast", "-pix_fmt", "yuv420p", *encoding)
        subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *how, str(path)], check=True)
        return Item(name, f"c-{name}", name, Kind.VIDEO, 0, file=path.name, **more)

    def page(self, name: str, url: str, duration: float = 30.0) -> Item:
        return Item(name, f"c-{name}", name, Kind.WEB, duration, url=url)

    def publish(
        self, *items: Item, transition: Transition = CUT, watermark: bool = False, manifest: Manifest | None = None
    ) -> None:
        self._version += 1
        made = manifest or manifest_of(
            full_screen(Playlist("p1", "Lobby", items, transition)), watermark=watermark, assets=len(items)
        )
        ProgrammeFile(self.dirs.state).write(replace(made, version=str(self._version)))

    def order(self, **changes: Any) -> None:
        self.brief = brief(self.brief, **changes)
        BriefFile(self.dirs.brief).write(self.brief)

    # --- what the agent does

    async def ask(self, request: Request[A]) -> A:
        return await self.client.ask(request)

    async def reread(self) -> None:
        await self.ask(Reread())

    async def until(self, holds: Callable[[StageStatus], Any], limit_s: float = 30.0) -> StageStatus:
        """Waits for a status; fails with the last one and the stage's log."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            status = self.client.status
            if status is not None and holds(status):
                return status
            await self.client.changed.wait(0.1)
        raise AssertionError(f"not within {limit_s} s; last: {self.client.status}\n{self.log()[-3000:]}")

    async def until_shown(self, name: str, limit_s: float = 30.0) -> StageStatus:
        return await self.until(lambda status: any(item.name == name for item in status.items), limit_s)

    async def look(self) -> Image.Image:
        """The screen; waits while there is no stage that could take a picture of it."""

        async def taken() -> ScreenPicture | None:
            try:
                return await self.ask(TakePicture(PictureFormat.PNG))
            except BoxError as error:
                refused.append(str(error))
                return None

        refused: list[str] = []
        try:
            answer = await until("a picture", taken)
        except AssertionError:
            raise AssertionError(f"{refused[-1]}\n{self.log()[-3000:]}") from None
        return Image.open(io.BytesIO(answer.image)).convert("RGB")

    async def until_seen(self, colour: str, at: tuple[int, int] = (640, 360), limit_s: float = 30.0) -> Image.Image:
        """Waits until that pixel of the screen itself has (nearly) that colour."""
        deadline = time.monotonic() + limit_s
        while True:
            picture = await self.look()
            seen = picture.getpixel(at)
            if all(abs(a - b) < 24 for a, b in zip(seen, COLOURS[colour], strict=True)):
                return picture
            assert time.monotonic() < deadline, f"{at} is {seen} and not {colour}\n{self.log()[-3000:]}"
            await asyncio.sleep(0.1)

    async def until_looks(self, holds: Callable[[Image.Image], Any], limit_s: float = 30.0) -> Image.Image:
        """Waits until it holds for the whole screen; that picture."""

        async def look() -> Image.Image | None:
            picture = await self.look()
            return picture if holds(picture) else None

        return await until("the screen", look, limit_s)

    def plays(self) -> list[dict[str, Any]]:
        return [body for _, body in read_journal(self.dirs.plays)]

    async def person(self, *arguments: str) -> None:
        """Plays somebody at the screen: `key CODE…` or `click X Y WIDTH HEIGHT`."""
        status = await self.until(lambda _: True)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.fakes.seat", *arguments, env=self.environment | {"WAYLAND_DISPLAY": status.wayland_display}
        )
        assert await process.wait() == 0

    async def keys(self, *names: str) -> None:
        """Presses keys by name."""
        await self.person("key", *(str(KEYS[name]) for name in names))

    async def click(self, x: int, y: int) -> None:
        """Clicks on the screen of 1280x720."""
        await self.person("click", str(x), str(y), "1280", "720")


@pytest.fixture
async def box(runtime_dir: Path) -> AsyncIterator[StageBox]:
    """A stage that is not started yet: publish, order, then `box.start()`."""
    async with Running(StageBox(runtime_dir)) as found:
        yield found


@pytest.fixture
async def dark_box(runtime_dir: Path) -> AsyncIterator[StageBox]:
    """The same without a picture: `stage.backend = "none"`."""
    async with Running(StageBox(runtime_dir, "none")) as found:
        yield found


def box_heard_at(runtime_dir: Path, server: SoundServer, **stage: str) -> StageBox:
    """A stage whose sound goes to `server`."""
    made = StageBox(runtime_dir / "box")
    made.environment |= {"PULSE_RUNTIME_PATH": str(server.socket.parent), "HOME": str(runtime_dir)}
    made.environment |= {f"SIGNAGE__STAGE__{key.upper()}": value for key, value in stage.items()}
    return made


@pytest.fixture
async def server(runtime_dir: Path) -> AsyncIterator[SoundServer]:
    """A sound server that is not started yet."""
    found = SoundServer(runtime_dir / "sound")
    yield found
    await found.end()


class Running:
    def __init__(self, box: StageBox) -> None:
        self.box = box
        self.task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> StageBox:
        self.task = asyncio.get_running_loop().create_task(self.box.client.run())
        return self.box

    async def __aexit__(self, *_: object) -> None:
        if self.task:
            self.task.cancel()
        for name in list(reversed(self.box.processes)):
            self.box.end(name, signal.SIGKILL)


ALONE = Config(stage=StageConfig(backend="none"))


def assembled(dirs: Dirs, config: Config = ALONE, compositor: NullCompositor | None = None) -> Stage:
    """The whole stage as its root makes it, without a screen."""
    compositor = compositor or NullCompositor((1280, 720))
    return Stage(
        config,
        dirs,
        compositor,
        NullScreen(compositor),
        FaultBook(),
        Latest(STRAIGHT),
        quiet_wall(),
        kernel_synced=lambda: False,
        unreadable=None,
        started=lambda: None,
    )
