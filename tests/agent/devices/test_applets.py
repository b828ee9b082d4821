"""Applets over the API: uploads that are what was announced, what is refused, and who may what."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from player.agent.control.access import Scope
from player.agent.devices.applet_calls import MOST_TESTS
from player.agent.devices.applet_commands import MOST_BYTES as MOST_COMMANDS
from player.agent.devices.applet_file_calls import LINES, TICKET_S, TICKETS
from player.agent.devices.applet_folder import MOST_BYTES
from player.agent.devices.own_folder import DRAFTS
from player.agent.devices.plan_keeper import MOST_TIMINGS
from player.core.actions import ActionKind
from player.core.applet_files import LARGEST_FILE
from player.core.applet_storage import OWN, own_folder
from player.core.applets import whose_time
from player.core.ports.stage import AppletSaid, CommandApplet, ExamineApplet, Examined
from player.journal import SEGMENT_BYTES
from tests.fakes.management import Managed, ended, managed
from tests.fakes.pages import Page, kept
from tests.fakes.running import eventually

START = "2026-03-01T12:00:00.000Z"


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Managed]:
    async with managed(tmp_path) as made:
        yield made


def md5(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()


async def applet(box: Managed, entry: str | None = "index.html") -> str:
    """The path of a fresh applet's version."""
    _, _, headers = await box.ask("POST", "/v1/applet", {"name": "Menu"})
    uid = headers["Link"].strip("<>").rpartition("/")[2]
    status, _, _ = await box.ask("POST", f"/v1/applet/{uid}/version", {"version": "1.0.0", "entryFile": entry})
    assert status == 201
    return f"/v1/applet/{uid}/version/1.0.0"


async def announce(box: Managed, version: str, path: str, raw: bytes, **more: Any) -> tuple[int, Any]:
    body = {"path": path, "type": "text/html", "hash": md5(raw), **more}
    status, answer, _ = await box.ask("POST", f"{version}/file", body)
    return status, answer


async def upload(box: Managed, answer: Any, raw: bytes) -> int:
    """As the client does: the fields in their order, and last a part `file` without a name of its own."""
    request = answer["upload"]["request"]
    form = aiohttp.MultipartWriter("form-data")
    for name, value in request["fields"].items():
        form.append(value).set_content_disposition("form-data", name=name)
    form.append(io.BytesIO(raw)).set_content_disposition("form-data", name="file")
    async with box.http.post(request["url"], data=form) as found:
        return found.status


async def put(box: Managed, version: str, path: str, raw: bytes) -> int:
    status, answer = await announce(box, version, path, raw)
    assert status == 200
    return await upload(box, answer, raw)


async def shown(box: Managed, version: str, **more: Any) -> tuple[int, Any, Any]:
    """Asks for a timing of that version."""
    uid = version.split("/")[3]
    body = {"deviceUid": box.uid, "appletUid": uid, "appletVersion": "1.0.0", "startsAt": START, "endsAt": START, **more}
    return await box.ask("POST", "/v1/timing", body)


async def test_a_file_has_to_be_what_was_announced_and_its_address_is_good_once(box: Managed):
    version = await applet(box)
    _, answer = await announce(box, version, "index.html", b"<h1>")
    assert await upload(box, answer, b"<h2>") == 400
    assert await upload(box, answer, b"<h1>") == 404
    assert await put(box, version, "index.html", b"<h1>") == 201
    _, listed, _ = await box.ask("GET", f"{version}/file")
    assert listed == [{"name": "index.html", "path": "index.html", "type": "text/html", "hash": md5(b"<h1>"), "size": 4}]
    assert not [path for path in (box.folder / "cache/applets/files").iterdir() if path.suffix]


async def test_a_file_that_is_too_large_is_not_kept(box: Managed):
    version = await applet(box)
    raw = bytes(LARGEST_FILE + 1)
    _, answer = await announce(box, version, "index.html", raw)
    assert await upload(box, answer, raw) == 413
    assert (await box.ask("GET", f"{version}/file"))[1] == []


@pytest.mark.parametrize("path", ["../a.html", "/etc/passwd", "a\x00b", "..\\a", "js/node_modules/a.js"])
async def test_no_path_leads_out_of_the_package(box: Managed, path: str):
    status, answer = await announce(box, await applet(box), path, b"")
    assert (status, answer["errorDetail"]) == (400, "path")


async def test_nothing_is_a_file_and_a_folder(box: Managed):
    version = await applet(box)
    assert await put(box, version, "a", b"1") == 201
    assert await put(box, version, "a/b", b"1") == 400


async def test_an_upload_without_a_file_is_refused(box: Managed):
    _, answer = await announce(box, await applet(box), "index.html", b"")
    async with box.http.post(answer["upload"]["request"]["url"], json={}) as found:
        assert found.status == 400
    _, answer = await announce(box, await applet(box), "index.html", b"")
    form = aiohttp.FormData({"key": "a"}, default_to_multipart=True)
    async with box.http.post(answer["upload"]["request"]["url"], data=form) as found:
        assert found.status == 400


async def test_what_runs_is_what_was_built_and_goes_when_nobody_needs_it(box: Managed):
    version = await applet(box)
    assert (await shown(box, version))[0] == 201
    assert not box.brief.current.applets.timings[0].run.is_here
    await put(box, version, "index.html", b"<h1>")
    first = box.brief.current.applets.timings[0].run.files
    await put(box, version, "index.html", b"<h2>")
    second = box.brief.current.applets.timings[0].run.files
    built = box.folder / "cache/applets/built"
    assert [path.name for path in built.iterdir()] == [second]
    assert first != second
    assert (built / second / "index.html").read_bytes() == b"<h2>"
    assert len(list((box.folder / "cache/applets/files").iterdir())) == 1


async def test_an_upload_that_is_nothing_but_lines_is_refused_before_it_is_read(box: Managed):
    _, answer = await announce(box, await applet(box), "index.html", b"")
    kind = {"Content-Type": "multipart/form-data; boundary=B"}
    async with box.http.post(answer["upload"]["request"]["url"], data=b"--C\r\n" * (LINES + 5), headers=kind) as found:
        assert found.status == 400
        assert f"more than {LINES} lines" in await found.text()


async def test_an_address_for_an_upload_is_good_for_ten_minutes_and_there_are_so_many(box: Managed):
    version = await applet(box)
    _, answer = await announce(box, version, "index.html", b"<h1>")
    box.clock.forward(TICKET_S)
    assert await upload(box, answer, b"<h1>") == 404
    for number in range(TICKETS):
        if number % 100 == 0:
            box.clock.forward(200)  # so many changes a token may ask for
        status, answer = await announce(box, version, "index.html", b"<h1>")
        assert status == 200
    assert (await announce(box, version, "index.html", b"<h1>"))[0] == 409
    assert await upload(box, answer, b"<h1>") == 201
    assert (await announce(box, version, "index.html", b"<h1>"))[0] == 200


async def test_files_nobody_needs_go_and_what_is_just_being_uploaded_stays(box: Managed):
    version, files = await applet(box), box.folder / "cache/applets/files"
    await put(box, version, "index.html", b"<h1>")
    (kept,) = files.iterdir()
    for name in ("half.tmp", "f00d"):
        (files / name).touch()
    await box.management.applets.tell()
    assert {path.name for path in files.iterdir()} == {kept.name, "half.tmp"}
    os.truncate(files / "half.tmp", MOST_BYTES - LARGEST_FILE)
    _, answer = await announce(box, version, "a", b"1")
    assert await upload(box, answer, b"1") == 409, "there is no room left"
    os.truncate(files / "half.tmp", MOST_BYTES - LARGEST_FILE - 5)
    assert await put(box, version, "a", b"1") == 201


async def power(box: Managed, word: str) -> dict[str, Any]:
    """How an action on applets ended."""
    count = len(box.management.log.of_kind(ActionKind.POWER))
    assert (await box.ask("POST", "/v1/device/{device}/power-action", {"devicePowerAction": word}))[0] == 200
    await eventually(lambda: len(box.management.log.of_kind(ActionKind.POWER)) > count, 20)
    return await ended(box, "Device.PowerAction.Performed")


async def test_a_refresh_leaves_what_an_applet_kept_and_a_reload_begins_without_it_from_what_was_uploaded(box: Managed):
    versions = [await applet(box), await applet(box)]
    menu, later = (version.split("/")[3] for version in versions)
    for version in versions:
        await put(box, version, "index.html", b"<h1>")
    await shown(box, versions[0])
    await shown(box, versions[1], startsAt="2030-01-01T00:00:00.000Z", endsAt="2030-01-01T00:00:00.000Z")
    for uid in (menu, later):
        await Page(box, uid).file("write_file", "note", contents="mine")

    def told() -> tuple[int, int, bool, bool]:
        """The round, how often what it kept was thrown away, whether it is there, and whether that of the other one is."""
        plan = box.brief.current.applets
        (run,) = whose_time(plan, box.clock.now().timestamp())
        return plan.round, run.cleared, (kept(box, menu) / "files/note").exists(), (kept(box, later) / "files/note").exists()

    assert (await power(box, "APPLET_REFRESH"))["confirmed"]
    assert told() == (1, 0, True, True)
    (page,) = (box.folder / "cache/applets/built").glob("*/index.html")
    page.unlink()
    assert (await power(box, "APPLET_RELOAD"))["confirmed"]
    assert told() == (2, 1, False, True)
    assert page.read_bytes() == b"<h1>"
    assert len(list((box.folder / "cache/applets/built").iterdir())) == 1
    (raw,) = (box.folder / "cache/applets/files").iterdir()
    status, answer, _ = await box.ask(
        "POST", f"{versions[0]}/file?build=false", {"path": "a.js", "type": "text/javascript", "hash": md5(b"1")}
    )
    assert (status, await upload(box, answer, b"1")) == (200, 201)
    (box.folder / "cache/applets/files" / hashlib.sha256(b"1").hexdigest()).write_bytes(b"2")
    assert (await power(box, "APPLET_RELOAD"))["confirmed"]
    assert [path.name for path in (box.folder / "cache/applets/built").glob("*/*")] == ["index.html"], (
        "what is not built is neither seen nor looked at"
    )
    await box.ask("DELETE", f"{versions[0]}/file/a.js?build=false")
    raw.write_bytes(b"<h2>")
    assert (await power(box, "APPLET_RELOAD"))["reason"] == "index.html: it is not any more what was uploaded; upload it again"
    assert told() == (3, 2, False, True)
    raw.unlink()
    assert "cannot be read" in (await power(box, "APPLET_RELOAD"))["reason"]
    box.close()
    await box.open()
    assert box.management.applets.plan().timings[0].run.cleared == 2


async def test_what_an_upload_left_when_the_player_was_killed_is_gone_after_its_start(box: Managed):
    version, cache = await applet(box), box.folder / "cache"
    await put(box, version, "index.html", b"<h1>")
    (kept,) = (cache / "applets/files").iterdir()
    drafts = [cache / "applets/files/half.tmp", cache / OWN / own_folder("menu") / DRAFTS / "half"]
    for draft in drafts:
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.touch()
        os.truncate(draft, MOST_BYTES)
    own = cache / OWN / own_folder("menu") / "files" / "note"
    own.parent.mkdir()
    own.touch()
    _, answer = await announce(box, version, "a", b"1")
    assert await upload(box, answer, b"1") == 409, "they count"
    box.close()
    await box.open()
    assert (kept.exists(), own.exists(), [draft.exists() for draft in drafts]) == (True, True, [False, False])


async def test_an_applet_that_is_wanted_is_not_deleted_and_one_whose_files_are_gone_is_not_on(box: Managed):
    version = await applet(box)
    await put(box, version, "index.html", b"<h1>")
    _, _, headers = await shown(box, version)
    own = "/".join(version.split("/")[:4])
    assert (await box.ask("DELETE", own))[0] == 409
    assert box.management.applets.on_air().run
    shutil.rmtree(box.folder / "cache/applets/built")
    await box.management.applets.tell()
    assert "its files are not complete here" in box.management.applets.on_air().why
    await box.ask("DELETE", f"/v1/timing/{headers['Location'].rpartition('/')[2]}")
    body = {"appletUid": own.rpartition("/")[2], "appletVersion": "1.0.0", "active": False}
    await box.ask("POST", "/v1/device/{device}/applet", body)
    assert (await box.ask("DELETE", own))[0] == 409
    await box.ask("DELETE", f"/v1/device/{{device}}/applet/{body['appletUid']}")
    assert (await box.ask("DELETE", own))[0] == 200


async def test_a_change_leaves_what_it_does_not_name_and_there_are_so_many_timings(box: Managed):
    version = await applet(box)
    finish = {"type": "DURATION", "data": 1000}
    _, _, headers = await shown(box, version, configuration={"a": 1}, position=7, finishEvent=finish)
    path = f"/v1/timing/{headers['Location'].rpartition('/')[2]}"
    _, before, _ = await box.ask("GET", path)
    await box.ask("PUT", path, {"endsAt": "2027-01-01T00:00:00.000Z"})
    _, after, _ = await box.ask("GET", path)
    assert after["endsAt"] != before["endsAt"]
    for name in ("startsAt", "appletVersion", "configuration", "position", "finishEvent", "createdAt"):
        assert after[name] == before[name], name
    (held,) = box.management.applets.current.timings
    others = tuple(replace(held, uid=str(number)) for number in range(MOST_TIMINGS))
    await box.management.applets.change(timings=others)
    assert (await shown(box, version))[0] == 409
    assert (await box.ask("PUT", "/v1/timing/0", {"position": 1}))[0] == 200
    found = [one["uid"] for one in (await box.ask("GET", "/v1/timing?timingUid=7"))[1]]
    assert found == ["7"]
    assert (await box.ask("GET", "/v1/timing?deviceUid=another"))[1] == []


async def test_what_a_connected_applet_keeps_stays_while_it_is_connected(box: Managed):
    kept = box.folder / "cache" / OWN / own_folder("mine") / "files"
    kept.mkdir(parents=True)
    body = {"appletUid": "mine", "appletPublicUrl": "http://10.0.0.2:8080/"}
    await box.ask("POST", "/v1/device/{device}/connect", body)
    assert kept.is_dir()
    await box.ask("POST", "/v1/device/{device}/disconnect", {})
    assert not kept.exists()


async def test_a_version_has_so_many_tests_each_with_a_name_of_its_own(box: Managed):
    version = await applet(box)
    names = [f"t{number}" for number in range(MOST_TESTS)]
    for name in names:
        assert (await box.ask("POST", f"{version}/test", {"identifier": name, "binary": ""}))[0] == 201
    assert (await box.ask("POST", f"{version}/test", {"identifier": "more", "binary": ""}))[0] == 409
    await box.ask("DELETE", f"{version}/test/t0")
    assert (await box.ask("POST", f"{version}/test", {"identifier": "t1", "binary": ""}))[0] == 409
    assert [one["identifier"] for one in (await box.ask("GET", f"{version}/test"))[1]] == names[1:]


async def test_a_plan_survives_a_start(box: Managed):
    version = await applet(box)
    await put(box, version, "index.html", b"<h1>")
    _, _, headers = await shown(box, version, finishEventType="DURATION", finishEventData="1000", configuration='{"a": "b"}')
    assert "puts the applet Menu 1.0.0 on air" in box.management.applets.on_air().why
    box.close()
    await box.open()
    assert box.management.applets.plan() == box.brief.current.applets
    (held,) = box.management.applets.current.timings
    assert (held.uid, held.finish and held.finish.seconds, dict(held.run.configuration)) == (
        headers["Location"].rpartition("/")[2], 1.0, {"a": "b"},
    )  # fmt: skip


async def test_nothing_changes_by_a_timing_that_cannot_be(box: Managed):
    version = await applet(box)
    for more, status in (
        ({"deviceUid": "other"}, 404), ({"appletUid": "other"}, 404), ({"appletVersion": "9.0.0"}, 404),
        ({"startsAt": "soon"}, 400), ({"endsAt": "2020-01-01T00:00:00.000Z"}, 400), ({"configuration": {"a": "x" * 9000}}, 400),
        ({"finishEvent": {"type": "NEVER"}}, 400), ({"position": "first"}, 400),
    ):  # fmt: skip
        assert (await shown(box, version, **more))[0] == status, more
    assert box.management.applets.current.timings == ()


async def test_the_data_of_a_finish_event_come_back_as_they_were_given(box: Managed):
    version = await applet(box)
    for given in ({"type": "SCREEN_TAP"}, {"type": "SCREEN_TAP", "data": None}, {"type": "DURATION", "data": {"ms": 5}}):
        _, _, headers = await shown(box, version, finishEvent=given)
        _, found, _ = await box.ask("GET", f"/v1/timing/{headers['Location'].rpartition('/')[2]}")
        assert found["finishEvent"] == given


async def test_one_applet_is_assigned_at_a_time(box: Managed):
    first, second = await applet(box), await applet(box)
    for version in (first, second):
        body = {"appletUid": version.split("/")[3], "appletVersion": "1.0.0", "configuration": {"a": 1}}
        assert (await box.ask("POST", "/v1/device/{device}/applet", body))[0] == 201
    _, active, _ = await box.ask("GET", "/v1/device/{device}/applet?active=true")
    assert [one["appletUid"] for one in active] == [second.split("/")[3]]
    _, others, _ = await box.ask("GET", "/v1/device/{device}/applet?active=false")
    assert [one["appletUid"] for one in others] == [first.split("/")[3]]
    own = f"/v1/device/{{device}}/applet/{others[0]['uid']}"
    assert (await box.ask("PUT", own, {"active": True}))[0] == 200
    assert (await box.ask("GET", own))[1]["active"]
    assert (await box.ask("DELETE", own))[0] == 200
    assert (await box.ask("GET", own))[0] == 404
    assert (await box.ask("GET", f"/v1/device/{{device}}/applet/{second.split('/')[3]}"))[1]["uid"] == active[0]["uid"]


async def test_an_assignment_is_found_where_its_answer_says(box: Managed):
    version = await applet(box)
    body = {"appletUid": version.split("/")[3], "appletVersion": "1.0.0"}
    _, _, headers = await box.ask("POST", "/v1/device/{device}/applet", body)
    async with box.http.get(headers["Location"], headers={"X-Auth": box.auth}) as answer:
        assert (await answer.json())["uid"] == headers["Location"].rpartition("/")[2]


async def test_applets_are_disabled_for_a_session(box: Managed):
    version = await applet(box)
    await put(box, version, "index.html", b"<h1>")
    await shown(box, version)
    await box.management.applets.power("APPLET_DISABLE")
    assert not box.brief.current.applets.enabled
    box.close()
    await box.open()
    await box.management.applets.tell()
    assert box.brief.current.applets.enabled


async def test_an_applet_has_no_more_rights_than_who_put_it_on(box: Managed):
    version = await applet(box)
    _, _, headers = await shown(box, version)
    timing = f"/v1/timing/{headers['Location'].rpartition('/')[2]}"
    assert box.management.applets.current.timings[0].run.scope == Scope.ADMIN
    low = box.token(Scope.CONTROL, "low")
    assert (await box.ask("PUT", timing, {"position": 2}, auth=low))[0] == 200
    assert box.management.applets.current.timings[0].run.scope == Scope.CONTROL
    assert (await box.ask("PUT", timing, {"position": 3}))[0] == 200
    assert box.management.applets.current.timings[0].run.scope == Scope.CONTROL, "what was changed by less is worth no more again"
    for method, path in (("POST", "/v1/applet"), ("POST", f"{version}/file"), ("POST", "/v1/device/{device}/connect")):
        assert (await box.ask(method, path, {}, auth=low))[0] == 403
    reader = box.token(Scope.READ, "reader")
    assert (await box.ask("GET", "/v1/timing", auth=reader))[0] == 200
    assert (await box.ask("DELETE", timing, auth=reader))[0] == 403


async def test_a_command_is_kept_whether_or_not_the_applet_is_on_screen(box: Managed):
    version = await applet(box)
    path = f"/v1/device/{{device}}/applet/{version.split('/')[3]}/command"
    box.stage.answers[CommandApplet] = "the applet is not open"
    status, _, headers = await box.ask("POST", path, {"commandPayload": {"type": "go"}})
    assert status == 202
    assert (await box.ask("GET", f"{path}/{headers['Location'].rpartition('/')[2]}"))[1]["command"] == {"type": "go"}
    box.applets_said.put_nowait(AppletSaid("menu", {"type": "came"}))
    await eventually(lambda: len(box.management.commands.all()) == 2, 20)
    assert [one["appletUid"] for one in (await box.ask("GET", "/v1/device/{device}/applet/command?type=came"))[1]] == ["menu"]
    for body in ({}, {"command": "go"}, {"command": {"type": 7}}, {"command": {"type": "go", "text": "x" * 20_000}}):
        assert (await box.ask("POST", path, body))[0] == 400
    assert (await box.ask("POST", path.replace(version.split("/")[3], "other"), {"command": {"type": "go"}}))[0] == 404
    assert [one["command"]["type"] for one in (await box.ask("GET", path))[1]] == ["go"], "no other applet's"
    others = f"/v1/device/{{device}}/applet/menu/command/{headers['Location'].rpartition('/')[2]}"
    assert (await box.ask("GET", others))[0] == 404


async def test_tests_of_a_version_pass_or_fail_with_what_they_threw_or_because_its_page_is_not_open(box: Managed):
    version = await applet(box)
    where = f"/v1/device/{{device}}/applet-test/{version.split('/')[3]}/1.0.0"
    assert (await box.ask("GET", where))[0] == 404
    for name in ("first", "second"):
        await box.ask("POST", f"{version}/test", {"identifier": name, "binary": f"{name}()"})
    status, said, _ = await box.ask("PUT", where, {"tests": ["first", "third"]})
    assert (status, said["errorDetail"]) == (400, "tests")

    async def tested(**body: Any) -> Any:
        assert (await box.ask("PUT", where, body))[0] == 200
        await eventually(lambda: not box.management.log.of_kind(ActionKind.APPLET_TEST)[0].is_open, 20)
        return (await box.ask("GET", where))[1]

    box.stage.answers[ExamineApplet] = "it is not open"
    found = await tested(tests=["first"])
    assert (found["testResults"], found["failedTests"]) == ({"first": "it is not open"}, ["first"])
    box.stage.answers[ExamineApplet] = Examined("Error: no dish")
    assert (await tested())["testResults"] == {"first": "Error: no dish", "second": "Error: no dish"}
    box.stage.answers[ExamineApplet] = Examined("")
    found = await tested()
    assert (found["successfulTests"], found["failedTests"], found["pendingTests"]) == (["first", "second"], [], [])
    assert [one.script for one in box.stage.asked[-2:] if isinstance(one, ExamineApplet)] == ["first()", "second()"]
    box.stage.mistakes[ExamineApplet] = KeyError("first")
    found = await tested()
    assert (found["testResults"], bool(found["finishedAt"])) == (dict.fromkeys(("first", "second"), "it was not made"), True)
    assert "(KeyError)" in box.management.log.of_kind(ActionKind.APPLET_TEST)[0].reason
    del box.stage.mistakes[ExamineApplet]
    await tested()
    assert box.management.log.of_kind(ActionKind.APPLET_TEST)[0].reason == "2 tests were made; failed: none"


async def test_commands_are_bounded(box: Managed):
    for number in range(510):
        box.management.commands.add("menu", {"type": "go", "n": number})
    held = box.management.commands.all()
    assert (len(held), held[0].command["n"]) == (500, 10)
    assert len({one.received_at for one in held}) == 500, "no two at once: a list is paged by that"
    files = box.folder / "run/applet_commands"
    size = sum(path.stat().st_size for path in files.iterdir())
    for number in range(300):
        box.management.commands.add("menu", {"type": "go", "n": number, "text": "x" * 15_000})
    held = [one.command["n"] for one in box.management.commands.all()]
    assert held == list(range(300 - len(held), 300))
    assert len(held) * 15_000 <= MOST_COMMANDS < (len(held) + 1) * 15_100
    assert size < sum(path.stat().st_size for path in files.iterdir()) < MOST_COMMANDS + 3 * SEGMENT_BYTES
    box.close()
    await box.open()
    assert [one.command["n"] for one in box.management.commands.all()] == held
    box.clock.forward(4 * 86400)
    assert box.management.commands.all() == []


async def test_a_command_costs_no_more_where_many_are_kept(box: Managed):
    def written(number: int) -> int:
        before = {path.name: path.stat().st_size for path in files.iterdir()} if files.is_dir() else {}
        box.management.commands.add("menu", {"type": "go", "n": number, "text": "x" * 1000})
        return sum(path.stat().st_size - before.get(path.name, 0) for path in files.iterdir())

    files = box.folder / "run/applet_commands"
    assert max(written(number) for number in range(100)) < 8192


async def test_a_page_of_html_is_a_version_of_its_own(box: Managed):
    version = await applet(box)
    uid = version.split("/")[3]
    made = f"/v1/applet/{uid}/version/?frontAppletVersion=undefined&version=2.0.0"
    headers = {"X-Auth": box.auth, "Content-Type": "text/html"}
    async with box.http.post(f"{box.url}{made}", data=io.BytesIO(b"<h1>" + b"x" * 100_000), headers=headers) as found:
        assert found.status == 201
    _, held, _ = await box.ask("GET", f"/v1/applet/{uid}/version/2.0.0")
    assert (held["frontAppletVersion"], len(held["binary"])) == ("", 100_004)
    for body, status in ((b"\xff\xfe", 400), (b"x" * 2_200_000, 413)):
        async with box.http.post(f"{box.url}{made}1", data=io.BytesIO(body), headers=headers) as found:
            assert found.status == status
    assert (await box.ask("POST", f"/v1/applet/{uid}/version", {"version": "3.0.0"}))[0] == 400
    form = {"version": "3.0.0", "frontAppletVersion": "1.0.5", "binary": "<h1>as a form", "entryFile": "menu/first.html"}
    async with box.http.post(f"{box.url}/v1/applet/{uid}/version", data=form, headers={"X-Auth": box.auth}) as found:
        assert found.status == 201
    _, held, _ = await box.ask("GET", f"/v1/applet/{uid}/version/3.0.0")
    assert (held["binary"], held["entryFile"], held["frontAppletVersion"]) == ("<h1>as a form", "menu/first.html", "1.0.5")
    assert (await box.ask("GET", f"/v1/applet/{uid}/version/3.0.0/file/menu/first.html"))[1] == b"<h1>as a form"
    one = f"{box.url}/v1/applet/{uid}/version/3.0.0"
    async with box.http.put(one, data={"binary": "<h2>"}, headers={"X-Auth": box.auth}) as found:
        assert found.status == 200
    _, held, _ = await box.ask("GET", f"/v1/applet/{uid}/version/3.0.0")
    assert (held["binary"], held["entryFile"], bool(held["builtSince"])) == ("<h2>", "menu/first.html", True)
    assert (await box.ask("POST", f"/v1/applet/{uid}/version", {"version": "1.0.0", "entryFile": "a"}))[0] == 409
