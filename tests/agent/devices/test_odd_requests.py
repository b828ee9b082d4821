"""What tools send without meaning harm: odd hours, odd dates, empty bodies, others' names, and changes of mind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from player.core.applet_layout import beside
from player.core.applets import AppletTurn, applet_on
from player.core.onair import Because, OnAir, Source
from player.core.settings import Asker
from tests.fakes.clock import FakeClock
from tests.fakes.management import V1, Managed, ended, got, managed
from tests.fakes.running import eventually

NOTHING = OnAir(None, None, Because(Source.NOTHING))
TIMER: dict[str, Any] = {"level": "NATIVE", "weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Managed]:
    async with managed(tmp_path) as made:
        yield made


def forward_to(box: Managed, text: str) -> None:
    """Moves the clock on to that instant, UTC."""
    box.clock.forward((datetime.fromisoformat(text).replace(tzinfo=UTC) - box.clock.now()).total_seconds())


async def menu(box: Managed) -> dict[str, Any]:
    """What a timing of an applet that is here begins with."""
    _, _, headers = await box.ask("POST", "/v1/applet", {"name": "Menu"})
    uid = headers["Link"].strip("<>").rpartition("/")[2]
    await box.ask("POST", f"/v1/applet/{uid}/version", {"version": "1.0.0", "binary": "<h1>Menu</h1>"})
    return {"deviceUid": box.uid, "appletUid": uid, "appletVersion": "1.0.0"}


# --- instants


async def test_a_timing_lasts_to_the_last_instant_that_can_be_written_and_no_further(box: Managed):
    wanted = await menu(box)
    for far in ("9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.9999Z", "0001-01-01T00:00:00+14:00", "9" * 40, "253402300800000"):
        for name in ("startsAt", "endsAt"):
            whole = {"startsAt": "2026-03-01T12:00:00.000Z", "endsAt": "9999-12-31T23:59:59.999Z", name: far}
            status, said, _ = await box.ask("POST", "/v1/timing", {**wanted, **whole})
            assert (status, said["errorDetail"]) == (400, name), far
        for path in ("/v1/device?createdSince", f"{V1}/action-log?since", f"{V1}/system-log?until", "/v1/uptime?since"):
            assert (await box.ask("GET", f"{path}={far.replace('+', '%2B')}"))[0] == 400, (path, far)
    for ends in ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59"):
        status, _, _ = await box.ask("POST", "/v1/timing", {**wanted, "startsAt": "0001-01-01T00:00:00", "endsAt": ends})
        assert status == 201
    assert [one["endsAt"][:10] for one in await got(box, "/v1/timing")] == ["9999-12-31"] * 2
    plan, at = box.brief.current.applets, box.clock.now().timestamp()
    shown = beside(NOTHING, plan, applet_on(plan, AppletTurn(), at, 0.0), ())
    assert shown.layout
    assert shown.until == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "the stage can count with it"


async def test_dates_without_a_zone_are_utc_and_pages_beyond_the_end_are_empty(box: Managed):
    wanted = await menu(box)
    await box.ask("POST", "/v1/timing", {**wanted, "startsAt": "2026-03-01T12:00:00", "endsAt": "2026-03-01 12:00"})
    (timing,) = await got(box, "/v1/timing")
    assert (timing["startsAt"], timing["endsAt"]) == ("2026-03-01T12:00:00.000Z",) * 2
    for path, since, until in (
        ("/v1/device", "createdSince", "createdUntil"), (f"{V1}/temperature", "createdSince", "createdUntil"),
        (f"{V1}/report", "createdSince", "createdUntil"), ("/v1/policy", "createdSince", "createdUntil"),
        (f"{V1}/screenshot", "takenSince", "takenUntil"),
        *((path, "since", "until") for path in ("/v1/applet", "/v1/organization-tag", "/v1/location", f"{V1}/action-log")),
        *((f"{V1}/{path}", "since", "until") for path in ("offline-range", "telemetry/VOLUME")),
    ):  # fmt: skip
        for query in (f"{since}=2999-01-01T00:00:00", f"{until}=1999-01-01T00:00:00"):
            status, listed, headers = await box.ask("GET", f"{path}?limit=1&{query}")
            assert (status, listed, "Link" in headers) == (200, [], False), (path, query)
        assert (await box.ask("GET", f"{path}?limit=0"))[0] == 400
        assert (await box.ask("GET", f"{path}?{since}=yesterday"))[0] == 400, path


# --- the box's own clock


async def test_a_plan_for_a_minute_that_does_not_exist_is_carried_out_when_clocks_jump_over_it(tmp_path: Path):
    async with managed(tmp_path, clock=FakeClock()) as box:
        plan = {"powerAction": "DISPLAY_POWER_OFF", "weekdays": ["SUNDAY"], "time": "02:30"}
        assert (await box.ask("POST", f"{V1}/scheduled-power-action", plan))[0] == 201
        timer = {**TIMER, "type": "TIMER_1", "timeOn": "02:45", "timeOff": None, "weekdays": ["sun"]}
        forward_to(box, "2026-03-29T00:59:50")  # a Sunday, 01:59:50 in Berlin
        await asyncio.sleep(0.1)
        assert box.panel.power
        forward_to(box, "2026-03-29T01:00:01")  # 03:00:01
        await eventually(lambda: not box.panel.power, 20)
        await box.ask("PUT", f"{V1}/timer-settings", timer)
        await ended(box, "Device.Timer.Set")
        forward_to(box, "2026-10-25T00:44:50")  # 02:44:50, for the first time in that night
        await eventually(lambda: not box.panel.power, 20)
        forward_to(box, "2026-10-25T00:45:01")
        await eventually(lambda: box.panel.power, 20)
        await box.ask("POST", f"{V1}/power-action", {"devicePowerAction": "DISPLAY_POWER_OFF"})
        await ended(box, "Device.PowerAction.Performed")
        forward_to(box, "2026-10-25T01:45:01")  # 02:45 once more
        await asyncio.sleep(0.1)
        assert not box.panel.power, "nothing comes twice"


async def test_of_timers_at_one_minute_the_screen_is_on_and_the_louder_one_is_heard(box: Managed):
    for number, more in enumerate(({"timeOn": "14:00", "volume": 60}, {"timeOn": "14:00", "volume": 30}, {"timeOff": "14:00"}), 1):
        await box.ask("PUT", f"{V1}/timer-settings", {**TIMER, "type": f"TIMER_{number}", **more})
        assert (await ended(box, "Device.Timer.Set"))["succeededAt"]
        await eventually(lambda count=number: len(box.schedule.current.timers) == count, 20)
    await box.ask("POST", f"{V1}/power-action", {"devicePowerAction": "DISPLAY_POWER_OFF"})
    await ended(box, "Device.PowerAction.Performed")
    box.clock.forward(3600)  # 14:00 in Berlin
    await eventually(lambda: (box.panel.power, box.audio.level) == (True, 60), 20)


async def test_a_planned_action_on_applets_is_carried_out_at_its_minute_and_never_late(box: Managed):
    wanted = await menu(box)
    now = round(box.clock.now().timestamp() * 1000)
    await box.ask("POST", "/v1/timing", {**wanted, "startsAt": now, "endsAt": now})
    for at, action in (("14:00", "APPLET_DISABLE"), ("15:00", "APPLET_ENABLE"), ("16:00", "APPLET_RELOAD")):
        plan = {"powerAction": action, "weekdays": ["WEDNESDAY"], "time": at}
        assert (await box.ask("POST", f"{V1}/scheduled-power-action", plan))[0] == 201
    for is_on in (False, True):
        box.clock.forward(3600)
        await eventually(lambda wanted=is_on: bool(box.management.applets.on_air().run) is wanted, 20)
    box.clock.forward(3600 + 120)  # the box was busy for two minutes
    await asyncio.sleep(0.1)
    assert box.brief.current.applets.round == 0


async def test_of_two_brightnesses_from_one_time_on_the_second_holds(box: Managed):
    points = {"brightness1": 90, "timeFrom1": "08:00", "brightness2": 20, "timeFrom2": "08:00"}
    await box.ask("PUT", f"{V1}/brightness", points)
    assert (await ended(box, "Device.Brightness.Set"))["confirmed"]
    assert box.panel.level == 20
    await box.settings.ask("brightness", 55, by=Asker.BOX, who="somebody")
    box.clock.forward(24 * 3600)
    await eventually(lambda: box.panel.level == 20, 20)


# --- bodies and names


async def test_an_empty_body_is_refused_by_what_it_lacks_where_something_is_needed(box: Managed):
    lacks = {
        ("PUT", f"{V1}/volume"): "volume", ("PUT", f"{V1}/brightness"): "brightness1", ("PUT", f"{V1}/resolution"): "orientation",
        ("PUT", f"{V1}/time"): "time", ("PUT", f"{V1}/timer-settings"): "type", ("POST", f"{V1}/power-action"): "devicePowerAction",
        ("POST", f"{V1}/scheduled-power-action"): "powerAction", ("PUT", f"{V1}/auto-recovery"): "enabled",
        ("PUT", f"{V1}/peer-recovery"): "enabled", ("PUT", f"{V1}/package-install"): "packageName",
        ("PUT", f"{V1}/package-start"): "packageName", ("PUT", f"{V1}/application/linux/version"): "version",
        ("PUT", f"{V1}/firmware"): "version", ("PUT", f"{V1}/screen-capture"): "enable", ("PUT", f"{V1}/vpn"): "enable",
        ("PUT", V1): "name", ("POST", f"{V1}/policy"): "uid", ("POST", f"{V1}/applet"): "appletUid",
        ("POST", f"{V1}/connect"): "appletUid", ("POST", "/v1/applet"): "name", ("POST", "/v1/timing"): "appletVersion",
        ("POST", "/v1/policy"): "name", ("POST", "/v1/organization-tag"): "name",
        ("POST", "/v1/device/verification"): "verificationHash",
    }  # fmt: skip
    for (method, path), field in lacks.items():
        for body in ({}, None, {"colour": "red"}):
            status, said, _ = await box.ask(method, path, body)
            assert (status, said["errorDetail"]) == (400, field), (method, path, body)
        box.clock.forward(10)  # a token may ask for so much at a time
    assert await got(box, f"{V1}/action-log") == []


async def test_what_is_of_the_wrong_type_is_refused_by_its_name_and_what_nobody_knows_is_left_alone(box: Managed):
    wrong = ([], {}, "loud", 1.5, True, None, -1, 101, "", [40])
    for value in wrong:
        status, said, _ = await box.ask("PUT", f"{V1}/volume", {"volume": value})
        assert (status, said["errorDetail"]) == (400, "volume"), value
    for body in ([], [{"volume": 40}], "40", 40):
        assert (await box.ask("PUT", f"{V1}/volume", body))[0] == 400, body
    assert (await got(box, f"{V1}/volume"), box.audio.level) == ([], 100)
    await box.ask("PUT", f"{V1}/volume", {"volume": "40", "colour": {"deep": [None] * 9}})
    assert (await ended(box, "Device.Volume.Set"))["volume"] == 40


async def test_no_call_is_about_another_device(box: Managed):
    paths = [(row.method, row.path) for row in box.management.rows if "{device}" in row.path]
    assert len(paths) > 60
    for method, path in paths:
        box.clock.forward(5)
        status, said, _ = await box.ask(method, path.replace("{device}", "another"), {})
        assert (status, said["errorName"]) == (404, "RESOURCE_NOT_FOUND"), (method, path)
    assert not box.management.log.all()


# --- changes of mind


async def test_what_was_asked_for_before_the_management_ended_is_carried_out_and_nothing_is_afterwards(box: Managed):
    box.audio.gate = asyncio.Event()
    await box.ask("PUT", f"{V1}/volume", {"volume": 40})
    await eventually(lambda: box.settings.wanted("volume") == 40, 20)
    assert (await box.ask("PUT", f"{V1}/deprovision", {}))[0] == 200
    assert (await box.ask("PUT", f"{V1}/volume", {"volume": 50}))[0] == 404
    box.audio.gate.set()
    await eventually(lambda: box.audio.level == 40, 20)
    box.auth = box.token()
    history = [(one["type"], bool(one["succeededAt"])) for one in await got(box, f"{V1}/action-log")]
    assert history == [("Device.Deprovision.Set", True), ("Device.Volume.Set", True)]


async def test_an_applet_whose_timing_ended_meanwhile_may_be_deleted_with_its_timing_and_its_page_is_gone(box: Managed):
    wanted = await menu(box)
    now = box.clock.now()
    times = {"startsAt": round(now.timestamp() * 1000), "endsAt": round(now.timestamp() * 1000) + 1000}
    _, _, headers = await box.ask("POST", "/v1/timing", {**wanted, **times})
    assert box.management.applets.on_air().run
    box.clock.forward(1)
    assert "no timing is on" in box.management.applets.on_air().why
    assert (await box.ask("DELETE", f"/v1/applet/{wanted['appletUid']}"))[0] == 409, "its timing is kept"
    await box.ask("DELETE", f"/v1/timing/{headers['Location'].rpartition('/')[2]}")
    assert (await box.ask("DELETE", f"/v1/applet/{wanted['appletUid']}"))[0] == 200
    await eventually(lambda: not list((box.folder / "cache/applets/built").iterdir()), 20)
