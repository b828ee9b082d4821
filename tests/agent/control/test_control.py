"""The control API over real sockets: the calls, and faults L1, L2, L3, L6 and L9."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from player.agent.control.access import Scope, TokenStore, check_host
from player.agent.control.local_page import in_words_value
from player.agent.control.wrong_passwords import FREE_TRIES
from player.cli.client import ControlClient
from player.cli.settings import in_words
from player.core.cover import StageState
from player.core.ports.stage import StageStatus
from player.core.settings import Value
from player.errors import BoxError, CommandRejected, NotRunning, WrongPin
from tests.fakes.brief import brief
from tests.fakes.control import control_server
from tests.fakes.local_controls import JPEG, PNG, FakeActions, FakeSource, status

PASSWORD = "correct horse"


class Served:
    """A served API and a TCP client for it."""

    def __init__(self, folder: Path) -> None:
        self.source, self.actions = FakeSource(), FakeActions()
        self.tokens = TokenStore(folder / "tokens.json")
        self.socket = folder / "control.sock"
        self.server = control_server(
            folder, source=self.source, actions=self.actions, tokens=self.tokens, password=PASSWORD, connections=4,
            headers_within_s=0.4,
        )  # fmt: skip
        self.http: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    async def get(self, path: str, **headers: str) -> tuple[int, str, Any]:
        async with self.http.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.text(errors="replace"), answer.headers

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        async with self.http.post(self.url + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    made = Served(tmp_path)
    timeout = aiohttp.ClientTimeout(total=10)
    async with (
        made.server.serving(),
        aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(force_close=True)) as made.http,
    ):
        yield made


def basic(password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth("local", password)}


async def ask(served: Served, call: str, *arguments: Any) -> Any:
    return await asyncio.to_thread(getattr(ControlClient(served.socket, 5.0), call), *arguments)


async def test_the_status_is_the_object_of_the_contract(served: Served) -> None:
    answer = await ask(served, "status")
    assert set(answer) >= {
        "version", "uuid8", "state", "paired", "pairing_code", "server", "now", "manifest", "stage", "cache", "proof", "commands",
        "clock", "faults", "uptime_s",
    }  # fmt: skip
    assert set(answer["server"]) == {"kind", "url", "online", "last_contact", "standing", "abilities", "about"}
    assert set(answer["now"]["items"][0]) == {"zone", "item_id", "content_id", "name", "type", "position_s", "duration_s"}
    assert set(answer["manifest"]) == {"version", "items", "assets_ready", "assets_total"}
    assert set(answer["stage"]) >= {"backend", "size", "orientation", "wayland_display", "restarts", "frames_dropped", "pids"}
    assert set(answer["cache"]) == {"bytes", "limit", "files"}
    assert set(answer["proof"]) == {"pending", "last_sent"}
    assert answer["commands"]["last"][0]["id"] == "c1"
    assert answer["clock"] == {"synced": True, "offset_s": 0.2}
    assert answer["uuid8"] == "01234567"
    assert answer == asdict(served.source.value) | {
        "faults": answer["faults"],
        "commands": answer["commands"],
        "now": answer["now"],
    }


async def test_the_same_status_over_tcp(served: Served) -> None:
    code, text, _ = await served.get("/api/status")
    assert code == 200
    assert '"state":"playing"' in text


async def test_the_unix_socket_is_its_owners_alone(served: Served) -> None:
    assert stat.S_IMODE(served.socket.stat().st_mode) == 0o600


async def test_the_pairing_code_is_told_while_there_is_one(served: Served) -> None:
    served.source.value = status(brief=brief(paired=False, pairing_code="4A7X2B"), stage=StageStatus(state=StageState.PAIRING))
    assert await ask(served, "pairing") == {"paired": False, "pairing_code": "4A7X2B", "server": "https://cms.example.com"}
    assert "4A7X2B" in (await served.get("/"))[1]


async def test_a_screenshot_as_jpeg_and_as_png(served: Served) -> None:
    assert await ask(served, "screenshot", "jpg") == JPEG
    assert await ask(served, "screenshot", "png") == PNG
    assert (await served.get("/api/screen.jpg"))[2]["Content-Type"] == "image/jpeg"


async def test_lock_and_unlock_through_the_unix_socket(served: Served) -> None:
    await ask(served, "lock", "4711")
    await ask(served, "unlock", "4711")
    assert served.actions.done == [("lock", "4711"), ("unlock", "4711")]
    assert served.actions.sources == ["the command line"] * 2
    with pytest.raises(WrongPin, match="wrong PIN; try again in 30 s") as raised:
        await ask(served, "unlock", "0000")
    assert raised.value.wait_s == 30


async def test_a_command_is_run_and_its_result_told(served: Served) -> None:
    result = await ask(served, "command", "set_volume", {"volume": 50})
    assert result["status"] == "succeeded"
    assert served.actions.done == [("set_volume", {"volume": 50})]
    with pytest.raises(CommandRejected, match="no command dance"):
        await ask(served, "command", "dance")


async def test_settings_are_shown_and_asked_for(served: Served) -> None:
    rows = await ask(served, "settings")
    assert (rows[0]["name"], rows[0]["wanted"], rows[0]["found"], rows[0]["asked_by"]) == ("volume", 35, 34, "the server <cms>")
    assert (await ask(served, "set", "volume", "40"))["wanted"] == "40"
    code, row = await served.post("/api/settings/volume", {"value": 50}, **basic())
    assert (code, row["wanted"]) == (200, 50)
    assert served.actions.done == [("volume for the command line", 40), ("volume for the control API", 50)]


async def test_timers_are_set_shown_and_removed_and_need_a_right(served: Served) -> None:
    timer = {"number": 3, "level": "native", "on": "08:00:00", "off": None, "days": [1, 2], "volume": 30}
    assert (await served.post("/api/timers", timer))[0] == 401
    code, found = await served.post("/api/timers", timer, **basic())
    assert (code, found) == (200, {"timers": [timer]})
    for change, words in (
        ({"number": 8}, "$.number"), ({"days": []}, "needs at least one day"), ({"days": [0]}, "$.days"), ({"on": "soon"}, "$.on"),
        ({"volume": 101}, "$.volume"), ({"level": "lobby"}, "$.level"), ({"on": "08:00:00Z"}, "$.on"),
    ):  # fmt: skip
        code, answer = await served.post("/api/timers", timer | change, **basic())
        assert (code, answer["error"], words in answer["message"]) == (400, "command_rejected", True), answer
    assert (await served.post("/api/timers", {"number": 3}, **basic()))[1] == {"timers": []}


async def test_a_setting_that_is_refused_says_why(served: Served) -> None:
    for name, body, code, error, words in (
        ("volume", {"value": 101}, 400, "setting_refused", "volume: must be a number from 0 to 100"),
        ("volum", {"value": 1}, 400, "setting_refused", "did you mean volume?"),
        ("brightness", {"value": 1}, 503, "box", "this box has no backlight"),
        ("volume", {}, 400, "command_rejected", "expected"),
    ):
        found, answer = await served.post(f"/api/settings/{name}", body, **basic())
        assert (found, answer["error"]) == (code, error)
        assert words in answer["message"]
    assert served.actions.done == []


@pytest.mark.parametrize(("value", "words"), [(True, "on"), (False, "off"), (None, "–"), (30.0, "30"), (2.5, "2.5"), ("x", "x")])
def test_values_are_told_in_words(value: Value, words: str) -> None:
    assert in_words_value(value) == words
    assert in_words(value) == words.replace("–", "-")


async def test_why_is_answered_for_every_item_or_for_one(served: Served) -> None:
    assert [answer["item_id"] for answer in await ask(served, "why", None)] == ["1", "2"]
    (answer,) = await ask(served, "why", "Summer <b>")
    assert answer == {
        "item_id": "1", "content_id": "42", "name": "Summer <b>", "layout": "full", "on_air": True,
        "because": "on screen now; the rule always puts it on air",
    }  # fmt: skip
    assert json.loads((await served.get("/api/why?item=2"))[1])["items"][0]["on_air"] is False


async def test_the_page_says_why(served: Served) -> None:
    code, text, _ = await served.get("/why")
    assert code == 200
    for words in ("Summer &lt;b&gt;", "on screen now", "give it a schedule", 'class="bad"'):
        assert words in text
    assert 'id="why"' in (await served.get("/"))[1]


async def test_the_page_has_the_settings(served: Served) -> None:
    code, text, _ = await served.get("/settings")
    assert code == 200
    for words in ("volume", "35", "34", "the server &lt;cms&gt;", "2023-11-14 22:13", "no sink", 'class="bad"'):
        assert words in text
    assert 'id="settings"' in (await served.get("/"))[1]


async def test_metrics_are_prometheus_text(served: Served) -> None:
    code, text, headers = await served.get("/metrics")
    assert code == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    for line in (
        "signage_cache_bytes 2048.0",
        'signage_state{signage_state="playing"} 1.0',
        'signage_faults{code="unplayable"} 1.0',
    ):
        assert line in text


async def test_the_page_leads_to_another_management_of_the_box_where_there_is_one(served: Served) -> None:
    assert "Other management" not in (await served.get("/now"))[1]
    served.source.value = replace(status(), extended_management='https://panels.example.com/?a="b"')
    assert '<a href="https://panels.example.com/?a=&#34;b&#34;" rel="noopener noreferrer">' in (await served.get("/now"))[1]


async def test_the_page_shows_what_the_player_does(served: Served) -> None:
    code, text, headers = await served.get("/")
    assert code == 200
    for words in (
        "Playing",
        "Summer",
        "cms.example.com",
        "unplayable",
        "What to do: export the file again",
        "refresh",
        "2.0 KiB of 8.0 GiB",
    ):
        assert words in text
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "aiohttp" not in headers["Server"]
    for path in ("/now", "/page.css", "/page.js", "/icon.svg"):
        assert (await served.get(path))[0] == 200


async def test_l9_names_from_the_server_are_text(served: Served) -> None:
    served.source.value = status(name='<script>alert("x")</script>')
    text = (await served.get("/"))[1] + (await served.get("/now"))[1]
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


async def test_the_page_needs_nothing_from_elsewhere(served: Served) -> None:
    text = (await served.get("/"))[1]
    assert 'src="http' not in text
    assert "style=" not in text
    assert "onclick" not in text


async def test_l1_nobody_writes_without_a_right(served: Served) -> None:
    pin, setting = {"pin": "1234"}, "/api/settings/volume"
    for path, body in (("/api/command", {"type": "reboot"}), ("/api/lock", pin), ("/api/unlock", pin), (setting, {"value": 1})):
        code, answer = await served.post(path, body)
        assert code in (401, 403), path
        assert answer["message"]
    assert served.actions.done == []


async def test_l1_password_pin_and_token_are_rights(served: Served) -> None:
    _, secret = served.tokens.create("phone", Scope.CONTROL)
    for headers in (basic(), {"X-Signage-Pin": "4711"}, {"Authorization": f"Bearer {secret}"}):
        code, answer = await served.post("/api/command", {"type": "next"}, **headers)
        assert (code, answer["status"]) == (200, "succeeded")
    code, _ = await served.post("/api/lock", {"pin": "4711"})
    assert code == 200
    code, _ = await served.post("/api/unlock", {"pin": "4711"})
    assert code == 200


async def test_l1_a_wrong_password_pin_or_token_is_none(served: Served) -> None:
    for headers in (
        basic("wrong"),
        {"X-Signage-Pin": "0000"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic %%%"},
    ):
        assert (await served.post("/api/command", {"type": "next"}, **headers))[0] in (401, 403)


async def test_l1_digits_are_a_password_or_a_pin_and_a_right_one_is_no_mistake(served: Served) -> None:
    for _ in range(FREE_TRIES + 1):
        assert (await served.post("/api/command", {"type": "next"}, **basic("4711"), **{"X-Signage-Pin": "4711"}))[0] == 200
    for wrong in ("0000", "1111", "2222"):
        code, answer = await served.post("/api/command", {"type": "next"}, **basic(wrong), **{"X-Signage-Pin": wrong})
        assert (code, answer["message"]) == (401, "that is neither the PIN nor the local password")


async def test_l1_a_pin_beside_it_buys_no_guess_at_the_password(served: Served) -> None:
    served.actions.pause_s = 30.0
    for _ in range(FREE_TRIES + 1):
        code, answer = await served.post("/api/command", {"type": "next"}, **basic("guess"), **{"X-Signage-Pin": "0000"})
        assert (code, answer["error"]) == (429, "pin_not_looked_at")
    assert (await served.post("/api/command", {"type": "next"}, **basic()))[1]["message"].startswith("too many wrong passwords")


async def test_a_browser_asks_for_the_password_only_where_somebody_opens_the_page(served: Served) -> None:
    async with served.http.get(served.url, headers=basic("wrong")) as answer:
        assert (answer.status, await answer.text()) == (401, "that is not the local password")
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    async with served.http.post(served.url + "/api/command", json={"type": "next"}, headers=basic("wrong")) as answer:
        assert (answer.status, (await answer.json())["message"]) == (401, "that is not the local password")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


async def test_l1_a_scope_allows_no_more_than_it_says(served: Served) -> None:
    _, reads = served.tokens.create("reader", Scope.READ)
    _, controls = served.tokens.create("staff", Scope.CONTROL)
    assert (await served.post("/api/command", {"type": "next"}, Authorization=f"Bearer {reads}"))[0] == 401
    assert (await served.post("/api/settings/volume", {"value": 1}, Authorization=f"Bearer {reads}"))[0] == 401
    assert (await served.post("/api/settings/volume", {"value": 1}, Authorization=f"Bearer {controls}"))[0] == 200
    assert (await served.post("/api/command", {"type": "update_app"}, Authorization=f"Bearer {controls}"))[0] == 403
    assert (await served.post("/api/command", {"type": "update_app"}, **basic()))[0] == 200


async def test_l1_a_token_ends_with_its_time_and_when_revoked(served: Served) -> None:
    _, old = served.tokens.create("old", Scope.ADMIN, expires_at=time.time() - 1)
    token, revoked = served.tokens.create("lost", Scope.ADMIN)
    assert served.tokens.scope_of(revoked) is Scope.ADMIN
    assert served.tokens.revoke(token.id)
    assert not served.tokens.revoke(token.id)
    for secret in (old, revoked):
        assert (await served.post("/api/command", {"type": "next"}, Authorization=f"Bearer {secret}"))[0] == 401


async def test_l1_from_another_machine_even_reading_needs_a_right(tmp_path: Path) -> None:
    found = [entry for card in psutil.net_if_addrs().values() for entry in card if entry.family == socket.AF_INET]
    address = next((entry.address for entry in found if not entry.address.startswith("127.")), "127.0.0.1")
    server = control_server(tmp_path, listen="0.0.0.0:0", password=PASSWORD)
    async with server.serving(), aiohttp.ClientSession() as http:
        url = f"http://{address}:{server.port}"
        wanted = {"/api/status": 401, "/": 401, "/api/screen.jpg": 401, "/api/settings": 401, "/settings": 401, "/health": 200}
        if address.startswith("127."):
            wanted = dict.fromkeys(wanted, 200)
        for path, code in wanted.items():
            async with http.get(url + path) as answer:
                assert answer.status == code, path
        async with http.get(url + "/api/status", headers=basic()) as answer:
            assert answer.status == 200


def test_x2_a_tokens_secret_is_nowhere_on_disk(tmp_path: Path) -> None:
    _, secret = TokenStore(tmp_path / "tokens.json").create("phone", Scope.READ)
    content = (tmp_path / "tokens.json").read_text()
    assert secret not in content
    assert secret.removeprefix("signage_") not in content
    assert stat.S_IMODE((tmp_path / "tokens.json").stat().st_mode) == 0o600


async def test_l2_another_sites_page_gets_nothing(served: Served) -> None:
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{(served.server.port or 0) + 1}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        code, _ = await served.post("/api/command", {"type": "next"}, **(headers | basic()))
        assert code == 403, headers
        assert (await served.get("/api/status", **headers))[0] == 403, headers
    assert served.actions.done == []


async def test_l2_a_link_from_elsewhere_may_lead_to_the_page(served: Served) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await served.get("/", **headers))[0] == 200
    assert (await served.get("/api/status", **headers))[0] == 403


async def test_l2_our_own_page_may_write(served: Served) -> None:
    headers = {"Origin": served.url, "Sec-Fetch-Site": "same-origin"} | basic()
    assert (await served.post("/api/command", {"type": "next"}, **headers))[0] == 200


async def test_l2_a_form_cannot_write(served: Served) -> None:
    async with served.http.post(served.url + "/api/command", data={"type": "next"}, headers=basic()) as answer:
        assert answer.status == 415
    async with served.http.post(
        served.url + "/api/command", data='{"type":"next"}', headers={"Content-Type": "text/plain"} | basic()
    ) as answer:
        assert answer.status == 415
    assert (await served.get("/api/command"))[0] == 405


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8770", "", "[::1", "localhost.evil.example", "lobby.evil.example", "other.local"]
)
async def test_l3_a_name_that_was_pointed_here_is_refused(served: Served, host: str) -> None:
    assert (await served.get("/api/status", Host=host))[0] in (400, 421)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8770", "[::1]:8770", "192.168.1.7", "localhost", "LOBBY:8770", "lobby.local", "Lobby.local.:80"]
)
def test_l3_our_own_names_are_not(host: str) -> None:
    check_host(host, "Lobby")


def test_l3_a_box_with_a_domain_is_reached_in_local_by_its_first_name():
    check_host("lobby.local", "lobby.shop.example")


async def raw(served: Served, request: bytes) -> bytes:
    """The first line of what is answered to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
    writer.write(request)
    async with asyncio.timeout(20):
        line = await reader.readline()
    writer.close()
    return line


@pytest.mark.parametrize(
    ("line", "header", "code"),
    [
        (b"GET /api/status", b"Authorization: Bearer \xff", b"401"),
        (b"GET /", b"Authorization: Bearer \xff", b"401"),
        (b"GET /", b"Authorization: Basic \xff", b"401"),
        (b"GET /", b"X-Signage-Pin: \xff", b"403"),
        (b"GET /", b"Authorization: Basic eDp5\r\nX-Signage-Pin: \xff", b"401"),
        (b"GET /", b"Origin: \xff", b"403"),
        (b"GET /?\xff", b"Accept: */*", b"400"),
    ],
)
async def test_l1_bytes_that_are_no_text_are_refused_and_leave_no_trace(
    served: Served, line: bytes, header: bytes, code: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await raw(served, line + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + header + b"\r\n\r\n")
    assert answer.split()[1] == code
    assert caplog.records == []


async def test_l3_a_host_that_is_no_text_is_refused_and_leaves_no_trace(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    assert (await raw(served, b"GET / HTTP/1.1\r\nHost: a\xff\r\n\r\n")).split()[1] in (b"400", b"421")
    assert caplog.records == []


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-Host"])
async def test_l1_a_proxy_on_this_box_is_not_this_box(served: Served, header: str) -> None:
    assert (await served.get("/api/status"))[0] == 200
    assert (await served.get("/api/status", **{header: "127.0.0.1"}))[0] == 401
    assert (await served.get("/api/status", **{header: "127.0.0.1"}, **basic()))[0] == 200


async def test_l1_a_proxy_that_says_nothing_is_known_by_its_old_http(served: Served) -> None:
    asked = b"GET /api/status HTTP/1.%d\r\nHost: 127.0.0.1\r\n\r\n"
    assert b" 401 " in await raw(served, asked % 0)
    assert b" 200 " in await raw(served, asked % 1)


async def test_l6_who_sends_headers_slowly_is_hung_up_on(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
    writer.write(b"GET /api/status HTTP/1.1\r\n")
    async with asyncio.timeout(20):
        while True:
            try:
                writer.write(b"X")
                async with asyncio.timeout(0.05):
                    if await reader.read(100) == b"":
                        break
            except TimeoutError:
                continue
            except ConnectionError:
                break
    writer.close()
    assert (await served.get("/health"))[0] == 200


async def test_l6_a_large_or_broken_body_is_refused(served: Served) -> None:
    assert (await served.post("/api/command", {"type": "x" * 100_000}, **basic()))[0] == 413
    for body in ("[" * 50_000, "{", "[]", '{"type": 5}', '{"type": "next", "payload": []}x', b'{"type": "\xff"}'):
        headers = {"Content-Type": "application/json"} | basic()
        async with served.http.post(served.url + "/api/command", data=body, headers=headers) as answer:
            assert answer.status == 400, body[:20]
    for pin in ("", "12", "abcd", 1234, "1" * 13):
        assert (await served.post("/api/unlock", {"pin": pin}))[0] == 400


async def test_a_taken_port_leaves_the_unix_socket_working(
    served: Served, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "second.sock"
    second = control_server(tmp_path, socket_path=path, listen=f"127.0.0.1:{served.server.port}")
    async with second.serving():
        assert (await asyncio.to_thread(ControlClient(path, 5.0).status))["state"] == "playing"
    assert "the local page is not served on 127.0.0.1" in caplog.text
    assert not path.exists()


async def test_a_socket_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 120) / "control.sock"
    server = control_server(tmp_path, socket_path=path, listen="")
    with pytest.raises(BoxError, match=r"control.sock cannot be made: .*see storage.runtime_dir"):
        async with server.serving():
            pass


def test_nobody_there_is_not_running(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="no player is running here"):
        ControlClient(tmp_path / "control.sock").status()
