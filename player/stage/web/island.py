"""An island for the browser: a network namespace in which there is nothing but a door to the wall.

What holds there holds by the kernel, whatever bugs the browser has: no datagram leaves it, no loopback of this box is in it, and no
name service. `Ferry` has this module started there, which gives loopback an address, opens the door, hands it to the stage and
becomes the browser. It takes user namespaces, as the browser's own sandbox does.

Tasks (processes and their threads) are counted apart there as well: a page that starts thousands finds an end of its own, and
leaves the stage those that it plays with. (Before Linux 5.14 they are counted with all of the user's.)
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import resource
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Self

from player.core.egress import Proxy, WayOut
from player.errors import BoxError
from player.runtime.programs import run_program

START_S = 10.0
TASKS = 512  # of a thousand that the stage's unit allows; six pages take about 250
NOBODY = -1  # waits for the door
ADDRESS, PORT = "192.0.2.1", 8080  # of a network that stands in documents alone (RFC 5737): rules about loopback do not touch it
APART = ("unshare", "--user", "--map-current-user", "--net", "--keep-caps")
WITHOUT_RIGHTS = ("setpriv", "--ambient-caps=-all", "--inh-caps=-all")  # those over the namespace were for opening the door alone
_SET_ADDRESS, _SET_MASK, _SET_FLAGS, _ADD_BRIDGE = 0x8916, 0x891C, 0x8914, 0x89A0  # netdevice(7), and linux/sockios.h
_UP = 0x1 | 0x40  # up, running
_LINK = b"nowhere\0"  # leads there; the browser tells pages by it that there is a network (`navigator.onLine`)


async def try_one(environment: Mapping[str, str]) -> None:
    """Makes one, where nobody lives. Raises BoxError where this system does not let us."""
    made = await run_program("browser", _command(NOBODY, ("true",)), environment, package="util-linux", within_s=START_S)
    if made.code != 0:
        raise BoxError("browser", f"user namespaces are refused here ({made.complained[-200:] or f'code {made.code}'})")


def way_out(known: WayOut) -> WayOut:
    """As the browser finds it there."""
    door = Proxy(ADDRESS, PORT)
    return replace(known, http_proxy=door, https_proxy=door, no_proxy=())


def _command(handed: int, words: Sequence[str]) -> list[str]:
    return [*APART, sys.executable, "-I", "-m", "player.stage.web.island", str(handed), *WITHOUT_RIGHTS, *words]


class Ferry:
    """Brings one process to an island of its own, and the island's door back."""

    def __init__(self) -> None:
        self._mine, self._theirs = socket.socketpair()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._mine.close()
        self._theirs.close()

    @property
    def handed(self) -> int:
        """The file that the process has to inherit."""
        return self._theirs.fileno()

    def command(self, words: Sequence[str]) -> list[str]:
        """Starts `words` on an island."""
        return _command(self.handed, words)

    async def door(self) -> socket.socket:
        """The island's door, once the process was started. Raises BoxError where none was made: the process did not come there."""
        self._theirs.close()
        self._mine.settimeout(START_S)
        try:
            _, found, _, _ = await asyncio.to_thread(socket.recv_fds, self._mine, 1, 1)
        except TimeoutError:
            found = []
        if not found:
            raise BoxError("browser", "no network of its own could be made for it")
        return socket.socket(fileno=found[0])


def main(handed: int, words: list[str]) -> None:
    """On the island: becomes `words`."""
    with _door() as door:
        if handed != NOBODY:
            with socket.socket(fileno=handed) as theirs:
                socket.send_fds(theirs, [b"1"], [door.fileno()])
    _, most = resource.getrlimit(resource.RLIMIT_NPROC)
    most = TASKS if most == resource.RLIM_INFINITY else min(TASKS, most)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    os.execvp(words[0], words)  # noqa: S606 - words that the stage wrote


def _door() -> socket.socket:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        with contextlib.suppress(OSError):  # a kernel may have none; pages are told then that they are offline
            fcntl.ioctl(device, _ADD_BRIDGE, _LINK)
            fcntl.ioctl(device, _SET_FLAGS, struct.pack("16sh22x", _LINK, _UP))
        for request, value in (
            (_SET_ADDRESS, _address(ADDRESS)), (_SET_MASK, _address("255.255.255.255")), (_SET_FLAGS, struct.pack("h", _UP)),
        ):  # fmt: skip
            fcntl.ioctl(device, request, struct.pack("16s24s", b"lo", value))
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    door.bind((ADDRESS, PORT))
    door.listen(128)
    return door


def _address(text: str) -> bytes:
    return struct.pack("HH4s", socket.AF_INET, 0, socket.inet_aton(text))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
