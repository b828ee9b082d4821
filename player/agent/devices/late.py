"""The management API of a box that perhaps nobody manages: it is not there, and not in memory, until the first token for it.

The wing with its checked bodies takes two megabytes of an agent that has sixty. It is imported, off the loop, and made once a token
is there: with the first call, or soon after the token. A box that was managed once has it from its start, since policies hold on
after the last token is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from player.agent.devices.parts import FOLDER, Parts
from player.agent.devices.refusals import out_of_order, response, unmanaged
from player.core.device_schedule import PowerAction
from player.errors import StorageError
from player.runtime.tasks import keep_running

if TYPE_CHECKING:
    from player.agent.devices.management import Management

log = logging.getLogger(__name__)
LOOK_S = 5.0


class LateManagement:
    """Answers below `/v1` and `/v2`, and runs what the management does by itself, from the moment at which it is wanted."""

    def __init__(self, parts: Parts, look_s: float = LOOK_S) -> None:
        self._parts, self._look_s = parts, look_s
        self._there: Management | None = None
        self._coming, self._came = asyncio.Lock(), asyncio.Event()

    def __repr__(self) -> str:
        return f"<management: {'there' if self._there else 'nobody manages this box'}>"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Whatever was asked below `/v1` and `/v2`."""
        try:
            there = await self._wanted()
        except StorageError as error:
            return response(out_of_order(str(error)))
        return response(unmanaged()) if there is None else await there.answer(request)

    async def have_applets(self, action: PowerAction) -> None:
        """One of `APPLET_ACTIONS`, planned for this moment; a box that nobody manages has no applets. Raises StorageError."""
        there = await self._wanted()
        if there is not None:
            await there.have_applets(action)

    def held_by(self, what: str) -> str:
        """The name of the policy that holds a setting, or a kind of items as a whole; "" where none does."""
        return "" if self._there is None else self._there.held_by(what)

    @property
    def extended(self) -> str:
        """The address of another management of this box, "" for none."""
        return "" if self._there is None else self._there.extended

    async def run(self) -> None:
        """Its loops, for ever, from when it is there. Raises StorageError."""
        while (there := await self._wanted()) is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._look_s):
                    await self._came.wait()
        async with asyncio.TaskGroup() as group:
            for name, work in there.loops().items():
                group.create_task(keep_running(name, work), name=name)

    async def _wanted(self) -> Management | None:
        """It, made where it is wanted by now; None: it is not. Raises StorageError where what it keeps cannot be read."""
        async with self._coming:
            if self._there is None and self._is_wanted():
                make = await asyncio.to_thread(_imported)
                self._there = make(self._parts)
                self._came.set()
                log.info("the management API is open")
            return self._there

    def _is_wanted(self) -> bool:
        tokens = self._parts.tokens.tokens()
        return (self._parts.state / FOLDER).is_dir() or any(token.manages for token in tokens)

    def close(self) -> None:
        """Closes what it keeps; the object is of no use afterwards."""
        if self._there is not None:
            self._there.close()


def _imported() -> type[Management]:
    from player.agent.devices.management import Management

    return Management
