"""The host's side of an applet's messages: what makes it ready, what it is answered, and what it may not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from player.core.applet_host import (
    CHANGES_AT_ONCE,
    COMMAND_EVERY_S,
    COMMANDS_AT_ONCE,
    DEEPEST,
    OPEN,
    PLAY_EVERY_S,
    PLAYS_AT_ONCE,
    SETTLED_S,
    WAITING,
    WRITES_AT_ONCE,
    AppletFacts,
    AppletHost,
    Effect,
    PageDeed,
    Post,
    RecordPlay,
    StartAgain,
    StoreCommand,
    VideoDeed,
    plays_of_pages,
)
from player.core.applet_rights import RIGHTS, WHOLE, Right, Use

WHERE = {"uri": "https://a.example/v.mp4", "x": 0, "y": 0, "width": 640, "height": 360}


def host(scope: int = 0) -> AppletHost:
    facts = AppletFacts({"title": "Menu"}, "f00d", "1.0.0", "8.2.4", scope, "Lobby", "Pi 4", "42", "0.2.0", "Debian")
    return AppletHost(facts, plays_of_pages())


def asked(one: AppletHost, kind: str, mono: float = 0.0, uid: str = "u1", **fields: Any) -> Sequence[Effect]:
    return one.heard({"type": f"hug.{kind}", "invocationUid": uid, **fields}, mono)


def posted(effects: Sequence[Effect]) -> Mapping[str, Any]:
    (last,) = (effect for effect in effects if isinstance(effect, Post))
    return last.message


def answer(**fields: Any) -> Mapping[str, Any]:
    return {"type": "hug.invocation.success", "invocationUid": "u1", **fields}


def code(effects: Sequence[Effect]) -> str:
    assert len(effects) == 1
    found: str = posted(effects)["error"]["code"]
    return found


def test_it_becomes_ready_by_three_updates_after_its_version():
    one = host()
    told = [effect.message for effect in one.heard({"type": "hug_api.ready"}, 0.0) if isinstance(effect, Post)]
    assert [message["type"] for message in told] == [
        "hug.applet_version.update", "hug.config.update", "hug.auth_hash.update", "hug.front_display_version.update",
    ]  # fmt: skip
    assert (told[0]["version"], told[1]["config"], told[2]["authHash"], told[3]["version"]) == (
        "1.0.0", {"title": "Menu"}, "f00d", "0.2.0",
    )  # fmt: skip


def test_commands_wait_until_it_is_ready_and_the_oldest_go_first():
    one = host()
    for number in range(WAITING + 1):
        assert one.command({"type": "go", "n": number}) == ()
    sent = [effect.message["command"]["n"] for effect in one.heard({"type": "hug_api.ready"}, 0.0)[4:] if isinstance(effect, Post)]
    assert sent == list(range(1, WAITING + 1))
    assert posted(one.command({"type": "go"})) == {"type": "hug.command.dispatch_to_applet", "command": {"type": "go"}}
    one.begun(0.0)
    assert len(one.heard({"type": "hug_api.ready"}, 0.0)) == 4, "none comes twice"
    one.begun(0.0)
    assert one.command({"type": "go"}) == ()


@pytest.mark.parametrize(
    "said",
    [None, 7, {}, {"type": 7}, {"type": "other"}, {"type": "hug.ping"}, {"type": "hug.restore"},
     {"type": "hug.restore", "invocationUid": 7}, {"type": "hug.restore", "invocationUid": "x" * 101}],
)  # fmt: skip
def test_what_is_no_message_of_the_librarys_is_nobodys(said: object):
    assert host().heard(said, 0.0) == ()


def test_a_command_of_its_own_is_stored_and_answered():
    command = {"type": "Menu.Chosen", "dish": 7}
    assert asked(host(), "command.dispatch", command=command) == (StoreCommand(command), Post(answer()))


@pytest.mark.parametrize("command", [None, "go", {}, {"type": 7}, {"type": ""}, {"type": "a b"}, {"type": "a" * 101}])
def test_a_command_without_a_proper_type_is_refused(command: object):
    assert code(asked(host(), "command.dispatch", command=command)) == "BAD_COMMAND"


def test_a_command_that_is_too_large_is_refused():
    assert code(asked(host(), "command.dispatch", command={"type": "go", "text": "x" * 16_400})) == "BAD_COMMAND"


def test_thirty_commands_at_once_then_one_each_second():
    one = host()
    effects = [asked(one, "command.dispatch", command={"type": "go"}) for _ in range(COMMANDS_AT_ONCE + 1)]
    assert [len(found) for found in effects] == [2] * COMMANDS_AT_ONCE + [1]
    assert code(effects[-1]) == "TOO_MANY"
    assert len(asked(one, "command.dispatch", 1.0, command={"type": "go"})) == 2


def test_a_proof_of_play_is_a_command_and_a_play():
    command = {
        "type": "PoP.ItemPlayed", "itemName": "Dish", "customId": "7", "itemType": "video", "itemTags": ["a", 7],
        "fileName": "v.mp4", "playbackSuccess": False, "errorMessage": "torn",
    }  # fmt: skip
    stored, play, _ = asked(host(), "command.dispatch", command=command)
    assert stored == StoreCommand(command)
    assert play == RecordPlay("Dish", "7", "video", ("a", ""), "v.mp4", success=False, error="torn")
    bare = asked(host(), "command.dispatch", command={"type": "PoP.ItemPlayed", "itemTags": "none"})[1]
    assert bare == RecordPlay("", "", "", (), "", success=True, error="")


def test_the_plays_of_all_pages_together_are_bounded_by_what_they_write():
    plays = plays_of_pages()
    one, other = (AppletHost(host().facts, plays) for _ in range(2))
    short, long = ({"type": "PoP.ItemPlayed", "itemName": "x", "errorMessage": "é" * n} for n in (1, 200))
    every = COMMAND_EVERY_S
    taken = [asked(page, "command.dispatch", n * every, command=short) for n in range(40) for page in (one, other)]
    assert [len(found) for found in taken[:PLAYS_AT_ONCE]] == [3] * PLAYS_AT_ONCE
    assert code(taken[-1]) == "TOO_MANY"
    later = 40 * every + PLAYS_AT_ONCE * PLAY_EVERY_S
    fits = [asked(one, "command.dispatch", later + n * every, command=long) for n in range(PLAYS_AT_ONCE // 2 + 2)]
    assert [len(found) for found in fits[:-2]] == [3] * (PLAYS_AT_ONCE // 2), "a long one counts twice"
    assert len(asked(other, "command.dispatch", later + 99, command={"type": "go"})) == 2, "other commands are not plays"


def nested(levels: int) -> object:
    found: object = 7
    for level in range(levels):
        found = [found] if level % 2 else {"in": found}
    return found


def test_what_is_nested_too_deep_or_cannot_be_passed_on_is_refused_and_not_left_unanswered():
    assert isinstance(asked(host(), "command.dispatch", command={"type": "go", "in": nested(DEEPEST - 2)})[0], StoreCommand)
    assert code(asked(host(), "command.dispatch", command={"type": "go", "in": nested(DEEPEST - 1)})) == "BAD_MESSAGE"
    assert code(host().misheard({"type": "hug.command.dispatch", "invocationUid": "u1", "command": "\ud800"})) == "BAD_MESSAGE"
    assert [host().misheard(said) for said in (None, {}, {"invocationUid": "\ud800"})] == [()] * 3


def test_it_may_be_loaded_anew():
    assert asked(host(), "restore") == (Post(answer()), StartAgain())


@pytest.mark.parametrize("what", ["prepare", "play", "stop", "pause", "resume"])
def test_a_video_is_begun_and_answered(what: str):
    assert asked(host(), f"video.{what}", **WHERE) == (VideoDeed(what, WHERE), Post(answer()))


def test_a_video_needs_an_address_and_a_place():
    assert code(asked(host(), "video.play", **WHERE | {"uri": None})) == "BAD_VIDEO"
    assert code(asked(host(), "video.play", **WHERE | {"x": "0"})) == "BAD_VIDEO"
    assert code(asked(host(), "video.play", **WHERE | {"width": 10**6})) == "BAD_VIDEO"
    assert code(asked(host(), "video.rewind", **WHERE)) == "NOT_SUPPORTED"


def test_the_end_of_a_video_is_told_with_what_it_was_begun_with():
    assert posted(host().video_ended({**WHERE, "options": {}})) == {"type": "hug.video.ended", **WHERE}
    assert posted(host().video_ended(WHERE, "torn")) == {"type": "hug.video.error", **WHERE, "message": "torn"}


@pytest.mark.parametrize(("what", "right"), RIGHTS.items())
def test_a_deed_is_answered_when_it_is_done(what: str, right: Right):
    one = host(right.scope)
    one.begun(0.0)
    assert asked(one, what, SETTLED_S, filePath="a") == (PageDeed("u1", what, {"filePath": "a"}),)
    value = {"enabled": True} if right.answer == WHOLE else 7
    fields = value if isinstance(value, dict) else {right.answer: value} if right.answer else {}
    assert posted(one.answered("u1", value)) == answer(**fields)
    assert one.answered("u1", value) == ()


def test_a_deed_that_fails_is_told_once_and_none_after_the_page_began_anew():
    one = host()
    asked(one, "offline.cache.load_file")
    assert code(one.refused("u1", "it is not there")) == "FAILED"
    assert one.refused("u1", "it is not there") == ()
    asked(one, "offline.cache.load_file")
    one.begun(0.0)
    assert one.answered("u1") == ()


def test_not_every_number_of_deeds_is_under_way_at_once():
    one = host()
    for number in range(OPEN):
        assert isinstance(asked(one, "file_system.exists", uid=str(number))[0], PageDeed)
    assert code(asked(one, "file_system.exists", uid="more")) == "TOO_MANY"
    one.answered("0")
    assert code(asked(one, "file_system.exists", uid="1")) == "TOO_MANY"


@pytest.mark.parametrize(("what", "right"), [(what, right) for what, right in RIGHTS.items() if right.scope])
def test_the_box_is_read_and_changed_as_far_as_the_tokens_scope_allows(what: str, right: Right):
    one = host(right.scope - 1)
    one.begun(0.0)
    assert code(asked(one, what, SETTLED_S)) == "NO_ACCESS"


@pytest.mark.parametrize(
    ("what", "at_once"), [("file_system.write_file", WRITES_AT_ONCE), ("management.set_volume", CHANGES_AT_ONCE), ("restore", 10)]
)
def test_what_wears_the_box_or_changes_it_is_done_only_so_often(what: str, at_once: int):
    one = host(2)
    for number in range(at_once):
        asked(one, what, uid=str(number))
        one.answered(str(number))
    assert code(asked(one, what)) == "TOO_MANY"
    later = asked(one, what, 3600.0, uid="later")
    assert not any(isinstance(effect, Post) and "error" in effect.message for effect in later)


def test_a_page_ends_what_it_runs_on_only_when_it_has_run_for_long():
    ending = next(what for what, right in RIGHTS.items() if right.use is Use.END)
    one = host(2)
    assert code(asked(one, ending, 10 * SETTLED_S)) == "TOO_EARLY"
    one.begun(100.0)
    assert code(asked(one, ending, 99.0 + SETTLED_S)) == "TOO_EARLY"
    assert isinstance(asked(one, ending, 100.0 + SETTLED_S)[0], PageDeed)


def test_what_is_known_is_told_and_of_the_box_only_to_who_may_read():
    assert posted(asked(host(), "device_info.get_device_name")) == answer(name="Lobby")
    assert posted(asked(host(), "display.supports", capability="VIDEO")) == answer(supports=True)
    assert posted(asked(host(), "management.supports", capability="SET_VOLUME")) == answer(supports=False)
    assert posted(asked(host(1), "management.get_model")) == answer(model="Pi 4")
    assert code(asked(host(0), "management.get_model")) == "NO_ACCESS"


def test_what_this_player_has_not_is_refused_and_never_left_unanswered():
    assert code(asked(host(3), "hardware.led.set_color")) == "NOT_SUPPORTED"
    assert code(asked(host(3), "management.factory_reset")) == "NOT_SUPPORTED"
    assert code(asked(host(3), "timing.triggers.pause")) == "NOT_SUPPORTED"
    assert posted(asked(host(), "touch.event", eventType="touchstart")) == answer()
