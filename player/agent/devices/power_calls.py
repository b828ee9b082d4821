"""The eight power actions. A reboot and a restart go through the ledger of commands, so that each happens once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from player.agent.control.access import Scope
from player.agent.devices import bodies
from player.agent.devices.asking import Asking
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.effects import Effect, EffectOutcome
from player.agent.devices.parts import Command
from player.agent.devices.setting_effects import SettingEffects
from player.core.actions import ActionKind, Ends
from player.core.ports.server import CommandStatus
from player.errors import BoxError

PATH = "/v1/device/{device}/power-action"
GOES_WITHIN_S = 120.0
RELOADED_WITHIN_S = 60.0  # all files of an applet are read
_ENDING = {"SYSTEM_REBOOT": ("reboot", Ends.BOX), "APP_RESTART": ("restart_app", Ends.PLAYER)}
_SCREEN = {"DISPLAY_POWER_ON": True, "DISPLAY_POWER_OFF": False}


class PowerCalls:
    """`command` carries out a command given at the box, `applets` an action on applets; it answers in words."""

    def __init__(
        self, asking: Asking, settings: SettingEffects, command: Command, applets: Callable[[str], Awaitable[str]]
    ) -> None:
        self._asking, self._settings, self._command, self._applets = asking, settings, command, applets

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        return (
            Row("POST", PATH, self.perform, Scope.CONTROL),
            Row("GET", PATH, self._asking.entries(ActionKind.POWER), Scope.READ),
        )

    async def perform(self, call: ApiCall) -> ApiAnswer:
        """{devicePowerAction}."""
        power = call.read(bodies.PowerBody).power
        asked = {"powerType": power}
        if power in _ENDING:
            command, ends = _ENDING[power]
            return self._asking.ask(call, ActionKind.POWER, asked, self._ending(command), ends=ends, deadline_s=GOES_WITHIN_S + 5.0)
        deadline_s = RELOADED_WITHIN_S if power == "APPLET_RELOAD" else None
        return self._asking.ask(call, ActionKind.POWER, asked, self._staying(power, call.token.name), deadline_s=deadline_s)

    def _staying(self, power: str, by: str) -> Effect:
        if power in _SCREEN:
            return self._settings.of([("screen_on", _SCREEN[power])], by)

        async def effect() -> EffectOutcome:
            return EffectOutcome(await self._applets(power), confirmed=True)

        return effect

    def _ending(self, command: str) -> Effect:
        """What it ends is this process: that it happened is said by the next start, and that it did not by this one."""

        async def effect() -> EffectOutcome:
            result = await self._command(command, {})
            if result.status is not CommandStatus.INITIATED:
                raise BoxError(command, result.message)
            await asyncio.sleep(GOES_WITHIN_S)
            raise BoxError(command, f"it was started, but had not happened {GOES_WITHIN_S:.0f} s later")

        return effect
