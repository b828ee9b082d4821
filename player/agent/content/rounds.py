"""When the server is asked for its programme: at the interval, when a file may be tried again, and at once for a reason.

A server that is away, or refuses, costs nothing that plays: it is said once, and reported for as long as it lasts. One whose
programme is another each time is asked more seldom, whatever the reason, since every programme is written to flash.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from dataclasses import replace

from player.agent.content.sync import Sync
from player.core.faults import Fault
from player.core.ports.box import Clock
from player.core.ports.stage import StageStatus
from player.core.problem import ContentStanding
from player.errors import ServerUnreachable, SignageError
from player.runtime.fault_page import FaultPage
from player.runtime.tasks import Latest, jittered

log = logging.getLogger(__name__)
LOOK_S = 5.0
LONGEST_REST_S = 300.0
FIRST_REST_S = 30.0  # a box that has something to show need not be the first to ask


class Rounds:
    """`now` is set by whoever has a reason; `known` says whether the server knows this box; `seed` spreads the first round."""

    def __init__(
        self,
        sync: Sync,
        clock: Clock,
        now: asyncio.Event,
        stage: Latest[StageStatus | None],
        faults: FaultPage,
        *,
        known: Callable[[], bool],
        poll_s: float,
        seed: str,
    ) -> None:
        self._sync, self._clock, self._now, self._stage = sync, clock, now, stage
        self._known, self._poll_s = known, poll_s
        self._first_s = random.Random(seed).random() * min(poll_s, FIRST_REST_S)  # noqa: S311 - spread, not secrecy
        self._faults = faults
        self._failed: SignageError | None = None  # of the last round

    @property
    def standing(self) -> ContentStanding:
        """How it stands with the programme, and with asking for it."""
        standing = self._sync.standing
        if self._failed is None:
            return standing
        asking = Fault(self._failed.code, str(self._failed), self._clock.now().timestamp())
        return replace(standing, faults=(asking, *standing.faults))

    async def run(self) -> None:
        """One round after the other, for ever."""
        if self._sync.manifest is not None:
            await self._rest(self._first_s)
        while True:
            if not self._known():
                await self._rest(LOOK_S)
                continue
            await self._round()
            await asyncio.sleep(min(LONGEST_REST_S, self._sync.rest_s()))  # after a change, whoever pokes
            retry = self._sync.retry_in_s()
            await self._rest(min(jittered(self._poll_s), max(1.0, retry)) if retry is not None else jittered(self._poll_s))

    async def follow_panel(self) -> None:
        """Files are prepared for the panel's size: another size is a reason for a round."""
        size = ""
        while True:
            status = await self._stage.wait()
            if status is not None:
                if size and status.size != size:
                    self._now.set()
                size = status.size

    async def _round(self) -> None:
        try:
            await self._sync.once()
            self._failed = None
        except ServerUnreachable as error:  # the contact says so; and this may be a pause after what was said before
            log.debug("the programme was not updated; what is here plays on: %s", error)
        except SignageError as error:
            self._failed = error
            self._faults.report("", "programme", f"the programme cannot be updated; what is here plays on: {error}")
        else:
            self._faults.clear()

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._now.wait()
        self._now.clear()
