"""The log of the player's units, secrets removed, and the tests that it makes of its own machine."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from player.agent.control.access import Scope
from player.agent.devices import bodies, wire
from player.agent.devices.asking import Asking
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.effects import EffectOutcome
from player.agent.devices.refusals import not_found
from player.core.actions import ActionKind
from player.core.ports.box import Clock, LoggedLine, SystemLog
from player.errors import BoxError

SYSTEM_LOG, TESTS = "/v1/device/{device}/system-log", "/v1/device/{device}/test"
TESTED_WITHIN_S = 90.0
DAY_S, STEP_S = 86400.0, 0.001
_TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) ")


@dataclass(frozen=True, slots=True)
class FeatureRun:
    """What was found, by the tests' names: the result in words, and whether it is sound; None of them: not run yet."""

    began_at: float
    ended_at: float | None
    asked: tuple[str, ...]
    found: Mapping[str, tuple[bool, str]]


class LogCalls:
    """`system_log` has a day of it and more; `read_logs` the last lines of both daemons, by their names, where that is not told.

    `examine` answers what `doctor` finds: ability, result, detail of each; `redactor` makes what takes secrets out of a line.
    """

    def __init__(
        self, device: str, asking: Asking, clock: Clock, system_log: SystemLog,
        read_logs: Callable[[], Awaitable[Mapping[str, Sequence[str]]]], redactor: Callable[[], Callable[[str], str]],
        examine: Callable[[], Awaitable[Sequence[Mapping[str, Any]]]],
    ) -> None:  # fmt: skip
        self._device, self._asking, self._clock, self._examine = device, asking, clock, examine
        self._system_log, self._read_logs, self._redactor = system_log, read_logs, redactor
        self._run: FeatureRun | None = None

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        return (
            Row("GET", SYSTEM_LOG, self.system_log, Scope.ADMIN),
            Row("GET", TESTS, self.tests, Scope.READ),
            Row("PUT", TESTS, self.test, Scope.CONTROL),
        )

    async def system_log(self, call: ApiCall) -> ApiAnswer:
        """What the player's units said, by pages; of the last day, unless `since` and `until` say otherwise.

        Where the system tells nothing, the last lines of both daemons, and before them why there are no others.
        """
        wanted = call.page_wanted()
        until = self._now() if wanted.until is None else wanted.until
        since = until - DAY_S if wanted.since is None else wanted.since
        stretch = replace(call, query={**call.query, "since": (wire.instant(since),)})  # the next page is of the same one
        try:
            found = apart(await self._system_log.lines(since, until, newest_first=wanted.descending))
        except BoxError as error:
            return call.paged(await self._kept_lines(str(error)), lambda one: one.at, self._line)
        redact = await asyncio.to_thread(self._redactor)  # it reads files
        return stretch.paged([replace(one, words=redact(one.words)) for one in found], lambda one: one.at, self._line)

    async def _kept_lines(self, reason: str) -> Sequence[LoggedLine]:
        kept = merged(await self._read_logs())
        at = max([round(self._now(), 3), *(round(line.at + STEP_S, 3) for line in kept[-1:])])
        return (*kept, LoggedLine(at, "signage-agent", f"{reason}; these are the last {len(kept)} lines of the running daemons"))

    def _line(self, line: LoggedLine) -> dict[str, Any]:
        return {"deviceUid": self._device, "createdAt": wire.instant(line.at), "unit": line.unit, "message": line.words}

    async def test(self, call: ApiCall) -> ApiAnswer:
        """{tests}: those, by the names of `doctor`'s findings; none: all."""
        asked = call.read(bodies.FeatureTestsBody).tests

        async def effect() -> EffectOutcome:
            began_at = self._now()
            wanted: Mapping[str, tuple[bool, str]] = dict.fromkeys(asked, (False, "it was not made"))
            self._run = FeatureRun(began_at, None, asked, {})
            try:
                wanted = judged(asked, await self._examine())
            finally:
                self._run = FeatureRun(began_at, self._now(), asked, wanted)
            failed = [name for name, (sound, _) in wanted.items() if not sound]
            return EffectOutcome(f"{len(wanted)} tests were made; failed: {', '.join(failed) or 'none'}", confirmed=True)

        return self._asking.ask(call, ActionKind.FEATURE_TEST, {"tests": list(asked)}, effect, deadline_s=TESTED_WITHIN_S)

    async def tests(self, _: ApiCall) -> ApiAnswer:
        """What the last run of the tests found."""
        run = self._run
        if run is None:
            raise not_found("run of the tests; PUT makes one")
        ended = run.ended_at is not None
        return ApiAnswer({
            "deviceUid": self._device, "createdAt": wire.instant(run.began_at), "finishedAt": wire.instant_or_none(run.ended_at),
            "pendingTests": [] if ended else list(run.asked),
            "successfulTests": [name for name, (sound, _) in run.found.items() if sound],
            "failedTests": [name for name, (sound, _) in run.found.items() if not sound],
            "testResults": {name: words for name, (_, words) in run.found.items()},
        })  # fmt: skip

    def _now(self) -> float:
        return self._clock.now().timestamp()


def judged(asked: Sequence[str], findings: Sequence[Mapping[str, Any]]) -> Mapping[str, tuple[bool, str]]:
    """What `doctor` found of those that were asked for, or of all: whether it is sound, and in words. Raises BoxError: nothing."""
    if not findings:
        raise BoxError("feature tests", "`signage-player doctor` did not come to an end")
    found = {str(one["ability"]): (one["result"] != "failed", f"{one['result']}: {one['detail']}") for one in findings}
    return {name: found.get(name, (False, "there is no such test")) for name in asked} or found


def merged(logs: Mapping[str, Sequence[str]]) -> Sequence[LoggedLine]:
    """The lines of several daemons by their time, oldest first; a line without one belongs to the one before it."""
    lines = []
    for unit, texts in logs.items():
        at = 0.0
        for text in texts:
            begins = _TIME.match(text)
            at = datetime.fromisoformat(f"{begins[1]}.{begins[2]}").timestamp() if begins else at
            lines.append(LoggedLine(at, f"signage-{unit}", text[begins.end() :] if begins else text))
    return apart(lines)


def apart(lines: Sequence[LoggedLine]) -> Sequence[LoggedLine]:
    """Oldest first, each a millisecond after the one before where both were at once: a list is paged by that."""
    found: list[LoggedLine] = []
    for line in sorted(lines, key=lambda one: one.at):
        at = round(line.at, 3)
        found.append(replace(line, at=max(at, round(found[-1].at + STEP_S, 3)) if found else at))
    return found
