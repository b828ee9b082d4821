"""Pictures of the screen: taken now, listed, shown; and whether any may be taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from player.agent.control.access import Scope
from player.agent.devices import bodies, wire
from player.agent.devices.about import AboutFile
from player.agent.devices.asking import Asking
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.effects import EffectOutcome
from player.agent.devices.refusals import not_found
from player.agent.devices.screenshot_ring import ScreenshotRing, Shot
from player.core.actions import ActionKind
from player.errors import BoxError

PATH, CAPTURE = "/v1/device/{device}/screenshot", "/v1/device/{device}/screen-capture"
PICTURE = "/v1/screenshot"
TAKEN_WITHIN_S = 15.0


class ScreenshotCalls:
    """`device` is the box's uid."""

    def __init__(self, device: str, ring: ScreenshotRing, about: AboutFile, asking: Asking) -> None:
        self._device, self._ring, self._about, self._asking = device, ring, about, asking

    def rows(self) -> Sequence[Row]:
        """Theirs. A picture's own address is the right to see it: what shows pictures sends no headers of ours."""
        return (
            Row("POST", PATH, self.take, Scope.CONTROL),
            Row("GET", PATH, self.all, Scope.READ),
            Row("GET", "/v1/device/screenshot", self.last, Scope.READ),
            Row("GET", f"{PICTURE}/{{name}}", self.picture, Scope.NONE),
            Row("GET", CAPTURE, self.capture, Scope.READ),
            Row("PUT", CAPTURE, self.set_capture, Scope.ADMIN),
        )

    async def take(self, call: ApiCall) -> ApiAnswer:
        """Asks for one more picture of the screen, which is listed soon."""

        async def effect() -> EffectOutcome:
            if not self._about.current.captures:
                raise BoxError("screen capture", "it is switched off")
            shot = await self._ring.take()
            return EffectOutcome(f"the picture {shot.uid} was taken", confirmed=True)

        return self._asking.ask(call, ActionKind.SCREENSHOT, {}, effect, deadline_s=TAKEN_WITHIN_S)

    async def all(self, call: ApiCall) -> ApiAnswer:
        """The pictures that are kept, by pages."""
        shots = self._ring.shots()
        return call.paged(shots, _taken_at, lambda shot: self._shape(shot, call), since="takenSince", until="takenUntil")

    async def last(self, call: ApiCall) -> ApiAnswer:
        """The newest of this device, where it is among those that are asked for (`deviceUids`)."""
        wanted = call.devices()
        shots = self._ring.shots()[-1:] if wanted is None or self._device in wanted else ()
        return call.paged(shots, _taken_at, lambda shot: self._shape(shot, call))

    async def picture(self, call: ApiCall) -> ApiAnswer:
        """The picture of that name as JPEG."""
        found = self._ring.picture(call.pieces["name"])
        if found is None:
            raise not_found("picture of that name")
        return ApiAnswer(found, content_type="image/jpeg")

    async def capture(self, _: ApiCall) -> ApiAnswer:
        """Whether pictures may be taken."""
        return ApiAnswer({"enabled": self._about.current.captures})

    async def set_capture(self, call: ApiCall) -> ApiAnswer:
        """{enable}. Pictures that are there stay until others take their place."""
        enable = call.read(bodies.SwitchBody).enable
        self._about.change(captures=enable)
        self._asking.note(call, ActionKind.SCREEN_CAPTURE, {"enabled": enable}, f"screen capture is {'on' if enable else 'off'}")
        return ApiAnswer()

    def _shape(self, shot: Shot, call: ApiCall) -> dict[str, Any]:
        uri = f"{call.base}{PICTURE}/{shot.name}"
        return {"uid": shot.uid, "deviceUid": self._device, "takenAt": wire.instant(shot.taken_at), "uri": uri}


def _taken_at(shot: Shot) -> float:
    return shot.taken_at
