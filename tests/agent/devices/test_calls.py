"""Calls that the document has and the client has not: security, history, time up, tests, logs, labels of the device."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from player.core.ports.box import Switch
from tests.fakes.management import Managed, managed
from tests.fakes.running import eventually

V1 = "/v1/device/{device}"
HOUR_S = 3600.0


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Managed]:
    async with managed(tmp_path) as made:
        yield made


async def got(box: Managed, path: str) -> Any:
    status, said, _ = await box.ask("GET", path)
    assert status == 200, said
    return said


async def ended(box: Managed, what: str) -> dict[str, Any]:
    """The newest line of the history of that type, once it has ended."""
    async with asyncio.timeout(20):
        while True:
            found = [one for one in await got(box, f"{V1}/action-log") if one["type"] == what]
            if found and (found[0]["succeededAt"] or found[0]["failedAt"]):
                return found[0]
            await asyncio.sleep(0.01)


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


async def test_time_up_counts_from_when_the_box_was_managed_first_and_gaps_are_listed(box: Managed):
    box.clock.forward(2 * HOUR_S)
    found = await got(box, "/v1/uptime?deviceUid={device}")
    assert (found["uptime"], found["downtime"], found["availabilityPercent"]) == (2 * HOUR_S, 0, 100)
    assert await got(box, f"{V1}/offline-range") == []
    assert (await box.ask("GET", "/v1/uptime?deviceUid=other"))[0] == 404


async def test_the_machines_tests_are_made_and_told(box: Managed):
    assert (await box.ask("GET", f"{V1}/test"))[0] == 404
    await box.ask("PUT", f"{V1}/test", {"tests": ["audio", "disk", "teleport"]})
    assert (await ended(box, "Device.FeatureTest.Set"))["reason"] == "3 tests were made; failed: disk, teleport"
    found = await got(box, f"{V1}/test")
    assert (found["successfulTests"], found["failedTests"], found["pendingTests"]) == (["audio"], ["disk", "teleport"], [])
    assert found["testResults"]["audio"] == "passed: 1 sound cards"


async def test_the_log_is_paged_line_by_line_newest_first(box: Managed):
    lines = await got(box, f"{V1}/system-log")
    assert [(one["unit"], one["message"]) for one in lines] == [
        ("signage-stage", "INFO player.stage: on screen"), ("signage-agent", "  a line below it"),
        ("signage-agent", "INFO player: volume is 40"),
    ]  # fmt: skip
    _, first, headers = await box.ask("GET", f"{V1}/system-log?limit=2")
    assert (len(first), "Link" in headers) == (2, True)


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


async def test_a_policy_with_an_item_that_says_nothing_is_refused_whole(box: Managed):
    items = [{"type": "VOLUME", "value": {"volume": 400}}]
    status, said, _ = await box.ask("POST", "/v1/policy", {"name": "Loud", "items": items})
    assert (status, said["errorDetail"]) == (400, "volume")
    assert await got(box, "/v1/policy") == []


async def test_a_hand_at_the_mixer_does_not_undo_a_policy(box: Managed):
    _, _, headers = await box.ask("POST", "/v1/policy", {"name": "Quiet", "items": [{"type": "VOLUME", "value": {"volume": 15}}]})
    uid = headers["Location"].rpartition("/")[2]
    await box.ask("POST", f"{V1}/policy", {"uid": uid, "priority": 1})
    await eventually(lambda: box.audio.level == 15, 20)
    box.audio.level = 70
    await box.management.look()
    await eventually(lambda: box.audio.level == 15, 20)
    assert (await got(box, f"{V1}/policy/{uid}"))["name"] == "Quiet"


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


async def test_what_is_asked_of_a_recovery_is_kept_as_it_was_asked(box: Managed):
    for body in ({"enabled": True, "healthcheckIntervalMs": 60_000}, {"enabled": False, "autoEnableTimeoutMs": 90_000}):
        await box.ask("PUT", f"{V1}/auto-recovery", body)
        kept = (await got(box, f"{V1}/auto-recovery"))[0]
        assert {name: kept.get(name) for name in body} == body
