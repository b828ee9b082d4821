"""Webhooks of the embedded Spot server: signed, tried again until they are taken, and told only of what they want."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

from player.demo.spot.presence import ONLINE_S
from player.demo.spot.server import SpotServer
from tests.fakes.clock import FakeClock
from tests.fakes.running import eventually
from tests.fakes.samples import make_picture
from tests.fakes.server import Script, scripted_server
from tests.fakes.spot import Caller, spot

WITHIN_S = 20.0


async def hook(caller: Caller, script: Script, *events: str) -> str:
    told = await caller.send("POST", "webhooks", {"url": f"{script.url}/hook", "events": list(events)})
    (listed,) = await caller.get("webhooks")
    assert {**listed, "secret": told["secret"]} == told
    return str(told["secret"])


async def test_what_happens_is_told_signed_and_again_until_it_is_taken(tmp_path: Path):
    raw = list[bytes]()

    async with spot(tmp_path / "server", quick=100.0) as caller, scripted_server() as script:
        secret = await hook(caller, script, "player.online", "player.command.acknowledged")
        script.on("/hook", 500, 302, {})
        player = caller.server.add_player("Lobby")
        told = await caller.send("POST", f"players/{player}/commands", {"command": "reboot"})
        await caller.send("POST", f"players/{player}/heartbeat", {})
        await eventually(lambda: len(script.asked("/hook")) == 3, WITHIN_S)
        first, *_, last = script.asked("/hook")
        assert first.body == last.body
        assert (last.body["event"], last.body["data"]["name"]) == ("player.online", "Lobby")
        await caller.send("POST", f"players/{player}/commands/{told['command_id']}/ack", {"status": "received"})
        await eventually(lambda: len(script.asked("/hook")) == 4, WITHIN_S)
        said = script.asked("/hook")[-1]
        assert said.body["data"] == {
            "player_id": player, "command_id": told["command_id"], "status": "received", "message": None,
        }  # fmt: skip
        raw.append(json.dumps(said.body).encode())
        assert said.headers["X-Spot-Signature"] == "sha256=" + hmac.new(secret.encode(), raw[0], hashlib.sha256).hexdigest()
        await eventually(lambda: caller.server.store.count("SELECT count(*) FROM deliveries") == 0, WITHIN_S)


async def test_a_picture_is_told_of_and_so_is_whoever_is_not_heard_of_any_more(tmp_path: Path):
    clock, picture = FakeClock(), make_picture(tmp_path / "s.jpg")
    async with spot(tmp_path / "server", quick=100.0, clock=clock) as caller, scripted_server() as script:
        await hook(caller, script, "player.offline", "player.screenshot")
        script.on("/hook", {})
        player = caller.server.add_player("Lobby")
        told = await caller.send("POST", "assets/upload-url", {"filename": "s.jpg", "mime_type": "image/jpeg"})
        async with caller.session.put(told["upload_url"], data=picture.read_bytes(), headers=told["headers"]) as answer:
            assert answer.status == 200
        body = {"asset_key": told["asset_key"], "taken_at": "2026-03-25T12:00:00Z", "command_id": 5}
        await caller.send("POST", f"players/{player}/screenshot", body)
        await eventually(lambda: script.asked("/hook"), WITHIN_S)
        clock.forward(ONLINE_S + 1)
        await eventually(lambda: len(script.asked("/hook")) == 2, WITHIN_S)
    shown, gone = (one.body for one in script.asked("/hook"))
    assert (shown["event"], shown["data"]) == (
        "player.screenshot", {"player_id": player, "command_id": 5, "taken_at": "2026-03-25T12:00:00Z"},
    )  # fmt: skip
    assert (gone["event"], gone["data"]["player_id"], gone["data"]["name"]) == ("player.offline", player, "Lobby")


async def test_what_nobody_takes_for_a_day_is_given_up_and_who_is_gone_is_told_nothing(tmp_path: Path):
    async with spot(tmp_path / "server", quick=100_000.0) as caller, scripted_server() as script:
        await hook(caller, script, "player.online")
        script.on("/hook", 500)
        player = caller.server.add_player("Lobby")
        await caller.send("POST", f"players/{player}/heartbeat", {})
        await eventually(lambda: waiting(caller.server) == 0 and len(script.asked("/hook")) > 1, WITHIN_S)
        (row,) = await caller.get("webhooks")
        status, _, _ = await caller.call("DELETE", f"webhooks/{row['id']}")
        assert status == 204
        assert (await caller.call("DELETE", f"webhooks/{row['id']}"))[0] == 404
        seen = len(script.asked("/hook"))
        caller.server.change_player(player, is_online=0)
        await caller.send("POST", f"players/{player}/heartbeat", {})
        assert (waiting(caller.server), len(script.asked("/hook"))) == (0, seen)


def waiting(server: SpotServer) -> int:
    return server.store.count("SELECT count(*) FROM deliveries")
