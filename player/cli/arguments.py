"""Every command of the command line, with its help, an example and its exit codes.

argparse and not typer: `run` must put a first frame on screen within half a second, and importing typer and rich costs more than
starting the stage; rich is imported where a bar or a table is drawn.
"""

from __future__ import annotations

import argparse
import importlib
import math
from collections.abc import Callable
from typing import TypeAlias

from player import __version__

EXITS = "exit codes: 0 done, 1 failed, 2 configuration or usage wrong, 3 no player running, 4 wrong PIN, or one too soon after it"
MOST_SCREENS = 16  # of a demonstration
SERVERS = ("adcast", "spot", "screenzzie", "folder")  # that are embedded
Add = Callable[[argparse.ArgumentParser], None]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(prog="signage-player", description="A digital signage player.", epilog=EXITS)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.set_defaults(config=None)
    _take_config(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_daemons(commands)
    _add_shows(commands)
    _add_questions(commands)
    _add_timers(commands)
    _add_trials(commands)
    _add_records(commands)
    return parser


def _command(commands: Commands, name: str, code: str, text: str, example: str, add: Add | None = None) -> None:
    parser = commands.add_parser(
        name,
        help=text,
        description=text[:1].upper() + text[1:] + ".",
        epilog=f"example:\n  signage-player {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _take_config(parser)
    parser.set_defaults(code=code)
    if add:
        add(parser)


def _take_config(parser: argparse.ArgumentParser) -> None:
    """`--config`, which may stand before a command, after it, and after its action: absent here, what stood before holds."""
    text = "the configuration (default: $SIGNAGE_CONFIG, else /etc/signage-player/config.toml, else the user's own in ~/.config)"
    parser.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help=text)


def _action(actions: Commands, name: str, text: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=text, description=text[:1].upper() + text[1:] + ".", epilog=f"example: signage-player {example}"
    )
    _take_config(parser)
    return parser


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    """What reads a whole number of that range."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
            raise argparse.ArgumentTypeError(f'expected a whole number from {lowest} to {highest}, found "{text}"')
        return int(text)

    return read


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f'expected a number of seconds above 0, found "{text}"')
    return value


def _add_daemons(commands: Commands) -> None:
    def run(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "shown", nargs="?", metavar="FOLDER", help="show the files of this folder, instead of the configured server's content"
        )

    text = "run the player in the foreground: compositor, stage and agent"
    _command(commands, "run", "daemon", text, "run --config config.toml", run)
    _command(commands, "agent", "daemon", "run the agent alone: network, storage, commands", "agent")
    _command(commands, "stage", "daemon", "run the stage alone: playback", "stage")
    _command(commands, "compositor", "daemon", "run the compositor alone: sway", "compositor")


def _add_shows(commands: Commands) -> None:
    def demo(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--screens", type=_whole(1, MOST_SCREENS), default=1, metavar="N", help="how many players (default 1)")
        parser.add_argument("shown", nargs="?", metavar="FOLDER", help="show the files of this folder; implies --server folder")
        parser.add_argument("--server", choices=SERVERS, default=SERVERS[0], help="which kind of server (default %(default)s)")
        parser.add_argument(
            "--port", type=_whole(0, 65535), default=8080, help="the server's port (default 8080; 0 takes a free one)"
        )
        parser.add_argument(
            "--screenshot",
            default="demo-screenshot.png",
            metavar="FILE",
            help="where the picture goes, the second screen's to FILE-2 (default %(default)s)",
        )
        parser.add_argument("--once", action="store_true", help="end after the screenshot")
        beside = "a Spotwatch server beside it: what is on its television triggers content"
        parser.add_argument("--spotwatch", action="store_true", help=beside)
        speed = "how fast its day of broadcasts runs (default 60: in 24 minutes)"
        parser.add_argument("--speed", type=_seconds, default=60.0, metavar="N", help=speed)
        parser.add_argument("--manage", action="store_true", help="print what a tool needs to manage the screens")
        parser.add_argument("--folder", metavar="DIR", help="where server and players keep their state, for the next time")

    def play(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "files",
            nargs="+",
            metavar="FILE",
            help="a video, sound, picture, drawing, document, HTML archive, the address of a page or stream; or one layout (.toml)",
        )
        parser.add_argument(
            "--seconds", type=_seconds, default=10.0, metavar="S", help="how long pictures and pages stay (default 10)"
        )

    _command(
        commands,
        "demo",
        "demonstration:main",
        "a server with sample content, and a player that shows it",
        "demo --server spot --screens 2",
        demo,
    )
    _command(commands, "play", "play:main", "show files at once, without configuration or server", "play film.mp4 poster.jpg", play)


def _add_questions(commands: Commands) -> None:
    def status(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="the object of GET /api/status")
        parser.add_argument("--watch", action="store_true", help="again every second, until Ctrl-C")

    def json_only(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")

    def picture(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="ends in .png or .jpg")

    def archive(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="ends in .tar.gz, .tgz or .zip")

    def pin(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--pin", required=True, help="4 to 12 digits; where none is set yet, `lock` makes it the PIN")

    def name(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", metavar="NAME", help="as `settings` lists it (default: every setting, a line each)")

    def value(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="as `settings` lists it")
        parser.add_argument("value", metavar="VALUE", help="within the range that `settings` lists")

    def doctor(parser: argparse.ArgumentParser) -> None:
        json_only(parser)
        parser.add_argument("--picture", metavar="FILE", help="where what the panel gets is kept, as PNG (default: a file in /tmp)")

    def why(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("item", nargs="?", metavar="ITEM|CONTENT", help="an id, a content's id or a name (default: every item)")
        json_only(parser)

    _command(commands, "why", "questions:why", "why an item is on air, or why it is not", "why 42", why)
    _command(commands, "status", "questions:status", "what a running player is doing", "status --watch", status)
    _command(
        commands, "screenshot", "questions:screenshot", "what the screen shows now, as PNG or JPEG", "screenshot now.png", picture
    )
    _command(commands, "pair", "questions:pair", "the pairing code", "pair")
    _command(commands, "lock", "questions:lock", "lock local controls", "lock --pin 471100", pin)
    _command(commands, "unlock", "questions:unlock", "unlock local controls", "unlock --pin 471100", pin)
    _command(commands, "settings", "settings:show", "every setting: wanted, found, who asked, when", "settings", json_only)
    _command(commands, "get", "settings:get", "what is wanted of one setting", "get volume", name)
    _command(commands, "set", "settings:set_", 'ask for a setting; "default" returns to the configuration', "set volume 35", value)
    _command(commands, "doctor", "doctor:main", "test this machine, and say what to do about it", "doctor", doctor)
    _command(
        commands,
        "support-bundle",
        "support:main",
        "one archive for a support ticket, secrets removed",
        "support-bundle t.tar.gz",
        archive,
    )


def _add_timers(commands: Commands) -> None:
    def timer(parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="list|set|remove", required=True)
        listed = _action(actions, "list", "every timer", "timer list")
        listed.add_argument("--json", action="store_true", help="for programs")
        set_ = _action(actions, "set", "set one in its place", "timer set 1 --on 8:00 --off 20:00 --days mon-fri --volume 40")
        set_.add_argument("--on", type=_read_by("wall_time"), metavar="HH:MM", help="when the screen is switched on")
        set_.add_argument("--off", type=_read_by("wall_time"), metavar="HH:MM", help="when it is switched off")
        set_.add_argument(
            "--days", type=_read_by("days"), default="mon-sun", metavar="DAYS", help="mon-fri,sun (default: every day)"
        )
        set_.add_argument("--volume", type=_whole(0, 100), metavar="0-100", help="how loud it is from then on")
        remove = _action(actions, "remove", "take one away", "timer remove 1")
        levels = "whose timers: the device's own, or the panel's; here both switch the panel (default native)"
        for action in (set_, remove):
            action.add_argument("number", type=_whole(1, 7), metavar="1-7", help="which one")
            action.add_argument("--level", choices=("native", "proprietary"), default="native", help=levels)

    text = "when the screen is on, by the box's own wall clock"
    _command(commands, "timer", "timers:main", text, "timer set 1 --on 8:00 --off 20:00 --days mon-fri", timer)


def _read_by(name: str) -> Callable[[str], object]:
    """A reader of `cli.timers`, which is imported when there is something to read."""

    def read(text: str) -> object:
        return getattr(importlib.import_module("player.cli.timers"), name)(text)

    return read


def _add_trials(commands: Commands) -> None:
    def trigger(parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="test", required=True)
        text = "which rule a recorded message would fire, and why the others would not"
        test = _action(actions, "test", text, "trigger test message.json")
        test.add_argument("file", metavar="FILE", help="JSON: a push of Spotwatch, what its queue answered, or one message")

    _command(commands, "trigger", "trigger:main", "try the rules of [[trigger]]", "trigger test message.json", trigger)


def _add_records(commands: Commands) -> None:
    def cache(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "action",
            choices=("list", "verify", "prune"),
            help="list names every file; verify hashes each again, and sets damaged ones aside; prune drops what is not on air",
        )

    def proof(parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="export|verify|key", required=True)
        export = _action(actions, "export", "events out of the journal", "proof export --since 7d --format csv")
        export.add_argument("--since", metavar="D", help="a date (2026-03-01), an instant (2026-03-01T12:00Z) or an age (7d, 12h)")
        export.add_argument(
            "--format", choices=("csv", "jsonl"), default="jsonl", help="only jsonl can be verified (default jsonl)"
        )
        export.add_argument("--output", metavar="FILE", help="instead of standard output")
        verify = _action(actions, "verify", "check the chain and the signatures of an export", "proof verify plays.jsonl")
        verify.add_argument("file", metavar="FILE")
        verify.add_argument("--key", metavar="BASE64", help="the public key of the box that signed (default: this box's)")
        _action(actions, "key", "the public key that this box signs with", "proof key")

    def token(parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="create|list|revoke", required=True)
        create = _action(actions, "create", "a token; its secret is shown once", "token create --name phone")
        create.add_argument("--name", required=True, help="what it is for")
        kinds = "control: the control API; device: the management API, signageOS's (default control)"
        create.add_argument("--kind", choices=("control", "device"), default="control", help=kinds)
        scopes = "read: look; control: commands and settings too; admin: updates and logs too (default control)"
        create.add_argument("--scope", choices=("read", "control", "admin"), default="control", help=scopes)
        create.add_argument("--expires", metavar="AGE", help="30d, 12h (default: never)")
        _action(actions, "list", "every token, without secrets", "token list")
        revoke = _action(actions, "revoke", "end a token", "token revoke 1a2b3c4d")
        revoke.add_argument("id", metavar="ID")

    def update(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("bundle", nargs="?", metavar="BUNDLE", help="what scripts/bundle made")
        parser.add_argument("--to", metavar="VERSION", help="instead of a file: the bundle of that version in update.folder")
        parser.add_argument("--check", action="store_true", help="say whether it would be installed, and install nothing")
        parser.add_argument(
            "--list", action="store_true", help="the bundles in update.folder, and whether this box may install them"
        )
        parser.add_argument("--json", action="store_true", help="the list for programs")

    _command(commands, "cache", "cache:main", "the media store", "cache verify", cache)
    _command(commands, "proof", "proof:main", "proof of play", "proof export --since 7d --format csv", proof)
    text = "access to the control API, and to the management API"
    _command(commands, "token", "tokens:main", text, "token create --name phone --expires 30d", token)
    _command(commands, "update", "update:main", "install a signed update bundle", "update signage-player-1.2.bundle", update)
