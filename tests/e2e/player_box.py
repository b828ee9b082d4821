"""A box: `signage-player run` with folders of its own on a headless screen, asked and killed as a person or the kernel would."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import socket
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil
from PIL import Image

from player.cli.client import ControlClient
from player.config import Config, StorageConfig
from player.dirs import Dirs, resolve_dirs
from player.errors import BoxError, NotRunning
from player.journal_reader import read_journal
from player.launch.start import PARENT

T = TypeVar("T")
RGB = tuple[int, int, int]
COLOURS: dict[str, RGB] = {
    "red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0), "magenta": (255, 0, 255),
    "cyan": (0, 255, 255), "white": (255, 255, 255), "black": (0, 0, 0), "orange": (255, 128, 0),
}  # fmt: skip
MIDDLE = (640, 360)
WITHIN_S = 30.0


async def until(what: str, look: Callable[[], Awaitable[T | None]], limit_s: float = WITHIN_S, pause_s: float = 0.1) -> T:
    """The first answer of `look` that is neither None nor False. Fails when there is none in time."""
    deadline = time.monotonic() + limit_s
    while True:
        found = await look()
        if found is not None and found is not False:
            return found
        assert time.monotonic() < deadline, f"{what}: not within {limit_s:.0f} s"
        await asyncio.sleep(pause_s)


def colour_of(picture: Image.Image, at: tuple[int, int] = MIDDLE) -> str:
    """The nearest of COLOURS at that pixel, "" where none is near."""
    seen = picture.getpixel(at)
    assert isinstance(seen, tuple)
    return next((name for name, rgb in COLOURS.items() if all(abs(a - b) < 48 for a, b in zip(seen, rgb, strict=True))), "")


class PlayerBox:
    """One player. `settings` are environment variables of the configuration; `folder` must be short enough for sockets, and so
    must `runtime` be, which is a folder in it if it is none of its own."""

    def __init__(self, folder: Path, server_url: str, runtime: Path | None = None, **settings: str) -> None:
        runtime_dir = str(runtime or folder / "run")
        storage = StorageConfig(state_dir=str(folder / "state"), cache_dir=str(folder / "cache"), runtime_dir=runtime_dir)
        self.dirs: Dirs = resolve_dirs(Config(storage=storage), {})
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("SIGNAGE__")},
            PARENT: str(os.getpid()),
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": runtime_dir,
            "SIGNAGE__STORAGE__STATE_DIR": str(self.dirs.state),
            "SIGNAGE__STORAGE__CACHE_DIR": str(self.dirs.cache),
            "SIGNAGE__STORAGE__RUNTIME_DIR": str(self.dirs.runtime),
            "SIGNAGE__STAGE__BACKEND": "headless",
            "SIGNAGE__STAGE__SIZE": "1280x720",
            "SIGNAGE__CONTROL__LISTEN": "",
            "SIGNAGE__CMS__URL": server_url,
            "SIGNAGE__CMS__NAME": "Test server",
            "SIGNAGE__CMS__HEARTBEAT_INTERVAL": "1",
            "SIGNAGE__CMS__POLL_INTERVAL": "2",
            **settings,
        }
        self._log_file = folder / "box.log"
        self._client = ControlClient(self.dirs.control_socket, 15.0)
        self._process: asyncio.subprocess.Process | None = None

    # --- processes

    async def start(self, *before: str) -> None:
        """Switches it on. `before` are words in front of the command."""
        with self._log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *before, sys.executable, "-P", "-m", "player", "run",
                env=self.environment, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    async def start_after_a_boot(self) -> None:
        """Switches it on with another boot id, as the kernel has one after each boot: in a mount namespace of its own.

        The folder is laid over, not the file in it: a container may have laid its own over that one already, and keeps it.
        """
        folder = self._log_file.with_name("random")
        folder.mkdir(exist_ok=True)
        (folder / "boot_id").write_text(f"{uuid.uuid4()}\n")
        script = (
            f"mount --bind {folder} /proc/sys/kernel/random && "
            f'exec unshare --user --map-user={os.getuid()} --map-group={os.getgid()} "$@"'
        )
        await self.start("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh")

    async def start_again(self, limit_s: float = 30.0) -> None:
        """As a service manager does after a sudden death: again and again, until it stays."""
        deadline = time.monotonic() + limit_s
        while True:
            await self.start()
            assert self._process
            try:
                async with asyncio.timeout(1.5):
                    await self._process.wait()
            except TimeoutError:
                return
            assert time.monotonic() < deadline, self.log()

    async def stop(self) -> int:
        """Switches it off as a service manager does; the exit code."""
        assert self._process
        if self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(20):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                raise
        return await self._process.wait()

    def is_off(self) -> bool:
        """Whether `run` has ended."""
        return self._process is None or self._process.returncode is not None

    def pid(self, name: str) -> int | None:
        """The process id of `run`, `compositor` (sway), `stage`, `agent` or `browser`; None while there is none."""
        assert self._process
        if name == "run":
            return self._process.pid
        try:
            family = psutil.Process(self._process.pid).children(recursive=name in ("browser", "stage"))
        except psutil.NoSuchProcess:
            return None
        found = [one.pid for one in family if _is(one, name)]
        if name == "stage":  # the first one loads everything and waits; its child plays
            return found[1] if len(found) > 1 else None
        return found[0] if found else None

    def family(self) -> list[psutil.Process]:
        """Every process that lives because it runs."""
        assert self._process
        try:
            ours = psutil.Process(self._process.pid)
            return [ours, *ours.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def listens(self) -> set[tuple[str, str, int]]:
        """Where its processes can be called from a network, in whichever one they live: protocol, address, port."""
        rows, held = set[tuple[str, str, int, str]](), set[str]()
        for one in self.family():
            at = Path(f"/proc/{one.pid}")
            with contextlib.suppress(OSError):
                for protocol in ("tcp", "tcp6", "udp", "udp6"):
                    rows |= set(_called(protocol, (at / "net" / protocol).read_text().splitlines()[1:]))
                held |= {str(handle.readlink()) for handle in (at / "fd").iterdir()}
        return {(protocol, address, port) for protocol, address, port, number in rows if f"socket:[{number}]" in held}

    async def kill(self, name: str) -> None:
        """A sudden death."""

        async def there() -> int | None:
            return self.pid(name)

        os.kill(await until(f"{name} runs", there), signal.SIGKILL)
        if name == "run":
            assert self._process
            await self._process.wait()

    def log(self, size: int = 4000) -> str:
        """The end of what it said."""
        return self._log_file.read_text(errors="replace")[-size:]

    # --- what one sees

    async def status(self) -> dict[str, Any] | None:
        """`GET /api/status`, None while nobody answers."""
        try:
            return await asyncio.to_thread(self._client.status)
        except (NotRunning, BoxError):
            return None

    async def until(self, holds: Callable[[dict[str, Any]], Any], what: str = "", limit_s: float = WITHIN_S) -> dict[str, Any]:
        """The first status for which it holds."""
        last: dict[str, Any] | None = None

        async def look() -> dict[str, Any] | None:
            nonlocal last
            last = await self.status()
            return last if last is not None and holds(last) else None

        try:
            return await until(what or "the status", look, limit_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; last: {last}\n{self.log()}") from None

    async def look(self) -> Image.Image | None:
        """The screen itself, None while nobody answers."""
        try:
            picture = await asyncio.to_thread(self._client.screenshot, "jpg")
        except (NotRunning, BoxError):
            return None
        return Image.open(io.BytesIO(picture)).convert("RGB")

    async def until_seen(self, *colours: str, at: tuple[int, int] = MIDDLE, limit_s: float = WITHIN_S) -> str:
        """Waits until the screen shows one of these colours; which."""
        last = "nothing"

        async def look() -> str | None:
            nonlocal last
            picture = await self.look()
            last = colour_of(picture, at) or str(picture.getpixel(at)) if picture else last
            return last if last in colours else None

        try:
            return await until(f"{' or '.join(colours)} on the screen", look, limit_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; last: {last}\n{self.log()}") from None

    async def until_all_seen(self, *colours: str, limit_s: float) -> None:
        """Waits until each of these colours was on the screen."""
        missing = set(colours)

        async def look() -> bool:
            picture = await self.look()
            missing.discard(colour_of(picture) if picture else "")
            return not missing

        try:
            await until("each colour on the screen", look, limit_s, 0.3)
        except AssertionError as error:
            raise AssertionError(f"{error}; missing: {missing}\n{self.log()}") from None

    def plays(self) -> list[dict[str, Any]]:
        """The stage's journal of proof of play."""
        return [body for _, body in read_journal(self.dirs.plays)]

    async def say(self, *arguments: str) -> tuple[int, str, str]:
        """`signage-player ARGUMENTS` on this box: exit code, output, errors."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "player", *arguments,
            env=self.environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()


def _called(protocol: str, rows: list[str]) -> Iterator[tuple[str, str, int, str]]:
    """Of a table in /proc/net those that wait to be called: protocol, address, port, and the number of the socket."""
    for words in map(str.split, rows):
        (address, _, port), nobody = words[1].partition(":"), set(words[2]) <= set("0:")
        if words[3] == "0A" or (protocol.startswith("udp") and nobody):
            packed = b"".join(bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8))
            family = socket.AF_INET6 if len(packed) > 4 else socket.AF_INET
            yield protocol, socket.inet_ntop(family, packed), int(port, 16), words[9]


def _is(process: psutil.Process, name: str) -> bool:
    try:
        words = process.cmdline()
        if name == "browser":
            return "chromium" in process.name() and not any(word.startswith("--type=") for word in words)
        return words[-1:] == [name] or (name == "compositor" and process.name() == "sway")
    except psutil.Error:
        return False
