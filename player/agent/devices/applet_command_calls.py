"""Commands to applets and from them, in one list; and tests of applets on this device."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from player.agent.control.access import Scope
from player.agent.devices import applet_bodies as bodies
from player.agent.devices import wire
from player.agent.devices.applet_records import AppletShelf
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.plan_keeper import PlanKeeper
from player.agent.devices.refusals import bad_field, not_found
from player.core.ports.box import Clock
from player.core.ports.stage import CommandApplet, StagePort
from player.errors import BoxError
from player.store import Snapshot

log = logging.getLogger(__name__)
D = "/v1/device/{device}"
ALL, OF_ONE = f"{D}/applet/command", f"{D}/applet/{{applet}}/command"
TEST = f"{D}/applet-test/{{applet}}/{{version}}"
PAGE = 200
KEPT, KEPT_S = 500, 3 * 86400.0
NO_TESTS = "this player runs no tests of applets"


@dataclass(frozen=True, slots=True)
class AppletCommand:
    """One command. `received_at`: seconds since the epoch, no two alike."""

    uid: str
    applet: str
    received_at: float
    command: Mapping[str, Any]


class AppletCommands:
    """The last commands of either direction: `KEPT`, for three days. `path` lies in memory-backed storage."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._file, self._clock = Snapshot(path, tuple[AppletCommand, ...]), clock
        self._held = self._file.read_or(())

    def all(self) -> Sequence[AppletCommand]:
        """Oldest first."""
        since = self._clock.now().timestamp() - KEPT_S
        return [one for one in self._held if one.received_at >= since]

    def add(self, applet: str, command: Mapping[str, Any]) -> AppletCommand:
        """Keeps one. Raises StorageError."""
        last = self._held[-1].received_at + 0.001 if self._held else 0.0
        at = max(round(self._clock.now().timestamp(), 3), round(last, 3))
        made = AppletCommand(uuid4().hex, applet, at, command)
        held = (*self.all(), made)[-KEPT:]
        self._file.write(held)
        self._held = held
        return made


class AppletCommandCalls:
    """`device` is the box's uid."""

    def __init__(
        self, device: str, commands: AppletCommands, shelf: AppletShelf, plan: PlanKeeper, stage: StagePort, clock: Clock
    ) -> None:
        self._device, self._commands, self._shelf, self._plan = device, commands, shelf, plan
        self._stage, self._clock = stage, clock
        self._tested: dict[tuple[str, str], dict[str, Any]] = {}

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        read, control = Scope.READ, Scope.CONTROL
        return (
            Row("GET", ALL, self.all, read),
            Row("GET", OF_ONE, self.all, read),
            Row("POST", OF_ONE, self.send, control),
            Row("GET", f"{OF_ONE}/{{command}}", self.one, read),
            Row("PUT", TEST, self.run_tests, control),
            Row("GET", TEST, self.tests, read),
        )

    async def all(self, call: ApiCall) -> ApiAnswer:
        """Newest first, a page of two hundred; `type`, `appletUid`, `receivedSince` and `receivedUntil` pick."""
        applet, kind = call.pieces.get("applet") or call.text("appletUid"), call.text("type")
        found = [
            one for one in self._commands.all() if applet in (None, one.applet) and kind in (None, one.command.get("type"))
        ]  # fmt: skip
        return call.paged(
            found, lambda one: one.received_at, self._shape, since="receivedSince", until="receivedUntil", most=PAGE, otherwise=PAGE
        )

    async def send(self, call: ApiCall) -> ApiAnswer:
        """{command}: 202, exactly, and it can be read back from then on; the page gets it when it is ready."""
        applet = call.pieces["applet"]
        if not self._is_known(applet):
            raise not_found("applet of that uid")
        command = call.read(bodies.AppletCommandBody).command
        kept = self._commands.add(applet, command)
        try:
            await self._stage.ask(CommandApplet(applet, dict(command)))
        except BoxError as error:
            log.info("the applet %s does not get the command %.60s: %s", applet, command["type"], error.reason)
        where = f"{call.base}{OF_ONE.replace('{device}', self._device).replace('{applet}', applet)}/{kept.uid}"
        return ApiAnswer(wire.OK, 202, {"Location": where})

    async def one(self, call: ApiCall) -> ApiAnswer:
        """The one of that uid."""
        for one in self._commands.all():
            if (one.uid, one.applet) == (call.pieces["command"], call.pieces["applet"]):
                return ApiAnswer(self._shape(one))
        raise not_found("command of that uid")

    # --- tests

    async def run_tests(self, call: ApiCall) -> ApiAnswer:
        """{tests}: each fails at once, with the reason."""
        version = self._shelf.version(call.pieces["applet"], call.pieces["version"])
        wanted = call.read(bodies.TestsBody).tests or tuple(one.identifier for one in version.tests)
        for name in wanted:
            if all(one.identifier != name for one in version.tests):
                raise bad_field("tests", f"the version has no test {name}")
        at = wire.instant(self._clock.now().timestamp())
        self._tested[version.applet, version.version] = {
            "appletUid": version.applet, "appletVersion": version.version, "deviceUid": self._device, "createdAt": at,
            "finishedAt": at, "pendingTests": [], "successfulTests": [], "failedTests": list(wanted), "reason": NO_TESTS,
        }  # fmt: skip
        return ApiAnswer()

    async def tests(self, call: ApiCall) -> ApiAnswer:
        """How the last ones ended."""
        version = self._shelf.version(call.pieces["applet"], call.pieces["version"])
        found = self._tested.get((version.applet, version.version))
        if found is None:
            raise not_found("test of that version that was run")
        return ApiAnswer(found)

    def _is_known(self, applet: str) -> bool:
        connected = self._plan.current.connected
        known = {one.uid for one in self._shelf.applets.all()}
        return applet in known or (connected is not None and connected.applet == applet)

    def _shape(self, one: AppletCommand) -> dict[str, Any]:
        run = next((held for held in self._plan.plan().runs if held.applet == one.applet), None)
        said = json.dumps([one.applet, run.version if run else "", run.configuration if run else {}], sort_keys=True)
        return {
            "uid": one.uid, "deviceUid": self._device, "appletUid": one.applet, "receivedAt": wire.instant(one.received_at),
            "timingChecksum": hashlib.sha256(said.encode()).hexdigest(), "command": one.command, "commandPayload": one.command,
        }  # fmt: skip
