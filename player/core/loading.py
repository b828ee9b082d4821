"""What is made ready in one region, behind the item on screen: an awaited one, and a spare one. Pure; times as in `playback`.

What ages while it waits (a stream, a page) is prepared some seconds before its turn. While what is awaited is not ready, something
else is prepared beside it, so that nothing broken holds up the rest.
"""

from __future__ import annotations

import math

from player.core.content import Item
from player.core.cues import Effect, ItemPrepared, Moment, PlayAsked, PrepareItem, Recover, Release, Resumed
from player.core.order import Order
from player.core.showing import Coming, OnScreen
from player.core.turns import PAGE_LEAD_S, SPARE_AFTER_S, SPARE_FIRST_S, SPARE_LEAD_S, STREAM_LEAD_S, limit_s


class Loading:
    """Takes the items from `order`. What is to be done goes to the `effects` that a method is handed.

    `asked` is what somebody wants to see next, `resumed` where the region was when another stage ended.
    """

    def __init__(self, order: Order) -> None:
        self.awaited: Coming | None = None
        self.spare: Coming | None = None
        self.asked: PlayAsked | None = None
        self.resumed: Resumed | None = None
        self._order = order
        self._tokens = 0

    @property
    def all(self) -> list[Coming]:
        """What is being made ready, or is ready."""
        return [one for one in (self.awaited, self.spare) if one]

    def find(self, token: int) -> Coming | None:
        """What has this token."""
        return next((one for one in self.all if one.token == token), None)

    def too_slow(self, now: float) -> list[Coming]:
        """What could not be made ready in its time."""
        return [one for one in self.all if not one.ready and now >= one.since + limit_s(one.item)]

    def wakes(self, showing: OnScreen | None) -> list[float]:
        """When time alone changes something here, beside `showing`; infinite for never."""
        moments = [one.since + limit_s(one.item) for one in self.all if not one.ready]
        if self.awaited and not self.awaited.ready and self.spare is None:
            moments.append(_spare_from(self.awaited, showing))
        return moments

    # --- what became of it

    def prepared(self, event: ItemPrepared, effects: list[Effect]) -> None:
        """Something is ready."""
        if one := self.find(event.token):
            one.ready, one.natural_s, one.stand_in = True, event.natural_s, event.stand_in
            if self._order.could_be_had(one.item):
                effects.append(Recover(one.item))

    def changed(self, effects: list[Effect]) -> None:
        """The order has another playlist: what that one does not want next goes, unless somebody asked for it."""
        if awaited := self.awaited:
            expected = self._order.following if awaited.position is not None else awaited.item
            if awaited.seconds is None and not (awaited.item == expected and self._order.holds(awaited.item)):
                self.drop(awaited, effects)
        self.drop(self.spare, effects)

    def take(self, one: Coming) -> Coming | None:
        """`one` goes on screen. Returns what is awaited still, where `one` was the spare."""
        if one is self.spare:
            self.spare = None
            return self.awaited
        self.awaited = None
        return None

    def drop(self, one: Coming | None, effects: list[Effect], *, late: bool = False) -> None:
        """Nobody wants `one` any more; `late`: since it was not ready in its time."""
        if one is None:
            return
        effects.append(Release(one.token, late))
        if one is self.awaited:
            self.awaited = None
        else:
            self.spare = None

    def drop_all(self, effects: list[Effect]) -> None:
        """Nobody wants anything of it any more."""
        for one in self.all:
            self.drop(one, effects)

    # --- what follows

    def prepare_next(self, showing: OnScreen | None, at: Moment, effects: list[Effect], *, hurried: bool) -> None:
        """What was asked for, or the next in order, as soon as it is its time. `hurried`: `showing` is to go now."""
        if asked := self.asked:
            self.asked = None
            self.awaited = self._prepare(asked.item, None, asked.seconds, at, effects)
            return
        place, found = self._where_it_was(at)
        found = found or self._order.next(at.mono, awaited=None)
        if found is None:
            return
        item, position = found
        if self.spare and self.spare.item == item:
            self.awaited, self.spare = self.spare, None
        elif hurried or _is_its_time(item, showing, at):
            self.awaited = self._prepare(item, position, None, at, effects, place)

    def _where_it_was(self, at: Moment) -> tuple[Resumed | None, tuple[Item, int] | None]:
        """After a restart, once: the item that was on screen, and its place in the order."""
        place = self.resumed
        if place is None or not self._order.playlist.items:
            return None, None
        self.resumed = None
        found = self._order.find(place.item_id, at.mono)
        if found and place.over:
            self._order.go_on_after(found[1])
        return (place, found) if found and not place.over else (None, None)

    def prepare_spare(self, showing: OnScreen | None, at: Moment, effects: list[Effect]) -> None:
        """While one is awaited: the next that is likely to be had, a file or what could be had before; else just the next."""
        awaited = self.awaited
        if awaited is None or awaited.ready or self.spare or at.mono < _spare_from(awaited, showing):
            return
        found = self._order.next(at.mono, awaited=awaited.item, likely=True) or self._order.next(at.mono, awaited=awaited.item)
        if found and not (showing and found[0] == showing.item and showing.stays):
            self.spare = self._prepare(*found, None, at, effects)

    def _prepare(
        self, item: Item, position: int | None, seconds: float | None, at: Moment, effects: list[Effect],
        place: Resumed | None = None,
    ) -> Coming:  # fmt: skip
        self._tokens += 1
        begun_s = place.position_s if place and item.kind.can_begin_later else 0.0
        effects.append(PrepareItem(self._tokens, item, begun_s, silent=place is not None and place.silent))
        return Coming(self._tokens, item, at.mono, position, seconds=seconds, begun_s=begun_s)


def _spare_from(awaited: Coming, showing: OnScreen | None) -> float:
    """From when on (monotonic) something else is prepared beside what is awaited; infinite while there is no hurry."""
    if showing is None:
        return awaited.since + SPARE_FIRST_S
    if showing.broken:
        return awaited.since + SPARE_AFTER_S
    return math.inf if showing.ends is None else max(awaited.since + SPARE_AFTER_S, showing.ends - SPARE_LEAD_S)


def _is_its_time(item: Item, showing: OnScreen | None, at: Moment) -> bool:
    """Whether `item` is worth preparing now: what is prepared early shows the past, or is away still."""
    if showing is None or showing.broken or showing.ended:
        return True
    if item == showing.item and showing.stays:
        return False  # alone in the playlist and without an end of its own: it just stays
    again = item == showing.item and showing.stand_in
    if (again or item.kind.ages) and showing.ends is not None:
        lead_s = PAGE_LEAD_S if item.kind.is_page and not again else STREAM_LEAD_S
        return at.mono >= showing.ends - lead_s
    return True
