"""The player's own AdCast adapter against the demonstration server: both read the same document, and understand each other."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from player.cms.adcast.adapter import AdCast
from player.cms.http import ServerHttp
from player.core.brief import Severity
from player.core.content import Fit, TransitionKind
from player.core.faults import Fault
from player.core.kinds import Kind
from player.core.ports.server import CommandResult, CommandStatus, Telemetry
from player.demo.adcast.client import Operator
from player.demo.adcast.server import DemoServer
from player.errors import DeviceForgotten
from player.runtime.clock import SystemClock
from tests.fakes.samples import make_picture
from tests.fakes.way_out import STRAIGHT

UUID = "2b1d0b4e-9999-4aaa-8bbb-ccccddddeeee"
READINGS = Telemetry("192.168.1.9", None, 16000, 2400, 13600, True, 80, 60, "Promo", {"temperature_c": 51.5})
JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 50


@pytest.fixture
async def cms(server: DemoServer) -> AsyncIterator[AdCast]:
    clock = SystemClock()
    async with aiohttp.ClientSession() as session:
        link = ServerHttp(session, server.url, STRAIGHT, clock=clock, budget=None, secrets=(UUID,))
        yield AdCast(
            link, uuid=UUID, key="k", clock=clock, model="Box", os_version="12", app_version="0.1.0",
            license_key="ADCAST-AB12-CD34", operator=None,
        )  # fmt: skip


async def pair(cms: AdCast, operator: Operator) -> int:
    registration = await cms.register({})
    assert registration.pairing_code
    return int((await operator.pair(registration.pairing_code, "Lobby"))["id"])


async def test_a_player_registers_and_is_paired(cms: AdCast, operator: Operator):
    first = await cms.register({})
    assert (first.paired, first.license_activated) == (False, True)
    assert (await cms.heartbeat(READINGS, (), ())).paired is False
    await pair(cms, operator)
    then = await cms.register({})
    assert (then.paired, then.pairing_code, then.device_name) == (True, None, "Lobby")


async def test_a_forgotten_player_is_told_so(cms: AdCast, operator: Operator):
    await operator.delete_device(await pair(cms, operator))
    with pytest.raises(DeviceForgotten):
        await cms.heartbeat(READINGS, (), ())


async def test_a_programme_is_read_as_it_was_meant(cms: AdCast, operator: Operator, tmp_path: Path):
    device = await pair(cms, operator)
    picture = await operator.upload(make_picture(tmp_path / "picture.png"), "Picture", duration=7)
    (tmp_path / "menu.html").write_text("<!doctype html><title>Menu</title>")
    page = await operator.upload(tmp_path / "menu.html", duration=20)
    items = [page["id"], {"content_id": picture["id"], "fit": "cover", "order": 0}]
    transition = {"type": "slide_left", "duration": 0.5}
    playlist = await operator.playlist("Lobby", items, transition=transition, is_default=True)
    await operator.update_device(device, show_watermark=True)
    programme = await cms.programme()
    assert (programme.watermark, programme.faults, programme.delete) == (True, (), ())
    told = programme.layouts[0].regions[0].playlist
    assert (told.id, told.transition.kind, told.transition.duration_s) == (str(playlist["id"]), TransitionKind.SLIDE_LEFT, 0.5)
    first, second = told.items
    assert (first.kind, first.duration_s, first.fit, first.file_hash) == (Kind.IMAGE, 7, Fit.COVER, picture["file_hash"])
    assert (second.kind, second.url, second.duration_s) == (Kind.WEB, page["source_url"], 20)
    (asset,) = programme.assets
    assert (asset.content_id, asset.size, asset.file_hash) == (str(picture["id"]), picture["file_size"], picture["file_hash"])


async def test_a_layout_is_read_as_it_was_meant(cms: AdCast, operator: Operator, tmp_path: Path):
    await pair(cms, operator)
    picture = await operator.upload(make_picture(tmp_path / "picture.png"), "Picture")
    entry = [{"content_id": picture["id"], "duration": 5}]
    main = {"id": "main", "x": 0, "y": 0, "width": 1280, "height": 1080, "z": 0, "fit": "contain", "items": entry}
    side = {"id": "side", "x": 1280, "y": 0, "width": 640, "height": 1080, "z": 1, "fit": "cover", "items": entry}
    layout = {"width": 1920, "height": 1080, "background": "#102030", "regions": [main, side]}
    await operator.playlist("Zones", is_default=True, layout=layout)
    programme = await cms.programme()
    assert programme.faults == ()
    assert (programme.layouts[0].width, programme.layouts[0].background) == (1920, "#102030")
    assert [(region.id, region.rect.x, region.z, region.fit) for region in programme.layouts[0].regions] == [
        ("main", 0, 0, Fit.CONTAIN),
        ("side", 1280, 1, Fit.COVER),
    ]
    ids = [item.id for region in programme.layouts[0].regions for item in region.playlist.items]
    assert len(set(ids)) == 2
    assert len(programme.assets) == 1


async def test_commands_alerts_and_locks_arrive_and_their_results_go_back(cms: AdCast, operator: Operator):
    device = await pair(cms, operator)
    ordered = await operator.command(device, "set_volume", {"volume": 50}, expires_in=600)
    await operator.lock(device, "4711")
    await operator.alert("Fire", "Leave", "extreme", color="#cc0000", expires_at="2099-01-01T00:00:00Z")
    answer = await cms.heartbeat(READINGS, (Fault("disk_full", "The disk is full.", time.time()),), ())
    assert answer.faults == ()
    (command,) = answer.commands
    assert (command.id, command.type, command.payload) == (str(ordered["id"]), "set_volume", {"volume": 50})
    assert command.created_at
    assert command.expires_at == pytest.approx(command.created_at + 600, abs=0.01)
    assert (answer.locked, answer.lock_pin) == (True, "4711")
    assert answer.alerts
    assert (answer.alerts[0].severity, answer.alerts[0].expires_at) == (Severity.EXTREME, 4070908800)
    assert answer.server_time == pytest.approx(time.time(), abs=60)
    result = CommandResult(
        command.id, "set_volume", CommandStatus.SUCCEEDED, "Volume 50.", time.time(), time.time(), {"volume": 50}
    )
    assert await cms.send_result(result)
    assert (await operator.wait_result(ordered["id"], 2))["result"] == {"volume": 50}
    assert [fault["code"] for fault in await operator.faults(device)] == ["disk_full"]
    assert (await operator.device(device))["temperature_c"] == 51.5


async def test_proof_and_pictures_arrive(cms: AdCast, operator: Operator):
    device = await pair(cms, operator)
    events = [{"id": f"0190-{n}", "seq": n} for n in range(3)]
    assert await cms.send_plays(events) == [event["id"] for event in events]
    assert await operator.plays(device) == events
    await cms.send_screenshot("7", time.time(), (1920, 1080), JPEG)
    assert await operator.screenshot(device) == JPEG
