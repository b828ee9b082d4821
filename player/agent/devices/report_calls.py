"""Reports: a file of each day that is over, which says when the player was up. A day is one of UTC.

Of what the cloud reports of a device this is what a box knows by itself; its commands and settings are in the action log.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from player.agent.control.access import Scope
from player.agent.devices import wire
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.presence_file import PresenceFile
from player.agent.devices.refusals import not_found
from player.core.ports.box import Clock
from player.core.presence import DAY_S, stretches, whole_days

REPORT = "/v1/device/{device}/report"
MOST = 500  # on a page
KIND, PREFIX, SUFFIX = "UPTIME", "uptime-", ".csv"


class ReportCalls:
    """`device` is the box's uid."""

    def __init__(self, device: str, presence: PresenceFile, clock: Clock) -> None:
        self._device, self._presence, self._clock = device, presence, clock

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        return (
            Row("GET", REPORT, self.all, Scope.READ),
            Row("GET", f"{REPORT}/{{name}}", self.one, Scope.READ),
        )

    async def all(self, call: ApiCall) -> ApiAnswer:
        """Each was made when its day was over; a page holds more than a year of them, since the client looks at no other one."""
        return call.paged(
            self._days(), _made_at, lambda day: self._shape(day, call), since="createdSince", until="createdUntil", otherwise=MOST
        )

    async def one(self, call: ApiCall) -> ApiAnswer:
        """CSV: from, to and seconds of each stretch of that day in which the player was up."""
        name = call.pieces["name"]
        for day in self._days():
            if name == _name(day):
                parts = stretches(self._presence.spans(), day, day + DAY_S)
                lines = [f"{wire.instant(part.begins)},{wire.instant(part.ends)},{part.ends - part.begins:.3f}" for part in parts]
                return ApiAnswer("\r\n".join(("from,to,seconds", *lines, "")).encode(), content_type="text/csv")
        raise not_found("report of that name")

    def _days(self) -> Sequence[float]:
        return tuple(whole_days(self._presence.spans(), self._clock.now().timestamp()))

    def _shape(self, day: float, call: ApiCall) -> dict[str, Any]:
        name = _name(day)
        return {
            "deviceUid": self._device, "type": KIND, "urn": name, "uri": f"{call.base}{call.path}/{name}",
            "createdAt": wire.instant(_made_at(day)),
        }  # fmt: skip


def _name(day: float) -> str:
    return f"{PREFIX}{datetime.fromtimestamp(day, UTC):%Y-%m-%d}{SUFFIX}"


def _made_at(day: float) -> float:
    return day + DAY_S
