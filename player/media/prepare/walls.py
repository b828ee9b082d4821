"""The walls around the child that opens foreign files: the kernel lets it reach its own file and folder, and nobody else.

Landlock (landlock(7)) takes away every file but the named ones, signals to others and their abstract sockets; a filter of system
calls (seccomp(2)) takes away sockets and what looks into other processes. What the child starts stands behind the same walls, and
nothing that runs there can take one down. A kernel that refuses one says so: the caller tells it as a fault.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import player
from player.runtime.seccomp import (
    ALLOW,
    AT_NUMBER,
    AT_PROCESSOR,
    IF_AT_LEAST,
    IF_EQUAL,
    KILL,
    LOAD,
    REFUSE,
    RETURN,
    Step,
    give_up_new_rights,
    processor,
    stand_behind,
)  # fmt: skip

_libc = ctypes.CDLL(None, use_errno=True)

# landlock(7): numbers that are the same on every processor, and what each version of its interface knows.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_EXECUTE, _WRITE, _READ, _LIST, _TRUNCATE, _IOCTL = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
_OF_A_FILE = _EXECUTE | _WRITE | _READ | _TRUNCATE | _IOCTL
_KNOWN_ACCESS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}  # since that version
_SCOPES_SINCE, _SCOPES = 6, 0b11  # no abstract sockets of others, no signals to them
_BY_PATH, _BY_VERSION = 1, 1
# Programs and libraries are no secret; of /etc and /dev only what they look at.
_PUBLIC = (
    "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/openssl.cnf", "/dev/urandom",
    "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu",
)  # fmt: skip

# Calls that are refused, with their numbers on each of `_PROCESSORS`.
_PROCESSORS = ("x86_64", "aarch64")
_REFUSED = {
    "socket": (41, 198), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438), "io_uring_setup": (425, 425), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218),
}  # fmt: skip
_OTHER_NUMBERS = 0x40000000  # x32: the same calls of x86_64 by other numbers


def stand_behind_walls(source: Path, folder: Path) -> tuple[str, ...]:
    """Leaves this process `source` to read and `folder` to write, and no socket. Returns what the kernel refuses, in words.

    To be called while the process has one thread: threads that are there already would stand outside.
    """
    refused = []
    walls: dict[str, Callable[[], object]] = {
        "no_new_privs": give_up_new_rights,
        "Landlock": lambda: _leave_files(source, folder),
        "seccomp": lambda: stand_behind(_steps(), asking=False),
    }
    for wall, stand in walls.items():
        try:
            stand()
        except OSError as error:
            refused.append(f"{wall}: {error.strerror}")
    return tuple(refused)


def _checked(result: int) -> int:
    """A system call's answer. Raises OSError."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _leave_files(source: Path, folder: Path) -> None:
    version = _checked(_libc.syscall(_CREATE, None, 0, _BY_VERSION))
    access = max(known for since, known in _KNOWN_ACCESS.items() if version >= since)
    rules = struct.pack("QQQ", access, 0, _SCOPES) if version >= _SCOPES_SINCE else struct.pack("Q", access)
    handle = _checked(_libc.syscall(_CREATE, rules, len(rules), 0))
    try:
        for path in _readable(source):
            _allow(handle, path, access & (_EXECUTE | _READ | _LIST))
        _allow(handle, Path("/dev/null"), access & (_READ | _WRITE))
        _allow(handle, folder, access & ~(_EXECUTE | _IOCTL))
        _checked(_libc.syscall(_RESTRICT, handle, 0))
    finally:
        os.close(handle)


def _readable(source: Path) -> Iterator[Path]:
    """The file itself, Python with its packages, this package, and the programs of the system."""
    programs = [Path(found).resolve().parent for name in ("ffmpeg", "ffprobe") if (found := shutil.which(name))]
    yield from (source, Path(sys.prefix), Path(sys.base_prefix), Path(player.__file__).parent, *programs, *map(Path, _PUBLIC))


def _allow(handle: int, path: Path, access: int) -> None:
    """A file, or everything below a folder; what is not there needs no permission."""
    try:
        at = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = struct.pack("=Qi", access if path.is_dir() else access & _OF_A_FILE, at)
        _checked(_libc.syscall(_ADD, handle, _BY_PATH, rule, 0))
    finally:
        os.close(at)


def _steps() -> list[Step]:
    """Another processor's calls end the process, `_REFUSED` are refused, everything else passes."""
    word, machine = processor().word, _PROCESSORS.index(os.uname().machine)
    numbers = [by_processor[machine] for by_processor in _REFUSED.values()]
    last = len(numbers)  # steps from the first comparison to the line that lets a call pass
    return [
        (LOAD, 0, 0, AT_PROCESSOR), (IF_EQUAL, 1, 0, word), (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, AT_NUMBER), (IF_AT_LEAST, last + 1, 0, _OTHER_NUMBERS),
        *((IF_EQUAL, last - at, 0, number) for at, number in enumerate(numbers)),
        (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE),
    ]  # fmt: skip
