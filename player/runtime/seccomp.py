"""Filters of system calls (seccomp(2)): small programs of classic BPF, which the kernel runs before each call of a thread.

A filter holds for the thread that takes it and for whatever that one starts, and is never taken off.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_NO_NEW_PRIVS = 38  # prctl(2)
_SET_FILTER, _WITHOUT_SLOWING_DOWN, _ASKING = 1, 1 << 2, 1 << 3  # of seccomp(2)

LOAD, IF_EQUAL, IF_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # of classic BPF
ALLOW, ASK, REFUSE, KILL = 0x7FFF0000, 0x7FC00000, 0x00050000 | errno.EPERM, 0x80000000
AT_NUMBER, AT_PROCESSOR = 0, 4  # in struct seccomp_data
Step = tuple[int, int, int, int]  # what to do, how many steps to leave out if so, and if not, and a number


@dataclass(frozen=True, slots=True)
class Processor:
    """One sort of them: its word in a filter, and the numbers that its kernel gives calls."""

    word: int
    seccomp: int
    connect: int


_PROCESSORS = {"x86_64": Processor(0xC000003E, 317, 42), "aarch64": Processor(0xC00000B7, 277, 203)}


def processor() -> Processor:
    """This box's. Raises OSError for one whose numbers are not known here."""
    machine = os.uname().machine
    if machine not in _PROCESSORS:
        raise OSError(errno.ENOSYS, f"the calls of a {machine} are not known here")
    return _PROCESSORS[machine]


def give_up_new_rights() -> None:
    """Nothing that this thread starts gets more rights than it has, which the kernel wants before a filter. Raises OSError."""
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def stand_behind(steps: Sequence[Step], *, asking: bool) -> int:
    """Puts this thread behind the filter. `asking`: the calls that it answers by ASK are read from the file that is returned.

    Raises OSError where the kernel refuses.
    """
    program = b"".join(struct.pack("HBBI", *step) for step in steps)
    lines = ctypes.create_string_buffer(program, len(program))
    whole = ctypes.create_string_buffer(struct.pack("HP", len(steps), ctypes.addressof(lines)))
    flags = _WITHOUT_SLOWING_DOWN | (_ASKING if asking else 0)
    return _checked(_libc.syscall(processor().seccomp, _SET_FILTER, flags, whole))


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
