"""The player's log, secrets removed, and the tests that it makes of its own machine."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from player.agent.control.access import Scope
from player.agent.devices import bodies, wire
from player.agent.devices.asking import Asking
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.effects import EffectOutcome
from player.agent.devices.refusals import not_found
from player.core.actions import ActionKind
from player.core.ports.box import Clock

SYSTEM_LOG, TESTS = "/v1/device/{device}/system-log", "/v1/device/{device}/test"
TESTED_WITHIN_S = 90.0
_TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) ")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. `at`: seconds since the epoch, a millisecond after the one before where both were at once."""

    at: float
    unit: str
    words: str


@dataclass(frozen=True, slots=True)
class FeatureRun:
    """What was found, by the tests' names: the result in words, and whether it is sound; None of them: not run yet."""

    began_at: float
    ended_at: float | None
    asked: tuple[str, ...]
    found: Mapping[str, tuple[bool, str]]


class LogCalls:
    """`read_logs` answers lines by the daemon's name; `examine` what `doctor` finds: ability, result, detail of each."""

    def __init__(
        self, device: str, asking: Asking, clock: Clock, read_logs: Callable[[], Awaitable[Mapping[str, Sequence[str]]]],
        examine: Callable[[], Awaitable[Sequence[Mapping[str, Any]]]],
    ) -> None:  # fmt: skip
        self._device, self._asking, self._clock, self._read_logs, self._examine = device, asking, clock, read_logs, examine
        self._run: FeatureRun | None = None

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        return (
            Row("GET", SYSTEM_LOG, self.system_log, Scope.ADMIN),
            Row("GET", TESTS, self.tests, Scope.READ),
            Row("PUT", TESTS, self.test, Scope.CONTROL),
        )

    async def system_log(self, call: ApiCall) -> ApiAnswer:
        """The last lines of both daemons, newest first, by pages."""
        lines = merged(await self._read_logs())
        return call.paged(lines, lambda one: one.at, self._line)

    def _line(self, line: LogLine) -> dict[str, Any]:
        return {"deviceUid": self._device, "createdAt": wire.instant(line.at), "unit": line.unit, "message": line.words}

    async def test(self, call: ApiCall) -> ApiAnswer:
        """{tests}: those, by the names of `doctor`'s findings; none: all."""
        asked = call.read(bodies.FeatureTestsBody).tests

        async def effect() -> EffectOutcome:
            self._run = FeatureRun(self._now(), None, asked, {})
            findings = await self._examine()
            found = {str(one["ability"]): (one["result"] != "failed", f"{one['result']}: {one['detail']}") for one in findings}
            wanted = {name: found.get(name, (False, "there is no such test")) for name in asked} or found
            self._run = FeatureRun(self._run.began_at, self._now(), asked, wanted)
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


def merged(logs: Mapping[str, Sequence[str]]) -> Sequence[LogLine]:
    """The lines of several daemons by their time, oldest first; a line without one belongs to the one before it."""
    lines = []
    for unit, texts in logs.items():
        at = 0.0
        for text in texts:
            begins = _TIME.match(text)
            at = datetime.fromisoformat(f"{begins[1]}.{begins[2]}").timestamp() if begins else at
            lines.append(LogLine(at, f"signage-{unit}", text[begins.end() :] if begins else text))
    apart: list[LogLine] = []
    for line in sorted(lines, key=lambda one: one.at):
        at = line.at if not apart else max(line.at, round(apart[-1].at + 0.001, 3))
        apart.append(LogLine(at, line.unit, line.words))
    return apart
