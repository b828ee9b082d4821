"""What a programme needs, and what of it must not be shown: worked out when the programme is another, and not at each round.

A server is asked each minute, and answers the same for months; ten thousand items are looked through once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from player.agent.content.asset_fetcher import fault_key
from player.agent.content.feeds import Feeds
from player.agent.content.item_faults import ItemFaults
from player.core.assemble import Need, addressed, is_feed, needs_of
from player.core.content import Item, Programme
from player.core.onair import Listings
from player.core.schedule import Facts
from player.core.urls import check_url

TOLD_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Work:
    """One round's programme: `now` is the layout whose time it is, `left_out` the ids of items that are not to be shown."""

    programme: Programme
    needs: tuple[Need, ...]
    now: str | None
    left_out: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An item that is left out, and why."""

    item: Item
    code: str
    reason: str


class LookThrough:
    """`youtube_hosts`, `stream_hosts`: see `core.urls.check_url`. What is wrong with an item is told to `item_faults`."""

    def __init__(
        self,
        item_faults: ItemFaults,
        feeds: Feeds | None,
        *,
        youtube_hosts: Collection[str],
        stream_hosts: Collection[str],
    ) -> None:
        self._item_faults, self._feeds = item_faults, feeds
        self._youtube_hosts, self._stream_hosts = youtube_hosts, stream_hosts
        self._given, self._programme = Programme(()), Programme(())
        self._order: tuple[str, ...] | None = None
        self._needs: tuple[Need, ...] = ()
        self._bad = frozenset[str]()
        self._fed: tuple[Item, ...] = ()

    def addressed(self, given: Programme) -> Programme:
        """`given` with its addresses written out; the same object for the same one."""
        if given is not self._given:
            self._given, self._programme, self._order = given, addressed(given), None
        return self._programme

    async def work(self, listings: Listings, at: datetime, facts: Facts, shown_feeds: Iterable[Item]) -> Work:
        """What the programme that was `addressed` last needs, as it is needed. `shown_feeds`: items on air with a feed's text."""
        on_air = listings.at(at, facts).layout
        first = () if on_air is None else (on_air.id,)
        await self._look(tuple(dict.fromkeys((*first, *listings.order(at)))))
        left_out = self._bad | await self._without_text(shown_feeds)
        self._item_faults.keep_only({fault_key(need) for need in self._needs} | {_key(item_id) for item_id in left_out})
        return Work(self._programme, self._needs, on_air.id if on_air else None, left_out)

    async def _look(self, order: tuple[str, ...]) -> None:
        if order == self._order:
            return
        self._needs, lost = needs_of(self._programme, order)
        refused = await asyncio.to_thread(self._refused, lost)
        for number, one in enumerate(refused):
            if number % TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)  # there may be ten thousand
            self._refuse(one)
        self._bad = frozenset(one.item.id for one in refused)
        self._fed = tuple(item for item in self._programme.items if is_feed(item) and item.id not in self._bad)
        self._order = order

    def _refused(self, lost: Collection[Item]) -> Sequence[_Refusal]:
        """Files nobody lists, and addresses that must not be opened."""
        found = [_Refusal(item, "no_file", "the server names no file for it: upload it again") for item in lost]
        for item in self._programme.items:
            if item.kind.has_file:
                continue
            reason = check_url(item.url, item.kind, youtube_hosts=self._youtube_hosts, stream_hosts=self._stream_hosts)
            if reason:
                found.append(_Refusal(item, "bad_url", f"{reason}: correct it on the server"))
        return found

    async def _without_text(self, shown_feeds: Iterable[Item]) -> frozenset[str]:
        """Says which feeds are wanted. Nothing waits for one: an item whose feed has not come yet is left out until it has."""
        here = await self._feeds.want([*self._fed, *shown_feeds]) if self._feeds else frozenset[str]()
        return frozenset(item.id for item in self._fed if item.file not in here)

    def _refuse(self, one: _Refusal) -> None:
        item, words = one.item, f"{one.item}: {one.reason}"
        self._item_faults.state(_key(item.id), one.code, words, item_id=item.id, content_id=item.content_id)


def _key(item_id: str) -> str:
    return f"item {item_id}"
