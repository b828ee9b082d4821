"""Tests of an applet's version on this device: each a script, run in its page while that is on the screen.

A script is the body of an async function among the page's own scripts, so it has the library and whatever the page defines.
It has passed when it ran to its end, and failed where it throws, does not end, or its page is not open: nothing takes the programme
off the screen for a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from player.agent.control.access import Scope
from player.agent.devices import applet_bodies as bodies
from player.agent.devices import wire
from player.agent.devices.applet_records import AppletShelf, VersionRecord
from player.agent.devices.asking import Asking
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.effects import EffectOutcome
from player.agent.devices.refusals import bad_field, not_found
from player.core.actions import ActionKind
from player.core.ports.box import Clock
from player.core.ports.stage import ExamineApplet, StagePort
from player.errors import BoxError

TEST = "/v1/device/{device}/applet-test/{applet}/{version}"
EACH_S = 12.0  # longer than the stage may take
PASSED = "passed"


@dataclass(slots=True)
class AppletTestRun:
    """One run. Times in seconds since the epoch; `results`: how each test ended, in words, as they come."""

    began_at: float
    wanted: Sequence[str]
    ended_at: float | None = None
    results: dict[str, str] = field(default_factory=dict)


class AppletTestCalls:
    """`device` is the box's uid. The last run of each version is kept until the agent is started again."""

    def __init__(self, device: str, shelf: AppletShelf, stage: StagePort, asking: Asking, clock: Clock) -> None:
        self._device, self._shelf, self._stage, self._asking, self._clock = device, shelf, stage, asking, clock
        self._runs: dict[str, AppletTestRun] = {}

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        return (Row("PUT", TEST, self.run, Scope.CONTROL), Row("GET", TEST, self.last, Scope.READ))

    async def run(self, call: ApiCall) -> ApiAnswer:
        """{tests}: those, by their names; none: all of the version."""
        version = self._of(call)
        wanted = call.read(bodies.TestsBody).tests or tuple(one.identifier for one in version.tests)
        scripts = {name: next((one.binary for one in version.tests if one.identifier == name), None) for name in wanted}
        if unknown := [name for name, script in scripts.items() if script is None]:
            raise bad_field("tests", f"the version has no test {unknown[0]}")

        async def effect() -> EffectOutcome:
            try:
                for name, script in scripts.items():
                    run.results[name] = await self._tried(version, script or "")
            finally:
                run.results = {name: run.results.get(name, "it was not made") for name in scripts}
                run.ended_at = self._clock.now().timestamp()
            failed = [name for name, words in run.results.items() if words != PASSED]
            return EffectOutcome(f"{len(scripts)} tests were made; failed: {', '.join(failed) or 'none'}", confirmed=True)

        asked = {"appletUid": version.applet, "appletVersion": version.version, "tests": list(scripts)}
        answer = self._asking.ask(call, ActionKind.APPLET_TEST, asked, effect, deadline_s=EACH_S * (1 + len(scripts)))
        kept = {one.uid for one in self._shelf.versions()}
        run = AppletTestRun(self._clock.now().timestamp(), tuple(scripts))
        self._runs = {uid: held for uid, held in self._runs.items() if uid in kept} | {version.uid: run}
        return answer

    async def last(self, call: ApiCall) -> ApiAnswer:
        """How the last ones ended, or how far they are."""
        version = self._of(call)
        run = self._runs.get(version.uid)
        if run is None:
            raise not_found("test of that version that was run")
        return ApiAnswer({
            "appletUid": version.applet, "appletVersion": version.version, "deviceUid": self._device,
            "createdAt": wire.instant(run.began_at), "finishedAt": wire.instant_or_none(run.ended_at),
            "pendingTests": [name for name in run.wanted if name not in run.results],
            "successfulTests": [name for name, words in run.results.items() if words == PASSED],
            "failedTests": [name for name, words in run.results.items() if words != PASSED], "testResults": dict(run.results),
        })  # fmt: skip

    async def _tried(self, version: VersionRecord, script: str) -> str:
        try:
            found = await self._stage.ask(ExamineApplet(version.applet, version.version, script))
        except BoxError as error:
            return error.reason
        return found.failure or PASSED

    def _of(self, call: ApiCall) -> VersionRecord:
        return self._shelf.version(call.pieces["applet"], call.pieces["version"])
