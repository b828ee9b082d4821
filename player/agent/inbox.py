"""What the server's events mean for this box: one inbox, one handler each.

Whatever an event means is written down when `put` returns, so that a server whose rhythm acknowledges does so truthfully. A disk
that refuses costs that change alone, and is reported (S3).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import assert_never

from player.agent.commands.runner import CommandRunner
from player.agent.reports.results_outbox import ResultsOutbox
from player.agent.server_folder import ServerFolder
from player.agent.settings.alert_list import AlertList
from player.agent.settings.brief_store import BriefStore
from player.agent.settings.registry import SettingsRegistry
from player.agent.settings.screen_lock import ScreenLock
from player.core.contact import Contact, sentence
from player.core.ports.box import Clock
from player.core.ports.server import (
    AlertsListed,
    AppUpdate,
    CommandsCame,
    ContentChanged,
    Missed,
    Paired,
    Reached,
    ResultsTaken,
    ServerEvent,
    SettingsWanted,
    Unpaired,
    UpdateOffered,
)
from player.errors import ServerError, StorageError
from player.runtime.fault_page import FaultPage
from player.runtime.tasks import Latest

log = logging.getLogger(__name__)


class Inbox:
    """`contact` is told every change; `hurry` asks for the programme now; `offered` is the version that the server last offered."""

    def __init__(
        self,
        contact: Latest[Contact],
        *,
        clock: Clock,
        server: ServerFolder,
        brief: BriefStore,
        settings: SettingsRegistry,
        lock: ScreenLock,
        commands: CommandRunner,
        results: ResultsOutbox,
        alerts: AlertList,
        hurry: Callable[[], None],
        page: Callable[[str], FaultPage],
    ) -> None:
        self._contact, self._clock, self._server = contact, clock, server
        self._brief, self._settings, self._lock = brief, settings, lock
        self._commands, self._results, self._alerts, self._hurry = commands, results, alerts, hurry
        self._contact_faults, self._answer_faults, self._disk_faults = page("contact"), page("answers"), page("wishes")
        self.offered: AppUpdate | None = None

    async def put(self, event: ServerEvent) -> None:  # noqa: C901 - one arm an event, each one call
        """Takes one event in."""
        match event:
            case Reached():
                await self._reached(event)
            case Missed(error):
                await self._missed(error)
            case Paired(name):
                await self._paired(name)
            case Unpaired(code, name):
                await self._unpaired(code, name)
            case SettingsWanted():
                await self._wanted(event)
            case CommandsCame(commands):
                await self._commands.offer(commands)
            case ResultsTaken(results):
                self._results.taken(results)
            case AlertsListed(alerts, pictures):
                await self._kept(self._alerts.listed(alerts, pictures))
            case ContentChanged():
                self._hurry()
            case UpdateOffered(update):
                self._noticed(update)
            case _:
                assert_never(event)

    # --- how contact stands

    async def _reached(self, event: Reached) -> None:
        if not self._contact.value.online:
            log.info("in contact with the server")
        self._contact.set(self._contact.value.reached(self._clock.now().timestamp(), event.offset_s, event.about))
        self._contact_faults.clear()
        self._answer_faults.replace(event.faults)
        await self._kept(self._alerts.forget_expired())

    async def _missed(self, error: ServerError) -> None:
        contact = self._contact.value.missed(error)
        self._contact.set(contact)
        because = contact.error or error
        self._contact_faults.report("", because.code, sentence(because), count=1)
        await self._kept(self._alerts.forget_expired())

    async def _wanted(self, event: SettingsWanted) -> None:
        await self._kept(self._lock.server_says(event.locked, event.lock_pin))
        for name in ("heartbeat_interval", "orientation", "time_zone"):
            if (value := getattr(event, name)) is not None:
                await self._kept(self._settings.server_says(name, value))

    # --- pairing: the cards follow it; a box that was forgotten keeps its name until it gets another

    async def _paired(self, name: str | None) -> None:
        before = self._brief.current.cards
        name = name or before.device_name
        if not before.paired:
            log.info("paired with the server as %r", name)
            self._hurry()
        await self._kept(self._stands(paired=True, pairing_code=None, device_name=name))

    async def _unpaired(self, code: str | None, name: str | None) -> None:
        before = self._brief.current.cards
        if before.paired:
            log.warning("the server no longer knows this box; what is here plays on, and the pairing code is on the screen")
        if code and code != before.pairing_code:
            log.info("not paired; enter the code %s at the server", code)
        name = name or before.device_name
        await self._kept(self._stands(paired=False, pairing_code=code or before.pairing_code, device_name=name))

    async def _stands(self, *, paired: bool, pairing_code: str | None, device_name: str) -> None:
        """Kept with the server that said it, and on the cards."""
        self._server.keep(paired=paired, pairing_code=pairing_code, device_name=device_name)
        await self._brief.change_cards(paired=paired, pairing_code=pairing_code, device_name=device_name)

    def _noticed(self, update: AppUpdate) -> None:
        if update != self.offered:
            log.info("the server offers version %s of the player", update.version)
        self.offered = update

    async def _kept(self, change: Awaitable[object]) -> None:
        """Makes a change that is kept on disk; a disk that refuses costs that change, and is reported once."""
        try:
            await change
        except StorageError as error:
            self._disk_faults.report("", error.code, f"what the server wants cannot be kept: {error}", count=1)
        else:
            self._disk_faults.clear()
