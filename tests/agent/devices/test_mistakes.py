"""Mistakes of the player's own, which nobody foresaw: each costs what it happened in, and is told once without what it says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from player.agent.devices.effects import EffectOutcome
from player.core.actions import ActionKind
from player.core.ports.stage import AppletSaid, Reread
from tests.fakes.disk import files_no_larger_than
from tests.fakes.management import SECRET, V1, Managed, ended, got, managed
from tests.fakes.pages import Page
from tests.fakes.running import eventually

KEPT_TO_ITSELF = "the player stumbled over a mistake of its own ({}); its log has more of it"


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Managed]:
    async with managed(tmp_path) as made:
        yield made


def traces(caplog: pytest.LogCaptureFixture, of: str) -> list[str]:
    """What was said of that with a trace."""
    return [text for record in caplog.records if record.exc_info and (text := record.getMessage()).startswith(of)]


async def test_a_driver_that_raises_what_nobody_foresaw_costs_its_requests_alone(box: Managed, caplog: pytest.LogCaptureFixture):
    box.audio.mistake = ZeroDivisionError(f"divided by {SECRET}")
    for level in (40, 50):
        await box.ask("PUT", f"{V1}/volume", {"volume": level})
        await eventually(lambda: not box.management.log.of_kind(ActionKind.VOLUME)[0].is_open, 20)
    entries = await got(box, f"{V1}/volume")
    reason = "volume: " + KEPT_TO_ITSELF.format("ZeroDivisionError")
    assert [(bool(one["failedAt"]), one["reason"]) for one in entries] == [(True, reason)] * 2
    assert traces(caplog, "volume") == ["volume: a mistake of the player's own, which is told once"]
    box.audio.mistake = None
    await box.ask("PUT", f"{V1}/volume", {"volume": 60})
    assert (await ended(box, "Device.Volume.Set"))["confirmed"]
    assert box.audio.level == 60


async def test_an_effect_that_raises_what_nobody_foresaw_leaves_the_others_under_way(box: Managed):
    gate, effects = asyncio.Event(), box.management.effects

    async def waits() -> EffectOutcome:
        await gate.wait()
        return EffectOutcome("it came", confirmed=True)

    async def stumbles() -> EffectOutcome:
        raise KeyError(SECRET)

    waiting = effects.ask(ActionKind.TIME, {}, "tool", waits)
    for _ in range(2):
        effects.ask(ActionKind.VPN, {}, "tool", stumbles)
    await eventually(lambda: all(one.failed_at for one in box.management.log.of_kind(ActionKind.VPN)), 20)
    assert {one.reason for one in box.management.log.of_kind(ActionKind.VPN)} == {"vpn: " + KEPT_TO_ITSELF.format("KeyError")}
    gate.set()
    await eventually(lambda: box.management.log.find(waiting.uid) in box.management.log.of_kind(ActionKind.TIME), 20)
    assert (await ended(box, "Device.Time.Set"))["reason"] == "it came"


async def test_an_item_of_a_policy_stumbles_alone(box: Managed, caplog: pytest.LogCaptureFixture):
    box.audio.mistake = RuntimeError(SECRET)
    items = [{"type": "VOLUME", "value": {"volume": 15}}, {"type": "BRIGHTNESS", "value": {"brightness": 35}}]
    _, _, headers = await box.ask("POST", "/v1/policy", {"name": "House", "items": items})
    await box.ask("POST", f"{V1}/policy", {"uid": headers["Location"].rpartition("/")[2], "priority": 1})
    await eventually(lambda: box.panel.level == 35, 20)
    await box.management.look()
    statuses = {one["itemType"]: one["reason"] for one in await got(box, f"{V1}/policy-status")}
    assert statuses == {"VOLUME": "volume: " + KEPT_TO_ITSELF.format("RuntimeError"), "BRIGHTNESS": None}
    assert len(traces(caplog, "volume")) == 1
    box.audio.mistake = None
    await box.management.look()
    assert box.audio.level == 15


async def test_an_item_of_a_policy_that_stumbles_on_its_way_to_a_device_holds_up_no_other(box: Managed):
    box.stage.mistakes[Reread] = RuntimeError(SECRET)
    timer = {"type": "TIMER_1", "timeOn": "08:00:00", "timeOff": None, "weekdays": ["MONDAY"], "volume": 30}
    items = [{"type": "ORIENTATION", "value": {"orientation": "PORTRAIT"}}, {"type": "TIMERS", "value": [timer]}]
    _, _, headers = await box.ask("POST", "/v1/policy", {"name": "House", "items": items})
    await box.ask("POST", f"{V1}/policy", {"uid": headers["Location"].rpartition("/")[2], "priority": 1})
    await eventually(lambda: box.schedule.current.timers, 20)
    statuses = await got(box, f"{V1}/policy-status")
    assert [one["reason"] for one in statuses] == ["the policy's ORIENTATION: " + KEPT_TO_ITSELF.format("RuntimeError"), None]


async def test_what_a_policy_says_no_more_while_it_is_being_enforced_is_not_brought_about(box: Managed):
    box.audio.gate = asyncio.Event()
    items = [{"type": "VOLUME", "value": {"volume": 15}}, {"type": "BRIGHTNESS", "value": {"brightness": 35}}]
    _, _, headers = await box.ask("POST", "/v1/policy", {"name": "House", "items": items})
    uid = headers["Location"].rpartition("/")[2]
    await box.ask("POST", f"{V1}/policy", {"uid": uid, "priority": 1})
    await eventually(lambda: box.settings.wanted("volume") == 15, 20)
    await box.ask("DELETE", f"{V1}/policy/{uid}")
    box.audio.gate.set()
    await eventually(lambda: box.audio.level == 15, 20)
    await box.management.look()
    assert box.panel.level == 100


async def test_a_call_that_stumbles_is_answered_with_the_error_that_clients_read(box: Managed, caplog: pytest.LogCaptureFixture):
    box.sensors.broken = {"interfaces"}
    for _ in range(2):
        status, said, _ = await box.ask("GET", V1)
        assert (status, said["errorName"], "OSError" in said["message"]) == (500, "INTERNAL_ERROR", True)
    assert traces(caplog, "GET") == ["GET /v1/device/{device}: a mistake of the player's own, which is told once"]
    assert (await got(box, f"{V1}/telemetry/latest"))["telemetries"]["TEMPERATURE"], "what can be read is told all the same"
    box.sensors.broken = set()
    assert (await got(box, V1))["uid"] == box.uid


async def test_a_page_whose_question_stumbles_is_answered_and_so_is_every_other(box: Managed):
    box.sensors.broken = {"temperature_c"}
    page = Page(box)
    refusal, system, volume = await asyncio.gather(
        page.refusal("management.get_current_temperature"), page.ask("management.get_os_info"), page.ask("management.get_volume"),
    )  # fmt: skip
    assert (refusal, system["version"][:6], volume) == (KEPT_TO_ITSELF.format("OSError"), "Debian", 100)


async def test_what_a_page_says_when_nothing_can_be_kept_is_lost_and_pages_are_answered_all_the_same(
    box: Managed, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING), files_no_larger_than(0):
        for _ in range(50):
            box.applets_said.put_nowait(AppletSaid("menu", {"type": "Go"}))
        assert await Page(box).ask("management.get_volume") == 100
    lost = [record for record in caplog.records if "is lost" in record.getMessage()]
    assert 0 < len(lost) < 50


async def test_a_planned_restart_that_names_no_days_is_refused_by_what_it_lacks(box: Managed):
    for days in (5, None, [], {"a": 1}):
        refusal = ""
        try:
            await Page(box).ask("management.set_scheduled_reboot", rule={"weekdays": days, "time": "04:00"})
        except LookupError as error:
            refusal = str(error)
        assert refusal == "a planned restart names its days", days
