"""A disk whose write cache is lost with the power: an NBD server that keeps what was not flushed in memory.

Run as a program: `python -m tests.system.lossy_disk IMAGE SOCKET SEED`. A client that says goodbye loses nothing; of one that
vanishes (a machine whose power is cut) all, none or a random half of the blocks that were not flushed never reach the image, as
disks do that write in an order of their own. One line of output for each cut. After SIGUSR1 the power goes in the middle of what
is written next: nothing is answered any more, and a line says so. Facts from the NBD project's doc/proto.md.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import struct
import sys
from pathlib import Path

BLOCK = 4096
_MAGIC, _OPTION, _REPLY = b"NBDMAGIC", b"IHAVEOPT", 0x3E889045565A9
_FIXED_NEWSTYLE, _NO_ZEROES = 1, 2
_HAS_FLAGS, _SEND_FLUSH, _SEND_FUA = 1, 4, 8
_EXPORT_NAME, _ABORT, _INFO, _GO = 1, 2, 6, 7
_ACK, _TOLD, _UNSUPPORTED = 1, 3, 1 << 31 | 1
_READ, _WRITE, _GOODBYE, _FLUSH = 0, 1, 2, 3
_REQUEST = struct.Struct(">IHHQQI")
_EINVAL = 22
MOST_WAITING = 8  # blocks that wait when the power goes in the middle of writing, or what one request brings
GONE = "gone"


class LossyDisk:
    """The image and what was written since the last flush: block number -> its bytes."""

    def __init__(self, image: Path, seed: int) -> None:
        self._file = os.open(image, os.O_RDWR)
        self.size = os.fstat(self._file).st_size
        self._waiting: dict[int, bytes] = {}
        self._dice = random.Random(seed)
        self._ends_at = 0

    def read(self, offset: int, length: int) -> bytes:
        """As the machine sees it."""
        first, last = offset // BLOCK, (offset + length - 1) // BLOCK
        content = bytearray(os.pread(self._file, (last - first + 1) * BLOCK, first * BLOCK))
        for block in range(first, last + 1):
            if block in self._waiting:
                content[(block - first) * BLOCK : (block - first + 1) * BLOCK] = self._waiting[block]
        begin = offset - first * BLOCK
        return bytes(content[begin : begin + length])

    def write(self, offset: int, content: bytes) -> None:
        """Into the cache."""
        first, last = offset // BLOCK, (offset + len(content) - 1) // BLOCK
        whole = bytearray(self.read(first * BLOCK, (last - first + 1) * BLOCK))
        whole[offset - first * BLOCK : offset - first * BLOCK + len(content)] = content
        for block in range(first, last + 1):
            self._waiting[block] = bytes(whole[(block - first) * BLOCK : (block - first + 1) * BLOCK])

    def flush(self) -> None:
        """What waits is on the disk."""
        for block, content in self._waiting.items():
            os.pwrite(self._file, content, block * BLOCK)
        self._waiting.clear()

    def end_soon(self) -> None:
        """The power goes as soon as a few blocks wait."""
        self._ends_at = self._dice.randint(1, MOST_WAITING)

    @property
    def has_ended(self) -> bool:
        """Whether that is so."""
        return 0 < self._ends_at <= len(self._waiting)

    def cut(self) -> str:
        """The power goes. Says what that cost."""
        self._ends_at, waiting = 0, len(self._waiting)
        share = self._dice.choice((0.0, 0.5, 0.5, 1.0))
        self._waiting = {block: content for block, content in self._waiting.items() if self._dice.random() >= share}
        lost = waiting - len(self._waiting)
        self.flush()
        return f"cut: {waiting} blocks were not flushed, {lost} of them are lost"


class Goodbye(Exception):
    """The client has closed the disk in order."""


class PowerGone(Exception):
    """Nothing more is written or answered."""


def serve(connection: socket.socket, disk: LossyDisk) -> None:
    """One client, until it goes. Raises Goodbye, PowerGone, and ConnectionError where it vanishes."""
    stream = connection.makefile("rb")

    def take(length: int) -> bytes:
        content = stream.read(length)
        if len(content) < length:
            raise ConnectionError
        return content

    _greet(connection, take, disk)
    while True:
        magic, flags, kind, handle, offset, length = _REQUEST.unpack(take(_REQUEST.size))
        assert magic == 0x25609513
        answer, error = b"", 0
        if kind == _READ:
            answer = disk.read(offset, length)
        elif kind == _WRITE:
            disk.write(offset, take(length))
            if disk.has_ended:
                raise PowerGone
        elif kind == _GOODBYE:
            raise Goodbye
        elif kind != _FLUSH:
            error = _EINVAL
        if kind == _FLUSH or flags & 1:  # the bit says that this write is to be on the disk: so is all before it, which is stricter
            disk.flush()
        connection.sendall(struct.pack(">IIQ", 0x67446698, error, handle) + answer)


def _greet(connection: socket.socket, take, disk: LossyDisk) -> None:
    flags = _HAS_FLAGS | _SEND_FLUSH | _SEND_FUA
    connection.sendall(_MAGIC + _OPTION + struct.pack(">H", _FIXED_NEWSTYLE | _NO_ZEROES))
    take(4)
    while True:
        assert take(8) == _OPTION
        option, length = struct.unpack(">II", take(8))
        take(length)
        if option == _EXPORT_NAME:
            connection.sendall(struct.pack(">QH", disk.size, flags))
            return
        if option == _ABORT:
            raise Goodbye
        if option in (_INFO, _GO):
            _reply(connection, option, _TOLD, struct.pack(">HQH", 0, disk.size, flags))
            _reply(connection, option, _ACK)
        else:
            _reply(connection, option, _UNSUPPORTED)
        if option == _GO:
            return


def _reply(connection: socket.socket, option: int, kind: int, content: bytes = b"") -> None:
    connection.sendall(struct.pack(">QIII", _REPLY, option, kind, len(content)) + content)


def main(image: str, path: str, seed: str) -> None:
    """Serves one client after another, for ever."""
    disk = LossyDisk(Path(image), int(seed))
    signal.signal(signal.SIGUSR1, lambda *_: disk.end_soon())
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(1)
        print("ready", flush=True)
        while True:
            connection, _ = listening.accept()
            with connection:
                try:
                    serve(connection, disk)
                except Goodbye:
                    disk.flush()
                except PowerGone:
                    print(GONE, flush=True)
                    with contextlib.suppress(ConnectionError):
                        while connection.recv(65536):
                            pass
                    print(disk.cut(), flush=True)
                except ConnectionError:
                    print(disk.cut(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
