"""Whose process is at the other end of a connection over loopback, by the kernel's table of them (proc(5): net/tcp)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from pathlib import Path

End = tuple[str, int]  # an IPv4 address and a port


def user_at(writer: asyncio.StreamWriter) -> int | None:
    """The number of the user at the other end; None where the table has no such connection any more."""
    with Path("/proc/net/tcp").open(encoding="ascii") as table:
        return user_in(table, writer.get_extra_info("peername"), writer.get_extra_info("sockname"))


def user_in(table: Iterable[str], peer: End, mine: End) -> int | None:
    """Of the connection from `peer` to `mine`, as its line in the table has it."""
    wanted = [_hex(peer), _hex(mine)]
    return next((int(line.split()[7]) for line in table if line.split()[1:3] == wanted), None)


def _hex(end: End) -> str:
    return f"{int.from_bytes(socket.inet_aton(end[0]), 'little'):08X}:{end[1]:04X}"
