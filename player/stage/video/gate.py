"""The gate before libmpv: each connection that its threads make is judged when it is made, by the address that it leads to.

libmpv runs in this process, and FFmpeg in it opens what a playlist or a server names: `httpproxy://` in a playlist of HLS, where a
server of rtsp redirects to. No list of protocols tells those from what leads through the wall, so the kernel asks
(seccomp_unotify(2)): each connect(2) of a thread behind the gate, and of whatever that thread starts, waits for the loop's answer.

It holds what content can make FFmpeg do, and not code that somebody smuggles into this process: that could change the address
between the answer and the call.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import ipaddress
import os
import select
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from player.runtime.fault_page import FaultPage
from player.runtime.seccomp import (
    ALLOW,
    ASK,
    AT_NUMBER,
    AT_PROCESSOR,
    IF_EQUAL,
    LOAD,
    RETURN,
    Step,
    give_up_new_rights,
    processor,
    stand_behind,
)  # fmt: skip

Admits = Callable[[str, int], bool]  # an address and a port -> whether it may be connected to

_QUESTION = struct.Struct("QIIiIQ6Q")  # struct seccomp_notif: whose it is, …, the call, …, and its six arguments
_ANSWER = struct.Struct("QqiI")  # struct seccomp_notif_resp
_RECEIVE, _SEND, _GO_ON = 0xC0502100, 0xC0182101, 1
_LONGEST = 128  # bytes of any sort of address


class Gate:
    """Lets through what `admits` says; threads stand behind it once they, or who started them, called `stand`."""

    def __init__(self, admits: Admits, faults: FaultPage) -> None:
        self._admits, self._faults = admits, faults

    def stand(self, loop: asyncio.AbstractEventLoop) -> None:
        """To be called in the thread that opens a handle; `loop` answers. Where the kernel refuses us a gate, that is a fault."""
        try:
            give_up_new_rights()
            questions = stand_behind(_steps(), asking=True)
        except OSError as error:
            loop.call_soon_threadsafe(self._tell, str(error.strerror))
        else:
            loop.call_soon_threadsafe(loop.add_reader, questions, self._hear, loop, questions)

    def _tell(self, why: str) -> None:
        message = f"streams are played with one wall fewer, and where their servers lead to is not judged: {why}"
        self._faults.report("", "stream_gate", message, count=1)

    def _hear(self, loop: asyncio.AbstractEventLoop, questions: int) -> None:
        """One question; or no thread is left that could ask."""
        looking = select.poll()
        looking.register(questions, select.POLLIN)
        ready = dict(looking.poll(0)).get(questions, 0)
        if ready & select.POLLIN:
            with contextlib.suppress(FileNotFoundError):  # whoever asked is gone
                self._answer(questions)
        elif ready:
            loop.remove_reader(questions)
            os.close(questions)

    def _answer(self, questions: int) -> None:
        asked = bytearray(_QUESTION.size)
        fcntl.ioctl(questions, _RECEIVE, asked)
        whose, _, _, _, _, _, _, at, length, *_ = _QUESTION.unpack(asked)
        end = _end_at(at, length)
        refused = end is not None and not self._admits(*end)
        fcntl.ioctl(questions, _SEND, _ANSWER.pack(whose, 0, -errno.EACCES if refused else 0, 0 if refused else _GO_ON))


def _steps() -> list[Step]:
    """Everything passes but connect(2), which is asked about."""
    known = processor()
    return [
        (LOAD, 0, 0, AT_PROCESSOR), (IF_EQUAL, 0, 2, known.word),
        (LOAD, 0, 0, AT_NUMBER), (IF_EQUAL, 1, 0, known.connect),
        (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, ASK),
    ]  # fmt: skip


def _end_at(place: int, length: int) -> tuple[str, int] | None:
    """What lies there in this process's memory, as `read_end` reads it; None too for no place at all, which the kernel sees."""
    with Path("/proc/self/mem").open("rb", buffering=0) as memory, contextlib.suppress(OSError, OverflowError):
        return read_end(os.pread(memory.fileno(), min(length, _LONGEST), place))
    return None


def read_end(raw: bytes) -> tuple[str, int] | None:
    """Address and port of a `struct sockaddr` (ip(7), ipv6(7)); None for what leads to no network, as a Unix socket does."""
    family = int.from_bytes(raw[:2], "little")  # of both processors
    port = int.from_bytes(raw[2:4], "big")
    if family == socket.AF_INET and len(raw) >= 8:
        return str(ipaddress.IPv4Address(raw[4:8])), port
    if family == socket.AF_INET6 and len(raw) >= 24:
        return str(ipaddress.IPv6Address(raw[8:24])), port
    return None
