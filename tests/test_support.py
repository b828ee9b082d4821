"""`support-bundle` and its redaction (fault X6), and `doctor`."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import socket
import stat
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from player.cli import support
from player.cli.checks import machine, panel, running, server_probe, surroundings
from player.cli.checks.finding import Finding
from player.cms import SERVERS
from player.config import CmsConfig, Config, Section, TriggerConfig
from player.core.egress import straight
from player.core.faults import CODES
from player.demo.adcast.server import DemoServer
from player.dirs import Dirs
from player.errors import BoxError, NotRunning
from player.identity import load_or_create
from player.redact import Redactor, known_secrets

CANARIES = {
    "license": "LICENSE-CANARY-3f9a",
    "token": "TOKEN-CANARY-77d1",
    "password": "PASSWORD CANARY 5a2b",
    "key_file": "FILEKEY-CANARY-91ee",
    "psk": "wifi-psk-canary-04",
    "bearer": "BEARER-CANARY-abcdef",
    "query": "QUERY-CANARY-123456",
    "login": "LOGIN-CANARY-66",
    "pin": "918273",
}
UUID = "7d3f1c52-9f3b-4f6e-8a55-0123456789ab"
LOG = f"""\
agent: registering {UUID} at https://admin:{CANARIES["login"]}@cms.example.com/x?signature={CANARIES["query"]}&a=1
agent: header Authorization: Bearer {CANARIES["bearer"]}
wpa_supplicant: psk="{CANARIES["psk"]}" ssid="Lobby"
nm: wifi-security.psk={CANARIES["psk"]}
agent: {{"lock_pin": "{CANARIES["pin"]}", "license_key":"{CANARIES["license"]}"}}
agent: password is {CANARIES["password"]}, token {CANARIES["token"]} and {CANARIES["key_file"]}
agent: uuid without dashes {UUID.replace("-", "")}
stage: main: 'Summer' (video 42)
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The bundle of a box whose every secret is a canary."""
    (tmp_path / "state").mkdir()
    identity = load_or_create(tmp_path / "state")
    (tmp_path / "key").write_text(CANARIES["key_file"] + "\n")
    config = tmp_path / "config.toml"
    config.write_text(
        f'[cms]\nurl = "http://127.0.0.1:1/"\nlicense_key = "{CANARIES["license"]}"\nlicense_key_file = "{tmp_path}/key"\n'
        f'token = "{CANARIES["token"]}"\n[control]\npassword = "{CANARIES["password"]}"\n'
        f'[storage]\nstate_dir = "{tmp_path}/state"\nruntime_dir = "{tmp_path}/run"\n'
    )
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "journalctl").write_text(f"#!/bin/sh\ncat <<'END'\n{LOG}own: {identity.uuid} {identity.seed.hex()}\nEND\n")
    (programs / "journalctl").chmod(0o755)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "player", "support-bundle", str(tmp_path / "t.tar.gz"), "--config", str(config)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return tmp_path / "t.tar.gz"


def test_x6_no_canary_is_in_the_bundle(bundle: Path) -> None:
    content = gzip.decompress(bundle.read_bytes()).decode(errors="replace")
    own = load_or_create(bundle.parent / "state")
    for name, canary in {**CANARIES, "uuid": UUID, "bare uuid": UUID.replace("-", ""), "own uuid": own.uuid}.items():
        assert canary not in content, name
    assert own.uuid8 in content, "the first eight digits say which box it is"
    assert "Summer" in content


def test_the_bundle_holds_what_support_needs(bundle: Path) -> None:
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    with tarfile.open(bundle) as archive:
        parts = {Path(entry.name).name: archive.extractfile(entry) for entry in archive}
        texts = {name: part.read().decode() for name, part in parts.items() if part}
    assert set(texts) == {"status.json", "doctor.json", "config.json", "versions.txt", "disk.txt", "state.txt", "logs.txt"}
    assert json.loads(texts["config.json"])["cms"]["license_key"] == "(set)"
    assert json.loads(texts["config.json"])["stage"]["backend"] == "auto"
    assert "no player is running" in json.loads(texts["status.json"])["error"]
    assert {finding["ability"] for finding in json.loads(texts["doctor.json"])} >= {"compositor", "video", "network", "server"}
    assert "aiohttp" in texts["versions.txt"]
    assert "identity.json" in texts["state.txt"]


def support_bundle(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    """The bundle of a box without a journal, whose runtime folder is `folder`/run."""
    settings = {"SIGNAGE__STORAGE__STATE_DIR": str(folder / "state"), "SIGNAGE__STORAGE__RUNTIME_DIR": str(folder / "run")}
    environment = {"PATH": str(folder), "HOME": str(folder)} | settings
    command = [sys.executable, "-m", "player", "support-bundle", str(folder / name)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_bundle_has_the_logs_of_a_player_that_was_started_by_hand(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (tmp_path / "secret").write_text("of another user")
    (run / "agent.log.1").write_text("the older part\n")
    (run / "agent.log").write_text(f"registered with psk={CANARIES['psk']}\n")
    (run / "stage.log").symlink_to(tmp_path / "secret")
    assert support_bundle(tmp_path, "t.zip").returncode == 0
    assert stat.S_IMODE((tmp_path / "t.zip").stat().st_mode) == 0o600
    with zipfile.ZipFile(tmp_path / "t.zip") as archive:
        logs = archive.read("signage-support/logs.txt").decode()
    assert logs == f"== {run}/agent.log.1 ==\nthe older part\n\n== {run}/agent.log ==\nregistered with psk=(removed)\n"


def test_the_bundle_is_what_its_name_says_or_is_refused(tmp_path: Path) -> None:
    for name in ("t.tgz", "T.TAR.GZ"):
        assert support_bundle(tmp_path, name).returncode == 0
        assert tarfile.is_tarfile(tmp_path / name)
    done = support_bundle(tmp_path, "t.7z")
    assert done.returncode == 1
    assert done.stderr == f"signage-player: {tmp_path}/t.7z: cannot be a support bundle: end it in .tar.gz or .tgz or .zip\n"
    assert not (tmp_path / "t.7z").exists()


def test_a_player_that_is_started_by_hand_keeps_its_logs(tmp_path: Path) -> None:
    settings = {"SIGNAGE__STORAGE__STATE_DIR": str(tmp_path / "state"), "SIGNAGE__STORAGE__RUNTIME_DIR": str(tmp_path / "run")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SIGNAGE__STAGE__BACKEND": "none"} | settings
    logs = [tmp_path / "run" / name for name in ("agent.log", "stage.log")]
    with subprocess.Popen([sys.executable, "-m", "player", "run"], env=environment, stderr=subprocess.DEVNULL) as player:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not all(log.exists() and log.stat().st_size for log in logs):
            time.sleep(0.05)
        player.terminate()
    assert "player.agent" in logs[0].read_text()
    assert "player.stage" in logs[1].read_text()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('"password": "a b\\"c", "x": 1', '"password": "(removed)", "x": 1'),
        ("psk=hunter2222", "psk=(removed)"),
        ("api_key: xyz, next", "api_key: (removed), next"),
        ("https://u:p@h/x?sig=1 and", "https://(removed)@h/x?(removed) and"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic (removed)"),
        (f"uuid {UUID}.", "uuid 7d3f1c52…."),
        ('"license_key": ""', '"license_key": ""'),
        ("7 tokens in the file, spin=3, ping: 5 ms", "7 tokens in the file, spin=3, ping: 5 ms"),
    ],
)
def test_x6_what_looks_like_a_secret_is_removed(text: str, shown: str) -> None:
    assert Redactor([])(text) == shown


def test_x6_known_secrets_are_removed_in_every_form() -> None:
    redact = Redactor(["pass word/1", "abc"])
    assert redact("a pass word/1 b pass%20word%2F1 c") == "a (removed) b (removed) c"
    assert redact("abc") == "abc", "too short to be told from a word"


class OwnKeys(Section, frozen=True):
    """What a kind of server may have of its own."""

    api_token: str = ""
    signing_key_file: str = ""
    public_key: str = ""


def test_x6_triggers_are_shown_and_nothing_that_their_addresses_hold() -> None:
    answer = TriggerConfig(name="coffee", show=f"url:https://u:{CANARIES['login']}@h/x?a={CANARIES['query']}")
    (table,) = support.shown(Config(triggers=(answer,)))["triggers"]
    assert table["name"] == "coffee"
    shown = Redactor(())(json.dumps(table))
    assert not [word for word in CANARIES.values() if word in shown]


def test_x6_the_secrets_of_a_servers_own_table_are_known_too(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(CANARIES["key_file"] + "\n")
    own = OwnKeys(api_token=CANARIES["token"], signing_key_file=str(tmp_path / "key"), public_key="everybody's")
    config = Config(cms=CmsConfig(license_key=CANARIES["license"], token="another"), server=own)
    assert set(known_secrets(config, tmp_path)) == {CANARIES["license"], "another", CANARIES["token"], CANARIES["key_file"]}
    table = support.shown(config)["server"]
    assert table == {"api_token": "(set)", "signing_key_file": str(tmp_path / "key"), "public_key": "everybody's"}


def doctor(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "SIGNAGE__STORAGE__STATE_DIR": str(folder / "state")} | more
    command = [sys.executable, "-m", "player", "doctor", "--json"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_doctor_finds_this_machine_good_enough_to_play(tmp_path: Path) -> None:
    done = doctor(tmp_path)
    findings = {finding["ability"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert findings["compositor"]["result"] == "passed"
    assert findings["video"]["result"] == "passed"
    assert findings["disk, state"]["result"] == "passed"
    for finding in findings.values():
        assert finding["result"] in ("passed", "failed", "not present")
        assert finding["result"] != "failed" or finding["remedy"], finding


def test_doctor_fails_without_a_compositor_and_names_the_remedy(tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    done = doctor(tmp_path, PATH=str(empty))
    assert done.returncode == 1
    found = next(finding for finding in json.loads(done.stdout) if finding["ability"] == "compositor")
    assert (found["result"], found["needed"]) == ("failed", True)
    assert "apt install sway" in found["remedy"]


def test_doctor_fails_when_the_server_does_not_answer(tmp_path: Path) -> None:
    done = doctor(tmp_path, SIGNAGE__CMS__URL="http://127.0.0.1:1")
    assert done.returncode == 1
    found = next(finding for finding in json.loads(done.stdout) if finding["ability"] == "server")
    assert "127.0.0.1:1 does not answer: " in found["detail"]


def test_doctor_explains_the_faults_of_the_player_that_runs() -> None:
    told = [{"code": "no_space", "message": "film: 4 GB too large"}, {"code": "of_tomorrow", "message": "x"}]
    known, unknown = running.faults(lambda: {"faults": told})
    assert known.detail == f"no_space ({CODES['no_space'].meaning}): film: 4 GB too large"
    assert (known.result, known.needed, known.remedy) == ("failed", False, CODES["no_space"].remedy)
    assert (unknown.result, unknown.remedy) == ("failed", "update the player")
    (well,) = running.faults(lambda: {"faults": []})
    assert well.result == "passed"


def test_doctor_says_when_no_player_runs_or_none_answers() -> None:
    def nobody() -> dict[str, Any]:
        raise NotRunning("/run/x")

    def closed() -> dict[str, Any]:
        raise BoxError("control", "it belongs to another user")

    assert [(one.result, one.needed) for one in running.faults(nobody)] == [("not present", False)]
    assert [(one.result, one.needed) for one in running.faults(closed)] == [("failed", False)]


@contextlib.contextmanager
def answering(answer: str) -> Iterator[int]:
    """A server on the port that it gives, which says `answer` to one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)

        def say() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer.replace("\n", "\r\n").encode())

        thread = threading.Thread(target=say)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def asked(answer: str, scheme: str = "http") -> Finding:
    """What doctor makes of a server that answers so."""
    with answering(answer) as port:
        (finding,) = server_probe.server(f"{scheme}://127.0.0.1:{port}", SERVERS["adcast"].answers_at, straight("test"))
    return replace(finding, detail=finding.detail.replace(f"127.0.0.1:{port}", "HOST"))


def test_a_server_whose_api_answers_has_passed() -> None:
    found = asked('HTTP/1.1 422 What\nConnection: close\n\n {"message": "uuid: is missing"}')
    assert (found.result, found.detail) == ("passed", "HOST answers as its API, with 422 over plain HTTP")


@pytest.mark.parametrize(
    ("answer", "detail", "remedy"),
    [
        (
            "HTTP/1.1 302 Found\nLocation: http://login.hotel.example/start?mac=00:11\nContent-Length: 0\n\n",
            "HOST answers 302 and leads to http://login.hotel.example/start", "captive portal",
        ),
        ("HTTP/1.1 511 No\n\n", "HOST answers 511: the network wants somebody to log in", "captive portal"),
        ("HTTP/1.1 200 OK\n\n<!doctype html>", "HOST answers 200 with something that is not its API", "captive portal"),
        ("HTTP/1.1 404 No\n\nnot found", "HOST answers 404 with something that is not its API", "correct cms.url"),
        ("HTTP/1.1 503 No\n\n{}", "HOST answers 503", "ask who runs the server"),
    ],
)  # fmt: skip
def test_what_answers_and_is_not_the_servers_api_has_failed(answer: str, detail: str, remedy: str) -> None:
    found = asked(answer)
    assert (found.result, found.detail, found.needed) == ("failed", detail, True)
    assert remedy in found.remedy


def test_n2_a_server_without_tls_where_https_is_wanted_has_failed() -> None:
    assert asked("HTTP/1.1 200 OK\n\n{}", "https").result == "failed"


async def test_every_kind_of_server_names_a_path_that_answers_as_its_api(tmp_path: Path) -> None:
    async with DemoServer(tmp_path / "server") as running:
        (found,) = await asyncio.to_thread(
            lambda: list(server_probe.server(running.url, SERVERS["adcast"].answers_at, straight("test")))
        )
    assert found.result == "passed", found


def test_what_this_machine_does_not_have_is_told_with_a_remedy(tmp_path: Path) -> None:
    found = [*machine.graphics(tmp_path), *machine.sound(tmp_path), *panel.outputs(tmp_path), *panel.cec(tmp_path)]
    found += panel.ddc(tmp_path, tmp_path)
    assert [finding.ability for finding in found] == ["graphics", "audio", "panel", "CEC", "DDC/CI"]
    assert all(finding.result == "not present" and finding.remedy for finding in found), found
    output = tmp_path / "class" / "drm" / "card1-HDMI-A-1"
    output.mkdir(parents=True)
    (output / "status").write_text("disconnected\n")
    assert "cable" in next(panel.outputs(tmp_path)).remedy


def test_devices_are_not_present_or_closed_or_usable(tmp_path: Path) -> None:
    assert [finding.result for finding in machine.sound(tmp_path)] == ["not present"]
    (tmp_path / "snd").mkdir()
    card = tmp_path / "snd" / "controlC0"
    card.touch(0o600)
    assert [finding.result for finding in machine.sound(tmp_path)] == ["passed"]
    output = tmp_path / "class" / "drm" / "card1-HDMI-A-1"
    output.mkdir(parents=True)
    (output / "status").write_text("connected\n")
    assert next(panel.outputs(tmp_path)).detail == "HDMI-A-1"
    (tmp_path / "cec0").touch()
    assert [finding.result for finding in panel.cec(tmp_path)] == ["passed"]


def test_a_secret_that_others_can_read_is_found(tmp_path: Path) -> None:
    dirs = Dirs(state=tmp_path, cache=tmp_path, runtime=tmp_path, stage_runtime=tmp_path)
    tmp_path.chmod(0o700)
    load_or_create(tmp_path)
    assert [finding.result for finding in surroundings.permissions(dirs)] == ["passed"]
    (tmp_path / "identity.json").chmod(0o644)
    found = next(surroundings.permissions(dirs))
    assert (found.result, found.detail) == ("failed", f"{tmp_path}/identity.json is 644")


def test_a_full_disk_has_failed(tmp_path: Path) -> None:
    dirs = Dirs(state=tmp_path / "state", cache=tmp_path, runtime=tmp_path, stage_runtime=tmp_path)
    assert {finding.result for finding in surroundings.disk(dirs, "1B")} == {"passed"}
    assert {finding.result for finding in surroundings.disk(dirs, "9000TiB")} == {"failed"}
    assert Config().storage.reserve == "512MiB"
