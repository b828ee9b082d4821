"""Keeps the operating system off the panel while it boots: the boot loader's files, and as they were. `scripts/install` runs it.

Text in, text out: `plan` and `undo` say which file is to hold what, and only `carry_out` writes. In a file that is somebody else's
only our words go in, and only they come out again: what was there before, and what somebody wrote since, stays.

    quiet_boot.py show|apply|undo RECORD [--splash] [--root DIR]

RECORD keeps what the files held before. `show` prints what would change, nothing where all is done; `apply` and `undo` print the
files that they wrote. Exit code 4: no boot loader that is known here.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

# The console goes to a terminal that nobody sees; errors of kernel and systemd are in the journal.
CONSOLE = "console=tty3"
WORDS = (
    "quiet", "loglevel=3", "vt.global_cursor_default=0", "logo.nologo", "systemd.show_status=0", "rd.systemd.show_status=0",
    "udev.log_level=3", "rd.udev.log_level=3",
)  # fmt: skip
SPLASH = ("splash", "plymouth.ignore-serial-consoles")
ON_SCREEN = ("console=tty", "console=tty0", "console=tty1")
PI_LINES = ("boot/firmware/cmdline.txt", "boot/cmdline.txt")  # the second before Raspberry Pi OS 12
PI_SETTINGS = ("boot/firmware/config.txt", "boot/config.txt")
GRUB, GRUB_PART = "etc/default/grub", "etc/default/grub.d/signage-player.cfg"
NO_RAINBOW = """
# signage-player: no rainbow at power-on; scripts/install --uninstall takes these lines away
[all]
disable_splash=1
"""
UNKNOWN = 4

Texts = Mapping[str, str | None]  # path below the root -> what it holds; None: it is not there


def quieted(line: str, *, splash: bool) -> str:
    """A kernel's command line with our words at its end. A console on the screen becomes ours, in its place."""
    wanted = WORDS + (SPLASH if splash else ())
    names = {_name(word) for word in wanted}
    kept = [CONSOLE if word in ON_SCREEN else word for word in line.split() if _name(word) not in names]
    if not any(_name(word) == "console" for word in kept):
        kept.append(CONSOLE)
    return " ".join([*dict.fromkeys(kept), *wanted])


def loud(line: str, before: str) -> str:
    """`line` without what `quieted` put into `before`, and with what it took: exactly `before` where nobody else wrote since."""
    if line.split() in [quieted(before, splash=splash).split() for splash in (True, False)]:
        return before.strip()
    had, ours = before.split(), {*WORDS, *SPLASH, CONSOLE}
    on_screen = next((word for word in had if word in ON_SCREEN), None)
    swapped = [on_screen if word == CONSOLE and on_screen else word for word in line.split()]
    kept = [word for word in swapped if word in had or word not in ours]
    names = {_name(word) for word in ours} - {"console"}
    return " ".join([*kept, *(word for word in had if _name(word) in names and word not in kept)])


def _name(word: str) -> str:
    return word.partition("=")[0]


def grub_part(*, splash: bool) -> str:
    """What Debian's GRUB reads beside its own settings. The line of the recovery entries is another, and shows everything."""
    words = " ".join([CONSOLE, *WORDS, *(SPLASH if splash else ())])
    return (
        "# Written by the signage player's installer: nothing of the system is seen on the panel. `--uninstall` takes it away.\n"
        f'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT {words}"\n'
        "GRUB_TIMEOUT_STYLE=hidden\nGRUB_TIMEOUT=1\nGRUB_RECORDFAIL_TIMEOUT=1\n"
    )


def plan(texts: Texts, *, splash: bool) -> dict[str, str]:
    """What the files of the boot loaders that are here should hold, where they do not yet. Raises LookupError: none is here."""
    wanted = {}
    if line := _first(texts, PI_LINES):
        wanted[line] = quieted(texts[line] or "", splash=splash) + "\n"
        if settings := _first(texts, PI_SETTINGS):
            wanted[settings] = _without_rainbow(texts[settings] or "")
    if texts.get(GRUB) is not None:
        wanted[GRUB_PART] = grub_part(splash=splash)
    if not wanted:
        raise LookupError
    return {path: text for path, text in wanted.items() if text != texts.get(path)}


def undo(texts: Texts, before: Texts) -> dict[str, str | None]:
    """What they should hold when the player goes; `before`: what they held when it came."""
    wanted: dict[str, str | None] = {}
    for path, held in before.items():
        now = texts.get(path)
        if path == GRUB_PART:
            wanted[path] = held
        elif now is not None and held is not None:
            wanted[path] = now.replace(NO_RAINBOW, "") if path in PI_SETTINGS else loud(now, held) + "\n"
    return {path: text for path, text in wanted.items() if text != texts.get(path)}


def _first(texts: Texts, paths: tuple[str, ...]) -> str | None:
    """The file that the firmware reads. At the old place there may be one that says so, and where the other is."""
    return next((path for path in paths if "DO NOT EDIT" not in (texts.get(path) or "DO NOT EDIT")), None)


def _without_rainbow(text: str) -> str:
    return text if "disable_splash=1" in text.split() else text.rstrip("\n") + "\n" + NO_RAINBOW


def in_words(wanted: Mapping[str, str | None], texts: Texts) -> str:
    """For whoever is asked: each file, and what it will hold; of a long one what is added."""
    lines = []
    for path, text in wanted.items():
        held = texts.get(path) or ""
        added = (text or "").removeprefix(held.rstrip("\n") if path in PI_SETTINGS else "").strip("\n")
        lines += [f"  /{path}", *(f"    {line}" for line in added.splitlines())]
    return "\n".join(lines)


# --- files ------------------------------------------------------------------------------------------------------------------


def read(root: Path) -> dict[str, str | None]:
    """Every file that may be meant."""
    found: dict[str, str | None] = {}
    for name in (*PI_LINES, *PI_SETTINGS, GRUB, GRUB_PART):
        path = root / name
        found[name] = path.read_text(encoding="utf-8", errors="surrogateescape") if path.is_file() else None
    return found


def carry_out(root: Path, wanted: Mapping[str, str | None]) -> None:
    """Writes them, each as a whole: a power cut leaves the old or the new."""
    for name, text in wanted.items():
        path = root / name
        if text is None:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        following = path.with_name(path.name + ".next")
        with following.open("w", encoding="utf-8", errors="surrogateescape") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        following.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="quiet_boot.py")
    parser.add_argument("what", choices=("show", "apply", "undo"))
    parser.add_argument("record", type=Path)
    parser.add_argument("--splash", action="store_true")
    parser.add_argument("--root", type=Path, default=Path("/"))
    given = parser.parse_args()
    texts = read(given.root)
    before = json.loads(given.record.read_text(encoding="utf-8")) if given.record.is_file() else {}
    wanted: Mapping[str, str | None]
    if given.what == "undo":
        wanted = undo(texts, before)
    else:
        try:
            wanted = plan(texts, splash=given.splash)
        except LookupError:
            return UNKNOWN
    if given.what == "show":
        print(in_words(wanted, texts), end="\n" if wanted else "")
        return 0
    if given.what == "apply":  # what was there the first time, not what we made of it
        carry_out(Path("/"), {str(given.record.absolute()): json.dumps({path: texts[path] for path in wanted} | before)})
    carry_out(given.root, wanted)
    print(*wanted, sep="\n", end="\n" if wanted else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
