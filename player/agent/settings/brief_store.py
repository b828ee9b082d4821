"""What the stage is told, kept durably: written first, told second (faults.md K8).

The stage reads the file before its first frame, so what it says holds over restarts and while the stage is away.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from player.brief_file import BriefFile
from player.core.applets import AppletPlan
from player.core.brief import Alert, ClockFacts, StageBrief
from player.core.ports.stage import Reread, StagePort
from player.errors import BoxError, StorageError

log = logging.getLogger(__name__)


class BriefStore:
    """The one writer of the stage's brief. A change that cannot be kept raises StorageError, and is none, but for alerts."""

    def __init__(self, path: Path, stage: StagePort) -> None:
        self._file, self._stage = BriefFile(path), stage
        self.current = self._file.read_or(StageBrief())
        self._unkept = False  # `current` is not in the file

    @property
    def is_kept(self) -> bool:
        """Whether all of it is in the file."""
        return not self._unkept

    async def change_settings(self, **changes: Any) -> None:
        """Other values for fields of `DeviceSettings`."""
        await self._keep(replace(self.current, settings=replace(self.current.settings, **changes)))

    async def change_cards(self, **changes: Any) -> None:
        """Other values for fields of `CardFacts`."""
        await self._keep(replace(self.current, cards=replace(self.current.cards, **changes)))

    async def change_alerts(self, alerts: tuple[Alert, ...], *, durably: bool) -> None:
        """All alerts that are held. Where the disk refuses they are shown all the same, for as long as we repeat them.

        Not `durably`: they are shown, and written with the next change of anything, or when they are told durably again.
        """
        wanted = replace(self.current, alerts=alerts)
        if not durably:
            self.current, self._unkept = wanted, True
            await self._tell_stage(wanted)
            return
        try:
            await self._keep(wanted, anew=self._unkept)
        except StorageError:
            self.current, self._unkept = wanted, True
            await self._tell_stage(wanted)
            raise

    async def change_clock(self, clock: ClockFacts) -> None:
        """What is known of the clock."""
        await self._keep(replace(self.current, clock=clock))

    async def change_facts(self, facts: Mapping[str, float | str]) -> None:
        """All that is known of the world."""
        await self._keep(replace(self.current, facts=dict(facts)))

    async def change_dimming(self, per_cent: int) -> None:
        """How much darker than drawn the picture is to be."""
        await self._keep(replace(self.current, dimmed=per_cent))

    async def change_applets(self, plan: AppletPlan) -> None:
        """Which applets are to be shown."""
        await self._keep(replace(self.current, applets=plan))

    async def _keep(self, wanted: StageBrief, *, anew: bool = False) -> None:
        """Writes what is another one, or not there: some tell the same every few seconds, whatever waits to be written."""
        if wanted != self.current or anew or not self._file.path.exists():
            self._file.write(wanted)
            self.current, self._unkept = wanted, False
            await self._tell_stage()

    async def _tell_stage(self, unkept: StageBrief | None = None) -> None:
        """Has the stage read its brief again; one that is away reads it when it starts. `unkept`: what the file has not."""
        try:
            await self._stage.ask(Reread(unkept))
        except BoxError as error:
            log.debug("the stage reads its brief later: %s", error)
