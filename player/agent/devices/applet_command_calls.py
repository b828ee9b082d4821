"""Commands to applets and from them, in one list."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

from player.agent.control.access import Scope
from player.agent.devices import applet_bodies as bodies
from player.agent.devices import wire
from player.agent.devices.applet_commands import AppletCommand, AppletCommands
from player.agent.devices.applet_records import AppletShelf
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.plan_keeper import PlanKeeper
from player.agent.devices.refusals import not_found
from player.core.ports.stage import CommandApplet, StagePort
from player.errors import BoxError

log = logging.getLogger(__name__)
D = "/v1/device/{device}"
ALL, OF_ONE = f"{D}/applet/command", f"{D}/applet/{{applet}}/command"
PAGE = 200


class AppletCommandCalls:
    """`device` is the box's uid."""

    def __init__(self, device: str, commands: AppletCommands, shelf: AppletShelf, plan: PlanKeeper, stage: StagePort) -> None:
        self._device, self._commands, self._shelf, self._plan = device, commands, shelf, plan
        self._stage = stage

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        read, control = Scope.READ, Scope.CONTROL
        return (
            Row("GET", ALL, self.all, read),
            Row("GET", OF_ONE, self.all, read),
            Row("POST", OF_ONE, self.send, control),
            Row("GET", f"{OF_ONE}/{{command}}", self.one, read),
        )

    async def all(self, call: ApiCall) -> ApiAnswer:
        """Newest first, a page of two hundred; `type`, `appletUid`, `receivedSince` and `receivedUntil` pick."""
        applet, kind = call.pieces.get("applet") or call.text("appletUid"), call.text("type")
        found = [
            one for one in self._commands.all() if applet in (None, one.applet) and kind in (None, one.command.get("type"))
        ]  # fmt: skip
        return call.paged(
            found,
            lambda one: one.received_at,
            self._shape(),
            since="receivedSince",
            until="receivedUntil",
            most=PAGE,
            otherwise=PAGE,
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
                return ApiAnswer(self._shape()(one))
        raise not_found("command of that uid")

    def _is_known(self, applet: str) -> bool:
        connected = self._plan.current.connected
        known = {one.uid for one in self._shelf.applets.all()}
        return applet in known or (connected is not None and connected.applet == applet)

    def _shape(self) -> Callable[[AppletCommand], dict[str, Any]]:
        """What makes an answer of a command, by the plan as it is at this moment."""
        runs = {run.applet: run for run in reversed(self._plan.plan().runs)}

        def shape(one: AppletCommand) -> dict[str, Any]:
            run = runs.get(one.applet)
            said = json.dumps([one.applet, run.version if run else "", run.configuration if run else {}], sort_keys=True)
            return {
                "uid": one.uid, "deviceUid": self._device, "appletUid": one.applet, "receivedAt": wire.instant(one.received_at),
                "timingChecksum": hashlib.sha256(said.encode()).hexdigest(), "command": one.command, "commandPayload": one.command,
            }  # fmt: skip

        return shape
