"""The registry: kept before it takes effect, told again until it does, and who asked, when, and how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Any

import pytest

from player.agent.settings import registry as registry_module
from player.agent.settings.brief_store import BriefStore
from player.agent.settings.registry import SAID_AT_ONCE, SAID_EVERY_S, SettingsRegistry
from player.brief_file import BriefFile
from player.core.brief import DeviceSettings, StageBrief
from player.core.content import Orientation
from player.core.faults import FaultBook
from player.core.ports.box import Absent, Switch
from player.core.ports.stage import StageStatus
from player.core.settings import SETTINGS, Asker
from player.errors import BoxError, SettingRefused, StorageError, Stumbled
from player.journal_reader import journal_bytes, read_journal
from tests.fakes.clock import FakeClock
from tests.fakes.device import FakeAudio, FakeHost, FakePanel, FakeSwitches
from tests.fakes.running import eventually, running
from tests.fakes.settings import CONFIGURED, registry, telling
from tests.fakes.stage import FakeStage

LINE = {"by": Asker.BOX, "who": "the command line"}


class HangingAudio(FakeAudio):
    """A sound server that takes no volume, and says nothing, as long as `hangs`."""

    hangs, calls = True, 0

    async def set_volume(self, volume: int) -> None:
        self.calls += 1
        if self.hangs:
            await asyncio.Event().wait()
        self.level = volume


class Box:
    """A box whose agent can be started again."""

    def __init__(self, folder: Path, **ports: Any) -> None:
        self.folder, self.stage, self.clock, self.book = folder, FakeStage(), FakeClock(), FaultBook()
        self.audio, self.panel, self.host, self.switches = FakeAudio(), FakePanel(), FakeHost(), FakeSwitches()
        self.ports = {"audio": self.audio, "panel": self.panel, "host": self.host, "switches": self.switches, **ports}

    async def start(self, first: StageBrief | None = None, **made: Any) -> SettingsRegistry:
        if first is not None:
            BriefFile(self.folder / "orders.json").write(first)
        self.brief = BriefStore(self.folder / "orders.json", self.stage)
        settings = registry(self.folder, self.brief, self.stage, self.clock, book=self.book, **{**self.ports, **made})
        await settings.open()
        return settings

    def codes(self) -> list[str]:
        return [fault.code for fault in self.book.faults]


@pytest.fixture
def box(tmp_path: Path):
    return Box(tmp_path)


def lines(folder: Path, name: str) -> list[dict[str, Any]]:
    return [record for _, record in read_journal(folder / "settings") if record["name"] == name]


# --- a request


async def test_a_request_takes_effect_and_is_kept_with_who_asked_when_and_how_it_ended(box: Box):
    settings = await box.start()
    box.clock.forward(60)
    assert await settings.ask("volume", "35", **LINE) == "the volume is 35"
    assert (box.audio.level, box.brief.current.settings.volume) == (35, 35)
    row = await (await box.start()).row("volume")
    assert (row.wanted, row.found, row.asked_by, row.outcome) == (35, 35, "the command line", "the volume is 35")
    assert row.asked_at == box.clock.now().timestamp()


async def test_a_device_that_hangs_until_nobody_waits_any_longer_is_told_again(box: Box):
    audio = HangingAudio()
    settings = await box.start(audio=audio)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await settings.ask("volume", 35, **LINE)
    row = await settings.row("volume")
    assert (row.wanted, row.in_effect, "did not answer" in row.outcome) == (35, False, True)
    audio.hangs = False
    async with running(*telling(settings)):
        box.clock.forward(60)
        await eventually(lambda: audio.level == 35, 20)


async def test_k8_a_request_is_on_disk_before_a_device_is_told(box: Box):
    class Watching(FakeAudio):
        async def set_volume(self, volume: int) -> None:
            brief, line = BriefStore(box.folder / "orders.json", box.stage).current, lines(box.folder, "volume")[-1]
            assert (brief.settings.volume, line["value"], line["ended"]) == (volume, volume, None)
            self.level = volume

    settings = await box.start(audio=Watching())
    await settings.ask("volume", 35, **LINE)
    assert lines(box.folder, "volume")[-1]["ended"] == "the volume is 35"


async def test_what_is_refused_changes_nothing(box: Box):
    settings = await box.start()
    before = await settings.rows()
    for name, value in (("volume", 101), ("volum", 3), ("locked", True), ("heartbeat_interval", 60)):
        with pytest.raises(SettingRefused):
            await settings.ask(name, value, **LINE)
    assert await settings.rows() == before


async def test_s3_a_request_that_cannot_be_kept_is_not_in_force(box: Box):
    settings = await box.start()
    (box.folder / "orders.json.tmp").mkdir()
    with pytest.raises(StorageError):
        await settings.ask("volume", 35, **LINE)
    assert (settings.wanted("volume"), box.audio.level) == (None, 100)
    assert [line["by"] for line in lines(box.folder, "volume")] == ["configuration"]


async def test_s3_a_full_disk_does_not_keep_the_agent_from_starting(box: Box):
    (box.folder / "orders.json.tmp").mkdir()
    settings = await box.start(configured={**CONFIGURED, "orientation": Orientation.PORTRAIT})
    assert settings.wanted("orientation") is None
    (box.folder / "orders.json.tmp").rmdir()
    await box.start(configured={**CONFIGURED, "orientation": Orientation.PORTRAIT})
    assert box.brief.current.settings.orientation is Orientation.PORTRAIT


async def test_the_last_request_wins_whichever_door_it_came_by(box: Box):
    settings = await box.start()
    await settings.ask("volume", 30, by=Asker.COMMAND, who="")
    await settings.ask("volume", 40, **LINE)
    await settings.server_says("volume", 50)
    row = await settings.row("volume")
    assert (row.wanted, row.asked_by) == (50, "the server cms.example.com")


async def test_a_server_that_repeats_a_state_does_not_undo_what_was_set_meanwhile(box: Box):
    settings = await box.start()
    await settings.server_says("volume", 50)
    await settings.ask("volume", 20, **LINE)
    for _ in range(3):
        await settings.server_says("volume", 50)
    settings = await box.start()
    await settings.server_says("volume", 50)
    assert box.audio.level == 20
    await settings.server_says("volume", 60)
    assert box.audio.level == 60


async def test_a_repeat_is_written_once_and_has_its_effect_again(box: Box):
    settings = await box.start()
    for _ in range(5):
        box.audio.level = 1
        await settings.ask("volume", 35, by=Asker.COMMAND, who="")
        assert box.audio.level == 35
    asked = [line for line in lines(box.folder, "volume") if line["by"] == "command"]
    assert [line["ended"] for line in asked] == [None, "the volume is 35"]


async def test_a_reset_returns_to_the_configuration(box: Box):
    settings = await box.start()
    await settings.ask("orientation", "portrait", **LINE)
    await settings.ask("orientation", "default", **LINE)
    assert box.brief.current.settings.orientation == Orientation.LANDSCAPE
    settings = await box.start(configured={**CONFIGURED, "orientation": Orientation.PORTRAIT_FLIPPED})
    assert box.brief.current.settings.orientation is Orientation.PORTRAIT_FLIPPED
    await settings.ask("volume", 35, **LINE)
    assert await settings.ask("volume", None, **LINE) == "volume is left as it is"
    assert box.audio.level == 35


async def test_one_line_in_the_log_a_change(box: Box, caplog: pytest.LogCaptureFixture):
    settings = await box.start()
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            await settings.ask("volume", 35, **LINE)
    assert [record.getMessage() for record in caplog.records] == ["volume is 35, asked for by the command line"]


# --- devices


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("muted", True, "the sound is off"),
        ("screen_on", False, "the screen is off; the panel is off"),
        ("brightness", 40, "the brightness is 40; brightness 40"),
        ("orientation", "portrait", "the picture is turned to portrait"),
        ("time_zone", "Europe/Berlin", "the time zone is Europe/Berlin"),
        ("mode", "1280x720@50", "the panel's mode is 1280x720@50"),
        ("ntp_server", "ntp.example.com", "the clock follows ntp.example.com"),
        ("input_source", "hdmi_2", "the panel shows hdmi_2; it shows hdmi_2"),
        ("usb_storage", False, "usb storage is off"),
    ],
)
async def test_each_setting_reaches_its_device(box: Box, name: str, value: Any, said: str):
    settings = await box.start()
    assert await settings.ask(name, value, **LINE) == said
    assert getattr(box.brief.current.settings, name, value) == value
    untold: dict[str, Any] = {
        "silent": False, "power": True, "level": 100, "host": [], "source": "player", "closed": [],
    }  # fmt: skip
    told = {
        "silent": box.audio.silent, "power": box.panel.power, "level": box.panel.level, "host": box.host.calls,
        "source": box.panel.source, "closed": [switch for switch, on in box.switches.on.items() if not on],
    }  # fmt: skip
    assert told == untold | {
        "muted": {"silent": True}, "screen_on": {"power": False}, "brightness": {"level": 40},
        "time_zone": {"host": ["time zone Europe/Berlin"]}, "ntp_server": {"host": ["time server ntp.example.com"]},
        "input_source": {"source": "hdmi_2"}, "usb_storage": {"closed": ["usb_storage"]},
    }.get(name, {})  # fmt: skip


async def test_what_is_found_is_what_the_devices_and_the_stage_say(box: Box):
    box.audio.level, box.audio.silent, box.panel.level = 71, True, 62
    box.stage.status = StageStatus(orientation="portrait", screen_on=False, mode="1280x720@60")
    box.switches.on[Switch.BLUETOOTH] = False
    rows = {row.name: row.found for row in await (await box.start()).rows()}
    assert rows == {
        "volume": 71, "muted": True, "screen_on": False, "brightness": 62, "orientation": "portrait", "mode": "1280x720@60",
        "input_source": "player", "locked": None, "time_zone": "Etc/UTC", "ntp_server": "ntp.example.com", "wifi": True,
        "bluetooth": False, "usb_storage": True, "heartbeat_interval": None,
    }  # fmt: skip
    assert rows.keys() == SETTINGS.keys()


async def test_what_cannot_be_read_back_is_not_known(box: Box):
    box.audio.broken = box.panel.broken = box.host.broken = True
    box.switches.lacking = set(Switch)
    box.stage.status = None
    assert {row.found for row in await (await box.start()).rows()} == {None}


async def test_a_device_that_is_needed_and_refuses_fails_the_request_and_is_a_fault(box: Box):
    box.audio.broken = True
    settings = await box.start()
    with pytest.raises(BoxError, match="the fake was told to break"):
        await settings.ask("volume", 35, **LINE)
    row = await settings.row("volume")
    assert (row.wanted, row.in_effect, row.outcome) == (35, False, "audio: the fake was told to break")
    assert [fault.message for fault in box.book.faults] == ["volume 35 is not in effect: audio: the fake was told to break"]


async def test_a_device_that_is_a_bonus_may_refuse(box: Box):
    box.audio.broken = box.panel.broken = box.host.broken = True
    settings = await box.start()
    said = await settings.ask("screen_on", False, **LINE)
    assert said == "the screen is off; panel: the fake was told to break"
    await settings.ask("muted", True, **LINE)
    await settings.ask("time_zone", "Europe/Berlin", **LINE)
    assert box.codes() == []


async def test_what_a_panel_confirmed_is_told_apart_from_what_was_only_sent(box: Box):
    settings = await box.start()
    assert (await settings.row("screen_on")).confirmed is None
    await settings.ask("screen_on", False, **LINE)
    assert (await settings.row("screen_on")).confirmed is True
    box.panel.confirms = False
    await settings.ask("screen_on", True, **LINE)
    assert (await settings.row("screen_on")).confirmed is False
    box.panel.broken = True
    await settings.ask("screen_on", False, **LINE)
    assert (await settings.row("screen_on")).confirmed is None
    await settings.ask("volume", 35, **LINE)
    assert (await settings.row("volume")).confirmed is True


async def test_an_ability_that_is_absent_answers_with_its_reason(tmp_path: Path):
    settings = await Box(tmp_path, panel=Absent("panel", "this box has no CEC")).start()
    with pytest.raises(BoxError, match="panel: this box has no CEC"):
        await settings.ask("brightness", 40, **LINE)
    assert await settings.ask("screen_on", False, **LINE) == "the screen is off; panel: this box has no CEC"


# --- until it is in effect


async def test_k8_wanted_values_are_told_again_after_a_start(box: Box):
    settings = await box.start()
    for name, value in (("volume", 35), ("muted", True), ("brightness", 40), ("screen_on", False)):
        await settings.ask(name, value, **LINE)
    box.audio.level, box.audio.silent, box.panel.level, box.panel.power = 100, False, 100, True
    async with running(*telling(await box.start())):
        await eventually(lambda: (box.audio.level, box.audio.silent) == (35, True))
        await eventually(lambda: (box.panel.level, box.panel.power) == (40, False))


async def test_what_nobody_asked_for_is_left_alone_after_a_start(box: Box):
    box.audio.level, box.audio.silent, box.panel.power, box.panel.level = 71, True, False, 62
    settings = await box.start()
    async with running(*telling(settings)):
        await settings.ask("orientation", "portrait", **LINE)
    assert (box.audio.level, box.audio.silent, box.panel.power, box.panel.level) == (71, True, False, 62)
    assert box.host.calls == []


async def test_a_sound_server_that_is_late_is_told_when_it_is_there_and_is_one_fault_meanwhile(
    box: Box, caplog: pytest.LogCaptureFixture
):
    box.audio.broken = True
    settings = await box.start(StageBrief(DeviceSettings(volume=35)))
    with caplog.at_level(logging.INFO):
        async with running(*telling(settings)):
            await eventually(lambda: box.codes() == ["setting"])
            for _ in range(20):
                box.clock.forward(400)
                await eventually(lambda: box.codes() == ["setting"])
            box.audio.broken = False
            box.clock.forward(400)
            await eventually(lambda: box.audio.level == 35)
    assert box.codes() == []
    assert caplog.text.count("not in effect") == 2  # it begins, and it is over
    row = await settings.row("volume")
    assert (row.in_effect, row.asked_by) == (True, "an earlier version")


async def test_a_driver_that_raises_what_nobody_foresaw_has_refused_and_is_told_again(box: Box):
    settings = await box.start()
    box.audio.mistake = ZeroDivisionError("s3cret")
    async with running(*telling(settings)):
        with pytest.raises(Stumbled):
            await settings.ask("volume", 35, **LINE)
        (fault,) = box.book.faults
        assert (fault.code, "(ZeroDivisionError)" in fault.message, "s3cret" in fault.message) == ("setting", True, False)
        box.audio.mistake = None
        box.clock.forward(400)
        await eventually(lambda: box.audio.level == 35)
        await eventually(lambda: box.codes() == [])


async def test_a_request_in_vain_is_told_again_until_another_one_comes(box: Box):
    settings = await box.start()
    box.audio.broken = True
    async with running(*telling(settings)):
        with pytest.raises(BoxError):
            await settings.ask("volume", 35, **LINE)
        await settings.ask("volume", "default", **LINE)
        assert box.codes() == []
        box.audio.broken = False
        await settings.ask("volume", 60, **LINE)
        box.clock.forward(400)
        assert box.audio.level == 60


async def test_a_volume_that_came_undone_is_set_again(box: Box):
    settings = await box.start(look_s=0.0)
    async with running(*telling(settings)):
        await settings.ask("volume", 35, **LINE)
        box.audio.level = 100
        await eventually(lambda: box.audio.level == 35)


async def test_a_mixer_with_coarse_steps_is_not_set_again_and_again(box: Box):
    told, looked = [], []

    class Coarse(FakeAudio):
        async def set_volume(self, volume: int) -> None:
            told.append(volume)
            self.level = volume // 10 * 10

        async def volume(self) -> int:
            looked.append(self.level)
            return self.level

    settings = await box.start(audio=Coarse(), look_s=0.0)
    async with running(*telling(settings)):
        await settings.ask("volume", 35, **LINE)
        await eventually(lambda: len(looked) > 4)
    assert told == [35]


async def test_a_driver_that_hangs_has_refused_after_a_while_and_is_told_again(box: Box):
    audio = HangingAudio()
    settings = await box.start(audio=audio, within_s=0.05)
    with pytest.raises(BoxError, match="did not answer"):
        async with asyncio.timeout(20):
            await settings.ask("volume", 35, **LINE)
    assert box.codes() == ["setting"]
    async with running(*telling(settings)):
        box.clock.forward(60)
        await eventually(lambda: audio.calls > 1, 20)
        audio.hangs = False
        await eventually(lambda: (box.clock.forward(60), audio.level, box.codes()) == (None, 35, []), 20)


async def test_a_driver_that_hangs_holds_up_no_other(box: Box):
    settings = await box.start(StageBrief(DeviceSettings(volume=35, screen_on=False)), audio=HangingAudio())
    box.host.broken = True
    with pytest.raises(BoxError):
        await settings.ask("ntp_server", "ntp.example.com", **LINE)
    async with running(*telling(settings)):
        await eventually(lambda: box.panel.power is False, 20)
        box.host.broken = False
        box.clock.forward(60)
        await eventually(lambda: len(box.host.calls) > 1, 20)


async def test_what_cannot_be_read_back_for_it_hangs_is_not_known(box: Box):
    class Hanging(FakeAudio):
        async def volume(self) -> int:
            await asyncio.Event().wait()
            return self.level

    settings = await box.start(audio=Hanging(), within_s=0.05)
    assert (await settings.row("volume")).found is None


@pytest.mark.parametrize(("name", "value"), [("ntp_server", "ntp.example.com"), ("time_zone", "Europe/Berlin"), ("wifi", False)])
async def test_whatever_a_device_refused_is_told_again(box: Box, name: str, value: Any):
    box.host.broken, box.switches.lacking = True, set(Switch)
    settings = await box.start()
    with contextlib.suppress(BoxError):
        await settings.ask(name, value, **LINE)
    box.host.calls.clear()
    box.host.broken, box.switches.lacking = False, set()
    async with running(*telling(settings)):
        box.clock.forward(60)
        await eventually(lambda: box.host.calls or not box.switches.on[Switch.WIFI], 20)


async def test_what_was_refused_before_the_agent_ended_is_told_again_and_what_was_taken_is_not(box: Box):
    settings = await box.start()
    await settings.ask("time_zone", "Europe/Berlin", **LINE)
    box.host.broken = True
    with pytest.raises(BoxError):
        await settings.ask("ntp_server", "ntp.example.com", **LINE)
    box.host.broken = False
    async with running(*telling(await box.start())):
        await eventually(lambda: len(box.host.calls) > 2, 20)
    assert box.host.calls == ["time zone Europe/Berlin", "time server ntp.example.com", "time server ntp.example.com"]


# --- the book over starts


async def test_what_another_version_set_is_taken_in(box: Box):
    settings = await box.start()
    await settings.ask("volume", 35, **LINE)
    await box.brief.change_settings(volume=50)
    row = await (await box.start()).row("volume")
    assert (row.wanted, row.asked_by) == (50, "an earlier version")


async def test_the_first_start_writes_the_configuration_down_once(box: Box):
    await box.start(configured={**CONFIGURED, "orientation": Orientation.PORTRAIT, "time_zone": "Europe/Berlin"})
    assert (box.brief.current.settings.orientation, box.brief.current.settings.time_zone) == ("portrait", "Europe/Berlin")
    size = journal_bytes(box.folder / "settings")
    settings = await box.start(configured={**CONFIGURED, "orientation": Orientation.PORTRAIT, "time_zone": "Europe/Berlin"})
    assert journal_bytes(box.folder / "settings") == size
    assert (await settings.row("orientation")).asked_by == "the configuration"


async def test_the_book_stays_small_and_forgets_no_setting(box: Box):
    settings = await box.start()
    await settings.ask("brightness", 40, **LINE)
    for number in range(registry_module.COMPACT_EVERY):
        await settings.server_says("heartbeat_interval", 10 + number % 2)
    for number in range(3 * registry_module.COMPACT_EVERY):
        await settings.ask("orientation", "portrait" if number % 2 else "landscape", by=Asker.COMMAND, who="")
    assert journal_bytes(box.folder / "settings") < 700_000
    rows = {row.name: row for row in await (await box.start()).rows()}
    assert (rows["brightness"].wanted, rows["brightness"].asked_by) == (40, "the command line")
    assert (rows["orientation"].wanted, rows["heartbeat_interval"].wanted) == ("portrait", 11)


async def test_a_damaged_record_costs_that_record(box: Box):
    settings = await box.start()
    await settings.ask("volume", 35, **LINE)
    settings.close()
    segment = next((box.folder / "settings").glob("*.log"))
    segment.write_bytes(segment.read_bytes().replace(b'"volume"', b'"volumf"', 1))
    assert (await (await box.start()).row("volume")).wanted == 35


async def test_a_server_that_says_something_else_each_time_is_heard_now_and_then(box: Box):
    settings = await box.start()
    for number in range(100):
        await settings.server_says("orientation", ("portrait", "landscape")[number % 2])
    assert len(lines(box.folder, "orientation")) <= 1 + 2 * SAID_AT_ONCE, "each as it was asked for, and as it ended"
    box.clock.forward(SAID_EVERY_S)
    await settings.server_says("orientation", "portrait_flipped")
    assert settings.wanted("orientation") == "portrait_flipped"
    await settings.server_says("time_zone", "Asia/Tokyo")
    assert settings.wanted("time_zone") == "Asia/Tokyo", "one setting's flood is none of another's"
