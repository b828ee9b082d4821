"""One region's playback: events in (past tense), effects out (imperative). Pure: no clock, no surfaces, no waiting.

The region holds at most one item on screen, one awaited behind it, and a spare one while that is not ready. The rules:

- The item on screen stays until the next is ready: nothing is ever taken away before there is something to put in its place.
- What is not ready `GRACE_S` after its turn keeps loading while others play, and comes when it can: the spare takes its turn, or
  what is on screen another one.
- What cannot be made ready in its time (`limit_s`) is skipped and reported, and tried again after a pause that doubles, up to
  an hour.
- What ages while it waits (a stream, a page) is prepared some seconds before its turn.
- When every item is in such a pause the screen keeps what it has; there is no hot loop.
- A playlist that changes is taken up at the edge of the item on screen.
- Each showing ends in exactly one `PlayRecord`, emitted before the next one's `ShowItem`; where that one fades in over a clip that
  still runs, when the last of the clip was seen. What was covered ends there, `interrupted`, and so does the rest of it afterwards.

Times are `Moment`s: `mono` (seconds, monotonic) for durations, `wall` (seconds since the epoch, UTC) for the record.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import assert_never

from player.core.content import CUT, Item, Playlist, Transition, TransitionKind
from player.core.cues import (
    Broke,
    Covered,
    Effect,
    Ended,
    Event,
    Hold,
    ItemPrepared,
    Moment,
    PlayAsked,
    PlaylistChanged,
    PlayRecord,
    PlayResult,
    PrepareFailed,
    PrepareItem,
    Recover,
    Release,
    Report,
    Resumed,
    ShowItem,
    Skipped,
    Stopped,
    Ticked,
    Uncovered,
)
from player.core.order import Order
from player.core.turns import (
    DEFAULT_DURATION_S,
    GRACE_S,
    HOLD_S,
    PAGE_LEAD_S,
    SHORTEST_S,
    SPARE_AFTER_S,
    SPARE_FIRST_S,
    SPARE_LEAD_S,
    STREAM_LEAD_S,
    WITHDRAWN_S,
    limit_s,
    planned_s,
)

STAND_IN, GONE, RESTART = "shown by its last picture", "no longer scheduled", "a restart"


@dataclass(slots=True)
class _Coming:
    token: int
    item: Item
    since: float
    position: int | None
    ready: bool = False
    natural_s: float | None = None
    seconds: float | None = None  # set by PlayAsked
    stand_in: bool = False
    begun_s: float = 0.0  # of it was seen before a restart


@dataclass(slots=True)
class _OnScreen:
    token: int
    item: Item
    started: Moment
    planned_s: float
    due: float | None  # monotonic; None: when the content ends, or never
    ends: float | None  # monotonic, as far as it is known
    ended: bool = False
    broken: bool = False
    held_since: float | None = None
    unseen: bool = False
    stand_in: bool = False
    covered_by: str | None = None  # what took the screen before: what is seen since is the rest of a showing
    before_s: float = 0.0  # how long it was seen before that
    withdrawn: bool = False  # it leaves before its edge, since the playlist lists it no more

    def seen_s(self, now: float) -> float:
        """For how long it was to be seen, without the time that something covered it."""
        return self.before_s + (0.0 if self.held_since is not None else max(0.0, now - self.started.mono))


@dataclass(frozen=True, slots=True)
class _Fading:
    """A showing whose clip runs on while the next one fades in over it, to the moment `over`."""

    showing: _OnScreen
    over: Moment
    result: PlayResult
    reason: str | None


class RegionMachine:
    """The state of one region. `handle` returns the effects to carry out, in order; `wake_at` is when to send `Ticked`.

    `seed` decides the order of a shuffled playlist: regions with the same one, and the same playlist, show the same.
    """

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self._order = Order(seed)
        self.on_screen: _OnScreen | None = None
        self._fading: _Fading | None = None
        self._coming: _Coming | None = None
        self._spare: _Coming | None = None
        self._asked: PlayAsked | None = None
        self._resumed: Resumed | None = None
        self._skip = False
        self._covered: str | None = None
        self._tokens = 0
        self._stopped = False

    def __repr__(self) -> str:
        shown = str(self.on_screen.item) if self.on_screen else "nothing"
        coming = str(self._coming.item) if self._coming else "nothing"
        return f"<Region {self.name}: {shown} on screen, {coming} coming>"

    @property
    def playlist(self) -> Playlist:
        """What it plays."""
        return self._order.playlist

    @property
    def settled(self) -> bool:
        """Whether the region can do no better at the moment: its next item is ready, or none can be made ready."""
        return self._coming is None or any(one.ready for one in self._loading)

    @property
    def _loading(self) -> list[_Coming]:
        return [one for one in (self._coming, self._spare) if one]

    def handle(self, event: Event, at: Moment) -> list[Effect]:
        """Takes one event in and returns what is to be done, in order."""
        effects: list[Effect] = []
        self._fade_out(at.mono, effects)
        if not self._stopped:
            self._take(event, at, effects)
        if not self._stopped:
            self._advance(at, effects)
        return effects

    def wake_at(self, now: float) -> float | None:
        """When time alone may change something (monotonic seconds), or None."""
        moments = [one.since + limit_s(one.item) for one in self._loading if not one.ready]
        if self._fading:
            moments.append(self._fading.over.mono)
        showing = self.on_screen
        if showing and self._covered is None and showing.due is not None:
            moments.append(showing.due)
        if showing and self._covered is None and showing.ends is not None:
            moments += [showing.ends - STREAM_LEAD_S, showing.ends - PAGE_LEAD_S, showing.ends + GRACE_S, showing.ends + HOLD_S]
        if self._coming and not self._coming.ready and self._spare is None:
            moments.append(self._spare_from(self._coming))
        if self._coming is None:
            moments += self._order.paused.values()
        later = [moment for moment in moments if now < moment < math.inf]
        return min(later) if later else None

    def paused(self, now: float) -> dict[str, float]:
        """The items that failed and are not to be tried before some moment (monotonic seconds), by id."""
        return {item_id: until for item_id, until in self._order.paused.items() if until > now}

    # --- events

    def _take(self, event: Event, at: Moment, effects: list[Effect]) -> None:  # noqa: C901 - one arm an event
        match event:
            case PlaylistChanged(playlist):
                self._change(playlist, at, effects)
            case Resumed():
                self._resumed = event
            case ItemPrepared(token, natural_s, stand_in):
                self._prepared(token, natural_s, effects, stand_in=stand_in)
            case PrepareFailed(token, code, reason):
                self._prepare_failed(token, code, reason, at, effects)
            case Ended(token):
                self._ended(token, at)
            case Broke(token, code, reason):
                self._broke(token, code, reason, at, effects)
            case Ticked():
                pass
            case Skipped(step):
                self._skipped(step, effects)
            case PlayAsked():
                self._asked = event
                self._skip = True
                self._drop_loading(effects)
            case Covered(by):
                self._cover(by, at, effects)
            case Uncovered():
                self._uncover(at, effects)
            case Stopped(reason):
                self._stop(reason, at, effects)
            case _:
                assert_never(event)

    def _change(self, playlist: Playlist, at: Moment, effects: list[Effect]) -> None:
        if playlist == self.playlist:
            return
        showing = self.on_screen
        effects.extend(Recover(item) for item in self._order.change(playlist, showing.item if showing else None))
        if coming := self._coming:
            expected = self._order.following if coming.position is not None else coming.item
            if coming.seconds is None and not (coming.item == expected and self._order.holds(coming.item)):
                self._drop(coming, effects)
        if self._spare:
            self._drop(self._spare, effects)
        if showing and not self._order.holds(showing.item):
            self._withdraw(showing, at)

    def _withdraw(self, showing: _OnScreen, at: Moment) -> None:
        """What the playlist lists no more leaves: an endless item at once, another at its edge or after a while, the sooner."""
        endless = self._endless(showing)
        leaves = at.mono if endless else at.mono + WITHDRAWN_S
        edge = showing.due if showing.due is not None else showing.ends
        if edge is None or edge > leaves:
            showing.due = showing.ends = leaves
            showing.withdrawn = not endless

    def _prepared(self, token: int, natural_s: float | None, effects: list[Effect], *, stand_in: bool) -> None:
        for one in self._loading:
            if one.token == token:
                one.ready, one.natural_s, one.stand_in = True, natural_s, stand_in
                if self._order.could_be_had(one.item):
                    effects.append(Recover(one.item))

    def _prepare_failed(self, token: int, code: str, reason: str, at: Moment, effects: list[Effect]) -> None:
        for one in self._loading:
            if one.token == token:
                self._skip = self._skip and one.seconds is None  # what was asked for cannot be shown: the item on screen stays
                self._drop(one, effects)
                self._blame(one.item, code, reason, at, effects)

    def _ended(self, token: int, at: Moment) -> None:
        if self.on_screen and self.on_screen.token == token:
            self.on_screen.ended, self.on_screen.ends = True, at.mono

    def _broke(self, token: int, code: str, reason: str, at: Moment, effects: list[Effect]) -> None:
        showing = self.on_screen
        if showing and showing.token == token and not showing.broken:
            showing.broken = showing.ended = True
            self._blame(showing.item, code, reason, at, effects)
            self._record(at, PlayResult.FAILED, reason, effects)
        else:
            self._prepare_failed(token, code, reason, at, effects)

    def _blame(self, item: Item, code: str, reason: str, at: Moment, effects: list[Effect]) -> None:
        self._order.failed(item, at.mono)
        effects.append(Report(item, code, reason))

    def _skipped(self, step: int, effects: list[Effect]) -> None:
        if step < 0:
            self._drop_loading(effects)
            self._order.step_back()
        self._skip = True

    def _cover(self, by: str, at: Moment, effects: list[Effect]) -> None:
        if self._covered is not None:
            return
        self._cut_fade(at, by, effects)
        self._covered = by
        showing = self.on_screen
        if showing:
            self._record(at, PlayResult.INTERRUPTED, by, effects)
            showing.before_s = showing.seen_s(at.mono)
            showing.held_since, showing.unseen, showing.covered_by = at.mono, True, by
            effects.append(Hold(showing.token, held=True))

    def _uncover(self, at: Moment, effects: list[Effect]) -> None:
        self._covered = None
        showing = self.on_screen
        if showing and showing.held_since is not None:
            if showing.due is not None:
                showing.due += at.mono - showing.held_since
            if showing.ends is not None:
                showing.ends += at.mono - showing.held_since
            showing.held_since, showing.unseen, showing.started = None, showing.broken, at
            effects.append(Hold(showing.token, held=False))

    def _stop(self, reason: str, at: Moment, effects: list[Effect]) -> None:
        self._cut_fade(at, reason, effects)
        self._record(at, PlayResult.INTERRUPTED, reason, effects)
        self._stopped = True

    # --- what follows

    def _advance(self, at: Moment, effects: list[Effect]) -> None:
        for one in self._loading:
            if not one.ready and at.mono >= one.since + limit_s(one.item):
                words = f"was not ready to be shown within {limit_s(one.item):.0f} s"
                self._prepare_failed(one.token, "timeout", words, at, effects)
        if self._coming is None:
            self._prepare_next(at, effects)
        self._prepare_spare(at, effects)
        if self._covered is None and (self.on_screen is None or self._due(self.on_screen, at)):
            self._switch(at, effects)

    def _due(self, showing: _OnScreen, at: Moment) -> bool:
        return self._skip or showing.ended or (showing.due is not None and at.mono >= showing.due)

    def _prepare_next(self, at: Moment, effects: list[Effect]) -> None:
        seconds: float | None = None
        position: int | None = None
        place: Resumed | None = None
        if self._asked:
            item, seconds, self._asked = self._asked.item, self._asked.seconds, None
        else:
            place, found = self._where_it_was(at)
            found = found or self._order.next(at.mono, awaited=None)
            if found is None:
                return
            item, position = found
            if self._spare and self._spare.item == item:
                self._coming, self._spare = self._spare, None
                return
            if not self._worth_preparing(item, at):
                return
        self._coming = self._prepare(item, position, seconds, at, effects, place)

    def _where_it_was(self, at: Moment) -> tuple[Resumed | None, tuple[Item, int] | None]:
        """After a restart, once: the item that was on screen, and its place in the order."""
        place = self._resumed
        if place is None or not self.playlist.items:
            return None, None
        self._resumed = None
        found = self._order.find(place.item_id, at.mono)
        if found and place.over:
            self._order.go_on_after(found[1])
        return (place, found) if found and not place.over else (None, None)

    def _prepare(
        self, item: Item, position: int | None, seconds: float | None, at: Moment, effects: list[Effect],
        place: Resumed | None = None,
    ) -> _Coming:  # fmt: skip
        self._tokens += 1
        begun_s = place.position_s if place and item.kind.can_begin_later else 0.0
        effects.append(PrepareItem(self._tokens, item, begun_s, silent=place is not None and place.silent))
        return _Coming(self._tokens, item, at.mono, position, seconds=seconds, begun_s=begun_s)

    def _prepare_spare(self, at: Moment, effects: list[Effect]) -> None:
        """While one is awaited: the next that is likely to be had, a file or what could be had before; else just the next."""
        coming, showing = self._coming, self.on_screen
        if coming is None or coming.ready or self._spare or at.mono < self._spare_from(coming):
            return
        found = self._order.next(at.mono, awaited=coming.item, likely=True) or self._order.next(at.mono, awaited=coming.item)
        if found and not (showing and found[0] == showing.item and self._stays(showing)):
            self._spare = self._prepare(*found, None, at, effects)

    def _spare_from(self, coming: _Coming) -> float:
        """From when on (monotonic) something else is prepared beside what is awaited; infinite while there is no hurry."""
        showing = self.on_screen
        if showing is None:
            return coming.since + SPARE_FIRST_S
        if showing.broken:
            return coming.since + SPARE_AFTER_S
        return math.inf if showing.ends is None else max(coming.since + SPARE_AFTER_S, showing.ends - SPARE_LEAD_S)

    def _worth_preparing(self, item: Item, at: Moment) -> bool:
        showing = self.on_screen
        if showing is None or showing.broken or showing.ended or self._skip:
            return True
        if item == showing.item and self._stays(showing):
            return False  # alone in the playlist and without an end of its own: it just stays
        again = item == showing.item and showing.stand_in
        if (again or item.kind.ages) and showing.ends is not None:
            lead_s = PAGE_LEAD_S if item.kind.is_page and not again else STREAM_LEAD_S
            return at.mono >= showing.ends - lead_s  # what is prepared early shows the past, or is away still
        return True

    @staticmethod
    def _endless(showing: _OnScreen) -> bool:
        return showing.due is None and not showing.item.kind.ends_by_itself

    @staticmethod
    def _stays(showing: _OnScreen) -> bool:
        return not showing.item.kind.ends_by_itself and not showing.broken and not showing.stand_in

    def _switch(self, at: Moment, effects: list[Effect]) -> None:
        coming, spare, showing = self._coming, self._spare, self.on_screen
        if coming and coming.ready:
            self._bring_on(coming, at, effects)
        elif spare and spare.ready and self._late(at):
            self._bring_on(spare, at, effects)
        elif showing and coming is None:
            self._stay_or_leave(showing, at, effects)
        elif showing and coming and showing.ends is not None and at.mono >= showing.ends + HOLD_S:
            self._stay_for_another_turn(showing, coming, at, effects)

    def _late(self, at: Moment) -> bool:
        """Whether what is awaited has missed its turn."""
        showing = self.on_screen
        if showing is None or showing.broken:
            return True
        return showing.ends is not None and at.mono >= showing.ends + GRACE_S

    def _bring_on(self, coming: _Coming, at: Moment, effects: list[Effect]) -> None:
        """`coming` (the awaited item, or the spare one before it) takes the screen."""
        showing, awaited = self.on_screen, self._coming if coming is self._spare else None
        self._coming, self._spare = (awaited, None) if awaited else (None, self._spare)
        transition = self._transition(coming.item, showing)
        if showing:
            self._leave(showing, transition, at, effects)
        effects.append(ShowItem(coming.token, coming.item, showing.token if showing else None, transition))
        self._order.took(coming.item, coming.position)
        planned = planned_s(coming.item, natural_s=coming.natural_s, asked_s=coming.seconds, stand_in=coming.stand_in)
        due = self._due_at(coming, planned, at)
        begun_s = max(0.0, min(coming.begun_s, planned - SHORTEST_S)) if planned else coming.begun_s
        ends = at.mono + planned - begun_s if planned else None
        due = None if due is None else max(at.mono, due - begun_s)
        self.on_screen = _OnScreen(
            coming.token, coming.item, at, planned or 0.0, due, ends, stand_in=coming.stand_in,
            covered_by=RESTART if begun_s else None, before_s=begun_s,
        )  # fmt: skip
        self._skip = False
        if awaited:
            awaited.position = None  # it comes when it can, and the order goes on from here
            self._skip = awaited.seconds is not None
            return
        self._prepare_next(at, effects)
        if self._spare:
            self._drop(self._spare, effects)

    def _leave(self, showing: _OnScreen, transition: Transition, at: Moment, effects: list[Effect]) -> None:
        """The showing ends: at once, or (a clip that another item fades in over) when the last of it was seen."""
        early = self._skip and not showing.ended and (showing.due is None or at.mono < showing.due)
        reason = "skipped" if early else GONE if showing.withdrawn and not showing.ended else None
        result = PlayResult.INTERRUPTED if reason else PlayResult.COMPLETE
        fade_s = 0.0 if transition.kind is TransitionKind.CUT else transition.duration_s
        left_s = showing.ends - at.mono if showing.ends is not None and showing.item.kind.ends_by_itself else 0.0
        self._fade_out(math.inf, effects)  # the stage ends one fade before it begins the next
        if min(fade_s, left_s) > 0:
            over = Moment(at.mono + min(fade_s, left_s), at.wall + min(fade_s, left_s))
            self._fading = _Fading(showing, over, result, reason)
        else:
            self._record(at, result, reason, effects)

    def _fade_out(self, now: float, effects: list[Effect]) -> None:
        """Records what faded, once the last of it was seen."""
        fading = self._fading
        if fading and now >= fading.over.mono:
            self._fading = None
            self._record(fading.over, fading.result, fading.reason, effects, fading.showing)

    def _cut_fade(self, at: Moment, reason: str, effects: list[Effect]) -> None:
        """What fades is seen no longer."""
        fading, self._fading = self._fading, None
        if fading:
            self._record(at, PlayResult.INTERRUPTED, fading.reason or reason, effects, fading.showing)

    def _stay_or_leave(self, showing: _OnScreen, at: Moment, effects: list[Effect]) -> None:
        """Due, and nothing can follow: an item alone begins another showing where it stands, an unwanted one leaves."""
        if not self.playlist.items:
            if showing.ended:
                self._record(at, PlayResult.COMPLETE, None, effects)
            else:
                self._record(at, PlayResult.INTERRUPTED, GONE, effects)
            effects.append(Release(showing.token))
            self.on_screen = None
        elif self._order.holds(showing.item) and self._stays(showing) and self._order.next(at.mono, awaited=None):
            self._record(at, PlayResult.COMPLETE, None, effects)
            self._another_turn(showing, showing.planned_s, at)
        self._skip = False

    def _stay_for_another_turn(self, showing: _OnScreen, coming: _Coming, at: Moment, effects: list[Effect]) -> None:
        """Nothing but itself can be had instead of what is awaited, which is not to wait for hours then."""
        if self._stays(showing) and self._order.holds(showing.item):
            self._record(at, PlayResult.COMPLETE, None, effects)
            self._another_turn(showing, min(showing.planned_s, DEFAULT_DURATION_S), at)
            coming.position = None

    def _another_turn(self, showing: _OnScreen, planned_s: float, at: Moment) -> None:
        ends = at.mono + planned_s if planned_s else None
        self.on_screen = _OnScreen(showing.token, showing.item, at, planned_s, ends, ends)

    def _record(
        self, at: Moment, result: PlayResult, reason: str | None, effects: list[Effect], showing: _OnScreen | None = None
    ) -> None:
        """Of what is on screen, or of `showing`, which no longer is."""
        showing = showing or self.on_screen
        if showing and not showing.unseen:
            if result is PlayResult.COMPLETE and showing.covered_by is not None:
                result, reason = PlayResult.INTERRUPTED, f"the rest after {showing.covered_by}"
            said = reason or (STAND_IN if showing.stand_in else None)
            effects.append(PlayRecord(showing.item, showing.started, at, showing.planned_s, result, said))
            showing.unseen = showing.broken

    def _due_at(self, coming: _Coming, planned: float | None, at: Moment) -> float | None:
        """When the next one begins to come: at the planned end, a crossfade before it, or (a cut) when the content ends."""
        if planned is None:
            return None
        if not coming.item.kind.ends_by_itself:
            return at.mono + planned
        natural = coming.natural_s
        overlap = self._overlap(coming.item)
        if natural is not None and planned > natural - 0.5 and not overlap:
            return None
        return at.mono + max(planned / 2, planned - overlap)

    def _overlap(self, item: Item) -> float:
        """How long before a video's end the one after it begins to come."""
        following = self._order.next(math.inf, awaited=self._coming.item if self._coming else None)
        transition = (following[0].transition if following else None) or self.playlist.transition
        if transition.kind is TransitionKind.CUT or (following and following[0] == item):
            return 0.0
        return transition.duration_s

    def _transition(self, item: Item, showing: _OnScreen | None) -> Transition:
        if showing is None or showing.broken or showing.item == item:
            return CUT
        return item.transition or self.playlist.transition

    def _drop_loading(self, effects: list[Effect]) -> None:
        for one in self._loading:
            self._drop(one, effects)

    def _drop(self, one: _Coming, effects: list[Effect]) -> None:
        effects.append(Release(one.token))
        if one is self._coming:
            self._coming = None
        else:
            self._spare = None
