"""Policies: what they hold, that it is held again, and what they say where this box does not keep it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from player.agent.control.access import Scope
from player.agent.control.local_controls import LocalControls
from player.agent.control.timers import WantedTimer
from player.core.actions import ActionKind
from player.core.applets import AppletAssignment
from player.core.device_schedule import TimerLevel
from player.core.settings import Asker
from player.errors import CommandRejected, SettingRefused
from tests.fakes.management import V1, Managed, ended, got, managed
from tests.fakes.running import eventually


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Managed]:
    async with managed(tmp_path) as made:
        yield made


async def test_a_policy_with_an_item_that_says_nothing_is_refused_whole(box: Managed):
    items = [{"type": "VOLUME", "value": {"volume": 400}}]
    status, said, _ = await box.ask("POST", "/v1/policy", {"name": "Loud", "items": items})
    assert (status, said["errorDetail"]) == (400, "volume")
    assert await got(box, "/v1/policy") == []


async def test_a_hand_at_the_mixer_does_not_undo_a_policy(box: Managed):
    uid = await assigned(box, [{"type": "VOLUME", "value": {"volume": 15}}])
    await eventually(lambda: box.audio.level == 15, 20)
    box.audio.level = 70
    await box.management.look()
    await eventually(lambda: box.audio.level == 15, 20)
    assert (await got(box, f"{V1}/policy/{uid}"))["name"] == "House"


async def test_an_item_whose_device_refuses_is_not_followed_however_often_it_is_looked_at_and_asked_for_once(box: Managed):
    box.audio.broken = True
    await assigned(box, [{"type": "VOLUME", "value": {"volume": 15}}])
    await eventually(lambda: box.settings.asked_at("volume"), 20)
    asked_at = box.settings.asked_at("volume")
    for _ in range(3):
        box.clock.forward(60)
        await box.management.look()
        (status,) = await got(box, f"{V1}/policy-status")
        assert (status["success"], status["reason"]) == (False, "audio: the fake was told to break")
    assert box.settings.asked_at("volume") == asked_at
    box.audio.broken = False
    await box.settings.ask("volume", 15, by=Asker.BOX, who="somebody")
    await box.management.look()
    assert (await got(box, f"{V1}/policy-status"))[0]["success"]


async def test_no_door_changes_what_a_policy_holds_and_whoever_has_the_pin_does_for_a_while(box: Managed):
    await assigned(box, [{"type": "VOLUME", "value": {"volume": 15}}, {"type": "REMOTE_CONTROL", "value": {"locked": False}}])
    await eventually(lambda: box.audio.level == 15, 20)
    assert (await box.settings.row("volume")).asked_by == 'the policy "House"'
    for by in (Asker.COMMAND, Asker.BOX, Asker.SCHEDULE, Asker.MANAGEMENT):
        with pytest.raises(SettingRefused, match='the policy "House" holds it'):
            await box.settings.ask("volume", 50, by=by, who="somebody")
        await box.settings.ask("volume", 15, by=by, who="somebody")  # as it is
    await box.settings.server_says("volume", 50)
    await box.lock.server_says(True, "4711")
    assert (box.settings.wanted("volume"), box.lock.locked) == (15, False)
    await box.lock.lock("4711", "screen")
    assert box.lock.locked
    await box.management.look()
    assert not box.lock.locked


async def test_a_timer_leaves_the_volume_to_the_policy_and_goes_on(box: Managed):
    await box.ask("PUT", f"{V1}/timer-settings", {**TIMER, "level": "NATIVE", "timeOff": None, "weekdays": []})
    await ended(box, "Device.Timer.Set")
    uid = await assigned(box, [{"type": "VOLUME", "value": {"volume": 15}}])
    await eventually(lambda: box.audio.level == 15, 20)
    await box.settings.ask("screen_on", False, by=Asker.BOX, who="somebody")
    box.clock.forward(86_400)  # past eight in the morning
    await eventually(lambda: box.panel.power, 20)
    assert (box.audio.level, box.settings.wanted("volume")) == (15, 15)
    await box.ask("DELETE", f"{V1}/policy/{uid}")
    await eventually(lambda: box.audio.level == 30, 20)  # what the timer says holds where nobody else does


async def test_the_timers_that_a_policy_holds_are_not_set_at_the_box(box: Managed):
    await assigned(box, [{"type": "TIMERS", "value": []}])
    here: Any = None
    local = LocalControls(
        here, here, here, box.lock, box.settings, box.schedule, box.stage, box.clock, held_by=box.management.held_by
    )  # fmt: skip
    with pytest.raises(CommandRejected, match='the policy "House" holds these timers'):
        await local.set_timer(WantedTimer(1, TimerLevel.NATIVE, time(8)))
    await local.set_timer(WantedTimer(1, TimerLevel.PROPRIETARY, time(8)))
    assert [one.place for one in box.schedule.current.timers] == [(TimerLevel.PROPRIETARY, 1)]


TIMER = {"type": "TIMER_2", "timeOn": "08:00:00", "timeOff": "20:00:00", "weekdays": ["MONDAY"], "volume": 30}
PLAN = {"powerType": "SYSTEM_REBOOT", "weekdays": ["SUNDAY"], "time": "04:00:00"}


async def assigned(box: Managed, items: Sequence[Mapping[str, Any]]) -> str:
    """The uid of a policy with those items, which this box follows."""
    status, said, headers = await box.ask("POST", "/v1/policy", {"name": "House", "items": items})
    assert status == 201, said
    uid: str = headers["Location"].rpartition("/")[2]
    await box.ask("POST", f"{V1}/policy", {"uid": uid, "priority": 1})
    return uid


async def test_a_policy_holds_timers_plans_and_debugging_and_single_requests_for_them_fail_with_its_name(box: Managed):
    await box.ask("PUT", f"{V1}/timer-settings", {**TIMER, "type": "TIMER_7", "level": "NATIVE"})
    await ended(box, "Device.Timer.Set")
    await box.ask("POST", f"{V1}/scheduled-power-action", {"powerAction": "APP_RESTART", "weekdays": ["MONDAY"], "time": "01:00"})
    values = {"TIMERS": [TIMER], "PROPRIETARY_TIMERS": [], "POWER_ACTIONS_SCHEDULE": [PLAN], "DEBUG": {"nativeEnabled": False}}
    await assigned(box, [{"type": kind, "value": value} for kind, value in values.items()])
    await eventually(lambda: [one.number for one in box.schedule.current.timers] == [2], 20)
    await eventually(lambda: [one.action for one in box.schedule.current.planned] == ["reboot"], 20)
    (planned,) = box.schedule.current.planned
    for body in (
        {**TIMER, "type": "TIMER_1", "level": "NATIVE"},
        {"type": "TIMER_2", "level": "NATIVE", "timeOn": None, "timeOff": None},
    ):
        await box.ask("PUT", f"{V1}/timer-settings", body)
        assert "House" in (await ended(box, "Device.Timer.Set"))["reason"]
    status, said, _ = await box.ask("DELETE", f"{V1}/scheduled-power-action/{planned.id}")
    assert (status, said["message"]) == (409, 'the policy "House" holds it')
    await box.ask("PUT", f"{V1}/debug", {"appletEnabled": False, "nativeEnabled": True})
    assert "House" in (await ended(box, "Device.Debug.Set"))["reason"]
    await box.schedule.remove_timer(TimerLevel.NATIVE, 2)  # at the box itself
    await box.management.look()
    assert [(one.number, one.volume, sorted(one.days)) for one in box.schedule.current.timers] == [(2, 30, [1])]
    assert box.schedule.current.planned == (planned,), "what is planned as it should be stays the same plan"


async def test_a_policy_says_what_this_box_does_not_keep(box: Managed):
    box.updates.offered = set()
    items = [
        {"type": "TEMPERATURE", "value": {"temperature": 40}}, {"type": "APPLICATION_VERSION", "value": {"version": "99.0"}},
        {"type": "FIRMWARE_VERSION", "value": {"version": "Debian GNU/Linux 12 (bookworm)"}},
        {"type": "DEBUG", "value": {"appletEnabled": True}},
    ]  # fmt: skip
    uid = await assigned(box, items)
    await eventually(lambda: len(box.management.log.of_kind(ActionKind.APPLICATION_VERSION)) == 1, 20)
    await ended(box, "Device.ApplicationVersion.Set")
    await box.management.look()
    found = {one["itemType"]: one["reason"] for one in await got(box, f"{V1}/policy-status?policyUid={uid}")}
    assert found == {
        "TEMPERATURE": "temperature: the processor is hotter than 40 °C",
        "APPLICATION_VERSION": "version 99.0: update: version 99.0 is in no bundle of the fake's",
        "FIRMWARE_VERSION": None,
        "DEBUG": "applet: pages of applets cannot be debugged from elsewhere: this player's browser listens nowhere",
    }  # fmt: skip
    assert len(box.management.log.of_kind(ActionKind.APPLICATION_VERSION)) == 1, "it is not asked for again at once"


async def test_a_policy_says_which_applet_is_shown_while_no_timing_is_on(box: Managed):
    _, _, headers = await box.ask("POST", "/v1/applet", {"name": "Menu"})
    menu = headers["Link"].strip("<>").rpartition("/")[2]
    bundled = {"appletUid": menu, "appletVersion": "1.0.0", "config": {"title": "Menu"}}
    uid = await assigned(box, [{"type": "BUNDLED_APPLET", "value": bundled}])
    status = f"{V1}/policy-status/{uid}/item/BUNDLED_APPLET"

    async def why_not() -> str:
        await box.management.look()
        return str((await got(box, status))["reason"])

    assert "has no version 1.0.0 on this box" in await why_not()
    await box.ask("POST", f"/v1/applet/{menu}/version", {"version": "1.0.0", "entryFile": "index.html"})
    assert "are not complete here" in await why_not()
    assert box.management.applets.assigned is None
    await box.ask("PUT", f"/v1/applet/{menu}/version/1.0.0", {"binary": "<h1>Menu</h1>"})
    await box.management.look()
    assert (await got(box, status))["success"]
    run = box.management.applets.on_air().run
    assert run
    assert (run.applet, run.version, dict(run.configuration), run.scope) == (menu, "1.0.0", {"title": "Menu"}, Scope.CONTROL)
    assert (await got(box, f"{V1}/telemetry/BUNDLED_APPLET/latest"))["data"] == bundled
    held = box.management.applets.assigned
    await box.management.look()
    assert box.management.applets.assigned is held, "what is so already is left alone"
    own, body = f"{V1}/applet/{menu}", {"appletUid": menu, "appletVersion": "1.0.0"}
    for method, path, given in (("POST", f"{V1}/applet", body), ("PUT", own, {"active": False}), ("DELETE", own, None)):
        answered, said, _ = await box.ask(method, path, given)
        assert (answered, said["message"]) == (409, 'the policy "House" holds it'), method
    await box.management.applets.change(assigned=())  # by whatever
    await box.management.look()
    assert box.management.applets.on_air().run == run

    def wanted() -> AppletAssignment:
        assert box.management.applets.assigned
        return box.management.applets.assigned

    await box.ask("PUT", f"/v1/policy/{uid}", {"items": [{"type": "BUNDLED_APPLET", "value": {**bundled, "config": {}}}]})
    await eventually(lambda: not wanted().run.configuration, 20)


@pytest.mark.parametrize(
    ("kind", "value", "field"),
    [
        ("TIMERS", {}, "items.value"), ("TIMERS", [TIMER, TIMER], "items.value"), ("TIMERS", [{"type": "TIMER_8"}], "type"),
        ("PROPRIETARY_TIMERS", [{**TIMER, "weekdays": ["someday"]}], "weekdays"),
        ("TEMPERATURE", {"temperature": "hot"}, "temperature"),
        ("POWER_ACTIONS_SCHEDULE", [{**PLAN, "powerType": "EXPLODE"}], "powerType"), ("APPLICATION_VERSION", {}, "version"),
        ("BUNDLED_APPLET", {"appletVersion": "1"}, "appletUid"), ("DEBUG", {"nativeEnabled": 7}, "nativeEnabled"),
        ("MOOD", {}, "items.type"),
    ],
)  # fmt: skip
async def test_an_item_of_a_policy_that_cannot_be_understood_is_refused(box: Managed, kind: str, value: object, field: str):
    status, said, _ = await box.ask("POST", "/v1/policy", {"name": "House", "items": [{"type": kind, "value": value}]})
    assert (status, said["errorDetail"]) == (400, field)
