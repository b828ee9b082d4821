"""The embedded server's push: who may listen, who hears of what, and that a schedule's second is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from player.demo.adcast.client import Operator
from player.demo.adcast.push import NOT_KNOWN
from player.demo.adcast.server import DemoServer
from tests.demo.adcast.conftest import Device
from tests.fakes.running import eventually

WITHIN_S = 20.0
Line = aiohttp.ClientWebSocketResponse


@contextlib.asynccontextmanager
async def line(device: Device, first: Any) -> AsyncIterator[Line]:
    async with device.session.ws_connect(device.url + "/api/device/ws") as opened:
        await (opened.send_str(first) if isinstance(first, str) else opened.send_json(first))
        yield opened


async def heard(opened: Line) -> list[str]:
    async with asyncio.timeout(WITHIN_S):
        message = await opened.receive()
    assert message.type is aiohttp.WSMsgType.TEXT, message
    changed: list[str] = message.json()["changed"]
    return changed


@pytest.mark.parametrize("first", ["x", "[1]", {}, {"uuid": None}, {"uuid": ["a"]}, {"uuid": "nobody"}, "[" * 5000])
async def test_whoever_is_not_known_hears_nothing(device: Device, operator: Operator, paired: Any, first: Any):
    async with line(device, first) as opened, asyncio.timeout(WITHIN_S):
        assert (await opened.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        assert opened.close_code in (NOT_KNOWN, 1009)


async def test_a_device_that_is_not_paired_hears_nothing(device: Device):
    await device.register()
    async with line(device, {"uuid": device.uuid}) as opened, asyncio.timeout(WITHIN_S):
        assert (await opened.receive()).data == NOT_KNOWN


async def test_what_is_changed_is_told_to_the_tenants_devices(
    device: Device, operator: Operator, stranger: Operator, paired: Any, server: DemoServer
):
    async with line(device, {"uuid": device.uuid}) as opened:
        await eventually(lambda: server.push.listening == [paired["id"]], WITHIN_S)
        await opened.send_str("what it says is not asked for")
        await stranger.alert("Fire", "elsewhere")
        await operator.command(paired["id"], "next")
        assert await heard(opened) == ["commands"]
        await operator.lock(paired["id"], "1234")
        assert await heard(opened) == ["commands"]
        alert = await operator.alert("Fire", "here")
        assert await heard(opened) == ["alerts"]
        await operator.end_alert(alert["id"])
        assert await heard(opened) == ["alerts"]
        link = await operator.link("https://example.com/")
        assert await heard(opened) == ["playlist"]
        await operator.playlist("Day", [link["id"]], is_default=True)
        assert await heard(opened) == ["playlist"]
        await operator.update_device(paired["id"], device_group_id=5)
        assert await heard(opened) == ["playlist"]
        await operator.delete_device(paired["id"])
        async with asyncio.timeout(WITHIN_S):
            assert (await opened.receive()).data == NOT_KNOWN
    await eventually(lambda: server.push.listening == [], WITHIN_S)


async def test_the_second_at_which_another_schedules_time_comes_is_told(device: Device, operator: Operator, paired: Any):
    link = await operator.link("https://example.com/")
    playlist = await operator.playlist("Later", [link["id"]])
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    await operator.schedule(playlist["id"], start_time=f"{begins:%H:%M:%S}", end_time=f"{begins + timedelta(hours=1):%H:%M:%S}")
    async with line(device, {"uuid": device.uuid}) as opened:
        assert await heard(opened) == ["playlist"]
        assert datetime.now(UTC) >= begins
        assert (await device.playlist())["playlist"]["name"] == "Later"


async def test_a_playlist_that_stayed_is_a_304_by_its_tag(device: Device, operator: Operator, paired: Any):
    path = f"/api/device/playlist?uuid={device.uuid}"
    _, headers, _ = await device.call("GET", path)
    known = {"If-None-Match": headers["ETag"]}
    assert (await device.call("GET", path, headers=known))[0] == 304
    await operator.playlist("Day", [(await operator.link("https://example.com/"))["id"]], is_default=True)
    status, other, _ = await device.call("GET", path, headers=known)
    assert (status, other["ETag"] != headers["ETag"]) == (200, True)
