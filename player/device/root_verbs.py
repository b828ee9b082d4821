"""Root's helper: the few deeds that the player's own users may not do, each a verb with checked arguments; there are no others.

systemd starts it for one connection to a socket that the agent alone may open, with that connection as its standard input: it
reads one line, does one deed, answers and ends (signage-root@.service). It takes no path, no command and no text that reaches a
file unchecked; what comes is not believed because of who sent it. It imports the standard library alone.
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

QUESTION_BYTES = 1024
TIMESYNCD = "systemd-timesyncd.service"
WITHIN_S = 20.0
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
EARLIEST, LATEST = 1_704_067_200, 4_102_444_800  # 2024 and 2100, seconds since the epoch: a clock outside of them is a mistake
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")
_PACKAGE, _VERSION = re.compile(r"[a-z0-9][a-z0-9+.-]{1,127}\Z"), re.compile(r"([0-9][A-Za-z0-9.+~:-]{0,63})?\Z")
_PLAYER_VERSION = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){0,3}\Z")
_INSTANT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,6})?\Z")
_UNIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._-]{0,100}\.service\Z")
MOST_LINES, LONGEST_LINE = 1000, 2000
_RADIOS = {"wifi": "wlan", "bluetooth": "bluetooth"}
_ON = {"on": True, "off": False}
STORAGE = "08"  # the class of USB interfaces that are disks and sticks
STORAGE_RULE = (
    "# Written by the signage player: sticks and disks on USB are closed.\n"
    'ACTION=="add", SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_interface", '
    f'ATTR{{bInterfaceClass}}=="{STORAGE}", ATTR{{authorized}}="0"\n'
)

Run = Callable[[Sequence[str]], None]
ReadLines = Callable[[Sequence[str], int], Sequence[str]]


class NotDone(Exception):
    """What was asked for is not done; the sentence says why."""


@dataclass(frozen=True, slots=True)
class RootFolders:
    """The folders that are written in, /etc and /sys, and what runs the system's own programs.

    `run` runs one to its end, `read_lines` until it has said so many lines; both raise NotDone.
    """

    etc: Path
    sys: Path
    run: Run
    read_lines: ReadLines


def storage_rule(etc: Path) -> Path:
    """Where the rule that closes USB storage lies, while it is closed."""
    return etc / "udev/rules.d/75-signage-usb-storage.rules"


def answer(question: bytes, folders: RootFolders) -> bytes:
    """One line in, one line out: does what is asked for and says what it `found`, if anything; or says why it is `refused`."""
    try:
        verb, arguments = read(question)
        found = verb(folders, *arguments)
    except NotDone as refused:
        return json.dumps({"refused": str(refused)}).encode() + b"\n"
    except OSError as error:
        return json.dumps({"refused": f"{error.filename or 'the system'}: {error.strerror}"}).encode() + b"\n"
    return json.dumps({"refused": None, "found": found}).encode() + b"\n"


def read(question: bytes) -> tuple[Callable[..., Any], Sequence[str]]:
    """The deed and its arguments, of a known verb and the right number. Raises NotDone."""
    try:
        asked = json.loads(question)
        name, arguments = asked["verb"], asked["arguments"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotDone("this is no question") from None
    known = VERBS.get(name) if isinstance(name, str) else None
    if known is None or not isinstance(arguments, list) or not all(isinstance(each, str) for each in arguments):
        raise NotDone("this is not among what is done here")
    deed, count = known
    if len(arguments) != count:
        raise NotDone(f"{name} takes {count} arguments")
    return deed, arguments


# --- the deeds -------------------------------------------------------------------------------------------------------------------


def ntp_server(folders: RootFolders, server: str) -> None:
    """timesyncd follows this host, from now on."""
    if not _is_host(server):
        raise NotDone("a time server is a host name or an address")
    folders.run(("systemctl", "cat", TIMESYNCD))  # says so where this system follows the time by something else
    write(folders.etc / "systemd/timesyncd.conf.d/signage-player.conf", f"[Time]\nNTP={server}\n")
    folders.run(("systemctl", "try-restart", TIMESYNCD))
    folders.run(("timedatectl", "set-ntp", "true"))


def set_clock(folders: RootFolders, seconds: str) -> None:
    """timedated sets the clock; it refuses where the clock follows a time server."""
    if not re.fullmatch(r"[0-9]{1,10}", seconds) or not EARLIEST <= int(seconds) <= LATEST:
        raise NotDone("a time is seconds since the epoch, from 2024 to 2100")
    folders.run(("timedatectl", "set-time", f"@{seconds}"))


def switch(folders: RootFolders, name: str, state: str) -> None:
    """Wi-Fi, Bluetooth or USB storage on or off, over restarts (systemd keeps the radios' state)."""
    if state not in _ON:
        raise NotDone("a switch is on or off")
    if name == "usb_storage":
        usb_storage(folders, on=_ON[state])
        return
    if name not in _RADIOS:
        raise NotDone("this is no switch")
    radios = [
        folder for folder in sorted((folders.sys / "class/rfkill").glob("rfkill*")) if _text(folder / "type") == _RADIOS[name]
    ]
    if not radios:
        raise NotDone(f"this box has no {name}")
    for radio in radios:
        (radio / "soft").write_text("0" if _ON[state] else "1", encoding="ascii")


def usb_storage(folders: RootFolders, *, on: bool) -> None:
    """A rule for what is plugged in from now on, and the same for what is in."""
    if on:
        storage_rule(folders.etc).unlink(missing_ok=True)
    else:
        write(storage_rule(folders.etc), STORAGE_RULE)
    folders.run(("udevadm", "control", "--reload"))
    for interface in sorted((folders.sys / "bus/usb/devices").glob("*:*")):
        if _text(interface / "bInterfaceClass") == STORAGE:
            (interface / "authorized").write_text("1" if on else "0", encoding="ascii")
            if on:
                (folders.sys / "bus/usb/drivers_probe").write_text(interface.name, encoding="ascii")


def package(folders: RootFolders, name: str, version: str) -> None:
    """Begins to install a package that root's own configuration allows; "" is the newest version."""
    if not _PACKAGE.match(name) or not _VERSION.match(version):
        raise NotDone("this is no package")
    allowed = configured(folders, "devices", "packages")
    if not isinstance(allowed, list) or name not in allowed:
        raise NotDone(f"{name} is not among devices.packages of this box's configuration")
    wanted = f"{name}={version}" if version else name
    escaped = re.sub(r"[^a-z0-9]", lambda sign: f"\\x{ord(sign[0]):02x}", wanted)  # as systemd-escape(1) has it
    folders.run(("systemctl", "start", "--no-block", f"signage-package@{escaped}.service"))


def update(folders: RootFolders, version: str) -> None:
    """Begins to install that version of the player from root's own folder of bundles; `signage-player update` judges it."""
    if not _PLAYER_VERSION.match(version):
        raise NotDone("this is no version of the player")
    if not configured(folders, "update", "folder"):
        raise NotDone("no folder of bundles is configured (update.folder)")
    folders.run(("systemctl", "start", "--no-block", f"signage-update@{version}.service"))


def vpn(folders: RootFolders, state: str) -> None:
    """Brings up the unit that root's own configuration names, or takes it down, over restarts."""
    if state not in _ON:
        raise NotDone("a VPN is on or off")
    unit = configured(folders, "devices", "vpn")
    if not isinstance(unit, str) or not _UNIT.match(unit):
        raise NotDone("no unit is configured that brings one up (devices.vpn)")
    folders.run(("systemctl", "enable" if _ON[state] else "disable", "--now", unit))


def journal(folders: RootFolders, since: str, until: str, order: str) -> list[dict[str, Any]]:
    """What the player's own units said between two instants (seconds since the epoch), `MOST_LINES` of it from one end.

    {at, unit, words} each. The agent reads nothing else of the system's journal: it is not in the group that may.
    """
    if not (_INSTANT.match(since) and _INSTANT.match(until) and order in ("newest", "oldest")):
        raise NotDone("a stretch of the log is two times in seconds, and which end of it comes first")
    command = [
        "journalctl", "--quiet", "--no-pager", "--output=json", "--output-fields=MESSAGE,_SYSTEMD_UNIT,SYSLOG_IDENTIFIER",
        "--unit=signage-*", f"--since=@{since}", f"--until=@{until}",
    ]  # fmt: skip
    lines = folders.read_lines((*command, "--reverse") if order == "newest" else command, MOST_LINES)
    return [line for line in map(_line_of, lines) if line is not None]


def _line_of(text: str) -> dict[str, Any] | None:
    try:
        said = json.loads(text)
        words, at = said["MESSAGE"], int(said["__REALTIME_TIMESTAMP"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if isinstance(words, list):  # not text: the journal writes its bytes one by one
        words = bytes(byte for byte in words if isinstance(byte, int) and 0 <= byte < 256).decode(errors="replace")
    unit = str(said.get("SYSLOG_IDENTIFIER") or said.get("_SYSTEMD_UNIT") or "")
    return {"at": at / 1_000_000, "unit": unit[:100], "words": str(words)[:LONGEST_LINE]}


VERBS: Mapping[str, tuple[Callable[..., Any], int]] = {
    "ntp_server": (ntp_server, 1), "set_clock": (set_clock, 1), "switch": (switch, 2), "package": (package, 2),
    "update": (update, 1), "journal": (journal, 3), "vpn": (vpn, 1),
}  # fmt: skip


def configured(folders: RootFolders, table: str, key: str) -> Any:
    """What root's own configuration says; None where it says nothing."""
    try:
        return tomllib.loads((folders.etc / "signage-player/config.toml").read_text(encoding="utf-8"))[table][key]
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _is_host(text: str) -> bool:
    if ":" in text or text[-1:].isdigit():
        try:
            return "%" not in text and str(ipaddress.ip_address(text)) == text  # a zone after "%" may hold anything
        except ValueError:
            return False
    return _NAME.match(text) is not None


def write(path: Path, text: str) -> None:
    """Replaces the file; nobody sees half of it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="ascii")
    temporary.chmod(0o644)
    temporary.replace(path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


# --- the program -----------------------------------------------------------------------------------------------------------------


def run(command: Sequence[str]) -> None:
    """One of the system's own programs, with nothing of the environment. Raises NotDone with what it complained of."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=WITHIN_S, check=False, env=ENVIRONMENT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotDone(f"{command[0]} could not be run ({type(error).__name__})") from error
    if done.returncode:
        raise NotDone(done.stderr.decode(errors="replace").strip()[:300] or f"{command[0]} failed")


def read_lines(command: Sequence[str], most: int) -> Sequence[str]:
    """The first lines that one of them says; it is ended there. Raises NotDone where it fails and says none."""
    try:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
        ) as process:
            assert process.stdout  # noqa: S101 - it was asked for
            assert process.stderr  # noqa: S101 - likewise
            found = [line.decode(errors="replace") for line in itertools.islice(process.stdout, most)]
            if not found and process.wait(WITHIN_S):
                raise NotDone(process.stderr.read(300).decode(errors="replace").strip() or f"{command[0]} failed")
            process.kill()
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotDone(f"{command[0]} could not be run ({type(error).__name__})") from error
    return found


def serve(line: socket.socket, folders: RootFolders) -> None:
    """Answers the one question of this connection."""
    line.settimeout(WITHIN_S)
    question = b""
    while not question.endswith(b"\n") and len(question) <= QUESTION_BYTES:
        received = line.recv(QUESTION_BYTES)
        if not received:
            break
        question += received
    line.sendall(answer(question if len(question) <= QUESTION_BYTES else b"", folders))


if __name__ == "__main__":
    serve(socket.socket(fileno=sys.stdin.fileno()), RootFolders(Path("/etc"), Path("/sys"), run, read_lines))
