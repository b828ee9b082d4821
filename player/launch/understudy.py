"""A stage that is killed is followed at once by another one, out of a process that has everything loaded already.

To load Python's modules, libmpv and the hundred libraries below it is most of a stage's start. So the process that `run` or systemd
starts as the stage loads them and then only waits: each stage is its child by fork(2), which takes milliseconds and shares the
memory. What waits can neither hang nor be spoiled by what ended a stage: it has one thread, no connection, no lock and no window.
Whoever supervises it hears this process alone (`NotifyAccess=main`), which passes on what its stage says of itself.

Another stage follows one that a signal ended, or that lost its compositor, after a good start; and one that was killed or lost it
soon after its start, which is no fault of its own, as often as is forgiven. Every other end is this process's too, in the same way,
so that whoever supervises it judges as ever and keeps to its pauses. Signals to end are passed on; where this process is killed
itself, its stage goes with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from typing import NoReturn

from player.core.allowance import Allowance
from player.launch.restarts import PICTURE_STEADY_S
from player.launch.supervisor import COMPOSITOR_GONE, die_with, how_it_ended
from player.runtime.systemd import NOTIFY, sd_notify

_PASSED_ON = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
_WHO = struct.Struct("3i")  # struct ucred: process, user, group
_TOLD = 128  # bytes of struct signalfd_siginfo, and of a sigset_t


def stand_by(followed: Callable[[], None], *, forgiven: Allowance, steady_s: float = PICTURE_STEADY_S) -> str:
    """Returns in a child, which is to be the stage, and in each that follows it: how the one before ended, "" in the first. In this
    process it never returns: it ends as the last of them did.

    A start is good after `steady_s` seconds; `forgiven` counts who is killed sooner. `followed` is called here before another one
    begins. Call it with no other thread.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*_PASSED_ON, signal.SIGCHLD})
    gc.freeze()  # what is loaded is shared, and is not to be copied for being looked at
    words = ""
    signals, ear = _signals({*_PASSED_ON, signal.SIGCHLD}), _Ear() if NOTIFY in os.environ else None
    while True:
        began = time.monotonic()
        pid = _begin(mask)
        if pid == 0:
            os.close(signals)
            if ear:
                os.environ[NOTIFY] = ear.address
                ear.close()
            return words
        status, asked = _end_of(pid, signals, ear)
        now = time.monotonic()
        if now - began >= steady_s:
            follows = status < 0 or status == COMPOSITOR_GONE
        else:
            follows = status in (-signal.SIGKILL, COMPOSITOR_GONE) and forgiven.spare(now)
        if asked or not follows:
            _end_likewise(status, mask)
        words = f"(process {pid}) {how_it_ended(status)}"
        followed()


def _begin(mask: Iterable[int]) -> int:
    """As fork(2). The child leads a group of its own, so that what it leaves behind can be ended, and dies with its parent."""
    parent = os.getpid()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        die_with(parent, signal.SIGKILL)()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return pid


def _end_of(pid: int, signals: int, ear: _Ear | None) -> tuple[int, bool]:
    """Waits for the child: its exit code, negative where a signal ended it, and whether it had been asked to end."""
    asked, looking = False, select.poll()
    for heard in (signals, ear) if ear else (signals,):
        looking.register(heard, select.POLLIN)
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if signals not in dict(looking.poll()):
            if ear:
                ear.pass_on(pid)
            continue
        number = int.from_bytes(os.read(signals, _TOLD)[:4], sys.byteorder)
        if number != signal.SIGCHLD:
            asked = True
            os.kill(pid, number)
            os.kill(pid, signal.SIGCONT)  # one that is stopped takes no other; the watchdog would wait until it kills
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)  # what it left behind; the number is its own until it is waited for
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), asked


def _signals(numbers: Iterable[int]) -> int:
    """A file at which these signals, which are blocked, are read (signalfd(2))."""
    mask = sum(1 << number - 1 for number in numbers).to_bytes(_TOLD, sys.byteorder)
    found: int = ctypes.CDLL(None, use_errno=True).signalfd(-1, mask, os.O_CLOEXEC)
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return found


class _Ear:
    """Where the stage says that it is ready, and lives."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind("")  # an abstract name of the kernel's choice
        self.address = "@" + self._socket.getsockname()[1:].decode()

    def fileno(self) -> int:
        """For poll."""
        return self._socket.fileno()

    def close(self) -> None:
        """The stage has no need of it."""
        self._socket.close()

    def pass_on(self, pid: int) -> None:
        """What process `pid` said; anybody could speak here, and no other is listened to."""
        said, told, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(_WHO.size))
        if any(kind == socket.SCM_CREDENTIALS and _WHO.unpack(who)[0] == pid for _, kind, who in told):
            sd_notify(said.decode(errors="replace"))


def _end_likewise(status: int, mask: Iterable[int]) -> NoReturn:
    if status < 0:
        with contextlib.suppress(OSError):  # two cannot be set, and need not be
            signal.signal(-status, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.kill(os.getpid(), -status)
    os._exit(status & 0xFF)
