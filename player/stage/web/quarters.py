"""Where the browser lives: in a unit of its own where the installer made one, and below the stage elsewhere.

There a steward (`web.steward`) starts its processes, measures them and ends them, and keeps its folder: whatever takes the browser
over has nothing of the stage's within reach, and nothing of it is within the stage's. A stay is one line to one steward, and ends
with it. What the steward says is read as from outside: who has taken the browser over speaks with its voice.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Protocol, Self, TypeVar

import msgspec

from player.errors import BoxError
from player.runtime.programs import Ran
from player.runtime.systemd import child_environment
from player.stage.web import steward
from player.stage.web.cdp import MESSAGE_LIMIT

BEGINS_S, ANSWER_S, STOP_S = 60.0, 20.0, 5.0  # on a slow box
LOST = -1  # the code of what ended unseen
T = TypeVar("T")


class Run(Protocol):
    """`player.runtime.programs.run_program` for the browser, here or where it lives."""

    async def __call__(self, command: Sequence[str], environment: Mapping[str, str], *, package: str, within_s: float) -> Ran: ...


class _Said(msgspec.Struct):
    """An answer, or why there is none, or that somebody ended."""

    answer: msgspec.Raw = msgspec.Raw(b"null")
    refused: str = ""
    ended: int | None = None
    code: int = LOST


@dataclass(frozen=True, slots=True)
class Pipes:
    """Ours of a process: what it is told, what it says, and of what it complains.

    Each is a line of its own: of one whose other end ended with something unread the rest of what was said would be lost.
    """

    told: asyncio.StreamWriter
    said: asyncio.StreamReader
    complained: asyncio.StreamReader
    halves: Sequence[asyncio.StreamWriter]  # of all three

    def close(self) -> None:
        """Nobody listens any more."""
        for half in self.halves:
            half.close()


class Tenant:
    """A process that lives there, number `number` of a stay; `returncode` None while it does, and `pid` 0 until it does."""

    def __init__(self, number: int, send: Callable[[int, int], None]) -> None:
        self.number, self.pid = number, 0
        self.returncode: int | None = None
        self._send, self._over = send, asyncio.Event()

    def ended(self, code: int) -> None:
        """It ended so."""
        self.returncode = code
        self._over.set()

    async def wait(self) -> None:
        """Until it ended."""
        await self._over.wait()

    def terminate(self) -> None:
        """Asks it to end."""
        self._send(self.number, SIGTERM)

    def kill(self) -> None:
        """Ends it."""
        self._send(self.number, SIGKILL)


class Quarters:
    """One stay: `folder` is the browser's there. Wishes raise BoxError where they are refused, or nobody answers."""

    def __init__(self, line: socket.socket) -> None:
        self.folder = Path("/nowhere")
        self._line = line
        self._wishes: deque[asyncio.Future[msgspec.Raw]] = deque()
        self._tenants: dict[int, Tenant] = {}
        self._numbers = 0

    async def __aenter__(self) -> Self:
        self._line.setblocking(False)
        asyncio.get_running_loop().add_reader(self._line, self._hear)
        try:
            self.folder = Path(await self._wish(str, "where", within_s=BEGINS_S))
        except BaseException:
            self._leave("it does not begin")
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leave("it was left")

    async def start(self, words: Sequence[str], environment: Mapping[str, str], handed: Mapping[str, int]) -> Tenant:
        """A process that leads a session of its own, and neither reads nor says anything.

        It inherits the files `handed`, by the numbers that it finds in variables of those names.
        """
        with open(os.devnull, "r+b", buffering=0) as null:  # noqa: ASYNC230, PTH123 - a device that keeps nobody waiting
            return await self._start(words, environment, handed, [null.fileno()] * 3)

    async def speak_with(
        self, words: Sequence[str], environment: Mapping[str, str], handed: Mapping[str, int]
    ) -> tuple[Tenant, Pipes]:
        """As `start`, and its pipes, which the caller closes."""
        theirs, ours = zip(*(socket.socketpair() for _ in range(3)), strict=True)
        with contextlib.ExitStack() as stack, contextlib.ExitStack() as passed:
            for one in ours:
                stack.callback(one.close)
            for one in theirs:
                passed.callback(one.close)
            (_, told), (said, hears), (complained, listens) = [
                await asyncio.open_unix_connection(sock=one, limit=MESSAGE_LIMIT) for one in ours
            ]
            pipes = Pipes(told, said, complained, (told, hears, listens))
            stack.callback(pipes.close)
            tenant = await self._start(words, environment, handed, [one.fileno() for one in theirs])
            stack.pop_all()
        return tenant, pipes

    async def _start(
        self, words: Sequence[str], environment: Mapping[str, str], handed: Mapping[str, int], files: Sequence[int]
    ) -> Tenant:
        self._numbers += 1
        tenant = self._tenants[self._numbers] = Tenant(self._numbers, self._send)
        try:
            tenant.pid = await self._wish(
                int, "start", files=[*files, *handed.values()],
                number=tenant.number, words=list(words), environment=dict(environment), handed=list(handed),
            )  # fmt: skip
        except BaseException:
            tenant.kill()
            self._tenants.pop(tenant.number, None)
            raise
        return tenant

    async def run(
        self, command: Sequence[str], environment: Mapping[str, str], *, package: str, within_s: float, told: bytes = b""
    ) -> Ran:
        """As `run_program` does, and there; it reads what it is `told`."""
        program = command[0].rpartition("/")[2]
        try:
            tenant, pipes = await self.speak_with(command, environment, {})
        except BoxError as error:
            raise BoxError("browser", f"{program} cannot be started ({error.reason}); `apt install {package}`") from error
        try:
            async with asyncio.timeout(within_s):
                pipes.told.write(told)
                pipes.told.write_eof()
                said, complained = await asyncio.gather(pipes.said.read(), pipes.complained.read())
                await tenant.wait()
        except TimeoutError as error:
            raise BoxError("browser", f"{program} did not answer within {within_s:g} s; try again") from error
        finally:
            tenant.kill()
            pipes.close()
        return Ran(tenant.returncode or 0, said.decode(errors="replace"), complained.decode(errors="replace").strip())

    async def renderers(self, browser: int) -> list[int]:
        """`web.renderers.renderers_of` there."""
        return await self._wish(list[int], "renderers", browser=browser)

    async def held(self, renderers: Sequence[int]) -> dict[int, int]:
        """`web.renderers.held_by` there."""
        return await self._wish(dict[int, int], "held", renderers=renderers)

    async def measure(self) -> dict[str, int]:
        """How many bytes each room takes on disk there."""
        return await self._wish(dict[str, int], "measure")

    async def free(self) -> int:
        """How many bytes are free on the browser's disk there."""
        return await self._wish(int, "free")

    async def furnish(self, name: str) -> None:
        """Makes a profile ready, where it is not there yet."""
        await self._wish(None, "furnish", name=name)

    async def remove(self, names: Collection[str]) -> None:
        """Throws profiles away."""
        if names:
            await self._wish(None, "remove", names=list(names))

    def _send(self, number: int, signal: int) -> None:
        if number in self._tenants:
            self.post("signal", number=number, signal=int(signal))

    def post(self, verb: str, **details: int) -> None:
        """A wish whose answer nobody waits for."""
        with contextlib.suppress(BoxError):
            self._ask(verb, (), details).add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _wish(
        self, kind: type[T] | None, verb: str, *, files: Sequence[int] = (), within_s: float = ANSWER_S, **details: object
    ) -> T:
        try:
            async with asyncio.timeout(within_s):
                found: T = msgspec.json.decode(await self._ask(verb, files, details), type=kind)
        except (TimeoutError, msgspec.DecodeError) as error:
            raise BoxError("browser", f"who looks after it does not answer ({verb}): {error or 'too late'}") from error
        return found

    def _ask(self, verb: str, files: Sequence[int], details: Mapping[str, object]) -> asyncio.Future[msgspec.Raw]:
        wish: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        try:
            socket.send_fds(self._line, [msgspec.json.encode({"verb": verb, **details})], files)
        except OSError as error:
            raise BoxError("browser", f"who looks after it does not hear ({verb}): {error.strerror or error}") from error
        self._wishes.append(wish)
        return wish

    def _hear(self) -> None:
        """What the steward says; whoever waits for nothing any more is passed over."""
        try:
            said = msgspec.json.decode(self._line.recv(steward.LONGEST), type=_Said)
            if said.ended is None:
                _settle(self._wishes.popleft(), said)
            elif said.ended in self._tenants:
                self._tenants.pop(said.ended).ended(said.code)
        except BlockingIOError:
            return
        except (OSError, msgspec.DecodeError, IndexError):
            self._leave("who looks after it is gone")

    def _leave(self, why: str) -> None:
        """Everything there ends."""
        if self._line.fileno() < 0:
            return
        asyncio.get_running_loop().remove_reader(self._line)
        self._line.close()
        for wish in self._wishes:
            if not wish.done():
                wish.set_exception(BoxError("browser", why))
        for tenant in self._tenants.values():
            tenant.ended(LOST)
        self._wishes.clear()
        self._tenants.clear()


def _settle(wish: asyncio.Future[msgspec.Raw], said: _Said) -> None:
    if wish.done():
        return
    if said.refused:
        wish.set_exception(BoxError("browser", said.refused))
    else:
        wish.set_result(said.answer)


@contextlib.asynccontextmanager
async def stay(door: Path | None, folder: Path) -> AsyncIterator[Quarters]:
    """Quarters behind `door`, the socket of the unit; or below this process, in a fresh `folder`. Raises BoxError."""
    if door is not None:
        async with Quarters(await asyncio.to_thread(_through, door)) as quarters:
            yield quarters
        return
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with mine:
        with theirs:
            process = await _begun(theirs, folder)
        try:
            async with Quarters(mine) as quarters:
                yield quarters
        finally:
            await _gone(process)


async def _begun(line: socket.socket, folder: Path) -> asyncio.subprocess.Process:
    """A steward with that line. Raises BoxError."""
    words = ("setpriv", "--pdeathsig", "KILL", sys.executable, "-I", "-B", "-m", steward.__name__, str(folder))
    try:
        await asyncio.to_thread(_make_anew, folder)
        return await asyncio.create_subprocess_exec(*words, stdin=line.fileno(), env=child_environment(None))
    except OSError as error:
        raise BoxError("browser", f"nobody can look after it here ({error.strerror}: {error.filename or folder})") from error


def _make_anew(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)


async def _gone(process: asyncio.subprocess.Process) -> None:
    """It ends with its line, and whatever keeps it busy then has no more time."""
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _through(door: Path) -> socket.socket:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        line.connect(str(door))
    except OSError as error:
        line.close()
        raise BoxError(
            "browser", f"its unit does not start it ({error.strerror}): systemctl status signage-browser.socket"
        ) from error
    return line
