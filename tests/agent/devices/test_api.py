"""The management API's door: who may come in, how a refusal reads, bodies of every form, and lists by pages (faults L1, L2, L6)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from player.agent.control.access import Scope
from player.agent.control.wrong_passwords import FREE_TRIES
from player.agent.devices.absent import AREAS
from player.agent.devices.api import LARGEST_BODY, WRITES_AT_ONCE
from tests.fakes.management import Managed, managed
from tests.fakes.running import eventually

VOLUME = "/v1/device/{device}/volume"
TAG = "/v1/organization-tag"
ERROR = {"status", "message", "errorCode", "errorName", "errorDetail"}


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Managed]:
    async with managed(tmp_path) as made:
        yield made


async def refused(box: Managed, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
    status, said, _ = await box.ask(method, path, body, **more)
    assert set(said) == ERROR
    assert said["status"] == status
    return status, said["errorName"]


# --- who may come in


async def test_without_any_token_there_is_no_such_api(box: Managed):
    for token in box.tokens.tokens():
        box.tokens.revoke(token.id)
    assert await refused(box, "GET", "/v1/device") == (404, "RESOURCE_NOT_FOUND")


async def test_l1_no_token_a_wrong_one_and_one_of_the_control_api_are_403(box: Managed):
    _, control = box.tokens.create("phone", Scope.ADMIN)
    for auth in ("", "nobody:signage_wrong", f"x:{control}", box.auth.replace("signage_", "signage-")):
        assert await refused(box, "GET", "/v1/device", auth=auth) == (403, "NO_ACCESS")


async def test_the_secret_alone_is_enough_and_another_tokens_id_beside_it_is_not(box: Managed):
    token_id, _, secret = box.auth.partition(":")
    assert (await box.ask("GET", "/v1/device", auth=secret))[0] == 200
    assert await refused(box, "GET", "/v1/device", auth=f"{token_id[::-1]}0:{secret}") == (403, "NO_ACCESS")


async def test_a_token_for_devices_is_none_for_the_control_api(box: Managed):
    bearer = {"Authorization": f"Bearer {box.auth.partition(':')[2]}"}
    assert (await box.ask("GET", "/api/status", headers=bearer))[0] == 401


async def test_a_scope_that_is_too_small_changes_nothing(box: Managed):
    reads = box.token(Scope.READ)
    assert await refused(box, "PUT", VOLUME, {"volume": 5}, auth=reads) == (403, "NO_ACCESS")
    assert (await box.ask("GET", VOLUME, auth=reads))[1] == []
    controls = box.token(Scope.CONTROL)
    assert (await box.ask("PUT", VOLUME, {"volume": 5}, auth=controls))[0] == 200
    assert await refused(box, "PUT", "/v1/device/{device}/deprovision", {}, auth=controls) == (403, "NO_ACCESS")


async def test_l1_who_sends_wrong_tokens_waits_and_a_right_one_never_does(box: Managed):
    answers = [(await refused(box, "GET", "/v1/device", auth="a:b"))[0] for _ in range(FREE_TRIES + 2)]
    assert answers == [403] * (FREE_TRIES + 1) + [429]
    assert (await box.ask("GET", "/v1/device"))[0] == 200


async def test_l3_a_caller_may_name_any_host_and_finds_the_next_page_there(box: Managed):
    for name in ("a", "b"):
        await box.ask("POST", TAG, {"name": name})
    _, _, headers = await box.ask("GET", f"{TAG}?limit=1", headers={"Host": "lobby.example.com:8443"})
    assert headers["Link"].startswith("<http://lobby.example.com:8443/v1/organization-tag?limit=1&")


async def test_another_devices_uid_is_not_found(box: Managed):
    assert await refused(box, "PUT", "/v1/device/another/volume", {"volume": 5}) == (404, "RESOURCE_NOT_FOUND")
    assert await refused(box, "GET", "/v2/device/another") == (404, "RESOURCE_NOT_FOUND")


# --- how a refusal reads


async def test_a_path_that_nobody_knows_and_a_method_that_is_not_answered(box: Managed):
    assert await refused(box, "GET", "/v1/nothing") == (404, "RESOURCE_NOT_FOUND")
    assert await refused(box, "DELETE", VOLUME) == (405, "METHOD_NOT_ALLOWED")


async def test_what_one_box_has_not_is_501_and_never_502(box: Managed):
    for area in AREAS:
        for method in ("POST", "DELETE"):
            answer = await refused(box, method, f"/v1/{area.replace('*', '{device}')}/some/thing")
            assert answer == (501, "NOT_IMPLEMENTED"), area
    assert {"package/*/version", "organization", "alert-rule", "bulk-operation"} <= AREAS.keys()


async def test_so_many_changes_may_be_asked_for_at_once(box: Managed):
    answers = [(await box.ask("PUT", "/v1/device/{device}", {"name": str(number)}))[0] for number in range(WRITES_AT_ONCE + 1)]
    assert answers == [200] * WRITES_AT_ONCE + [429]
    assert (await box.ask("GET", "/v1/device"))[0] == 200


# --- bodies


async def test_a_value_out_of_range_is_named_and_changes_nothing(box: Managed):
    for volume in (101, -1, "loud", None, 2.5, [1], True):
        status, said, _ = await box.ask("PUT", VOLUME, {"volume": volume})
        assert (status, said["errorName"], said["errorDetail"]) == (400, "INVALID_FIELD", "volume")
    assert (await box.ask("GET", VOLUME))[1] == []


async def test_a_body_may_be_json_or_a_form_and_numbers_may_be_text(box: Managed):
    for sent in ({"json": {"volume": "31"}}, {"data": {"volume": "32"}}):
        async with box.http.put(box.url + VOLUME.replace("{device}", box.uid), headers={"X-Auth": box.auth}, **sent) as answer:
            assert answer.status == 200
    await eventually(lambda: box.audio.level == 32, 20)


async def test_a_form_spells_lists_and_objects_in_the_names_of_its_fields(box: Managed):
    timer = {"type": "TIMER_1", "level": "NATIVE", "timeOn": "08:00:00", "timeOff": "", "weekdays[0]": "mon", "weekdays[1]": "sun"}
    plan = {"powerAction": "SYSTEM_REBOOT", "weekdays": "MONDAY", "time": "04:00:00"}
    size = {"orientation": "LANDSCAPE", "size[width]": "1280", "size[height]": "720", "framerate": "50"}
    for method, path, fields in (
        ("PUT", "timer-settings", timer), ("POST", "scheduled-power-action", plan), ("PUT", "resolution", size),
    ):  # fmt: skip
        url = f"{box.url}/v1/device/{box.uid}/{path}"
        async with box.http.request(method, url, data=fields, headers={"X-Auth": box.auth}) as answer:
            assert answer.status in (200, 201), await answer.text()
    await eventually(lambda: [(one.off, sorted(one.days)) for one in box.schedule.current.timers] == [(None, [1, 7])], 20)
    assert [sorted(one.days) for one in box.schedule.current.planned] == [[1]]
    await eventually(lambda: box.brief.current.settings.mode == "1280x720@50", 20)
    async with box.http.put(
        box.url + VOLUME.replace("{device}", box.uid), data={"volume[": "5"}, headers={"X-Auth": box.auth}
    ) as answer:
        assert (answer.status, (await answer.json())["errorName"]) == (400, "INVALID_BODY")


async def test_an_empty_body_under_a_json_header_is_no_mistake(box: Managed):
    headers = {"X-Auth": box.auth, "Content-Type": "application/json"}
    async with box.http.post(f"{box.url}/v1/device/{box.uid}/screenshot", headers=headers) as answer:
        assert answer.status == 200


async def test_a_body_that_cannot_be_read_is_400(box: Managed):
    headers = {"X-Auth": box.auth, "Content-Type": "application/json"}
    url = box.url + VOLUME.replace("{device}", box.uid)
    for sent in (b"{", b"[1]", b"\xff\xfe", b"[" * 5000):
        async with box.http.put(url, headers=headers, data=sent) as answer:
            assert (answer.status, (await answer.json())["errorName"]) == (400, "INVALID_BODY")


async def test_l6_a_body_that_is_too_large_is_not_read(box: Managed):
    headers = {"X-Auth": box.auth, "Content-Type": "application/json"}
    async with box.http.put(
        box.url + VOLUME.replace("{device}", box.uid), headers=headers, data=b" " * (LARGEST_BODY + 1)
    ) as answer:
        assert (answer.status, (await answer.json())["errorName"]) == (413, "BODY_TOO_LARGE")


# --- lists


async def test_all_pages_are_the_list_and_their_addresses_have_no_comma(box: Managed):
    for name in "abcde":
        await box.ask("POST", TAG, {"name": name})
    seen, path = [], f"{TAG}?limit=2&search=x%2Cy"
    while path:
        _, tags, headers = await box.ask("GET", path)
        seen += [tag["name"] for tag in tags]
        link = headers.get("Link", "")
        assert link.count(",") == 0
        found = re.fullmatch(r'<(http://.*)>; rel="next"', link)
        path = found[1].removeprefix(box.url) if found else ""
    assert seen == list("edcba")


async def test_a_parameter_that_cannot_be_used_is_named(box: Managed):
    for name, value in (("limit", "0"), ("limit", "501"), ("descending", "perhaps"), ("since", "yesterday")):
        _, said, _ = await box.ask("GET", f"{TAG}?{name}={value}")
        assert (said["errorName"], said["errorDetail"]) == ("INVALID_FIELD", name)


async def test_a_parameter_that_is_empty_counts_as_absent(box: Managed):
    assert (await box.ask("GET", f"{TAG}?since=&limit=&descending="))[0] == 200


async def test_an_instant_has_three_decimals_and_a_z(box: Managed):
    _, device, _ = await box.ask("GET", "/v1/device/{device}")
    for at in (device["createdAt"], device["aliveAt"], device["currentTime"]["time"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", at)
