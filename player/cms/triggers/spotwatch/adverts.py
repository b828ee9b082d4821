"""What is known of advertisements that came by their ids alone: asked for once, several together, and kept for a day."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from player.cms.triggers.spotwatch.api import SpotwatchApi
from player.cms.triggers.spotwatch.words import ReadBroadcast, with_ad
from player.core.ports.box import Clock
from player.core.triggers import Broadcast
from player.errors import ServerError

log = logging.getLogger(__name__)
KEPT_S, KEPT, TOGETHER = 86_400.0, 2000, 50
LARGEST = 16 * 1024  # bytes of what is said of one


class Adverts:
    """`base` is the server's address."""

    def __init__(self, api: SpotwatchApi, base: str, clock: Clock) -> None:
        self._api, self._base, self._clock = api, base, clock
        self._kept: dict[str, tuple[float, Mapping[str, Any]]] = {}

    async def completed(self, readings: Sequence[ReadBroadcast]) -> list[Broadcast]:
        """The broadcasts, with what is known of their advertisements; where the server does not say, as they came."""
        lacking = {one.broadcast.ad_id for one in readings if one.lacks_ad}
        await self._learn([name for name in lacking if not self._is_fresh(name)][:TOGETHER])
        return [self._with_ad(one) for one in readings]

    def _with_ad(self, one: ReadBroadcast) -> Broadcast:
        kept = self._kept.get(one.broadcast.ad_id) if one.lacks_ad else None
        return with_ad(one.broadcast, kept[1], self._base) if kept else one.broadcast

    def _is_fresh(self, name: str) -> bool:
        return name in self._kept and self._clock.monotonic() - self._kept[name][0] < KEPT_S

    async def _learn(self, names: Sequence[str]) -> None:
        if not names:
            return
        try:
            found = await self._api.ads(names)
        except ServerError as error:
            log.debug("advertisements are not known: %s", error)
            return
        now = self._clock.monotonic()
        self._kept |= {name: (now, _of_sensible_size(found.get(name, {}))) for name in names}
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]


def _of_sensible_size(said: Mapping[str, Any]) -> Mapping[str, Any]:
    return said if len(msgspec.json.encode(said)) <= LARGEST else {}
