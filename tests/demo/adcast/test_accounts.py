"""Signing in, and the walls between tenants."""

from __future__ import annotations

import pytest

from player.demo.adcast.client import CallRefused, Operator
from player.demo.adcast.schema import SCHEMA
from player.demo.adcast.server import DemoServer
from player.demo.store import Store


async def test_an_account_is_made_signed_in_and_out(server: DemoServer):
    async with Operator(server.url) as operator:
        made = await operator.register("Ada", "Ada@Example.com", "correct horse", "Ada's")
        assert made["user"]["email"] == "ada@example.com"
        assert made["tenant"] == {"id": 1, "name": "Ada's", "plan": "free"}
        again = await operator.login("ada@example.com", "correct horse")
        assert again["token"] != made["token"]
        user = (await operator.request("GET", "/api/auth/user"))["user"]
        assert (user["role"], user["tenant"]["name"]) == ("tenant_admin", "Ada's")
        assert await operator.request("POST", "/api/auth/logout") == {"message": "Logged out successfully."}
        with pytest.raises(CallRefused, match="Unauthenticated") as refused:
            await operator.devices()
        assert refused.value.status == 401
        operator.token = made["token"]
        assert await operator.devices() == []


async def test_a_wrong_password_and_a_taken_email_are_refused(server: DemoServer, operator: Operator):
    for email, password in (("ada@example.com", "wrong"), ("nobody@example.com", "correct horse")):
        with pytest.raises(CallRefused) as refused:
            await operator.login(email, password)
        assert refused.value.status == 401
    with pytest.raises(CallRefused) as refused:
        await operator.register("Ada", "ada@example.com", "another one", "Other")
    assert refused.value.status == 422
    with pytest.raises(CallRefused, match="password"):
        await operator.register("Ada", "ada2@example.com", "short", "Other")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer 1|wrong", "Bearer 99|x", "Basic YTpi", "Bearer ²|x", "Bearer 9999999999999999999|x"]
)
async def test_every_management_path_wants_a_token(device, header: str):
    for path in (
        "/api/devices",
        "/api/content",
        "/api/playlists",
        "/api/schedules",
        "/api/alerts",
        "/api/auth/user",
        "/api/commands/1",
    ):
        status, _, answer = await device.call("GET", path, headers={"Authorization": header.encode("utf-8").decode("latin-1")})
        assert (status, answer) == (401, {"message": "Unauthenticated."})


async def test_secrets_are_stored_as_hashes_only(server: DemoServer, operator: Operator):
    store = Store(server.folder / "adcast.sqlite3", SCHEMA)
    kept = str(store.all("SELECT * FROM users")) + str(store.all("SELECT * FROM tokens"))
    store.close()
    assert "correct horse" not in kept
    assert operator.token.partition("|")[2] not in kept


async def test_tenants_do_not_see_each_other(operator: Operator, stranger: Operator, paired, tmp_path, device):
    content = await operator.link("https://example.com/", name="Page")
    playlist = await operator.playlist("Mine", [content["id"]])
    schedule = await operator.schedule(playlist["id"])
    alert = await operator.alert("Fire", "Leave")
    command = await operator.command(paired["id"], "refresh")
    for kind in ("devices", "content", "playlists", "schedules", "alerts"):
        assert (await stranger.request("GET", f"/api/{kind}"))["data"] == []
    paths = [
        ("GET", f"/api/devices/{paired['id']}"),
        ("PUT", f"/api/devices/{paired['id']}"),
        ("DELETE", f"/api/devices/{paired['id']}"),
        ("POST", f"/api/devices/{paired['id']}/command"),
        ("POST", f"/api/devices/{paired['id']}/lock"),
        ("POST", f"/api/devices/{paired['id']}/unlock"),
        ("GET", f"/api/devices/{paired['id']}/playback"),
        ("GET", f"/api/devices/{paired['id']}/faults"),
        ("GET", f"/api/devices/{paired['id']}/commands"),
        ("GET", f"/api/devices/{paired['id']}/screenshots/latest"),
        ("GET", f"/api/commands/{command['id']}"),
        ("GET", f"/api/content/{content['id']}"),
        ("PUT", f"/api/content/{content['id']}"),
        ("DELETE", f"/api/content/{content['id']}"),
        ("GET", f"/api/content/{content['id']}/file"),
        ("GET", f"/api/content/{content['id']}/thumbnail"),
        ("GET", f"/api/playlists/{playlist['id']}"),
        ("PUT", f"/api/playlists/{playlist['id']}"),
        ("DELETE", f"/api/playlists/{playlist['id']}"),
        ("GET", f"/api/schedules/{schedule['id']}"),
        ("PUT", f"/api/schedules/{schedule['id']}"),
        ("DELETE", f"/api/schedules/{schedule['id']}"),
        ("DELETE", f"/api/alerts/{alert['id']}"),
    ]
    for method, path in paths:
        with pytest.raises(CallRefused) as refused:
            await stranger.request(method, path, {"type": "reboot", "pin": "1234"} if method != "GET" else None)
        assert refused.value.status == 404, path
    with pytest.raises(CallRefused, match="no content"):
        await stranger.playlist("Theirs", [content["id"]])
    with pytest.raises(CallRefused, match="no playlist"):
        await stranger.schedule(playlist["id"])
    with pytest.raises(CallRefused, match="no device"):
        await stranger.alert("Fire", "Leave", device_id=paired["id"])
    assert len((await operator.request("GET", "/api/alerts"))["data"]) == 1
