"""What an older version of the player left on disk: this one goes on with it, and what the older one needs stays as it reads it.

`fixtures/formats/VERSION` holds the state and the media of a device that ran that version. Each was made by running it: paired with
its own `demo` server, five items on air of which one killed the stage three times, seven commands, a lock and one wrong PIN, two
tokens, an alert; then the server was taken away, four more plays were made, and the player was stopped. Nothing was edited.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from player import __version__
from player.core import proof
from player.formats import TURNED, Formats
from player.journal_reader import read_journal
from tests.e2e.player_box import PlayerBox, until
from tests.fakes.server import Script, scripted_server

FIXTURES = Path(__file__).parent / "fixtures/formats"
VERSIONS = sorted(folder.name for folder in FIXTURES.iterdir())
DELIVERED, MADE = 9, 13  # plays that the server had, and all that were made
COMMANDS = tuple("1234567")
WORDS = ("set_volume", "identify", "show_message", "screenshot", "set_orientation", "mute", "no_such")
PIN = "4711"
REGISTER, HEARTBEAT, PLAYLIST, PLAYBACK = (f"/api/device/{name}" for name in ("register", "heartbeat", "playlist", "playback"))


@dataclass
class Device:
    """A player that was updated, the server that knows it, and the folder that its older version left."""

    box: PlayerBox
    script: Script
    left: Path

    @property
    def state(self) -> Path:
        return self.box.dirs.state

    def sent(self) -> list[dict[str, Any]]:
        return [event for one in self.script.asked(PLAYBACK) for event in one.body["events"]]

    def results(self, command: str) -> list[dict[str, Any]]:
        return [one.body for one in self.script.asked(f"/api/device/commands/{command}/result")]

    def commands(self) -> list[list[dict[str, Any]]]:
        """The records of each journal of commands, wherever it is: the older version's, and what this one made of it."""
        folders = {path.parent for path in self.state.rglob("commands/*.log")}
        return [[body for _, body in read_journal(folder)] for folder in folders]


def body(path: Path) -> Any:
    """What a snapshot holds."""
    return json.loads(path.read_bytes())["body"]


def playlist(left: Path) -> dict[str, Any]:
    """The server's answer for the programme that the older version had on air."""
    region = body(left / "state/manifest.json")["layout"]["regions"][0]
    items = [
        {
            "id": item["id"], "content_id": item["content_id"], "name": item["name"], "type": item["kind"],
            "duration": item["duration_s"], "order": number, "url": item["url"], "file_hash": item["file_hash"],
            "download_url": f"/media/{item['content_id']}" if item["file"] else None,
        }
        for number, item in enumerate(region["playlist"]["items"])
    ]  # fmt: skip
    told = {"id": "1", "name": "Day", "transition": "crossfade", "schedule_id": "1", "items": items}
    return {"playlist": told, "content_to_delete": [], "show_watermark": True}


@contextlib.asynccontextmanager
async def updated(left: Path, folder: Path, *, confirmed: bool = False, online: bool = True) -> AsyncIterator[Device]:
    """The device, running this version on a copy of what the older one left, at a server that answers as the one before did."""
    for name in ("state", "cache"):
        shutil.copytree(left / name, folder / name)
    for path in (folder / "state").rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    deaths = folder / "state/stage/deaths.json"  # its instant has passed long ago: moved on, so that it counts
    kept = body(deaths)
    kept["until"] = dict.fromkeys(kept["until"], time.time() + 3600)
    deaths.write_text(json.dumps({"format": 1, "body": kept}))
    async with scripted_server() as script:
        script.on(REGISTER, {"paired": True, "device_name": "Foyer", "is_locked": True, "lock_pin": PIN})
        again = [{"id": name, "type": word, "payload": {}} for name, word in zip(COMMANDS, WORDS, strict=True)]
        alert = {"id": "1", "title": "Lift out of order", "message": "Please take the stairs", "severity": "minor"}
        answer = {"paired": True, "is_locked": True, "lock_pin": PIN, "emergency_alerts": [alert]}
        script.on(HEARTBEAT, {**answer, "pending_commands": again}, answer)
        script.on(PLAYLIST, playlist(left))
        if not online:
            script.answers.clear()
        if confirmed:
            Formats(folder / "state", __version__).confirm()
        script.on(PLAYBACK, {})
        for command in COMMANDS:
            script.on(f"/api/device/commands/{command}/result", {})
        box = PlayerBox(folder, script.url, SIGNAGE__STAGE__BACKEND="none")
        await box.start()
        try:
            yield Device(box, script, left)
        finally:
            await box.stop()


@pytest.fixture(params=VERSIONS)
async def device(request: pytest.FixtureRequest, runtime_dir: Path) -> AsyncIterator[Device]:
    async with updated(FIXTURES / request.param, runtime_dir) as made:
        yield made


async def test_pairing_name_settings_and_what_plays_are_there_at_once(device: Device):
    status = await device.box.until(lambda s: s["paired"] and s["state"] == "playing", "content, as it was")
    assert status["uuid8"] == body(device.left / "state/identity.json")["uuid"][:8]
    assert (status["stage"]["orientation"], status["now"]["playlist"]) == ("portrait", "Day")
    await until("a heartbeat", lambda: _true(bool(device.script.asked(HEARTBEAT))))
    assert (await device.box.until(lambda s: s["server"]["online"]))["paired"]
    assert {one.body["uuid"] for one in device.script.asked(HEARTBEAT)} == {body(device.left / "state/identity.json")["uuid"]}
    settings = body(device.state / "orders.json")
    before = body(device.left / "state/orders.json")
    kept = ("paired", "device_name", "orientation", "volume", "muted", "locked", "screen_on", "alerts")
    assert {name: settings[name] for name in kept} == {name: before[name] for name in kept}


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_was_on_air_plays_without_a_server(runtime_dir: Path, version: str):
    async with updated(FIXTURES / version, runtime_dir, online=False) as device:
        status = await device.box.until(lambda s: s["state"] == "playing" and s["now"]["items"], "content")
        assert (status["paired"], status["manifest"]["items"]) == (True, 5)
        await until("a whole round", lambda: _true(len(device.box.plays()) >= MADE + 4))
        names = {play["name"] for play in device.box.plays()[MADE:]}
    assert names == {"Welcome", "Trailer", "Menu", "Board"}


async def test_no_file_is_fetched_again_and_an_item_that_was_kept_off_stays_off(device: Device):
    await device.box.until(lambda s: s["server"]["online"])
    await until("the programme was asked for twice", lambda: _true(len(device.script.asked(PLAYLIST)) >= 2))
    status = await device.box.until(lambda s: s["manifest"]["assets_ready"] == 4, "all files are ready")
    assert [one.path for one in device.script.seen if one.path.startswith("/media/")] == []
    assert [fault["item_id"] for fault in status["faults"] if fault["code"] == "quarantined"] == ["1"]
    files = {
        path.relative_to(device.left): path.stat() for path in (device.left / "cache").rglob("*.*") if path.name != "index.json"
    }
    here = {path: (device.box.dirs.cache.parent / path).stat() for path in files}
    assert len(files) == 7
    assert {path for path, was in files.items() if here[path].st_mtime_ns != was.st_mtime_ns} == set(), "nor prepared again"


async def test_no_play_is_lost_or_sent_twice_and_the_chain_goes_on(device: Device):
    before = [play for _, play in read_journal(device.left / "state/stage/plays")]
    assert len(before) == MADE
    await until("another play was sent", lambda: _true(len(device.sent()) > MADE - DELIVERED))
    sent = device.sent()
    assert [play["seq"] for play in sent] == list(range(DELIVERED + 1, DELIVERED + 1 + len(sent)))
    assert [play["id"] for play in sent[: MADE - DELIVERED]] == [play["id"] for play in before[DELIVERED:]]
    assert proof.verify([*before[:DELIVERED], *sent]) == []


async def test_a_command_that_ran_does_not_run_again_and_its_result_is_told_as_it_was(device: Device):
    was = {
        record["id"]: record["result"] for _, record in read_journal(device.left / "state/commands") if record["what"] == "finished"
    }
    await until("all are answered", lambda: _true(all(device.results(command) for command in COMMANDS)))
    assert [device.results(command)[0]["message"] for command in COMMANDS] == [was[command]["message"] for command in COMMANDS]
    for records in device.commands():
        assert [record["id"] for record in records if record["what"] == "started"].count("5") == 1


async def test_the_lock_its_pin_and_the_tokens_hold(device: Device):
    await device.box.until(lambda s: s["paired"])
    await asyncio.sleep(1.1)  # the pause after the wrong one of before, which counts
    code, _, said = await device.box.say("unlock", "--pin", "0000")
    assert (code, "PIN" in said) == (4, True)
    assert body(device.state / "lock.json")["failures"] == 2
    _, tokens, _ = await device.box.say("token", "list")
    assert ("tablet" in tokens, "control" in tokens) == (True, True)


async def test_an_older_version_that_comes_back_finds_what_it_needs_and_the_plays_made_in_between(device: Device):
    await until("a play was made", lambda: _true(len(device.box.plays()) > MADE))
    await device.box.until(lambda s: s["server"]["online"])
    await device.box.stop()
    for name, shape in OLD[device.left.name].items():
        assert isinstance(msgspec.convert(body(_anywhere(device, name)), shape), shape), name
    manifest = msgspec.convert(body(device.state / "manifest.json"), OldManifest)
    shown = [item.file for region in manifest.layout.regions for item in region.playlist.items if item.file]
    assert len(shown) == 4
    assert [file for file in shown if not (device.box.dirs.cache / file).is_file()] == []
    assert body(device.state / "identity.json") == body(device.left / "state/identity.json")
    orders = msgspec.convert(body(device.state / "orders.json"), OldOrders)
    assert (orders.paired, orders.device_name, orders.orientation, orders.volume) == (True, "Foyer", "portrait", 35)
    cursor = msgspec.convert(body(device.state / "plays-cursor.json"), OldCursor)
    plays = [play for _, play in read_journal(device.state / "stage/plays", cursor.through)]
    assert cursor.through >= DELIVERED
    assert [play["seq"] for play in plays] == list(range(cursor.through + 1, cursor.through + 1 + len(plays)))
    for _, record in read_journal(device.state / "commands"):
        msgspec.convert(record, OldCommandRecord)
    ran = {record["id"] for _, record in read_journal(device.state / "commands") if record["what"] == "finished"}
    assert ran >= set(COMMANDS), "no command would run again"


@pytest.mark.parametrize("confirmed", [False, True])
@pytest.mark.parametrize("version", VERSIONS)
async def test_older_files_stay_until_this_version_is_confirmed(runtime_dir: Path, version: str, confirmed: bool):
    async with updated(FIXTURES / version, runtime_dir, confirmed=confirmed) as device:
        await until("plays are sent", lambda: _true(len(device.sent()) > MADE - DELIVERED))
        await device.box.stop()
        await device.box.start()  # which is when they go
        await device.box.until(lambda s: s["state"] == "playing")
        turned = [
            name for name, became in TURNED.items() if any(device.state.glob(became)) and (device.left / "state" / name).exists()
        ]
        assert {name: (device.state / name).exists() for name in turned} == dict.fromkeys(turned, not confirmed)
        kept = [device.state / name for name in turned if (device.left / "state" / name).is_file() and not confirmed]
        assert [path.name for path in kept if path.read_bytes() != (device.left / "state" / path.name).read_bytes()] == []


class TestFormats:
    """The rule itself, without a player."""

    def test_older_files_go_once_the_version_is_confirmed_and_their_turned_ones_are_there(self, tmp_path: Path):
        for name in ("old.json", "alone.json"):
            (tmp_path / name).write_text("{}")
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder/1.log").write_text("")
        for key in ("a/new.json", "b/logs/1.log"):
            (tmp_path / key).parent.mkdir(parents=True)
            (tmp_path / key).write_text("{}")
        turned = {"old.json": "*/new.json", "folder": "*/logs", "alone.json": "none.json", "never.json": "a/new.json"}
        formats = Formats(tmp_path, "2", turned)
        formats.tidy()
        assert (tmp_path / "old.json").exists()
        Formats(tmp_path, "1", turned).confirm()
        formats.tidy()
        assert (formats.confirmed, (tmp_path / "old.json").exists()) == (False, True), "another version was"
        formats.confirm()
        formats.tidy()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "alone.json", "b", "confirmed.json"]

    def test_a_player_that_nobody_installed_is_confirmed_by_running_for_seven_days(self, tmp_path: Path):
        formats = Formats(tmp_path, "2")
        for _ in range(6):
            Formats(tmp_path, "2").ran(86400.0)
            assert not formats.confirmed
        Formats(tmp_path, "3").ran(10 * 3600.0)
        formats.ran(6.5 * 86400.0)
        assert not formats.confirmed, "another version ran in between"
        formats.ran(86400.0)
        assert formats.confirmed
        formats.ran(1.0)
        assert formats.confirmed


async def _true(holds: bool) -> bool:
    return holds


def _anywhere(device: Device, name: str) -> Path:
    return (device.box.dirs.cache if name == "index.json" else device.state) / name


# --- what version 0.1.0 reads, as far as it needs it: fields without a default, and those that it would misread


class OldItem(msgspec.Struct):
    id: str
    content_id: str
    name: str
    kind: str
    duration_s: float
    file: str | None = None
    url: str | None = None
    asset: str | None = None


class OldPlaylist(msgspec.Struct):
    id: str
    name: str
    items: list[OldItem]


class OldRegion(msgspec.Struct):
    id: str
    rect: dict[str, int]
    playlist: OldPlaylist


class OldLayout(msgspec.Struct):
    id: str
    width: int
    height: int
    regions: list[OldRegion]


class OldManifest(msgspec.Struct):
    version: str
    layout: OldLayout
    watermark: bool = False
    assets: int = 0


class OldOrders(msgspec.Struct):
    paired: bool = False
    pairing_code: str | None = None
    device_name: str | None = None
    locked: bool = False
    orientation: str = "landscape"
    screen_on: bool = True
    brightness: int | None = None
    volume: int | None = None
    muted: bool = False
    alerts: list[dict[str, Any]] = []
    time_zone: str | None = None


class OldCursor(msgspec.Struct):
    through: int = 0
    recent: list[tuple[int, str]] = []
    refused: int = 0
    refused_since: float = 0.0
    last_sent: float | None = None


class OldCommand(msgspec.Struct):
    id: str
    type: str
    payload: dict[str, Any]
    created_at: float | None = None
    expires_at: float | None = None


class OldResult(msgspec.Struct):
    id: str
    type: str
    status: str
    message: str
    started_at: float
    finished_at: float
    result: dict[str, Any] = {}


class OldCommandRecord(msgspec.Struct):
    what: str
    id: str
    at: float
    boot_id: str = ""
    command: OldCommand | None = None
    result: OldResult | None = None


class OldLock(msgspec.Struct):
    pin: dict[str, Any] | None = None
    failures: int = 0
    since: float = 0.0
    server_locked: bool | None = None


class OldIdentity(msgspec.Struct):
    uuid: str
    seed: str


class OldDeaths(msgspec.Struct):
    counts: dict[str, int] = {}
    until: dict[str, float] = {}


class OldDerived(msgspec.Struct):
    panel: str
    kind: str
    file: str
    size: int = 0
    pages: list[str] = []


class OldStored(msgspec.Struct):
    sha256: str
    size: int
    file: str
    mtime_ns: int
    name: str = ""
    contents: list[str] = []
    derived: list[OldDerived] = []


class OldIndex(msgspec.Struct):
    files: dict[str, OldStored] = {}
    names: dict[str, str] = {}


OLD: dict[str, dict[str, type[msgspec.Struct]]] = {
    "0.1.0": {
        "identity.json": OldIdentity, "identity.backup.json": OldIdentity, "manifest.json": OldManifest, "orders.json": OldOrders,
        "lock.json": OldLock, "plays-cursor.json": OldCursor, "stage/deaths.json": OldDeaths, "index.json": OldIndex,
    }
}  # fmt: skip


def test_the_highest_version_that_stayed_is_kept_when_a_lower_one_runs(tmp_path: Path) -> None:
    assert Formats(tmp_path, "1.0").highest == ""
    Formats(tmp_path, "1.10").ran(1.0)
    assert Formats(tmp_path, "1.10").highest == "", "it did not stay yet"
    Formats(tmp_path, "1.10").confirm()
    Formats(tmp_path, "1.9").ran(1.0)
    Formats(tmp_path, "1.9").confirm()
    assert Formats(tmp_path, "1.9").highest == "1.10"
    assert Formats(tmp_path, "1.9").confirmed


def test_what_was_confirmed_before_the_highest_was_kept_counts(tmp_path: Path) -> None:
    (tmp_path / "confirmed.json").write_text('{"format": 1, "body": {"version": "0.2.0", "ran_s": 0.0, "confirmed": true}}')
    assert Formats(tmp_path, "0.1.0").highest == "0.2.0"
