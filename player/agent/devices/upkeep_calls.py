"""What keeps the box going: recovery, versions, security switches, and other ways in.

What this player does always (it is watched by systemd) is confirmed; what it cannot do fails with the reason, in the action log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from player.agent.control.access import Scope
from player.agent.devices import bodies, wire
from player.agent.devices.about import AboutFile
from player.agent.devices.action_log import ActionLog
from player.agent.devices.asking import Asking, lacking, leading_to, saying
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.effects import EffectOutcome
from player.agent.devices.readings import WATCHDOG_MS
from player.agent.devices.refusals import bad_field, not_found
from player.agent.devices.setting_effects import SettingEffects
from player.agent.devices.versions import INSTALLED_WITHIN_S, Versions
from player.agent.devices.wire import BoxFacts
from player.core.actions import Action, ActionKind, Ends
from player.core.ports.box import Absent, Vpn
from player.errors import BoxError

V1 = "/v1/device/{device}"
VPN_WITHIN_S, LOOK_S = 60.0, 0.5
# The public page on device recovery has Tizen panels of one network look after one another: a panel that gives no sign is turned
# on, given the address for its URL launcher and its clock, and in the end started again by a neighbour. It names no other platform,
# and what it takes is a panel maker's protocol. A box that gives no sign has nothing that a neighbour could ask to start it.
NO_PEERS = Absent(
    "peer recovery",
    "it has Tizen panels start one another again by their URL launcher, which this box has not; its own systemd starts it again",
)
# The API's switches, and the settings of this player that they stand for: the setting is on where the switch is.
CONTROLS = ("menuAccessEnabled", "remoteControlEnabled", "kioskModeEnabled")
SWITCHES = {"bluetoothEnabled": "bluetooth", "wifiEnabled": "wifi", "usbEnabled": "usb_storage"}


class UpkeepCalls:
    """`log` is what GET reads the last word of."""

    def __init__(
        self, facts: BoxFacts, about: AboutFile, asking: Asking, log: ActionLog, settings: SettingEffects, versions: Versions,
        vpn: Vpn,
    ) -> None:  # fmt: skip
        self._facts, self._about, self._asking, self._log, self._settings = facts, about, asking, log, settings
        self._versions, self._vpn = versions, vpn

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        read, control, admin = Scope.READ, Scope.CONTROL, Scope.ADMIN
        entries = self._asking.entries
        return (
            Row("PUT", f"{V1}/auto-recovery", self.auto_recovery, control),
            Row("GET", f"{V1}/auto-recovery", entries(ActionKind.AUTO_RECOVERY), read),
            Row("PUT", f"{V1}/peer-recovery", self.peer_recovery, control),
            Row("GET", f"{V1}/peer-recovery", entries(ActionKind.PEER_RECOVERY), read),
            Row("PUT", f"{V1}/extended-management", self.extended_management, control),
            Row("GET", f"{V1}/extended-management", entries(ActionKind.EXTENDED_MANAGEMENT), read),
            Row("GET", f"{V1}/application/version", self.application_version, read),
            Row("PUT", f"{V1}/application/{{kind}}/version", self.set_application_version, admin),
            Row("GET", f"{V1}/firmware", self.firmware, read),
            Row("PUT", f"{V1}/firmware", self.set_firmware, admin),
            Row("GET", f"{V1}/security", self.security, read),
            Row("PUT", f"{V1}/security", self.set_security, admin),
            Row("GET", f"{V1}/vpn", self.vpn, read),
            Row("PUT", f"{V1}/vpn", self.set_vpn, admin),
        )

    # --- recovery

    async def auto_recovery(self, call: ApiCall) -> ApiAnswer:
        """{enabled, healthcheckIntervalMs} or {enabled: false, autoEnableTimeoutMs}: the watchdog is on for good."""
        wanted = call.read(bodies.AutoRecoveryBody)
        asked = _switch(wanted.enabled, "healthcheckIntervalMs", wanted.healthcheck_interval, wanted.auto_enable_timeout)
        return self._asking.ask(call, ActionKind.AUTO_RECOVERY, asked, _watched if wanted.enabled else _always_watched)

    async def peer_recovery(self, call: ApiCall) -> ApiAnswer:
        """{enabled, urlLauncherAddress} or {enabled: false, autoEnableTimeoutMs}."""
        wanted = call.read(bodies.PeerRecoveryBody)
        asked = _switch(wanted.enabled, "urlLauncherAddress", wanted.launcher, wanted.auto_enable_timeout)
        effect = lacking(NO_PEERS) if wanted.enabled else saying("no other box is asked to start this one again")
        return self._asking.ask(call, ActionKind.PEER_RECOVERY, asked, effect)

    async def extended_management(self, call: ApiCall) -> ApiAnswer:
        """{url}: of another management of this box, to which the local page leads; empty or null: nowhere."""
        url = call.read(bodies.AddressBody).url or None
        return self._asking.ask(call, ActionKind.EXTENDED_MANAGEMENT, {"url": url}, leading_to(self._about, url))

    # --- versions

    async def application_version(self, _: ApiCall) -> ApiAnswer:
        """The player's own; with what was asked last."""
        return ApiAnswer(self._version(ActionKind.APPLICATION_VERSION, self._facts.version) | {"applicationType": wire.KIND})

    async def set_application_version(self, call: ApiCall) -> ApiAnswer:
        """{version}: of the player. Succeeds where it runs already; else its bundle has to lie in the folder of bundles."""
        if call.pieces["kind"] != wire.KIND:
            raise not_found(f"application of the type {call.pieces['kind'][:60]}")
        version = call.read(bodies.VersionBody).version
        asked = {"version": version, "applicationType": wire.KIND}
        return self._ask(call, ActionKind.APPLICATION_VERSION, asked, self._versions.is_running(version))

    async def firmware(self, _: ApiCall) -> ApiAnswer:
        """The operating system's; with what was asked last."""
        return ApiAnswer(self._version(ActionKind.FIRMWARE, self._facts.os_version))

    async def set_firmware(self, call: ApiCall) -> ApiAnswer:
        """{version}: the system's own where it has it already; else a version of the player, which is all that this box updates."""
        version = call.read(bodies.VersionBody).version
        runs = version == self._facts.os_version or self._versions.is_running(version)
        self._ask(call, ActionKind.FIRMWARE, {"version": version}, runs)
        return ApiAnswer({**wire.OK, "requestUid": self._log.of_kind(ActionKind.FIRMWARE)[0].uid})

    def _ask(self, call: ApiCall, kind: ActionKind, asked: Mapping[str, Any], runs: bool) -> ApiAnswer:
        if runs:
            return self._asking.ask(call, kind, asked, saying("it runs already"))
        held = "FIRMWARE_VERSION" if kind is ActionKind.FIRMWARE else "APPLICATION_VERSION"
        bring = self._versions.bringing(str(asked["version"]))

        async def effect() -> EffectOutcome:
            self._settings.check_free(held)
            return await bring()

        return self._asking.ask(call, kind, asked, effect, ends=Ends.VERSION, deadline_s=INSTALLED_WITHIN_S)

    def _version(self, kind: ActionKind, runs: str) -> dict[str, Any]:
        """The last request, where there was one; `version` is always what runs."""
        at = self._facts.created_at
        since_ever = Action(self._facts.uid, kind, {}, "", at).succeeded(at, "", confirmed=True)
        last = next(iter(self._log.of_kind(kind)), since_ever)
        return wire.entry(last, self._facts.uid) | {"version": runs}

    # --- switches

    async def security(self, _: ApiCall) -> ApiAnswer:
        """What is open to the world around the box; null: nobody can say."""
        found = {name: await self._settings.found(setting) for name, setting in SWITCHES.items()}
        locked = await self._settings.found("locked")
        asked = self._log.of_kind(ActionKind.SECURITY)
        at = [wire.instant(action.created_at) for action in (*asked[-1:], *asked[:1])] or [wire.instant(self._facts.created_at)] * 2
        return ApiAnswer({
            **found, "menuAccessEnabled": not locked, "buttonsEnabled": None, "remoteControlEnabled": not locked,
            "kioskModeEnabled": bool(locked), "createdAt": at[0], "updatedAt": at[1],
        })  # fmt: skip

    async def set_security(self, call: ApiCall) -> ApiAnswer:
        """Any of them; null leaves one as it is."""
        wanted = call.read(bodies.SecurityBody)
        asked = {name: value for name, value in wanted.model_dump(by_alias=True).items() if value is not None}
        settings: list[tuple[str, Any]] = [(SWITCHES[name], value) for name, value in asked.items() if name in SWITCHES]
        closed = {asked[name] is (name == "kioskModeEnabled") for name in CONTROLS if name in asked}
        if len(closed) > 1:
            raise bad_field("kioskModeEnabled", "it is the opposite of menuAccessEnabled and remoteControlEnabled")
        settings += [("locked", closed.pop())] if closed else []
        effect = self._settings.of(settings, call.token.name)
        if "buttonsEnabled" in asked:
            effect = lacking(Absent("buttons", "a panel's own buttons cannot be switched from here"))
        return self._asking.ask(call, ActionKind.SECURITY, asked, effect)

    async def vpn(self, _: ApiCall) -> ApiAnswer:
        """Whether it is up; one that nobody has set up is not."""
        return ApiAnswer([{"enabled": await self._vpn.is_on()}])

    async def set_vpn(self, call: ApiCall) -> ApiAnswer:
        """{enable}: the one that this box's configuration names."""
        enable = call.read(bodies.SwitchBody).enable

        async def effect() -> EffectOutcome:
            if await self._vpn.is_on() is not enable:
                await self._vpn.set(enable)
            while await self._vpn.is_on() is not enable:  # noqa: ASYNC110 - another's state, in another process
                await asyncio.sleep(LOOK_S)
            return EffectOutcome(f"it is {'up' if enable else 'down'}", confirmed=True)

        return self._asking.ask(call, ActionKind.VPN, {"enabled": enable}, effect, deadline_s=VPN_WITHIN_S)


def _switch(enabled: bool, name: str, value: int | str | None, again_after: int | None) -> dict[str, Any]:
    """What is asked of a recovery: with what it needs, by its `name`, or until when it is off. Raises Declined."""
    if enabled and value is None:
        raise bad_field(name, "it is missing")
    return {"enabled": enabled, name: value} if enabled else {"enabled": enabled, "autoEnableTimeoutMs": again_after}


async def _watched() -> EffectOutcome:
    return EffectOutcome(f"systemd starts again whatever gives no sign for {WATCHDOG_MS // 1000} s", confirmed=True)


async def _always_watched() -> EffectOutcome:
    raise BoxError("auto recovery", "systemd watches this player always")
