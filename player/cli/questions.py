"""The commands that ask a running player: status, why, screenshot, pair, lock, unlock. They speak through its control socket."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from player.cli.client import ControlClient
from player.cli.terminal import say, say_json
from player.config import Config
from player.core.plaintext import printable
from player.dirs import Dirs
from player.errors import StorageError

SUFFIXES = {".png": "png", ".jpg": "jpg", ".jpeg": "jpg"}
WATCH_S = 1.0


def status(chosen: argparse.Namespace, _: Config, dirs: Dirs) -> int:
    """Prints what the player does; with --watch until Ctrl-C."""
    client = ControlClient(dirs.control_socket)
    while True:
        answer = client.status()
        clear = "\x1b[H\x1b[2J" if chosen.watch and not chosen.json and sys.stdout.isatty() else ""
        if chosen.json:
            say_json(answer)
        else:
            print(clear + in_words(answer), flush=True)
        if not chosen.watch:
            return 0
        time.sleep(WATCH_S)


def screenshot(chosen: argparse.Namespace, _: Config, dirs: Dirs) -> int:
    """Writes what the screen shows now."""
    path = Path(chosen.file)
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise StorageError(str(path), "cannot be a screenshot: end it in .png or .jpg")
    picture = ControlClient(dirs.control_socket).screenshot(kind)
    try:
        path.write_bytes(picture)
    except OSError as error:
        raise StorageError(str(path), f"cannot be written: {error.strerror}") from error
    return 0


def why(chosen: argparse.Namespace, _: Config, dirs: Dirs) -> int:
    """Prints for every item, or for the one that was asked for, why it is on air or not."""
    answers = ControlClient(dirs.control_socket).why(chosen.item)
    if chosen.json:
        say_json(answers)
    for answer in answers if not chosen.json else ():
        place = f" ({answer['content_id']} in {answer['layout']})" if answer["layout"] else ""
        say(f"{answer['name']}{place}: {answer['because']}", keep="")
    if not answers and not chosen.json:
        print("there is no programme: nothing was published for this screen yet; see `signage-player status`")
    return 0


def pair(_: argparse.Namespace, __: Config, dirs: Dirs) -> int:
    """Prints the pairing code, or that none is needed."""
    answer = ControlClient(dirs.control_socket).pairing()
    if answer["paired"]:
        say(f"already paired with {answer['server']}", keep="")
    elif answer["pairing_code"]:
        say(answer["pairing_code"], keep="")
    else:
        why = f"{answer['server']} has not answered" if answer["server"] else "no server is configured (cms.url)"
        say(f"no pairing code: {why}", sys.stderr, keep="")
        return 1
    return 0


def lock(chosen: argparse.Namespace, _: Config, dirs: Dirs) -> int:
    """`lock --pin PIN`: closes local controls; the exit code."""
    ControlClient(dirs.control_socket).lock(chosen.pin)
    print("locked")
    return 0


def unlock(chosen: argparse.Namespace, _: Config, dirs: Dirs) -> int:
    """`unlock --pin PIN`: opens local controls; the exit code."""
    ControlClient(dirs.control_socket).unlock(chosen.pin)
    print("unlocked")
    return 0


def in_words(status: dict[str, Any]) -> str:
    """The status on a few lines."""
    server, stage, manifest, cache = status["server"], status["stage"], status["manifest"], status["cache"]
    lines = [
        ("state", status["state"] + (", locked" if status.get("locked") else "")),
        *(("on screen", _item(item)) for item in status["now"]["items"]),
        ("server", _server(server)),
        *(("not offered", f"{name}: {said}") for name, said in _lacks(server)),
        ("paired", _paired(status)),
        ("content", f"{manifest['items']} items, {manifest['assets_ready']} of {manifest['assets_total']} files ready"),
        ("cache", f"{cache['bytes'] / 2**20:.1f} of {cache['limit'] / 2**20:.0f} MiB in {cache['files']} files"),
        ("picture", f"{stage['backend']} {stage['size']} {stage['orientation']}, {stage['frames_dropped']} frames dropped"),
        *([("renderer", f"{stage['renderer']}: {stage['renderer_why']}")] if stage["renderer"] else []),
        *([("triggers", _triggers(status["triggers"]))] if status.get("triggers") else []),
        ("proof of play", f"{status['proof']['pending']} events pending"),
        ("clock", "synchronized" if status["clock"]["synced"] else "not synchronized"),
        *(("fault", f"{fault['code']}: {fault['message']}") for fault in status["faults"]),
        ("player", f"{status['uuid8']}, version {status['version']}, running for {status['uptime_s']:.0f} s"),
    ]
    return "\n".join(f"{name:14}{printable(str(text))}" for name, text in lines)


def _lacks(server: dict[str, Any]) -> list[tuple[str, str]]:
    """What a server that is there does not offer, and why."""
    if server["standing"] == "none":
        return []
    return [(name, said.removeprefix("no: ")) for name, said in server["abilities"].items() if said != "yes"]


def _paired(status: dict[str, Any]) -> str:
    if status["server"]["standing"] == "none":
        return "no, there is no server"
    return "yes" if status["paired"] else f"no, code {status['pairing_code'] or 'not known yet'}"


STANDINGS = {
    "unknown": "not heard of since the start",
    "online": "online",
    "away": "away",
    "refused": "refuses this box",
}


def _server(server: dict[str, Any]) -> str:
    if server["standing"] == "none":
        return "none is configured (cms.url)"
    contact = server["last_contact"]
    since = "never reached" if contact is None else f"last contact {datetime.fromtimestamp(contact, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{STANDINGS[server['standing']]}, {server['kind']} {server['url']}, {since}"


def _triggers(triggers: dict[str, Any]) -> str:
    """What came of the source of triggers, and of the last one."""
    counts = f"{triggers['received']} broadcasts, {triggers['shown']} shown, from {triggers['source']}"
    if not triggers["online"]:
        counts += ", which does not answer"
    for one in triggers["last"][:1]:
        when = f"{datetime.fromtimestamp(one['received_at'], UTC):%H:%M:%S} UTC"
        late = one["because"] or f"on screen {1000 * (one['shown_at'] - one['received_at']):.0f} ms later"
        counts += f"; the last: {one['name']} ({one['brand']} on {one['channel']}) at {when}, {late}"
    return counts


def _item(item: dict[str, Any]) -> str:
    position, duration = item["position_s"], item["duration_s"]
    where = "" if position is None else f", {position:.0f}" + (f" of {duration:.0f}" if duration else "") + " s"
    return f"{item['name']} ({item['type']} in {item['zone']}{where})"
