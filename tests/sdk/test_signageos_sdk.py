"""The public client of the management API, @signageos/sdk, run by Node against a served box: every method that makes sense for one.

What is asserted is the effect on the (fake) devices and what the client makes of the answers, not the answers alone.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from player import __version__
from player.agent.devices import wire
from player.core.applets import AppletOn, AppletTurn, applet_on, turned
from player.core.content import Orientation
from player.core.ports.stage import AppletSaid, CommandApplet, ExamineApplet, Examined
from tests.fakes.local_controls import JPEG, PNG
from tests.fakes.management import Managed, managed
from tests.fakes.running import eventually
from tests.sdk.node import end

HERE = Path(__file__).parent
THESE = Path(__file__).read_text(encoding="utf-8")
WITHIN_S = 30.0


class Refused(Exception):
    """The client raised: `kind` is its class."""

    def __init__(self, kind: str, message: str, name: str | None) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind, self.name = kind, name


class Client:
    """The client in a process of its own. `called` are the methods that were."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.called: set[str] = set()

    async def __call__(self, method: str, *arguments: Any) -> Any:
        """What the method resolves to; a Date is {"$date": …}. Raises Refused."""
        assert self._process.stdin
        assert self._process.stdout
        self.called.add(method)
        self._process.stdin.write(json.dumps([method, arguments]).encode() + b"\n")
        async with asyncio.timeout(WITHIN_S):
            line = await self._process.stdout.readline()
        what, about = json.loads(line)
        if what == "failed":
            raise Refused(about["kind"], about["message"], about["name"])
        return about


@contextlib.asynccontextmanager
async def client(box: Managed, **options: Any) -> AsyncIterator[Client]:
    """By default with the rights of an organization."""
    name, _, secret = box.auth.partition(":")
    given = options or {"organizationAuth": {"clientId": name, "secret": secret}, "accountAuth": {"tokenId": name, "token": secret}}
    process = await asyncio.create_subprocess_exec(
        "node", HERE / "call.mjs", json.dumps({"url": box.url, **given}),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 22,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(box.folder), "SOS_SKIP_DOTENV": "1"},
    )  # fmt: skip
    try:
        yield Client(process)
    finally:
        await end(process)


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Managed]:
    async with managed(tmp_path) as made:
        yield made


async def soon(look: Callable[[], Awaitable[Any]], holds: Callable[[Any], Any]) -> Any:
    """What `look` answers, once that holds."""
    async with asyncio.timeout(WITHIN_S):
        while not holds(found := await look()):  # noqa: ASYNC110 - what is waited for is the box's state
            await asyncio.sleep(0.01)
    return found


def is_date(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"$date"}


async def last(sdk: Client, method: str, uid: str) -> dict[str, Any]:
    """The newest entry that a method lists, once it has ended."""
    entries = await soon(lambda: sdk(method, uid), lambda found: found and (found[0]["succeededAt"] or found[0]["failedAt"]))
    assert is_date(entries[0]["createdAt"])
    assert entries[0]["deviceUid"] == uid
    return entries[0]


async def test_the_device_its_settings_and_its_power(box: Managed):
    async with client(box) as sdk:
        (device,) = await sdk("v1.device.list")
        uid = device["uid"]
        assert uid == box.uid
        assert is_date(device["aliveAt"])
        assert (await sdk("v1.device.get", uid))["model"] == "Raspberry Pi 4 Model B Rev 1.4"
        assert (await sdk("v2.device.list"))[0]["uid"] == uid
        await sdk("v2.device.set", uid, {"name": "Lobby"})
        assert (await sdk("v2.device.get", uid))["name"] == "Lobby"
        await sdk("v1.device.set", uid, {"name": "Foyer"})
        assert (await sdk("v1.device.get", uid))["name"] == "Foyer"
        assert is_date((await sdk("v1.deviceAlive.list", {"filter": {"deviceUids": [uid]}}))[0]["aliveAt"])
        assert is_date((await sdk("v1.deviceAlive.get", {"uid": uid}))["aliveAt"])

        await sdk("v1.device.audio.set", uid, {"volume": 40})
        assert (await last(sdk, "v1.device.audio.list", uid))["volume"] == 40
        assert box.audio.level == 40
        points = {"brightness1": 60, "timeFrom1": "08:00:00", "brightness2": 20, "timeFrom2": "20:00:00"}
        await sdk("v1.device.brightness.set", uid, points)
        assert points.items() <= (await last(sdk, "v1.device.brightness.list", uid)).items()
        assert box.panel.level == 60
        await sdk("v1.device.resolution.set", uid, {"orientation": "PORTRAIT", "resolution": "HD_READY"})
        assert (await last(sdk, "v1.device.resolution.list", uid))["confirmed"]
        assert box.brief.current.settings.orientation is Orientation.PORTRAIT
        await sdk("v1.device.remoteControl.set", uid, {"enabled": False})
        assert (await last(sdk, "v1.device.remoteControl.list", uid))["confirmed"]
        assert box.lock.locked
        await sdk("v1.device.dateTime.set", uid, {"time": "2026-03-25T13:00:00", "timezone": "Europe/Berlin"})
        assert (await last(sdk, "v1.device.dateTime.list", uid))["timezone"] == "Europe/Berlin"
        assert box.host.calls == ["time zone Europe/Berlin"]
        moment = {"time": "2026-03-25 14:30", "timezone": "Europe/London", "ntpServer": "pool.ntp.org"}
        await sdk("v1.device.dateTime.set", uid, moment)
        assert (await last(sdk, "v1.device.dateTime.list", uid))["ntpServer"] == "pool.ntp.org"
        assert box.host.calls[1:] == ["time zone Europe/London", "time server pool.ntp.org", "clock 2026-03-25 14:30:00"]

        for power, holds in (("DISPLAY_POWER_OFF", False), ("DISPLAY_POWER_ON", True)):
            await sdk("v1.device.powerAction.set", uid, {"devicePowerAction": power})
            assert (await last(sdk, "v1.device.powerAction.list", uid))["powerType"] == power
            assert box.panel.power is holds
        await sdk("v1.device.powerAction.set", uid, {"devicePowerAction": "APP_RESTART"})
        await eventually(lambda: box.commands == ["restart_app"], 20)


async def test_what_the_box_does_by_its_own_clock(box: Managed):
    async with client(box) as sdk:
        uid = box.uid
        timer = {
            "type": "TIMER_1", "level": "NATIVE", "timeOn": "08:00:00", "timeOff": "18:00:00", "weekdays": ["mon", "wed"],
            "volume": 30,
        }  # fmt: skip
        await sdk("v1.device.timer.set", uid, timer)
        assert timer.items() <= (await last(sdk, "v1.device.timer.list", uid)).items()
        held = (await sdk("v1.device.telemetry.getLatest", uid, "TIMERS"))["data"]
        assert held == [{name: value for name, value in timer.items() if name != "level"} | {"weekdays": ["MONDAY", "WEDNESDAY"]}]
        box.clock.forward(5.5 * 3600)  # a Wednesday, 18:30 by the box's wall clock
        await eventually(lambda: not box.panel.power, 20)
        await sdk("v1.device.timer.set", uid, {**timer, "timeOn": None, "timeOff": None})
        await eventually(lambda: box.panel.power, 20)  # nothing would switch it on any more
        assert box.schedule.current.timers == ()

        plan = {"powerAction": "DISPLAY_POWER_OFF", "weekdays": ["WEDNESDAY"], "time": "19:00:00"}
        plan_uid = await sdk("v1.device.scheduledPowerAction.create", uid, plan)
        (listed,) = await sdk("v1.device.scheduledPowerAction.list", uid)
        assert {**plan, "uid": plan_uid}.items() <= listed.items()
        assert (await sdk("v1.device.scheduledPowerAction.get", uid, plan_uid))["time"] == "19:00:00"
        box.clock.forward(3600)
        await eventually(lambda: not box.panel.power, 20)
        await sdk("v1.device.scheduledPowerAction.cancel", uid, plan_uid)
        assert await sdk("v1.device.scheduledPowerAction.list", uid) == []


async def test_upkeep_screenshots_and_telemetry(box: Managed):
    async with client(box) as sdk:
        uid = box.uid
        await sdk("v1.device.autoRecovery.set", uid, {"enabled": True, "healthcheckIntervalMs": 30_000})
        assert (await last(sdk, "v1.device.autoRecovery.list", uid))["succeededAt"]
        await sdk("v1.device.peerRecovery.set", uid, {"enabled": True, "urlLauncherAddress": "http://10.0.0.1"})
        assert (await last(sdk, "v1.device.peerRecovery.list", uid))["failedAt"]
        await sdk("v1.device.extendedManagementUrl.set", uid, {"url": "http://10.0.0.1"})
        assert (await last(sdk, "v1.device.extendedManagementUrl.list", uid))["confirmed"]
        assert box.management.extended == "http://10.0.0.1"
        await sdk("v1.device.debug.set", uid, {"appletEnabled": False, "nativeEnabled": True})
        assert (await last(sdk, "v1.device.debug.list", uid))["confirmed"]
        assert logging.getLogger().level == logging.DEBUG
        await sdk("v1.device.debug.set", uid, {"appletEnabled": False, "nativeEnabled": False})
        assert (await last(sdk, "v1.device.debug.list", uid))["nativeEnabled"] is False
        assert logging.getLogger().level > logging.DEBUG
        assert (await sdk("v1.device.appVersion.get", uid))["version"] == __version__
        await sdk("v1.device.appVersion.set", uid, {"applicationType": "linux", "version": "99.0.0"})
        asked = await soon(lambda: sdk("v1.device.appVersion.get", uid), lambda found: found["failedAt"])
        assert asked["version"] == __version__
        assert (await sdk("v1.device.firmware.set", uid, {"version": "13"}))["message"] == "OK"
        assert (await sdk("v1.device.firmware.get", uid))["version"] == "Debian GNU/Linux 12 (bookworm)"
        asked = await soon(lambda: sdk("v1.device.firmware.get", uid), lambda found: found["failedAt"])
        assert asked["reason"] == "update: version 13 is in no bundle of the fake's"
        box.updates.offered = {"99.0.0"}
        await sdk("v1.device.appVersion.set", uid, {"applicationType": "linux", "version": "99.0.0"})
        await eventually(lambda: box.updates.begun == ["99.0.0"], 20)
        assert [one["packageName"] for one in await sdk("v1.package.list")] == ["cec-utils"]
        assert (await sdk("v1.package.get", "cec-utils"))["label"] == "cec-utils"
        await sdk("v1.device.package.install", uid, {"packageName": "cec-utils", "version": "6.0.2", "build": None})
        assert (await last(sdk, "v1.device.package.list", uid))["confirmed"]
        assert box.packages.held == {"cec-utils": "6.0.2"}
        await sdk("v1.device.package.install", uid, {"packageName": "openssh-server", "version": "1", "build": None})
        assert "allows no openssh-server" in (await last(sdk, "v1.device.package.list", uid))["reason"]
        assert await sdk("v1.device.monitoring.reports", uid) == []

        await sdk("v1.device.screenshot.take", uid)
        # One is taken by itself at the start.
        shot, _ = await soon(lambda: sdk("v1.device.screenshot.getList", uid), lambda found: len(found) == 2)
        assert is_date(shot["takenAt"])
        async with box.http.get(shot["uri"]) as answer:  # without a token: its address is the right
            assert (answer.content_type, await answer.read()) == ("image/jpeg", JPEG)
        await sdk("v1.device.monitoring.takeScreenshot", uid)
        await soon(lambda: sdk("v1.device.monitoring.screenshots", uid), lambda found: len(found) == 3)
        newest = await sdk("v1.device.screenshot.listLastScreenshotsByDevices", {"filter": {"deviceUids": [uid]}})
        assert len(newest) == 1
        assert await sdk("v1.device.screenshot.listLastScreenshotsByDevices", {"filter": {"deviceUids": ["other"]}}) == []

        box.audio.level = 33
        volume = await sdk("v1.device.telemetry.getLatest", uid, "VOLUME")
        assert (volume["data"], is_date(volume["updatedAt"])) == ({"volume": 33}, True)
        everything = (await sdk("v1.device.telemetry.getLatestByUid", {"uid": uid}))["telemetries"]
        assert everything["TEMPERATURE"]["data"] == {"temperature": 48.7}
        assert everything["ORIENTATION"]["data"]["orientation"] == "LANDSCAPE"
        (of_all,) = await sdk("v1.device.telemetry.listLatest", {"filter": {"deviceUids": [uid]}})
        assert of_all["telemetries"].keys() == everything.keys()
        with pytest.raises(Refused) as refusal:
            await sdk("v1.device.telemetry.getLatest", uid, "BUNDLED_APPLET")
        assert (refusal.value.kind, refusal.value.name) == ("NotFoundError", "RESOURCE_NOT_FOUND")
        await sdk("v1.device.configuration.setTelemetryIntervals", uid, {"temperature": 60_000, "screenshots": None})
        _, intervals, _ = await box.ask("GET", "/v1/device/configuration/{device}/telemetry-intervals")
        assert (intervals["temperature"], intervals["screenshots"]) == (60_000, None)
        assert (await sdk("v1.device.monitoring.temperatures", uid))[0]["temperature"] == 48.7
        assert (await sdk("v1.device.monitoring.storage", uid))["internal"]["capacity"] > 0
        box.clock.forward(3600)
        assert is_date((await sdk("v1.device.monitoring.hourlyStatuses", uid))[0]["from"])
        box.clock.forward(86_400)
        (report,) = await sdk("v1.device.monitoring.reports", uid)
        assert (report["type"], report["urn"], is_date(report["createdAt"])) == ("UPTIME", "uptime-2026-03-25.csv", True)


async def test_labels_and_policies(box: Managed):
    async with client(box) as sdk:
        uid = box.uid
        (organization,) = await sdk("v1.organization.list")
        assert (await sdk("v1.organization.get", organization["uid"]))["oauthClientId"] == box.auth.partition(":")[0]
        tags = [await sdk("v1.organizationTag.create", {"name": name, "organizationUid": organization["uid"]}) for name in "abc"]
        await sdk("v1.organizationTag.update", tags[0]["uid"], {"name": "A", "color": "#fff"})
        assert (await sdk("v1.organizationTag.getOne", tags[0]["uid"]))["name"] == "A"
        assert [tag["name"] for tag in await sdk("v1.organizationTag.list", {"limit": 2})] == ["c", "b"]
        assert [tag["name"] for tag in await sdk("next")] == ["A"]
        assert await sdk("next") is None

        place = await sdk("v1.location.create", {"name": "Foyer", "coordinates": {"lat": 48.2, "long": 16.4}, "customId": "7"})
        assert (place["feature"]["geometry"]["coordinates"], is_date(place["createdAt"])) == ([16.4, 48.2], True)
        await sdk("v1.location.update", place["uid"], {"description": "by the door"})
        await sdk("v1.locationOrganizationTag.assign", place["uid"], tags[1]["uid"])
        await sdk("v1.location.addAttachment", place["uid"], {"$bytes": base64.b64encode(PNG).decode()})
        found = await sdk("v1.location.get", place["uid"])
        assert (found["description"], found["tagUids"], len(found["attachments"])) == ("by the door", [tags[1]["uid"]], 1)
        await sdk("v1.location.removeAttachments", place["uid"], found["attachments"])
        await sdk("v1.locationOrganizationTag.unassign", place["uid"], tags[1]["uid"])
        await sdk("v1.deviceLocation.assign", uid, place["uid"])
        assert (await sdk("v2.device.get", uid))["locationUid"] == place["uid"]
        await sdk("v1.deviceLocation.unassign", uid, place["uid"])
        (found,) = await sdk("v1.location.list")
        assert (found["attachments"], found["tagUids"]) == ([], [])
        await sdk("v1.location.delete", place["uid"])
        await sdk("v1.organizationTag.delete", tags[0]["uid"])
        assert await sdk("v1.location.list") == []

        applet = await sdk("v1.applet.create", {"name": "Menu"})
        await sdk("v1.applet.version.create", applet["uid"], {"version": "1.0.0", "binary": "<h1>Menu</h1>"})
        policy = await sdk("v1.policy.create", {"name": "Quiet", "organizationUid": organization["uid"]})
        timer = {"type": "TIMER_3", "timeOn": "08:00:00", "timeOff": "20:00:00", "weekdays": ["MONDAY"], "volume": 15}
        items = [
            {"type": "VOLUME", "value": {"volume": 15}},
            {"type": "BUNDLED_APPLET", "value": {"appletUid": applet["uid"], "appletVersion": "1.0.0", "config": {}}},
            {"type": "PROPRIETARY_TIMERS", "value": [timer]}, {"type": "FIRMWARE_VERSION", "value": {"version": "13"}},
        ]  # fmt: skip
        await sdk("v1.policy.set", policy["uid"], {"items": items, "note": "at night"})
        assert (await sdk("v1.policy.get", policy["uid"]))["note"] == "at night"
        await sdk("v1.device.policy.assign", uid, {"uid": policy["uid"], "priority": 5})
        assert (await sdk("v1.device.policy.list", uid))[0]["policyUid"] == policy["uid"]
        await eventually(lambda: box.audio.level == 15, 20)
        statuses = await soon(lambda: sdk("v1.device.policyStatus.list", uid, {}), lambda found: len(found) == 4)
        assert {one["itemType"]: one["success"] for one in statuses} == {
            "VOLUME": True, "BUNDLED_APPLET": True, "PROPRIETARY_TIMERS": True, "FIRMWARE_VERSION": False,
        }  # fmt: skip
        on = shown(box)
        assert on.run
        assert on.run.applet == (await sdk("v1.device.telemetry.getLatest", uid, "BUNDLED_APPLET"))["data"]["appletUid"]
        timers = (await sdk("v1.device.telemetry.getLatest", uid, "PROPRIETARY_TIMERS"))["data"]
        assert timers == [timer]
        assert (await sdk("v1.device.policyStatus.get", uid, {"policyUid": policy["uid"], "itemType": "VOLUME"}))["success"]
        await sdk("v1.device.audio.set", uid, {"volume": 80})
        assert 'the policy "Quiet" holds it' in (await last(sdk, "v1.device.audio.list", uid))["reason"]
        assert box.audio.level == 15

        loud = await sdk("v1.policy.clone", policy["uid"], {"name": "Loud", "organizationUid": organization["uid"]})
        await sdk("v1.policy.set", loud["uid"], {"items": [{"type": "VOLUME", "value": {"volume": 90}}]})
        await sdk("v1.device.policy.assign", uid, {"uid": loud["uid"], "priority": 9})
        await eventually(lambda: box.audio.level == 90, 20)
        await sdk("v1.policy.archive", loud["uid"])
        await eventually(lambda: box.audio.level == 15, 20)
        await sdk("v1.policy.unarchive", loud["uid"])
        await eventually(lambda: box.audio.level == 90, 20)
        await sdk("v1.device.policy.unassign", uid, loud["uid"])
        await eventually(lambda: box.audio.level == 15, 20)
        assert len(await sdk("v1.policy.list")) == 2


def shown(box: Managed) -> AppletOn:
    """What of the applets is on air, by the plan that the stage has."""
    plan, at = box.brief.current.applets, box.clock.now().timestamp()
    return applet_on(plan, turned(AppletTurn(), plan, at, 0.0), at, 0.0)


def content(text: str) -> dict[str, Any]:
    """The fields of a file whose content is that text."""
    raw = text.encode()
    hashed = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    return {"content": {"$bytes": base64.b64encode(raw).decode()}, "size": len(raw), "hash": hashed}


async def test_applets_their_versions_and_their_files(box: Managed):
    async with client(box) as sdk:
        menu = await sdk("v1.applet.create", {"name": "Menu"})
        assert [one["uid"] for one in await sdk("v1.applet.list")] == [menu["uid"]]
        assert (await sdk("v1.applet.get", menu["uid"]))["name"] == "Menu"
        await sdk("v1.applet.version.create", menu["uid"], {
            "version": "1.0.0", "frontAppletVersion": "8.2.4", "entryFile": "index.html",
        })  # fmt: skip
        page = {"name": "index.html", "path": "index.html", "type": "text/html", **content("<h1>Menu</h1>")}
        await sdk("v1.applet.version.file.create", menu["uid"], "1.0.0", page, {"build": False})
        assert (await sdk("v1.applet.version.get", menu["uid"], "1.0.0"))["builtSince"] is None
        script = {"name": "a.js", "path": "js/a.js", "type": "text/javascript", **content("1")}
        await sdk("v1.applet.version.file.create", menu["uid"], "1.0.0", script)
        assert is_date((await sdk("v1.applet.version.get", menu["uid"], "1.0.0"))["builtSince"])
        await sdk("v1.applet.version.file.update", menu["uid"], "1.0.0", "js/a.js", {"type": "text/javascript", **content("22")})
        listed = await sdk("v1.applet.version.file.list", menu["uid"], "1.0.0")
        assert [(one["path"], one["name"], one["size"]) for one in listed] == [
            ("index.html", "index.html", 13),
            ("js/a.js", "a.js", 2),
        ]
        held = await sdk("v1.applet.version.file.get", menu["uid"], "1.0.0", "js/a.js")
        assert (held["hash"], held["size"], held["type"]) == (content("22")["hash"], 2, "text/javascript")

        await sdk("v1.applet.version.update", menu["uid"], "1.0.0", {"frontAppletVersion": "8.2.5", "entryFile": "index.html"})
        assert (await sdk("v1.applet.version.list", menu["uid"]))[0]["frontAppletVersion"] == "8.2.5"
        await sdk("v1.applet.version.create", menu["uid"], {"version": "2.0.0", "binary": "<h1>One page</h1>"})
        assert (await sdk("v1.applet.version.get", menu["uid"], "2.0.0"))["binary"] == "<h1>One page</h1>"
        for mark, field, is_set in (
            ("v1.applet.version.publish", "publishedSince", True), ("v1.applet.version.deprecate", "deprecatedSince", True),
            ("v1.applet.version.renew", "deprecatedSince", False),
        ):  # fmt: skip
            await sdk(mark, menu["uid"], "2.0.0")
            assert is_date((await sdk("v1.applet.version.get", menu["uid"], "2.0.0"))[field]) is is_set

        await sdk("v1.applet.tests.create", menu["uid"], "1.0.0", {"identifier": "first", "binary": "it()"})
        await sdk("v1.applet.tests.update", menu["uid"], "1.0.0", "first", {"binary": "it(2)"})
        assert (await sdk("v1.applet.tests.get", menu["uid"], "1.0.0", "first"))["binary"] == "it(2)"
        assert [one["identifier"] for one in await sdk("v1.applet.tests.list", menu["uid"], "1.0.0")] == ["first"]
        for failure, outcome in (("Error: 2", "failedTests"), ("", "successfulTests")):
            box.stage.answers[ExamineApplet] = Examined(failure)
            await sdk("v1.device.appletTest.run", box.uid, menu["uid"], "1.0.0", ["first"])
            tested = await soon(
                lambda: sdk("v1.device.appletTest.get", box.uid, menu["uid"], "1.0.0"), lambda one: one["finishedAt"]
            )
            assert (tested[outcome], tested["pendingTests"], is_date(tested["createdAt"])) == (["first"], [], True)
        assert ExamineApplet(menu["uid"], "1.0.0", "it(2)") in box.stage.asked
        await sdk("v1.applet.tests.delete", menu["uid"], "1.0.0", "first")
        assert await sdk("v1.applet.tests.list", menu["uid"], "1.0.0") == []
        await sdk("v1.applet.version.file.remove", menu["uid"], "1.0.0", "js/a.js")
        assert len(await sdk("v1.applet.version.file.list", menu["uid"], "1.0.0")) == 1
        await sdk("v1.applet.delete", menu["uid"])
        assert await sdk("v1.applet.list") == []


async def test_which_applet_is_shown_and_what_it_is_told(box: Managed):
    async with client(box) as sdk:
        uid, applet = box.uid, (await sdk("v1.applet.create", {"name": "Menu"}))["uid"]
        for version in ("1.0.0", "2.0.0"):
            page = f"<h1>{version}</h1>"
            await sdk("v1.applet.version.create", applet, {"version": version, "frontAppletVersion": "8.2.4", "binary": page})
        now = box.clock.now()
        asked = {
            "deviceUid": uid, "appletUid": applet, "appletVersion": "1.0.0", "startsAt": {"$date": wire.instant(now.timestamp())},
            "endsAt": {"$date": wire.instant(now.timestamp())}, "configuration": {"title": "Menu", "size": 3}, "position": 1,
            "finishEvent": {"type": "DURATION", "data": 60_000},
        }  # fmt: skip
        made = await sdk("v1.timing.create", asked)
        on = shown(box)
        assert on.run
        assert (on.uid, on.run.version, dict(on.run.configuration)) == (made["uid"], "1.0.0", {"title": "Menu", "size": 3})
        assert (box.folder / "cache/applets/built" / on.run.files / "index.html").read_text() == "<h1>1.0.0</h1>"
        assert [one["uid"] for one in await sdk("v1.timing.getList", {"deviceUid": uid, "current": True})] == [made["uid"]]
        changed = {name: value for name, value in asked.items() if not name.endswith("Uid")} | {"appletVersion": "2.0.0"}
        await sdk("v1.timing.update", made["uid"], changed)
        assert (await sdk("v1.timing.get", made["uid"]))["appletVersion"] == "2.0.0"
        on = shown(box)
        assert on.run
        assert on.run.version == "2.0.0"
        with pytest.raises(Refused):
            await sdk("v1.applet.delete", applet)

        sent = await sdk("v1.applet.command.send", uid, applet, {"command": {"type": "Menu.Open", "dish": 7}})
        assert (sent["command"], is_date(sent["receivedAt"])) == ({"type": "Menu.Open", "dish": 7}, True)
        assert CommandApplet(applet, {"type": "Menu.Open", "dish": 7}) in box.stage.asked
        box.applets_said.put_nowait(AppletSaid(applet, {"type": "Menu.Chosen"}))
        since = {"receivedSince": sent["receivedAt"]}
        listed = await soon(lambda: sdk("v1.applet.command.list", uid, applet, since), lambda found: len(found) == 2)
        assert [one["command"]["type"] for one in listed] == ["Menu.Chosen", "Menu.Open"]
        assert (await sdk("v1.applet.command.get", uid, applet, sent["uid"]))["uid"] == sent["uid"]
        command = {"deviceUid": uid, "appletUid": applet, "command": {"type": "Menu.Close"}}
        closed = await sdk("v1.timingCommand.create", command)
        assert [one["uid"] for one in await sdk("v1.timingCommand.getList", {"deviceUid": uid, "type": "Menu.Close"})] == [
            closed["uid"]
        ]
        assert (await sdk("v1.timingCommand.get", uid, applet, closed["uid"]))["command"] == {"type": "Menu.Close"}

        again = await sdk("v1.timing.appletCommandManagement.send", uid, applet, {"command": {"type": "Menu.Again"}})
        assert (await sdk("v1.timing.appletCommandManagement.get", uid, applet, again["uid"]))["uid"] == again["uid"]
        assert (await sdk("v1.timing.appletCommandManagement.list", uid, applet))[0]["uid"] == again["uid"]

        for power, holds in (("APPLET_DISABLE", False), ("APPLET_ENABLE", True)):
            await sdk("v1.device.powerAction.set", uid, {"devicePowerAction": power})
            assert (await last(sdk, "v1.device.powerAction.list", uid))["powerType"] == power
            assert (shown(box).run is not None) is holds
        await sdk("v1.device.powerAction.set", uid, {"devicePowerAction": "APPLET_RELOAD"})
        assert (await last(sdk, "v1.device.powerAction.list", uid))["confirmed"]
        assert box.brief.current.applets.round == 1
        assert (box.commands, box.panel.power) == ([], True)

        await sdk("v1.device.connect.connect", uid, {
            "appletUid": applet, "appletPublicUrl": "http://10.0.0.2:8080/", "appletVersion": "3.0.0",
        })  # fmt: skip
        assert shown(box).uid == "connected"
        await sdk("v1.device.connect.disconnect", uid)
        assert shown(box).uid == made["uid"]
        await sdk("v1.timing.delete", made["uid"])
        assert shown(box).run is None
        assert await sdk("v1.timing.getList") == []


async def test_who_the_box_is_and_the_end_of_its_management(box: Managed):
    async with client(box) as sdk:
        uid = box.uid
        who = await sdk("v1.device.authentication.get", uid)
        assert (await sdk("v1.device.authentication.getByAuthHash", who["authHash"][:6]))["deviceUid"] == uid
        verified = await sdk("v1.device.verification.set", {"verificationHash": box.identity.uuid8})
        assert is_date((await sdk("v1.device.verification.get", verified["uid"]))["verifiedAt"])
        assert (await box.ask("PUT", "/v1/device/{device}/pin-code", {}))[0] == 200
        pin = (await sdk("v1.device.pinCode.get", uid))["pinCode"]
        assert await box.lock.check_pin(pin, "the screen")
        assert (await sdk("v1.device.get", uid))["pinCode"] == pin
        await box.lock.command(locked=False, pin="471100")  # by the server: what was made before is no PIN any more
        with pytest.raises(Refused) as refusal:
            await sdk("v1.device.pinCode.get", uid)
        assert refusal.value.kind == "NotFoundError"
        await sdk("v1.device.provisioning.deprovision", uid)
        with pytest.raises(Refused) as refusal:
            await sdk("v1.device.list")
        assert refusal.value.kind == "NotFoundError"
        assert box.tokens.tokens() == ()


async def test_with_the_rights_of_an_account_alone_the_client_asks_for_its_organization_first(box: Managed):
    name, _, secret = box.auth.partition(":")
    (organization,) = (await box.ask("GET", "/v1/organization"))[1]
    async with client(box, accountAuth={"tokenId": name, "token": secret}, organizationUid=organization["uid"]) as sdk:
        assert (await sdk("v1.device.list"))[0]["uid"] == box.uid
    async with client(box, organizationAuth={"clientId": name, "secret": "wrong"}) as sdk:
        with pytest.raises(Refused) as refusal:
            await sdk("v1.device.list")
        assert refusal.value.kind == "AuthenticationError"


# What one box has not: fleets and accounts; then what is left to the client itself, or asked of packages by those who make them.
ELSEWHERE = (
    "v1.alert.", "v1.bulkOperation.", "v1.company.", "v1.contentGuard", "v1.customScript.", "v1.emulator.", "v1.firmwareVersion.",
    "v1.organization.create", "v1.organization.delete", "v1.organization.update", "v1.organization.setSubscriptionType",
    "v1.organization.token.", "v1.plugin.", "v1.runner.", "v1.package.create", "v1.package.update",
)  # fmt: skip
NO_CALLS = ("extractLocationFromHeader", "getPaginatedListFromResponse", "getUrl", "areDataSame", "assertV1")


async def test_every_method_that_makes_sense_for_one_box_is_called_by_these_tests(box: Managed):
    async with client(box) as sdk:
        methods = {name for name in await sdk("methods") if not name.endswith(NO_CALLS)}
    called = set(re.findall(r'"(v[12]\.[A-Za-z.]+)"', THESE))
    assert len(methods) > 230
    assert {name for name in methods - called if not name.startswith(ELSEWHERE)} == set()


async def test_what_is_a_fleets_or_an_accounts_is_answered_at_once_with_what_it_is(box: Managed):
    bodies: dict[str, list[Any]] = {"v1.package.create": [{}], "v1.package.update": ["a", {}]}
    async with client(box) as sdk:
        methods = [name for name in await sdk("methods") if name.startswith(ELSEWHERE) and not name.endswith(NO_CALLS)]
        methods.remove("v1.firmwareVersion.create")  # it reads files first
        for method in methods:
            with pytest.raises(Refused) as refusal:
                await sdk(method, *bodies.get(method, ["a", "b", "c", "d"]))
            assert (method, refusal.value.kind, refusal.value.name) == (method, "RequestError", "NOT_IMPLEMENTED")
    assert len(methods) > 100
