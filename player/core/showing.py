"""One item in a region, from being made ready to the play that its showing leaves behind. Pure; times as in `playback`."""

from __future__ import annotations

from dataclasses import dataclass

from player.core.content import Item, Transition, TransitionKind
from player.core.cues import Moment, PlayRecord, PlayResult
from player.core.turns import GRACE_S, HOLD_S, PAGE_LEAD_S, SHORTEST_S, STREAM_LEAD_S, planned_s

STAND_IN, GONE, RESTART = "shown by its last picture", "no longer scheduled", "a restart"


@dataclass(slots=True)
class Coming:
    """An item that is made ready since `since`, as `token`. `position`: its place in the order, None where it comes out of it.

    `natural_s` is its content's own length; `seconds`: how long somebody asked for it; `stand_in`: what is ready stands in for it;
    `begun_s`: how much of it was seen before a restart.
    """

    token: int
    item: Item
    since: float
    position: int | None
    ready: bool = False
    natural_s: float | None = None
    seconds: float | None = None
    stand_in: bool = False
    begun_s: float = 0.0

    def shown(self, at: Moment, *, overlap_s: float) -> OnScreen:
        """As it takes the screen. `overlap_s`: how long before a clip's end the item after it begins to come."""
        planned = planned_s(self.item, natural_s=self.natural_s, asked_s=self.seconds, stand_in=self.stand_in)
        begun_s = max(0.0, min(self.begun_s, planned - SHORTEST_S)) if planned else self.begun_s
        stays_s = None if planned is None else self._stays_s(planned, overlap_s)
        return OnScreen(
            self.token, self.item, at, planned or 0.0, stand_in=self.stand_in,
            due=None if stays_s is None else at.mono + max(0.0, stays_s - begun_s),
            ends=at.mono + planned - begun_s if planned else None,
            covered_by=RESTART if begun_s else None, before_s=begun_s,
        )  # fmt: skip

    def _stays_s(self, planned: float, overlap_s: float) -> float | None:
        """Until the next one begins to come: its time, less a crossfade; None where (a cut) its content's end decides."""
        if not self.item.kind.ends_by_itself:
            return planned
        if self.natural_s is not None and planned > self.natural_s - 0.5 and not overlap_s:
            return None
        return max(planned / 2, planned - overlap_s)


@dataclass(slots=True)
class OnScreen:
    """An item that is shown as `token` since `started`. `due`: when the next may come; None: when the content ends, or never.

    `ends`: when it will have been shown, as far as it is known. `covered_by`: what took the screen before, so that what is seen
    since is the rest of a showing; `before_s`: how long it was seen before that. `unlisted`: the playlist lists it no more;
    `withdrawn`: it leaves before its edge for that.
    """

    token: int
    item: Item
    started: Moment
    planned_s: float
    due: float | None
    ends: float | None
    ended: bool = False
    broken: bool = False
    held_since: float | None = None
    unseen: bool = False
    stand_in: bool = False
    covered_by: str | None = None
    before_s: float = 0.0
    unlisted: bool = False
    withdrawn: bool = False

    @property
    def stays(self) -> bool:
        """Whether it can be shown for longer than planned."""
        return not self.item.kind.ends_by_itself and not self.broken and not self.stand_in

    def seen_s(self, now: float) -> float:
        """For how long it was to be seen, without the time that something covered it."""
        return self.before_s + (0.0 if self.held_since is not None else max(0.0, now - self.started.mono))

    def is_over(self, now: float) -> bool:
        """Whether it is the next one's turn."""
        return self.ended or (self.due is not None and now >= self.due)

    def is_overdue(self, now: float) -> bool:
        """Whether what comes after it has missed its turn."""
        return self.broken or (self.ends is not None and now >= self.ends + GRACE_S)

    def wakes(self) -> list[float]:
        """When its own time changes something: its end, and what goes before and after it."""
        around = () if self.ends is None else (
            self.ends - STREAM_LEAD_S, self.ends - PAGE_LEAD_S, self.ends + GRACE_S, self.ends + HOLD_S,
        )  # fmt: skip
        return [*around] if self.due is None else [self.due, *around]

    def withdraw(self, at: Moment, *, within_s: float) -> None:
        """The playlist lists it no more: an endless item leaves at once, another at its edge or `within_s`, the sooner."""
        endless = self.due is None and not self.item.kind.ends_by_itself
        now = at.mono if self.held_since is None else self.held_since  # its time stands still while it is covered
        leaves = now if endless else now + within_s
        self.unlisted = True
        edge = self.due if self.due is not None else self.ends
        if edge is None or edge > leaves:
            self.due = self.ends = leaves
            self.withdrawn = not endless

    def cover(self, by: str, at: Moment) -> list[PlayRecord]:
        """Something takes the screen: the play so far."""
        plays = self.played(at, PlayResult.INTERRUPTED, by)
        self.before_s = self.seen_s(at.mono)
        self.held_since, self.unseen, self.covered_by = at.mono, True, by
        return plays

    def uncover(self, at: Moment) -> bool:
        """It can be seen again, and its time goes on. Whether it was covered."""
        if self.held_since is None:
            return False
        held_s = at.mono - self.held_since
        self.due = None if self.due is None else self.due + held_s
        self.ends = None if self.ends is None else self.ends + held_s
        self.held_since, self.unseen, self.started = None, self.broken, at
        return True

    def again(self, planned_s: float, at: Moment) -> OnScreen:
        """Another showing of it, where it stands."""
        ends = at.mono + planned_s if planned_s else None
        return OnScreen(self.token, self.item, at, planned_s, ends, ends)

    def leave(self, transition: Transition, at: Moment, *, skipped: bool) -> Fading:
        """It goes: at once, or (a clip that another item fades in over) when the last of it was seen."""
        early = skipped and not self.is_over(at.mono)
        reason = "skipped" if early else GONE if self.withdrawn and not self.ended else None
        fade_s = 0.0 if transition.kind is TransitionKind.CUT else transition.duration_s
        left_s = self.ends - at.mono if self.ends is not None and self.item.kind.ends_by_itself else 0.0
        rest_s = max(0.0, min(fade_s, left_s))
        result = PlayResult.INTERRUPTED if reason else PlayResult.COMPLETE
        return Fading(self, Moment(at.mono + rest_s, at.wall + rest_s), result, reason)

    def played(self, at: Moment, result: PlayResult, reason: str | None) -> list[PlayRecord]:
        """The play that ends here; none where nobody saw it."""
        if self.unseen:
            return []
        if result is PlayResult.COMPLETE and self.covered_by is not None:
            result, reason = PlayResult.INTERRUPTED, f"the rest after {self.covered_by}"
        self.unseen = self.broken
        said = reason or (STAND_IN if self.stand_in else None)
        return [PlayRecord(self.item, self.started, at, self.planned_s, result, said)]


@dataclass(frozen=True, slots=True)
class Fading:
    """A showing that goes, while the next one fades in over its clip, to the moment `over`."""

    showing: OnScreen
    over: Moment
    result: PlayResult
    reason: str | None

    def played(self) -> list[PlayRecord]:
        """Its play, when the last of it was seen."""
        return self.showing.played(self.over, self.result, self.reason)

    def cut(self, at: Moment, reason: str) -> list[PlayRecord]:
        """Its play, where it is seen no longer before that."""
        return self.showing.played(at, PlayResult.INTERRUPTED, self.reason or reason)
