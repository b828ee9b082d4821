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
from player.stage.web import landing
from player.stage.web.landing import ADDRESS, HANDED, PORT
from player.stage.web.quarters import Run

START_S = 10.0
APART = ("unshare", "--user", "--map-current-user", "--net", "--keep-caps")
WITHOUT_RIGHTS = ("setpriv", "--ambient-caps=-all", "--inh-caps=-all")  # those over the namespace were for opening the door alone


def command(words: Sequence[str]) -> list[str]:
    """Starts `words` on an island."""
    return [*APART, sys.executable, "-I", "-m", landing.__name__, *WITHOUT_RIGHTS, *words]


async def try_one(run: Run, environment: Mapping[str, str]) -> None:
    """Makes one, where nobody lives. Raises BoxError where this system does not let us."""
    made = await run(command(("true",)), environment, package="util-linux", within_s=START_S)
    if made.code != 0:
        raise BoxError("browser", f"user namespaces are refused here ({made.complained[-200:] or f'code {made.code}'})")


def way_out(known: WayOut) -> WayOut:
    """As the browser finds it there."""
    door = Proxy(ADDRESS, PORT)
    return replace(known, http_proxy=door, https_proxy=door, no_proxy=())


class Ferry:
    """Brings back the door of the island on which the process arrived that `handed` was handed to."""

    def __init__(self) -> None:
        self._mine, self._theirs = socket.socketpair()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._mine.close()
        self._theirs.close()

    @property
    def handed(self) -> dict[str, int]:
        """The file that the process has to inherit, by the variable that tells it the number."""
        return {HANDED: self._theirs.fileno()}

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
