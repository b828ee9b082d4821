"""What others do with the same content: mpv in two ways and GStreamer under the same compositor, VLC under an X server.

VLC cannot draw under the compositor; its screen is in memory and is looked at every two milliseconds. None of them shows pages.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from scripts.benches import content
from scripts.benches.capture import across
from scripts.benches.content import ITEM_S, Coded
from scripts.benches.framebuffer import root_window, x_server
from scripts.benches.rig import MPV, Rig, stop, until
from scripts.benches.seams import Made, Sample, showings
from scripts.benches.strip import Sort
from scripts.benches.summary import Summary, summarize

FRESH, PLAYLIST, VLC, GSTREAMER = "mpv, a process an item", "mpv, its playlist", "VLC, its playlist", "GStreamer, gapless"
FRESH_ITEMS = 16
GSTREAMER_ITEMS = 19
_ENDS_S = 20.0


def all_of(rig: Rig, items: Sequence[Coded], made: Mapping[int, Made]) -> tuple[dict[str, Summary], list[str]]:
    """Each rival's seams by its name, and a sentence for each that could not be measured. Both ways of mpv are always there."""
    files = [item for item in items if item.kind != "web"]
    silent = [item for item in items if item.kind == "video" and not item.sound]  # gapless waits for sound that does not come
    mixed = [files[number] for number in content.every_pair(len(files))]
    ways: dict[str, Callable[[], list[Sample]]] = {
        FRESH: lambda: _fresh(rig, mixed[:FRESH_ITEMS]),
        PLAYLIST: lambda: _command(rig, _mpv(mixed), len(mixed)),
        VLC: lambda: _on_x11(rig, _vlc(mixed), len(mixed)),
        GSTREAMER: lambda: _command(rig, _gstreamer(_often(silent)), GSTREAMER_ITEMS),
    }
    found, missing = {}, []
    for name, way in ways.items():
        print(f"    {name}", file=sys.stderr, flush=True)
        try:
            found[name] = summarize(name, way(), made, ITEM_S)
        except (ValueError, TimeoutError, OSError) as error:
            if name in (FRESH, PLAYLIST):
                raise
            missing.append(f"{name}: {error}")
    return found, missing


def _often(items: Sequence[Coded]) -> list[Coded]:
    """Every one after every other, round after round."""
    order = content.every_pair(len(items))
    return [items[order[place % len(order)]] for place in range(GSTREAMER_ITEMS)]


def _paths(items: Sequence[Coded]) -> list[str]:
    return [str(item.path) for item in items]


def _mpv(items: Sequence[Coded]) -> list[str]:
    return [*MPV, "--prefetch-playlist=yes", f"--image-display-duration={ITEM_S}", *_paths(items)]


def _vlc(items: Sequence[Coded]) -> list[str]:
    options = [
        "--intf",
        "dummy",
        "--no-audio",
        "--no-osd",
        "--no-video-title-show",
        f"--image-duration={ITEM_S}",
        "--play-and-exit",
    ]
    return [_program("cvlc"), "--vout", "xcb_x11", *options, *_paths(items)]


def _gstreamer(items: Sequence[Coded]) -> list[str]:
    player = _program("gst-play-1.0")
    return [player, "--gapless", "--no-interactive", "--videosink=waylandsink", "--audiosink=fakesink", *_paths(items)]


def _program(name: str) -> str:
    """Raises OSError where it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed")
    return found


def _command(rig: Rig, command: Sequence[str], count: int) -> list[Sample]:
    """One process that plays the whole list, until it ends."""
    with rig.recording() as recording, rig.rival(Path(command[0]).name, command) as process:
        until(lambda: process.poll() is not None, count * ITEM_S * 2 + _ENDS_S, "its list did not end", 1.0)
        samples = recording.samples()
    if not any(sample.seen.sort is Sort.ITEM for sample in samples):
        raise ValueError("it could not draw under this compositor")
    return samples


def _on_x11(rig: Rig, command: Sequence[str], count: int) -> list[Sample]:
    """The same in the root window of an X server: without a window manager a window of its own would be as large as each item."""
    with x_server(rig, across(*rig.size)) as (environment, recording):
        process = rig.spawn("vlc", [*command, f"--drawable-xid={root_window(environment)}"], environment)
        try:
            until(lambda: process.poll() is not None, count * ITEM_S * 2 + _ENDS_S, "its list did not end", 1.0)
        finally:
            stop(process)
        return recording.samples()


def _fresh(rig: Rig, items: Sequence[Coded]) -> list[Sample]:
    """A new process for each item, as players do that launch a program an item."""
    with rig.recording() as recording:
        until(recording.samples, 10, "nothing was recorded")
        for item in items:
            duration = [f"--image-display-duration={ITEM_S}"] if item.kind == "image" else []
            with rig.rival("mpv", [*MPV, *duration, str(item.path)]) as process:
                _wait(process)
        if len(showings(recording.samples())[0]) < len(items) // 2:
            raise ValueError("most of its items were never seen")
        return recording.samples()


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_ENDS_S)
    except subprocess.TimeoutExpired as error:
        raise TimeoutError("an item did not end") from error
