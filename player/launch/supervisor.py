"""`run`: starts compositor, stage and agent as processes of this package, starts each again alone when it dies, ends them together.

Law 1 shapes it. The first frame must be there within half a second, so this module imports little, needs no asyncio, and starts the
agent last: once the stage said that it shows something (`READY=1`, as to systemd) or after a second. None takes another down. Who
once said that it is ready and then gives no sign of life (`WATCHDOG=1`) is ended, as systemd would, and so is who does not come up
(`EXTEND_TIMEOUT_USEC` asks for more time). Who was killed from outside did not crash, and is back at once, but not for ever.
"""

from __future__ import annotations

import ctypes
import math
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from player.core.allowance import Allowance

STOP_S = 4.0  # after this much of the five seconds that a stop may take, SIGKILL
COMPOSITOR_STOPS_S = 2.0  # the stage has this long to fade out while there still is a screen
AGENT_WAITS_S = 1.0
STEADY_S = 30.0  # who lived this long is started again at once
KILLED_STEADY_S = 3.0  # the same for who was killed from outside: nothing of its own ended it
STAGE_SIGNS_S, AGENT_SIGNS_S = 13.0, 30.0  # as `WatchdogSec` in the units
_PR_SET_PDEATHSIG = 1
COMPOSITOR_GONE = 3  # what the stage ends with when its windows are lost
_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, COMPOSITOR_GONE)
STANDS_BY = "SIGNAGE_STANDS_BY"  # set for the stage: another one stands by (`understudy`)
_ONLY_OURS = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "INVOCATION_ID", STANDS_BY)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the children run as when the supervisor is root."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Daemon:
    """One process to keep alive. It is started again at once, and when it dies again soon after that, after a pause that doubles
    from `first_s` to `limit_s` (seconds)."""

    name: str
    command: Sequence[str]
    first_s: float = 0.05
    limit_s: float = 10.0
    tells: bool = False  # says READY=1 when there is something on screen
    signs_s: float = 0.0  # gives a sign of life within this time, once it said READY=1; 0: none is asked for
    begins_s: float = 30.0  # says READY=1 within this time, or asks for more; counts where signs of life are asked for
    waits_s: float = 0.0  # starts once another told so, or after this time
    outlives: bool = False  # is stopped when the others are gone
    settings: Mapping[str, str] = field(default_factory=dict)  # of its environment


def forgiving() -> Allowance:
    """How often who was killed soon after its start is back at once. Where memory is short that happens again and again."""
    return Allowance(10, 5.0)


@dataclass(slots=True)
class _Child:
    daemon: Daemon
    due: float
    process: subprocess.Popen[bytes] | None = None
    handle: int = -1  # the pidfd
    began: float = 0.0
    deaths: int = 0
    forgiven: Allowance = field(default_factory=forgiving)
    last_words: str = ""
    signs: socket.socket | None = None
    is_ready: bool = False
    sign_due: float = math.inf  # by then the next sign of life has to be there


def daemons(backend: str, config_file: str | None, *, agent: bool = True) -> tuple[Daemon, ...]:
    """What to run for `stage.backend`: `none` and `single` need no compositor."""

    def command(name: str) -> list[str]:
        return [sys.executable, "-P", "-m", "player", name, *(["--config", config_file] if config_file else [])]

    wanted = [Daemon("stage", command("stage"), tells=True, signs_s=STAGE_SIGNS_S, settings={STANDS_BY: "1"})]
    if backend not in ("none", "single"):
        wanted.insert(0, Daemon("compositor", command("compositor"), outlives=True))
    if agent:
        wanted.append(Daemon("agent", command("agent"), first_s=0.5, limit_s=120.0, waits_s=AGENT_WAITS_S, signs_s=AGENT_SIGNS_S))
    return tuple(wanted)


def how_it_ended(status: int) -> str:
    """A Popen return code in words."""
    if status < 0:
        try:
            return f"was killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"was killed by signal {-status}"
    return f"ended with exit code {status}"


class Supervisor:
    """Runs `daemons` until SIGTERM or SIGINT. Call `run` from the main thread: children are told to die with it."""

    def __init__(self, daemons: Iterable[Daemon], *, environment: Mapping[str, str], account: Account | None, say: Say) -> None:
        self._account, self._say = account, say
        self._environment = {key: value for key, value in environment.items() if key not in _ONLY_OURS}
        self._poll = select.poll()
        now = time.monotonic()
        self._children = [_Child(daemon, now + daemon.waits_s) for daemon in daemons]
        self._stopped_at: float | None = None

    def _listen(self) -> socket.socket:
        signs = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        signs.bind("")  # an abstract name of the kernel's choice
        self._poll.register(signs, select.POLLIN)
        return signs

    def run(self) -> int:
        """Returns 0 after a stop by signal, when every child is gone."""
        woken, wakes = socket.socketpair()
        for end in (woken, wakes):
            end.setblocking(False)
        before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
        previous = signal.set_wakeup_fd(wakes.fileno())
        self._poll.register(woken, select.POLLIN)
        try:
            while not self._finished():
                self._start_due()
                for handle, _ in self._poll.poll(self._pause_ms()):
                    self._handle(handle, woken)
                self._end_silent()
                self._stop_due()
        finally:
            self._kill_all()
            signal.set_wakeup_fd(previous)
            for number, handler in before.items():
                signal.signal(number, handler)
            for opened in (woken, wakes, *(child.signs for child in self._children if child.signs)):
                opened.close()
        return 0

    def _finished(self) -> bool:
        return self._stopped_at is not None and not any(child.process for child in self._children)

    def _pause_ms(self) -> float | None:
        """Until the next thing to do; None waits for an event."""
        if self._stopped_at is not None:
            return 50
        due = [child.due for child in self._children if child.process is None]
        next_at = min([*due, *(child.sign_due for child in self._children)], default=math.inf)
        return max(0.0, next_at - time.monotonic()) * 1000 if next_at < math.inf else None

    def _handle(self, handle: int, woken: socket.socket) -> None:
        if handle == woken.fileno():
            woken.recv(64)
            self._begin_stop()
            return
        for child in self._children:
            if child.signs is not None and handle == child.signs.fileno():
                self._hear(child, child.signs.recv(4096))
            elif handle == child.handle:
                self._bury(child)

    def _hear(self, child: _Child, said: bytes) -> None:
        if child.daemon.signs_s:
            child.is_ready = child.is_ready or b"READY=1" in said
            more_s = child.daemon.signs_s if child.is_ready else _asked_s(said)
            child.sign_due = time.monotonic() + more_s if more_s else child.sign_due
        if child.daemon.tells and b"READY=1" in said:
            self._wake_waiting()

    def _end_silent(self) -> None:
        """SIGKILL: who is stopped hears nothing else."""
        for child in self._children:
            if child.process and time.monotonic() >= child.sign_due:
                silent = f"gave no sign of life for {child.daemon.signs_s:.0f} s" if child.is_ready else "did not come up in time"
                self._say(f"the {child.daemon.name} (pid {child.process.pid}) {silent}")
                child.sign_due = math.inf
                _signal_group(child.process.pid, signal.SIGKILL)

    def _wake_waiting(self) -> None:
        for child in self._children:
            if child.daemon.waits_s and not child.deaths:
                child.due = min(child.due, time.monotonic())

    def _start_due(self) -> None:
        for child in self._children:
            if self._stopped_at is None and child.process is None and child.due <= time.monotonic():
                self._start(child)

    def _start(self, child: _Child) -> None:
        own = self._own_settings(child)
        child.began = time.monotonic()
        try:
            child.process = self._spawn(child.daemon.command, self._environment | own)
        except OSError as error:
            self._retry_later(child, f"cannot be started: {error}")
            return
        child.sign_due = child.began + child.daemon.begins_s if child.daemon.signs_s else math.inf
        child.handle = os.pidfd_open(child.process.pid)
        self._poll.register(child.handle, select.POLLIN)
        if child.last_words:
            self._say(f"the {child.daemon.name} {child.last_words}; started again as pid {child.process.pid}")
            child.last_words = ""

    def _own_settings(self, child: _Child) -> dict[str, str]:
        """Its own, and where it says that it is ready and lives, each child on a socket of its own."""
        own = dict(child.daemon.settings)
        if not (child.daemon.tells or child.daemon.signs_s):
            return own
        child.signs = child.signs or self._listen()
        own["NOTIFY_SOCKET"] = "@" + child.signs.getsockname()[1:].decode()
        return own | ({"WATCHDOG_USEC": f"{child.daemon.signs_s * 1_000_000:.0f}"} if child.daemon.signs_s else {})

    def _spawn(self, command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        who = self._account
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            env=environment,
            cwd="/" if who else None,
            user=who.uid if who else None,
            group=who.gid if who else None,
            extra_groups=who.groups if who else None,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends the rest in order
            preexec_fn=die_with(os.getpid(), signal.SIGTERM),  # noqa: PLW1509 - this process has one thread
        )

    def _bury(self, child: _Child) -> None:
        process = child.process
        if process is None:
            return
        self._poll.unregister(child.handle)
        os.close(child.handle)
        if child.signs is not None:  # what it said last is not the next one's
            self._poll.unregister(child.signs)
            child.signs.close()
            child.signs = None
        _signal_group(process.pid, signal.SIGKILL)  # what it left behind; its number is ours until it is waited for
        status = process.wait()
        child.process, child.handle, child.is_ready, child.sign_due = None, -1, False, math.inf
        if self._stopped_at is None:
            self._retry_later(child, f"(pid {process.pid}) {how_it_ended(status)}", killed=status in _FROM_OUTSIDE)

    def _retry_later(self, child: _Child, words: str, *, killed: bool = False) -> None:
        now = time.monotonic()
        steady = now - child.began > (KILLED_STEADY_S if killed else STEADY_S)
        pause = 0.0
        if steady:
            child.deaths = 1
        elif not (killed and child.forgiven.spare(now)):
            pause = min(child.daemon.limit_s, child.daemon.first_s * 2.0 ** min(child.deaths, 20))
            child.deaths += 1
        child.last_words, child.due = words, now + pause
        if pause >= 1:
            self._say(f"the {child.daemon.name} {words}; tried again in {pause:.0f} s")

    def _begin_stop(self) -> None:
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
            for child in self._children:
                if child.process and not child.daemon.outlives:
                    child.process.terminate()

    def _stop_due(self) -> None:
        """While stopping: the compositor once the others are gone or had their time; SIGKILL for whoever stays."""
        if self._stopped_at is None:
            return
        passed = time.monotonic() - self._stopped_at
        others = any(child.process for child in self._children if not child.daemon.outlives)
        for child in self._children:
            if child.process and child.daemon.outlives and (not others or passed > COMPOSITOR_STOPS_S):
                child.process.terminate()
        if passed > STOP_S:
            self._kill_all()

    def _kill_all(self) -> None:
        for child in self._children:
            if child.process:
                _signal_group(child.process.pid, signal.SIGKILL)
                self._bury(child)


def _asked_s(said: bytes) -> float:
    """How many seconds a start asks for from now on; 0: it does not."""
    found = re.search(rb"^EXTEND_TIMEOUT_USEC=(\d+)$", said, re.MULTILINE)
    return int(found[1]) / 1_000_000 if found else 0.0


def die_with(parent: int, number: signal.Signals) -> Callable[[], None]:
    """What a child of `parent` calls, after setuid, which would clear it: that signal when the thread that started it ends."""
    libc = ctypes.CDLL(None)

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return in_child


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return
