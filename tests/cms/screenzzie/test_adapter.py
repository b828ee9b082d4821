"""Screenzzie's adapter at a scripted server: pages, scopes, features, limits, screens by name, and answers that are none."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from player import cms
from player.cms.screenzzie.adapter import FOLLOWED, ONE_BY_ONE_AFTER, SEVERAL
from player.cms.screenzzie.keys import Keys
from player.cms.screenzzie.programme import FAULTS, ITEMS
from player.cms.screenzzie.shelf import SOURCES
from player.config import CmsConfig
from player.core.content import Orientation
from player.core.ports.box import Absent
from player.core.ports.server import Connection, ContentChanged, Missed, Paired, Programme, Reached, SettingsWanted, Unpaired
from player.errors import DeviceForgotten, ServerBusy, ServerDenied, ServerError, ServerNonsense
from tests.cms.contract import Bench, QuickClock
from tests.cms.screenzzie.test_contract import ScreenzzieVendor
from tests.fakes.running import eventually
from tests.fakes.screenzzie import ACCOUNT, SCREEN_ID, item, listed, media, ok, playlist, schedule, screen
from tests.fakes.server import Script, Seen, scripted_server
from tests.fakes.way_out import STRAIGHT

ME, SCREENS, SCHEDULES = "/api/v1/me", "/api/v1/screens", "/api/v1/schedules"
HERE = f"{SCREENS}/{SCREEN_ID}"


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    """A server with a screen that shows one picture."""
    async with scripted_server() as made:
        vendor = ScreenzzieVendor()
        vendor.knows(made)
        vendor.wants(made, "a")
        yield made


@contextlib.asynccontextmanager
async def connected(script: Script, device: str = SCREEN_ID) -> AsyncIterator[Bench]:
    bench = Bench(ScreenzzieVendor(), script)
    given = CmsConfig(kind="screenzzie", url=script.url, token="sk_live_0123456789", device=device)
    async with cms.connect(given, Keys(), bench.device(paired=None), QuickClock(), STRAIGHT) as bench.connection:
        yield bench


async def programme(connection: Connection) -> Programme:
    assert not isinstance(connection.content, Absent)
    return await connection.content.programme()


def names(made: Programme) -> list[str]:
    return [item.content_id for layout in made.layouts for region in layout.regions for item in region.playlist.items]


# --- calls


async def test_every_call_carries_the_key_and_no_sentence_does(script: Script):
    async with connected(script) as bench:
        await programme(bench.connection)
        script.on(HERE, 500)
        with pytest.raises(ServerError) as caught:
            await programme(bench.connection)
    assert {one.headers["Authorization"] for one in script.seen} == {"Bearer sk_live_0123456789"}
    assert "sk_live_0123456789" not in str(caught.value)


async def test_a_list_is_read_to_its_end_and_what_moved_meanwhile_counts_once(script: Script):
    first = [schedule(f"s{n}", "1") for n in range(3)]
    script.on(SCHEDULES, listed(*first, pages=2), listed(first[-1], schedule("s3", "1"), page=2, pages=2))
    async with connected(script) as bench:
        assert [rule.id for rule in (await programme(bench.connection)).rules] == ["s0", "s1", "s2", "s3"]
    assert [one.query for one in script.asked(SCHEDULES)] == [
        {"page": str(page), "limit": "100", "isActive": "true"} for page in (1, 2)
    ]


@pytest.mark.parametrize(("leads_to_itself", "calls"), [(True, 2), (False, 200)])
async def test_a_list_without_an_end_is_cut_and_it_is_told(script: Script, *, leads_to_itself: bool, calls: int):
    def answer(seen: Seen) -> dict[str, Any]:
        return listed(schedule("s" if leads_to_itself else f"s{seen.query['page']}", "1"), pages=100_000)

    script.on(SCHEDULES, answer)
    async with connected(script) as bench:
        made = await programme(bench.connection)
    assert len(made.rules) == (1 if leads_to_itself else calls)
    assert len(script.asked(SCHEDULES)) == calls
    assert [(fault.code, "schedules" in fault.message) for fault in made.faults] == [("list_cut", True)]


async def test_a_screen_that_is_not_in_the_part_of_the_list_that_was_read_is_told_so(script: Script):
    script.on(SCREENS, listed(screen(name="Bar"), pages=100_000))
    async with connected(script, "Lobby") as bench:
        with pytest.raises(DeviceForgotten, match="screens: a page brings nothing"):
            await programme(bench.connection)


async def test_thousands_of_schedules_and_what_they_name_are_read_as_far_as_there_is_room(script: Script):
    rows = [schedule(f"s{n}", f"p{n}") for n in range(FOLLOWED + 10)]
    rows += [schedule(f"m{n}", "1", targetType="multiple_screens") for n in range(10)]
    script.on(SCHEDULES, listed(*rows))
    async with connected(script) as bench:
        made = await programme(bench.connection)
    assert len([one for one in script.seen if one.path.startswith("/api/v1/playlists/")]) == SOURCES
    assert {fault.code for fault in made.faults} == {"list_cut", "bad_item"}
    assert len(made.faults) <= FAULTS


async def test_a_flood_of_schedules_for_several_screens_costs_some_calls_and_one_of_bad_ones_some_faults(script: Script):
    rows = [schedule(f"s{n}", "1", targetType="multiple_screens") for n in range(SEVERAL + 50)]
    rows += [schedule(f"b{n}", "1", targetType=f"target {n}") for n in range(1000)]
    script.on(SCHEDULES, listed(*rows))
    async with connected(script) as bench:
        made = await programme(bench.connection)
    assert len([one for one in script.seen if one.path.endswith("/screens")]) == SEVERAL
    assert len(made.faults) == FAULTS


async def test_long_playlists_are_held_within_limits_and_the_rest_is_told(script: Script):
    script.on(SCHEDULES, listed(*[schedule(f"s{n}", f"p{n}") for n in range(5)]))
    for number in range(5):
        script.on(f"/api/v1/playlists/p{number}", ok(playlist(f"p{number}", item(0, "a"), junk="x" * 15_000_000)))
    async with connected(script) as bench:
        made = await programme(bench.connection)
    assert len(made.rules) == 2
    assert "list_cut" in {fault.code for fault in made.faults}


async def test_many_long_playlists_are_held_as_far_as_their_items_are_shown_and_what_stands_among_them(script: Script):
    script.on(SCHEDULES, listed(*[schedule(f"s{n}", f"p{n}") for n in range(5)]))
    for number in range(5):
        rows = [{"id": n, "itemType": "website", "config": {"url": "https://example.com"}} for n in range(ITEMS + 5)]
        script.on(f"/api/v1/playlists/p{number}", ok(playlist(f"p{number}", *rows)))
    async with connected(script) as bench:
        made = await programme(bench.connection)
    assert [len(layout.regions[0].playlist.items) for layout in made.layouts] == [ITEMS, 1]
    assert "list_cut" in {fault.code for fault in made.faults}


async def test_files_that_are_not_there_are_asked_for_once_and_no_more_than_some_in_a_round(script: Script):
    script.on("/api/v1/playlists/1", ok(playlist(1, *[item(n, f"none{n}") for n in range(ONE_BY_ONE_AFTER + 30)])))
    script.on("/api/v1/media", listed())
    async with connected(script) as bench:
        asked = []
        for _ in range(3):
            await programme(bench.connection)
            asked.append(len([one for one in script.seen if one.path.startswith("/api/v1/media/none")]))
    assert asked == [ONE_BY_ONE_AFTER, ONE_BY_ONE_AFTER + 30, ONE_BY_ONE_AFTER + 30]


async def test_files_are_asked_for_once_and_again_when_their_playlist_changed(script: Script):
    async with connected(script) as bench:
        for _ in range(3):
            assert names(await programme(bench.connection)) == ["a"]
        assert len(script.asked("/api/v1/media/a")) == 1
        script.on("/api/v1/playlists/1", ok(playlist(1, item(0, "a"), updatedAt="2024-02-01T00:00:00Z")))
        script.on("/api/v1/media/a", ok(media("a", updatedAt="2024-02-01T00:00:00Z")))
        (asset,) = (await programme(bench.connection)).assets
    assert asset.file_hash == "2024-02-01T00:00:00Z"


async def test_many_files_are_read_by_the_page(script: Script):
    many = [f"m{n}" for n in range(60)]
    script.on("/api/v1/playlists/1", ok(playlist(1, *(item(n, name) for n, name in enumerate(many)))))
    script.on("/api/v1/media", listed(*(media(name) for name in many[:-1])))
    script.on(f"/api/v1/media/{many[-1]}", ok(media(many[-1])))
    async with connected(script) as bench:
        assert names(await programme(bench.connection)) == many
    assert len([one for one in script.seen if one.path.startswith("/api/v1/media")]) == 2


async def test_after_a_limit_nothing_is_asked_for_a_while(script: Script):
    script.on("/api/v1/playlists/1", web.Response(status=429, headers={"Retry-After": "60"}))
    async with connected(script) as bench:
        with pytest.raises(ServerBusy):
            await programme(bench.connection)
        asked = len(script.seen)
        with pytest.raises(ServerBusy) as caught:
            await programme(bench.connection)
    assert (caught.value.retry_after_s or 0) > 0
    assert len(script.seen) == asked


# --- who this screen is


async def test_a_screen_is_found_by_its_name(script: Script):
    script.on(SCREENS, listed(screen(id="other", name="Bar"), screen()))
    async with connected(script, "Lobby") as bench:
        assert names(await programme(bench.connection)) == ["a"]
        await programme(bench.connection)
    assert len(script.asked(SCREENS)) == 1


@pytest.mark.parametrize(("there", "words"), [(("Bar", "Hall"), "no screen"), (("Lobby", "Lobby"), "2 screens"), ((), "none")])
async def test_a_name_that_is_no_screens_or_several_is_told_with_what_there_is(script: Script, there: tuple[str, ...], words: str):
    script.on(SCREENS, listed(*(screen(id=f"id-{n}", name=name) for n, name in enumerate(there))))
    async with connected(script, "Lobby") as bench:
        with pytest.raises(DeviceForgotten, match=words) as caught:
            await programme(bench.connection)
        async with bench.rhythm():
            await eventually(lambda: bench.inbox.of(Unpaired))
    assert all(f'"{name}" (id-{n})' in str(caught.value) for n, name in enumerate(there))
    assert bench.inbox.of(Paired) == []


async def test_a_screen_that_was_renamed_is_found_under_its_id_and_one_that_was_made_again_under_its_name(script: Script):
    script.on(SCREENS, listed(screen()), listed(screen(id="next")))
    async with connected(script, "Lobby") as bench:
        await programme(bench.connection)
        script.on(HERE, 404)
        with pytest.raises(DeviceForgotten):
            await programme(bench.connection)
        script.on(f"{SCREENS}/next", ok(screen(id="next", currentPlaylistId="1")))
        assert names(await programme(bench.connection)) == ["a"]


# --- the rhythm


async def test_the_rhythm_says_who_we_are_how_the_panel_hangs_and_what_the_key_may_do(script: Script):
    script.on(HERE, ok(screen(rotation="270")))
    async with connected(script) as bench, bench.rhythm():
        await eventually(lambda: bench.inbox.of(SettingsWanted))
    assert bench.inbox.of(Paired)[0].name == "Lobby"
    assert bench.inbox.of(SettingsWanted)[0] == SettingsWanted(orientation=Orientation.PORTRAIT_FLIPPED, time_zone="Europe/Warsaw")
    about = bench.inbox.of(Reached)[0].about
    assert (about["organization"], about["scopes"], about["features"]) == (
        "Corner shop", ["screens:read"], ["api", "schedules", "sequences"],
    )  # fmt: skip


async def test_a_screen_that_changed_is_a_reason_to_ask_at_once(script: Script):
    async with connected(script) as bench, bench.rhythm():
        await eventually(lambda: len(bench.inbox.of(Reached)) >= 2)
        assert bench.inbox.of(ContentChanged) == []
        script.on(HERE, ok(screen(currentPlaylistId="2")))
        await eventually(lambda: bench.inbox.of(ContentChanged))


async def test_a_zone_that_is_none_is_not_wanted(script: Script):
    script.on(HERE, ok(screen(timezone="Mars/Olympus", currentPlaylistId=1)))
    async with connected(script) as bench:
        async with bench.rhythm():
            await eventually(lambda: bench.inbox.of(SettingsWanted))
        made = await programme(bench.connection)
    assert bench.inbox.of(SettingsWanted)[0].time_zone is None
    assert [fault.code for fault in made.faults] == ["bad_rule"]


async def test_after_a_failure_the_free_call_is_what_asks(script: Script):
    script.on(ME, 500)
    async with connected(script) as bench, bench.rhythm():
        await eventually(lambda: len(bench.inbox.of(Missed)) >= 2)
        assert {one.path for one in script.seen} == {ME}


# --- what the key or the plan does not have


async def test_a_screen_that_is_not_active_shows_nothing(script: Script):
    script.on(HERE, ok(screen(isActive=False, currentPlaylistId=1)))
    async with connected(script) as bench:
        assert await programme(bench.connection) == Programme(())


async def test_without_the_right_to_schedules_the_rest_plays_and_the_scope_is_named(script: Script):
    script.on(SCHEDULES, web.json_response({"success": False, "error": {"message": "No."}}, status=403))
    async with connected(script) as bench:
        made = await programme(bench.connection)
    assert names(made) == ["a"]
    ((code, message),) = [(fault.code, fault.message) for fault in made.faults]
    assert code == "server_refused"
    assert "No." in message
    assert "schedules:read" in message


async def test_a_plan_without_a_feature_is_not_asked_for_it(script: Script):
    script.on(ME, ok(ACCOUNT | {"features": {"schedules": False, "sequences": False}}))
    script.on(HERE, ok(screen(currentSequenceId="q", defaultPlaylistId=1)))
    async with connected(script) as bench:
        async with bench.rhythm():
            await eventually(lambda: bench.inbox.of(Reached))
        made = await programme(bench.connection)
    assert names(made) == ["a"]
    assert [fault.code for fault in made.faults] == ["server_refused", "server_refused"]
    assert script.asked(SCHEDULES) == script.asked("/api/v1/sequences/q") == []


@pytest.mark.parametrize("path", ["/api/v1/playlists/1", "/api/v1/media/a"])
async def test_without_the_right_to_what_is_shown_what_is_here_plays_on(script: Script, path: str):
    script.on(path, 403)
    async with connected(script) as bench:
        with pytest.raises(ServerDenied, match=r"(playlists|media):read"):
            await programme(bench.connection)


async def test_a_schedule_for_several_screens_asks_for_which(script: Script):
    several = [schedule(name, "1", targetType="multiple_screens") for name in ("ours", "theirs", "unknown")]
    script.on(SCHEDULES, listed(*several))
    script.on(f"{SCHEDULES}/ours/screens", ok({"items": [{"id": "x"}, {"id": SCREEN_ID}]}))
    script.on(f"{SCHEDULES}/theirs/screens", ok({"items": [{"id": "x"}]}))
    async with connected(script) as bench:
        made = await programme(bench.connection)
    assert [rule.id for rule in made.rules] == ["ours"]
    assert [fault.code for fault in made.faults] == ["bad_rule"]


async def test_what_is_not_there_costs_what_names_it(script: Script):
    script.on(SCHEDULES, listed(schedule("s", "gone"), schedule("t", "1"), schedule("u", None), schedule("v", "1", targetType="x")))
    async with connected(script) as bench:
        made = await programme(bench.connection)
    assert [rule.id for rule in made.rules] == ["t"]
    assert sorted(fault.code for fault in made.faults) == ["bad_item", "bad_rule", "bad_rule"]


# --- answers that are none


NO_ANSWERS: list[Any] = [
    [], {}, {"success": True}, {"data": 7}, {"data": None}, {"data": "text"}, web.Response(body=b'{"success": true, "da'),
    web.Response(text="<html>", content_type="text/html"), {"success": False, "message": "maintenance"},
]  # fmt: skip


@pytest.mark.parametrize("answer", NO_ANSWERS)
@pytest.mark.parametrize(
    "path", [HERE, SCHEDULES, f"{SCHEDULES}/s/screens", "/api/v1/sequences/q", "/api/v1/playlists/1", "/api/v1/media/a"]
)
async def test_what_is_no_answer_leaves_what_plays_as_it_is(script: Script, path: str, answer: Any):
    script.on(SCHEDULES, listed(schedule("s", None, sequenceId="q", targetType="multiple_screens")))
    script.on(f"{SCHEDULES}/s/screens", ok({"items": [{"id": SCREEN_ID}]}))
    script.on("/api/v1/sequences/q", ok({"id": "q", "items": [{"position": 0, "playlistId": "1"}]}))
    script.on(path, answer)
    async with connected(script) as bench:
        with pytest.raises(ServerError):
            await programme(bench.connection)


async def test_a_key_that_is_revoked_while_it_plays_is_told_and_asked_rarely(script: Script):
    async with connected(script) as bench, bench.rhythm():
        await eventually(lambda: bench.inbox.of(Paired))
        script.on(ME, 401)
        missed = await eventually(lambda: bench.inbox.of(Missed))
    assert isinstance(missed[0].error, ServerDenied)


async def test_a_list_that_holds_nonsense_keeps_what_makes_sense(script: Script):
    script.on(SCHEDULES, listed(None, 5, "s", [], schedule("t", "1"), {"id": None}, {"id": {"a": 1}, "targetType": ["x"]}))
    async with connected(script) as bench:
        made = await programme(bench.connection)
    assert [rule.id for rule in made.rules] == ["t"]
    assert names(made) == ["a"]


async def test_a_list_without_items_is_nonsense(script: Script):
    script.on(SCHEDULES, ok({"pagination": {}}))
    async with connected(script) as bench:
        with pytest.raises(ServerNonsense):
            await programme(bench.connection)
