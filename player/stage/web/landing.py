"""What a process does first on the island (`island`): it gives loopback an address, opens the door there, and becomes another one.

Tasks (processes and their threads) are counted apart there as well: a page that starts thousands finds an end of its own, and
leaves the stage those that it plays with. (Before Linux 5.14 they are counted with all of the user's.)

It imports nothing that it can do without: each start of the browser waits for it twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import socket
import struct
import sys

TASKS = 512  # of a thousand that the stage's unit allows; six pages take about 250
HANDED = "SIGNAGE_DOOR"  # the variable that tells the number of the socket on which somebody waits for the door
ADDRESS, PORT = "192.0.2.1", 8080  # of a network that stands in documents alone (RFC 5737): rules about loopback do not touch it
_SET_ADDRESS, _SET_MASK, _SET_FLAGS, _ADD_BRIDGE = 0x8916, 0x891C, 0x8914, 0x89A0  # netdevice(7), and linux/sockios.h
_UP = 0x1 | 0x40  # up, running
_LINK = b"nowhere\0"  # leads there; the browser tells pages by it that there is a network (`navigator.onLine`)


def main(words: list[str]) -> None:
    """Hands the door to whoever has the other end of the socket that it was handed, if any, and becomes `words`."""
    with _door() as door:
        if handed := os.environ.pop(HANDED, ""):
            with socket.socket(fileno=int(handed)) as theirs:
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
    main(sys.argv[1:])
