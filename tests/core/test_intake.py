"""What of one delivery of commands is taken in: bounded whatever comes, and never the wrong one of two."""

from __future__ import annotations

import pytest

from player.core.intake import AN_HOUR, NOTED, NOTED_AN_HOUR, TakenIn, take_in
from player.core.ledger import LOCAL, QUEUE_CALM, QUEUE_LIMIT, CommandRecord, Ledger, RecordKind
from player.core.ports.server import Command, CommandResult, CommandStatus

NOW = 1_000_000.0


def ledger(count: int, at: float, *, finished: bool = True, status: str = "succeeded", prefix: str = "k") -> Ledger:
    """One that knows so many, which came at `at`."""
    made = Ledger()
    for n in range(count):
        name = f"{prefix}{n}"
        made.apply(CommandRecord(RecordKind.RECEIVED, name, at, command=Command(name, "next")))
        if status == "succeeded" and finished:
            made.apply(CommandRecord(RecordKind.STARTED, name, at))
        if finished:
            result = CommandResult(name, "next", CommandStatus(status), "", at, at)
            made.apply(CommandRecord(RecordKind.FINISHED, name, at, result=result))
    return made


def took(known: Ledger, *commands: Command, local: bool = False) -> TakenIn:
    return take_in(known, commands, NOW, clock_trusted=True, local=local)


def unknown(count: int) -> list[Command]:
    return [Command(f"u{n}", "explode", {"x": n}) for n in range(count)]


def test_a_short_delivery_runs_whole_and_in_order_and_each_id_once():
    commands = [Command("a", "set_volume", {"volume": 1}), Command("b", "next"), Command("c", "set_volume", {"volume": 2})]
    intake = took(Ledger(), *commands, Command("a", "reboot"))
    assert intake == TakenIn(tuple(commands), (), (), ())


def test_what_came_before_is_repeated_or_in_hand():
    known = ledger(1, NOW)
    known.apply(CommandRecord(RecordKind.RECEIVED, "h", NOW, command=Command("h", "next")))
    intake = took(known, Command("k0", "next"), Command("h", "next"))
    assert intake == TakenIn((), (), (), tuple(known.untold))


def test_of_a_long_delivery_the_newest_of_each_state_is_taken():
    volumes = [Command(f"v{n}", "set_volume", {"volume": n % 101}) for n in range(1000)]
    intake = took(Ledger(), *volumes, Command("n", "next"))
    assert [one.id for one in intake.taken] == ["v999", "n"]
    assert len(intake.noted) == NOTED
    assert [one.id for one, _ in (*intake.noted, *intake.refused)] == [f"v{n}" for n in range(999)]
    assert {settled.reason for _, settled in intake.refused} == {"the newer command v999 replaced it"}


@pytest.mark.parametrize(("count", "taken"), [(QUEUE_CALM, QUEUE_CALM), (QUEUE_CALM + 1, 1)])
def test_a_delivery_is_long_when_it_holds_more_than_are_carried_out_in_calm(count: int, taken: int):
    intake = took(Ledger(), *(Command(f"v{n}", "set_volume", {"volume": n}) for n in range(count)))
    assert [one.id for one in intake.taken] == [f"v{n}" for n in range(count)][-taken:]


def test_as_many_are_taken_as_the_queue_has_room_for():
    many = [Command(f"n{n}", "next") for n in range(1000)]
    intake = took(ledger(30, NOW, finished=False), *many)
    assert [one.id for one in intake.taken] == [f"n{n}" for n in range(QUEUE_LIMIT - 30)]
    assert {settled.reason for _, settled in intake.refused} == {f"more than {QUEUE_LIMIT} commands were waiting"}


@pytest.mark.parametrize("over", [0, 5])
def test_a_queue_that_is_full_or_more_takes_none_however_many_come(over: int):
    intake = took(ledger(QUEUE_LIMIT + over, NOW, finished=False), *(Command(f"n{n}", "next") for n in range(10)))
    assert intake.taken == ()
    assert {settled.reason for _, settled in intake.noted} == {f"more than {QUEUE_LIMIT} commands were waiting"}


@pytest.mark.parametrize("over", [0, 5])
def test_an_hour_that_is_full_or_more_takes_none_however_many_come(over: int):
    intake = took(ledger(AN_HOUR + over, NOW), *(Command(f"n{n}", "next") for n in range(10)))
    assert intake.taken == ()
    assert {settled.reason for _, settled in intake.noted} == {f"more than {AN_HOUR} commands came within an hour"}


def test_where_queue_and_hour_have_the_same_room_the_queue_is_told_of():
    known = ledger(AN_HOUR - QUEUE_LIMIT, NOW)
    intake = took(known, *(Command(f"n{n}", "next") for n in range(QUEUE_LIMIT + 1)))
    assert [settled.reason for _, settled in intake.noted] == [f"more than {QUEUE_LIMIT} commands were waiting"]


@pytest.mark.parametrize(("at", "room"), [(NOW - 3599, 2), (NOW + 3599, 2), (NOW - 3600, 10), (NOW + 3600, 10)])
def test_as_many_are_taken_as_the_hour_has_room_for(at: float, room: int):
    intake = took(ledger(AN_HOUR - 2, at), *(Command(f"n{n}", "next") for n in range(10)))
    assert len(intake.taken) == room
    assert {settled.reason for _, settled in intake.noted} == (
        {f"more than {AN_HOUR} commands came within an hour"} if room == 2 else set()
    )


def test_what_a_server_sends_leaves_the_box_its_own_room():
    known = ledger(AN_HOUR + 5, NOW, finished=False)
    assert took(known, Command("n", "next")).taken == ()
    assert len(took(known, Command(f"{LOCAL}1", "next"), local=True).taken) == 1


def test_a_few_of_the_rejected_are_written_down_and_within_an_hour_no_more_than_some():
    intake = took(Ledger(), *unknown(1000))
    assert (len(intake.noted), len(intake.refused)) == (NOTED, 1000 - NOTED)
    assert len(took(ledger(NOTED_AN_HOUR - 1, NOW, status="rejected"), *unknown(9)).noted) == 1
    assert len(took(ledger(NOTED_AN_HOUR - 1, NOW, status="rejected"), *unknown(9), local=True).noted) == 9
    assert len(took(ledger(NOTED_AN_HOUR + 1, NOW, status="rejected"), *unknown(9)).noted) == 0
    assert len(took(ledger(NOTED_AN_HOUR, NOW - 3601, status="rejected"), *unknown(9)).noted) == 9
