"""The machine: who runs, compositor, seat, graphics, decoders, browser, sound."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from player.cli.checks.finding import Finding, absent, failed, passed
from player.errors import BoxError
from player.launch.start import account_for_root

DEV, RUN = Path("/dev"), Path("/run")
ASK_WITHIN_S = 10.0
PI_GRAPHICS = "Raspberry Pi: dtoverlay=vc4-kms-v3d in /boot/firmware/config.txt"
_PI_DECODERS = ("video10", "video19")  # V4L2 nodes of the Raspberry Pi's decoders: H.264, HEVC


def account() -> Iterator[Finding]:
    """Not root, or a user that root gives way to."""
    try:
        found = account_for_root()
    except BoxError as error:
        yield failed("account", str(error), "sudo scripts/setup")
    else:
        yield passed("account", f"root starts the player as {found.name}" if found else f"runs as uid {os.geteuid()}")


def compositor(backend: str) -> Iterator[Finding]:
    """sway, and grim for screenshots."""
    needed = backend not in ("none", "single")
    version = _first_line("sway", "--version")
    if version:
        yield passed("compositor", version)
    elif needed:
        yield failed("compositor", "sway is not installed", "sudo scripts/setup, or: sudo apt install sway")
    else:
        yield absent("compositor", f'not needed by stage.backend = "{backend}"')
    if not shutil.which("grim"):
        yield failed("screenshots", "grim is not installed", "sudo apt install grim", needed=False)


def seat(backend: str) -> Iterator[Finding]:
    """Whether the screen's hardware, or a desktop, may be used."""
    desktop = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if desktop:
        yield passed("seat", f"inside the desktop session {desktop}")
    elif os.access(RUN / "seatd.sock", os.W_OK):
        yield passed("seat", "seatd answers")
    elif (RUN / "seatd.sock").exists():
        yield failed("seat", "seatd is there, but closed to this user", "sudo usermod -a -G video $USER, then log in again")
    elif os.environ.get("XDG_SESSION_ID"):
        yield passed("seat", "a session of systemd-logind")
    elif backend == "sway":
        yield failed(
            "seat", "no seatd, no login session, no desktop", "sudo apt install seatd, then add the user to the group video"
        )
    else:
        yield absent("seat", "no seatd, no login session, no desktop: pictures are drawn without a panel", "sudo apt install seatd")


def graphics(dev: Path = DEV) -> Iterator[Finding]:
    """The render node, where nobody draws who could say more."""
    nodes = sorted((dev / "dri").glob("renderD*"))
    usable = [node for node in nodes if os.access(node, os.R_OK | os.W_OK)]
    if usable:
        yield passed("graphics", f"render node {usable[0]}; nothing is drawn with it now, so whether it works is not known")
    elif nodes:
        yield failed(
            "graphics", f"{nodes[0]} is closed to this user", "sudo usermod -a -G render $USER, then log in again", needed=False
        )
    else:
        yield absent(
            "graphics", "no render node: everything is drawn by the processor", f"{PI_GRAPHICS}; else install the chip's driver"
        )


def video(backend: str, hwdec: str, dev: Path = DEV) -> Iterator[Finding]:
    """libmpv, ffmpeg, and hardware decoding."""
    library = ctypes.util.find_library("mpv")
    if library:
        version = ctypes.CDLL(library).mpv_client_api_version()
        yield passed("video", f"{library}, interface {version >> 16}.{version & 0xFFFF}")
    elif backend != "none":
        yield failed("video", "libmpv is not installed", "sudo scripts/setup, or: sudo apt install libmpv2")
    ffmpeg = _first_line("ffmpeg", "-version")
    if ffmpeg:
        yield passed("decoders", ffmpeg.split(" Copyright", maxsplit=1)[0])
    else:
        yield failed("decoders", "ffmpeg is not installed", "sudo scripts/setup, or: sudo apt install ffmpeg")
    nodes = [str(dev / name) for name in _PI_DECODERS if (dev / name).exists()] + [
        str(node) for node in (dev / "dri").glob("renderD*")
    ]
    if hwdec == "no":
        yield absent("hardware decode", 'turned off by stage.hwdec = "no"')
    elif nodes:
        yield passed("hardware decode", f"{', '.join(nodes)} may decode; stage.hwdec = {hwdec}")
    else:
        yield absent("hardware decode", "no decoder device: video is decoded by the processor")


def browser(configured: str, *, sandbox: bool) -> Iterator[Finding]:
    """Chromium, for web pages, and whether it is to have its `sandbox`."""
    names = ("chromium", "chromium-browser") if configured == "auto" else (configured,)
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found:
        yield passed("browser", found)
    elif configured == "auto":
        yield absent("browser", "Chromium is not installed: web pages are left out", "sudo apt install chromium")
    else:
        yield failed("browser", f"{configured} is not there", "mend stage.browser", needed=False)

    if found and not sandbox:
        remedy = "allow user namespaces on this system, and take the key out"
        yield failed("browser sandbox", "turned off by stage.browser_sandbox = false", remedy, needed=False)


def sound(dev: Path = DEV) -> Iterator[Finding]:
    """A sound card that this user may use."""
    cards = sorted((dev / "snd").glob("controlC*"))
    if any(os.access(card, os.R_OK | os.W_OK) for card in cards):
        yield passed("audio", f"{len(cards)} sound cards")
    elif cards:
        yield failed(
            "audio", "the sound card is closed to this user", "sudo usermod -a -G audio $USER, then log in again", needed=False
        )
    else:
        remedy = "connect a panel with sound, or a sound card; Raspberry Pi: dtparam=audio=on in /boot/firmware/config.txt"
        yield absent("audio", "no sound card: video plays without sound", remedy)


def _first_line(*command: str) -> str:
    """What a program says first; "" when it is not there or does not answer."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.partition("\n")[0].strip()
