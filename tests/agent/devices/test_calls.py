"""Calls that the document has and the client has not: security, history, time up, tests, logs, labels of the device."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from player import __version__
from player.agent.devices.telemetry_calls import INTERVALS
from player.core.actions import ActionKind
from player.core.ports.box import LoggedLine, Switch
from tests.fakes.management import SECRET, V1, Managed, ended, got, managed
from tests.fakes.running import eventually

HOUR_S = 3600.0


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Managed]:
    async with managed(tmp_path) as made:
        yield made


async def test_switches_are_settings_and_what_is_not_named_stays(box: Managed):
    await box.ask(
        "PUT", f"{V1}/security", {"bluetoothEnabled": False, "usbEnabled": False, "wifiEnabled": None, "kioskModeEnabled": True}
    )
    assert (await ended(box, "Device.Security.Set"))["succeededAt"]
    assert box.switches.on == {Switch.BLUETOOTH: False, Switch.USB_STORAGE: False, Switch.WIFI: True}
    found = await got(box, f"{V1}/security")
    assert (found["bluetoothEnabled"], found["wifiEnabled"], found["kioskModeEnabled"], found["menuAccessEnabled"]) == (
        False, True, True, False,
    )  # fmt: skip
    assert box.lock.locked


async def test_switches_that_contradict_one_another_change_nothing(box: Managed):
    status, said, _ = await box.ask("PUT", f"{V1}/security", {"kioskModeEnabled": True, "remoteControlEnabled": True})
    assert (status, said["errorDetail"], box.lock.locked) == (400, "kioskModeEnabled", False)


async def test_what_was_sent_to_a_panel_that_does_not_answer_is_not_confirmed(box: Managed):
    box.panel.confirms = False
    await box.ask("POST", f"{V1}/power-action", {"devicePowerAction": "DISPLAY_POWER_OFF"})
    entry = await ended(box, "Device.PowerAction.Performed")
    assert (bool(entry["succeededAt"]), entry["confirmed"], box.panel.power) == (True, False, False)


async def test_history_by_pages_and_how_often_it_is_written(box: Managed):
    await box.ask("PUT", "/v1/device/configuration/{device}/telemetry-intervals", {"default": 60_000, "volume": 30_000})
    box.audio.level = 10
    for level in (11, 12):
        box.clock.forward(40)
        box.audio.level = level
        await box.management.look()
    _, page, headers = await box.ask("GET", f"{V1}/telemetry/VOLUME?limit=2")
    assert [one["data"]["volume"] for one in page] == [12, 11]
    assert "limit=2" in headers["Link"]
    assert (await box.ask("GET", f"{V1}/telemetry/VOLUME?limit=101"))[0] == 400
    assert (await box.ask("GET", f"{V1}/telemetry/NOTHING"))[0] == 404
    for wrong in (10, "often", 1e9):
        status, said, _ = await box.ask("PUT", "/v1/device/configuration/{device}/telemetry-intervals", {"volume": wrong})
        assert (status, said["errorDetail"]) == (400, "volume")


async def test_lists_of_which_the_client_reads_one_page_have_all_on_it(tmp_path: Path):
    async with managed(tmp_path) as box:
        intervals = {"default": None, "temperature": 30_000} | dict.fromkeys(INTERVALS.keys() - {"temperature"})
        await box.ask("PUT", "/v1/device/configuration/{device}/telemetry-intervals", intervals)
        for _ in range(110):
            box.clock.forward(30)
            await box.management.look()
        assert len(await got(box, f"{V1}/temperature")) > 100
        assert len(await got(box, f"{V1}/temperature?limit=7")) == 7
    box.clock.forward(60 * 86_400)
    async with managed(tmp_path, clock=box.clock) as again:
        again.clock.forward(60 * 86_400)
        assert len(await got(again, f"{V1}/report")) > 50


async def test_time_up_counts_from_when_the_box_was_managed_first_and_gaps_are_listed(box: Managed):
    box.clock.forward(2 * HOUR_S)
    found = await got(box, "/v1/uptime?deviceUid={device}")
    assert (found["uptime"], found["downtime"], found["availabilityPercent"]) == (2 * HOUR_S, 0, 100)
    assert await got(box, f"{V1}/offline-range") == []
    assert (await box.ask("GET", "/v1/uptime?deviceUid=other"))[0] == 404
    for query in ("until=1970-01-01T00:00:00.000Z", "since=2990-01-01", "since=2026-03-25T13:00:00Z&until=2026-03-25T12:30:00Z"):
        found = await got(box, f"/v1/uptime?{query}")
        assert (found["uptime"], found["downtime"], found["total"]) == (0, 0, 0), query


async def test_the_machines_tests_are_made_and_told(box: Managed):
    assert (await box.ask("GET", f"{V1}/test"))[0] == 404
    await box.ask("PUT", f"{V1}/test", {"tests": ["audio", "disk", "teleport"]})
    assert (await ended(box, "Device.FeatureTest.Set"))["reason"] == "3 tests were made; failed: disk, teleport"
    found = await got(box, f"{V1}/test")
    assert (found["successfulTests"], found["failedTests"], found["pendingTests"]) == (["audio"], ["disk", "teleport"], [])
    assert found["testResults"]["audio"] == "passed: 1 sound cards"


async def test_tests_that_come_to_no_end_have_failed_and_are_not_awaited_any_more(box: Managed):
    box.findings = ()  # as of a doctor that hung
    for asked, failed in (["audio"], ["audio"]), ([], []):
        await box.ask("PUT", f"{V1}/test", {"tests": asked})
        entry = await ended(box, "Device.FeatureTest.Set")
        assert entry["reason"] == "feature tests: `signage-player doctor` did not come to an end"
        found = await got(box, f"{V1}/test")
        assert (found["failedTests"], found["pendingTests"], bool(found["finishedAt"])) == (failed, [], True)


async def test_the_log_is_paged_line_by_line_newest_first(box: Managed):
    note, *lines = await got(box, f"{V1}/system-log")
    assert note["message"] == "system log: the fake keeps none; these are the last 3 lines of the running daemons"
    assert [(one["unit"], one["message"]) for one in lines] == [
        ("signage-stage", "INFO player.stage: on screen"), ("signage-agent", "  a line below it"),
        ("signage-agent", "INFO player: volume is 40"),
    ]  # fmt: skip
    _, first, headers = await box.ask("GET", f"{V1}/system-log?limit=2")
    assert (len(first), "Link" in headers) == (2, True)


async def test_the_systems_journal_is_paged_over_a_day_without_its_secrets_and_from_either_end(box: Managed):
    now = box.clock.now().timestamp()
    box.log.said = [LoggedLine(now - 90_000, "signage-agent", "the day before")]
    box.log.said += [LoggedLine(now - 100 + number // 3, "signage-stage", f"line {number}") for number in range(30)]
    box.log.said += [LoggedLine(now - 1, "signage-agent", f"asked with {SECRET}")]
    seen, path = [], f"{V1}/system-log?limit=12"
    while path:
        status, page, headers = await box.ask("GET", path)
        assert status == 200
        seen += [one["message"] for one in page]
        path = headers["Link"].partition(">")[0].removeprefix(f"<{box.url}") if "Link" in headers else ""
    assert (seen[0].startswith("asked with"), SECRET in seen[0]) == (True, False)
    assert seen[1:] == [f"line {number}" for number in reversed(range(30))]
    assert {since for since, _ in box.log.asked} == {round(now - 86_400, 3)}
    oldest = await got(box, f"{V1}/system-log?limit=2&descending=false&since={round((now - 95_000) * 1000)}")
    assert [one["message"] for one in oldest] == ["the day before", "line 0"]


async def test_a_day_that_is_over_has_its_report(tmp_path: Path):
    async with managed(tmp_path) as box:
        assert await got(box, f"{V1}/report") == []
    box.clock.forward(86_400)  # the box is off
    async with managed(tmp_path, clock=box.clock) as again:
        again.clock.forward(86_400)
        today = f"{again.clock.now():%Y-%m-%d}"
        reports = await got(again, f"{V1}/report")
        assert [one["createdAt"] for one in reports[:1]] == [f"{today}T00:00:00.000Z"]
        assert {(one["type"], one["deviceUid"]) for one in reports} == {("UPTIME", again.uid)}
        async with again.http.get(reports[0]["uri"], headers={"X-Auth": again.auth}) as answer:
            head, row, *_ = (await answer.text()).splitlines()
        assert (head, answer.content_type) == ("from,to,seconds", "text/csv")
        assert row.split(",")[1:] == [f"{today}T00:00:00.000Z", "43200.000"]
        async with again.http.get(reports[0]["uri"]) as answer:
            assert answer.status == 403


async def test_another_version_of_the_player_comes_from_the_folder_of_bundles_and_has_to_stay(tmp_path: Path):
    async with managed(tmp_path) as box:
        await box.ask("PUT", f"{V1}/application/linux/version", {"version": "99.0"})
        assert (await ended(box, "Device.ApplicationVersion.Set"))["reason"] == "update: version 99.0 is in no bundle of the fake's"
        box.updates.offered, box.updates.failed = {"99.0", __version__}, True
        await box.ask("PUT", f"{V1}/firmware", {"version": "99.0"})
        assert "journalctl -u signage-update@99.0" in (await ended(box, "Device.Firmware.Set"))["reason"]
        box.updates.failed = False
        await box.ask("PUT", f"{V1}/application/linux/version", {"version": "99.0"})
        await eventually(lambda: box.updates.begun == ["99.0", "99.0"], 20)
    async with managed(tmp_path) as box:  # and the version before runs again
        asked = await got(box, f"{V1}/application/version")
        assert (asked["version"], "the update did not stay" in asked["reason"]) == (__version__, True)


async def test_the_vpn_is_switched_and_read_back_or_was_never_set_up(box: Managed):
    assert await got(box, f"{V1}/vpn") == [{"enabled": False}]
    await box.ask("PUT", f"{V1}/vpn", {"enable": True})
    assert (await ended(box, "Device.Vpn.Set"))["reason"] == "VPN: the fake has none"
    box.vpn.unit = "wg-quick@office.service"
    await box.ask("PUT", f"{V1}/vpn", {"enable": True})
    assert (await ended(box, "Device.Vpn.Set"))["confirmed"]
    assert await got(box, f"{V1}/vpn") == [{"enabled": True}]


async def test_what_is_switched_off_takes_no_picture(box: Managed):
    await eventually(lambda: list((box.folder / "run/screenshots").glob("*.jpg")), 20)
    await box.ask("PUT", f"{V1}/screen-capture", {"enable": False})
    await box.ask("POST", f"{V1}/screenshot")
    assert (await ended(box, "Device.Screenshot.Taken"))["reason"] == "screen capture: it is switched off"
    assert await got(box, f"{V1}/screen-capture") == {"enabled": False}
    assert len(await got(box, f"{V1}/screenshot")) == 1


async def test_the_devices_tags_and_where_it_stands(box: Managed):
    await box.ask("POST", "/v1/organization-tag", {"name": "hall"})
    (tag,) = await got(box, "/v1/organization-tag")
    await box.ask("PUT", f"{V1}/organization-tag/{tag['uid']}", {})
    assert [one["name"] for one in await got(box, f"{V1}/organization-tag")] == ["hall"]
    status, said, _ = await box.ask("PUT", f"/v1/organization-tag/{tag['uid']}", {"name": "hall", "parentTagUid": tag["uid"]})
    assert (status, said["errorDetail"]) == (400, "parentTagUid")
    await box.ask("DELETE", f"/v1/organization-tag/{tag['uid']}")
    assert await got(box, f"{V1}/organization-tag") == []
    status, said, _ = await box.ask("POST", "/v1/location", {"name": "x", "address": "a", "coordinates": {"lat": 1, "long": 1}})
    assert (status, "exclude each other" in said["message"]) == (400, True)
    status, said, _ = await box.ask("POST", "/v1/location", {"name": "x"})
    assert (status, said["errorDetail"]) == (400, "coordinates")


async def test_what_was_kept_is_there_after_a_restart(tmp_path: Path):
    async with managed(tmp_path) as box:
        await box.ask("PUT", V1, {"name": "Lobby"})
        _, _, headers = await box.ask("POST", "/v1/policy", {"name": "Quiet"})
        uid = headers["Location"].rpartition("/")[2]
        await box.ask("POST", f"{V1}/policy", {"uid": uid, "priority": 3})
        await eventually(lambda: list((tmp_path / "run/screenshots").glob("*.jpg")), 20)
    async with managed(tmp_path) as box:
        assert (await got(box, V1))["name"] == "Lobby"
        assert [(one["uid"], one["priority"]) for one in await got(box, f"{V1}/policy")] == [(uid, 3)]
        assert len(await got(box, f"{V1}/screenshot")) >= 1
        assert [one["type"] for one in await got(box, f"{V1}/action-log")] == ["Device.Policy.Set", "Device.Name.Changed"]


async def test_another_management_is_kept_told_and_led_to_from_the_local_page(tmp_path: Path):
    async with managed(tmp_path) as box:
        await box.ask("PUT", f"{V1}/extended-management", {"url": "https://panels.example.com/a"})
        assert (await ended(box, "Device.ExtendedManagement.Set"))["confirmed"]
    async with managed(tmp_path) as box:
        assert box.management.extended == "https://panels.example.com/a"
        assert (await got(box, f"{V1}/telemetry/EXTENDED_MANAGEMENT/latest"))["data"] == {"url": "https://panels.example.com/a"}
        await box.ask("PUT", "/v2/device/{device}", {"name": "Lobby", "extendedManagementUrl": ""})
        await eventually(lambda: not box.management.extended, 20)
        assert (await got(box, V1))["name"] == "Lobby"


async def test_what_version_2_would_set_of_a_cloud_fails_with_the_reason(box: Managed):
    await box.ask("PUT", "/v2/device/{device}", {"connectionMethod": "http"})
    assert (await ended(box, "Device.Configuration.Set"))["succeededAt"]
    await box.ask("PUT", "/v2/device/{device}", {"connectionMethod": "websocket"})
    await eventually(lambda: len(box.management.log.of_kind(ActionKind.CONFIGURATION)) == 2, 20)
    assert "calls no cloud" in (await ended(box, "Device.Configuration.Set"))["reason"]


async def test_every_kind_that_this_box_can_tell_of(box: Managed):
    assert (await got(box, f"{V1}/telemetry/INSTALLED_PACKAGES/latest"))["data"] == []
    box.packages.held["cec-utils"] = "6.0"
    assert box.stage.status
    box.stage.status = replace(box.stage.status, mode="1280x720@50")
    told = {kind: one["data"] for kind, one in (await got(box, f"{V1}/telemetry/latest"))["telemetries"].items()}
    assert told["RESOLUTION"] == {"width": 1280, "height": 720, "framerate": 50}
    (package,) = told["INSTALLED_PACKAGES"]
    assert (package["specs"], len(package["buildHash"])) == ({"packageName": "cec-utils", "version": "6.0"}, 64)
    assert "SET_VOLUME" in told["MANAGEMENT_CAPABILITIES"]["capable"]
    assert "VIDEO" in told["FRONT_CAPABILITIES"]["capable"]
    assert (await box.ask("GET", f"{V1}/telemetry/OFFLINE_RANGE/latest"))[0] == 404
    await box.management.look()
    assert await got(box, f"{V1}/telemetry/ONLINE_STATUS")


async def test_the_last_time_that_it_was_off_is_told(tmp_path: Path):
    async with managed(tmp_path) as box:
        pass
    for _ in range(2):
        box.clock.forward(3600)
        async with managed(tmp_path, clock=box.clock) as again:
            last = (await got(again, f"{V1}/telemetry/OFFLINE_RANGE/latest"))["data"]
            assert last == {name: (await got(again, f"{V1}/offline-range"))[0][name] for name in last}


async def test_what_is_asked_of_a_recovery_is_kept_as_it_was_asked(box: Managed):
    for body in ({"enabled": True, "healthcheckIntervalMs": 60_000}, {"enabled": False, "autoEnableTimeoutMs": 90_000}):
        await box.ask("PUT", f"{V1}/auto-recovery", body)
        kept = (await got(box, f"{V1}/auto-recovery"))[0]
        assert {name: kept.get(name) for name in body} == body
