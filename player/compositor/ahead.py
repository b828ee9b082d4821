"""The curtain of a boot: a process that is there before its compositor, so that the brand is what sway's first frames show.

Left to itself sway draws a plain grey until somebody draws behind the windows, and on a box that is busy with its start whoever
begins then takes long. So the first compositor after a boot has this program load everything before it becomes sway
(`compositor.session`): it puts the brand, in each panel's pixels, where a curtain looks for what was shown last, says on its
standard output that it is ready, waits for the compositor's socket, and goes on as the curtain. Of a panel that the kernel does not
name yet nothing is known: `swaybg` shows the brand there, as at every later start of a compositor.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from player.compositor.still_file import HEAD, IDLE, CurtainRecord, Still, make_still, write_record

DRM = Path("/sys/class/drm")
READY_S = 5.0  # what a compositor waits for it: the boot's picture on the bare console is on the panel meanwhile
_LOOK_S = 0.005
_READY = b"ready"
_XRGB = 1  # of wl_shm

Size = tuple[int, int]


def connected(drm: Path, wanted: str) -> dict[str, Size]:
    """The panels by sway's names, and how many pixels each has: of its own choice, or of the mode that is `wanted` ("1920x1080@50",
    "" for none)."""
    found = {}
    for connector in sorted(drm.glob("card*-*")):
        try:
            is_there = (connector / "status").read_text().strip() == "connected"
            mode = wanted or (connector / "modes").read_text().partition("\n")[0]
            width, _, height = mode.partition("@")[0].rstrip("i").partition("x")
            if is_there:
                found[connector.name.partition("-")[2]] = (int(width), int(height))
        except (OSError, ValueError):
            continue
    return found


def hang_up(folder: Path, picture: Path, panels: Mapping[str, Size]) -> None:
    """Leaves the picture as what was shown last on those panels. Raises OSError and ValueError: it cannot be read, or kept."""
    from PIL import Image, ImageOps

    stills = {}
    with Image.open(picture) as opened:
        drawn = opened.convert("RGB")
    for name, size in panels.items():
        still = Still(f"still-{name}-boot.bmp", *size, 4 * size[0], _XRGB)
        handle = make_still(folder, still)
        try:
            os.pwrite(handle, ImageOps.fit(drawn, size).tobytes("raw", "BGRX"), HEAD)
        finally:
            os.close(handle)
        stills[name] = still
    write_record(folder, CurtainRecord("still", stills))


def begin(environment: Mapping[str, str], wanted: str, drm: Path = DRM) -> int:
    """Starts it, and waits until it is ready: its process id, 0 where there is nothing to begin with.

    It is no child of this process, which becomes sway and waits for none.
    """
    if not connected(drm, wanted):
        return 0
    heard, said = os.pipe()
    between = os.fork()
    if between == 0:
        try:
            child = os.fork()
            if child == 0:
                os.dup2(said, 1)
                words = (sys.executable, "-P", "-m", "player.compositor.ahead", str(drm), wanted)
                os.execve(words[0], words, dict(environment))  # noqa: S606 - ourselves
            os.write(said, f"{child}\n".encode())
        finally:
            os._exit(0)
    os.close(said)
    os.waitpid(between, 0)
    ends, told = time.monotonic() + READY_S, b""
    while told.count(b"\n") < 2 and select.select([heard], [], [], max(0.0, ends - time.monotonic()))[0]:
        piece = os.read(heard, 64)
        if not piece:  # it ended
            break
        told += piece
    os.close(heard)
    started = next((int(word) for word in told.split() if word.isdigit()), 0)
    if _READY in told.split():
        return started
    if started:  # too late: another curtain takes its place
        with contextlib.suppress(OSError):
            os.kill(started, signal.SIGKILL)
    return 0


def _apart(folder: Path, drm: Path, wanted: str) -> bool:
    """Draws in a child, whose memory goes with it: whether the picture hangs."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            hang_up(folder, folder / IDLE, connected(drm, wanted))
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


def _socket_of(folder: Path, compositor: int) -> str:
    """The name of the compositor's socket, as soon as it is there; "" when the compositor ended before."""
    while Path(f"/proc/{compositor}").exists():
        for path in folder.glob("wayland-*"):
            if path.is_socket():
                return path.name
        time.sleep(_LOOK_S)
    return ""


def main(drm: str, wanted: str) -> int:
    """Until the compositor goes: 0; 1 where there is no picture."""
    folder = Path(os.environ["XDG_RUNTIME_DIR"])
    if not _apart(folder, Path(drm), wanted):
        return 1
    from player.compositor.curtain import main as curtain

    os.write(1, _READY + b"\n")
    os.dup2(2, 1)
    os.environ["WAYLAND_DISPLAY"] = _socket_of(folder, int(os.environ["SIGNAGE_PID"]))
    return curtain(0) if os.environ["WAYLAND_DISPLAY"] else 0


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))
