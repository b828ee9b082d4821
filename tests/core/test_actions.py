"""The action log: what is remembered of it, how it ends, and what a start says of what was open."""

from __future__ import annotations

import pytest

from player.core.actions import KEPT, RESTARTED, TAKEN_BACK, Action, ActionBook, ActionKind, Ends, is_confirmed


def asked(uid: str, at: float, kind: ActionKind = ActionKind.VOLUME, ends: Ends = Ends.NOTHING, boot: str = "boot-1") -> Action:
    return Action(uid, kind, {"volume": 40, "version": "2.0"}, "tool", at, boot, ends)


def test_the_last_word_of_an_action_replaces_the_first_and_the_newest_stands_first():
    first, second = asked("1", 10.0), asked("2", 11.0)
    book = ActionBook.of([first, second, first.succeeded(12.0, "the volume is 40", confirmed=True)])
    assert [(one.uid, one.succeeded_at, one.confirmed) for one in book.of_kind(ActionKind.VOLUME)] == [
        ("2", None, False), ("1", 12.0, True),
    ]  # fmt: skip
    assert book.of_kind(ActionKind.TIME) == ()
    assert [one.is_open for one in book.all()] == [True, False]
    assert not second.failed(13.0, "no").is_open


def test_so_many_of_each_kind_are_remembered():
    book = ActionBook.of([asked(str(number), number) for number in range(KEPT + 5)] + [asked("t", 1.0, ActionKind.TIME)])
    assert len(book.all()) == KEPT + 1
    assert book.of_kind(ActionKind.VOLUME)[-1].uid == "5"


def test_no_two_are_asked_in_the_same_millisecond_or_before_one_another():
    book = ActionBook.of([asked("1", 10.0)])
    assert book.next_at(10.0) == 10.001
    assert book.next_at(3.0) == 10.001
    assert book.next_at(20.00049) == 20.0


@pytest.mark.parametrize(
    ("ends", "boot", "reason"),
    [
        (Ends.PLAYER, "boot-1", "the player was started again"),
        (Ends.BOX, "boot-0", "the box was started again"),
        (Ends.BOX, "boot-1", RESTARTED),
        (Ends.NOTHING, "boot-0", RESTARTED),
    ],
)
def test_a_start_says_how_what_was_open_ended(ends: Ends, boot: str, reason: str):
    book = ActionBook.of([asked("1", 10.0, ActionKind.POWER, ends, boot), asked("2", 9.0).failed(9.5, "no")])
    (settled,) = book.after_restart("boot-1", "1.0", 60.0)
    assert (settled.reason, settled.failed_at if reason is RESTARTED else settled.succeeded_at) == (reason, 60.0)


def test_a_version_that_runs_has_yet_to_stay_and_one_that_does_not_was_taken_back():
    ours = asked("1", 10.0, ActionKind.FIRMWARE, Ends.VERSION, "boot-1")
    book = ActionBook.of([ours])
    assert (book.after_restart("boot-1", "2.0", 60.0), book.arrived("2.0"), book.arrived("1.0")) == ((), (ours,), ())
    (settled,) = book.after_restart("boot-1", "1.0", 60.0)
    assert (settled.failed_at, settled.reason) == (60.0, TAKEN_BACK.format(version="1.0"))


@pytest.mark.parametrize(
    ("wanted", "found", "same"),
    [
        (40, 40, True), (40, 41, True), (40, 42, False), (True, True, True), (True, 1, False), (0, False, False),
        ("landscape", "landscape", True), ("landscape", "portrait", False), ("1280x720", "1280x720@60", True),
        ("1280x720@60", "1280x720@59.94", True), ("1280x720@60", "1280x720@50", False), ("1280x720@60", "1280x720", False),
        ("1280x720", "1920x1080@60", False), ("1280x720", "", False),
    ],
)  # fmt: skip
def test_what_is_read_back_is_what_was_wanted_or_a_mixers_step_away(wanted: object, found: object, same: bool):
    assert is_confirmed(wanted, found) is same
