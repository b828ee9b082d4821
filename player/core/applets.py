"""Which applet is on, until when, and why: a plan, an instant and whose turn it is in; one page out (pure).

An applet is a package of HTML that the management put on this box. What a developer connected goes before everything; then the
timings whose time it is, those that began last; then the applet that is assigned. A timing whose end is its start lasts until one
with a later start: while that is on it waits, and where that has an end it is on again afterwards. Timings that began together take
turns by their positions, each until its finish event; one alone stays. Instants are seconds since the epoch, `mono` monotonic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, assert_never


class AppletPlace(StrEnum):
    """Where applets stand to the server's programme: before it, where it has nothing to show, or nowhere (devices.content)."""

    ABOVE = "above"
    BELOW = "below"
    OFF = "off"


class FinishKind(StrEnum):
    """What ends a turn. The values are the management's."""

    DURATION = "DURATION"
    SCREEN_TAP = "SCREEN_TAP"
    IDLE_TIMEOUT = "IDLE_TIMEOUT"


@dataclass(frozen=True, slots=True)
class Finish:
    """`data`: milliseconds for DURATION and IDLE_TIMEOUT, kept as it was given; where it is no number the turn does not end.

    `has_data`: whether it was given at all; who asked compares that.
    """

    kind: FinishKind
    data: Any = None
    has_data: bool = True

    @property
    def seconds(self) -> float:
        """How long a turn lasts; infinite where nothing says so."""
        try:
            found = float(self.data) / 1000
        except (TypeError, ValueError, OverflowError):
            return math.inf
        return found if found > 0 else math.inf


@dataclass(frozen=True, slots=True)
class AppletRun:
    """One applet with its configuration. `files`: the digest of its files here; `scope`: what who asked may do on this box.

    `front`: the version of the library that it was made with; `url`: where a developer serves it, instead of files; `told`: what it
    is told of this box, by name; `name`: what people call it; `cleared`: how often what its pages kept was thrown away.
    """

    applet: str
    version: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    front: str = ""
    files: str = ""
    entry: str = "index.html"
    url: str = ""
    scope: int = 0
    told: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    cleared: int = 0

    def __str__(self) -> str:
        return f"{self.name or self.applet} {self.version}"

    @property
    def is_here(self) -> bool:
        """Whether there is anything to open."""
        return bool(self.files or self.url)


@dataclass(frozen=True, slots=True)
class AppletTiming:
    """An applet from `starts_at` until `ends_at`."""

    uid: str
    created_at: float
    updated_at: float
    run: AppletRun
    starts_at: float
    ends_at: float
    position: int = 1
    finish: Finish | None = None

    @property
    def is_open(self) -> bool:
        """Whether it lasts until another one begins."""
        return self.ends_at <= self.starts_at

    def is_on(self, at: float) -> bool:
        """Whether its time has come and is not over."""
        return self.starts_at <= at and (self.is_open or at < self.ends_at)


@dataclass(frozen=True, slots=True)
class AppletAssignment:
    """An applet for this box, at all times while it is active."""

    uid: str
    created_at: float
    updated_at: float
    run: AppletRun
    active: bool = True


@dataclass(frozen=True, slots=True)
class AppletPlan:
    """All that the management wants shown. `enabled`: whether any of it may be; `round` counts how often it is to begin anew."""

    timings: tuple[AppletTiming, ...] = ()
    assigned: AppletAssignment | None = None
    connected: AppletRun | None = None
    enabled: bool = True
    round: int = 0
    place: AppletPlace = AppletPlace.BELOW

    @property
    def runs(self) -> tuple[AppletRun, ...]:
        """Every page that may come on air by it."""
        assigned = [self.assigned.run] if self.assigned else []
        connected = [self.connected] if self.connected else []
        return (*(timing.run for timing in self.timings), *assigned, *connected)


@dataclass(frozen=True, slots=True)
class AppletTurn:
    """Whose turn it is among timings that began together. `touched_at`: when the screen was tapped last in it, else `began_at`."""

    among: tuple[str, ...] = ()
    index: int = 0
    began_at: float = 0.0
    touched_at: float = 0.0


@dataclass(frozen=True, slots=True)
class AppletOn:
    """`run` None: none. Up to `until` (None: for ever) nothing changes while nobody taps; `ends_in_s`: when the turn is over."""

    run: AppletRun | None
    why: str
    uid: str = ""
    until: float | None = None
    ends_in_s: float | None = None


def together(timings: Sequence[AppletTiming], at: float) -> tuple[AppletTiming, ...]:
    """Those that are on at `at`, by their positions: of all whose time it is those that began last, with something to show."""
    on = [timing for timing in timings if timing.is_on(at) and timing.run.is_here]
    latest = max((timing.starts_at for timing in on), default=0.0)
    return tuple(sorted((one for one in on if one.starts_at == latest), key=lambda one: (one.position, one.created_at, one.uid)))


def whose_time(plan: AppletPlan, at: float) -> tuple[AppletRun, ...]:
    """The one that is to be on at `at`, or those that take turns then, whether or not any may be shown."""
    if plan.connected is not None:
        return (plan.connected,)
    active = (plan.assigned.run,) if plan.assigned is not None and plan.assigned.active else ()
    return tuple(timing.run for timing in together(plan.timings, at)) or active


def next_change(timings: Sequence[AppletTiming], at: float) -> float | None:
    """The first instant after `at` at which one begins or ends."""
    ends = (end for timing in timings for end in (timing.starts_at, timing.ends_at) if end > at)
    return min(ends, default=None)


def turned(turn: AppletTurn, plan: AppletPlan, at: float, mono: float, *, tapped: bool = False) -> AppletTurn:
    """Whose turn it is; `tapped`: the screen was, since this was asked last. Others than before: the first one begins."""
    group = together(plan.timings, at)
    among = tuple(timing.uid for timing in group)
    if among != turn.among:
        return AppletTurn(among, 0, mono, mono)
    touched_at = mono if tapped else turn.touched_at
    turn = AppletTurn(among, turn.index, turn.began_at, touched_at)
    if len(group) < 2 or not _is_over(group[turn.index].finish, turn, mono, tapped=tapped):
        return turn
    return AppletTurn(among, (turn.index + 1) % len(group), mono, mono)


def applet_on(plan: AppletPlan, turn: AppletTurn, at: float, mono: float) -> AppletOn:
    """What is on at `at`, with the turn as `turned` left it."""
    if not plan.enabled:
        return AppletOn(None, "applets are switched off (APPLET_DISABLE)")
    if plan.place is AppletPlace.OFF:
        return AppletOn(None, "applets have no place on this screen (devices.content)")
    if plan.connected is not None:
        return AppletOn(plan.connected, f"{_named(plan.connected)} is connected by a developer", "connected")
    until = next_change(plan.timings, at)
    group = together(plan.timings, at)
    if group:
        timing = group[turn.index % len(group)]
        ends = _ends_at(timing.finish, turn) - mono if len(group) > 1 else math.inf
        among = f", {turn.index % len(group) + 1} of {len(group)}" if len(group) > 1 else ""
        why = f"the timing {timing.uid} puts {_named(timing.run)} on air{among}"
        return AppletOn(timing.run, why, timing.uid, until, None if math.isinf(ends) else max(0.0, ends))
    one = plan.assigned
    if one is not None and one.active and one.run.is_here:
        return AppletOn(one.run, f"{_named(one.run)} is assigned to this device", one.uid, until)
    missing = next((timing for timing in plan.timings if timing.is_on(at)), None) or (one if one and one.active else None)
    if missing is not None:
        return AppletOn(None, f"{_named(missing.run)} is wanted, and its files are not complete here", "", until)
    return AppletOn(None, "no applet is assigned, and no timing is on", "", until)


def _named(run: AppletRun) -> str:
    return f"the applet {run}"


def _is_over(finish: Finish | None, turn: AppletTurn, mono: float, *, tapped: bool) -> bool:
    if finish is not None and finish.kind is FinishKind.SCREEN_TAP:
        return tapped
    return mono >= _ends_at(finish, turn)


def _ends_at(finish: Finish | None, turn: AppletTurn) -> float:
    """When the turn ends while nobody taps; infinite where only a tap ends it, or nothing."""
    if finish is None:
        return math.inf
    match finish.kind:
        case FinishKind.DURATION:
            return turn.began_at + finish.seconds
        case FinishKind.IDLE_TIMEOUT:
            return turn.touched_at + finish.seconds
        case FinishKind.SCREEN_TAP:
            return math.inf
        case _:
            assert_never(finish.kind)
