"""A compositor that lives and does not answer is ended, so that whoever supervises it starts another.

Sway's clients wait for ever for a compositor that is stopped or spins, and nobody else looks. The look has a thread of its own with
nothing but system calls in it: what waits for the compositor may be the stage's event loop itself. Who is ended is never guessed:
the kernel names the process behind the socket, a pidfd holds it, and only while the socket's other end still stands is it sent a
signal. It belongs to the same user, so no right is needed. Sway's own socket queues four connections, which looks and the starts
of stages use up while nobody takes them; its Wayland socket queues 128, so that one is asked first for who it is.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from player.compositor.ipc import GET_VERSION, HEAD, MAGIC
from player.compositor.session import read_info
from player.core.hangs import ANSWER_S, GRACE_S, LOOK_S, Answer, Hangs, Silence

log = logging.getLogger(__name__)
RECORD = "hangs.json"
_CREDENTIALS = struct.Struct("=iII")  # pid, uid, gid: unix(7)


def start_looking(ipc: Path, wall: Callable[[], float]) -> None:
    """Looks after the compositor at the socket `ipc` from a thread, as long as this process lives."""
    threading.Thread(target=_look_for_ever, args=(ipc, wall), name="compositor hangs", daemon=True).start()


def read_hangs(ipc: Path) -> Hangs:
    """What is recorded beside the socket; none where the record is missing or damaged."""
    try:
        return msgspec.json.decode(ipc.with_name(RECORD).read_bytes(), type=Hangs)
    except (OSError, ValueError):
        return Hangs()


def hangs_told(ipc: Path) -> tuple[Hangs, float | None]:
    """What is recorded, and when the compositor that is up announced itself: seconds since the epoch, None where none has."""
    info = read_info(ipc.with_name("compositor.json"))
    return read_hangs(ipc), info.started_at if info else None


def look(ipc: Path, within_s: float) -> Answer:
    """Asks for the version, and waits up to `within_s` seconds for each part of the answer.

    All of it is read: sway logs an error for who leaves before that.
    """
    try:
        with _connected(ipc, within_s) as connection:
            connection.sendall(HEAD.pack(MAGIC, 0, GET_VERSION))
            _, length, _ = HEAD.unpack(_received(connection, HEAD.size))
            _received(connection, length)
            return Answer.GIVEN
    except (TimeoutError, BlockingIOError):  # the second: its queue of connections is full
        return Answer.NONE
    except OSError:
        return Answer.NOBODY


def _received(connection: socket.socket, size: int) -> bytes:
    """So many bytes. Raises ConnectionError where the other end closes before."""
    parts = b""
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise ConnectionError
        parts += part
    return parts


def end(ipc: Path) -> int | None:
    """Ends who listens there, by SIGTERM and after a second by SIGKILL: its process id, or None where it could not be found."""
    for path in (*ipc.parent.glob("wayland-*[0-9]"), ipc):
        with contextlib.suppress(OSError), _connected(path, GRACE_S) as connection:
            pid, _, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
            handle = os.pidfd_open(pid)
            try:
                if not _hung_up(connection):  # else it went in the meantime, and the number may be another's
                    _end_process(handle)
                    return int(pid)
            finally:
                os.close(handle)
    return None


def _end_process(handle: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        signal.pidfd_send_signal(handle, number)
        if select.select([handle], [], [], GRACE_S)[0]:
            return


def _look_for_ever(ipc: Path, wall: Callable[[], float]) -> None:
    silence = Silence()
    while True:
        silence = silence.after(look(ipc, ANSWER_S))
        if silence.is_over(announced=ipc.with_name("compositor.json").exists()):
            log.error("the compositor runs but did not answer %d times; it is ended and comes back by itself", silence.looks)
            _record(ipc, wall())  # before it goes: with it goes this process
            if end(ipc) is None:
                log.error("the compositor at %s cannot be ended; restart its service, or the box", ipc)
            silence = Silence()
        time.sleep(LOOK_S)


def _record(ipc: Path, at: float) -> None:
    with contextlib.suppress(OSError):  # the record is what an operator is told; the compositor goes all the same
        ipc.with_name(RECORD).write_bytes(msgspec.json.encode(read_hangs(ipc).one_more(at)))


@contextlib.contextmanager
def _connected(ipc: Path, within_s: float) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
        connection.settimeout(within_s)
        connection.connect(str(ipc))
        yield connection


def _hung_up(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, 0)
    return bool(poll.poll(0))
