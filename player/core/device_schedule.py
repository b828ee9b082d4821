"""What the box does by its own wall clock, without a server: timers, planned power actions, two brightnesses a day. Pure.

A *state* (screen, volume, brightness) holds from its moment until the next. A moment that passed while the box was off or hung is
made up for, unless somebody asked for something else since. A *deed* (a restart) is for its moment alone: too late is never.
Wall times are instants as in `core.schedule`, so on the two nights on which clocks change nothing comes twice and nothing is left
out. Days of the week belong to the day a timer begins on: one from 18:00 to 02:00 on Fridays ends on Saturday.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from player.core.schedule import EVERY_DAY, instant, occurrence

TIMERS = range(1, 8)
PLANNED_AT_MOST = 64
LATE_S = 60.0  # a deed that is later than this is left out
SLACK_S = 1.0  # what was asked for later than now was asked for by a clock that was wrong
_DAYS = range(-8, 9)  # a week each way, and a night


class TimerLevel(StrEnum):
    """Whether the whole device or its panel is meant to sleep; here both mean the panel, since nobody wakes a box that is off."""

    NATIVE = "native"
    PROPRIETARY = "proprietary"


class PowerAction(StrEnum):
    """What can be planned for a wall time."""

    REBOOT = "reboot"
    RESTART_APP = "restart_app"
    SCREEN_ON = "screen_on"
    SCREEN_OFF = "screen_off"
    APPLET_ON = "applet_on"
    APPLET_OFF = "applet_off"
    RELOAD_APPLET = "reload_applet"
    REFRESH_APPLET = "refresh_applet"


DEED_COMMANDS = {PowerAction.REBOOT: "reboot", PowerAction.RESTART_APP: "restart_app"}  # of `core.commands`
APPLET_ACTIONS = (PowerAction.APPLET_ON, PowerAction.APPLET_OFF, PowerAction.RELOAD_APPLET, PowerAction.REFRESH_APPLET)
_SCREEN = {PowerAction.SCREEN_ON: True, PowerAction.SCREEN_OFF: False}


def _within(name: str, value: int | None, lowest: int, highest: int) -> None:
    if value is not None and not lowest <= value <= highest:
        raise ValueError(f"{name} must be {lowest} to {highest}, found {value}")


def _some_days(days: frozenset[int]) -> None:
    if not days or not days <= EVERY_DAY:
        raise ValueError(f"days must be some of 1 (Monday) to 7 (Sunday), found {sorted(days)}")


@dataclass(frozen=True, slots=True)
class Timer:
    """One of seven of its level: the screen is on from `on` to `off`; one of the two is enough. Raises ValueError.

    `days` are ISO. `volume`: 0 to 100 from `on`, None leaves it. `since`: when it was set (seconds since the epoch); it has nothing
    to do with what was before, so that nobody who sets a timer darkens the screen at once.
    """

    level: TimerLevel
    number: int
    on: time | None
    off: time | None
    days: frozenset[int]
    volume: int | None
    since: float

    def __post_init__(self) -> None:
        _within("timer", self.number, TIMERS[0], TIMERS[-1])
        _within("volume", self.volume, 0, 100)
        _some_days(self.days)
        if self.on is None and self.off is None:
            raise ValueError("a timer has a time to switch on, or one to switch off")

    def __str__(self) -> str:
        return f"timer {self.number}"

    @property
    def place(self) -> tuple[TimerLevel, int]:
        """Which one it is: another one with this place replaces it."""
        return self.level, self.number


@dataclass(frozen=True, slots=True)
class BrightnessPoints:
    """Each day `first` (0 to 100) from one wall time and `second` from another; in force at once. Raises ValueError."""

    first: int
    first_from: time
    second: int
    second_from: time
    since: float

    def __post_init__(self) -> None:
        _within("brightness", self.first, 0, 100)
        _within("brightness", self.second, 0, 100)


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """A power action on certain days at a wall time. `id` is its own; `since` as of a timer. Raises ValueError."""

    id: str
    action: PowerAction
    days: frozenset[int]
    at: time
    since: float

    def __post_init__(self) -> None:
        _some_days(self.days)


@dataclass(frozen=True, slots=True)
class DeviceSchedule:
    """All of it. `done`: the last moment (seconds since the epoch) of each planned deed that was begun, by its id."""

    timers: tuple[Timer, ...] = ()
    brightness: BrightnessPoints | None = None
    planned: tuple[PlannedAction, ...] = ()
    done: Mapping[str, float] = field(default_factory=dict)

    def with_timer(self, timer: Timer) -> DeviceSchedule:
        """With this one in its place."""
        kept = self.without_timer(timer.level, timer.number).timers
        return replace(self, timers=tuple(sorted((*kept, timer), key=lambda each: each.place)))

    def without_timer(self, level: TimerLevel, number: int) -> DeviceSchedule:
        """Without the one in that place, where there is one."""
        return replace(self, timers=tuple(timer for timer in self.timers if timer.place != (level, number)))

    def with_planned(self, planned: PlannedAction) -> DeviceSchedule:
        """With one more. Raises ValueError where there are too many."""
        if len(self.planned) >= PLANNED_AT_MOST:
            raise ValueError(f"{PLANNED_AT_MOST} power actions are planned already; remove one")
        return replace(self, planned=(*self.planned, planned))

    def without_planned(self, planned_id: str) -> DeviceSchedule:
        """Without the one of that id, where there is one."""
        done = {name: at for name, at in self.done.items() if name != planned_id}
        return replace(self, planned=tuple(each for each in self.planned if each.id != planned_id), done=done)

    def with_done(self, deeds: Iterable[Deed]) -> DeviceSchedule:
        """With these begun: they are not begun again."""
        return replace(self, done={**self.done, **{deed.id: deed.at.timestamp() for deed in deeds}})

    @property
    def switches_on(self) -> bool:
        """Whether the screen would ever be switched on by it."""
        return any(timer.on for timer in self.timers) or any(each.action is PowerAction.SCREEN_ON for each in self.planned)


@dataclass(frozen=True, slots=True)
class TimedState:
    """From `at` on the setting `name` is `value`, says `who` ("timer 1")."""

    at: datetime
    name: str
    value: bool | int
    who: str

    def is_due(self, asked_at: float | None, now: datetime) -> bool:
        """Whether it still has to be asked for: nobody has asked for that setting since (`asked_at`, seconds since the epoch)."""
        asked = asked_at is not None and asked_at <= now.timestamp() + SLACK_S
        return not asked or self.at.timestamp() > (asked_at or 0.0)


@dataclass(frozen=True, slots=True)
class Deed:
    """The planned action `id` is to be done, at `at`."""

    at: datetime
    id: str
    action: PowerAction


def holding(schedule: DeviceSchedule, now: datetime, zone: ZoneInfo) -> tuple[TimedState, ...]:
    """What holds at `now` (aware): of each setting the latest moment that was; of two at once the greater, so the screen is on."""
    latest: dict[str, TimedState] = {}
    for moment in sorted(_states(schedule, now, zone), key=lambda each: (each.at, each.value)):
        if moment.at <= now:
            latest[moment.name] = moment
    return tuple(latest.values())


def due_deeds(schedule: DeviceSchedule, now: datetime, zone: ZoneInfo) -> tuple[Deed, ...]:
    """The deeds whose moment is now, or was less than a minute ago, and that were not begun."""
    found = []
    for deed in _deeds(schedule, now, zone):
        late_s = (now - deed.at).total_seconds()
        if 0 <= late_s <= LATE_S and deed.at.timestamp() > schedule.done.get(deed.id, 0.0):
            found.append(deed)
    return tuple(found)


def next_moment(schedule: DeviceSchedule, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When something is to be done next; None where nothing ever is."""
    moments = [moment.at for moment in _states(schedule, now, zone)] + [deed.at for deed in _deeds(schedule, now, zone)]
    return min((at for at in moments if at > now), default=None)


# --- every moment within a week --------------------------------------------------------------------------------------------------


def _dates(now: datetime, zone: ZoneInfo, days: frozenset[int] = EVERY_DAY) -> Iterator[date]:
    today = now.astimezone(zone).date()
    dates = (today + timedelta(days=ahead) for ahead in _DAYS)
    return (day for day in dates if day.isoweekday() in days)


def _states(schedule: DeviceSchedule, now: datetime, zone: ZoneInfo) -> Iterator[TimedState]:
    yield from _timers(schedule.timers, now, zone)
    for planned in schedule.planned:
        if planned.action in _SCREEN:
            for at in _planned(planned, now, zone):
                yield TimedState(at, "screen_on", _SCREEN[planned.action], "a planned power action")
    if schedule.brightness is not None:
        yield from _brightnesses(schedule.brightness, now, zone)


def _timers(timers: Iterable[Timer], now: datetime, zone: ZoneInfo) -> Iterator[TimedState]:
    """The screen stays on while any timer holds it: where one ends within the time of another, nothing happens."""
    stretches = [(timer, *stretch) for timer in timers for stretch in _stretches(timer, now, zone)]
    for timer, begins, ends in stretches:
        if begins is not None and begins.timestamp() > timer.since:
            yield TimedState(begins, "screen_on", True, str(timer))
            if timer.volume is not None:
                yield TimedState(begins, "volume", timer.volume, str(timer))
        if ends is not None and ends.timestamp() > timer.since:
            held = any(low is not None and high is not None and low <= ends < high for _, low, high in stretches)
            if begins is None or not held:
                yield TimedState(ends, "screen_on", False, str(timer))


def _stretches(timer: Timer, now: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime | None, datetime | None]]:
    for day in _dates(now, zone, timer.days):
        if timer.on is not None and timer.off is not None:
            yield occurrence(day, timer.on, timer.off, zone)
        else:
            yield _instant(day, timer.on, zone), _instant(day, timer.off, zone)


def _instant(day: date, wall: time | None, zone: ZoneInfo) -> datetime | None:
    return None if wall is None else instant(day, wall, zone)


def _brightnesses(points: BrightnessPoints, now: datetime, zone: ZoneInfo) -> Iterator[TimedState]:
    """The last before the points were set counts as from then. Of two that fall together the later by the wall clock holds, or the
    second."""
    since = datetime.fromtimestamp(points.since, UTC)
    levels = sorted({points.first_from: points.first, points.second_from: points.second}.items())
    every = sorted({instant(day, wall, zone): level for day in _dates(now, zone) for wall, level in levels}.items())
    before = [level for at, level in every if at <= since]
    if before:
        yield TimedState(since, "brightness", before[-1], "the day's brightness")
    for at, level in every:
        if at > since:
            yield TimedState(at, "brightness", level, "the day's brightness")


def _planned(planned: PlannedAction, now: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    moments = (instant(day, planned.at, zone) for day in _dates(now, zone, planned.days))
    return (at for at in moments if at.timestamp() > planned.since)


def _deeds(schedule: DeviceSchedule, now: datetime, zone: ZoneInfo) -> Iterator[Deed]:
    for planned in schedule.planned:
        if planned.action not in _SCREEN:
            for at in _planned(planned, now, zone):
                yield Deed(at, planned.id, planned.action)
