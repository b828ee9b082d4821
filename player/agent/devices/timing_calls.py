"""Which applet is shown when: timings, the assignment of an applet, and what a developer connects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from player.agent.control.access import Scope
from player.agent.devices import applet_bodies as bodies
from player.agent.devices import wire
from player.agent.devices.applet_records import AppletShelf
from player.agent.devices.asking import Asking
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.plan_keeper import PlanKeeper
from player.agent.devices.policy_items import APPLET
from player.agent.devices.refusals import bad_field, conflict, not_found
from player.agent.devices.setting_effects import SettingEffects
from player.core.actions import ActionKind
from player.core.applets import AppletAssignment, AppletRun, AppletTiming, Finish, together
from player.core.ports.box import Clock
from player.errors import BoxError

TIMING, D = "/v1/timing", "/v1/device/{device}"
OWN = f"{D}/applet"


class TimingCalls:
    """`device` is the box's uid."""

    def __init__(
        self, device: str, shelf: AppletShelf, plan: PlanKeeper, asking: Asking, settings: SettingEffects, clock: Clock
    ) -> None:
        self._device, self._shelf, self._plan, self._asking, self._clock = device, shelf, plan, asking, clock
        self._settings = settings

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        read, control, one = Scope.READ, Scope.CONTROL, f"{TIMING}/{{timing}}"
        return (
            Row("GET", TIMING, self.timings, read),
            Row("POST", TIMING, self.make, control),
            Row("GET", one, self.timing, read),
            Row("PUT", one, self.change, control),
            Row("DELETE", one, self.remove, control),
            Row("GET", OWN, self.assignments, read),
            Row("POST", OWN, self.assign, control),
            Row("GET", f"{OWN}/{{uid}}", self.assignment, read),
            Row("PUT", f"{OWN}/{{uid}}", self.change_assignment, control),
            Row("DELETE", f"{OWN}/{{uid}}", self.unassign, control),
            Row("POST", f"{D}/connect", self.connect, Scope.ADMIN),
            Row("POST", f"{D}/disconnect", self.disconnect, Scope.ADMIN),
        )

    # --- timings

    async def timings(self, call: ApiCall) -> ApiAnswer:
        """All on one page: the client looks at no other. `timingUid`, `deviceUid` and `current` pick."""
        held = self._plan.current.timings
        if call.truth("current", otherwise=False):
            held = together(self._plan.plan().timings, self._clock.now().timestamp())
        if (uid := call.text("timingUid")) is not None:
            held = tuple(one for one in held if one.uid == uid)
        if call.text("deviceUid") not in (None, self._device):
            held = ()
        return ApiAnswer([self._timing(one) for one in held])

    async def make(self, call: ApiCall) -> ApiAnswer:
        """{deviceUid, appletUid, appletVersion, startsAt, endsAt, configuration, position, finishEvent}."""
        wanted = call.read(bodies.TimingBody)
        if wanted.device != self._device:
            raise not_found("device of that uid")
        self._shelf.version(wanted.applet, wanted.version)
        starts, ends = _instant("startsAt", wanted.starts_at), _instant("endsAt", wanted.ends_at)
        at, position = self._plan.next_at(), 1 if wanted.position is None else wanted.position
        run = AppletRun(wanted.applet, wanted.version, wanted.configuration, scope=scope_of(call))
        made = AppletTiming(uuid4().hex, at, at, run, starts, ends, position, _finish(wanted.finish))
        await self._plan.put_timing(_checked(made))
        self._asking.note(call, ActionKind.APPLET, {"timingUid": made.uid}, f"a timing of the applet {run.applet} is kept")
        return call.made(TIMING, made.uid)

    async def timing(self, call: ApiCall) -> ApiAnswer:
        """The one of that uid."""
        return ApiAnswer(self._timing(self._plan.timing(call.pieces["timing"])))

    async def change(self, call: ApiCall) -> ApiAnswer:
        """What is given changes."""
        held, wanted = self._plan.timing(call.pieces["timing"]), call.read(bodies.TimingChangeBody)
        run = self._changed(held.run, wanted.version, wanted.configuration, call)
        await self._plan.put_timing(_checked(replace(
            held, run=run, updated_at=self._plan.next_at(),
            starts_at=held.starts_at if wanted.starts_at is None else _instant("startsAt", wanted.starts_at),
            ends_at=held.ends_at if wanted.ends_at is None else _instant("endsAt", wanted.ends_at),
            position=held.position if wanted.position is None else wanted.position,
            finish=_finish(wanted.finish) or held.finish,
        )))  # fmt: skip
        self._asking.note(call, ActionKind.APPLET, {"timingUid": held.uid}, f"a timing of the applet {run.applet} is changed")
        return ApiAnswer()

    async def remove(self, call: ApiCall) -> ApiAnswer:
        """It is not kept any more."""
        held = self._plan.timing(call.pieces["timing"])
        await self._plan.change(timings=tuple(one for one in self._plan.current.timings if one is not held))
        self._asking.note(call, ActionKind.APPLET, {"timingUid": held.uid}, f"a timing of the applet {held.run.applet} is deleted")
        return ApiAnswer()

    # --- the assignment

    async def assignments(self, call: ApiCall) -> ApiAnswer:
        """By pages; `active` picks."""
        held = self._plan.current.assigned
        if call.text("active") is not None:
            wanted = call.truth("active", otherwise=True)
            held = tuple(one for one in held if one.active is wanted)
        return call.paged(held, lambda one: one.created_at, self._assignment)

    async def assign(self, call: ApiCall) -> ApiAnswer:
        """{appletUid, appletVersion, configuration, active}."""
        wanted = call.read(bodies.AssignmentBody)
        self._check_free()
        self._shelf.version(wanted.applet, wanted.version)
        at = self._plan.next_at()
        run = AppletRun(wanted.applet, wanted.version, wanted.configuration, scope=scope_of(call))
        made = AppletAssignment(uuid4().hex, at, at, run, wanted.active)
        await self._plan.put_assignment(made)
        self._asking.note(call, ActionKind.APPLET, {"appletUid": run.applet}, f"the applet {run.applet} is assigned")
        return call.made(OWN.replace("{device}", self._device), made.uid)

    async def assignment(self, call: ApiCall) -> ApiAnswer:
        """By its uid, or by the applet's."""
        return ApiAnswer(self._assignment(self._plan.assignment(call.pieces["uid"])))

    async def change_assignment(self, call: ApiCall) -> ApiAnswer:
        """What is given changes."""
        held, wanted = self._plan.assignment(call.pieces["uid"]), call.read(bodies.AssignmentChangeBody)
        self._check_free()
        run = self._changed(held.run, wanted.version, wanted.configuration, call)
        active = held.active if wanted.active is None else wanted.active
        await self._plan.put_assignment(replace(held, run=run, active=active, updated_at=self._plan.next_at()))
        self._asking.note(
            call, ActionKind.APPLET, {"appletUid": run.applet}, f"the assignment of the applet {run.applet} is changed"
        )
        return ApiAnswer()

    async def unassign(self, call: ApiCall) -> ApiAnswer:
        """It is not assigned any more."""
        held = self._plan.assignment(call.pieces["uid"])
        self._check_free()
        await self._plan.change(assigned=tuple(one for one in self._plan.current.assigned if one is not held))
        self._asking.note(call, ActionKind.APPLET, {"appletUid": held.run.applet}, f"the applet {held.run.applet} is unassigned")
        return ApiAnswer()

    def _check_free(self) -> None:
        """Raises Declined where a policy says which applet is assigned."""
        try:
            self._settings.check_free(APPLET)
        except BoxError as error:
            raise conflict(error.reason) from error

    # --- a developer's

    async def connect(self, call: ApiCall) -> ApiAnswer:
        """{appletUid, appletPublicUrl, appletVersion}: that address is shown before every other applet until it is disconnected."""
        wanted = call.read(bodies.ConnectBody)
        run = AppletRun(wanted.applet, wanted.version, url=wanted.url, scope=scope_of(call))
        await self._plan.change(connected=run)
        self._asking.note(call, ActionKind.APPLET, {"appletUid": run.applet, "url": run.url}, f"a developer connects {run.url}")
        return ApiAnswer()

    async def disconnect(self, call: ApiCall) -> ApiAnswer:
        """It was before."""
        await self._plan.change(connected=None)
        self._asking.note(call, ActionKind.APPLET, {}, "no developer is connected")
        return ApiAnswer()

    def _changed(self, run: AppletRun, version: str | None, configuration: Mapping[str, Any] | None, call: ApiCall) -> AppletRun:
        """The run as it is wanted, with no more rights than who changed it has. Raises Declined."""
        if version is not None:
            self._shelf.version(run.applet, version)
        return replace(
            run, version=version or run.version, configuration=run.configuration if configuration is None else configuration,
            scope=min(run.scope, scope_of(call)),
        )  # fmt: skip

    def _timing(self, one: AppletTiming) -> dict[str, Any]:
        finish = None
        if one.finish is not None:
            finish = {"type": one.finish.kind.value} | ({"data": one.finish.data} if one.finish.has_data else {})
        return {
            "uid": one.uid, "deviceUid": self._device, "appletUid": one.run.applet, "appletVersion": one.run.version,
            "startsAt": wire.instant(one.starts_at), "endsAt": wire.instant(one.ends_at), "configuration": one.run.configuration,
            "position": one.position, "finishEvent": finish, "createdAt": wire.instant(one.created_at),
            "updatedAt": wire.instant(one.updated_at),
        }  # fmt: skip

    def _assignment(self, one: AppletAssignment) -> dict[str, Any]:
        return {
            "uid": one.uid, "deviceUid": self._device, "appletUid": one.run.applet, "appletVersion": one.run.version,
            "createdAt": wire.instant(one.created_at), "updatedAt": wire.instant(one.updated_at),
            "configuration": one.run.configuration, "active": one.active,
        }  # fmt: skip


def scope_of(call: ApiCall) -> int:
    """What the caller may do, as the page that it puts on is told."""
    return int(Scope[call.token.scope.upper()])


def _instant(name: str, given: str | int) -> float:
    return round(wire.parse_instant(name, str(given)), 3)


def _checked(timing: AppletTiming) -> AppletTiming:
    if timing.ends_at < timing.starts_at:
        raise bad_field("endsAt", "it is before startsAt")
    return timing


def _finish(given: bodies.FinishBody | None) -> Finish | None:
    return None if given is None else Finish(given.type, given.data, "data" in given.model_fields_set)
