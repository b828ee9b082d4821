"""Screenzzie's rhythm: what the key may do, then how this screen stands there, and at once the programme where the screen changed.

The first of the two costs nothing of the limit, so that it is what is asked after a failure. A screen that is not there, or a key
that was revoked, costs nothing that plays.
"""

from __future__ import annotations

import asyncio

from player.cms.pace import rest_s
from player.cms.screenzzie.adapter import Screenzzie
from player.cms.screenzzie.programme import zone_of
from player.cms.screenzzie.words import WireScreen
from player.core.ports.box import Clock
from player.core.ports.server import ContentChanged, Device, Missed, Paired, Reached, ServerInbox, SettingsWanted, Unpaired
from player.errors import DeviceForgotten, ServerError
from player.runtime.tasks import jittered


class ScreenzzieRhythm:
    """As often as the device's settings say."""

    def __init__(self, api: Screenzzie, device: Device, clock: Clock) -> None:
        self._api, self._device, self._clock = api, device, clock
        self._before: WireScreen | None = None

    async def run(self, inbox: ServerInbox) -> None:
        """Asks the server for the screen and its content, for ever."""
        attempt = 0
        while True:
            try:
                await self._look(inbox)
                attempt, pause = 0, jittered(self._device.heartbeat_interval())
            except ServerError as error:
                pause = await self._failed(inbox, error, attempt)
                attempt += 1
            await asyncio.sleep(pause)

    async def _look(self, inbox: ServerInbox) -> None:
        sent = self._clock.monotonic()
        await self._api.look_at_key()
        offset = self._offset(self._clock.monotonic() - sent)
        screen = await self._api.screen()
        await inbox.put(Reached(offset, about=self._api.account.summary()))
        await inbox.put(Paired(screen.name))
        zone = zone_of(screen.timezone)
        await inbox.put(SettingsWanted(orientation=screen.hangs, time_zone=zone.key if zone else None))
        if self._before is not None and screen != self._before:
            await inbox.put(ContentChanged())
        self._before = screen

    async def _failed(self, inbox: ServerInbox, error: ServerError, attempt: int) -> float:
        """Tells what a failure means; the seconds until the next look. A screen that is not there may be made any time."""
        await inbox.put(Missed(error))
        if not isinstance(error, DeviceForgotten):
            return rest_s(error, attempt, self._device.heartbeat_interval())
        await inbox.put(Unpaired())
        return jittered(self._device.heartbeat_interval())

    def _offset(self, took_s: float) -> float | None:
        server = self._api.server_time
        return None if server is None else round(server + took_s / 2 - self._clock.now().timestamp(), 1)
