"""The command line as a person or a script meets it: every command, its help, its exit code, its sentence."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.agent.control.access import Scope, TokenStore
from player.agent.control.certificate import fingerprint
from player.agent.reports.status import ServerContact
from player.cli.arguments import make_parser
from player.cli.play import Intake
from player.cli.questions import in_words
from player.cli.spans import BadSpan, age, since
from player.core.contact import Contact, Standing
from player.core.content import Item, Playlist, full_screen
from player.core.cover import StageState
from player.core.kinds import Kind
from player.core.ports.stage import StageStatus
from player.core.proof import GENESIS, digest
from player.errors import (
    CaptivePortal,
    ContentError,
    NameUnknown,
    NotOffered,
    ServerBusy,
    ServerDenied,
    ServerError,
    ServerNonsense,
    ServerUnreachable,
    ServerUntrusted,
    StorageError,
)
from player.identity import Identity, load_or_create
from player.journal import Journal
from player.launch.supervisor import STOP_S
from player.media.store.index import Index, Stored
from player.programme_file import ProgrammeFile
from player.store import Snapshot
from tests.fakes.brief import brief
from tests.fakes.control import control_server
from tests.fakes.local_controls import JPEG, PNG, FakeActions, FakeSource, status
from tests.fakes.programmes import manifest_of

COMMANDS = (
    "run", "agent", "stage", "compositor", "demo", "play", "status", "screenshot", "pair", "lock", "unlock",
    "why", "settings", "get", "set", "doctor", "support-bundle", "cache", "proof", "token", "update", "timer",
    "trigger",
)  # fmt: skip


class Box:
    """A box of its own: folders, environment, and the command line on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state, self.cache, self.runtime = folder, folder / "state", folder / "cache", folder / "run"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "SIGNAGE__STORAGE__STATE_DIR": str(self.state),
            "SIGNAGE__STORAGE__CACHE_DIR": str(self.cache),
            "SIGNAGE__STORAGE__RUNTIME_DIR": str(self.runtime),
            "SIGNAGE__STAGE__BACKEND": "none",
        }
        self.state.mkdir()

    def __call__(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "player", *arguments]
        environment = self.environment | more
        return subprocess.run(command, env=environment, cwd=self.folder, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


class Running:
    """A served control API on the box's control socket, in a thread with a loop of its own."""

    def __init__(self, box: Box) -> None:
        self.source, self.actions = FakeSource(), FakeActions()
        self._server = control_server(
            box.state, source=self.source, actions=self.actions, socket_path=box.runtime / "control.sock", listen=""
        )
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        import asyncio

        async def serve() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            async with self._server.serving():
                self._ready.set()
                await self._stop.wait()

        asyncio.run(serve())

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


@pytest.fixture
def running(box: Box) -> Iterator[Running]:
    with Running(box) as served:
        yield served


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            make_parser().parse_args([command, "--help"])
        assert ended.value.code == 0
        text = capsys.readouterr().out
        assert f"signage-player {command}" in text.split("example:")[1], command


def test_the_help_of_the_whole_names_commands_and_exit_codes(box: Box) -> None:
    done = box("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert command in done.stdout
    assert "3 no player running" in " ".join(done.stdout.split())
    assert box("--version").stdout.startswith("signage-player ")


@pytest.mark.parametrize("command", ["run", "agent", "status", "doctor"])
def test_a_wrong_configuration_is_exit_code_2_and_names_file_and_key(box: Box, command: str) -> None:
    path = box.folder / "wrong.toml"
    path.write_text("[cms]\nurll = 'x'")
    done = box(command, "--config", str(path))
    assert done.returncode == 2
    assert done.stderr == f"signage-player: {path}: cms.urll: there is no such key; did you mean cms.url?\n"


@pytest.mark.parametrize(
    "words",
    [
        ["--config", "?", "status"], ["status", "--config", "?"], ["--config", "?", "run"], ["run", "--config=?"],
        ["--config", "?", "token", "list"], ["token", "--config", "?", "list"], ["token", "list", "--config", "?"],
        ["proof", "export", "--config", "?", "--since", "7d"], ["cache", "list", "--config", "?"],
    ],
)  # fmt: skip
def test_the_configuration_may_be_named_before_a_command_and_after_it(box: Box, words: list[str]) -> None:
    path = box.folder / "wrong.toml"
    path.write_text("[cms]\nurll = 'x'")
    done = box(*(word.replace("?", str(path)) for word in words))
    assert done.returncode == 2
    assert done.stderr.startswith(f"signage-player: {path}: cms.urll: ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["demo", "--screens", "0"], 'argument --screens: expected a whole number from 1 to 16, found "0"'),
        (["demo", "--screens", "two"], 'argument --screens: expected a whole number from 1 to 16, found "two"'),
        (["demo", "--port", "70000"], 'argument --port: expected a whole number from 0 to 65535, found "70000"'),
        (["play", "--seconds", "0", "a.png"], 'argument --seconds: expected a number of seconds above 0, found "0"'),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_with_its_range(box: Box, words: list[str], sentence: str) -> None:
    done = box(*words)
    assert done.returncode == 2
    assert sentence in done.stderr


@pytest.mark.parametrize("command", ["agent", "status", "doctor"])
def test_a_server_that_is_not_spoken_is_refused_by_every_command_alike(box: Box, command: str) -> None:
    path = box.folder / "wrong.toml"
    path.write_text("[cms]\nkind = 'adcats'\nurl = 'https://cms.example.com'")
    done = box(command, "--config", str(path))
    assert done.returncode == 2
    assert done.stderr == (f'signage-player: {path}: cms.kind: this version does not speak "adcats"; did you mean "adcast"?\n')


@pytest.mark.parametrize(
    ("standing", "abilities", "says"),
    [
        (
            Standing.NONE,
            {"plays": "no: no server is configured"},
            ["server        none is configured (cms.url)", "no, there is no server"],
        ),
        (Standing.REFUSED, {"plays": "yes"}, ["refuses this box, spot https://x, never reached"]),
        (
            Standing.UNKNOWN,
            {"plays": "no: it has no path"},
            ["not heard of since the start", "not offered   plays: it has no path"],
        ),
    ],
)
def test_status_says_how_it_stands_with_the_server(standing: Standing, abilities: dict[str, str], says: list[str]) -> None:
    told = msgspec.to_builtins(replace(status(), server=ServerContact("spot", "https://x", False, None, standing, abilities)))
    words = in_words(told)
    for part in says:
        assert part in words
    assert "away" not in words


URL = "https://cms.example.com"
REFUSALS = (
    ServerUnreachable(URL, "no route"), ServerUnreachable(URL, "a pause", retry_after_s=5.0), NameUnknown(URL, "no such name"),
    ServerUntrusted(URL, "its certificate"), ServerDenied(URL, "401"), NotOffered(URL, "404"), ServerBusy(URL, "503"),
    ServerNonsense(URL, "HTML"), CaptivePortal(URL, "a log-in page"),
)  # fmt: skip


@given(st.lists(st.one_of(st.sampled_from(REFUSALS), st.floats(1e9, 2e9)), max_size=6))
def test_status_never_says_online_of_a_server_that_was_never_reached(happened: list[ServerError | float]) -> None:
    contact = Contact()
    for event in happened:
        contact = contact.missed(event) if isinstance(event, ServerError) else contact.reached(event, None)
    server = ServerContact("adcast", URL, contact.online, contact.last_contact, contact.standing, {})
    (line,) = (line for line in in_words(msgspec.to_builtins(replace(status(), server=server))).splitlines() if URL in line)
    assert ("never reached" in line) == (not any(isinstance(event, float) for event in happened))
    assert "never reached" not in line or "online" not in line


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["screenshot", "x.png"],
        ["pair"],
        ["lock", "--pin", "4711"],
        ["unlock", "--pin", "4711"],
        ["settings"],
        ["timer", "list"],
        ["why"],
        ["get", "volume"],
        ["set", "volume", "35"],
    ],
)
def test_without_a_player_it_is_exit_code_3(box: Box, command: list[str]) -> None:
    done = box(*command)
    assert done.returncode == 3
    assert "no player is running here" in done.stderr
    assert "signage-player run" in done.stderr


def test_status_in_words_and_as_json(box: Box, running: Running) -> None:
    words = box("status")
    assert words.returncode == 0
    for part in ("playing", "Summer (video in main, 3 of 30 s)", "online, adcast https://cms.example.com", "unplayable"):
        assert part in words.stdout
    assert json.loads(box("status", "--json").stdout)["now"]["items"][0]["name"] == "Summer"


def test_status_watch_goes_on_until_ctrl_c(box: Box, running: Running) -> None:
    command = [sys.executable, "-m", "player", "status", "--watch", "--json"]
    with subprocess.Popen(command, env=box.environment, stdout=subprocess.PIPE, text=True) as watch:
        assert watch.stdout
        assert [json.loads(watch.stdout.readline())["state"] for _ in range(2)] == ["playing", "playing"]
        watch.send_signal(signal.SIGINT)
        assert watch.wait(30) == 130


def test_a_trigger_is_tried_with_a_recorded_message(box: Box) -> None:
    seen = {"broadcast": {"id": 7, "channel": "one"}, "timings": {"detected": 5}, "ad": {"brand": "Alfa Romeo", "duration": 20}}
    path, config = box.folder / "message.json", box.folder / "config.toml"
    path.write_text(json.dumps({"messages": [{"push_type": "broadcast", "message": seen}, {"push_type": "weather"}]}))
    rules = (("second", 'brand = ["alfa*"]'), ("first", 'channel = ["one"]\npriority = 5'), ("fiat", 'brand = ["fiat"]'))
    config.write_text("".join(f'[[trigger]]\nname = "{name}"\nshow = "content:9"\n{more}\n' for name, more in rules))
    done = box("trigger", "test", str(path), SIGNAGE_CONFIG=str(config))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "Alfa Romeo on one (spotwatch 7)", "  first: fires: shows content:9", "  second: fits, but another fires: shows content:9",
        '  fiat: does not fit: its brand is "Alfa Romeo", and not "fiat"', "no broadcast: a message of the sort weather",
    ]  # fmt: skip
    path.write_text("{")
    assert box("trigger", "test", str(path), SIGNAGE_CONFIG=str(config)).returncode == 1
    assert "write a table [[trigger]]" in box("trigger", "test", str(path)).stderr


def test_why_in_words_and_as_json(box: Box, running: Running) -> None:
    words = box("why").stdout
    assert words.splitlines()[0] == "Summer <b> (42 in full): on screen now; the rule always puts it on air"
    assert box("why", "2").stdout == "Winter (43 in cold): not on air: no rule puts the layout cold on air: give it a schedule\n"
    assert [answer["item_id"] for answer in json.loads(box("why", "--json").stdout)] == ["1", "2"]
    assert "no programme" in box("why", "3").stdout


def test_a_screenshot_is_png_or_jpeg_by_its_suffix(box: Box, running: Running) -> None:
    assert box("screenshot", "now.png").returncode == 0
    assert (box.folder / "now.png").read_bytes() == PNG
    assert box("screenshot", "now.JPG").returncode == 0
    assert (box.folder / "now.JPG").read_bytes() == JPEG
    wrong = box("screenshot", "now.bmp")
    assert wrong.returncode == 1
    assert "end it in .png or .jpg" in wrong.stderr


def test_settings_are_a_table_of_what_is_wanted_and_found_and_who_asked(box: Box, running: Running) -> None:
    lines = box("settings").stdout.splitlines()
    assert lines[0].split() == ["setting", "wanted", "found", "asked", "for", "by", "when", "takes"]
    row = "volume   35      34     the server <cms>  2023-11-14 22:13 UTC  a number from 0 to 100"
    assert " ".join(lines[1].split()) == " ".join(row.split())
    assert lines[2] == "volume is not in effect: no sink"
    assert json.loads(box("settings", "--json").stdout)[0]["range"] == "a number from 0 to 100"
    assert box("get", "volume").stdout == "35\n"
    assert box("get").stdout.startswith("volume 35\n")


def test_timers_are_set_listed_and_removed(box: Box, running: Running) -> None:
    assert box("timer", "list").stdout == "there are no timers: the screen stays as it is\n"
    done = box("timer", "set", "1", "--on", "8:00", "--off", "20:30", "--days", "fri-mon,wed", "--volume", "40")
    assert done.stdout == "timer 1 is set: on from 08:00, off from 20:30; mon, wed, fri, sat, sun, at volume 40\n", done.stderr
    assert box("timer", "set", "1", "--level", "proprietary", "--off", "23:00").returncode == 0
    (first, second) = json.loads(box("timer", "list", "--json").stdout)
    assert first == {"number": 1, "level": "native", "on": "08:00:00", "off": "20:30:00", "days": [1, 3, 5, 6, 7], "volume": 40}
    assert (second["level"], second["on"], second["off"], second["days"]) == (
        "proprietary",
        None,
        "23:00:00",
        [1, 2, 3, 4, 5, 6, 7],
    )
    assert "1      proprietary  off from 23:00; every day" in box("timer", "list").stdout
    assert box("timer", "remove", "1").stdout == "timer 1 is removed\n"
    assert [timer.level for timer in running.actions.schedule.timers] == ["proprietary"]
    for wrong, words, code in (
        (("set", "1"), "a timer has a time to switch on (--on), or one to switch off (--off)", 1),
        (("set", "1", "--on", "25:00"), 'expected a time of the day such as "08:00", found "25:00"', 2),
        (("set", "1", "--on", "8:00", "--days", "mon-foo"), 'expected days such as "mon-fri,sun", found "mon-foo"', 2),
        (("set", "8", "--on", "8:00"), "expected a whole number from 1 to 7", 2),
    ):
        done = box("timer", *wrong)
        assert (done.returncode, words in done.stderr) == (code, True), done.stderr


def test_a_setting_is_asked_for_or_refused_with_the_reason(box: Box, running: Running) -> None:
    assert box("set", "volume", "40").returncode == 0
    assert running.actions.done == [("volume for the command line", 40)]
    for arguments, reason in (
        (("set", "volume", "140"), "volume: must be a number from 0 to 100, found '140'"),
        (("set", "volum", "40"), "volum: there is no such setting; did you mean volume?"),
        (("get", "volum"), "volum: there is no such setting; did you mean volume?"),
        (("set", "brightness", "40"), "panel: this box has no backlight"),
    ):
        done = box(*arguments)
        assert done.returncode == 1
        assert done.stderr == f"signage-player: {reason}\n"


def test_pair_tells_the_code_or_that_none_is_needed(box: Box, running: Running) -> None:
    assert "already paired with https://cms.example.com" in box("pair").stdout
    running.source.value = status(brief=brief(paired=False, pairing_code="4A7X2B"), stage=StageStatus(state=StageState.PAIRING))
    assert box("pair").stdout == "4A7X2B\n"


def test_a_wrong_pin_is_exit_code_4(box: Box, running: Running) -> None:
    assert box("lock", "--pin", "4711").returncode == 0
    wrong = box("unlock", "--pin", "0000")
    assert (wrong.returncode, wrong.stderr) == (4, "signage-player: wrong PIN; try again in 30 s\n")
    assert box("unlock", "--pin", "4711").stdout == "unlocked\n"
    assert running.actions.done == [("lock", "4711"), ("unlock", "4711")]


def test_l5_a_pin_that_comes_too_soon_after_wrong_ones_is_not_called_wrong(box: Box, running: Running) -> None:
    running.actions.pause_s = 12.0
    done = box("unlock", "--pin", "4711")
    assert (done.returncode, done.stderr) == (
        4, "signage-player: this PIN was not looked at, because wrong ones were entered before; try again in 12 s\n",
    )  # fmt: skip


def test_tokens_are_made_listed_and_revoked(box: Box) -> None:
    made = box("token", "create", "--name", "phone", "--scope", "read", "--expires", "30d")
    assert made.returncode == 0
    secret = made.stdout.splitlines()[0]
    store = TokenStore(box.state / "tokens.json")
    assert store.scope_of(secret) is Scope.READ
    token = store.tokens()[0]
    assert token.expires_at
    assert abs(token.expires_at - time.time() - 30 * 86400) < 60
    listed = box("token", "list").stdout
    assert "phone" in listed
    assert secret not in listed
    assert box("token", "revoke", token.id).returncode == 0
    assert store.scope_of(secret) is Scope.NONE
    again = box("token", "revoke", token.id)
    assert again.returncode == 1
    assert f"there is no token {token.id}" in again.stderr


def test_a_token_for_devices_comes_with_an_address_a_certificate_and_five_lines_for_node(box: Box) -> None:
    tls = {"SIGNAGE__CONTROL__TLS_LISTEN": "127.0.0.1:8443"}
    made = box("token", "create", "--kind", "device", "--name", "tool", **tls).stdout
    token_id, _, secret = made.splitlines()[0].removeprefix("X-Auth").strip().partition(":")
    token = TokenStore(box.state / "tokens.json").managing(token_id, secret)
    assert (token.name, token.scope) == ("tool", "control") if token else False
    own = box.state / "tls/certificate.pem"
    for words in ("https://127.0.0.1:8443", fingerprint(own), f"NODE_EXTRA_CA_CERTS={own}", f'secret: "{secret}"'):
        assert words in made
    before = own.read_bytes()
    assert box("token", "create", "--kind", "device", "--name", "other", **tls).returncode == 0
    assert own.read_bytes() == before
    assert "device" in box("token", "list").stdout


def store_file(box: Box, content: bytes, name: bytes | None = None) -> str:
    digest_ = hashlib.sha256(content if name is None else name).hexdigest()
    path = box.cache / "media" / digest_[:2] / f"{digest_}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return digest_


def test_cache_verify_finds_what_is_damaged(box: Box) -> None:
    store_file(box, b"whole")
    assert box("cache", "verify").returncode == 0
    bad = store_file(box, b"flipped", name=b"as it was")
    done = box("cache", "verify")
    assert done.returncode == 1
    assert f"damaged: {box.cache}/media/{bad[:2]}/{bad}.mp4" in done.stdout
    assert "2 files checked, 1 damaged; they are set aside" in done.stdout
    assert box("cache", "verify").stdout == "1 files checked, 0 damaged\n"


def test_cache_prune_keeps_what_is_on_air(box: Box) -> None:
    kept, gone = store_file(box, b"kept"), store_file(box, b"gone")
    item = Item("1", "1", "Film", Kind.VIDEO, 0.0, file=f"media/{kept[:2]}/{kept}.mp4", asset=kept)
    ProgrammeFile(box.state).write(manifest_of(full_screen(Playlist("p", "P", (item,)))))
    listed = box("cache", "list").stdout
    assert "2 files, 8 bytes" in listed
    (line,) = (line for line in listed.splitlines() if "on air" in line)
    assert line.endswith(".mp4   Film")
    assert "1 files removed, 4 bytes freed" in box("cache", "prune").stdout
    assert [path.stem for path in box.cache.glob("media/*/*")] == [kept]
    assert gone != kept


def test_cache_lists_files_by_the_names_that_the_server_gave_them(box: Box) -> None:
    kept = store_file(box, b"kept")
    stored = Stored(kept, 4, f"media/{kept[:2]}/{kept}.mp4", 0, "Autumn sale")
    Snapshot(box.cache / "index.json", Index).write(Index({kept: stored}))
    (line, _) = box("cache", "list").stdout.splitlines()
    assert line.split(maxsplit=4) == [f"{kept[:16]}…", "4", "-", ".mp4", "Autumn sale"]


@pytest.mark.root
def test_as_root_the_store_is_worked_on_as_the_players_user(short_box: Box) -> None:
    box = short_box
    gone = store_file(box, b"gone")
    for path in (box.folder, box.cache, *box.cache.rglob("*")):
        shutil.chown(path, "signage", "signage")
    assert "1 files removed" in box("cache", "prune").stdout
    assert gone not in {path.stem for path in box.cache.rglob("*")}
    assert {path.owner() for path in box.cache.rglob("*")} == {"signage"}


def test_cache_prune_beside_a_running_player_leaves_what_is_fresh(box: Box, running: Running) -> None:
    store_file(box, b"for the manifest that is being made")
    assert box("cache", "prune").stdout == "0 files removed, 0 bytes freed\n"
    assert len(list(box.cache.glob("media/*/*"))) == 1


def write_plays(box: Box, count: int, first: float = 1_700_000_000.0, name: str = "Film") -> None:
    from datetime import UTC, datetime

    journal, prev = Journal(box.state / "stage" / "plays"), GENESIS
    for seq in range(1, count + 1):
        at = datetime.fromtimestamp(first + seq * 86400, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event: dict[str, Any] = {
            "id": f"id{seq}",
            "seq": seq,
            "name": name,
            "started_at": at,
            "ended_at": at,
            "result": "complete",
            "prev": prev,
        }
        event["hash"] = prev = digest(event)
        journal.append(event)
    journal.close()


def test_proof_export_and_verify(box: Box) -> None:
    write_plays(box, 5)
    exported = box("proof", "export")
    *events, closing = [json.loads(line) for line in exported.stdout.splitlines()]
    assert [event["seq"] for event in events] == [1, 2, 3, 4, 5]
    assert (closing["count"], closing["first_hash"], closing["last_hash"]) == (5, events[0]["hash"], events[4]["hash"])
    plays = box.folder / "plays.jsonl"
    plays.write_text(exported.stdout)
    done = box("proof", "verify", str(plays))
    assert done.returncode == 0
    assert "5 events" in done.stdout
    assert "the chain holds" in done.stdout


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda events: events[1].update(result="failed"), "event 2: the event was altered"),
        (lambda events: events.pop(2), "event 4: events are missing between 2 and 4"),
    ],
)
def test_proof_verify_shows_edits_and_gaps(box: Box, spoil: Callable[[list[Any]], Any], reason: str) -> None:
    write_plays(box, 4)
    events = [json.loads(line) for line in box("proof", "export").stdout.splitlines()]
    spoil(events)
    plays = box.folder / "plays.jsonl"
    plays.write_text("\n".join(json.dumps(event) for event in events))
    done = box("proof", "verify", str(plays))
    assert done.returncode == 1
    assert reason in done.stdout


def test_proof_is_signed_by_the_box_and_another_key_shows(box: Box) -> None:
    write_plays(box, 5)
    key = load_or_create(box.state).public_key
    plays = box.folder / "plays.jsonl"
    plays.write_text(box("proof", "export").stdout)
    assert b64decode(box("proof", "key").stdout) == key
    assert "signatures checked" in box("proof", "verify", str(plays)).stdout
    other = b64encode(Identity("x", b"y" * 32).public_key).decode()
    done = box("proof", "verify", str(plays), "--key", other)
    assert done.returncode == 1
    assert "event 1: its signature is not by this key" in done.stdout
    assert "the closing record: its signature is not by this key" in done.stdout
    events = plays.read_text().splitlines(keepends=True)
    plays.write_text("".join(events[:3]))
    assert "the end: there is no closing record" in box("proof", "verify", str(plays)).stdout
    assert "expected a public key" in box("proof", "verify", str(plays), "--key", "abc").stderr


def test_proof_export_since_a_day_as_csv(box: Box) -> None:
    write_plays(box, 4, name='=HYPERLINK("x")')
    done = box("proof", "export", "--since", "2023-11-17", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["seq"] for row in rows] == ["3", "4"]
    assert rows[0]["name"] == '\'=HYPERLINK("x")', "a spreadsheet must not take a name for a formula"
    box("proof", "export", "--output", "out.jsonl")
    assert len((box.folder / "out.jsonl").read_text().splitlines()) == 4 + 1, "and the closing record"


def test_proof_says_what_it_cannot_use(box: Box) -> None:
    assert box("proof", "export").stdout == ""
    assert 'expected a date such as "2026-03-01"' in box("proof", "export", "--since", "yesterday").stderr
    (box.folder / "x.csv").write_text("seq,id\n1,2\n")
    wrong = box("proof", "verify", "x.csv")
    assert wrong.returncode == 1
    assert "line 1: it is not JSON; expected what `proof export --format jsonl` writes" in wrong.stdout
    assert "cannot be read" in box("proof", "verify", "no such file").stderr


def test_an_update_that_is_not_there_is_refused(box: Box) -> None:
    assert "there is no such file" in box("update", "absent.bundle").stderr


def test_play_says_what_it_cannot_show(box: Box) -> None:
    (box.folder / "note.mp4").write_text("not a film")
    done = box("play", "note.mp4")
    assert done.returncode == 1
    assert "note.mp4: is neither a picture nor a video" in done.stderr
    assert "absent.png: cannot be read: No such file" in box("play", "absent.png").stderr


def made(path: Path, *words: str) -> Path:
    """A film of a second, a picture or a document, under a name that says nothing."""
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=lime:s=64x36:r=25:d=1", *words, str(path)], check=True)
    return path.rename(path.with_name("file.txt"))


@pytest.mark.parametrize(
    ("name", "words", "kind"),
    [
        ("a.jpg", ("-frames:v", "1"), Kind.IMAGE),
        ("a.png", ("-frames:v", "1"), Kind.IMAGE),
        ("a.mp4", ("-pix_fmt", "yuv420p"), Kind.VIDEO),
        ("a.mkv", (), Kind.VIDEO),
        ("a.ts", (), Kind.VIDEO),
        ("a.avi", (), Kind.VIDEO),
        ("a.mpg", (), Kind.VIDEO),
        ("a.wmv", (), Kind.VIDEO),
        ("a.ogv", (), Kind.VIDEO),
        ("a.flv", (), Kind.VIDEO),
    ],
)
def test_play_takes_what_the_agent_takes_by_its_bytes(tmp_path: Path, name: str, words: tuple[str, ...], kind: Kind) -> None:
    path = made(tmp_path / name, *words)
    taken = Intake(tmp_path / "cache", "1280x720")(path)
    assert (taken.kind, taken.asset) == (kind, hashlib.sha256(path.read_bytes()).hexdigest())
    assert (tmp_path / "cache" / taken.file).stat().st_size > 0


def test_play_hears_a_film_without_a_picture_and_refuses_it_where_a_video_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1", path], check=True)
    taken = Intake(tmp_path / "cache", "1280x720")(path)
    assert (taken.kind, (tmp_path / "cache" / taken.file).suffix) == (Kind.AUDIO, ".mp4")
    with pytest.raises(ContentError, match="list it as audio") as refused:
        Intake(tmp_path / "cache", "1280x720")(path, Kind.VIDEO)
    assert refused.value.code == "no_picture"


def test_play_refuses_what_the_agent_refuses(tmp_path: Path) -> None:
    intake, path = Intake(tmp_path / "cache", "1280x720"), tmp_path / "a.mp4"
    path.write_bytes(b"#EXTM3U\nhttp://127.0.0.1/x.mp4\n")
    with pytest.raises(StorageError, match="neither a picture nor a video"):
        intake(path)
    cut = made(tmp_path / "b.mp4", "-pix_fmt", "yuv420p")
    cut.write_bytes(cut.read_bytes()[:-300])
    with pytest.raises(ContentError, match="missing"):
        intake(cut)


def test_a_span_begins_at_an_age_a_date_or_an_instant() -> None:
    assert (age("30d"), age("1.5h")) == (2_592_000, 5400)
    assert since("2026-03-01", 0.0) == 1_772_323_200
    assert since("2026-03-01T01:00+01:00", 0.0) == 1_772_323_200
    assert since("1d", 100_000.0) == 13_600
    for wrong in ("", "d", "5 days", "-1d"):
        with pytest.raises(BadSpan):
            age(wrong)


def test_the_daemons_path_imports_neither_argparse_nor_rich_nor_asyncio(box: Box) -> None:
    heavy = {"argparse", "rich", "asyncio", "aiohttp", "logging"}
    imported = "from player import __main__, config; from player.launch import start"
    script = f"import sys; {imported}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], env=box.environment, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "[]\n"


def test_run_stops_with_0_and_waits_for_nobody_longer_than_five_seconds(box: Box) -> None:
    command = [sys.executable, "-m", "player", "run"]
    with subprocess.Popen(command, env=box.environment, stderr=subprocess.DEVNULL) as player:
        deadline = time.monotonic() + 10
        while not (box.state / "run.lock").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.5)
        player.terminate()
        assert player.wait(20) == 0
    assert STOP_S < 5, "after which it waits for nobody"


@pytest.fixture
def short_box() -> Iterator[Box]:
    """A box whose folder leaves room for the names of sockets, and is closed to other users."""
    with tempfile.TemporaryDirectory(prefix="p-") as made:
        yield Box(Path(made))


@pytest.mark.stage
def test_play_shows_the_files_on_a_real_screen(short_box: Box) -> None:
    from PIL import Image

    box = short_box
    Image.new("RGB", (320, 180), "#00ff00").save(box.folder / "green.png")
    box.environment |= {"SIGNAGE__STAGE__BACKEND": "headless", "SIGNAGE__STAGE__SIZE": "320x180", "TMPDIR": str(box.folder)}
    command = [sys.executable, "-m", "player", "play", "green.png"]
    with subprocess.Popen(command, env=box.environment, cwd=box.folder, stderr=subprocess.DEVNULL) as player:
        try:
            assert shows(box.folder, "signage-play-*/run/wayland-[0-9]", (0, 255, 0))
        finally:
            player.terminate()
            assert player.wait(30) == 0
    assert not list(box.folder.glob("signage-play-*")), "what it made is gone"


def shows(folder: Path, display: str, colour: tuple[int, int, int], seconds: float = 60.0) -> bool:
    """Whether the middle of the screen gets this colour."""
    from PIL import Image

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = next(iter(folder.glob(display)), None)
        if found and subprocess.run(
            ["grim", str(folder / "now.png")],
            env={"PATH": os.environ["PATH"], "WAYLAND_DISPLAY": str(found), "XDG_RUNTIME_DIR": str(found.parent)},
            capture_output=True,
            timeout=60,
            check=False,
        ).returncode == 0:  # fmt: skip
            with Image.open(folder / "now.png") as picture:
                if picture.convert("RGB").getpixel((picture.width // 2, picture.height // 2)) == colour:
                    return True
        time.sleep(0.1)
    return False


@pytest.mark.root
def test_as_root_the_processes_run_as_the_players_user(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        folder = Path(made)
        folder.chmod(0o711)
        box = Box(folder)
        with subprocess.Popen([sys.executable, "-m", "player", "run"], env=box.environment, stderr=subprocess.DEVNULL) as player:
            try:
                owners = children_of(player.pid)
                assert owners
                assert owners == {pwd.getpwnam("signage").pw_uid}
                assert box.state.stat().st_uid == pwd.getpwnam("signage").pw_uid
            finally:
                player.terminate()
                assert player.wait(30) == 0


def children_of(pid: int) -> set[int]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        owners = {Path(f"/proc/{child}").stat().st_uid for child in children}
        if owners and 0 not in owners:
            return owners
        time.sleep(0.02)
    return set()


@pytest.mark.root
def test_as_root_a_folder_that_the_players_user_cannot_reach_is_refused(short_box: Box) -> None:
    done = short_box("run")
    assert done.returncode == 1
    assert "is out of reach for the user signage" in done.stderr


@pytest.mark.stage
@pytest.mark.nightly
@pytest.mark.parametrize(("kind", "welcome"), [("adcast", "sign in as demo@example.com"), ("spot", "with the bearer spot_demo")])
def test_the_demonstration_brings_a_player_to_show_its_content(short_box: Box, kind: str, welcome: str) -> None:
    from PIL import Image

    environment = {"SIGNAGE__STAGE__BACKEND": "headless", "SIGNAGE__STAGE__SIZE": "640x360", "TMPDIR": str(short_box.folder)}
    command = [sys.executable, "-m", "player", "demo", "--once", "--port", "0", "--folder", str(short_box.folder / "demo")]
    done = subprocess.run(
        [*command, "--server", kind, "--manage"],
        env=short_box.environment | environment,
        cwd=short_box.folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for words in (welcome, "X-Auth: ", 'import { createApiV1 } from "@signageos/sdk";', "{ volume: 40 }"):
        assert words in done.stdout
    told = done.stdout.split("signage-player status --config ")[1].split("\n")[0]
    assert short_box("status", "--config", told, SIGNAGE__STORAGE__RUNTIME_DIR="").returncode == 3, (
        "it is over, and the file is right"
    )
    runtime = tomllib.loads(Path(told).read_text())["storage"]["runtime_dir"]
    assert not Path(runtime).parent.exists(), "nothing is left behind"
    with Image.open(short_box.folder / "demo-screenshot.png") as picture:
        assert picture.size == (640, 360)
        assert len(picture.convert("RGB").resize((32, 18)).getcolors(1000) or []) > 20, "a picture, not an empty screen"
