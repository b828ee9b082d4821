"""Packages of the operating system: none but those that this box's configuration names (devices.packages), one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from player.agent.control.access import Scope
from player.agent.devices import bodies, wire
from player.agent.devices.asking import Asking, lacking
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.effects import EffectOutcome
from player.agent.devices.refusals import bad_field, not_found, not_here
from player.agent.devices.wire import BoxFacts
from player.core.actions import ActionKind
from player.core.ports.box import Absent, Packages

PACKAGE, INSTALL, START = "/v1/package", "/v1/device/{device}/package-install", "/v1/device/{device}/package-start"
INSTALLED_WITHIN_S, LOOK_S = 1800.0, 5.0
NO_START = Absent("packages", "a package starts by itself, as Debian has it")


class PackageCalls:
    """`allowed` are the names of the packages that may be installed."""

    def __init__(self, facts: BoxFacts, packages: Packages, allowed: Sequence[str], asking: Asking, look_s: float = LOOK_S) -> None:
        self._facts, self._packages, self._allowed, self._asking, self._look_s = facts, packages, allowed, asking, look_s

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        return (
            Row("GET", PACKAGE, self.all, Scope.READ),
            Row("GET", f"{PACKAGE}/{{package}}", self.one, Scope.READ),
            Row("POST", PACKAGE, self.not_set_from_here, Scope.ADMIN),
            Row("PUT", f"{PACKAGE}/{{package}}", self.not_set_from_here, Scope.ADMIN),
            Row("PUT", INSTALL, self.install, Scope.ADMIN),
            Row("GET", INSTALL, self._asking.entries(ActionKind.PACKAGE), Scope.READ),
            Row("PUT", START, self.start, Scope.ADMIN),
            Row("GET", START, self._asking.entries(ActionKind.PACKAGE_START), Scope.READ),
        )

    async def all(self, _: ApiCall) -> ApiAnswer:
        """Those that may be installed."""
        return ApiAnswer([self._shape(name) for name in self._allowed])

    async def one(self, call: ApiCall) -> ApiAnswer:
        """The one of that name."""
        name = call.pieces["package"]
        if name not in self._allowed:
            raise not_found("package of that name")
        return ApiAnswer(self._shape(name))

    async def not_set_from_here(self, _: ApiCall) -> ApiAnswer:
        """Which may be installed is not for whoever has one installed to say."""
        raise not_here("which packages may be installed says this box's configuration alone (devices.packages)")

    async def install(self, call: ApiCall) -> ApiAnswer:
        """{packageName, version, build}: it has succeeded when the system has it in that version."""
        wanted = call.read(bodies.PackageBody)
        version = f"{wanted.version}-{wanted.build}" if wanted.build else wanted.version

        async def effect() -> EffectOutcome:
            if await self._packages.installed(wanted.name) != version:
                await self._packages.install(wanted.name, version)
            while await self._packages.installed(wanted.name) != version:  # noqa: ASYNC110 - another's state, in another process
                await asyncio.sleep(self._look_s)
            return EffectOutcome(f"{wanted.name} {version} is installed", confirmed=True)

        asked = {"packageName": wanted.name, "version": wanted.version, "build": wanted.build}
        return self._asking.ask(call, ActionKind.PACKAGE, asked, effect, deadline_s=INSTALLED_WITHIN_S)

    async def start(self, call: ApiCall) -> ApiAnswer:
        """`packageName` in the query."""
        name = call.text("packageName")
        if name is None:
            raise bad_field("packageName", "it is missing")
        return self._asking.ask(call, ActionKind.PACKAGE_START, {"packageName": name[:128]}, lacking(NO_START))

    def _shape(self, name: str) -> dict[str, Any]:
        return {
            "uid": name, "packageName": name, "label": name, "description": "", "createdAt": wire.instant(self._facts.created_at),
            "ownerOrganizationUid": self._facts.organization,
        }  # fmt: skip
