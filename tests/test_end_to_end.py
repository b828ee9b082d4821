"""The whole player as an operator and a passer-by meet it: server, agent, stage and compositor as processes, the real screen.

One box runs through most of this file and is driven through its server alone; each test puts on air what it needs. What the screen
shows is read from pictures of the screen itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
from aiohttp import web
from PIL import Image, ImageChops

from player.cli.client import ControlClient
from player.core.proof import verify
from player.errors import PinNotLookedAt
from player.stage.web import landing
from tests.e2e import neighbours
from tests.e2e.player_box import colour_of, until
from tests.e2e.world import World, installation
from tests.fakes.running import running

pytestmark = [pytest.mark.stage, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[World]:
    async with installation() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def switched_on(world: World) -> None:
    """A test that ended while the box was off costs itself alone."""
    if world.box.is_off():
        await world.box.start()


async def test_an_unpaired_box_shows_its_code_and_content_follows_pairing_without_a_restart(world: World) -> None:
    status = await world.box.until(lambda s: s["pairing_code"] and s["state"] == "pairing", "the pairing card")
    registered = world.line.find("/api/device/register")[-1].answer
    assert status["pairing_code"] == registered["pairing_code"]
    assert await world.box.say("pair") == (0, f"{registered['pairing_code']}\n", "")
    card = await world.box.look()
    assert card is not None
    assert len(card.getcolors(maxcolors=2**20) or ()) > 500, "a card with a code is more than one colour"
    pids = {name: world.box.pid(name) for name in ("compositor", "stage", "agent")}
    await world.paired()
    await world.colours("red", "lime")
    assert {name: world.box.pid(name) for name in pids} == pids
    assert (await world.box.status() or {})["paired"] is True


@pytest.mark.timeout(400)
async def test_all_five_types_play_and_each_is_seen(world: World) -> None:
    await world.paired()
    await asyncio.to_thread(neighbours.stream, world.files, "yellow", 12)
    await asyncio.to_thread(neighbours.clip, world.files, "magenta", 6)
    async with neighbours.sent_by_udp("cyan") as udp:
        contents = {
            "red": await world.clip("red", 3),
            "lime": await world.picture("lime"),
            "blue": await world.link(f"{world.site}/page/blue", "web"),
            "yellow": await world.link(f"{world.site}/files/live.m3u8", "livestream"),
            "magenta": await world.link(f"{world.site}/watch/magenta", "youtube"),
            "cyan": await world.link(udp, "livestream"),
        }
        await world.on_air(*({"content_id": content, "duration": 3} for content in contents.values()))
        await world.box.until_all_seen(*contents, limit_s=240)
        assert (await world.seen())[0] in ("", *contents), "a picture through the server is of the same screen"
        await until("each is proved to have been played", lambda: all_played(world, set(contents.values())), 60, 0.5)


# --- commands --------------------------------------------------------------------------------------------------------------------


async def test_commands_that_steer_playback_arrive_and_are_seen(world: World) -> None:
    await world.colours("blue")
    await world.box.until_seen("blue")
    await world.colours("red", "lime", seconds=600)
    before = await world.box.until_seen("red", "lime")  # and not what was on screen before
    other = {"red": "lime", "lime": "red"}[before]
    for kind, colour in (("next", other), ("previous", before)):
        assert (await world.order(kind))["status"] == "succeeded"
        await world.box.until_seen(colour)
    done = await world.order("play", {"content_id": await world.picture(other), "seconds": 600})
    assert done["status"] == "succeeded"
    await world.box.until_seen(other)
    plain = await world.box.look()
    for kind, payload in (("identify", {}), ("show_message", {"text": "Fire drill at noon"})):
        assert (await world.order(kind, payload | {"seconds": 60}))["status"] == "succeeded"
        await until(f"{kind} on the screen", lambda: differs(world, plain))
        assert (await world.order(kind, payload | {"seconds": 1}))["status"] == "succeeded"
        await until(f"{kind} gone again", lambda: differs(world, plain, False))
    for kind in ("refresh", "clear_cache"):
        assert (await world.order(kind))["status"] == "succeeded"
    await world.box.until_seen("red", "lime")


async def test_commands_that_set_states_hold_and_what_the_box_cannot_do_is_said(world: World) -> None:
    await world.colours("red")
    assert (await world.order("set_volume", {"volume": 37}))["status"] == "succeeded"
    assert (await neighbours.sink(world.sound))[0] == 37
    assert (await world.order("mute", {"muted": True}))["status"] == "succeeded"
    assert (await world.order("mute", {"muted": False}))["status"] == "succeeded"
    assert (await world.order("screen_off"))["status"] == "succeeded"
    await world.box.until_seen("black")
    await world.box.until(lambda s: s["stage"]["screen_on"] is False)
    assert (await world.order("screen_on"))["status"] == "succeeded"
    await world.box.until_seen("red")
    assert (await world.order("set_orientation", {"orientation": "portrait"}))["status"] == "succeeded"
    await world.box.until(lambda s: s["stage"]["orientation"] == "portrait" and s["stage"]["size"] == "720x1280")
    assert (await world.order("set_orientation", {"orientation": "landscape"}))["status"] == "succeeded"
    await world.box.until(lambda s: s["stage"]["size"] == "1280x720")
    assert (await world.order("lock", {"pin": "4711"}))["status"] == "succeeded"
    await world.box.until(lambda s: s["locked"])
    assert (await world.order("unlock"))["status"] == "succeeded"
    await world.box.until(lambda s: not s["locked"])
    sent = await world.order("upload_logs")
    assert sent["status"] == "succeeded", sent
    assert any("on air" in line for line in sent["result"]["agent"])
    assert any("the screen is on" in line for line in sent["result"]["stage"])
    done = await world.order("set_brightness", {"brightness": 0})
    assert (done["status"], "the panel cannot be set" in done["message"]) == ("succeeded", True), done
    await until("a darker picture", partial(is_dark_red, world))
    assert (await world.order("set_brightness", {"brightness": 100}))["status"] == "succeeded"
    await world.box.until_seen("red")
    done = await world.order("play", {"content_id": 999_999})
    assert (done["status"], bool(done["message"])) == ("failed", True), done


async def is_dark_red(world: World) -> bool:
    """Whether a tenth of the light is left."""
    picture = await world.box.look()
    red, green, blue = picture.getpixel((640, 300)) if picture else (0, 0, 0)  # type: ignore[misc]  # RGB
    return 15 < red < 45 and max(green, blue) < 15


async def test_k4_unknown_bad_and_expired_commands_are_rejected(world: World) -> None:
    await world.colours("red")
    for kind, payload, word in (
        ("explode", {}, "explode"),
        ("set_volume", {"volume": 400}, "volume"),
        ("set_volume", {}, "volume"),
        ("play", {}, "content_id"),
        ("set_orientation", {"orientation": "sideways"}, "orientation"),
        ("update_app", {"version": "9"}, "url"),
    ):
        done = await world.order(kind, payload)
        assert (done["status"], word in done["message"]) == ("rejected", True), done

    def expire(answer: dict[str, Any]) -> dict[str, Any]:
        for command in answer["pending_commands"]:
            command["expires_at"] = "2020-01-01T00:00:00Z"
        return answer

    with world.line.changing("/api/device/heartbeat", expire):
        done = await world.order("next")
    assert (done["status"], "expired" in done["message"]) == ("rejected", True), done


async def test_k1_a_command_that_is_delivered_again_and_again_runs_once_also_after_a_sudden_death(world: World) -> None:
    await world.colours("red")
    with world.line.answering(r"/api/device/commands/\d+/result", lambda _: web.Response(status=503)):
        command = await world.operator.command(world.device, "screenshot")
        path = rf"/api/device/commands/{command['id']}/result"
        await until("a result", lambda: passed(world, path))
        for _ in range(2):
            await world.heartbeat()
        await world.box.kill("agent")
        await world.heartbeat()
        await world.heartbeat()
    assert (await world.operator.wait_result(command["id"], 30))["status"] == "succeeded"
    sent = [c for c in world.line.find("/api/device/screenshot") if f'"command_id"\r\n\r\n{command["id"]}\r'.encode() in c.sent]
    assert len(sent) == 1
    delivered = [
        c for c in world.line.find("/api/device/heartbeat") if command["id"] in [x["id"] for x in c.answer["pending_commands"]]
    ]
    assert len(delivered) > 2


async def test_k3_restarts_are_begun_once_told_before_and_settled_after(world: World) -> None:
    await world.colours("red", "lime")
    stage, agent = world.box.pid("stage"), world.box.pid("agent")
    done = await world.order("restart_app")
    assert (done["status"], done["message"]) == ("succeeded", "the player has started again")
    assert stage != world.box.pid("stage")
    assert agent != world.box.pid("agent")
    await world.box.until_seen("red", "lime")
    for kind, call in (("reboot", "Reboot"), ("shutdown", "PowerOff")):
        begun = await world.order(kind, final=False)
        assert begun["status"] == "initiated"
        await until(call, lambda call=call: calls(world, call))
        await world.box.stop()
        await world.box.start_after_a_boot()
        done = await world.operator.wait_result(begun["id"], 30)
        assert (done["status"], done["message"]) == ("succeeded", "the box has started again")
    await world.box.until_seen("red", "lime")
    assert world.logind.calls == [("Reboot", False), ("PowerOff", False)]
    refused = await world.order("reboot")
    assert (refused["status"], "3 times within an hour" in refused["message"]) == ("rejected", True), refused


# --- the lock --------------------------------------------------------------------------------------------------------------------


async def unlocked(world: World, pin: str) -> tuple[int, str, str] | None:
    """The answer to the right PIN, None while it is not looked at."""
    answer = await world.box.say("unlock", "--pin", pin)
    return answer if answer[0] != 4 else None


async def test_the_server_locks_the_box_and_guessing_the_pin_is_slow_and_reported(world: World) -> None:
    await world.colours("red")
    await world.operator.lock(world.device, "7391")
    await world.box.until(lambda s: s["locked"], "locked")
    waits = [
        await until("a guess that is looked at", partial(guessed, world, pin, count), 20)
        for count, pin in enumerate(("1111", "2222", "3333"), 1)
    ]
    assert all("wrong PIN; try again in" in said for said in waits), waits
    with pytest.raises(PinNotLookedAt):  # within the pause, for which a process of its own may come too late
        await asyncio.to_thread(ControlClient(world.box.dirs.control_socket, 15.0).unlock, "7391")
    await world.fault("wrong_pin", "3 wrong PINs")
    assert await until("the pause is over", partial(unlocked, world, "7391"), 30) == (0, "unlocked\n", "")
    await world.box.until(lambda s: not s["locked"])
    await world.operator.unlock(world.device)


# --- the server away -------------------------------------------------------------------------------------------------------------


async def test_n13_while_the_server_is_away_the_show_goes_on_and_every_play_arrives_once(world: World) -> None:
    await world.colours("red", "lime", seconds=1)
    async with world.server_away():
        await world.box.until(lambda s: not s["server"]["online"], "no contact")
        begun = len(world.box.plays())
        await until("four plays", lambda: plays_beyond(world, begun + 3))
        await world.box.until_seen("red")
        await world.box.until_seen("lime")
        assert (await world.box.until(lambda s: s["proof"]["pending"] >= 3))["state"] == "playing"
    await world.box.until(lambda s: s["server"]["online"], "contact again")
    await every_play_arrived_once(world)


async def test_contract_3_11_a_box_that_starts_without_any_server_plays_from_boot(world: World) -> None:
    await world.colours("red", "lime")
    assert await world.box.stop() == 0
    async with world.server_away():
        await world.box.start()
        await world.box.until_seen("red", "lime")
        status = await world.box.until(lambda s: s["state"] == "playing")
        assert status["server"]["online"] is False
    await world.heartbeat()


# --- sudden deaths ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("victim", ["stage", "compositor", "agent", "browser", "run"])
async def test_p1_after_a_sudden_death_content_is_back_by_itself_and_no_play_is_lost(world: World, victim: str) -> None:
    if victim == "browser":
        page = await world.link(f"{world.site}/page/blue", "web")
        await world.on_air({"content_id": page, "duration": 2}, {"content_id": await world.picture("red"), "duration": 2})
        await world.box.until_seen("blue")
    else:
        await world.colours("red", "lime")
    recorded = len(world.box.plays())
    before = world.box.pid(victim)
    await world.box.kill(victim)
    if victim == "run":
        await world.box.start_again()
    await until(f"another {victim}", lambda: other_pid(world, victim, before))
    await world.box.until_seen("blue" if victim == "browser" else "red", "blue" if victim == "browser" else "lime")
    await until("plays go on", lambda: plays_beyond(world, recorded + 2))
    await every_play_arrived_once(world)


# --- bad content -----------------------------------------------------------------------------------------------------------------


async def test_c1_c2_c8_c9_bad_items_cost_themselves_and_are_named_at_the_server(world: World) -> None:
    def file(name: str, content: bytes) -> Callable[[], Path]:
        def make() -> Path:
            (world.files / name).write_bytes(content)
            return world.files / name

        return make

    await world.paired()
    good = await world.upload("../../../etc/passwd", lambda: neighbours.picture(world.files, "orange"), kind="image")
    bad = {
        "broken film": await world.upload("broken film", file("broken.mp4", bytes(range(256)) * 40)),
        "login page": await world.upload("login page", file("login.mp4", b"<!doctype html><html>Please log in</html>")),
    }
    (world.files / "empty.mp4").write_bytes(b"")
    empty = {"id": 900, "content_id": 900, "name": "empty film", "type": "video", "order": 9, "duration": 2}
    empty["download_url"] = f"{world.site}/files/empty.mp4"
    evil = [
        {"id": f"evil-{n}", "content_id": 9000 + n, "name": f"evil {n}", "type": kind, "source_url": url, "duration": 2, "order": n}
        for n, (kind, url) in enumerate(
            [("web", "file:///etc/passwd"), ("livestream", "edl:///etc/passwd"), ("youtube", "http://198.51.100.7/"), ("web", "")]
        )
    ]

    def slip_in(answer: dict[str, Any]) -> dict[str, Any]:
        answer["playlist"]["items"] += [empty, *evil]
        return answer

    with world.line.changing("/api/device/playlist", slip_in):
        await world.on_air(*({"content_id": content, "duration": 2} for content in (*bad.values(), good)), wait=False)
        await world.box.until_seen("orange")
        for name in (*bad, "empty film", "evil 0", "evil 1", "evil 2", "evil 3"):
            said = await world.fault_about(name)
            assert said["content_id"] or said["item_id"], said
        await world.box.until_seen("orange")


LISTENING = (
    "srt://127.0.0.1:9999?mode=listener", "srt://0.0.0.0:9998?mode=rendezvous", "udp://0.0.0.0:9997", "rtp://@0.0.0.0:9996",
    "srt://127.0.0.1:9995",
)  # fmt: skip


async def test_c9_nothing_that_is_shown_opens_a_port_and_nothing_that_the_player_starts_knows_its_configuration(
    world: World,
) -> None:
    def slip_in(answer: dict[str, Any]) -> dict[str, Any]:
        rows = [("web", f"{world.site}/page/blue"), *(("livestream", address) for address in LISTENING)]
        answer["playlist"]["items"] += [
            {"id": f"port-{n}", "content_id": 9100 + n, "name": f"port {n}", "type": kind, "source_url": url, "duration": 2}
            for n, (kind, url) in enumerate(rows)
        ]
        return answer

    await world.paired()
    seen = set[tuple[str, str, int]]()
    with world.line.changing("/api/device/playlist", slip_in):
        async with running(_listening(world, seen)):
            await world.on_air({"content_id": await world.picture("red"), "duration": 2}, wait=False)
            await world.box.until_seen("blue")
            for n in range(1, 1 + len(LISTENING)):
                await world.fault_about(f"port {n}")
        assert [pid for pid in map(world.box.pid, ("stage", "agent", "browser")) if pid is None] == []
    doors = sorted(address for protocol, address, _ in seen if protocol.startswith("tcp"))
    assert {port for _, _, port in seen} & set(range(9995, 10000)) == set(), (
        "those that were asked for; a caller has one of its own"
    )
    assert doors in (["127.0.0.1"] * 2, ["127.0.0.1"] * 2 + [landing.ADDRESS]), f"the wall's, and what README tells: {seen}"
    assert [one for one in seen if one[1] == landing.ADDRESS and one[2] != landing.PORT] == []
    assert {words: told for words, told in _told(world).items() if any(name.startswith("SIGNAGE__") for name in told)} == {}


async def _listening(world: World, seen: set[tuple[str, str, int]]) -> None:
    """Notes what is there at two looks: a socket that something is tried with is gone by the second."""
    before = set[tuple[str, str, int]]()
    while True:
        found = await asyncio.to_thread(world.box.listens)
        seen |= found & before
        before = found
        await asyncio.sleep(0.2)


def _told(world: World) -> dict[str, set[str]]:
    """The names in the environment of everything that runs beside the daemons themselves."""
    found = {}
    for one in world.box.family():
        with contextlib.suppress(psutil.Error):
            words = one.cmdline()
            if "player" not in words:
                found[" ".join(words)[:100]] = set(one.environ())
    return found


async def test_c12_ten_thousand_items_play(world: World) -> None:
    await world.colours("red")

    def many(answer: dict[str, Any]) -> dict[str, Any]:
        (item,) = answer["playlist"]["items"]
        answer["playlist"]["items"] = [{**item, "id": n, "order": n} for n in range(10_000)]
        return answer

    with world.line.changing("/api/device/playlist", many):
        await world.box.until(lambda s: s["manifest"]["items"] == 10_000, "a long manifest")
        await world.box.until_seen("red")
        begun = len(world.box.plays())
        await until("plays go on", lambda: plays_beyond(world, begun + 1))


@pytest.mark.parametrize(
    ("status", "kind", "text", "code"),
    [
        (200, "text/html", "<html>log in", "portal"),
        (200, "application/json", '{"playlist": {"it', "server_nonsense"),
        (500, "text/plain", "", "server_busy"),
    ],
)
async def test_n4_n17_n13_what_is_no_programme_changes_nothing_and_is_reported(
    world: World, status: int, kind: str, text: str, code: str
) -> None:
    await world.colours("red")
    with world.line.answering("/api/device/playlist", lambda _: web.Response(status=status, content_type=kind, text=text)):
        fault = await world.fault("programme", "/api/device/playlist")
        assert fault["message"]
        await world.box.until_seen("red")
    with world.line.answering("/api/device/heartbeat", lambda _: web.Response(status=status, content_type=kind, text=text)):
        await world.box.until(lambda s: any(f["code"] == code for f in s["faults"]), "a fault of the server")
        await world.box.until_seen("red")
    await world.heartbeat()


# --- alerts, and room ------------------------------------------------------------------------------------------------------------


async def test_an_alert_shows_at_its_heartbeat_and_stays_without_the_server_until_it_expires(world: World) -> None:
    """How soon it shows is a figure of `scripts/bench push`."""
    await world.colours("red", seconds=600)
    expires = time.time() + 14
    at = datetime.fromtimestamp(expires, UTC).isoformat()
    await world.operator.alert("Evacuate", "Use the north exit", "extreme", color="#0000ff", expires_at=at)
    await until("the alert's heartbeat", lambda: alert_passed(world))
    await world.box.until_seen("blue")
    async with world.server_away():
        await world.box.until(lambda s: not s["server"]["online"])
        while True:
            seen = is_blue(await world.box.look())
            if time.time() > expires - 0.5:
                break
            assert seen
            await asyncio.sleep(0.3)
        await world.box.until_seen("red")
        assert time.time() >= expires
    await world.heartbeat()


async def test_a_lesser_alert_runs_along_the_bottom_and_ends_when_it_is_not_listed(world: World) -> None:
    await world.colours("red", seconds=60)
    plain = await world.box.look()
    alert = await world.operator.alert("Lift out of order", "Please take the stairs", "moderate")
    await until("the ticker", lambda: differs(world, plain))
    await world.box.until_seen("red", at=(640, 200))
    await world.operator.end_alert(alert["id"])
    await until("no ticker", lambda: differs(world, plain, False))


async def test_contract_3_10_what_the_server_deletes_goes_when_it_is_free(world: World) -> None:
    await world.colours("red", "cyan")
    kept, gone = await world.media("red"), await world.media("cyan")
    assert world.cached(kept)
    assert world.cached(gone)
    await world.colours("red")
    await until("the file is gone", lambda: absent(world, gone))
    assert world.cached(kept)


# --- a person at the box ---------------------------------------------------------------------------------------------------------


async def test_what_a_person_can_ask_of_a_running_box(world: World, tmp_path: Path) -> None:
    await world.colours("red", "lime", seconds=1)
    code, words, _ = await world.box.say("status")
    assert (code, "playing" in words, "on screen" in words, "online" in words) == (0, True, True, True), words
    picture = tmp_path / "now.png"
    assert (await world.box.say("screenshot", str(picture)))[0] == 0
    with Image.open(picture) as seen:
        assert colour_of(seen.convert("RGB")) in ("red", "lime")
    assert (await world.box.say("pair"))[1].startswith("already paired")
    plays = tmp_path / "plays.jsonl"
    assert (await world.box.say("proof", "export", "--output", str(plays)))[0] == 0
    code, words, problems = await world.box.say("proof", "verify", str(plays))
    assert code == 0, words + problems
    assert (await world.box.say("cache", "verify"))[0] == 0
    bundle = tmp_path / "ticket.tar.gz"
    assert (await world.box.say("support-bundle", str(bundle)))[0] == 0
    assert bundle.stat().st_size > 1000


# --- servers that know less ------------------------------------------------------------------------------------------------------


async def test_results_ride_in_the_heartbeat_where_the_server_has_no_path_for_them(world: World) -> None:
    await world.colours("red")
    with world.line.answering(r"/api/device/commands/\d+/result", lambda _: web.Response(status=404)):
        for volume in (20, 40):
            done = await world.order("set_volume", {"volume": volume})
            assert (done["status"], done["result"]) == ("succeeded", {"volume": volume})
        told = [c.sent["command_results"] for c in world.line.find("/api/device/heartbeat") if c.sent.get("command_results")]
        assert {result["id"] for results in told for result in results} >= {done["id"]}, "the id goes back as it came"
    await world.box.kill("agent")  # it remembers for a day that there is no such path


async def test_a_box_that_the_server_forgot_plays_on_with_its_code_in_a_corner_until_it_is_paired_again(world: World) -> None:
    await world.colours("red", seconds=60)
    plain = await world.box.look()
    await world.operator.delete_device(world.device)
    world.device = 0
    await world.box.until(lambda s: s["paired"] is False and s["pairing_code"], "a code again")
    await until("the code in a corner", lambda: differs(world, plain))
    status = await world.box.until_seen("red") and await world.box.status()
    assert status is not None
    assert status["state"] == "playing"
    await world.paired()
    await until("no code", lambda: differs(world, plain, False))
    await world.colours("red", "lime")


# --- what the tests ask ----------------------------------------------------------------------------------------------------------


async def differs(world: World, plain: Image.Image | None, wanted: bool = True) -> bool | None:
    """Whether the screen is clearly another picture than `plain`, or clearly the same."""
    picture = await world.box.look()
    if picture is None or plain is None:
        return None
    extrema = ImageChops.difference(picture, plain).getextrema()
    return (max(high for _, high in extrema) > 60) is wanted  # type: ignore[misc, arg-type, operator]  # three bands of bytes


async def passed(world: World, path: str) -> bool:
    return bool(world.line.find(path))


async def calls(world: World, name: str) -> bool:
    return (name, False) in world.logind.calls


async def all_played(world: World, contents: set[int]) -> bool:
    complete = [play for play in await world.operator.plays(world.device) if play["result"] == "complete"]
    return contents <= {int(play["content_id"]) for play in complete}


async def guessed(world: World, pin: str, count: int) -> str | None:
    """What the command line says to a wrong PIN, once it is the one that is counted as number `count`."""
    code, _, said = await world.box.say("unlock", "--pin", pin)
    assert code == 4
    return said if world.wrong_pins() == count else None


async def plays_beyond(world: World, count: int) -> bool:
    return len(world.box.plays()) > count


async def other_pid(world: World, name: str, before: int | None) -> bool:
    return world.box.pid(name) not in (None, before)


async def absent(world: World, sha256: str) -> bool:
    return not world.cached(sha256)


async def alert_passed(world: World) -> float | None:
    call = world.line.find("/api/device/heartbeat")[-1]
    return call.at if call.answer and call.answer["emergency_alerts"] else None


def is_blue(picture: Image.Image | None) -> bool:
    if picture is None:
        return False
    red, _, blue = picture.getpixel((12, 360))  # type: ignore[misc]  # three bands
    return red < 100 and blue > 150


async def every_play_arrived_once(world: World) -> None:
    """What the stage recorded until now is at the server, each play once, and the chain holds."""
    recorded = world.box.plays()
    assert verify(recorded) == []
    assert [play["seq"] for play in recorded] == list(range(1, len(recorded) + 1))
    wanted = [play["id"] for play in recorded]
    assert len(set(wanted)) == len(wanted)

    async def arrived() -> bool:
        there = [play["id"] for play in await world.operator.plays(world.device)]
        assert len(set(there)) == len(there)
        return set(wanted) <= set(there)

    await until("every play at the server", arrived, 45, 0.5)
