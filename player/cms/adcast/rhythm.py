"""AdCast's rhythm: introduce the box until it is paired, then tell how it is and hear what is wanted (contract §3.2).

Intervals are jittered and first contacts spread, so that ten thousand boxes do not call in step (N15). A server that forgot the
box costs it nothing that it has: the box introduces itself again, a few times at once, then each minute. One that refuses it is
asked rarely (N16). Of an answer, alerts are told first: they cannot wait. The server's time is compared and reported, never taken
over (T7). A hint of the push shortens a pause between two heartbeats, and no pause after a failure.
"""

from __future__ import annotations

import asyncio
import random

from player.cms.adcast.adapter import AdCast
from player.cms.adcast.heartbeat import HeartbeatAnswer, Registration
from player.cms.adcast.hints import Hints
from player.cms.pace import rest_s
from player.core.allowance import Allowance
from player.core.faults import Fault
from player.core.ports.box import Clock
from player.core.ports.server import (
    AlertsListed,
    CommandsCame,
    Device,
    Missed,
    Paired,
    Reached,
    ResultsTaken,
    ServerInbox,
    SettingsWanted,
    Unpaired,
    UpdateOffered,
)
from player.errors import DeviceForgotten, ServerError, ServerRefused
from player.runtime.tasks import jittered

SHORTEST_S, LONGEST_S = 1.0, 3600.0
PROOF = ("public_key", "proof")  # of what telemetry has, what a server is told at the first contact
FORGOTTEN_AT_ONCE, FORGOTTEN_EVERY_S = 5, 60.0  # how often a box that was forgotten introduces itself without a pause
FAULTS = 100  # more are of no use to anybody, and a heartbeat stays small


class AdCastRhythm:
    """`register_s` between introductions; between heartbeats as long as the device's settings say. `hints`: None for no push."""

    def __init__(self, api: AdCast, device: Device, clock: Clock, *, register_s: float, hints: Hints | None) -> None:
        self._api, self._device, self._clock, self._register_s, self._hints = api, device, clock, register_s, hints
        self._paired, self._known = bool(device.paired), asyncio.Event()
        self._forgotten = Allowance(FORGOTTEN_AT_ONCE, FORGOTTEN_EVERY_S)

    @property
    def _interval_s(self) -> float:
        return self._device.heartbeat_interval()

    @property
    def first_rest_s(self) -> float:
        """How long a paired box waits before its first call: its own part of the interval, the same at every start."""
        return random.Random(self._device.uuid).random() * self._interval_s  # noqa: S311 - spread, not secrecy

    async def run(self, inbox: ServerInbox) -> None:
        """Calls and listens for ever."""
        if self._paired:
            await asyncio.sleep(self.first_rest_s)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._calls(inbox), name="adcast: calls")
            if self._hints is not None:
                group.create_task(self._listen(inbox, self._hints), name="adcast: hints")

    async def _listen(self, inbox: ServerInbox, hints: Hints) -> None:
        await self._known.wait()
        await hints.run(inbox)

    async def _calls(self, inbox: ServerInbox) -> None:
        introduced, attempt = False, 0
        while True:
            try:
                if not introduced or not self._paired:
                    await self._register(inbox)
                    introduced = True
                if self._paired and not await self._beat(inbox):
                    await asyncio.sleep(self._forgotten.take(self._clock.monotonic()))
                    continue  # it does not know us any more: introduce the box
                attempt = 0
                if self._paired:
                    self._known.set()
                pause = jittered(self._interval_s if self._paired else self._register_s)
            except ServerError as error:
                introduced = introduced or (isinstance(error, ServerRefused) and self._paired)
                pause = await self._failed(inbox, error, attempt)
                attempt += 1
            if self._hints is not None and self._paired and not attempt:
                await self._hints.heartbeat_within(pause)
            else:
                await asyncio.sleep(pause)

    async def _register(self, inbox: ServerInbox) -> None:
        told = (await self._device.telemetry()).extra
        answer: Registration = await self._api.register({name: told[name] for name in PROOF if name in told})
        self._paired = answer.paired
        await inbox.put(Reached(None, self._faults()))
        name = answer.device_name
        await inbox.put(Paired(name) if answer.paired else Unpaired(answer.pairing_code, name))
        await inbox.put(SettingsWanted(answer.locked, answer.lock_pin))

    async def _beat(self, inbox: ServerInbox) -> bool:
        """One heartbeat; False where the server says that it does not know this box."""
        held = self._device.results()
        self._api.riding.intersection_update(one.id for one in held)  # what is held no more is told no more
        results = [one for one in held if one.id in self._api.riding]
        telemetry = await self._device.telemetry()
        sent = self._clock.monotonic()
        answer = await self._api.heartbeat(telemetry, self._device.faults()[:FAULTS], results)
        faults = (*answer.faults, *self._faults())
        await inbox.put(Reached(self._offset(answer, self._clock.monotonic() - sent), faults))
        results = results if self._api.takes_more else []
        self._api.riding.difference_update(one.id for one in results)
        if results:
            await inbox.put(ResultsTaken(tuple(results)))
        if answer.alerts is not None:
            await inbox.put(AlertsListed(answer.alerts, answer.alert_images))
        return await self._hear(inbox, answer)

    async def _hear(self, inbox: ServerInbox, answer: HeartbeatAnswer) -> bool:
        if answer.update is not None:
            await inbox.put(UpdateOffered(answer.update))
        if answer.paired is False:
            self._paired = False
            await inbox.put(Unpaired())
            return False
        interval_s = answer.heartbeat_interval_s
        interval_s = None if interval_s is None else min(max(interval_s, SHORTEST_S), LONGEST_S)
        await inbox.put(SettingsWanted(answer.locked, answer.lock_pin, interval_s))
        if answer.commands:
            await inbox.put(CommandsCame(answer.commands))
        return True

    def _faults(self) -> tuple[Fault, ...]:
        """Of how we get on with the server; of the push, where there is one."""
        return (*self._api.strictness(), *(self._hints.faults if self._hints else ()))

    def _offset(self, answer: HeartbeatAnswer, took_s: float) -> float | None:
        if answer.server_time is None:
            return None
        return round(answer.server_time + took_s / 2 - self._clock.now().timestamp(), 1)

    async def _failed(self, inbox: ServerInbox, error: ServerError, attempt: int) -> float:
        """Tells what a failure means; the seconds until the next try."""
        if isinstance(error, DeviceForgotten) and self._paired:
            self._paired = False
            await inbox.put(Reached())
            await inbox.put(Unpaired())
            return jittered(min(self._register_s, self._interval_s), 0.5) + self._forgotten.take(self._clock.monotonic())
        await inbox.put(Missed(error))
        return rest_s(error, attempt, self._interval_s)
