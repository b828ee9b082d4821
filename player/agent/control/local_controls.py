"""What the control API shows and can have done: the agent's parts as `api.StatusSource` and `api.Actions`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from player.agent.commands.runner import CommandRunner
from player.agent.control.timers import WantedTimer
from player.agent.reports.status import Status
from player.agent.settings.registry import SettingRow, SettingsRegistry
from player.agent.settings.schedule_runner import ScheduleRunner
from player.agent.settings.screen_lock import ScreenLock
from player.core.device_schedule import Timer
from player.core.policies import TIMER_ITEMS
from player.core.ports.box import Clock
from player.core.ports.server import CommandResult
from player.core.ports.stage import PictureFormat, StagePort, TakePicture
from player.core.settings import Asker
from player.core.why import Reason
from player.errors import CommandRejected


class LocalControls:
    """`build` makes the status of this moment; `why` says of items (of all, where None is asked) why they are on air or not.

    `held_by` answers the name of the policy that holds timers, "" where none does.
    """

    def __init__(
        self,
        build: Callable[[], Awaitable[Status]],
        why: Callable[[str | None], Awaitable[Sequence[Reason]]],
        commands: CommandRunner,
        lock: ScreenLock,
        settings: SettingsRegistry,
        schedule: ScheduleRunner,
        stage: StagePort,
        clock: Clock,
        *,
        held_by: Callable[[str], str],
    ) -> None:
        self._build, self._why, self._commands, self._lock = build, why, commands, lock
        self._settings, self._schedule, self._stage, self._clock, self._held_by = settings, schedule, stage, clock, held_by

    async def status(self) -> Status:
        """What the player is doing now."""
        return await self._build()

    async def why(self, asked: str | None) -> Sequence[Reason]:
        """Why items are on air, or not."""
        return await self._why(asked)

    @property
    def has_pin(self) -> bool:
        """Whether a PIN was ever set."""
        return self._lock.has_pin

    async def check_pin(self, pin: str, source: str) -> bool:
        """Whether it is the PIN. Raises WrongPin while a pause lasts."""
        return await self._lock.check_pin(pin, source)

    async def lock(self, pin: str, source: str) -> None:
        """Closes local controls. Raises WrongPin."""
        await self._lock.lock(pin, source)

    async def unlock(self, pin: str, source: str) -> None:
        """Opens local controls. Raises WrongPin, BoxError."""
        await self._lock.unlock(pin, source)

    async def command(self, kind: str, payload: Mapping[str, Any]) -> CommandResult:
        """A command given at the box. Raises SignageError."""
        return await self._commands.perform(kind, payload)

    async def settings(self) -> Sequence[SettingRow]:
        """Every setting, read back now."""
        return await self._settings.rows()

    async def set(self, name: str, value: Any, who: str) -> SettingRow:
        """A request for a setting; None returns to the configuration. Raises SettingRefused, StorageError, BoxError."""
        await self._settings.ask(name, value, by=Asker.BOX, who=who)
        return await self._settings.row(name)

    async def timers(self) -> Sequence[Timer]:
        """Those that are set."""
        return self._schedule.current.timers

    async def set_timer(self, wanted: WantedTimer) -> None:
        """Sets one in its place, or takes it away. Raises CommandRejected, StorageError."""
        if policy := self._held_by(TIMER_ITEMS[wanted.level]):
            raise CommandRejected(f'the policy "{policy}" holds these timers')
        timer = wanted.timer(self._clock.now().timestamp())
        if timer is None:
            await self._schedule.remove_timer(wanted.level, wanted.number)
        else:
            self._schedule.set_timer(timer)

    async def screenshot(self, kind: str, width: int | None = None) -> bytes:
        """The whole screen as "jpeg" or "png". Raises BoxError."""
        return (await self._stage.ask(TakePicture(PictureFormat(kind), width))).image
