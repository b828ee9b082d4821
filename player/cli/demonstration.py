"""`demo`: an embedded server with sample content, and players that are its own, as it would be done in the field.

Everything is real: the server speaks its API over HTTP, the players are `signage-player run` with folders of their own, a server
that pairs goes by the code that the screen shows. The state is kept, so the second demonstration begins where the first ended.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shlex
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from player.cli.client import ControlClient
from player.cli.play import short_base
from player.config import Config
from player.config_reader import find_file
from player.core.egress import hosts_of
from player.core.plaintext import printable
from player.demo.demonstration import Demonstration, demonstration
from player.demo.spotwatch.demonstration import SpotwatchDemonstration
from player.dirs import Dirs
from player.errors import BoxError, NotRunning, StorageError
from player.launch import start as launch
from player.launch.supervisor import Account
from player.runtime.logs import set_up_logging
from player.runtime.tasks import Shutdown, stopping_on_signals, until_stopped

T = TypeVar("T")
ANSWERS_WITHIN_S = 30.0
CONTENT_WITHIN_S = 180.0
STOPS_WITHIN_S = 6.0
LOOK_S = 0.2
REMOVED_WITHIN_S = 2.0
INTO_S = 4.0  # a clip's first frame is a poor picture of it


@dataclass(frozen=True, slots=True)
class DemoScreen:
    """One player: its number from 1, its folders, its local page."""

    number: int
    dirs: Dirs
    port: int

    @property
    def name(self) -> str:
        """What the server calls it."""
        return f"Screen {self.number}"

    @property
    def client(self) -> ControlClient:
        """What asks this screen over its control socket."""
        return ControlClient(self.dirs.control_socket, 20.0)

    def settings(self, kind: str, server: Demonstration, beside: SpotwatchDemonstration | None) -> dict[str, str]:
        """The environment that makes `run` this player; `beside`: what its triggers come from."""
        return {
            launch.PARENT: str(os.getpid()),
            "SIGNAGE__CMS__KIND": kind,
            "SIGNAGE__CMS__URL": server.url,
            **server.environment(self.name),
            "SIGNAGE__CMS__NAME": "Demonstration",
            "SIGNAGE__NETWORK__NO_PROXY": ",".join(("127.0.0.1", *hosts_of(os.environ.get("NO_PROXY", "")))),
            "SIGNAGE__CMS__HEARTBEAT_INTERVAL": "5",
            "SIGNAGE__CMS__POLL_INTERVAL": "10",
            "SIGNAGE__CONTROL__LISTEN": f"127.0.0.1:{self.port}",
            **(beside.environment if beside else {}),
            **launch.folder_settings(self.dirs),
        }


def main(chosen: argparse.Namespace, config: Config, dirs: Dirs) -> int:
    """Runs until Ctrl-C, or with --once until the screenshot is there."""
    set_up_logging("WARNING")
    account = launch.account_for_root()
    base = _base(chosen.folder, dirs)
    try:
        asyncio.run(_demonstrate(chosen, config, base, account))
    except BaseExceptionGroup as group:
        _, wrong = group.split(Shutdown)
        if wrong is not None:
            raise _first(wrong) from group
    return 0


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


def _base(given: str | None, dirs: Dirs) -> Path:
    base = Path(given) if given else dirs.state.with_name(dirs.state.name + "-demo")
    try:
        base.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(str(base), f"cannot be made: {error.strerror}; choose another with --folder") from error
    return base.absolute()


async def _demonstrate(chosen: argparse.Namespace, config: Config, base: Path, account: Account | None) -> None:
    async with stopping_on_signals() as stop, asyncio.TaskGroup() as group:
        group.create_task(until_stopped(stop), name="signals")
        kind = "folder" if chosen.shown else chosen.server
        folder = Path(chosen.shown) if chosen.shown else base / ("server" if kind == "adcast" else f"server-{kind}")
        async with _served(kind, folder, chosen.port) as server, contextlib.AsyncExitStack() as players:
            print(f"server    {server.url}   {server.welcome}", flush=True)
            beside = await _spotwatch(chosen, base, players)
            screens = _screens(chosen.screens, base, account, players)
            for screen in screens:
                own = screen.settings(kind, server, beside)
                note = _note(screen, own["SIGNAGE__CMS__URL"], beside.rules if beside else "")
                rules = str(note) if beside and find_file(chosen.config) is None else None
                await players.enter_async_context(_player(screen, own, chosen.config or rules, config))
                ask = [_program(), "status", "--config", str(note)]
                print(f"screen {screen.number}  http://127.0.0.1:{screen.port}   ask it: {shlex.join(ask)}", flush=True)
            if not chosen.shown and not (folder / "samples").exists():
                print("making the sample content, once; this takes a while", flush=True)
            if chosen.manage:
                for screen in screens:
                    _show_management(screen)
            await server.begin({screen.name: partial(_shown_code, screen) for screen in screens})
            for screen in screens:
                await _picture(screen, Path(chosen.screenshot))
            if not chosen.once:
                print("Ctrl-C ends the demonstration", flush=True)
                await stop.wait()
        raise Shutdown


async def _spotwatch(chosen: argparse.Namespace, base: Path, ending: contextlib.AsyncExitStack) -> SpotwatchDemonstration | None:
    """The source of triggers, where one is asked for; a player with a configuration of its own goes by the rules of that."""
    if not chosen.spotwatch:
        return None
    beside = await ending.enter_async_context(SpotwatchDemonstration(base / "spotwatch", chosen.speed))
    print(f"spotwatch {beside.welcome}", flush=True)
    return beside


@contextlib.asynccontextmanager
async def _served(kind: str, folder: Path, port: int) -> AsyncIterator[Demonstration]:
    server = demonstration(kind, folder, port)
    try:
        running = await server.__aenter__()
    except OSError as error:
        raise BoxError(
            "server", f"port {port} cannot be used: {error.strerror}; choose another with --port, 0 takes a free one"
        ) from error
    try:
        yield running
    finally:
        await server.__aexit__(None, None, None)


def _screens(count: int, base: Path, account: Account | None, ending: contextlib.AsyncExitStack) -> list[DemoScreen]:
    runtime = Path(tempfile.mkdtemp(prefix="signage-demo-", dir=short_base()))
    ending.callback(_remove, runtime)
    runtime.chmod(0o711)
    screens = []
    for number in range(1, count + 1):
        home = base / f"screen-{number}"
        dirs = Dirs(state=home / "state", cache=home / "cache", runtime=runtime / str(number), stage_runtime=runtime / str(number))
        home.mkdir(mode=0o755, exist_ok=True)
        launch.make_folders(dirs, account)
        screens.append(DemoScreen(number, dirs, _free_port(8769 + number)))
    return screens


def _remove(folder: Path) -> None:
    """A browser that is just ending may still write a file while its folder goes."""
    deadline = time.monotonic() + REMOVED_WITHIN_S
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(LOOK_S)


def _program() -> str:
    """How a person calls this program: from a source tree it is not on the PATH."""
    return "signage-player" if shutil.which("signage-player") else str(Path(sys.executable).with_name("signage-player"))


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(("127.0.0.1", port))
            return int(trial.getsockname()[1])
    raise BoxError("local page", "no port is free on 127.0.0.1")


def _show_management(screen: DemoScreen) -> None:
    """Prints how a tool of signageOS's manages this screen."""
    from player.cli import device_token

    token_id, secret = device_token.open_to("demonstration", screen.dirs)
    url = f"http://127.0.0.1:{screen.port}"
    print(f"manage {screen.number}  {url}   X-Auth: {token_id}:{secret}", flush=True)
    print(f"\n{device_token.example(token_id, secret, url, None)}\n", flush=True)


def _note(screen: DemoScreen, server_url: str, rules: str) -> Path:
    """Writes the configuration with which every command finds this player; `rules`: its triggers."""
    dirs, path = screen.dirs, screen.dirs.state.with_name("config.toml")
    tables: dict[str, dict[str, object]] = {
        "cms": {"url": server_url},
        "storage": {"state_dir": dirs.state, "cache_dir": dirs.cache, "runtime_dir": dirs.runtime},
        "stage": {"runtime_dir": dirs.stage_runtime},
        "control": {"listen": f"127.0.0.1:{screen.port}"},
    }
    lines = [
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(str(value))}\n" for key, value in keys.items())
        for name, keys in tables.items()
    ]
    try:
        path.write_text("\n".join([*lines, rules]), encoding="utf-8")
    except OSError as error:
        raise StorageError(str(path), f"cannot be written: {error.strerror}; choose another folder with --folder") from error
    return path


@contextlib.asynccontextmanager
async def _player(screen: DemoScreen, settings: Mapping[str, str], config_file: str | None, config: Config) -> AsyncIterator[None]:
    own = dict(settings)
    in_desktop = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if screen.number > 1 and not in_desktop and config.stage.backend in ("auto", "sway"):
        own["SIGNAGE__STAGE__BACKEND"] = "headless"  # the panel is the first one's
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SIGNAGE__STORAGE__")} | own
    command = [sys.executable, "-P", "-m", "player", "run", *(["--config", config_file] if config_file else [])]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=asyncio.subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOPS_WITHIN_S):
                await process.wait()
        except TimeoutError:
            process.kill()


async def _until(what: str, within_s: float, look: Callable[[], Awaitable[T | None]]) -> T:
    """The first answer of `look` that is not None. Raises BoxError."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while True:
                found = await look()
                if found is not None:
                    return found
                await asyncio.sleep(LOOK_S)
    raise BoxError("demonstration", f"{what} within {within_s:.0f} s; the lines above say why, `signage-player doctor` may help")


async def _shown_code(screen: DemoScreen) -> str:
    """The pairing code on the screen; "" when it needs none."""
    code: str = await _until(f"screen {screen.number} showed no pairing code", ANSWERS_WITHIN_S, partial(_code, screen))
    return code


async def _code(screen: DemoScreen) -> str | None:
    """As `_shown_code`; None while it is not known."""
    try:
        answer = await asyncio.to_thread(screen.client.pairing)
    except NotRunning:
        return None
    return "" if answer["paired"] else answer["pairing_code"] or None


async def _picture(screen: DemoScreen, path: Path) -> None:
    """Waits until content has run for a while and keeps a picture of it: FILE.png for the first screen, FILE-2.png for the next."""
    name = path if screen.number == 1 else path.with_stem(f"{path.stem}-{screen.number}")
    await _until(f"screen {screen.number} showed no content", CONTENT_WITHIN_S, partial(_playing, screen))
    picture = await asyncio.to_thread(screen.client.screenshot, "png" if name.suffix.lower() == ".png" else "jpg")
    try:
        await asyncio.to_thread(name.write_bytes, picture)
    except OSError as error:
        raise StorageError(str(name), f"cannot be written: {error.strerror}; choose another with --screenshot") from error
    print(f"screen {screen.number}  shows content: {printable(str(name))}", flush=True)


async def _playing(screen: DemoScreen) -> bool | None:
    try:
        status = await asyncio.to_thread(screen.client.status)
    except NotRunning:
        return None
    if status["state"] != "playing":
        return None
    return any((item["position_s"] or 0.0) >= INTO_S for item in status["now"]["items"]) or None
