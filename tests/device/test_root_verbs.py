"""Root's helper: what it does, on folders laid out as a system's, and above all what it does not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from player.device.root import RootSocket
from player.device.root_verbs import (
    LONGEST_LINE,
    MOST_LINES,
    QUESTION_BYTES,
    STORAGE_RULE,
    VERBS,
    NotDone,
    RootFolders,
    answer,
    read_lines,
    run,
    serve,
    storage_rule,
)
from player.device.system_log import JournaledLog
from player.errors import BoxError


class System:
    """A system's folders, and the programs that were run; the one named `failing` complains."""

    def __init__(self, folder: Path) -> None:
        self.etc, self.sys, self.ran, self.failing = folder / "etc", folder / "sys", list[tuple[str, ...]](), ""
        self.said: list[str] = []
        self.ground = RootFolders(self.etc, self.sys, self.run, self.read_lines)
        for radio, kind in (("rfkill0", "wlan"), ("rfkill1", "bluetooth")):
            self.write(f"sys/class/rfkill/{radio}/type", kind)
            self.write(f"sys/class/rfkill/{radio}/soft", "0")
        for interface, kind in (("1-1:1.0", "08"), ("1-2:1.0", "03")):
            self.write(f"sys/bus/usb/devices/{interface}/bInterfaceClass", kind)
            self.write(f"sys/bus/usb/devices/{interface}/authorized", "1")
        self.etc.mkdir()

    def write(self, name: str, text: str) -> None:
        path = self.sys.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")

    def read(self, name: str) -> str:
        return (self.sys.parent / name).read_text().strip()

    def run(self, command: Sequence[str]) -> None:
        self.ran.append(tuple(command))
        if command[0] == self.failing:
            raise NotDone("Automatic time synchronization is enabled")

    def read_lines(self, command: Sequence[str], most: int) -> Sequence[str]:
        self.ran.append(tuple(command))
        return self.said[:most]

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.etc)) for path in self.etc.rglob("*") if path.is_file())

    def ask(self, verb: str, *arguments: Any) -> str | None:
        question = json.dumps({"verb": verb, "arguments": arguments}).encode()
        refused: str | None = json.loads(answer(question, self.ground))["refused"]
        return refused


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


# --- what it does


@pytest.mark.parametrize("server", ["ntp.example.com", "time-1.example.com", "192.168.7.1", "fd00::1", "gateway"])
def test_the_clock_follows_a_host_from_now_on_and_after_restarts(system: System, server: str):
    assert system.ask("ntp_server", server) is None
    assert (system.etc / "systemd/timesyncd.conf.d/signage-player.conf").read_text() == f"[Time]\nNTP={server}\n"
    timesyncd = "systemd-timesyncd.service"
    assert system.ran == [
        ("systemctl", "cat", timesyncd),
        ("systemctl", "try-restart", timesyncd),
        ("timedatectl", "set-ntp", "true"),
    ]


def test_where_the_system_follows_the_time_by_something_else_nothing_is_written(system: System):
    system.failing = "systemctl"
    assert system.ask("ntp_server", "ntp.example.com") is not None
    assert system.files() == []


def test_the_clock_is_set_by_timedated_and_its_refusal_is_told(system: System):
    assert system.ask("set_clock", "1774440000") is None
    assert system.ran == [("timedatectl", "set-time", "@1774440000")]
    system.failing = "timedatectl"
    assert system.ask("set_clock", "1774440000") == "Automatic time synchronization is enabled"


def test_a_radio_is_switched_and_the_other_is_not(system: System):
    assert system.ask("switch", "wifi", "off") is None
    assert [system.read(f"sys/class/rfkill/{radio}/soft") for radio in ("rfkill0", "rfkill1")] == ["1", "0"]
    assert system.ask("switch", "wifi", "on") is None
    assert system.ask("switch", "bluetooth", "off") is None
    assert [system.read(f"sys/class/rfkill/{radio}/soft") for radio in ("rfkill0", "rfkill1")] == ["0", "1"]


def test_usb_storage_is_closed_now_and_over_restarts_and_opened_again(system: System):
    assert system.ask("switch", "usb_storage", "off") is None
    assert storage_rule(system.etc).read_text() == STORAGE_RULE
    authorized = [system.read(f"sys/bus/usb/devices/{each}/authorized") for each in ("1-1:1.0", "1-2:1.0")]
    assert authorized == ["0", "1"], "a touch screen is no disk"
    assert system.ask("switch", "usb_storage", "on") is None
    assert (system.files(), system.read("sys/bus/usb/drivers_probe")) == ([], "1-1:1.0")
    assert system.ask("switch", "usb_storage", "on") is None, "again"
    assert set(system.ran) == {("udevadm", "control", "--reload")}


def test_a_package_that_the_configuration_allows_is_begun_to_be_installed(system: System):
    system.write("etc/signage-player/config.toml", '[devices]\npackages = ["libcec-utils", "g++"]')
    assert system.ask("package", "libcec-utils", "") is None
    assert system.ask("package", "g++", "4:12.2.0-3") is None
    assert system.ran == [
        ("systemctl", "start", "--no-block", r"signage-package@libcec\x2dutils.service"),
        ("systemctl", "start", "--no-block", r"signage-package@g\x2b\x2b\x3d4\x3a12\x2e2\x2e0\x2d3.service"),
    ]


def test_a_version_of_the_player_is_begun_to_be_installed_where_there_is_a_folder_of_bundles(system: System):
    assert system.ask("update", "1.2") == "no folder of bundles is configured (update.folder)"
    system.write("etc/signage-player/config.toml", '[update]\nfolder = "/srv/updates"')
    assert system.ask("update", "1.2.10") is None
    assert system.ran == [("systemctl", "start", "--no-block", "signage-update@1.2.10.service")]


def test_the_vpn_that_the_configuration_names_is_brought_up_and_no_other(system: System):
    assert system.ask("vpn", "on") == "no unit is configured that brings one up (devices.vpn)"
    for name in ("--help", "wg quick.service", "wg-quick@office", "a/b.service", 7):
        system.write("etc/signage-player/config.toml", f"[devices]\nvpn = {json.dumps(name)}")
        assert system.ask("vpn", "on") == "no unit is configured that brings one up (devices.vpn)"
    system.write("etc/signage-player/config.toml", '[devices]\nvpn = "wg-quick@office.service"')
    assert (system.ask("vpn", "on"), system.ask("vpn", "off"), system.ask("vpn", "x")) == (None, None, "a VPN is on or off")
    assert system.ran == [("systemctl", word, "--now", "wg-quick@office.service") for word in ("enable", "disable")]


def entry(at_us: int, words: Any, unit: str = "signage-agent") -> str:
    return json.dumps({"MESSAGE": words, "__REALTIME_TIMESTAMP": str(at_us), "SYSLOG_IDENTIFIER": unit})


def test_the_journal_of_the_players_units_is_read_from_either_end_and_no_other(system: System):
    system.said = [
        entry(1_774_440_000_250_000, "volume is 40"),
        "no JSON",
        entry(1_774_440_000_000_000, [104, 105, 255], "x" * 200),
    ]
    system.said += [entry(1, "l" * 9000), *["{}"] * MOST_LINES, entry(1, "one too many")]
    question = b'{"verb": "journal", "arguments": ["1774353600.000", "1774440001", "newest"]}'
    found = json.loads(answer(question, system.ground))["found"]
    assert found[:2] == [
        {"at": 1774440000.25, "unit": "signage-agent", "words": "volume is 40"},
        {"at": 1774440000.0, "unit": "x" * 100, "words": "hi\ufffd"},
    ]
    assert (len(found), len(found[2]["words"])) == (3, LONGEST_LINE)
    assert system.ask("journal", "0", "1774440001", "oldest") is None
    newest, oldest = system.ran
    assert ("--unit=signage-*" in newest, "--since=@1774353600.000" in newest, "--until=@1774440001" in newest) == (True,) * 3
    assert ("--reverse" in newest, "--reverse" in oldest) == (True, False)


def test_of_what_goes_on_for_ever_the_first_lines_are_read():
    assert read_lines(("sh", "-c", "while :; do echo on and on; done"), 3) == ["on and on\n"] * 3
    assert read_lines(("sh", "-c", "echo once; exit 1"), 3) == ["once\n"]
    assert read_lines(("true",), 3) == []
    for command, words in (
        (("no-such-program",), "no-such-program could not be run"),
        (("sh", "-c", "echo why >&2; exit 1"), "^why$"),
    ):
        with pytest.raises(NotDone, match=words):
            read_lines(command, 3)


# --- what it does not


@pytest.mark.parametrize("version", ["", "1.2.3.4.5", "latest", "-1", "1.2\n", "../1", "1.2.bundle", "1;reboot", "٣"])
def test_what_is_no_version_is_not_installed(system: System, version: str):
    system.write("etc/signage-player/config.toml", '[update]\nfolder = "/srv/updates"')
    assert system.ask("update", version) == "this is no version of the player"
    assert system.ran == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("yesterday", "1", "newest"),
        ("1", "now", "newest"),
        ("1", "2", "random"),
        ("-1", "2", "newest"),
        ("1", "2\n", "oldest"),
        ("", "", ""),
    ],
)
def test_what_is_no_stretch_of_time_reads_no_journal(system: System, arguments: tuple[str, ...]):
    assert system.ask("journal", *arguments) == "a stretch of the log is two times in seconds, and which end of it comes first"
    assert system.ran == []


@pytest.mark.parametrize(
    "text", ["", "[devices]", '[devices]\npackages = "sl"', "devices = 3", "[devices", '[devices]\npackages = ["slow"]']
)
def test_a_package_that_is_not_allowed_is_not_installed(system: System, text: str):
    system.write("etc/signage-player/config.toml", text)
    assert system.ask("package", "sl", "") == "sl is not among devices.packages of this box's configuration"
    assert system.ran == []


@pytest.mark.parametrize(
    ("name", "version"),
    [("-oX=y", ""), ("sl/sid", ""), ("sl sl", ""), ("SL", ""), ("sl\n", ""), ("sl", "1 -o"), ("sl", "-1"), ("sl", "1\n")],
)
def test_what_is_no_package_is_not_installed_even_where_it_is_allowed(system: System, name: str, version: str):
    system.write("etc/signage-player/config.toml", f"[devices]\npackages = {json.dumps(['sl', name])}")
    assert system.ask("package", name, version) == "this is no package"
    assert system.ran == []


@pytest.mark.parametrize(
    "server",
    [
        "", "a\nFallbackNTP=b", "a b", "$(reboot)", "a;reboot", "-a", "a-", "a..b", "a\0b", "ntp_1", "x" * 64, f"{'abc.' * 64}de",
        "1.2.3", "1.2.3.4.5", "fe80::1%eth0", "fe80::1%\nNTP=b", "FD00::1", "a:1", "ntp.example.com\n", "/etc/passwd",
        "ntp.exämple.com", "1٢",
    ],
)  # fmt: skip
def test_what_is_no_host_name_reaches_no_file(system: System, server: str):
    assert system.ask("ntp_server", server) == "a time server is a host name or an address"
    assert (system.files(), system.ran) == ([], [])


@pytest.mark.parametrize(
    "seconds", ["", "0", "-1", "1e9", "1700000000.5", "99999999999", "@1774440000", "1774440000\n", "4102444801", "١٧٧٤٤٤٠٠٠٠"]
)
def test_what_is_no_time_of_this_century_sets_no_clock(system: System, seconds: str):
    assert system.ask("set_clock", seconds) == "a time is seconds since the epoch, from 2024 to 2100"
    assert system.ran == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("wifi", "perhaps"), "a switch is on or off"),
        (("wlan", "off"), "this is no switch"),
        (("../rfkill0", "off"), "this is no switch"),
        (("", ""), "a switch is on or off"),
    ],
)
def test_what_is_no_switch_is_not_turned(system: System, arguments: tuple[str, str], said: str):
    assert system.ask("switch", *arguments) == said
    assert (system.read("sys/class/rfkill/rfkill0/soft"), system.files(), system.ran) == ("0", [], [])


def test_a_radio_that_is_not_there_is_said(tmp_path: Path):
    assert RootFolders(tmp_path, tmp_path, run, read_lines)
    assert json.loads(
        answer(b'{"verb": "switch", "arguments": ["wifi", "off"]}', RootFolders(tmp_path, tmp_path, run, read_lines))
    ) == {"refused": "this box has no wifi"}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (b"", "this is no question"),
        (b"switch wifi off", "this is no question"),
        (b"[]", "this is no question"),
        (b"null", "this is no question"),
        (b'{"verb": "switch"}', "this is no question"),
        (b"[" * 1000, "this is no question"),
        (b"\xff\xfe", "this is no question"),
        (b'{"verb": "reboot", "arguments": []}', "this is not among what is done here"),
        (b'{"verb": "__class__", "arguments": []}', "this is not among what is done here"),
        (b'{"verb": ["switch"], "arguments": []}', "this is not among what is done here"),
        (b'{"verb": "switch", "arguments": "on"}', "this is not among what is done here"),
        (b'{"verb": "switch", "arguments": ["wifi", 1]}', "this is not among what is done here"),
        (b'{"verb": "switch", "arguments": ["wifi"]}', "switch takes 2 arguments"),
        (b'{"verb": "ntp_server", "arguments": ["a", "b"]}', "ntp_server takes 1 arguments"),
    ],
)
def test_l7_what_is_no_verb_with_its_arguments_does_nothing(system: System, question: bytes, said: str):
    assert json.loads(answer(question, system.ground)) == {"refused": said}
    assert (system.files(), system.ran) == ([], [])


def test_there_are_no_other_verbs():
    assert sorted(VERBS) == ["journal", "ntp_server", "package", "set_clock", "switch", "update", "vpn"]


def test_a_file_that_cannot_be_written_is_said(system: System):
    (system.etc / "systemd").write_text("no folder")
    assert "File exists" in (system.ask("ntp_server", "ntp.example.com") or "") or "Not a directory" in (
        system.ask("ntp_server", "ntp.example.com") or ""
    )


def test_a_program_is_run_without_our_environment_and_its_complaint_is_the_refusal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECRET_OF_OURS", "1")
    with pytest.raises(NotDone, match=r"PATH LC_ALL only"):
        run(("sh", "-c", 'test -z "$SECRET_OF_OURS" && echo "PATH LC_ALL only" >&2; exit 3'))
    with pytest.raises(NotDone, match="no-such-program could not be run"):
        run(("no-such-program",))
    run(("true",))


# --- over its socket


@contextlib.contextmanager
def helper(path: Path, folders: RootFolders) -> Iterator[None]:
    """What systemd does: somebody for each connection, one after the other."""

    def accept() -> None:
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            with line:
                serve(line, folders)

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(20)


async def test_the_agent_asks_and_is_answered(system: System, runtime_dir: Path):
    root = RootSocket(runtime_dir / "root.sock")
    assert not root.is_there
    with pytest.raises(BoxError, match=r"time server: this needs root's helper, which `sudo scripts/install` sets up"):
        await root.ask("time server", "ntp_server", "ntp.example.com")
    with helper(runtime_dir / "root.sock", system.ground):
        assert root.is_there
        await root.ask("time server", "ntp_server", "ntp.example.com")
        with pytest.raises(BoxError, match="time server: a time server is a host name or an address"):
            await root.ask("time server", "ntp_server", "a b")
        with pytest.raises(BoxError, match="time server: this is no question"):
            await root.ask("time server", "ntp_server", "x" * QUESTION_BYTES)
    assert system.files() == ["systemd/timesyncd.conf.d/signage-player.conf"]


async def test_a_long_stretch_of_the_log_comes_whole(system: System, runtime_dir: Path):
    system.said = [entry(number * 1000, f"{number} {'x' * LONGEST_LINE}") for number in range(MOST_LINES)]
    log = JournaledLog(RootSocket(runtime_dir / "root.sock"))
    with pytest.raises(BoxError, match="system log: this needs root's helper"):
        await log.lines(0.0, 1.0, newest_first=True)
    with helper(runtime_dir / "root.sock", system.ground):
        found = await log.lines(0.0, 1.0, newest_first=True)
    assert [(line.at, line.words.partition(" ")[0]) for line in found] == [(n / 1000, str(n)) for n in range(MOST_LINES)]


async def test_a_helper_that_ends_without_a_word_or_hangs_is_an_error(runtime_dir: Path):
    async def mute(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_unix_server(mute, runtime_dir / "mute.sock"):
        with pytest.raises(BoxError, match=r"clock: root's helper ended without an answer"):
            await RootSocket(runtime_dir / "mute.sock").ask("clock", "set_clock", "1")
    async with await asyncio.start_unix_server(hang, runtime_dir / "hang.sock"):
        with pytest.raises(BoxError, match=r"clock: root's helper at .* did not answer within 0 s"):
            await RootSocket(runtime_dir / "hang.sock", deadline_s=0.1).ask("clock", "set_clock", "1")
