"""Commands as types, and the ledger that runs each at most once: by example, and with crashes anywhere (K1 to K10)."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from player.core import commands as c
from player.core.content import Orientation
from player.core.ledger import (
    KEPT,
    PAYLOAD_BYTES,
    CommandRecord,
    InHand,
    Ledger,
    RecordKind,
    Repeat,
    RunCommand,
    Settle,
    without_secrets,
)
from player.core.ports.server import Command, CommandResult, CommandStatus
from player.errors import CommandRejected

UPDATE = {"version": "2.0", "url": "https://x/u", "sha256": "00", "signature": "s"}
GOOD: list[tuple[str, dict[str, Any], c.Instruction]] = [
    ("reboot", {}, c.Reboot()),
    ("shutdown", {}, c.PowerOff()),
    ("restart_app", {}, c.RestartApp()),
    ("refresh", {}, c.Refresh()),
    ("clear_cache", {}, c.ClearCache()),
    ("set_volume", {"volume": 0}, c.SetVolume(0)),
    ("set_volume", {"volume": "100"}, c.SetVolume(100)),
    ("mute", {"muted": True}, c.Mute(True)),
    ("mute", {"muted": "0"}, c.Mute(False)),
    ("screenshot", {}, c.TakeScreenshot()),
    ("lock", {"pin": 1234}, c.LockControls("1234")),
    ("lock", {"pin": None}, c.LockControls(None)),
    ("unlock", {}, c.UnlockControls()),
    ("screen_on", {}, c.ScreenOn()),
    ("screen_off", {}, c.ScreenOff()),
    ("set_brightness", {"brightness": 40.4}, c.SetBrightness(40)),
    ("set_orientation", {"orientation": "Portrait-Flipped"}, c.SetOrientation(Orientation.PORTRAIT_FLIPPED)),
    ("identify", {}, c.Identify(10.0)),
    ("identify", {"seconds": 1e9}, c.Identify(3600.0)),
    ("play", {"content_id": 5}, c.Play("5", None)),
    ("play", {"content_id": "5", "seconds": "20"}, c.Play("5", 20.0)),
    ("next", {}, c.Next()),
    ("previous", {}, c.Previous()),
    ("show_message", {"text": "Closing\x07 at 8"}, c.ShowMessage("Closing  at 8", 10.0)),
    ("update_app", UPDATE, c.UpdateApp("2.0", "https://x/u", "00", "s", False)),
    ("upload_logs", {}, c.UploadLogs()),
]


@pytest.mark.parametrize(("kind", "payload", "instruction"), GOOD)
def test_each_type_of_command_is_read(kind: str, payload: dict[str, Any], instruction: c.Instruction):
    assert c.parse(kind, payload) == instruction


def test_every_type_is_tried_above():
    assert {kind for kind, _, _ in GOOD} == set(c.KINDS)


@pytest.mark.parametrize(
    ("kind", "payload", "says"),
    [
        ("explode", {}, 'does not know the command "explode"'),
        ("set_volume", {}, "set_volume: volume must be a whole number from 0 to 100, found nothing"),
        ("set_volume", {"volume": 101}, "found 101"),
        ("set_volume", {"volume": True}, "found True"),
        ("set_volume", {"volume": "loud"}, "found 'loud'"),
        ("set_volume", {"volume": float("nan")}, "found nan"),
        ("set_volume", {"volume": 10**400}, "found 1000"),
        ("mute", {}, "true or false"),
        ("mute", {"muted": "perhaps"}, "true or false"),
        ("lock", {"pin": [1]}, "pin must be a text"),
        ("lock", {"pin": True}, "pin must be a text"),
        ("set_orientation", {"orientation": "sideways"}, "one of landscape, portrait"),
        ("identify", {"seconds": 0}, "above 0"),
        ("identify", {"seconds": "soon"}, "above 0"),
        ("play", {}, "content_id must be a text, found nothing"),
        ("show_message", {"text": "   "}, "text must be a text"),
        ("update_app", {**UPDATE, "signature": None}, "signature must be a text"),
    ],
)
def test_k4_what_cannot_be_understood_is_rejected_with_a_sentence(kind: str, payload: dict[str, Any], says: str):
    with pytest.raises(CommandRejected) as caught:
        c.parse(kind, payload)
    assert says in str(caught.value)


@pytest.mark.parametrize("text", ["; rm -rf /", "$(reboot)", "a,stream-record=/etc/x", "x\ny", "\u202e\ud800"])
def test_k5_payloads_are_values_and_never_more(text: str):
    shown = c.parse("show_message", {"text": text})
    assert isinstance(shown, c.ShowMessage)
    assert "\ud800" not in shown.text
    with pytest.raises(CommandRejected):
        c.parse("set_volume", {"volume": text})


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([*c.KINDS, "other"]),
    st.dictionaries(
        st.sampled_from(["volume", "muted", "pin", "seconds", "text", "content_id", "orientation", "brightness"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.integers(), max_size=2),
    ),
)
def test_k4_any_payload_is_read_or_rejected(kind: str, payload: dict[str, Any]):
    with contextlib.suppress(CommandRejected):
        assert c.parse(kind, payload) == c.parse(kind, dict(payload))


# --- the ledger, by example ------------------------------------------------------------------------------------------


class Book:
    """A ledger and its journal, as the driver keeps them."""

    def __init__(self) -> None:
        self.records: list[CommandRecord] = []
        self.ledger = Ledger()
        self.now, self.boot = 1000.0, "boot-1"

    def write(self, record: CommandRecord) -> None:
        self.records.append(record)
        self.ledger.apply(record)

    def reopen(self) -> None:
        self.ledger = Ledger.of(self.records)

    def receive(self, command: Command) -> None:
        self.write(CommandRecord(RecordKind.RECEIVED, command.id, self.now, command=command))

    def start(self, name: str) -> None:
        self.write(CommandRecord(RecordKind.STARTED, name, self.now, boot_id=self.boot))

    def end(self, name: str, status: CommandStatus = CommandStatus.SUCCEEDED, of: dict[str, Any] | None = None) -> CommandResult:
        result = CommandResult(name, "", status, "", self.now, self.now, of or {})
        what = RecordKind.INITIATED if status is CommandStatus.INITIATED else RecordKind.FINISHED
        self.write(CommandRecord(what, name, self.now, result=result))
        return result

    def whole(self, command: Command) -> CommandResult:
        self.receive(command)
        self.start(command.id)
        return self.end(command.id)

    def arrived(self, command: Command, *, trusted: bool = True):
        return self.ledger.arrived(command, self.now, clock_trusted=trusted)


VOLUME = Command("1", "set_volume", {"volume": 50})


def test_k1_a_command_runs_once_and_then_repeats_its_result():
    book = Book()
    assert book.arrived(VOLUME) == RunCommand(c.SetVolume(50))
    book.receive(VOLUME)
    assert book.arrived(VOLUME) == InHand()
    book.receive(VOLUME)
    assert [e.command.id for e in book.ledger.waiting] == ["1"]
    assert book.ledger.due("1", 1000.0, clock_trusted=True) == RunCommand(c.SetVolume(50))
    book.start("1")
    assert book.arrived(VOLUME) == InHand()
    result = book.end("1")
    book.reopen()
    assert book.arrived(VOLUME) == Repeat(result)
    assert book.ledger.due("1", 1000.0, clock_trusted=True) == Repeat(result)
    assert book.ledger.waiting == []


def test_results_are_told_until_the_server_has_the_last_one():
    book = Book()
    book.receive(VOLUME)
    book.start("1")
    first = book.end("1", CommandStatus.INITIATED)
    assert book.ledger.untold == [first]
    last = book.end("1")
    assert book.ledger.untold == [last]
    book.write(CommandRecord(RecordKind.TOLD, "1", 0, result=first))
    assert book.ledger.untold == [last]
    book.write(CommandRecord(RecordKind.TOLD, "1", 0))
    assert book.ledger.untold == [last]
    book.write(CommandRecord(RecordKind.TOLD, "1", 0, result=last))
    book.write(CommandRecord(RecordKind.TOLD, "1", 0, result=last))
    assert book.ledger.untold == []


def test_records_of_what_is_not_known_change_nothing():
    ledger = Ledger.of([CommandRecord(RecordKind.STARTED, "x", 0), CommandRecord(RecordKind.RECEIVED, "y", 0)])
    assert ledger == Ledger()


def test_k7_an_expired_command_is_rejected_only_while_the_clock_is_trusted():
    stale = replace(VOLUME, expires_at=990.0)
    decision = Book().arrived(stale)
    assert isinstance(decision, Settle)
    assert (decision.status, decision.reason) == ("rejected", "it expired 10 s before it could run")
    assert Book().arrived(stale, trusted=False) == RunCommand(c.SetVolume(50))
    assert Book().arrived(replace(VOLUME, expires_at=1001.0)) == RunCommand(c.SetVolume(50))


def test_k4_an_unknown_command_is_rejected():
    assert Book().arrived(Command("1", "explode")) == Settle(
        CommandStatus.REJECTED, 'this player does not know the command "explode"'
    )


def test_k3_no_more_than_three_restarts_an_hour_and_six_a_day():
    book = Book()
    for n in range(3):
        book.whole(Command(f"a{n}", "reboot"))
    refused = book.arrived(Command("9", "restart_app"))
    assert isinstance(refused, Settle)
    assert "3 times within an hour" in refused.reason
    assert book.arrived(VOLUME) == RunCommand(c.SetVolume(50))
    book.now += 3601
    for n in range(3):
        book.whole(Command(f"b{n}", "reboot"))
    book.now += 3601
    refused = book.arrived(Command("9", "reboot"))
    assert isinstance(refused, Settle)
    assert "6 times within a day" in refused.reason
    book.now += 86400
    assert book.arrived(Command("9", "reboot")) == RunCommand(c.Reboot())


def test_k3_a_clock_that_jumps_back_does_not_refill_the_budget():
    book = Book()
    for n in range(3):
        book.whole(Command(f"a{n}", "reboot"))
    book.now -= 900
    assert isinstance(book.arrived(Command("9", "reboot")), Settle)


@pytest.mark.parametrize(
    ("kind", "same_boot", "later_boot"),
    [
        ("reboot", "failed", "succeeded"),
        ("shutdown", "failed", "succeeded"),
        ("restart_app", "succeeded", "succeeded"),
        ("update_app", "failed", "failed"),
        ("screenshot", "interrupted", "interrupted"),
        ("show_message", "interrupted", "interrupted"),
        ("play", "interrupted", "interrupted"),
        ("next", "interrupted", "interrupted"),
        ("set_volume", None, None),
        ("screen_off", None, None),
        ("lock", None, None),
        ("refresh", None, None),
    ],
)
def test_k2_what_was_started_is_resolved_after_the_restart(kind: str, same_boot: str | None, later_boot: str | None):
    payload: dict[str, Any] = {"update_app": UPDATE, "set_volume": {"volume": 1}}.get(kind, {})
    book = Book()
    book.receive(Command("1", kind, payload))
    assert book.ledger.after_restart("boot-1", "1.0") == []
    book.start("1")
    book.reopen()
    for boot, status in (("boot-1", same_boot), ("boot-2", later_boot)):
        ((name, settled),) = book.ledger.after_restart(boot, "1.0")
        assert name == "1"
        assert (settled and settled.status) == status


def test_k2_an_update_is_decided_by_the_running_version():
    book = Book()
    book.receive(Command("1", "update_app", UPDATE))
    book.start("1")
    book.end("1", CommandStatus.INITIATED)
    ((_, settled),) = book.ledger.after_restart("boot-2", "2.0")
    assert settled == Settle(CommandStatus.SUCCEEDED, "version 2.0 is running")


def test_k2_a_command_that_kills_the_player_is_not_started_for_ever():
    book = Book()
    book.receive(VOLUME)
    book.start("1")
    assert book.ledger.after_restart("b", "1") == [("1", None)]
    book.start("1")
    ((_, settled),) = book.ledger.after_restart("b", "1")
    assert settled is not None
    assert settled.status == "interrupted"


def opened(*commands: Command) -> Ledger:
    """Received in this order, and none of them done."""
    return Ledger.of(CommandRecord(RecordKind.RECEIVED, command.id, 0, command=command) for command in commands)


def test_k2_what_an_earlier_life_left_open_waits_for_what_it_needs():
    ledger = opened(Command("1", "refresh"), Command("2", "explode"), Command("3", "lock"))
    assert [ledger.needs(name) for name in "123"] == [{c.Awaited.SERVER}, set(), set()]
    assert ledger.left_open("1", 5, clock_trusted=True, is_ready=False) is None
    assert ledger.left_open("1", 5, clock_trusted=True, is_ready=True) == RunCommand(c.Refresh())
    assert isinstance(ledger.left_open("2", 5, clock_trusted=True, is_ready=False), Settle)
    assert [ledger.is_open(name) for name in "14"] == [True, False]


def test_k7_what_was_left_open_waits_no_longer_than_its_deadline():
    ledger = opened(Command("1", "refresh", {}, None, 100.0))
    assert ledger.left_open("1", 99, clock_trusted=True, is_ready=False) is None
    assert ledger.left_open("1", 101, clock_trusted=False, is_ready=False) is None
    settled = ledger.left_open("1", 101, clock_trusted=True, is_ready=False)
    assert settled == Settle(CommandStatus.REJECTED, "it expired 1 s before it could run")


def test_k2_what_was_left_open_is_not_done_after_a_newer_one_of_its_state():
    old, newer, other = Command("1", "set_volume", {"volume": 9}), Command("3", "set_volume", {"volume": 70}), Command("2", "mute")
    ledger = opened(old, other, newer)
    assert ledger.left_open("1", 5, clock_trusted=True, is_ready=True) == Settle(
        CommandStatus.REJECTED, "the newer command 3 replaced it"
    )
    assert ledger.left_open("3", 5, clock_trusted=True, is_ready=True) == RunCommand(c.SetVolume(70))
    refused = CommandResult("3", "set_volume", CommandStatus.REJECTED, "it expired", 5, 5, {}, False)
    ledger.apply(CommandRecord(RecordKind.FINISHED, "3", 5, result=refused))
    assert ledger.left_open("1", 5, clock_trusted=True, is_ready=True) == RunCommand(c.SetVolume(9))
    assert [ledger.is_open(name) for name in "13"] == [True, False]


def test_k10_in_a_flood_the_newest_of_each_state_wins_and_the_queue_is_bounded():
    book = Book()
    for n in range(16):
        book.receive(Command(f"v{n}", "set_volume", {"volume": n}))
    assert book.ledger.overtaken() == ()
    for n in range(1000):
        book.receive(Command(f"w{n}", "set_volume", {"volume": n % 100}))
        book.receive(Command(f"n{n}", "next"))
        book.receive(Command(f"x{n}", "explode"))
    gone = dict(book.ledger.overtaken())
    kept = [e.command.id for e in book.ledger.waiting if e.command.id not in gone]
    assert len(kept) == 100
    assert "w998" in gone
    assert gone["w0"].reason == "the newer command w999 replaced it"
    assert kept[0] == "n0"


def test_what_is_old_and_told_is_forgotten_where_the_clock_can_be_believed():
    book = Book()
    result = book.whole(VOLUME)
    book.write(CommandRecord(RecordKind.TOLD, "1", book.now, result=result))
    book.whole(Command("2", "refresh"))
    book.now += 91 * 86400
    book.ledger.forget(book.now, clock_trusted=False)
    assert list(book.ledger.entries) == ["1", "2"]
    book.ledger.forget(book.now, clock_trusted=True)
    assert list(book.ledger.entries) == ["2"]


def test_what_is_finished_is_remembered_by_its_last_word_alone():
    book = Book()
    book.receive(VOLUME)
    assert book.ledger.entries["1"].command.payload == {"volume": 50}
    book.start("1")
    result = book.end("1", of={"lines": ["one"]})
    assert (book.ledger.entries["1"].command.payload, book.ledger.untold) == ({}, [result])
    book.write(CommandRecord(RecordKind.TOLD, "1", book.now, result=result))
    assert book.arrived(VOLUME) == Repeat(replace(result, result={}))
    assert Ledger.of(book.ledger.records()) == book.ledger


def test_of_what_is_finished_the_newest_stay_and_the_rejected_go_first():
    book = Book()
    book.whole(Command("reboot", "reboot"))
    book.receive(Command("open", "next"))
    for n in range(KEPT):
        book.whole(Command(f"d{n}", "next"))
        book.receive(Command(f"x{n}", "explode"))
        book.end(f"x{n}", CommandStatus.REJECTED)
    book.whole(Command("last", "next"))
    book.ledger.forget(book.now, clock_trusted=True)
    left = list(book.ledger.entries)
    assert (left[:3], left[-1], len(left)) == (["reboot", "open", "d1"], "last", KEPT + 2)
    assert not any(name.startswith("x") for name in left)


def test_what_is_finished_takes_a_bounded_number_of_bytes():
    book = Book()
    for n in range(6):
        book.receive(Command(str(n), "upload_logs"))
        book.start(str(n))
        book.end(str(n), of={"lines": "x" * 1_000_000})
    book.ledger.forget(book.now, clock_trusted=True)
    assert list(book.ledger.entries) == ["2", "3", "4", "5"]


@pytest.mark.parametrize("payload", [{"volume": 5, "x": "x" * PAYLOAD_BYTES}, {"volume": 5, "x": "\ud800"}])
def test_a_payload_that_cannot_be_kept_is_refused(payload: dict[str, Any]):
    refused = Book().arrived(Command("1", "set_volume", payload))
    assert isinstance(refused, Settle)
    assert "payload" in refused.reason


def test_a_pin_is_not_written_down():
    assert without_secrets(Command("1", "lock", {"pin": "1234", "x": 1})).payload == {"x": 1}


# --- the ledger, with crashes anywhere ------------------------------------------------------------------------------------------


class Crashing(RuleBasedStateMachine):
    """A driver that writes down, acts and dies in any order; the world counts what it really did."""

    waiting = Bundle("waiting")
    running = Bundle("running")

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()
        self.done: dict[str, int] = {}
        self.settled: dict[str, CommandResult] = {}
        self.kinds: dict[str, str] = {}

    @rule(
        target=waiting,
        name=st.sampled_from([f"c{n}" for n in range(6)]),
        kind=st.sampled_from(["set_volume", "reboot", "next", "screenshot", "refresh", "restart_app"]),
    )
    def deliver(self, name: str, kind: str) -> str:
        kind = self.kinds.setdefault(name, kind)
        command = Command(name, kind, {"volume": 5})
        decision = self.book.arrived(command)
        if name in self.settled:
            assert decision == Repeat(self.settled[name])
        elif isinstance(decision, RunCommand):
            self.book.receive(command)
        elif isinstance(decision, Settle):
            self.book.receive(command)
            self.settled[name] = self.book.end(name, decision.status)
        return name

    @rule(target=running, name=consumes(waiting))
    def begin(self, name: str) -> str:
        if any(e.command.id == name for e in self.book.ledger.waiting):
            decision = self.book.ledger.due(name, self.book.now, clock_trusted=True)
            if isinstance(decision, RunCommand):
                self.book.start(name)
            elif isinstance(decision, Settle):
                self.settled[name] = self.book.end(name, decision.status)
        return name

    @rule(name=running)
    def act_and_finish(self, name: str) -> None:
        entry = self.book.ledger.entries[name]
        if entry.starts and not entry.finished:
            self.done[name] = self.done.get(name, 0) + 1
            self.settled[name] = self.book.end(name)

    @rule(name=running)
    def act_and_crash(self, name: str) -> None:
        entry = self.book.ledger.entries[name]
        if entry.starts and not entry.finished:
            self.done[name] = self.done.get(name, 0) + 1
        self.crash()

    @rule()
    def crash(self) -> None:
        self.book.reopen()
        for name, settle in self.book.ledger.after_restart(self.book.boot, "1.0"):
            if settle is None:
                self.book.start(name)
            else:
                self.settled[name] = self.book.end(name, settle.status)

    @rule()
    def lose_power(self) -> None:
        self.book.boot += "+"
        self.crash()

    @rule(seconds=st.sampled_from([1.0, 1800.0, 90_000.0]))
    def time_passes(self, seconds: float) -> None:
        self.book.now += seconds

    @invariant()
    def each_is_done_at_most_once(self) -> None:
        for name, count in self.done.items():
            again = c.KINDS[self.kinds[name]].after_crash is c.AfterCrash.AGAIN
            assert count <= (2 if again else 1), f"{name} {self.kinds[name]} was done {count} times"

    @invariant()
    def the_budget_holds(self) -> None:
        starts = [r.at for r in self.book.records if r.what == "started" and c.KINDS[self.kinds[r.id]].restarts]
        assert sum(1 for at in starts if self.book.now - at < 3600) <= 3

    @invariant()
    def the_shortest_journal_adds_up_to_the_same(self) -> None:
        assert Ledger.of(self.book.ledger.records()) == self.book.ledger

    @invariant()
    def a_last_word_stays(self) -> None:
        for name, result in self.settled.items():
            assert self.book.ledger.entries[name].result == result


TestCrashing = Crashing.TestCase
TestCrashing.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
