"""Commands carried out: what each does over the ports, what is written down when, and what a death at any moment leaves."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from player.agent.commands.handlers import build_handlers
from player.agent.commands.runner import PATIENCE_S, CommandRunner
from player.agent.settings.brief_store import BriefStore
from player.agent.settings.screen_lock import ScreenLock
from player.cms.adcast.adapter import AdCast
from player.cms.http import ServerHttp
from player.core.commands import Awaited
from player.core.content import Orientation
from player.core.guesses import SCREEN
from player.core.ledger import CommandRecord, RecordKind
from player.core.ports.box import Absent
from player.core.ports.server import AppUpdate, Command, CommandResult
from player.core.ports.stage import (
    CutUnlisted,
    NextItem,
    PictureFormat,
    PlayContent,
    PreviousItem,
    ReleaseItems,
    Reread,
    ScreenPicture,
    ShowIdentity,
    ShowText,
    TakePicture,
)
from player.errors import BoxError, CommandRejected
from player.journal import Journal
from player.journal_reader import read_journal
from tests.fakes.clock import FakeClock
from tests.fakes.device import FakeAudio, FakeHost, FakePanel, all_there
from tests.fakes.disk import files_no_larger_than
from tests.fakes.faults import fault_page
from tests.fakes.running import eventually, running
from tests.fakes.server import scripted_server, session
from tests.fakes.settings import registry
from tests.fakes.stage import FakeStage
from tests.fakes.way_out import STRAIGHT


class Updates:
    """An updater that installs nothing."""

    def __init__(self, refuse: str | None = None) -> None:
        self.refuse, self.installed = refuse, []

    async def check(self, update: AppUpdate) -> None:
        if self.refuse:
            raise BoxError(update.version, self.refuse)

    async def install(self, update: AppUpdate) -> None:
        self.installed.append(update.version)


class Dead(BaseException):
    """What a SIGKILL would be."""


class DeadlyClock(FakeClock):
    """Every record is dated: the clock is asked before each thing that matters. It kills at one of those moments."""

    left = 10**9

    def now(self) -> datetime:
        self.left -= 1
        if self.left <= 0:
            raise Dead
        return super().now()


class Content:
    """The content side, which notes what was asked of it."""

    def __init__(self, deeds: list[str]) -> None:
        self._deeds = deeds

    def __repr__(self) -> str:
        return "content 1: 2 of 3 files ready"

    async def once(self) -> None:
        self._deeds.append("refresh")

    async def clear_cache(self) -> None:
        self._deeds.append("clear_cache")


class Box:
    """A box with its ports, whose agent can be stopped and started again."""

    def __init__(self, folder: Path, **absent: Any) -> None:
        self.folder, self.absent = folder, absent
        self.clock, self.stage, self.host = DeadlyClock(), FakeStage(), FakeHost()
        self.audio, self.panel, self.updates = FakeAudio(), FakePanel(), Updates()
        self.deeds: list[str] = []
        self.told_first: list[str] = []
        self.version = "1.0"
        self.missing: set[Awaited] = set()
        self.start()

    def start(self) -> None:
        self.brief = BriefStore(self.folder / "orders.json", self.stage)
        absent = {name: self.absent[name] for name in ("audio", "panel") if name in self.absent}
        devices = {"audio": self.audio, "panel": self.panel, **absent}
        self.settings = registry(self.folder, self.brief, self.stage, self.clock, **devices)
        self.lock = ScreenLock(
            self.folder / "lock.json",
            self.settings,
            self.stage,
            self.clock,
            fault_page(),
            said=self.folder / "locked.json",
            log_n=4,
        )
        ports: dict[str, Any] = {
            "stage": self.stage, "settings": self.settings, "lock": self.lock, "clock": self.clock, "host": self.host,
            "screenshots": Absent("screenshots", "no server is configured"),
            "content": Content(self.deeds), "restart": self._restart, "updater": self.updates, "read_logs": self._read_logs,
        }  # fmt: skip
        self.faults = fault_page()
        self.commands = CommandRunner(
            self.folder / "commands",
            build_handlers(**{**ports, **{name: gone for name, gone in self.absent.items() if name not in devices}}),
            clock=self.clock,
            host=self.host,
            version=self.version,
            faults=self.faults,
            tell_first=self._tell_first,
            clock_trusted=self.host.clock_synced,
            is_ready=self._is_ready,
            look_s=0.01,
            deadline_s=0.5,
            going_s=0.05,
        )

    async def _is_ready(self, need: Awaited) -> bool:
        return need not in self.missing

    def start_again(self) -> None:
        """After a sudden death, with the journal as it stands."""
        self.commands.close()
        self.start()

    def left(self, kind: str, payload: Mapping[str, Any] | None = None, name: str = "1", **more: Any) -> None:
        """A command that an agent before this one had begun when it died."""
        command = Command(name, kind, payload or {}, **more)
        now = self.clock.now().timestamp()
        journal: Journal[CommandRecord] = Journal(self.folder / "commands")
        journal.append(CommandRecord(RecordKind.RECEIVED, name, now, command=command))
        journal.append(CommandRecord(RecordKind.STARTED, name, now, boot_id="boot-1"))
        journal.close()

    async def _read_logs(self) -> dict[str, list[str]]:
        return {"agent": ["one", "two"], "stage": ["three"]}

    async def _restart(self) -> None:
        self.deeds.append("restart")

    async def _tell_first(self) -> None:
        self.told_first += [result.status for result in self.commands.untold()]

    def statuses(self, name: str = "1") -> list[str]:
        """Every result that was written down for a command, in order."""
        bodies = [body for _, body in read_journal(self.folder / "commands")]
        return [b["result"]["status"] for b in bodies if b["id"] == name and b["what"] in ("initiated", "finished")]

    async def outcome(self, kind: str, payload: Mapping[str, Any] | None = None, name: str = "1") -> CommandResult:
        """Delivers one command and runs until its last word."""
        async with running(self.commands.run()):
            await self.commands.offer([Command(name, kind, payload or {})])
            return await eventually(lambda: self.last(name))

    def last(self, name: str) -> CommandResult | None:
        return next((r for r in self.commands.recent(1000) if r.id == name and r.status != "initiated"), None)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    yield made
    made.commands.close()


# --- what each does ------------------------------------------------------------------------------------------------------------


async def test_the_volume_is_ordered_and_set(box: Box):
    result = await box.outcome("set_volume", {"volume": "35"})
    assert (result.status, result.message, result.result) == ("succeeded", "the volume is 35", {"volume": 35})
    assert (box.audio.level, box.brief.current.settings.volume) == (35, 35)


async def test_k8_states_are_ordered_durably(box: Box):
    for kind, payload in (
        ("mute", {"muted": True}),
        ("screen_off", {}),
        ("set_brightness", {"brightness": 40}),
        ("set_orientation", {"orientation": "portrait"}),
        ("lock", {"pin": "1234"}),
    ):
        assert (await box.outcome(kind, payload, kind)).status == "succeeded"
    kept = BriefStore(box.folder / "orders.json", box.stage).current.settings
    assert (kept.muted, kept.screen_on, kept.brightness, kept.orientation, kept.locked) == (
        True,
        False,
        40,
        Orientation.PORTRAIT,
        True,
    )
    assert (box.audio.silent, box.panel.power, box.panel.level) == (True, False, 40)
    assert box.stage.asked == [Reread()] * 5


async def test_what_the_stage_does_is_asked_of_it(box: Box):
    for kind, payload in (
        ("next", {}),
        ("previous", {}),
        ("play", {"content_id": 5, "seconds": 20}),
        ("identify", {"seconds": 5}),
        ("show_message", {"text": "Closing at 8"}),
    ):
        assert (await box.outcome(kind, payload, kind)).status == "succeeded"
    assert box.stage.asked == [
        NextItem(),
        PreviousItem(),
        PlayContent("5", 20.0),
        ShowIdentity(5.0),
        ShowText("Closing at 8", 10.0),
    ]


async def test_what_the_stage_refuses_is_the_reason(box: Box):
    box.stage.answers[PlayContent] = "content 5 is not in the playlist"
    result = await box.outcome("play", {"content_id": 5})
    assert (result.status, result.message) == ("failed", "stage: content 5 is not in the playlist")


async def test_content_is_brought_again_and_a_cleared_cache_forgives_what_was_kept_off(box: Box):
    for kind in ("refresh", "clear_cache"):
        assert (await box.outcome(kind, name=kind)).message == "content 1: 2 of 3 files ready"
    assert (box.deeds, box.stage.asked) == (["refresh", "clear_cache"], [CutUnlisted(), ReleaseItems()])
    box.stage.answers |= {CutUnlisted: "it is away", ReleaseItems: "it is away"}
    assert (await box.outcome("refresh", name="later")).status == "succeeded"
    result = await box.outcome("clear_cache", name="again")
    assert (result.status, result.message) == (
        "succeeded",
        "content 1: 2 of 3 files ready; items that are kept off stay off: stage: it is away",
    )


async def test_logs_are_the_result(box: Box):
    result = await box.outcome("upload_logs")
    assert (result.status, result.message) == ("succeeded", "2 lines of the agent, 1 lines of the stage are in the result")
    assert result.result == {"agent": ["one", "two"], "stage": ["three"]}


async def test_what_this_box_cannot_do_fails_with_the_reason(tmp_path: Path):
    absent = {name: Absent(name, "this box has none") for name in ("audio", "panel", "host", "updater", "screenshots")}
    del absent["host"]
    box = Box(tmp_path, **absent)
    update = {"version": "2", "url": "https://x/u", "sha256": "0", "signature": "s"}
    for kind, payload in (
        ("set_volume", {"volume": 5}),
        ("set_brightness", {"brightness": 5}),
        ("update_app", update),
        ("screenshot", {}),
    ):
        result = await box.outcome(kind, payload, kind)
        assert result.status == "failed"
        assert "this box has none" in result.message
    assert (await box.outcome("screen_off", {}, "off")).status == "succeeded"
    assert (await box.outcome("mute", {"muted": True}, "mute")).status == "succeeded"
    box.commands.close()


async def test_a_box_whose_sound_is_broken_is_still_muted_by_the_stage(box: Box):
    box.audio.broken = True
    assert (await box.outcome("mute", {"muted": True})).status == "succeeded"
    assert box.brief.current.settings.muted
    assert (await box.outcome("set_volume", {"volume": 5}, "2")).status == "failed"


async def test_a_handler_that_hangs_fails_at_the_deadline(tmp_path: Path):
    async def hang() -> dict[str, list[str]]:
        await asyncio.sleep(3600)
        return {}

    box = Box(tmp_path, read_logs=hang)
    result = await box.outcome("upload_logs")
    assert (result.status, result.message) == ("failed", "it was not done within 0 s")
    box.commands.close()


async def test_k4_unknown_bad_and_expired_commands_are_rejected(box: Box):
    now = box.clock.now().timestamp()
    await box.commands.offer([Command("1", "explode"), Command("2", "set_volume", {}), Command("3", "next", {}, None, now - 1)])
    assert [(r.id, r.status) for r in box.commands.untold()] == [("1", "rejected"), ("2", "rejected"), ("3", "rejected")]
    assert box.stage.asked == []


async def test_k7_with_an_unsynced_clock_nothing_is_taken_as_expired(box: Box):
    box.host.synced = False
    async with running(box.commands.run()):
        await box.commands.offer([Command("1", "next", {}, None, 5.0)])
        await eventually(lambda: box.last("1"))
    assert box.stage.asked == [NextItem()]


async def test_k7_a_clock_that_somebody_else_vouches_for_judges_what_is_expired(tmp_path: Path):
    async def vouched() -> bool:
        return True

    host = FakeHost(synced=False)
    commands = CommandRunner(
        tmp_path / "commands",
        {},
        clock=FakeClock(),
        host=host,
        version="1",
        faults=fault_page(),
        tell_first=lambda: asyncio.sleep(0),
        clock_trusted=vouched,
        is_ready=all_there,
    )
    await commands.offer([Command("1", "next", {}, None, 5.0)])
    assert [(r.id, r.status) for r in commands.untold()] == [("1", "rejected")]
    commands.close()


async def test_a_screenshot_is_taken_and_sent_but_not_one_that_was_asked_for_at_the_box(tmp_path: Path):
    async with scripted_server() as script, session() as http:
        script.on("/api/device/screenshot", {})
        clock = FakeClock()
        cms = AdCast(
            ServerHttp(http, script.url, STRAIGHT, clock=clock, budget=None, secrets=()),
            uuid="u",
            key="k",
            clock=clock,
            model="m",
            os_version="1",
            app_version="1",
            license_key="",
            operator=None,
        )
        box = Box(tmp_path, screenshots=cms)
        box.stage.answers[TakePicture] = ScreenPicture(b"jpeg", 1280, 720, PictureFormat.JPEG)
        result = await box.outcome("screenshot")
        assert (result.status, result.result) == ("succeeded", {"width": 1280, "height": 720, "bytes": 4})
        assert script.seen[0].body["command_id"] == "1"
        async with running(box.commands.run()):
            local = await box.commands.perform("screenshot", {})
        assert (local.status, local.result["width"], len(script.seen)) == ("succeeded", 1280, 1)
        assert "none was sent" in local.message
        box.commands.close()


# --- once ----------------------------------------------------------------------------------------------------------------------


async def test_k1_redelivery_and_order(box: Box):
    commands = [Command("1", "next"), Command("2", "previous"), Command("1", "next")]
    async with running(box.commands.run()):
        await box.commands.offer(commands)
        await box.commands.offer(commands)
        await eventually(lambda: box.last("2"))
        await box.commands.offer(commands)
        await asyncio.sleep(0.02)
    assert box.stage.asked == [NextItem(), PreviousItem()]


async def test_k1_a_command_that_comes_again_has_its_result_told_again(box: Box):
    result = await box.outcome("next")
    box.commands.told(result)
    assert box.commands.untold() == []
    await box.commands.offer([Command("1", "next")])
    assert box.commands.untold() == [result]
    box.commands.told(result)
    assert box.commands.untold() == []
    assert box.stage.asked == [NextItem()]


async def test_a_local_command_answers_and_is_no_business_of_the_server(box: Box):
    async with running(box.commands.run()):
        result = await box.commands.perform("set_volume", {"volume": 5})
        assert result.status == "succeeded"
        with pytest.raises(CommandRejected):
            await box.commands.perform("set_volume", {"volume": "loud"})
    assert box.commands.untold() == []


async def test_a_pin_is_not_in_the_journal_and_still_reaches_the_lock(box: Box):
    await box.outcome("lock", {"pin": "482916"})
    await box.lock.unlock("482916", SCREEN)
    assert all(b"482916" not in path.read_bytes() for path in box.folder.rglob("*") if path.is_file())


async def test_k10_a_flood_ends_in_the_newest_volume(box: Box):
    await box.commands.offer([Command(str(n), "set_volume", {"volume": n % 101}) for n in range(1000)])
    async with running(box.commands.run()):
        await eventually(lambda: box.last("999"), 20)
    assert box.audio.level == 999 % 101
    assert box.stage.asked == [Reread()]


async def test_s3_without_a_journal_nothing_is_carried_out_and_it_is_reported(box: Box):
    with files_no_larger_than(10):
        await box.commands.offer([Command("1", "next")])
    assert [fault.code for fault in box.faults.faults] == ["commands_refused"]
    assert box.stage.asked == []


# --- what an earlier life left open --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "payload", "need"),
    [
        ("refresh", {}, Awaited.SERVER),
        ("clear_cache", {}, Awaited.STAGE),
        ("set_volume", {"volume": 9}, Awaited.SOUND),
        ("screen_off", {}, Awaited.STAGE),
    ],
)
async def test_k2_what_was_interrupted_waits_for_what_it_needs_and_holds_nothing_up(
    box: Box, kind: str, payload: dict, need: Awaited
):
    box.left(kind, payload)
    box.missing = {need}
    box.start_again()
    async with running(box.commands.run()):
        await box.commands.offer([Command("2", "next")])
        await eventually(lambda: box.last("2"), 20)
        await asyncio.sleep(0.05)
        assert box.last("1") is None
        assert box.statuses() == []
        box.missing.clear()
        assert (await eventually(lambda: box.last("1"), 20)).status == "succeeded"


async def test_k2_a_command_that_was_received_and_not_begun_waits_as_well(box: Box):
    await box.commands.offer([Command("1", "show_message", {"text": "Closing at 8"})])
    box.missing = {Awaited.STAGE}
    box.start_again()
    async with running(box.commands.run()):
        await asyncio.sleep(0.05)
        assert box.stage.asked == []
        box.missing.clear()
        await eventually(lambda: box.last("1"), 20)
    assert box.stage.asked == [ShowText("Closing at 8", 10.0)]


async def test_k2_what_never_comes_is_tried_in_the_end_and_its_answer_says_why(tmp_path: Path):
    box = Box(tmp_path, audio=Absent("audio", "this box has none"))
    box.left("set_volume", {"volume": 9})
    box.missing = {Awaited.SOUND}
    box.start_again()
    async with running(box.commands.run()):
        await asyncio.sleep(0.05)
        assert box.last("1") is None
        box.clock.forward(PATIENCE_S)
        result = await eventually(lambda: box.last("1"), 20)
    assert (result.status, result.message) == ("failed", "audio: this box has none")
    box.commands.close()


async def test_k7_what_was_interrupted_does_not_wait_beyond_its_own_deadline(box: Box):
    box.left("refresh", expires_at=box.clock.now().timestamp() + 60)
    box.missing = {Awaited.SERVER}
    box.start_again()
    async with running(box.commands.run()):
        await asyncio.sleep(0.05)
        assert box.last("1") is None
        box.clock.forward(90)
        result = await eventually(lambda: box.last("1"), 20)
    assert (result.status, "it expired" in result.message, box.deeds) == ("rejected", True, [])


async def test_what_was_interrupted_is_not_done_after_a_newer_one(box: Box):
    box.left("set_volume", {"volume": 9})
    box.missing = {Awaited.SOUND}
    box.start_again()
    async with running(box.commands.run()):
        await box.commands.offer([Command("2", "set_volume", {"volume": 70})])
        await eventually(lambda: box.last("2"), 20)
        result = await eventually(lambda: box.last("1"), 20)
    assert (result.status, result.message) == ("rejected", "the newer command 2 replaced it")
    assert box.audio.level == 70


# --- what ends the process -----------------------------------------------------------------------------------------------------


async def test_k2_a_reboot_is_initiated_told_done_and_its_last_word_follows_the_boot(box: Box):
    async with running(box.commands.run()):
        await box.commands.offer([Command("1", "reboot")])
        await eventually(lambda: box.host.calls)
        assert box.statuses() == ["initiated"]
        assert box.told_first == ["initiated"]
    box.commands.close()
    box.host.boot = "boot-2"
    box.start()
    async with running(box.commands.run()):
        await eventually(lambda: box.last("1"))
    assert box.statuses() == ["initiated", "succeeded"]
    assert [r.status for r in box.commands.untold()] == ["succeeded"]
    assert box.host.calls == ["reboot"]


async def test_a_reboot_that_does_not_happen_fails(box: Box):
    assert (await box.outcome("reboot")).message == "it was started, but had not happened 0 s later"
    box.host.broken = True
    assert "polkit" in (await box.outcome("shutdown", name="2")).message


async def test_k3_the_fourth_reboot_within_an_hour_is_refused(box: Box):
    for n in range(3):
        await box.outcome("reboot", name=str(n))
    result = await box.outcome("reboot", name="9")
    assert result.status == "rejected"
    assert "within an hour" in result.message
    assert len(box.host.calls) == 3


async def test_an_update_is_checked_first_and_decided_by_the_running_version(box: Box):
    update = {"version": "2.0", "url": "https://x/u", "sha256": "0", "signature": "s"}
    box.updates.refuse = "the signature does not hold"
    assert "signature does not hold" in (await box.outcome("update_app", update, "0")).message
    box.updates.refuse = None
    async with running(box.commands.run()):
        await box.commands.offer([Command("1", "update_app", update)])
        await eventually(lambda: box.updates.installed)
    box.commands.close()
    box.version = "2.0"
    box.start()
    async with running(box.commands.run()):
        assert (await eventually(lambda: box.last("1"))).status == "succeeded"


# --- dying ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "payload", "again"), [("next", {}, 1), ("set_volume", {"volume": 9}, 2), ("reboot", {}, 1), ("explode", {}, 0)]
)
async def test_k2_dying_at_any_moment_loses_nothing_and_does_nothing_twice(tmp_path: Path, kind: str, payload: dict, again: int):
    command, moments, done = Command("1", kind, payload), 0, False
    while not done:
        moments += 1
        box = Box(tmp_path / str(moments))
        box.clock.left = moments
        done = await _lives_through(box, command)
        box.clock.left = 10**9
        box.commands.close()
        box.start()
        async with running(box.commands.run()):
            await box.commands.offer([command])  # the server did not hear of a result: it delivers again
            result = await eventually(lambda box=box: box.last("1"))
        effects = box.stage.asked.count(NextItem()) + len(box.host.calls) + box.deeds.count("x")
        assert effects <= again
        assert result.status in {"next": ("succeeded", "interrupted"), "reboot": ("failed",)}.get(kind, ("succeeded", "rejected"))
        if kind == "set_volume":
            assert box.audio.level == 9
        if kind == "next" and result.status == "succeeded":
            assert effects == 1
        assert box.statuses()[-1] == result.status
        assert len(set(box.statuses()) - {"initiated"}) == 1
        box.commands.close()
    assert moments > (3 if again else 1)  # what is rejected is one write


async def _lives_through(box: Box, command: Command) -> bool:
    try:
        await box.commands.offer([command])
        async with running(box.commands.run()):
            await eventually(lambda: box.last("1"))
    except (Dead, BaseExceptionGroup):
        return False
    return True


CHILD = """
import asyncio, os, signal, sys
from pathlib import Path
from types import SimpleNamespace
from tests.agent.commands.test_runner import Box
from player.core.ports.server import Command

async def main():
    async def die():
        Path(sys.argv[1], "effect").write_text("done")
        os.kill(os.getpid(), signal.SIGKILL)
    ports = {"upload_logs": {"read_logs": die}, "refresh": {"content": SimpleNamespace(once=die)}}
    box = Box(Path(sys.argv[1]), **ports[sys.argv[2]])
    await box.commands.offer([Command("1", sys.argv[2])])
    await box.commands.run()

asyncio.run(main())
"""


@pytest.mark.parametrize(("kind", "status"), [("upload_logs", "interrupted"), ("refresh", "succeeded")])
async def test_k2_a_real_kill_in_the_middle_of_a_command(tmp_path: Path, kind: str, status: str):
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, str(tmp_path), kind)
    async with asyncio.timeout(30):
        assert await child.wait() == -signal.SIGKILL
    assert (tmp_path / "effect").exists()
    box = Box(tmp_path)
    async with running(box.commands.run()):
        assert (await eventually(lambda: box.last("1"))).status == status
    box.commands.close()
