"""Fakes behind the local door: `agent.api.StatusSource` and `agent.api.Actions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from player.agent.control.timers import WantedTimer
from player.agent.reports.status import (
    CacheFigures,
    ClockFigures,
    ProofFigures,
    ServerContact,
    Status,
    SyncProgress,
    build,
)
from player.agent.settings.registry import SettingRow
from player.core.brief import CardFacts, StageBrief
from player.core.contact import Standing
from player.core.cover import StageState
from player.core.device_schedule import DeviceSchedule, Timer
from player.core.faults import Fault
from player.core.ports.server import CommandResult, CommandStatus
from player.core.ports.stage import NowPlaying, StageStatus
from player.core.settings import find
from player.core.why import Reason
from player.errors import BoxError, CommandRejected, PinNotLookedAt, WrongPin

JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n a picture"
VOLUME = SettingRow(
    "volume", "how loud the box is", "a number from 0 to 100", 35, 34, "the server <cms>", 1_700_000_000.0, "no sink", False
)
SUMMER = Reason("1", "42", "Summer <b>", "full", True, "on screen now; the rule always puts it on air")
WINTER = Reason("2", "43", "Winter", "cold", False, "not on air: no rule puts the layout cold on air: give it a schedule")
RESULT = CommandResult("c1", "refresh", CommandStatus.SUCCEEDED, "done", 1.0, 2.0)


def status(*, name: str = "Summer", brief: StageBrief | None = None, stage: StageStatus | None = None) -> Status:
    """A player that plays one item."""
    item = NowPlaying("main", "1", "42", name, "video", 3.0, 30.0)
    fault = Fault("unplayable", f"{name}: cannot be decoded", 1_700_000_000.0)
    return build(
        uuid="0123456789abcdef",
        brief=brief or StageBrief(cards=CardFacts(paired=True)),
        stage=stage or StageStatus(state=StageState.PLAYING, backend="headless", size="1280x720", playlist="Lobby", items=(item,)),
        server=ServerContact("adcast", "https://cms.example.com", True, 1_700_000_100.0, Standing.ONLINE),
        uptime_s=61.0,
        cache=CacheFigures(2048, 8 * 1024**3, 2),
        sync=SyncProgress("v1", 3, 2, 2),
        proof=ProofFigures(7),
        commands=(RESULT,),
        clock=ClockFigures(True, 0.2),
        faults=(fault,),
    )


class FakeSource:
    """Answers what it was given."""

    def __init__(self, value: Status | None = None) -> None:
        self.value = value or status()
        self.reasons: Sequence[Reason] = (SUMMER, WINTER)

    async def status(self) -> Status:
        return self.value

    async def why(self, asked: str | None) -> Sequence[Reason]:
        return tuple(answer for answer in self.reasons if asked in (None, answer.item_id, answer.name))


class FakeActions:
    """Remembers what was asked of it; the PIN is 4711 once one is set. No PIN is looked at while `pause_s` is above 0."""

    def __init__(self, pin: str = "4711") -> None:
        self.pin, self.pause_s = pin, 0.0
        self.done: list[tuple[str, Any]] = []
        self.sources: list[str] = []
        self.schedule = DeviceSchedule()
        self.pictures: list[tuple[str, int | None]] = []

    @property
    def has_pin(self) -> bool:
        return bool(self.pin)

    async def check_pin(self, pin: str, source: str) -> bool:
        self.sources.append(source)
        if self.pause_s:
            raise PinNotLookedAt(self.pause_s)
        return bool(self.pin) and pin == self.pin

    async def lock(self, pin: str, source: str) -> None:
        self.sources.append(source)
        if self.pin and pin != self.pin:
            raise WrongPin
        self.pin = pin
        self.done.append(("lock", pin))

    async def unlock(self, pin: str, source: str) -> None:
        self.sources.append(source)
        if self.pause_s:
            raise PinNotLookedAt(self.pause_s)
        if pin != self.pin:
            raise WrongPin(30.0)
        self.done.append(("unlock", pin))

    async def command(self, kind: str, payload: Mapping[str, Any]) -> CommandResult:
        if kind == "dance":
            raise CommandRejected("there is no command dance")
        self.done.append((kind, dict(payload)))
        return RESULT

    async def settings(self) -> Sequence[SettingRow]:
        return (VOLUME,)

    async def set(self, name: str, value: Any, who: str) -> SettingRow:
        if name == "brightness":
            raise BoxError("panel", "this box has no backlight")
        self.done.append((f"{name} for {who}", find(name).value(value)))
        return replace(VOLUME, wanted=value)

    async def timers(self) -> Sequence[Timer]:
        return tuple(self.schedule.timers)

    async def set_timer(self, wanted: WantedTimer) -> None:
        timer = wanted.timer(0.0)
        self.schedule = self.schedule.with_timer(timer) if timer else self.schedule.without_timer(wanted.level, wanted.number)

    async def screenshot(self, kind: str, width: int | None = None) -> bytes:
        self.pictures.append((kind, width))
        return PNG if kind == "png" else JPEG
