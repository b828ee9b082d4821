"""The rhythm with the server: introduce the box until it is paired, then tell how it is and hear what is wanted (contract §3.2).

Intervals are jittered and first contacts spread, so that ten thousand boxes do not call in step (N15). A server that forgot the
box costs it nothing that it has: it shows its code again. One that refuses it is asked
rarely and obeyed in nothing (N16). The server's time is compared and reported, never taken over (T7).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from player.agent.commands.runner import CommandRunner
from player.agent.reports.results_outbox import ResultsOutbox
from player.agent.settings.brief_store import BriefStore
from player.agent.settings.screen_lock import ScreenLock
from player.core import alerts
from player.core.faults import Fault
from player.core.ports.box import Clock
from player.core.ports.server import AppUpdate, Cms, HeartbeatAnswer, Registration, Telemetry
from player.errors import BoxError, DeviceForgotten, ServerBusy, ServerError, ServerRefused, SignageError, StorageError
from player.runtime.tasks import Latest, backoff, jittered

log = logging.getLogger(__name__)
SHORTEST_S, LONGEST_S, REFUSED_S = 1.0, 3600.0, 300.0
IMAGES_WAITING = 32
FAULTS = 100  # more are of no use to anybody, and a heartbeat stays small


@dataclass(frozen=True, slots=True)
class Contact:
    """How it stands with the server. `offset_s`: its clock less ours. `refused`: it does not want this box."""

    online: bool = False
    last_contact: float | None = None
    offset_s: float | None = None
    refused: bool = False
    paired: bool | None = None
    update: AppUpdate | None = None
    faults: tuple[Fault, ...] = ()


class Heartbeat:
    """`contact` tells every change. `faults` are asked at each call; `fetch_image(url)` answers a path below the cache folder."""

    def __init__(
        self,
        cms: Cms,
        *,
        clock: Clock,
        brief: BriefStore,
        lock: ScreenLock,
        commands: CommandRunner,
        results: ResultsOutbox,
        telemetry: Callable[[], Awaitable[Telemetry]],
        faults: Sequence[Callable[[], Iterable[Fault]]],
        fetch_image: Callable[[str], Awaitable[str | None]],
        clock_trusted: Callable[[], Awaitable[bool]],
        interval_s: float,
        register_s: float,
        seed: str,
    ) -> None:
        self._cms, self._clock, self._brief, self._lock = cms, clock, brief, lock
        self._commands, self._results, self._telemetry = commands, results, telemetry
        self._faults, self._fetch_image, self._clock_trusted = faults, fetch_image, clock_trusted
        self._interval_s, self._register_s = interval_s, register_s
        self._phase = random.Random(seed).random()  # noqa: S311 - spread, not secrecy
        self._images: dict[str, str] = {}
        self._disk: Fault | None = None
        self._wanted_images: asyncio.Queue[tuple[str, str]] = asyncio.Queue(IMAGES_WAITING)
        self._now = asyncio.Event()
        self.contact: Latest[Contact] = Latest(Contact(paired=brief.current.cards.paired))

    def poke(self) -> None:
        """Something worth telling happened: the next heartbeat comes now."""
        self._now.set()

    def fault_list(self) -> tuple[Fault, ...]:
        """What every part has to say, the server's own parts included."""
        mine = (*self.contact.value.faults, *((self._disk,) if self._disk else ()))
        return tuple(fault for source in (lambda: mine, *self._faults) for fault in source())[:FAULTS]

    async def run(self) -> None:
        """Calls for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._call(), name="heartbeat")
            tasks.create_task(self._fetch_images(), name="pictures of alerts")

    async def _call(self) -> None:
        if self._brief.current.cards.paired:
            await self._rest(self._phase * self._interval_s)
        introduced, attempt = False, 0
        while True:
            try:
                if not introduced or not self._brief.current.cards.paired:
                    await self._register()
                    introduced = True
                if self._brief.current.cards.paired:
                    await self._beat()
                attempt = 0
                await self._rest(jittered(self._interval_s if self._brief.current.cards.paired else self._register_s))
            except ServerError as error:
                final = isinstance(error, ServerRefused)
                introduced = introduced or (final and bool(self._brief.current.cards.paired))
                await self._rest(await self._failed(error, attempt))
                attempt += 1

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._now.wait()
        self._now.clear()

    # --- introducing the box -------------------------------------------------------------------------------------------

    async def _register(self) -> None:
        answer = await self._cms.register()
        self._reached()
        await self._paired(answer.paired, answer)
        await self._kept(self._lock.server_says(answer.locked, answer.lock_pin))

    async def _paired(self, paired: bool, answer: Registration | None = None) -> None:
        """The settings follow pairing; a box that was forgotten keeps its name until it gets another."""
        before = self._brief.current.cards
        code = None if paired else (answer.pairing_code if answer else before.pairing_code)
        name = (answer.device_name if answer else None) or before.device_name
        if paired is not before.paired:
            log.info("this box is %s", f"paired as {name!r}" if paired else "not paired; its code is on the screen")
        elif code != before.pairing_code:
            log.info("the pairing code is %s", code)
        await self._kept(self._brief.change_cards(paired=paired, pairing_code=code, device_name=name))
        self._tell(paired=self._brief.current.cards.paired)

    # --- telling and hearing -------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        results = self._results.for_heartbeat()
        telemetry = await self._telemetry()
        telemetry = replace(telemetry, extra={**telemetry.extra, "is_locked": self._lock.locked})
        sent = self._clock.monotonic()
        answer = await self._cms.heartbeat(telemetry, self.fault_list(), results)
        self._reached()
        self._results.told(results)
        self._measure(answer, self._clock.monotonic() - sent)
        await self._apply(answer)

    async def _apply(self, answer: HeartbeatAnswer) -> None:
        """Alerts first: they are what cannot wait."""
        await self._alerts(answer)
        if answer.heartbeat_interval_s is not None:
            self._interval_s = min(max(answer.heartbeat_interval_s, SHORTEST_S), LONGEST_S)
        self._tell(update=answer.update, faults=answer.faults, refused=False)
        if answer.paired is False:
            log.warning("the server does not know this box any more; what it has plays on")
            await self._paired(False)
            self.poke()
            return
        await self._kept(self._lock.server_says(answer.locked, answer.lock_pin))
        await self._commands.offer(answer.commands)

    async def _alerts(self, answer: HeartbeatAnswer) -> None:
        now, held = self._clock.now().timestamp(), self._brief.current.alerts
        if held or answer.alerts:
            merged = alerts.merge(held, answer.alerts, now, clock_trusted=await self._trusted())
            await self._kept(self._brief.change_alerts(merged))
        for alert in self._brief.current.alerts:
            url = answer.alert_images.get(alert.id)
            if url and self._images.get(alert.id) != url and not self._wanted_images.full():
                self._images[alert.id] = url
                self._wanted_images.put_nowait((alert.id, url))

    async def _trusted(self) -> bool:
        """A clock that nobody can vouch for is not trusted."""
        try:
            return await self._clock_trusted()
        except BoxError:
            return False

    async def _fetch_images(self) -> None:
        """A picture follows its alert; without it the words stand alone."""
        while True:
            alert_id, url = await self._wanted_images.get()
            try:
                file = await self._fetch_image(url)
                if file is not None:
                    await self._brief.change_alerts(alerts.with_image(self._brief.current.alerts, alert_id, file))
            except SignageError as error:
                log.warning("the picture of alert %s: %s", alert_id, error)
                self._images.pop(alert_id, None)

    def _measure(self, answer: HeartbeatAnswer, took_s: float) -> None:
        if answer.server_time is not None:
            self._tell(offset_s=round(answer.server_time + took_s / 2 - self._clock.now().timestamp(), 1))

    # --- when it fails -------------------------------------------------------------------------------------------------

    async def _failed(self, error: ServerError, attempt: int) -> float:
        """What a failure means, and the seconds until the next try."""
        if isinstance(error, DeviceForgotten) and self._brief.current.cards.paired:
            log.warning("the server does not know this box any more; what it has plays on: %s", error)
            self._reached()
            await self._paired(False)
            return jittered(min(self._register_s, self._interval_s), 0.5)
        if isinstance(error, ServerRefused):
            if not self.contact.value.refused:
                log.warning("the server refuses this box; what it has plays on: %s", error)
            sentence = f"{error}; ask whoever runs the server whether this box still belongs to it"
            self._tell(online=True, refused=True, faults=(self._since("server_refused", sentence),))
            return jittered(max(REFUSED_S, self._interval_s) if attempt else self._interval_s)
        if self.contact.value.online:
            log.info("no contact with the server, what is here plays on: %s", error)
        self._tell(online=False, faults=(self._since(error.code, str(error)),))
        spread = backoff(attempt, first_s=self._interval_s, limit_s=max(300.0, self._interval_s))
        return max(spread, error.retry_after_s or 0.0) if isinstance(error, ServerBusy) else spread

    async def _kept(self, change: Awaitable[object]) -> None:
        """Makes a change that is kept on disk; a disk that refuses costs that change, and is reported once (S3)."""
        try:
            await change
        except StorageError as error:
            if self._disk is None:
                log.warning("what the server wants cannot be kept: %s", error)
                self._disk = Fault(error.code, f"what the server wants cannot be kept: {error}", self._clock.now().timestamp())
        else:
            self._disk = None

    def _since(self, code: str, sentence: str) -> Fault:
        """A fault of the connection, with the time when it began."""
        before = next((fault for fault in self.contact.value.faults if fault.code == code), None)
        return Fault(code, sentence, before.since if before else self._clock.now().timestamp())

    def _reached(self) -> None:
        if not self.contact.value.online:
            log.info("in contact with the server")
        self._tell(online=True, last_contact=self._clock.now().timestamp(), refused=False, faults=())

    def _tell(self, **changes: object) -> None:
        self.contact.set(replace(self.contact.value, **changes))  # type: ignore[arg-type]  # fields of Contact, by name
