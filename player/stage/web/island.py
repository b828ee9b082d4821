"""An island for the browser: a network namespace in which there is nothing but a door to the wall.

What holds there holds by the kernel, whatever bugs the browser has: no datagram leaves it, no loopback of this box is in it, and no
name service. `Ferry` has `landing` started there, which opens the door, hands it to the stage and becomes the browser. It takes
user namespaces, as the browser's own sandbox does.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Self

from player.core.egress import Proxy, WayOut
from player.errors import BoxError
from player.runtime.programs import run_program
from player.stage.web import landing
from player.stage.web.landing import ADDRESS, NOBODY, PORT

START_S = 10.0
APART = ("unshare", "--user", "--map-current-user", "--net", "--keep-caps")
WITHOUT_RIGHTS = ("setpriv", "--ambient-caps=-all", "--inh-caps=-all")  # those over the namespace were for opening the door alone


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
    return [*APART, sys.executable, "-I", "-m", landing.__name__, str(handed), *WITHOUT_RIGHTS, *words]


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
