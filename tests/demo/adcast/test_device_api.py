"""What a device and its operator say to each other through the server."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Any

import pytest

from player.demo.adcast.client import CallRefused, Operator
from player.demo.adcast.device_api import ALPHABET
from player.demo.adcast.server import DemoServer

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 50


async def test_a_device_registers_shows_its_code_and_is_paired(device, operator: Operator):
    first = await device.register(model="Test box", os_version="12", app_version="0.1.0", license_key="ADCAST-AB12-CD34")
    assert (first["paired"], first["device_name"], first["license_activated"]) == (False, None, True)
    assert len(first["pairing_code"]) == 6
    assert set(first["pairing_code"]) <= set(ALPHABET)
    assert not set(ALPHABET) & set("01OIL")
    assert (await device.register())["pairing_code"] == first["pairing_code"]
    assert (await device.heartbeat())["paired"] is False
    shown = await operator.pair(first["pairing_code"].lower(), "Lobby")
    assert (shown["name"], shown["model"], shown["status"]) == ("Lobby", "Test box", "online")
    again = await device.register()
    assert (again["paired"], again["pairing_code"], again["device_name"]) == (True, None, "Lobby")
    with pytest.raises(CallRefused) as refused:
        await operator.pair(first["pairing_code"])
    assert refused.value.status == 422


async def test_a_deleted_device_is_unknown_and_gets_a_fresh_code(device, operator: Operator, paired):
    await operator.delete_device(paired["id"])
    status, _, _ = await device.call("POST", "/api/device/heartbeat", json={"uuid": device.uuid})
    assert status == 404
    back = await device.register()
    assert back["paired"] is False
    assert back["device_id"] != paired["id"]


async def test_an_unpaired_device_gets_no_programme(device):
    await device.register()
    status, _, answer = await device.call("GET", f"/api/device/playlist?uuid={device.uuid}")
    assert (status, "not paired" in answer["message"]) == (403, True)
    status, _, _ = await device.call("GET", "/api/device/playlist")
    assert status == 422


async def test_a_heartbeat_is_kept_and_the_device_listed(device, operator: Operator, paired):
    answer = await device.heartbeat(volume=80, wifi_signal=-45, storage_total_mb=16000, current_content="Promo", temperature_c=51.5)
    assert (answer["status"], answer["has_pending_commands"], answer["emergency_alerts"]) == ("ok", False, [])
    assert answer["server_time"].endswith("Z")
    listed = await operator.request("GET", "/api/devices")
    assert listed["meta"] == {"current_page": 1, "last_page": 1, "per_page": 50, "total": 1}
    seen = listed["data"][0]
    assert (seen["volume"], seen["wifi_signal"], seen["current_content"], seen["temperature_c"]) == (80, -45, "Promo", 51.5)
    assert seen["last_seen_at"].endswith("Z")


async def test_a_reading_cannot_pass_for_the_device_itself(device, operator: Operator, paired):
    await device.heartbeat(id=99, name="Fake", status="online", is_locked=True)
    seen = await operator.device(paired["id"])
    assert (seen["id"], seen["name"], seen["is_locked"]) == (paired["id"], "Lobby", False)


async def test_k1_a_command_is_told_again_until_its_result_came_and_never_after(device, operator: Operator, paired):
    command = await operator.command(paired["id"], "set_volume", {"volume": 50})
    assert command["status"] == "pending"
    for _ in range(2):
        answer = await device.heartbeat()
        told = answer["pending_commands"]
        assert answer["has_pending_commands"]
        assert [(one["id"], one["type"], one["payload"]) for one in told] == [(command["id"], "set_volume", {"volume": 50})]
    path = f"/api/device/commands/{command['id']}/result"
    await device.post(path, status="succeeded", message="Volume 50.", started_at="2026-03-25T12:00:00Z", finished_at=1774440001)
    assert (await device.heartbeat())["pending_commands"] == []
    done = await operator.wait_result(command["id"], 2)
    assert (done["status"], done["message"]) == ("succeeded", "Volume 50.")
    assert (done["started_at"], done["finished_at"]) == ("2026-03-25T12:00:00.000Z", "2026-03-25T12:00:01.000Z")
    await device.post(path, status="failed")
    assert (await operator.wait_result(command["id"], 2))["status"] == "succeeded"


async def test_an_initiated_command_waits_for_its_final_word(device, operator: Operator, paired):
    command = await operator.command(paired["id"], "reboot")
    path = f"/api/device/commands/{command['id']}/result"
    await device.post(path, status="initiated")
    assert (await device.heartbeat())["pending_commands"] == []
    assert (await operator.wait_result(command["id"], 2, final=False))["status"] == "initiated"
    with pytest.raises(TimeoutError, match="still initiated"):
        await operator.wait_result(command["id"], 0.2)
    await device.heartbeat(
        command_results=[{"id": str(command["id"]), "type": "reboot", "status": "succeeded", "result": {"boot": 2}}]
    )
    assert (await operator.wait_result(command["id"], 2))["result"] == {"boot": 2}


async def test_k7_an_expired_command_is_not_told(device, operator: Operator, paired):
    await operator.command(paired["id"], "next", expires_in=0.05)
    await operator.command(paired["id"], "previous", expires_at="2020-01-01T00:00:00Z")
    await asyncio.sleep(0.1)
    assert (await device.heartbeat())["pending_commands"] == []


async def test_a_device_cannot_answer_for_another(device, operator: Operator, paired):
    command = await operator.command(paired["id"], "refresh")
    other = {"uuid": "another-device-1"}
    await device.call("POST", "/api/device/register", json=other)
    path = f"/api/device/commands/{command['id']}/result"
    status, _, _ = await device.call("POST", path, json={**other, "status": "succeeded"})
    assert status == 404
    assert len((await device.heartbeat())["pending_commands"]) == 1


async def test_a_lock_is_a_state_told_in_every_heartbeat(device, operator: Operator, paired):
    await operator.lock(paired["id"], "4711")
    for _ in range(2):
        answer = await device.heartbeat()
        assert (answer["is_locked"], answer["lock_pin"]) == (True, "4711")
    assert (await device.register())["lock_pin"] == "4711"
    await operator.unlock(paired["id"])
    answer = await device.heartbeat()
    assert (answer["is_locked"], answer["lock_pin"]) == (False, None)
    with pytest.raises(CallRefused, match="pin"):
        await operator.lock(paired["id"], "12")


async def test_an_alert_reaches_its_devices_until_it_ends(device, operator: Operator, stranger: Operator, paired):
    await stranger.alert("Not ours", "…")
    everyone = await operator.alert("Fire", "Leave by the stairs", "extreme", color="#cc0000")
    mine = await operator.alert("Lobby", "Closed", "minor", device_id=paired["id"], expires_at="2099-01-01T00:00:00Z")
    await operator.alert("Past", "Over", expires_at="2020-01-01T00:00:00Z")
    told = (await device.heartbeat())["emergency_alerts"]
    assert [(one["title"], one["severity"]) for one in told] == [("Fire", "extreme"), ("Lobby", "minor")]
    assert told[1]["expires_at"] == "2099-01-01T00:00:00.000Z"
    await operator.end_alert(everyone["id"])
    assert [one["id"] for one in (await device.heartbeat())["emergency_alerts"]] == [mine["id"]]


async def test_faults_are_kept_with_whether_they_still_are(device, operator: Operator, paired):
    stale = {"code": "disk_full", "message": "The disk is full.", "since": 1774440000}
    broken = {"code": "unplayable", "message": "Promo: no video", "since": "2026-03-25T12:00:00Z", "content_id": "5", "count": 2}
    await device.heartbeat(faults=[stale, broken])
    await device.heartbeat(faults=[{**broken, "count": 3}])
    (active,) = await operator.faults(paired["id"])
    assert (active["code"], active["count"], active["content_id"]) == ("unplayable", 3, "5")
    assert {fault["code"]: fault["is_active"] for fault in await operator.faults(paired["id"], active_only=False)} == {
        "unplayable": True,
        "disk_full": False,
    }


async def test_proof_of_play_is_taken_once_however_often_it_comes(device, operator: Operator, paired):
    events = [{"id": f"0190-{n}", "seq": n, "name": "Promo", "duration_ms": 10_000} for n in range(100)]
    for _ in range(2):
        status, _, answer = await device.call("POST", "/api/device/playback", json={"uuid": device.uuid, "events": events})
        assert (status, answer) == (202, {"accepted": [event["id"] for event in events]})
    await device.post("/api/device/playback", events=[{**events[0], "duration_ms": 1}])
    assert await operator.plays(paired["id"]) == events
    answer = await device.post("/api/device/playback", events=[{"seq": 1}, {"id": 5}, {"id": "x"}])
    assert answer == {"accepted": ["x"]}
    too_many = {"uuid": device.uuid, "events": [*events, {"id": "more"}]}
    status, _, answer = await device.call("POST", "/api/device/playback", json=too_many)
    assert (status, list(answer["errors"])) == (422, ["events"])


async def send_screenshot(device, picture: bytes, **fields: Any) -> tuple[int, Any, Any]:
    from aiohttp import FormData

    form = FormData({"uuid": device.uuid, "width": "1920", "height": "1080", **fields})
    form.add_field("file", BytesIO(picture), filename="../../etc/passwd", content_type="image/jpeg")
    return await device.call("POST", "/api/device/screenshot", data=form)


async def test_a_screenshot_is_seen_by_the_operator(device, operator: Operator, paired, server: DemoServer):
    with pytest.raises(CallRefused):
        await operator.screenshot(paired["id"])
    for number in range(7):
        status, _, _ = await send_screenshot(device, JPEG + bytes([number]), command_id="7", taken_at="2026-03-25T12:00:00Z")
        assert status == 201
    assert await operator.screenshot(paired["id"]) == JPEG + b"\x06"
    assert len(list((server.folder / "screenshots").iterdir())) == 5
    await operator.delete_device(paired["id"])
    assert list((server.folder / "screenshots").iterdir()) == []


async def test_k9_a_screenshot_that_is_none_is_refused_and_leaves_nothing(device, paired, server: DemoServer):
    for picture, status in ((b"<html>", 422), (b"", 422), (JPEG + bytes(9 * 2**20), 413)):
        assert (await send_screenshot(device, picture))[0] == status
    assert (await send_screenshot(device, JPEG, width="0"))[0] == 422
    assert list((server.folder / "screenshots").iterdir()) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"[" * 100_000, 400),
        (b'{"uuid": "0f5c2f8e-1111", "volume": NaN}', 400),
        (b'{"uuid": 5, "faults": 7}', 422),
        (b'{"uuid": "0f5c2f8e-1111", "faults": [{"code": "\\ud800"}]}', 422),
        (b'{"uuid": "../../etc/passwd"}', 422),
        (b'{"a": "' + b"x" * 5_000_000 + b'"}', 413),
        (b"\xff\xfe", 400),
    ],
)
async def test_n17_a_body_that_makes_no_sense_is_refused(device, body: bytes, status: int):
    got, _, answer = await device.call("POST", "/api/device/heartbeat", data=BytesIO(body))
    assert got == status, answer
    assert answer["message"]


async def test_unknown_paths_and_methods_answer_json(device):
    for method, path, status in (
        ("GET", "/api/nothing", 404),
        ("PATCH", "/api/devices", 405),
        ("GET", "/api/content/" + "9" * 30, 404),
    ):
        got, headers, answer = await device.call(method, path)
        assert (got, bool(answer["message"]), headers["X-Content-Type-Options"]) == (status, True, "nosniff")
