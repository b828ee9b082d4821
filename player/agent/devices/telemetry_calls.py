"""Telemetry: how everything is now, how it was, how often it is looked at; temperature, time up, and the hours and gaps of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from player.agent.control.access import Scope
from player.agent.devices import wire
from player.agent.devices.about import AboutFile
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.presence_file import PresenceFile
from player.agent.devices.refusals import bad_field, not_found
from player.agent.devices.samples_file import SampleKeeper
from player.core.ports.box import Clock
from player.core.presence import Span, by_hour, gaps, uptime_s
from player.core.samples import KEPT, BoxSample

V1 = "/v1/device/{device}"
MONTH_S, WEEK_S = 31 * 86400.0, 7 * 86400.0
MOST_HISTORY = 100
SHORTEST_MS, LONGEST_MS = 30_000, 86_400_000
DEFAULT_MS = 1_200_000
SCREENSHOTS_MS = 360_000
# The API's names for the intervals, and for the telemetry that each is about.
INTERVALS = {
    "temperature": "TEMPERATURE", "applicationVersion": "APPLICATION_VERSION", "frontDisplayVersion": "FRONT_DISPLAY_VERSION",
    "brightness": "BRIGHTNESS", "datetime": "DATETIME", "debug": "DEBUG", "firmwareVersion": "FIRMWARE_VERSION",
    "orientation": "ORIENTATION", "powerActionsSchedule": "POWER_ACTIONS_SCHEDULE", "proprietaryTimers": "PROPRIETARY_TIMERS",
    "remoteControl": "REMOTE_CONTROL", "resolution": "RESOLUTION", "timers": "TIMERS", "volume": "VOLUME", "storage": "STORAGE",
    "peerRecovery": "PEER_RECOVERY", "autoRecovery": "AUTO_RECOVERY",
}  # fmt: skip
OTHER_INTERVALS = ("screenshots", "battery", "policy", "default")
BY_DEFAULT = ("BUNDLED_APPLET", "INPUT_SOURCE", "ONLINE_STATUS", "PROXY", "WIFI_STRENGTH")  # kept too, and named by no interval


def intervals_s(about: AboutFile) -> dict[str, float]:
    """How often each kind of telemetry is read, in seconds; what is never read is not there."""
    given = about.current.intervals
    default = given.get("default", DEFAULT_MS)
    found = {kind: given.get(name, default) for name, kind in INTERVALS.items()} | dict.fromkeys(BY_DEFAULT, default)
    return {kind: every_ms / 1000 for kind, every_ms in found.items() if every_ms is not None}


def screenshots_every_s(about: AboutFile) -> float | None:
    """How often a picture of the screen is taken; None: never."""
    every_ms = about.current.intervals.get("screenshots", SCREENSHOTS_MS)
    return None if every_ms is None else every_ms / 1000


class TelemetryCalls:
    """`device` is the box's uid."""

    def __init__(self, device: str, samples: SampleKeeper, about: AboutFile, presence: PresenceFile, clock: Clock) -> None:
        self._device, self._samples, self._about, self._presence, self._clock = device, samples, about, presence, clock

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        read, control = Scope.READ, Scope.CONTROL
        intervals = "/v1/device/configuration/{device}/telemetry-intervals"
        return (
            Row("GET", "/v1/device/telemetry/latest", self.of_devices, read),
            Row("GET", f"{V1}/telemetry/latest", self.of_device, read),
            Row("GET", f"{V1}/telemetry/{{kind}}/latest", self.latest, read),
            Row("GET", f"{V1}/telemetry/{{kind}}", self.history, read),
            Row("GET", intervals, self.intervals, read),
            Row("PUT", intervals, self.set_intervals, control),
            Row("GET", f"{V1}/temperature", self.temperatures, read),
            Row("GET", f"{V1}/hourly-connected-status", self.hourly, read),
            Row("GET", f"{V1}/offline-range", self.offline, read),
            Row("GET", "/v1/uptime", self.uptime, read),
        )

    async def latest(self, call: ApiCall) -> ApiAnswer:
        """The newest reading of the kind that is named."""
        kind = call.pieces["kind"]
        reading = await self._samples.read(kind) if self._samples.knows(kind) else None
        if reading is None:
            raise not_found(f"telemetry of the type {kind}")
        at = wire.instant(self._now())
        return ApiAnswer({"deviceUid": self._device, "type": kind, "createdAt": at, "updatedAt": at, "data": reading})

    async def of_device(self, _: ApiCall) -> ApiAnswer:
        """The newest reading of every kind."""
        return ApiAnswer(await self._all())

    async def of_devices(self, call: ApiCall) -> ApiAnswer:
        """Of the devices that are asked for (`deviceUids`): this one, or none."""
        wanted = call.devices()
        found = [await self._all()] if wanted is None or self._device in wanted else []
        return call.paged(found, lambda _: self._now(), lambda one: one)

    async def _all(self) -> dict[str, Any]:
        found, at = await self._samples.latest(), wire.instant(self._now())
        return {
            "deviceUid": self._device, "createdAt": at,
            "telemetries": {kind: {"id": kind, "updatedAt": at, "data": reading} for kind, reading in found.items()},
        }  # fmt: skip

    async def history(self, call: ApiCall) -> ApiAnswer:
        """One kind as it was, by pages of a hundred at most."""
        kind = call.pieces["kind"]
        if not self._samples.knows(kind):
            raise not_found(f"telemetry of the type {kind}")
        return call.paged(self._samples.history(kind), _at, self._sample, most=MOST_HISTORY)

    def _sample(self, sample: BoxSample) -> dict[str, Any]:
        at = wire.instant(sample.at)
        return {"deviceUid": self._device, "type": sample.kind, "createdAt": at, "updatedAt": at, "data": sample.reading}

    async def intervals(self, _: ApiCall) -> ApiAnswer:
        """Milliseconds by name; null: never."""
        given = self._about.current.intervals
        default = given.get("default", DEFAULT_MS)
        defaults = dict.fromkeys((*INTERVALS, *OTHER_INTERVALS), default) | {"screenshots": SCREENSHOTS_MS}
        return ApiAnswer({**defaults, **given})

    async def set_intervals(self, call: ApiCall) -> ApiAnswer:
        """What is given changes: milliseconds, or null for never."""
        known = (*INTERVALS, *OTHER_INTERVALS)
        changed = {name: _interval(name, value) for name, value in call.body.items() if name in known}
        if changed:
            self._about.change(intervals={**self._about.current.intervals, **changed})
        return ApiAnswer()

    async def temperatures(self, call: ApiCall) -> ApiAnswer:
        """The processor's, in degrees Celsius; all that are kept, since the client looks at no other page."""
        return call.paged(
            self._samples.history("TEMPERATURE"), _at, self._temperature, since="createdSince", until="createdUntil",
            otherwise=KEPT,
        )  # fmt: skip

    def _temperature(self, sample: BoxSample) -> dict[str, Any]:
        at = wire.instant(sample.at)
        return {"uid": at, "deviceUid": self._device, "createdAt": at, **sample.reading}

    # --- time up

    async def uptime(self, call: ApiCall) -> ApiAnswer:
        """Seconds between two instants in which the player was up; from when it was managed first, not before."""
        wanted = call.texts("deviceUid")
        if wanted is not None and self._device not in wanted:
            raise not_found("device of that uid")
        since, until, spans = self._between(call, "since", "until", MONTH_S)
        total = max(0.0, until - max(since, self._about.current.created_at))
        up_s = min(total, uptime_s(spans, since, until))
        return ApiAnswer({
            "uptime": round(up_s, 3), "downtime": round(total - up_s, 3), "total": round(total, 3),
            "availabilityPercent": round(100 * up_s / total, 2) if total else 100,
            "since": wire.instant(since), "until": wire.instant(until),
        })  # fmt: skip

    async def hourly(self, call: ApiCall) -> ApiAnswer:
        """Hours in which it was up, newest first; `time` in milliseconds."""
        since, until, spans = self._between(call, "from", "to", WEEK_S)
        hours = [
            {
                "uid": f"{self._device[:12]}-{begins:.0f}", "createdAt": wire.instant(begins), "deviceIdentityHash": self._device,
                "from": wire.instant(begins), "to": wire.instant(begins + 3600), "time": round(up_s * 1000),
            }
            for begins, up_s in by_hour(spans, since, until)
        ]  # fmt: skip
        return ApiAnswer(hours[::-1])

    async def offline(self, call: ApiCall) -> ApiAnswer:
        """When it was not up, by pages."""
        since, until, spans = self._between(call, "since", "until", MONTH_S)
        return call.paged(tuple(gaps(spans, since, until)), lambda one: one.begins, self._gap)

    def _gap(self, gap: Span) -> dict[str, Any]:
        begins = wire.instant(gap.begins)
        return {"deviceUid": self._device, "createdAt": begins, "since": begins, "until": wire.instant(gap.ends)}

    def _between(self, call: ApiCall, since: str, until: str, otherwise_s: float) -> tuple[float, float, Sequence[Span]]:
        begins, given = call.instant(since), call.instant(until)
        ends = self._now() if given is None else min(given, self._now())
        return max(ends - MONTH_S * 12, ends - otherwise_s if begins is None else begins), ends, self._presence.spans()

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _at(sample: BoxSample) -> float:
    return sample.at


def _interval(name: str, value: Any) -> int | None:
    if value is None or value == "":
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 16 and SHORTEST_MS <= int(text) <= LONGEST_MS):
        raise bad_field(name, f"expected {SHORTEST_MS} to {LONGEST_MS} milliseconds, or null, found {text[:40]}")
    return int(text)
