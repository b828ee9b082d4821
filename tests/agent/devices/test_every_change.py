"""Every call that changes something, one after the other, each with what it changed: on devices, in what is kept, on the screen.

A call that is in the API's table and is not walked here fails the walk.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import io
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from player.agent.devices.package_calls import PACKAGE
from player.core.content import Orientation
from player.core.ports.box import Switch
from player.core.ports.stage import CommandApplet, ExamineApplet, Examined
from player.core.routes import Found, Table
from tests.fakes.local_controls import PNG
from tests.fakes.management import V1, Managed, got, managed
from tests.fakes.pages import Page, kept

Effect = Callable[[], Any | Awaitable[Any]]
REFUSED = {("POST", PACKAGE), ("PUT", f"{PACKAGE}/{{package}}")}  # 501: which packages there are says the configuration alone


class Walk:
    """`walked` are the rows of the table that were, as (method, path)."""

    def __init__(self, box: Managed) -> None:
        self._box = box
        self._table = Table([(row.method, row.path, row) for row in box.management.rows])
        self.walked: set[tuple[str, str]] = set()

    async def change(self, method: str, path: str, body: Any, effect: Effect, raw: bytes | None = None) -> Any:
        """Asks for it, and waits for the effect, which is none before: the uid of what was made, else the answer."""
        assert not await _now(effect), f"{method} {path}: it is so already"
        answer = await self.ask(method, path, body, raw)
        await self._box.management.look()
        async with asyncio.timeout(20):
            while not await _now(effect):  # noqa: ASYNC110 - what is waited for is the box's state
                await asyncio.sleep(0.01)
        return answer

    async def ask(self, method: str, path: str, body: Any, raw: bytes | None = None) -> Any:
        """As `change`, of what is seen by another call alone."""
        self._box.clock.forward(2.5)  # a token may ask for so much at a time
        headers = {} if raw is None else {"Content-Type": "image/png"}
        status, said, told = await self._box.ask(method, path, body, raw=raw, headers=headers)
        assert status in (200, 201, 202), (method, path, said)
        self.pass_by(method, path)
        made = told.get("Location") or told.get("Link", "").strip("<>")
        return made.rpartition("/")[2] or said

    def pass_by(self, method: str, path: str) -> None:
        """It was walked."""
        found = self._table.find(method, path.replace("{device}", self._box.uid).partition("?")[0].strip("/").split("/"))
        assert isinstance(found, Found), path
        self.walked.add((found.row.method, found.row.path))


async def _now(effect: Effect) -> Any:
    found = effect()
    return await found if inspect.isawaitable(found) else found


async def last(box: Managed, path: str, words: str) -> bool:
    """Whether the newest entry has ended, and says that."""
    entries = await got(box, path)
    return bool(entries) and words in str(entries[0]["reason"]) and bool(entries[0]["succeededAt"] or entries[0]["failedAt"])


async def has(box: Managed, path: str, **fields: Any) -> bool:
    """Whether what is read there has these fields."""
    status, said, _ = await box.ask("GET", path)
    found = said[0] if isinstance(said, list) and said else said
    return status == 200 and isinstance(found, dict) and fields.items() <= found.items()


async def is_gone(box: Managed, path: str) -> bool:
    """Whether nothing is read there."""
    return (await box.ask("GET", path))[0] == 404


async def test_every_call_that_changes_something_changes_it(tmp_path: Path):
    async with managed(tmp_path) as box:
        walk = Walk(box)
        await the_device(box, walk)
        await what_it_does_by_itself(box, walk)
        await its_labels(box, walk)
        await its_policies(box, walk)
        await its_applets(box, walk)
        await walk.change("PUT", f"{V1}/deprovision", {}, lambda: box.tokens.tokens() == ())
        wanted = {(row.method, row.path) for row in box.management.rows if row.method != "GET"}
        assert wanted - walk.walked == REFUSED


async def the_device(box: Managed, walk: Walk) -> None:
    change, held = walk.change, box.brief.current.settings
    assert held.mode is None
    await change("PUT", f"{V1}/volume", {"volume": 40}, lambda: box.audio.level == 40)
    size = {"orientation": "PORTRAIT", "size": {"width": 1920, "height": 1080}, "framerate": 50}

    def turned() -> bool:
        now = box.brief.current.settings
        return (now.orientation, now.mode) == (Orientation.PORTRAIT, "1920x1080@50")

    await change("PUT", f"{V1}/resolution", size, turned)
    await change("PUT", f"{V1}/remote-control", {"enabled": False}, lambda: box.lock.locked)
    await change("PUT", f"{V1}/debug", {"nativeEnabled": True}, lambda: logging.getLogger().level == logging.DEBUG)
    await change("PUT", f"{V1}/debug", {"nativeEnabled": False}, lambda: logging.getLogger().level > logging.DEBUG)
    moment = {"time": "2026-03-26 14:30", "timezone": "Europe/London", "ntpServer": "pool.ntp.org"}
    told = ["time zone Europe/London", "time server pool.ntp.org", "clock 2026-03-26 14:30:00"]
    await change("PUT", f"{V1}/time", moment, lambda: box.host.calls == told)
    await change("POST", f"{V1}/power-action", {"devicePowerAction": "DISPLAY_POWER_OFF"}, lambda: not box.panel.power)
    await change("POST", f"{V1}/power-action", {"devicePowerAction": "DISPLAY_POWER_ON"}, lambda: box.panel.power)
    await change("PUT", f"{V1}/security", {"wifiEnabled": False}, lambda: not box.switches.on[Switch.WIFI])
    box.vpn.unit = "wg-quick@office.service"
    await change("PUT", f"{V1}/vpn", {"enable": True}, lambda: box.vpn.up)
    package = {"packageName": "cec-utils", "version": "6.0.2", "build": "5"}
    await change("PUT", f"{V1}/package-install", package, lambda: box.packages.held == {"cec-utils": "6.0.2-5"})
    start = f"{V1}/package-start"
    await change("PUT", f"{start}?packageName=cec-utils", None, lambda: last(box, start, "a package starts by itself"))
    box.updates.offered = {"98.0", "99.0"}
    await change("PUT", f"{V1}/application/linux/version", {"version": "98.0"}, lambda: box.updates.begun == ["98.0"])
    await change("PUT", f"{V1}/firmware", {"version": "99.0"}, lambda: box.updates.begun == ["98.0", "99.0"])
    await change("PUT", V1, {"name": "Lobby"}, lambda: has(box, V1, name="Lobby"))
    await change("PUT", "/v2/device/{device}", {"name": "Foyer"}, lambda: has(box, V1, name="Foyer"))
    pin = box.lock.pin_mark
    await change("PUT", f"{V1}/pin-code", {}, lambda: box.lock.pin_mark != pin)
    shown = {"verificationHash": box.identity.uuid8}
    assert await walk.ask("POST", "/v1/device/verification", shown) == box.identity.uuid8
    assert await has(box, f"/v1/device/verification/{box.identity.uuid8}", deviceUid=box.uid)


async def what_it_does_by_itself(box: Managed, walk: Walk) -> None:
    change = walk.change
    points = {"brightness1": 60, "timeFrom1": "08:00:00", "brightness2": 20, "timeFrom2": "20:00:00"}
    await change("PUT", f"{V1}/brightness", points, lambda: box.panel.level == 60)
    timer = {"type": "TIMER_1", "level": "NATIVE", "timeOn": "08:00", "timeOff": "18:00", "weekdays": ["mon"], "volume": 30}
    await change("PUT", f"{V1}/timer-settings", timer, lambda: [one.number for one in box.schedule.current.timers] == [1])
    plans, plan = f"{V1}/scheduled-power-action", {"powerAction": "SYSTEM_REBOOT", "weekdays": ["SUNDAY"], "time": "04:00"}
    uid = await change("POST", plans, plan, lambda: [one.action for one in box.schedule.current.planned] == ["reboot"])
    await change("DELETE", f"{plans}/{uid}", None, lambda: box.schedule.current.planned == ())
    recovery = {"enabled": True, "healthcheckIntervalMs": 30_000}
    await change("PUT", f"{V1}/auto-recovery", recovery, lambda: last(box, f"{V1}/auto-recovery", "systemd starts again whatever"))
    peers = {"enabled": True, "urlLauncherAddress": "http://10.0.0.1"}
    await change("PUT", f"{V1}/peer-recovery", peers, lambda: last(box, f"{V1}/peer-recovery", "by their URL launcher"))
    url = "https://panels.example.com/"
    await change("PUT", f"{V1}/extended-management", {"url": url}, lambda: box.management.extended == url)
    ring = box.folder / "run/screenshots"
    shots = len(list(ring.glob("*.jpg")))
    await change("POST", f"{V1}/screenshot", None, lambda: len(list(ring.glob("*.jpg"))) > shots)
    await change("PUT", f"{V1}/screen-capture", {"enable": False}, lambda: has(box, f"{V1}/screen-capture", enabled=False))
    await change("PUT", f"{V1}/test", {"tests": ["disk"]}, lambda: has(box, f"{V1}/test", failedTests=["disk"]))
    intervals = "/v1/device/configuration/{device}/telemetry-intervals"

    async def is_read_often() -> bool:
        before = len(await got(box, f"{V1}/telemetry/VOLUME"))
        box.clock.forward(31)
        await box.management.look()
        return len(await got(box, f"{V1}/telemetry/VOLUME")) > before

    await is_read_often()  # the first time it is read at once
    await change("PUT", intervals, {"volume": 30_000}, is_read_often)


async def its_labels(box: Managed, walk: Walk) -> None:
    change, page = walk.change, Page(box)
    tags, places = "/v1/organization-tag", "/v1/location"
    tag = await change("POST", tags, {"name": "hal"}, lambda: has(box, tags, name="hal"))
    await change("PUT", f"{tags}/{tag}", {"name": "hall"}, lambda: has(box, f"{tags}/{tag}", name="hall"))

    async def told_tags(*names: str) -> bool:
        return bool(await page.ask("device_info.get_organization_tags") == [{"name": name} for name in names])

    async def told_place(name: str | None) -> bool:
        found = await page.ask("device_info.get_location")
        return (found and found["name"]) == name

    await change("PUT", f"{V1}/organization-tag/{tag}", None, lambda: told_tags("hall"))
    await change("DELETE", f"{V1}/organization-tag/{tag}", None, told_tags)
    place = await change("POST", places, {"name": "Foyer", "address": "Here 1"}, lambda: has(box, places, name="Foyer"))
    own = f"{places}/{place}"
    await change("PUT", own, {"customId": "7"}, lambda: has(box, own, customId="7"))

    async def pictures() -> list[Any]:
        found: list[Any] = (await got(box, own))["attachments"]
        return found

    async def is_seen() -> bool:
        urls = [url.removeprefix(box.url) for url in await pictures()]
        return [(await box.ask("GET", url))[1] for url in urls] == [PNG]

    await change("PUT", f"{own}/add-attachment", None, is_seen, raw=PNG)
    (picture,) = await pictures()

    async def is_gone_from_disk() -> bool:
        return not await pictures() and not list((box.folder / "devices/attachments").iterdir())

    await change("PUT", f"{own}/remove-attachments", {"attachments": [picture]}, is_gone_from_disk)
    await change("PUT", f"{own}/organization-tag/{tag}", None, lambda: has(box, own, tagUids=[tag]))
    await change("DELETE", f"{own}/organization-tag/{tag}", None, lambda: has(box, own, tagUids=[]))
    here = f"{V1}/location/{place}"
    assert await is_gone(box, here)
    await change("PUT", here, None, lambda: told_place("Foyer"))
    assert await has(box, here, uid=place)
    await change("DELETE", here, None, lambda: told_place(None))
    await change("DELETE", own, None, lambda: is_gone(box, own))
    await change("DELETE", f"{tags}/{tag}", None, lambda: is_gone(box, f"{tags}/{tag}"))


async def its_policies(box: Managed, walk: Walk) -> None:
    change, policies = walk.change, "/v1/policy"
    quiet = await change("POST", policies, {"name": "Quiet"}, lambda: has(box, policies, name="Quiet"))
    items = [{"type": "VOLUME", "value": {"volume": 15}}]

    async def says(uid: str) -> bool:
        return [one["value"] for one in (await got(box, f"{policies}/{uid}"))["items"]] == [{"volume": 15}]

    await change("PUT", f"{policies}/{quiet}", {"items": items}, lambda: says(quiet))
    await change("POST", f"{V1}/policy", {"uid": quiet, "priority": 3}, lambda: box.audio.level == 15)
    assert await has(box, f"{V1}/policy-status", itemType="VOLUME", success=True)
    assert await has(box, f"{V1}/policy-status/{quiet}/item/VOLUME", success=True)
    copy = await change("PUT", f"{policies}/{quiet}/clone", {"name": "Copy"}, lambda: has(box, policies, name="Copy"))
    assert await says(copy)
    await change("PUT", f"{policies}/{quiet}/archive", {"archived": True}, lambda: not box.management.held_by("volume"))
    await change("PUT", f"{policies}/{quiet}/archive", {"archived": False}, lambda: box.management.held_by("volume") == "Quiet")
    await change("DELETE", f"{V1}/policy/{quiet}", None, lambda: not box.management.held_by("volume"))


async def its_applets(box: Managed, walk: Walk) -> None:
    change, applets = walk.change, "/v1/applet"
    menu = await change("POST", applets, {"name": "Menu"}, lambda: has(box, applets, name="Menu"))
    own = f"{applets}/{menu}"
    one = f"{own}/version/1.0.0"
    await change("POST", f"{own}/version", {"version": "1.0.0", "entryFile": "a.html"}, lambda: has(box, one, entryFile="a.html"))
    await change("PUT", one, {"entryFile": "index.html"}, lambda: has(box, one, entryFile="index.html"))
    for word, field in (("publish", "publishedSince"), ("deprecate", "deprecatedSince")):
        await change("POST", f"{one}/{word}", None, lambda field=field: _is_set(box, one, field))
    await change("POST", f"{one}/renew", None, lambda: has(box, one, deprecatedSince=None))
    await its_files(box, walk, one)
    await change("POST", f"{one}/test", {"identifier": "t", "binary": "a()"}, lambda: has(box, f"{one}/test/t", binary="a()"))
    await change("PUT", f"{one}/test/t", {"binary": "b()"}, lambda: has(box, f"{one}/test/t", binary="b()"))
    box.stage.answers[ExamineApplet] = Examined("")
    tests = f"{V1}/applet-test/{menu}/1.0.0"
    await change("PUT", tests, {"tests": ["t"]}, lambda: ExamineApplet(menu, "1.0.0", "b()") in box.stage.asked)
    await change("DELETE", f"{one}/test/t", None, lambda: is_gone(box, f"{one}/test/t"))

    def on() -> str:
        return box.management.applets.on_air().uid

    start = "2026-03-01T12:00:00.000Z"
    timing = {"deviceUid": box.uid, "appletUid": menu, "appletVersion": "1.0.0", "startsAt": start, "endsAt": start}
    timed = await change("POST", "/v1/timing", timing, on)
    later = {"startsAt": "2030-01-01T00:00:00.000Z", "endsAt": "2030-01-01T00:00:00.000Z"}
    await change("PUT", f"/v1/timing/{timed}", later, lambda: not on())
    await change("DELETE", f"/v1/timing/{timed}", None, lambda: is_gone(box, f"/v1/timing/{timed}"))
    assigned = await change("POST", f"{V1}/applet", {"appletUid": menu, "appletVersion": "1.0.0"}, on)
    mine = f"{V1}/applet/{assigned}"
    await change("PUT", mine, {"active": False}, lambda: not on())
    await change("PUT", mine, {"active": True}, on)
    power, asked = f"{V1}/power-action", "devicePowerAction"
    await change("POST", power, {asked: "APPLET_DISABLE"}, lambda: not on())
    await change("POST", power, {asked: "APPLET_ENABLE"}, on)
    await Page(box, menu).file("write_file", "note", contents="mine")
    await change("POST", power, {asked: "APPLET_REFRESH"}, lambda: box.brief.current.applets.round == 1)
    assert (kept(box, menu) / "files/note").exists()
    await change("POST", power, {asked: "APPLET_RELOAD"}, lambda: box.brief.current.applets.round == 2)
    assert not (kept(box, menu) / "files/note").exists()
    command = {"command": {"type": "Open"}}
    commands = f"{V1}/applet/{menu}/command"
    await change("POST", commands, command, lambda: CommandApplet(menu, {"type": "Open"}) in box.stage.asked)
    served = {"appletUid": "mine", "appletPublicUrl": "http://10.0.0.2:8080/"}
    await change("POST", f"{V1}/connect", served, lambda: on() == "connected")
    await change("POST", f"{V1}/disconnect", {}, lambda: on() != "connected")
    await change("DELETE", mine, None, lambda: not on())
    files = box.folder / "cache/applets/files"
    assert list(files.iterdir())
    await change("DELETE", own, None, lambda: is_gone(box, own))
    await box.management.applets.tell()
    assert not list(files.iterdir())


async def its_files(box: Managed, walk: Walk, one: str) -> None:
    async def upload(method: str, path: str, page: bytes) -> None:
        md5 = hashlib.md5(page, usedforsecurity=False).hexdigest()
        said = await walk.ask(method, path, {"path": "index.html", "type": "text/html", "hash": md5})
        url = said["upload"]["request"]["url"]
        form = aiohttp.MultipartWriter("form-data")
        form.append(io.BytesIO(page)).set_content_disposition("form-data", name="file")
        async with box.http.post(url, data=form) as answer:
            assert answer.status == 201
        walk.pass_by("POST", url.removeprefix(box.url))
        assert (await box.ask("GET", f"{one}/file/index.html"))[1] == page

    await upload("POST", f"{one}/file", b"<h1>")
    await upload("PUT", f"{one}/file/index.html", b"<h2>")
    await walk.change("DELETE", f"{one}/file/index.html", None, lambda: is_gone(box, f"{one}/file/index.html"))
    await upload("POST", f"{one}/file", b"<h3>")


async def _is_set(box: Managed, path: str, field: str) -> bool:
    return bool((await got(box, path))[field])
