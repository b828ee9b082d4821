"""Spot's rhythm: who this device is there, and how it is; commands as they are pushed, and those that were missed.

A command is said to be received when it is written down. Nothing is pushed twice by the protocol, so that the pending ones are
fetched whenever the line was opened, each minute, and when something could not be read. What is wrong with the line or a right is a
fault that goes with each contact; the screen plays on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from player.cms.push import Again, KeepLine, PushLine, Rationed, Unread
from player.cms.spot import pusher
from player.cms.spot.adapter import DAY_S, Spot
from player.cms.spot.api import COMMANDS, command_of
from player.cms.wire import table, text
from player.core.content import Orientation
from player.core.faults import Fault
from player.core.ports.box import Clock
from player.core.ports.server import (
    Command,
    CommandsCame,
    ContentChanged,
    Device,
    Missed,
    Paired,
    Reached,
    ServerInbox,
    SettingsWanted,
    Unpaired,
)
from player.core.settings import find
from player.errors import DeviceForgotten, NotOffered, ServerBusy, ServerDenied, ServerError, ServerRefused, SettingRefused
from player.runtime.tasks import backoff, jittered

log = logging.getLogger(__name__)
FETCH_S, PONG_S, REFUSED_S = 60.0, 30.0, 300.0
ACKED = 1000  # commands that are remembered as received
BY_DEGREES = {"0": "landscape", "90": "portrait", "180": "landscape_flipped", "270": "portrait_flipped"}


class SpotRhythm:
    """`keep_line` keeps a line of the push open, as `push.keep_line` does; None: commands are fetched alone."""

    def __init__(self, spot: Spot, device: Device, clock: Clock, *, keep_line: KeepLine | None) -> None:
        self._spot, self._device, self._clock, self._keep_line = spot, device, clock, keep_line
        self._look = Rationed(clock)  # at what waits, before its minute
        self._known = asyncio.Event()  # who this device is
        self._unacked: asyncio.Queue[str] = asyncio.Queue(COMMANDS)
        self._acked: deque[str] = deque(maxlen=ACKED)
        self._channels: tuple[str, ...] = ()
        self._line: PushLine | None = None
        self._faults: dict[str, Fault] = {}
        self._paired = False

    async def run(self, inbox: ServerInbox) -> None:
        """Calls and listens for ever."""
        if self._device.paired:
            await asyncio.sleep(random.Random(self._device.uuid).random() * self._device.heartbeat_interval())  # noqa: S311 - spread, not secrecy
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beats(inbox), name="spot: heartbeats")
            group.create_task(self._fetches(inbox), name="spot: pending commands")
            group.create_task(self._acks(), name="spot: commands received")
            if self._keep_line is not None:
                group.create_task(self._pushed(inbox, self._keep_line), name="spot: push")

    # --- who this device is, and how

    async def _beats(self, inbox: ServerInbox) -> None:
        attempt = 0
        while True:
            try:
                await self._beat(inbox)
                attempt, pause = 0, jittered(self._device.heartbeat_interval())
            except ServerError as error:
                pause = await self._failed(inbox, error, attempt)
                attempt += 1
            await asyncio.sleep(pause)

    async def _beat(self, inbox: ServerInbox) -> None:
        sent = self._clock.monotonic()
        row, changed = await self._spot.meet()
        offset = self._offset(self._clock.monotonic() - sent)
        await self._tell()
        wanted = self._settings(row)
        await inbox.put(Reached(offset, tuple(self._faults.values())))
        if not self._paired or changed:
            await inbox.put(Paired(text(row.get("name"))))
            await inbox.put(wanted)
        if self._paired and changed:
            await inbox.put(ContentChanged())
        if not self._paired:
            self._look.ask()
        self._paired = True
        await self._listen_to(row)

    async def _tell(self) -> None:
        """How the box is. A key that may only read is enough to play: what it may not is a fault. Raises ServerError."""
        try:
            if await self._spot.heartbeat(await self._device.telemetry(), self._device.faults()):
                self._clear("heartbeat")
        except ServerDenied as error:
            self._fault(error.code, "heartbeat", str(error))

    def _settings(self, row: Mapping[str, Any]) -> SettingsWanted:
        zone, said = text(row.get("timezone")), (text(row.get("orientation")) or "").strip().lower()
        self._clear("time zone", "orientation")
        orientation = None
        try:
            zone = None if zone is None else str(find("time_zone").value(zone))
        except SettingRefused as error:
            zone = None
            self._fault("bad_setting", "time zone", f"the player's time zone: {error}")
        try:
            orientation = Orientation(BY_DEGREES.get(said, said)) if said else None
        except ValueError:
            self._fault("bad_setting", "orientation", f'the player\'s orientation is "{said[:40]}", which is none')
        return SettingsWanted(orientation=orientation, time_zone=zone)

    async def _listen_to(self, row: Mapping[str, Any]) -> None:
        """On the player's own channel and its group's; another group is another line."""
        group = text(row.get("group_id")) or text(table(row.get("group")).get("id"))
        channels = pusher.channels_of(await self._spot.player(), group)
        if channels != self._channels:
            self._channels = channels
            if self._line is not None:
                await self._line.close()
        self._known.set()

    def _offset(self, took_s: float) -> float | None:
        server_time = self._spot.api.server_time
        return None if server_time is None else round(server_time + took_s / 2 - self._clock.now().timestamp(), 1)

    async def _failed(self, inbox: ServerInbox, error: ServerError, attempt: int) -> float:
        """Tells what a failure means; the seconds until the next try."""
        interval_s = self._device.heartbeat_interval()
        await inbox.put(Missed(error))
        if isinstance(error, DeviceForgotten):
            self._spot.forget()
            self._paired = False
            await inbox.put(Unpaired())
            return jittered(interval_s)
        if isinstance(error, ServerRefused):
            return jittered(max(REFUSED_S, interval_s) if attempt else interval_s)
        spread = backoff(attempt, first_s=interval_s, limit_s=max(300.0, interval_s))
        return max(spread, error.retry_after_s or 0.0) if isinstance(error, ServerBusy) else spread

    # --- commands

    async def _fetches(self, inbox: ServerInbox) -> None:
        await self._known.wait()
        while True:
            pause = FETCH_S
            try:
                await self._take(inbox, await self._spot.api.pending(await self._spot.player()))
                self._clear("pending")
            except NotOffered as error:
                log.debug("no commands wait at this server: %s", error)
                pause = DAY_S
            except ServerRefused as error:
                self._fault(error.code, "pending", str(error))
            except ServerError as error:
                log.debug("the commands that wait are fetched later: %s", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(jittered(pause)):
                    await self._look.due()

    async def _take(self, inbox: ServerInbox, rows: Sequence[Any]) -> None:
        found = [command_of(row) for row in rows[:COMMANDS]]
        if None in found:
            self._fault("bad_command", "command", "a command has no usable id; it is not run")
        commands = tuple(one for one in found if one is not None)
        if not commands:
            return
        if any(one.type == "refresh" for one in commands):
            self._spot.ask_anew()
        await inbox.put(CommandsCame(commands))
        for command in commands:
            self._received(command)

    def _received(self, command: Command) -> None:
        if command.id not in self._acked:
            self._acked.append(command.id)
            with contextlib.suppress(asyncio.QueueFull):  # its last word says as much
                self._unacked.put_nowait(command.id)

    async def _acks(self) -> None:
        while True:
            command = await self._unacked.get()
            try:
                await self._spot.received(command)
            except ServerError as error:
                log.debug("the server is not told that command %s was received: %s", command[:20], error)

    # --- the push

    async def _pushed(self, inbox: ServerInbox, keep_line: KeepLine) -> None:
        await self._known.wait()

        async def talk(line: PushLine) -> Again:
            self._line = line
            try:
                return await self._talk(inbox, line)
            finally:
                self._line = None

        await keep_line(talk, lambda error: self._fault("push", "push", str(error)))

    async def _talk(self, inbox: ServerInbox, line: PushLine) -> Again:
        channels, quiet_s, asked, is_named = self._channels, PONG_S, False, False
        while True:
            try:
                async with asyncio.timeout(min(quiet_s, PONG_S) if asked else quiet_s):
                    message = await line.hear()
            except TimeoutError:
                if asked:
                    self._fault("push", "push", "the line of the push is silent; it is opened again")
                    return Again.AFTER_A_PAUSE
                await line.send(pusher.PING)
                asked = True
                continue
            if message is None:
                return self._ended(line, channels)
            asked = False
            if isinstance(message, Unread):
                self._fault("push", "pushed", f"the push sent {message.reason}; what it said is fetched")
                self._look.ask()
            elif (event := pusher.heard(message, channels)) is not None:
                if isinstance(event, pusher.LineOpened) and is_named:
                    continue  # a line gets its name once; each costs a call for every channel
                is_named = is_named or isinstance(event, pusher.LineOpened)
                quiet_s = await self._heard(inbox, line, event, channels) or quiet_s

    async def _heard(
        self, inbox: ServerInbox, line: PushLine, event: pusher.PusherEvent, channels: tuple[str, ...]
    ) -> float | None:
        """Does what an event asks for; the seconds after which silence is odd, where it says them. Raises ServerError."""
        match event:
            case pusher.LineOpened(socket_id, activity_s):
                for channel in channels:
                    await line.send(pusher.subscribe(channel, await self._spot.api.channel_auth(socket_id, channel)))
                return activity_s
            case pusher.ChannelOpened(channel):
                log.info("commands are pushed on %s", channel)
                self._clear("push", "pushed", channel)
                self._look.ask()
            case pusher.ChannelRefused(channel, reason):
                self._fault("push", channel, f"the channel {channel} does not open: {reason}")
            case pusher.CommandPushed(row):
                await self._take(inbox, [row])
            case pusher.PingHeard():
                await line.send(pusher.PONG)
            case pusher.SomethingMissed():
                self._look.ask()
            case pusher.PusherComplains(code, message):
                self._fault("push", "push", f"the push complains: {code} {message[:200]}")
        return None

    def _ended(self, line: PushLine, channels: tuple[str, ...]) -> Again:
        if channels != self._channels:
            return Again.AT_ONCE
        code, reason = line.ended
        again = pusher.verdict(code)
        if again is not Again.AT_ONCE:
            words = f"the server ended the push with {code or 'no word'} {reason[:200]}".rstrip()
            hint = "; with these settings it is not opened again today" if again is Again.TOMORROW else ""
            self._fault("push", "push", words + hint)
        return again

    # --- faults

    def _fault(self, code: str, key: str, message: str) -> None:
        before = self._faults.get(key)
        since = before.since if before and before.code == code else self._clock.now().timestamp()
        if before is None:
            log.info("%s", message)
        self._faults[key] = Fault(code, message, since)

    def _clear(self, *keys: str) -> None:
        for key in keys:
            self._faults.pop(key, None)
