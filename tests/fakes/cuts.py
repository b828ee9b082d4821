"""Power cuts without a machine to pull the plug of: two layers that lose what was not synced.

`recorded` runs a program once under strace, and a `Disk` makes of what it did any number of disks as a cut at a random moment may
leave them: of what was written since the last sync of a file any part is there, the last piece torn or zeros; of the names in a
folder those up to some change since its last sync. That is harsher than a file system with a journal is, and the same everywhere.

`LoopDisk` is an ext4 of its own that is stopped without writing anything more, as xfstests do it, and mounted again; that takes
root and a loop device.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import random
import re
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

TRACED = "openat,write,pwrite64,fsync,fdatasync,ftruncate,rename,renameat,unlink,unlinkat,mkdir,mkdirat,symlink"
LINE = re.compile(r"^(\d+)\s+(.*)$")
BEGUN = re.compile(r"^(.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")
CALL = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+)(?:<(.*)>)?.*$", re.DOTALL)
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
HANDLE = re.compile(r"^(\d+)<((?:[^<>\\]|\\.)*)>")
FOLDER = re.compile(r"(?:\d+|AT_FDCWD)<((?:[^<>\\]|\\.)*)>")
SHUTDOWN, WITHOUT_FLUSH = 0x8004587D, 2  # EXT4_IOC_SHUTDOWN of the kernel's ext4.h, and its flag NOLOGFLUSH


@dataclass(frozen=True)
class Call:
    """A system call that succeeded: its name, the file that it was about, another name or the bytes."""

    name: str
    path: str
    other: str = ""
    content: bytes = b""
    flags: str = ""


def recorded(program: Sequence[str], trace: Path, enough: int) -> list[Call]:
    """What `program` did until it had said so many lines, in the order in which it was done; then it is killed."""
    command = ["strace", "-f", "-y", "-x", "-s", "4000000", "-o", str(trace), "-e", f"trace={TRACED}", *program]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as traced:
        assert traced.stdout
        said = [traced.stdout.readline() for _ in range(enough)]
        for child in psutil.Process(traced.pid).children(recursive=True):
            child.kill()
        traced.wait(20)
    assert said[-1], "the program ended by itself"
    return list(_calls(trace.read_text(encoding="ascii", errors="surrogateescape").splitlines()))


def _calls(lines: Sequence[str]) -> Iterator[Call]:
    begun: dict[str, str] = {}
    for line in lines:
        matched = LINE.match(line)
        if not matched:
            continue
        thread, words = matched.groups()
        if half := BEGUN.match(words):
            begun[thread] = half[1]
            continue
        if rest := RESUMED.match(words):
            words = begun.pop(thread, "") + rest[1]
        found = CALL.match(words)
        if found and int(found[3]) >= 0:
            call = _call(found[1], found[2], found[4] or "")
            if call is not None:
                yield call


def _call(name: str, arguments: str, result: str) -> Call | None:
    texts = [codecs.escape_decode(text.encode("ascii", "surrogateescape"))[0] for text in TEXT.findall(arguments)]
    handle = HANDLE.match(arguments)
    about = handle[2] if handle else ""
    if name == "openat":
        return Call(name, result, flags=arguments)
    if name in ("renameat", "unlinkat", "mkdirat"):
        folders = FOLDER.findall(arguments)
        paths = [str(Path(folder) / os.fsdecode(text)) for folder, text in zip(folders, texts, strict=True)]
        return Call(name.removesuffix("at"), paths[-1], other=paths[0])
    if name in ("write", "pwrite64"):  # which appends, as all that is tried here does
        name = "write"
        return Call(name, "stdout" if handle and handle[1] == "1" else about, content=texts[0] if texts else b"")
    if name in ("fsync", "fdatasync"):
        return Call("sync", about)
    if name == "ftruncate":
        return Call(name, about, other=arguments.rsplit(",", 1)[1])
    if name in ("rename", "symlink"):
        first, second = (os.fsdecode(text) for text in texts)
        return Call(name, second, other=first)
    return Call(name, os.fsdecode(texts[0])) if texts else None


@dataclass
class _File:
    """What is on the disk for good, and what was done since."""

    safe: bytes = b""
    since: list[tuple[str, bytes]] = field(default_factory=list)  # ("write", bytes) or ("cut", size as text)
    is_folder: bool = False
    link: str = ""


@dataclass
class _Folder:
    """Names on the disk for good, and the changes since: (name, file or None where it goes)."""

    safe: dict[str, _File] = field(default_factory=dict)
    since: list[list[tuple[str, _File | None]]] = field(default_factory=list)

    def now(self, changes: int | None = None) -> dict[str, _File]:
        names = dict(self.safe)
        for change in self.since if changes is None else self.since[:changes]:
            for name, file in change:
                if file is None:
                    names.pop(name, None)
                else:
                    names[name] = file
        return names


class Disk:
    """The files below `root` as calls leave them: what is there for good, and what a cut may take."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._folders: dict[str, _Folder] = {self._root: _Folder()}

    def apply(self, call: Call) -> None:
        """What is not below the root is nothing to this disk."""
        if not call.path.startswith(f"{self._root}/") and call.path != self._root:
            return
        match call.name:
            case "openat":
                self._open(call)
            case "write":
                self._file(call.path).since.append(("write", call.content))
            case "ftruncate":
                self._file(call.path).since.append(("cut", call.other.strip().encode()))
            case "sync":
                self._sync(call.path)
            case "mkdir":
                self._folders[call.path] = _Folder()
                self._change(call.path, _File(is_folder=True))
            case "symlink":
                self._change(call.path, _File(link=call.other))
            case "unlink":
                self._change(call.path, None)
            case "rename":
                self._rename(call.other, call.path)

    def _rename(self, old: str, new: str) -> None:
        """Within a folder in one step; of one from another each part may be there alone."""
        (folder, name), file = os.path.split(old), self._file(old)
        if folder == str(Path(new).parent):
            self._folders[folder].since.append([(Path(new).name, file), (name, None)])
        else:
            self._change(new, file)
            self._change(old, None)

    def _open(self, call: Call) -> None:
        folder, name = os.path.split(call.path)
        if "O_CREAT" in call.flags and name not in self._folders[folder].now():
            self._change(call.path, _File())
        elif "O_TRUNC" in call.flags:
            self._file(call.path).since.append(("cut", b"0"))

    def _file(self, path: str) -> _File:
        folder, name = os.path.split(path)
        return self._folders[folder].now()[name]

    def _change(self, path: str, file: _File | None) -> None:
        folder, name = os.path.split(path)
        self._folders[folder].since.append([(name, file)])

    def _sync(self, path: str) -> None:
        if path in self._folders:
            folder = self._folders[path]
            folder.safe, folder.since = folder.now(), []
        else:
            file = self._file(path)
            file.safe, file.since = _content(file, len(file.since)), []

    def after_a_cut(self, to: Path, dice: random.Random) -> None:
        """Makes in `to` one of the disks that a cut now may leave."""
        self._make(self._root, to, dice)

    def _make(self, folder: str, to: Path, dice: random.Random) -> None:
        to.mkdir(exist_ok=True)
        there = self._folders[folder]
        for name, file in there.now(dice.randint(0, len(there.since))).items():
            if file.is_folder:
                self._make(f"{folder}/{name}", to / name, dice)
            elif file.link:
                (to / name).symlink_to(file.link)
            else:
                (to / name).write_bytes(_cut(file, dice))


def _content(file: _File, changes: int) -> bytes:
    content = file.safe
    for what, words in file.since[:changes]:
        content = content + words if what == "write" else content[: int(words)]
    return content


def _cut(file: _File, dice: random.Random) -> bytes:
    count = dice.randint(0, len(file.since))
    content = _content(file, count)
    if count < len(file.since) and file.since[count][0] == "write":
        piece = file.since[count][1]
        torn = piece[: dice.randint(0, len(piece))]
        content += dice.choice([torn, bytes(len(torn)), torn + bytes(len(piece) - len(torn))])
    return content


class LoopDisk:
    """An ext4 on a loop device, mounted at `at`. `cut` ends it as a power cut would; `mount` brings it back."""

    def __init__(self, folder: Path) -> None:
        self._image, self.at = folder / "disk.img", folder / "disk"
        self.at.mkdir()
        self._image.write_bytes(b"")
        os.truncate(self._image, 64 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(self._image)], check=True, capture_output=True, timeout=60)
        self.mount()

    def mount(self) -> None:
        """With what is on the disk: its journal is played back."""
        subprocess.run(["mount", "-o", "loop", str(self._image), str(self.at)], check=True, capture_output=True, timeout=60)

    def cut(self) -> None:
        """Nothing more is written, not even what was; every call on it fails from now on."""
        handle = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, SHUTDOWN, struct.pack("I", WITHOUT_FLUSH))
        finally:
            os.close(handle)

    def unmount(self) -> None:
        """After this the disk can be mounted again."""
        subprocess.run(["umount", str(self.at)], check=True, capture_output=True, timeout=60)


@contextmanager
def loop_disk(folder: Path) -> Iterator[LoopDisk | None]:
    """None where this machine lets nobody have one."""
    try:
        disk = LoopDisk(folder)
    except (OSError, subprocess.CalledProcessError):
        yield None
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk.at)], check=False, capture_output=True, timeout=60)
