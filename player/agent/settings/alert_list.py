"""Emergency alerts as the server lists them: in the stage's brief at once, their pictures after them.

A picture that cannot be had is tried again after growing pauses, however often the server lists it. Lists that keep changing are
shown at once, and written now and then: flash wears out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from player.agent.settings.brief_store import BriefStore
from player.core import alerts
from player.core.allowance import Allowance
from player.core.brief import Alert
from player.core.ports.box import Clock
from player.core.retries import Retries
from player.errors import SignageError, StorageError
from player.runtime.fault_page import FaultPage
from player.runtime.tasks import backoff

PICTURES_WAITING = 32
PICTURE_EVERY_S = 10.0  # when so many came at once, whatever their addresses
FIRST_RETRY_S, RETRY_LIMIT_S = 30.0, 3600.0
WRITES, WRITE_EVERY_S = 5, 30.0


class AlertList:
    """`fetch(url)` answers a picture's path below the cache folder; `clock_trusted` whether expiry can be judged."""

    def __init__(
        self,
        brief: BriefStore,
        clock: Clock,
        faults: FaultPage,
        *,
        clock_trusted: Callable[[], Awaitable[bool]],
        fetch: Callable[[str], Awaitable[str | None]],
    ) -> None:
        self._brief, self._clock, self._clock_trusted, self._fetch, self._faults = brief, clock, clock_trusted, fetch, faults
        self._known: dict[str, str] = {}  # alert id -> the address that its picture is, or was, fetched from
        self._wanted: asyncio.Queue[tuple[str, str]] = asyncio.Queue(PICTURES_WAITING)
        self._retries, self._allowance = Retries(), Allowance(PICTURES_WAITING, PICTURE_EVERY_S)
        self._writes = Allowance(WRITES, WRITE_EVERY_S)

    async def listed(self, listed: Sequence[Alert], pictures: Mapping[str, str]) -> None:
        """These are all that the server knows. Raises StorageError."""
        await self._keep(listed)
        self._faults.keep_only({alert.id for alert in self._brief.current.alerts})
        self._retries.keep_only(set(pictures.values()))
        for alert in self._brief.current.alerts:
            url = pictures.get(alert.id)
            due = url and self._retries.due(url, self._clock.monotonic())
            if url and due and self._known.get(alert.id) != url and not self._wanted.full():
                self._known[alert.id] = url
                self._wanted.put_nowait((alert.id, url))

    async def forget_expired(self) -> None:
        """Those whose time is over go, where the clock can be believed; what waited to be written is. Raises StorageError."""
        await self._keep(None)

    async def _keep(self, listed: Sequence[Alert] | None) -> None:
        held = self._brief.current.alerts
        if held or listed or not self._brief.is_kept:
            now = self._clock.now().timestamp()
            await self._hold(alerts.merge(held, listed, now, clock_trusted=await self._clock_trusted()))

    async def _hold(self, wanted: tuple[Alert, ...]) -> None:
        if wanted != self._brief.current.alerts or not self._brief.is_kept:
            try:
                await self._brief.change_alerts(wanted, durably=self._writes.spare(self._clock.monotonic()))
            except StorageError:
                self._writes = Allowance(WRITES, WRITE_EVERY_S)  # what a disk refuses wears nothing out
                raise

    async def run(self) -> None:
        """Fetches pictures, for ever. Without its picture an alert's words stand alone."""
        while True:
            alert_id, url = await self._wanted.get()
            await asyncio.sleep(self._allowance.take(self._clock.monotonic()))
            try:
                file = await self._fetch(url)
                if file is not None:
                    await self._hold(alerts.with_image(self._brief.current.alerts, alert_id, file))
            except SignageError as error:
                self._faults.report(
                    alert_id, error.code, f"alert {alert_id} is shown without its picture: {error}", item_id=alert_id
                )
                pause = backoff(self._retries.failures(url), first_s=FIRST_RETRY_S, limit_s=RETRY_LIMIT_S)
                self._retries.failed(url, retry_at=self._clock.monotonic() + pause, hopeless=False)
                self._known.pop(alert_id, None)
            else:
                self._retries.went_well(url)
                self._faults.clear(alert_id)
