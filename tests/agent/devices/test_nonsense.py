"""Whatever is sent to whichever call: an answer that says what is wrong with it, and no 500 (fault L6)."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from player.agent.devices import applet_bodies, bodies, device_calls, policy_bodies
from tests.fakes.management import Managed, managed

SAID = {200, 201, 400, 404, 405, 409, 413, 429, 501}
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, 1.5, "", "x" * 300, "\x00\ud800", "2026-13-45", "24:61", [], [None], [{}], {}, {"a": {}}, "1e400",
    "NaN", "9" * 5000,
)  # fmt: skip
LEFT_OUT = {device_calls.DeviceCalls.deprovision.__name__}  # ends the tokens that the others need


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Managed]:
    async with managed(tmp_path) as made:
        yield made


def fields() -> list[str]:
    """Every field that any body has."""
    kinds = [
        kind
        for page in (bodies, applet_bodies, policy_bodies)
        for kind in vars(page).values()
        if isinstance(kind, type) and issubclass(kind, bodies.CallBody)
    ]
    return sorted({field.alias or name for kind in kinds for name, field in kind.model_fields.items()})


async def test_no_call_stumbles_over_what_is_sent(box: Managed):
    dice = random.Random(7)
    names = fields()
    stumbled = []
    for row in box.management.rows:
        if row.handler.__name__ in LEFT_OUT:
            continue
        box.clock.forward(60)  # a token may ask for so much at a time
        path = row.path.replace("{device}", box.uid)
        for piece in (
            "kind",
            "uid",
            "name",
            "hash",
            "tag",
            "place",
            "picture",
            "policy",
            "plan",
            "package",
            "applet",
            "version",
            "timing",
            "test",
            "command",
            "ticket",
            "path*",
        ):
            path = path.replace(f"{{{piece}}}", dice.choice(("%00", "..%2f..%2fetc", "linux", "x" * 300, "%ff", "VOLUME")))
        for _ in range(3):
            body = {name: dice.choice(VALUES) for name in dice.sample(names, 12)}
            query = {
                name: dice.choice(("-1", "x", "9" * 40, "9" * 5000, "2026", "true,false"))
                for name in ("limit", "since", "from", "packageName")
            }
            sent = json.dumps(body).encode()
            headers = {"X-Auth": box.auth, "Content-Type": "application/json"}
            async with box.http.request(row.method, box.url + path, data=sent, params=query, headers=headers) as answer:
                said = await answer.read()
                if answer.status not in SAID:
                    stumbled.append((row.method, row.path, answer.status, body, said[:200]))
    assert stumbled == []


SURROGATE = b'{"name": "a", "items": [{"type": "BUNDLED_APPLET", "value": {"a": "\\ud800"}}]}'


@pytest.mark.parametrize(
    ("method", "path", "sent", "field"),
    [
        ("POST", "/v1/policy", SURROGATE, ""),
        ("POST", "/v1/policy", b'{"name": "a", "items": [{"type": "BUNDLED_APPLET", "value": NaN}]}', ""),
        ("PUT", "/v1/device/{device}/time", b'{"time": "0001-01-01", "timezone": "Europe/Berlin"}', "time"),
        ("PUT", "/v1/device/{device}/time", b'{"time": "noon", "timezone": "Europe/Berlin"}', "time"),
        ("PUT", "/v1/device/{device}/time", b'{"time": 0, "timezone": "Middle/Earth"}', "time_zone"),
        ("PUT", "/v1/device/{device}/package-install", b'{"packageName": "cec-utils", "version": "1;rm"}', "version"),
        ("PUT", "/v1/device/{device}/timer-settings", b'{"type": "TIMER_8", "level": "NATIVE", "timeOn": "08:00"}', "type"),
        ("PUT", "/v1/device/{device}/timer-settings", b'{"type": "TIMER_1", "level": "NATIVE", "timeOn": "08:00Z"}', "timeOn"),
        (
            "PUT", "/v1/device/{device}/timer-settings",
            b'{"type": "TIMER_1", "level": "NATIVE", "timeOn": "08:00", "weekdays": ["noday"]}', "weekdays",
        ),
        ("PUT", "/v1/device/{device}/timer-settings", b'{"type": "TIMER_1", "level": "NATIVE", "timeOn": 28800}', "timeOn"),
        ("PUT", "/v1/device/{device}/timer-settings", b'{"type": "TIMER_1", "level": "NATIVE", "timeOff": "28800"}', "timeOff"),
        (
            "POST", "/v1/device/{device}/scheduled-power-action",
            b'{"powerAction": "SYSTEM_REBOOT", "weekdays": [], "time": "04:00"}', "weekdays",
        ),
        ("PUT", "/v1/device/{device}/time", b'{"time": "2026-03-01", "timezone": "Europe/Berlin"}', "time"),
        ("PUT", "/v1/device/{device}/debug", b"{}", "body"),
        ("GET", "/v1/device/{device}/action-log?limit=" + "9" * 5000, b"", "limit"),
        ("POST", "/v1/device/{device}/policy", b'{"uid": "x"}', "priority"),
        ("PUT", "/v1/device/{device}/auto-recovery", b'{"enabled": true, "healthcheckIntervalMs": true}', "healthcheckIntervalMs"),
        ("PUT", "/v2/device/{device}", b'{"name": "x", "connectionMethod": "pigeon"}', "connectionMethod"),
        ("PUT", "/v2/device/{device}", b'{"name": "x", "extendedManagementUrl": "javascript:alert(1)"}', "extendedManagementUrl"),
        ("PUT", "/v1/device/{device}/auto-recovery", b'{"enabled": true}', "healthcheckIntervalMs"),
        ("PUT", "/v1/device/{device}/peer-recovery", b'{"enabled": true, "urlLauncherAddress": "file:///"}', "urlLauncherAddress"),
        ("PUT", "/v1/device/{device}/remote-control", b"{}", "body"),
        ("POST", "/v1/device/{device}/power-action", b'{"devicePowerAction": "EXPLODE"}', "devicePowerAction"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named_and_nothing_is_asked(box: Managed, method: str, path: str, sent: bytes, field: str):
    headers = {"X-Auth": box.auth, "Content-Type": "application/json"}
    async with box.http.request(method, box.url + path.replace("{device}", box.uid), data=sent, headers=headers) as answer:
        said = await answer.json()
    assert (said["status"], said["errorDetail"], "Value error" in said["message"]) == (400, field, False)
    assert (await box.ask("GET", "/v1/device/{device}/action-log"))[1] == []
