"""One region's playback: events in (past tense), effects out (imperative). Pure: no clock, no surfaces, no waiting.

The region holds at most one item on screen, one awaited behind it, and a spare one while that is not ready. The rules:

- The item on screen stays until the next is ready: nothing is ever taken away before there is something to put in its place.
- What is not ready a little after its turn keeps loading while others play, and comes when it can: the spare takes its turn, or
  what is on screen another one (`loading`).
- What cannot be made ready in its time (`limit_s`) is skipped and reported, and tried again after a pause that doubles, up to
  an hour.
- When every item is in such a pause the screen keeps what it has; there is no hot loop.
- A playlist that changes is taken up at the edge of the item on screen; after one that does not repeat, the region is empty. What
  it lists no more leaves soon, and as soon as the next is ready where somebody asked for the content anew.
- Each showing ends in exactly one `PlayRecord` (`showing`), emitted before the next one's `ShowItem`; where that one fades in over
  a clip that still runs, when the last of the clip was seen. What was covered ends there, `interrupted`, and so does the rest of it
  afterwards.

Times are `Moment`s: `mono` (seconds, monotonic) for durations, `wall` (seconds since the epoch, UTC) for the record.
"""

from __future__ import annotations

import math
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
    PlayResult,
    PrepareFailed,
    Recover,
    Release,
    Reloaded,
    Report,
    Resumed,
    ShowItem,
    Skipped,
    Stopped,
    Ticked,
    Uncovered,
)
from player.core.loading import Loading
from player.core.order import Order
from player.core.showing import GONE, Coming, Fading, OnScreen
from player.core.turns import DEFAULT_DURATION_S, HOLD_S, WITHDRAWN_S, limit_s


class RegionMachine:
    """The state of one region. `handle` returns the effects to carry out, in order; `wake_at` is when to send `Ticked`.

    `seed` decides the order of a shuffled playlist: regions with the same one, and the same playlist, show the same.
    """

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.on_screen: OnScreen | None = None
        self._order = Order(seed)
        self._loading = Loading(self._order)
        self._fading: Fading | None = None
        self._skip = False
        self._covered: str | None = None
        self._stopped = False

    def __repr__(self) -> str:
        shown = str(self.on_screen.item) if self.on_screen else "nothing"
        awaited = str(self._loading.awaited.item) if self._loading.awaited else "nothing"
        return f"<Region {self.name}: {shown} on screen, {awaited} coming>"

    @property
    def playlist(self) -> Playlist:
        """What it plays."""
        return self._order.playlist

    @property
    def is_empty(self) -> bool:
        """Whether nothing is on screen, nor on its way there."""
        return self.on_screen is None and self._loading.awaited is None

    @property
    def settled(self) -> bool:
        """Whether the region can do no better at the moment: its next item is ready, or none can be made ready."""
        return self._loading.awaited is None or any(one.ready for one in self._loading.all)

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
        moments = self._loading.wakes(self.on_screen)
        if self._fading:
            moments.append(self._fading.over.mono)
        if self.on_screen and self._covered is None:
            moments += self.on_screen.wakes()
        if self._loading.awaited is None:
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
                self._loading.resumed = event
            case ItemPrepared():
                self._loading.prepared(event, effects)
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
            case Reloaded():
                self._cut_unlisted(at)
            case PlayAsked():
                self._loading.asked = event
                self._skip = True
                self._loading.drop_all(effects)
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
        self._loading.changed(effects)
        if showing and not self._order.holds(showing.item):
            showing.withdraw(at, within_s=WITHDRAWN_S)

    def _cut_unlisted(self, at: Moment) -> None:
        if self.on_screen and self.on_screen.unlisted:
            self.on_screen.withdraw(at, within_s=0.0)

    def _prepare_failed(self, token: int, code: str, reason: str, at: Moment, effects: list[Effect]) -> None:
        if one := self._loading.find(token):
            self._skip = self._skip and one.seconds is None  # what was asked for cannot be shown: the item on screen stays
            self._loading.drop(one, effects, late=code == "timeout")
            self._blame(one.item, code, reason, at, effects)

    def _ended(self, token: int, at: Moment) -> None:
        if self.on_screen and self.on_screen.token == token:
            self.on_screen.ended, self.on_screen.ends = True, at.mono

    def _broke(self, token: int, code: str, reason: str, at: Moment, effects: list[Effect]) -> None:
        showing = self.on_screen
        if showing and showing.token == token and not showing.broken:
            showing.broken = showing.ended = True
            self._blame(showing.item, code, reason, at, effects)
            effects += showing.played(at, PlayResult.FAILED, reason)
        else:
            self._prepare_failed(token, code, reason, at, effects)

    def _blame(self, item: Item, code: str, reason: str, at: Moment, effects: list[Effect]) -> None:
        self._order.failed(item, at.mono)
        effects.append(Report(item, code, reason))

    def _skipped(self, step: int, effects: list[Effect]) -> None:
        if step < 0:
            self._loading.drop_all(effects)
            self._order.step_back()
        self._skip = True

    def _cover(self, by: str, at: Moment, effects: list[Effect]) -> None:
        if self._covered is not None:
            return
        self._cut_fade(at, by, effects)
        self._covered = by
        if showing := self.on_screen:
            effects += [*showing.cover(by, at), Hold(showing.token, held=True)]

    def _uncover(self, at: Moment, effects: list[Effect]) -> None:
        self._covered = None
        showing = self.on_screen
        if showing and showing.uncover(at):
            effects.append(Hold(showing.token, held=False))

    def _stop(self, reason: str, at: Moment, effects: list[Effect]) -> None:
        self._cut_fade(at, reason, effects)
        if self.on_screen:
            effects += self.on_screen.played(at, PlayResult.INTERRUPTED, reason)
        self._stopped = True

    # --- what follows

    def _advance(self, at: Moment, effects: list[Effect]) -> None:
        for one in self._loading.too_slow(at.mono):
            words = f"was not ready to be shown within {limit_s(one.item):.0f} s"
            self._prepare_failed(one.token, "timeout", words, at, effects)
        if self._loading.awaited is None:
            self._loading.prepare_next(self.on_screen, at, effects, hurried=self._skip)
        self._loading.prepare_spare(self.on_screen, at, effects)
        if self._covered is None and (self._skip or self.on_screen is None or self.on_screen.is_over(at.mono)):
            self._switch(at, effects)

    def _switch(self, at: Moment, effects: list[Effect]) -> None:
        awaited, spare, showing = self._loading.awaited, self._loading.spare, self.on_screen
        if awaited and awaited.ready:
            self._bring_on(awaited, at, effects)
        elif spare and spare.ready and (showing is None or showing.is_overdue(at.mono)):
            self._bring_on(spare, at, effects)
        elif showing and awaited is None:
            self._stay_or_leave(showing, at, effects)
        elif showing and awaited and showing.ends is not None and at.mono >= showing.ends + HOLD_S:
            self._stay_for_another_turn(showing, awaited, at, effects)

    def _bring_on(self, coming: Coming, at: Moment, effects: list[Effect]) -> None:
        """`coming` (the awaited item, or the spare one before it) takes the screen."""
        showing, awaited = self.on_screen, self._loading.take(coming)
        transition = self._transition(coming.item, showing)
        if showing:
            self._fade_out(math.inf, effects)  # the stage ends one fade before it begins the next
            self._fading = showing.leave(transition, at, skipped=self._skip)
            self._fade_out(at.mono, effects)
        effects.append(ShowItem(coming.token, coming.item, showing.token if showing else None, transition))
        self._order.took(coming.item, coming.position)
        self.on_screen = coming.shown(at, overlap_s=self._overlap(coming.item))
        self._skip = False
        if awaited:
            awaited.position = None  # it comes when it can, and the order goes on from here
            self._skip = awaited.seconds is not None
            return
        self._loading.prepare_next(self.on_screen, at, effects, hurried=False)
        self._loading.drop(self._loading.spare, effects)

    def _fade_out(self, now: float, effects: list[Effect]) -> None:
        """The play of what faded, once the last of it was seen."""
        if self._fading and now >= self._fading.over.mono:
            effects += self._fading.played()
            self._fading = None

    def _cut_fade(self, at: Moment, reason: str, effects: list[Effect]) -> None:
        """What fades is seen no longer."""
        if self._fading:
            effects += self._fading.cut(at, reason)
            self._fading = None

    def _stay_or_leave(self, showing: OnScreen, at: Moment, effects: list[Effect]) -> None:
        """Due, and nothing can follow: an item alone begins another showing where it stands, an unwanted one leaves."""
        if self._order.following is None:
            whole = showing.ended or bool(self.playlist.items)
            result, reason = (PlayResult.COMPLETE, None) if whole else (PlayResult.INTERRUPTED, GONE)
            effects += [*showing.played(at, result, reason), Release(showing.token)]
            self.on_screen = None
        elif self._order.holds(showing.item) and showing.stays and self._order.next(at.mono, awaited=None):
            effects += showing.played(at, PlayResult.COMPLETE, None)
            self.on_screen = showing.again(showing.planned_s, at)
        self._skip = False

    def _stay_for_another_turn(self, showing: OnScreen, awaited: Coming, at: Moment, effects: list[Effect]) -> None:
        """Nothing but itself can be had instead of what is awaited, which is not to wait for hours then."""
        if showing.stays and self._order.holds(showing.item):
            effects += showing.played(at, PlayResult.COMPLETE, None)
            self.on_screen = showing.again(min(showing.planned_s, DEFAULT_DURATION_S), at)
            awaited.position = None

    # --- from one to the next

    def _overlap(self, item: Item) -> float:
        """How long before a clip's end the one after it begins to come."""
        if not item.kind.ends_by_itself:
            return 0.0
        awaited = self._loading.awaited
        following = self._order.next(math.inf, awaited=awaited.item if awaited else None)
        transition = (following[0].transition if following else None) or self.playlist.transition
        if transition.kind is TransitionKind.CUT or (following and following[0] == item):
            return 0.0
        return transition.duration_s

    def _transition(self, item: Item, showing: OnScreen | None) -> Transition:
        if showing is None or showing.broken or showing.item == item:
            return CUT
        return item.transition or self.playlist.transition
