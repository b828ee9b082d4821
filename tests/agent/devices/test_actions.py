"""What is asked of a device takes effect after the answer, in order, within a deadline, and is remembered with how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from player.agent.devices import action_log
from player.agent.devices.action_log import ActionLog
from player.agent.devices.effects import EffectOutcome, Effects
from player.agent.devices.refusals import Declined
from player.core.actions import RESTARTED, ActionKind, Ends
from player.core.ports.server import CommandStatus
from player.errors import BoxError
from player.journal import SEGMENT_BYTES
from player.journal_reader import journal_bytes
from tests.fakes.clock import FakeClock
from tests.fakes.management import Managed, managed
from tests.fakes.running import eventually, running

VOLUME, POWER = "/v1/device/{device}/volume", "/v1/device/{device}/power-action"


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Managed]:
    async with managed(tmp_path) as made:
        yield made


async def ended(box: Managed, path: str, count: int = 1) -> list[dict[str, Any]]:
    """The entries of that path, once so many have ended."""
    while True:
        _, entries, _ = await box.ask("GET", path)
        if sum(bool(one["succeededAt"] or one["failedAt"]) for one in entries) >= count:
            return entries
        await asyncio.sleep(0.01)


async def test_a_request_that_the_device_confirms_has_succeeded(box: Managed):
    await box.ask("PUT", VOLUME, {"volume": 40})
    (entry,) = await ended(box, VOLUME)
    assert (box.audio.level, entry["volume"], entry["confirmed"], entry["failedAt"]) == (40, 40, True, None)
    assert (await box.settings.row("volume")).asked_by == "the management tool"


async def test_a_device_that_refuses_is_failed_with_its_reason_and_the_value_is_wanted_all_the_same(box: Managed):
    box.audio.broken = True
    await box.ask("PUT", VOLUME, {"volume": 40})
    (entry,) = await ended(box, VOLUME)
    assert (entry["succeededAt"], entry["reason"]) == (None, "audio: the fake was told to break")
    assert box.settings.wanted("volume") == 40


async def test_the_history_has_requests_of_every_kind_newest_first(box: Managed):
    await box.ask("PUT", VOLUME, {"volume": 40})
    await box.ask("PUT", "/v1/device/{device}", {"name": "Lobby"})
    _, history, _ = await box.ask("GET", "/v1/device/{device}/action-log")
    assert [(one["type"], one["originator"]["account"]["accountId"]) for one in history] == [
        ("Device.Name.Changed", "tool"), ("Device.Volume.Set", "tool"),
    ]  # fmt: skip


async def test_a_reboot_goes_through_the_ledger_and_is_known_to_have_happened_after_the_next_boot(box: Managed):
    await box.ask("POST", POWER, {"devicePowerAction": "SYSTEM_REBOOT"})
    await eventually(lambda: box.commands == ["reboot"], 20)
    assert (await box.ask("GET", POWER))[1][0]["succeededAt"] is None
    again = ActionLog(box.folder / "devices/actions", box.clock, "boot-2", "1.0")
    (action,) = again.of_kind(ActionKind.POWER)
    assert (action.confirmed, action.reason) == (True, "the box was started again")
    again.close()


async def test_a_reboot_that_the_system_refuses_has_failed(box: Managed):
    box.command_ends = CommandStatus.FAILED
    await box.ask("POST", POWER, {"devicePowerAction": "SYSTEM_REBOOT"})
    (entry,) = await ended(box, POWER)
    assert (entry["powerType"], entry["reason"]) == ("SYSTEM_REBOOT", "reboot: the fake was told so")


# --- the parts


@pytest.fixture
def log(tmp_path: Path) -> ActionLog:
    return ActionLog(tmp_path / "actions", FakeClock(), "boot-1", "1.0")


async def test_requests_of_one_kind_are_carried_out_in_order_and_other_kinds_do_not_wait(log: ActionLog):
    done: list[str] = []
    gate = asyncio.Event()

    def effect(name: str, wait: bool) -> Any:
        async def carry_out() -> EffectOutcome:
            if wait:
                await gate.wait()
            done.append(name)
            return EffectOutcome(name, confirmed=True)

        return carry_out

    effects = Effects(log)
    async with running(effects.run()):
        effects.ask(ActionKind.VOLUME, {}, "tool", effect("first", wait=True))
        effects.ask(ActionKind.VOLUME, {}, "tool", effect("second", wait=False))
        effects.ask(ActionKind.TIME, {}, "tool", effect("time", wait=False))
        await eventually(lambda: done == ["time"], 20)
        gate.set()
        await eventually(lambda: done == ["time", "first", "second"], 20)


async def test_a_driver_that_hangs_is_given_its_time_and_has_failed(log: ActionLog):
    async def hang() -> EffectOutcome:
        await asyncio.Event().wait()
        raise AssertionError

    effects = Effects(log, deadline_s=0.05)
    async with running(effects.run()):
        effects.ask(ActionKind.VOLUME, {}, "tool", hang)
        await eventually(lambda: log.of_kind(ActionKind.VOLUME)[0].failed_at, 20)
    assert log.of_kind(ActionKind.VOLUME)[0].reason == "no answer within 0.05 s"


async def test_no_more_than_so_many_of_a_kind_are_open(log: ActionLog):
    async def fine() -> EffectOutcome:
        return EffectOutcome("", confirmed=True)

    effects = Effects(log, most_open=2)
    for _ in range(2):
        effects.ask(ActionKind.VOLUME, {}, "tool", fine)
    with pytest.raises(Declined, match="2 requests of this kind are being carried out"):
        effects.ask(ActionKind.VOLUME, {}, "tool", fine)
    effects.ask(ActionKind.TIME, {}, "tool", fine)  # what hangs holds up its own kind alone
    async with running(effects.run()):
        await eventually(lambda: repr(effects) == "<effects: 0 open>", 20)


def test_what_was_open_when_the_player_stopped_has_failed_and_what_ended_is_remembered(tmp_path: Path, log: ActionLog):
    log.ask(ActionKind.VOLUME, {"volume": 1}, "tool", Ends.NOTHING)
    log.failed(log.ask(ActionKind.VOLUME, {"volume": 2}, "tool", Ends.NOTHING), "no sound")
    log.close()
    again = ActionLog(tmp_path / "actions", FakeClock(), "boot-1", "1.0")
    assert [(one.asked["volume"], one.reason) for one in again.of_kind(ActionKind.VOLUME)] == [(2, "no sound"), (1, RESTARTED)]
    again.close()


def test_the_log_on_disk_is_bounded(tmp_path: Path, log: ActionLog):
    for number in range(action_log.COMPACT_EVERY * 6 // 10):
        log.succeeded(log.ask(ActionKind.VOLUME, {"volume": number % 100}, "tool", Ends.NOTHING), "x" * 500, confirmed=True)
    log.close()
    assert journal_bytes(tmp_path / "actions") < 2 * SEGMENT_BYTES


async def test_an_effect_that_raises_says_why(log: ActionLog):
    async def refuse() -> EffectOutcome:
        raise BoxError("panel", "it is not there")

    effects = Effects(log)
    async with running(effects.run()):
        effects.ask(ActionKind.VOLUME, {}, "tool", refuse)
        await eventually(lambda: log.of_kind(ActionKind.VOLUME)[0].failed_at, 20)
    assert log.of_kind(ActionKind.VOLUME)[0].reason == "panel: it is not there"
