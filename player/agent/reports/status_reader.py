"""Asks every part what it knows, and answers with one `Status`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from player.agent.reports.clock_trust import ClockTrust
from player.agent.reports.logs import brief
from player.agent.reports.status import ClockFigures, ProofFigures, ServerContact, Status, SyncProgress, TriggerFigures, build
from player.agent.settings.brief_store import BriefStore
from player.core.contact import Contact
from player.core.faults import Fault
from player.core.ports.box import Clock
from player.core.ports.server import CommandResult
from player.core.ports.stage import StageStatus
from player.media.store.index import CacheFigures
from player.runtime.tasks import Latest


class StageNews(Protocol):
    """What is known of the stage: its last word, None while it is away, and how often it was started again."""

    @property
    def status(self) -> StageStatus | None: ...
    @property
    def restarts(self) -> int: ...


class StatusReader:
    """`began` is this process's start (monotonic seconds); `kind`, `url` and `abilities` are the server's."""

    def __init__(
        self,
        *,
        uuid: str,
        kind: str,
        url: str,
        abilities: Mapping[str, str],
        brief: BriefStore,
        stage: StageNews,
        contact: Latest[Contact],
        clock_trust: ClockTrust,
        clock: Clock,
        began: float,
        cache: Callable[[], CacheFigures],
        sync: Callable[[], SyncProgress],
        proof: Callable[[], ProofFigures],
        commands: Callable[[], Sequence[CommandResult]],
        faults: Callable[[], Sequence[Fault]],
        triggers: Callable[[], TriggerFigures | None],
        extended_management: Callable[[], str],
    ) -> None:
        self._uuid, self._kind, self._url, self._abilities = uuid, kind, url, dict(abilities)
        self._brief, self._stage, self._contact = brief, stage, contact
        self._clock_trust, self._clock, self._began = clock_trust, clock, began
        self._cache, self._sync, self._proof, self._commands, self._faults = cache, sync, proof, commands, faults
        self._triggers, self._extended_management = triggers, extended_management

    async def read(self) -> Status:
        """As `GET /api/status` answers it."""
        contact, stage = self._contact.value, self._stage.status
        return build(
            uuid=self._uuid,
            brief=self._brief.current,
            stage=stage,
            server=ServerContact(
                self._kind, self._url, contact.online, contact.last_contact, contact.standing, self._abilities, contact.about
            ),
            uptime_s=self._clock.monotonic() - self._began,
            cache=self._cache(),
            sync=self._sync(),
            proof=self._proof(),
            commands=[brief(result) for result in self._commands()],
            clock=ClockFigures(await self._clock_trust.synced(), contact.offset_s),
            faults=self._faults(),
            restarts=self._stage.restarts,
            triggers=self._triggers(),
            extended_management=self._extended_management(),
        )
