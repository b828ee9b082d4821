"""The assembled agent, its own parts and a scripted server: what the README promises, asked of the whole."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
import pytest
from aiohttp import web

from player.agent.app import Agent
from player.agent.control.access import DEVICE_KIND, Scope, TokenStore
from player.agent.settings.screen_lock import LockState
from player.brief_file import BriefFile
from player.cli.client import ControlClient
from player.cms.adcast.keys import Keys
from player.config import CmsConfig, Config, ControlConfig, NetworkConfig
from player.core import proof
from player.core.brief import StageBrief
from player.core.contact import Standing
from player.core.content import Item, Orientation
from player.core.cues import Moment, PlayRecord, PlayResult
from player.core.faults import Fault, meaning_of
from player.core.kinds import Kind
from player.core.ports.server import Command, CommandsCame, ContentChanged
from player.core.ports.stage import (
    AnyAnswer,
    AnyRequest,
    PictureFormat,
    ReleaseItems,
    Reread,
    ScreenPicture,
    StageStatus,
    TakePicture,
)
from player.dirs import Dirs
from player.identity import Identity, is_signed, load_or_create
from player.journal_reader import read_journal
from player.stage.agent_socket import AgentSocket
from player.stage.plays import Plays
from player.store import Snapshot
from player.way_out import USER_AGENT, read_way_out
from tests.fakes.disk import read_only
from tests.fakes.faults import fault_page
from tests.fakes.proxy import PASSWORD, USER, private_authority, proxy
from tests.fakes.running import eventually, listens, running
from tests.fakes.samples import make_picture
from tests.fakes.server import Script, scripted_server
from tests.fakes.way_out import STRAIGHT

REGISTER, HEARTBEAT, PLAYLIST = "/api/device/register", "/api/device/heartbeat", "/api/device/playlist"
PLAYBACK = "/api/device/playback"
NOW = 1_790_000_000.0
SECURE = "cms.signage.test"


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    """A server that knows this box and takes everything."""
    async with scripted_server() as made:
        made.on(REGISTER, {"paired": True, "device_name": "Lobby"})
        made.on(HEARTBEAT, {"paired": True})
        made.on(PLAYBACK, {})
        yield made


@pytest.fixture
def dirs(tmp_path: Path, runtime_dir: Path) -> Dirs:
    return Dirs(tmp_path / "state", tmp_path / "cache", runtime_dir, runtime_dir)


def config(url: str) -> Config:
    cms = CmsConfig(url=url, heartbeat_interval=0.1, poll_interval=0.5)
    return Config(cms=cms, control=ControlConfig(listen=""), server=Keys() if url else None)


@contextlib.asynccontextmanager
async def agent(url: str, dirs: Dirs, identity: Identity) -> AsyncIterator[Agent]:
    """One that runs."""
    async with Agent(config(url), dirs, identity, STRAIGHT, lambda: None) as made, running(made.run()):
        yield made


async def no_answer(_: AnyRequest) -> None:
    """What a stage answers that does as it is told."""


def shown(plays: Plays, *names: str) -> None:
    for number, name in enumerate(names):
        began, ended = Moment(number * 10, NOW + number * 10), Moment(number * 10 + 10, NOW + number * 10 + 10)
        record = PlayRecord(Item(name, f"c-{name}", name, Kind.IMAGE, 10.0), began, ended, 10.0, PlayResult.COMPLETE, None)
        plays.record(record, playlist_id="p", zone="main", screen_on=True, clock_synced=True)


def sent(script: Script) -> list[dict[str, Any]]:
    return [event for one in script.asked(PLAYBACK) for event in one.body["events"]]


async def test_every_play_leaves_with_this_boxs_signature(script: Script, dirs: Dirs):
    identity = load_or_create(dirs.state)
    plays = Plays(dirs.plays, tail=None, keep_days=1, keep_bytes=1 << 20, wall=lambda: NOW, faults=fault_page())
    shown(plays, "red", "green", "blue")
    async with agent(script.url, dirs, identity):
        await eventually(lambda: len(sent(script)) == 3 and script.asked(HEARTBEAT))
    for told in (script.asked(REGISTER)[0].body, script.asked(HEARTBEAT)[0].body):
        assert told["public_key"] == b64encode(identity.public_key).decode()
        assert (told["proof"]["count"], told["proof"]["last_hash"]) == (3, sent(script)[-1]["hash"])
        assert is_signed(told["proof"], identity.public_key)
    assert [event["name"] for event in sent(script)] == ["red", "green", "blue"]
    assert {event["key_id"] for event in sent(script)} == {identity.key_id}
    assert [event for event in sent(script) if not is_signed(event, identity.public_key)] == []
    assert proof.verify(sent(script)) == []


async def test_a_command_to_clear_the_cache_also_releases_what_the_stage_keeps_off(script: Script, dirs: Dirs):
    asked: list[AnyRequest] = []

    async def stage(request: AnyRequest) -> None:
        asked.append(request)

    script.on(PLAYLIST, {"playlist": None})
    script.on("/api/device/commands/7/result", {})
    server = AgentSocket(dirs.stage_socket, stage)
    server.tell(StageStatus())
    async with running(server.run()), agent(script.url, dirs, load_or_create(dirs.state)) as made:
        await eventually(lambda: made.stage.status)
        script.on(HEARTBEAT, {"paired": True, "pending_commands": [{"id": "7", "type": "clear_cache"}]}, {"paired": True})
        (result,) = await eventually(lambda: script.asked("/api/device/commands/7/result"))
    assert result.body["status"] == "succeeded"
    assert asked.count(ReleaseItems()) == 1


async def test_the_whole_agent_goes_through_a_proxy_with_a_password_and_trusts_a_private_authority(dirs: Dirs, tmp_path: Path):
    tls, authority = private_authority(tmp_path, SECURE)
    (tmp_path / "password").write_text(PASSWORD)
    make_picture(tmp_path / "red.png")
    async with scripted_server(tls) as script, proxy({SECURE: urlsplit(script.url).port or 0}, PASSWORD) as between:
        script.on(REGISTER, {"paired": True})
        script.on(HEARTBEAT, {"paired": True})
        row = {"id": 1, "content_id": 7, "name": "Red", "type": "image", "url": f"https://{SECURE}/red.png"}
        script.on(PLAYLIST, {"playlist": {"id": 1, "name": "Lobby", "items": [row]}})
        script.on("/red.png", web.Response(body=(tmp_path / "red.png").read_bytes(), content_type="image/png"))
        network = NetworkConfig(proxy=f"http://{USER}@{between.address}", proxy_password_file=str(tmp_path / "password"))
        cms = CmsConfig(url=f"https://{SECURE}", ca_file=str(authority), heartbeat_interval=0.1, poll_interval=0.5)
        told = Config(cms=cms, network=network, control=ControlConfig(listen=""), server=Keys())
        made = Agent(told, dirs, load_or_create(dirs.state), read_way_out(told, {}), lambda: None)
        async with made, running(made.run()):
            await eventually(lambda: made.sync.progress.assets_ready == 1 and script.asked(HEARTBEAT), 20)
            standing = (await made.status.read()).server.standing
    assert standing is Standing.ONLINE
    assert {one.headers["User-Agent"] for one in script.seen} == {USER_AGENT}
    assert set(between.seen) == {f"CONNECT {SECURE}:443"}, "nothing goes another way: its name is known behind the proxy alone"


async def test_an_idle_agent_logs_nothing(script: Script, dirs: Dirs, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    script.on(PLAYLIST, {"playlist": None})
    server = AgentSocket(dirs.stage_socket, no_answer)
    server.tell(StageStatus())
    async with running(server.run()), agent(script.url, dirs, load_or_create(dirs.state)) as made:
        await eventually(lambda: made.stage.status and len(script.asked(PLAYLIST)) >= 2)
        caplog.clear()
        rounds, beats = len(script.asked(PLAYLIST)), len(script.asked(HEARTBEAT))
        await eventually(lambda: len(script.asked(PLAYLIST)) >= rounds + 3 and len(script.asked(HEARTBEAT)) >= beats + 5)
        assert caplog.messages == []


async def test_without_a_server_nothing_is_asked_and_local_commands_answer_in_true_sentences(dirs: Dirs):
    async def stage(request: AnyRequest) -> AnyAnswer:
        return ScreenPicture(b"jpeg", 1280, 720, PictureFormat.JPEG) if isinstance(request, TakePicture) else None

    server = AgentSocket(dirs.stage_socket, stage)
    server.tell(StageStatus(last_play_seq=3))
    async with running(server.run()), agent("", dirs, load_or_create(dirs.state)) as made:
        await eventually(lambda: made.stage.status)
        picture = await made.commands.perform("screenshot", {})
        refresh = await made.commands.perform("refresh", {})
        status = await made.status.read()
    assert (picture.status, refresh.status) == ("succeeded", "failed")
    assert "none was sent" in picture.message
    assert refresh.message == "content: no server is configured (cms.url)"
    assert (status.server.kind, status.server.standing, status.server.online) == ("none", "none", False)
    assert status.server.abilities["plays"] == "no: no server is configured (cms.url)"
    assert [fault.code for fault in status.faults] == []
    assert status.proof.pending == 3


async def test_a_server_that_refuses_this_box_from_the_start_is_not_called_online(script: Script, dirs: Dirs):
    script.on(REGISTER, 401)
    async with agent(script.url, dirs, load_or_create(dirs.state)) as made:
        assert (await made.status.read()).server.standing == "unknown"
        await eventually(lambda: made.contact.value.standing == "refused")
        status = await made.status.read()
    assert (status.server.online, status.server.last_contact) == (False, None)
    assert set(status.server.abilities.values()) == {"yes"}


async def test_every_door_leads_to_the_same_settings_and_they_hold_after_a_start(script: Script, dirs: Dirs):
    line = ControlClient(dirs.control_socket, 10.0)
    script.on(PLAYLIST, {"playlist": None})
    script.on("/api/device/commands/7/result", {})
    async with agent(script.url, dirs, load_or_create(dirs.state)) as made:
        await eventually(lambda: listens(dirs.control_socket))
        await asyncio.to_thread(line.set, "orientation", "portrait")
        await asyncio.to_thread(line.set_timer, {"number": 2, "off": "23:00:00"})
        assert [str(timer) for timer in made.schedule.current.timers] == ["timer 2"]
        await made.commands.perform("mute", {"muted": True})
        order = {"id": "7", "type": "screen_off"}
        script.on(HEARTBEAT, {"paired": True, "is_locked": True, "pending_commands": [order]}, {"paired": True, "is_locked": True})
        await eventually(lambda: script.asked("/api/device/commands/7/result"))
        await eventually(lambda: made.lock.locked)
    async with agent(script.url, dirs, load_or_create(dirs.state)):
        await eventually(lambda: listens(dirs.control_socket))
        rows = {row["name"]: row for row in await asyncio.to_thread(line.settings)}
    asked = {name: (row["wanted"], row["asked_by"]) for name, row in rows.items() if row["asked_by"] != "the configuration"}
    assert asked == {
        "orientation": ("portrait", "the command line"), "muted": (True, "a command at the box"),
        "screen_on": (False, "a command of the server"), "locked": (True, f"the server {urlsplit(script.url).netloc}"),
    }  # fmt: skip
    told = BriefFile(dirs.brief).read()
    assert told is not None
    settings = told.settings
    assert (settings.orientation, settings.muted, settings.screen_on, settings.locked) == (Orientation.PORTRAIT, True, False, True)


async def test_a_token_for_devices_opens_the_management_api_of_the_running_agent(dirs: Dirs):
    set_up = msgspec.structs.replace(config(""), control=ControlConfig(listen="127.0.0.1:0"))
    async with Agent(set_up, dirs, load_or_create(dirs.state), STRAIGHT, lambda: None) as made, running(made.run()):
        await eventually(lambda: made.control.port, 20)
        tokens, url = TokenStore(dirs.state / "tokens.json"), f"http://127.0.0.1:{made.control.port}/v1/device"
        async with aiohttp.ClientSession() as http:
            async with http.get(url) as closed:
                assert closed.status == 404
            token, secret = tokens.create("tool", Scope.CONTROL, kind=DEVICE_KIND)
            auth = {"X-Auth": f"{token.id}:{secret}"}
            async with http.get(url, headers=auth) as answer:
                (device,) = await answer.json()
            assert len(device["uid"]) == 50
            assert device["uid"] not in (dirs.state / "identity.json").read_text()
            body = {"orientation": "PORTRAIT", "size": None}
            async with http.put(f"{url}/{device['uid']}/resolution", headers=auth, json=body) as answer:
                assert answer.status == 200
        await eventually(lambda: made.brief.current.settings.orientation is Orientation.PORTRAIT, 20)


async def test_a_pin_is_kept_at_the_cost_of_guessing_it(dirs: Dirs):
    async with agent("", dirs, load_or_create(dirs.state)) as made:
        await made.lock.command(locked=True, pin="4271")
    kept = Snapshot(dirs.state / "lock.json", LockState).read()
    assert kept is not None
    assert kept.pin is not None
    assert kept.pin.log_n == 14


async def test_another_server_begins_with_nothing_and_going_back_finds_pairing_and_commands(script: Script, dirs: Dirs):
    identity = load_or_create(dirs.state)
    script.on("/api/device/commands/7/result", {})
    script.on(HEARTBEAT, {"paired": True, "pending_commands": [{"id": "7", "type": "no_such"}]}, {"paired": True})
    async with agent(script.url, dirs, identity):
        await eventually(lambda: script.asked("/api/device/commands/7/result"))
    async with scripted_server() as other:
        other.on(REGISTER, {"paired": False, "pairing_code": "4A7X2B"})
        async with agent(other.url, dirs, identity) as made:
            assert (await made.status.read()).paired is None
            await eventually(lambda: made.brief.current.cards.pairing_code == "4A7X2B")
            assert made.commands.recent() == []
        assert other.asked(HEARTBEAT) == []
    async with agent(script.url, dirs, identity) as made:
        status = await made.status.read()
        assert (status.paired, made.brief.current.cards.device_name) == (True, "Lobby")
        assert [result.id for result in status.commands.last] == ["7"]


async def test_faults_of_both_daemons_leave_together_the_gravest_first_and_at_most_a_hundred(script: Script, dirs: Dirs):
    script.on(PLAYLIST, {"playlist": None})
    shown = [Fault("unsupported_transition", f"item {n}: a cut is used", 1.0, f"i{n}") for n in range(150)]
    server = AgentSocket(dirs.stage_socket, no_answer)
    server.tell(StageStatus(faults=(Fault("no_display", "no panel is connected", 9.0), *shown)))
    identity = load_or_create(dirs.state)
    Snapshot(dirs.state / "lock.json", LockState).write(LockState(failures=5, since=5.0))
    async with running(server.run()), agent(script.url, dirs, identity) as made:
        await eventually(lambda: made.stage.status)
        beats = len(script.asked(HEARTBEAT))
        await eventually(lambda: len(script.asked(HEARTBEAT)) > beats + 1)
        status = await made.status.read()
    told = script.asked(HEARTBEAT)[-1].body["faults"]
    assert [fault["code"] for fault in told[:3]] == ["no_display", "wrong_pin", "unsupported_transition"]
    assert len(told) == 100
    assert [fault.code for fault in status.faults] == [fault["code"] for fault in told]


async def test_without_a_server_the_status_tells_of_a_stage_that_went_and_came_back(dirs: Dirs, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)

    async def codes() -> list[str]:
        return [fault.code for fault in (await made.status.read()).faults]

    async with agent("", dirs, load_or_create(dirs.state)) as made:
        for number in range(2):
            server = AgentSocket(dirs.stage_socket, no_answer)
            server.tell(StageStatus())
            async with running(server.run()):
                await eventually(lambda: made.stage.status)
                assert await codes() == []
            await eventually(lambda: made.stage.status is None)
            assert await codes() == ["stage_away"]
            assert caplog.messages.count("the stage is not running; it is started again by itself (stage_away)") == number + 1
    assert caplog.messages.count("over: the stage is not running; it is started again by itself (stage_away)") == 1


async def test_a_programme_that_cannot_be_read_is_a_fault_until_one_can(script: Script, dirs: Dirs):
    script.on(PLAYLIST, [], {"playlist": None})
    async with agent(script.url, dirs, load_or_create(dirs.state)) as made:
        (fault,) = await eventually(lambda: made.faults.of("rounds").values())
        assert (fault.code, fault.count) == ("programme", 1)
        await eventually(lambda: not made.faults.of("rounds"))


async def test_an_alert_whose_picture_cannot_be_had_is_shown_without_it_and_says_so(script: Script, dirs: Dirs):
    fire = {"id": "a1", "title": "Fire", "severity": "extreme", "image_url": "/fire.png"}
    script.on("/fire.png", 404)
    script.on(HEARTBEAT, {"paired": True, "emergency_alerts": [fire]})
    script.on(PLAYLIST, {"playlist": None})
    async with agent(script.url, dirs, load_or_create(dirs.state)) as made:
        (fault,) = await eventually(lambda: made.faults.of("pictures of alerts").values())
        assert fault.message.startswith("alert a1 is shown without its picture: ")
        assert [alert.title for alert in made.brief.current.alerts] == ["Fire"]
        script.on(HEARTBEAT, {"paired": True, "emergency_alerts": []})
        await eventually(lambda: not made.faults.of("pictures of alerts"))


async def test_s3_on_a_read_only_disk_the_agent_starts_tells_the_server_and_carries_out_nothing(script: Script, dirs: Dirs):
    script.on(PLAYLIST, {"playlist": None})
    identity = load_or_create(dirs.state)
    async with agent(script.url, dirs, identity):
        await eventually(lambda: script.asked(HEARTBEAT))
    plays = Plays(dirs.plays, tail=None, keep_days=1, keep_bytes=1 << 20, wall=lambda: NOW, faults=fault_page())
    shown(plays, "red")
    script.on(HEARTBEAT, {"paired": True, "pending_commands": [{"id": "7", "type": "next"}], "lock_pin": "4711"})
    with read_only(dirs.state, dirs.cache):
        async with agent(script.url, dirs, load_or_create(dirs.state)) as made:
            told = await eventually(lambda: told_faults(script, "storage", "commands_refused"), 20)
            status = await made.status.read()
            await eventually(lambda: sent(script), 20)
    assert f"{dirs.state} is read-only" in told["storage"]["message"]
    assert meaning_of("storage").remedy == "make room, or replace the disk"
    assert (status.paired, status.commands.last) == (True, ())
    async with agent(script.url, dirs, identity) as made:
        script.on("/api/device/commands/7/result", {})
        await eventually(lambda: script.asked("/api/device/commands/7/result"), 20)


async def test_s3_an_alert_waits_for_no_disk_and_is_kept_as_soon_as_there_is_one(script: Script, dirs: Dirs):
    shown: list[tuple[str, ...] | None] = []

    async def stage(request: AnyRequest) -> None:
        if isinstance(request, Reread):
            shown.append(tuple(alert.title for alert in request.brief.alerts) if request.brief else None)

    script.on(PLAYLIST, {"playlist": None})
    server, identity = AgentSocket(dirs.stage_socket, stage), load_or_create(dirs.state)
    server.tell(StageStatus())
    fire = {"paired": True, "emergency_alerts": [{"id": "a1", "title": "Fire", "severity": "extreme"}]}
    async with running(server.run()), agent(script.url, dirs, identity) as made:
        await eventually(lambda: made.stage.status and made.brief.current.cards.paired, 20)
        with read_only(dirs.state):
            script.on(HEARTBEAT, fire)
            await eventually(lambda: shown[-3:] == [("Fire",)] * 3, 20)
            script.on(HEARTBEAT, {"paired": True, "emergency_alerts": []})
            await eventually(lambda: shown[-1] == (), 20)
            script.on(HEARTBEAT, fire)
            await eventually(lambda: shown[-1] == ("Fire",), 20)
        await eventually(lambda: [alert.title for alert in BriefFile(dirs.brief).read_or(StageBrief()).alerts] == ["Fire"], 20)
        await eventually(lambda: shown[-1] is None, 20)


def told_faults(script: Script, *codes: str) -> dict[str, Any]:
    """The faults of the last heartbeat by their code, once all of `codes` are among them."""
    faults = {fault["code"]: fault for fault in script.asked(HEARTBEAT)[-1].body.get("faults", [])}
    return faults if faults.keys() >= set(codes) else {}


async def test_when_an_event_was_taken_in_it_is_written_down_or_under_way(script: Script, dirs: Dirs):
    script.on(PLAYLIST, {"playlist": None})
    calm = CmsConfig(url=script.url, heartbeat_interval=0.1, poll_interval=600)
    identity = load_or_create(dirs.state)
    async with (
        Agent(msgspec.structs.replace(config(script.url), cms=calm), dirs, identity, STRAIGHT, lambda: None) as made,
        running(made.run()),
    ):
        await eventually(lambda: script.asked(PLAYLIST))
        asked = len(script.asked(PLAYLIST))
        await made.inbox.put(CommandsCame((Command("9", "no_such"),)))
        assert "9" in [body["id"] for _, body in read_journal(made.server.path / "commands")]
        assert len(script.asked(PLAYLIST)) == asked
        await made.inbox.put(ContentChanged())
        await eventually(lambda: len(script.asked(PLAYLIST)) > asked)


async def test_why_an_item_is_not_on_air_is_answered_by_the_assembled_agent(script: Script, dirs: Dirs):
    items = [{"id": 1, "content_id": 7, "name": "Page", "type": "web", "url": "http://page.example/"}]
    script.on(PLAYLIST, {"playlist": {"id": 1, "name": "Lobby", "items": items}})
    async with agent(script.url, dirs, load_or_create(dirs.state)) as made:
        await eventually(lambda: made.sync.manifest)
        (answer,) = await asyncio.to_thread(ControlClient(dirs.control_socket).why, "Page")
        assert answer["because"].startswith("not on air: the stage is not running")
        (lost,) = await asyncio.to_thread(ControlClient(dirs.control_socket).why, "nobody")
        assert lost["because"] == "not on air: no layout of the programme holds it: add it on the server"
