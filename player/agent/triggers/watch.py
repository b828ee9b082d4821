"""Has the stage show what a rule answers to a broadcast with, at once, and counts what came of it.

Nothing of what comes is waited for while it is taken in. What cannot be read costs that message and is a fault for as long as it is
news; a rule whose items could not be shown may answer again soon.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import assert_never

from player.agent.reports.status import TriggerFigures, TriggerOutcome
from player.core.ports.box import Clock
from player.core.ports.server import Missed, Reached
from player.core.ports.stage import ShowTrigger, StagePort
from player.core.ports.triggers import Misread, OtherSort, Triggered, TriggerEvent
from player.core.triggers import Broadcast, RuleStanding, TriggerBook, TriggerRule, told
from player.errors import BoxError
from player.runtime.fault_page import FaultPage

log = logging.getLogger(__name__)
LAST = 20
LEAD_S = 2.0  # a clock that differs less from the source's does so by the second that the source's is told in
SORTS = 20
NEWS_S = 3600.0  # so long a message that could not be read is a fault


class TriggerWatch:
    """Implements `TriggerInbox`. `place`: where the source is, for people."""

    def __init__(self, place: str, rules: Sequence[TriggerRule], stage: StagePort, clock: Clock, faults: FaultPage) -> None:
        self._place, self._book, self._stage, self._clock, self._faults = place, TriggerBook(rules), stage, clock, faults
        self._answers: asyncio.Queue[tuple[TriggerRule, Broadcast]] = asyncio.Queue()
        self._last: deque[TriggerOutcome] = deque(maxlen=LAST)
        self._passed_over: Counter[str] = Counter()
        self._received = self._shown = self._unread = 0
        self._lead_s, self._online = 0.0, False
        self._unread_at = 0.0

    def __repr__(self) -> str:
        return f"<triggers of {self._place}: {self._received} received, {self._shown} shown>"

    @property
    def figures(self) -> TriggerFigures:
        """What came, and what came of it."""
        last = tuple(reversed(self._last))
        return TriggerFigures(self._place, self._online, self._received, self._shown, self._unread, dict(self._passed_over), last)

    @property
    def standings(self) -> Mapping[str, RuleStanding]:
        """How it stands with each rule, by its name."""
        return self._book.standings(wall=self._clock.now().timestamp(), mono=self._clock.monotonic())

    # --- in

    async def put(self, event: TriggerEvent) -> None:
        """Takes one event in."""
        match event:
            case Reached(offset_s):
                self._reached(offset_s)
            case Missed(error):
                self._online = False
                self._faults.report("contact", error.code, f"Spotwatch: {error}", count=1)
            case Triggered(broadcast):
                self._judge(broadcast)
            case OtherSort(sort):
                if sort in self._passed_over or len(self._passed_over) < SORTS:
                    self._passed_over[sort] += 1
            case Misread(code, reason, count):
                self._unread, self._unread_at = self._unread + count, self._clock.monotonic()
                self._faults.report(code, code, reason, count=count)
            case _:
                assert_never(event)

    def _reached(self, offset_s: float | None) -> None:
        self._faults.clear("contact")
        self._online = True
        self._lead_s = offset_s if offset_s is not None and abs(offset_s) > LEAD_S else 0.0
        if self._clock.monotonic() > self._unread_at + NEWS_S:
            self._faults.keep_only(())

    def _judge(self, broadcast: Broadcast) -> None:
        self._received += 1
        verdict = self._book.judge(broadcast, wall=self._clock.now().timestamp() + self._lead_s, mono=self._clock.monotonic())
        if verdict.rule is None:
            log.debug("%s: %s", broadcast, verdict.because)
        else:
            self._answers.put_nowait((verdict.rule, broadcast))

    # --- out

    async def run(self) -> None:
        """Has shown what triggers answer with, one task each, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                rule, broadcast = await self._answers.get()
                group.create_task(self._answer(rule, broadcast), name=f"trigger {rule.name}")

    async def _answer(self, rule: TriggerRule, broadcast: Broadcast) -> None:
        await asyncio.sleep(rule.delay_s)
        shown_at, because = None, ""
        try:
            shown_at = (await self._stage.ask(ShowTrigger(rule.name, told(rule, broadcast)))).at
        except BoxError as error:
            because = error.reason
            self._book.refused(rule, because, self._clock.monotonic())
            log.info("the trigger %s is not shown for %s: %s", rule.name, broadcast, because)
        else:
            self._shown += 1
            log.info("the trigger %s is shown for %s", rule.name, broadcast)
        self._last.append(TriggerOutcome(
            rule.name, broadcast.id, broadcast.brand, broadcast.channel, broadcast.detected_at, broadcast.received_at, shown_at,
            because, broadcast.preview,
        ))  # fmt: skip
