"""Lists of devices: what leaves this one in or out, whoever is asked for, and how long a page may be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from player.agent.control.access import DEVICE_KIND, Token
from player.agent.devices.api import CALLS_AT_ONCE
from player.agent.devices.call import ApiCall
from player.agent.devices.device_filters import Belongings, is_meant
from tests.fakes.management import V1, Managed, got, managed


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Managed]:
    async with managed(tmp_path) as made:
        yield made


async def counted(box: Managed, path: str, query: str) -> int:
    return len(await got(box, f"{path}?{query}"))


async def test_a_device_is_found_by_whatever_names_it(box: Managed):
    device = await got(box, V1)
    mac = next(iter(device["networkInterfaces"].values()))["macAddress"]
    for words in (device["name"][:4].upper(), device["uid"], device["serialNumber"], mac, box.identity.uuid8):
        assert await counted(box, "/v1/device", f"search={words}") == 1, words
        assert await counted(box, "/v2/device", f"search={words}") == 1, words
    for query in ("search=nobody", "model=another", "applicationType=tizen", "createdSince=2999-01-01T00:00:00.000Z",
                  "createdUntil=2001-01-01T00:00:00.000Z"):  # fmt: skip
        assert await counted(box, "/v1/device", query) == 0, query
    assert await counted(box, "/v1/device", f"model={device['model']}&createdSince={device['createdAt']}&pagination=50") == 1


def test_a_device_is_found_by_how_full_its_storage_is():
    token = Token("1", "tool", "read", "", 0.0, kind=DEVICE_KIND)
    device = {"name": "", "uid": "", "serialNumber": "", "storageStatus": {"internal": {"capacity": 400, "freeSpace": 100}}}

    def is_found(device: Mapping[str, Any], **asked: str) -> bool:
        query = {f"{name}StorageStatusPercentage": [value] for name, value in asked.items()}
        return is_meant(ApiCall("/v1/device", {}, query, {}, "", token, ""), device, Belongings((), (), (), ()))

    for low, high, found in (
        ("75", "100", True), ("75.1", "100", False), ("0", "75", True), ("0", "74.9", False), ("0", "100", True),
        ("80", "70", False),
    ):  # fmt: skip
        assert is_found(device, min=low, max=high) is found, (low, high)
    assert (is_found(device, min="75"), is_found(device, min="76"), is_found(device, max="74")) == (True, False, False)
    unknown = device | {"storageStatus": {"internal": {"capacity": 0, "freeSpace": 0}}}
    assert (is_found(unknown), is_found(unknown, min="0")) == (True, False)


async def test_what_is_no_percentage_is_refused_by_its_name_where_there_is_such_a_filter(box: Managed):
    low, high = "minStorageStatusPercentage", "maxStorageStatusPercentage"
    assert await counted(box, "/v1/device", f"{low}=0&{high}=100") == 1
    for wrong in ("-1", "100.5", "much", "nan", "inf"):
        for name in (low, high):
            status, said, _ = await box.ask("GET", f"/v1/device?{name}={wrong}")
            assert (status, said["errorDetail"]) == (400, name), wrong
    assert await counted(box, "/v2/device", f"{low}=much") == 1


async def test_a_device_is_found_by_what_it_has(box: Managed):
    assert await counted(box, "/v2/device", "hasPolicy=false") == 1
    for query in ("hasPolicy=true", "brand=Sony", "locationUid=x", "tagUids=x", "appletUids=x", "policyUids=x", "alertUid=x"):
        assert await counted(box, "/v2/device", query) == 0, query
    uids = {}
    for name, path, body in (
        ("tag", "/v1/organization-tag", {"name": "hall"}), ("policy", "/v1/policy", {"name": "Quiet"}),
        ("place", "/v1/location", {"name": "here", "address": "here"}), ("applet", "/v1/applet", {"name": "Menu"}),
    ):  # fmt: skip
        _, _, headers = await box.ask("POST", path, body)
        uids[name] = (headers.get("Location") or headers["Link"].strip("<>")).rpartition("/")[2]
    await box.ask("PUT", f"{V1}/organization-tag/{uids['tag']}")
    await box.ask("PUT", f"{V1}/location/{uids['place']}")
    await box.ask("POST", f"{V1}/policy", {"uid": uids["policy"], "priority": 1})
    await box.ask("POST", f"/v1/applet/{uids['applet']}/version", {"version": "1.0.0", "binary": "<h1>"})
    await box.ask("POST", f"{V1}/applet", {"appletUid": uids["applet"], "appletVersion": "1.0.0"})
    query = "hasPolicy=1&tagUids=x,{tag}&policyUids={policy}&policyUids=y&locationUid={place}&appletUids={applet}"
    assert await counted(box, "/v2/device", query.format(**uids)) == 1


async def test_whom_the_body_names_goes_before_whom_the_query_does(box: Managed):
    alive = "/v1/device/alive?deviceUids=another"
    assert await got(box, alive) == []
    _, found, _ = await box.ask("GET", alive, {"deviceUids": [box.uid, "another"]})
    assert [one["uid"] for one in found] == [box.uid]
    status, said, _ = await box.ask("GET", alive, {"deviceUids": 7})
    assert (status, said["errorDetail"]) == (400, "deviceUids")


async def test_a_page_that_is_too_long_is_refused_by_the_name_it_was_asked_by(box: Managed):
    for path, name, most in (
        ("/v2/device", "limit", 1000), ("/v1/device", "pagination", 1000), ("/v1/device/alive", "limit", 1000),
        ("/v1/device/telemetry/latest", "limit", 500), ("/v1/device/screenshot", "limit", 500), ("/v1/policy", "pagination", 500),
    ):  # fmt: skip
        status, said, _ = await box.ask("GET", f"{path}?{name}={most + 1}")
        assert (status, said["errorDetail"]) == (400, name), path
        assert (await box.ask("GET", f"{path}?{name}={most}"))[0] == 200


async def test_the_other_word_for_a_pages_length_leads_to_the_next_page_as_well(box: Managed):
    for name in "abc":
        await box.ask("POST", "/v1/policy", {"name": name})
    seen, path = [], "/v1/policy?pagination=2"
    while path:
        _, page, headers = await box.ask("GET", path)
        seen.append([one["name"] for one in page])
        path = headers.get("Link", "").partition(">")[0].removeprefix(f"<{box.url}")
        assert not path or ("pagination=2&" in path and "createdUntil=" in path)
    assert seen == [["c", "b"], ["a"]]


async def test_a_token_calls_only_so_often(box: Managed):
    answers = [(await box.ask("GET", f"{V1}/nothing"))[0] for _ in range(CALLS_AT_ONCE + 1)]
    assert answers == [404] * CALLS_AT_ONCE + [429]
    box.clock.forward(1)
    assert (await box.ask("GET", V1))[0] == 200
