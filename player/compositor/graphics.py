"""Gathers the facts by which `core/renderer` chooses, and keeps its verdict on disk.

The last start lies beside the sockets, in memory: a power cut or a boot takes it away, and so is never taken for a death. Only a
verdict is written to disk. A verdict that cannot be read or written costs itself: gles2 is tried once more after the next boot.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from player import __version__
from player.core.renderer import CardVerdict, Choice, Ground, RenderNode, Start, Traces, choose, judge, node_of
from player.errors import StorageError
from player.store import Snapshot

DRI = Path("/dev/dri")
DRM = Path("/sys/class/drm")
UDEV_S, UDEV_LOOK_S = 30.0, 0.2
LAST_START, FIRST_FRAME, VERDICT = "starts.json", "first_frame", "renderer.json"
_MESA = ("usr/lib/*/libEGL_mesa.so.0", "usr/lib/libEGL_mesa.so.0", "usr/lib64/libEGL_mesa.so.0")


def settle(
    wanted: str, backend: str, runtime: Path, kept_in: Path, *, dri: Path = DRI, drm: Path = DRM,
    wait: Callable[[float], None] = time.sleep,
) -> Choice:  # fmt: skip
    """The renderer for this start, which is noted in `runtime`; a verdict is kept in the folder `kept_in`."""
    node = _node_once_udev_came(dri, wait)
    ground = _ground(dri, drm)
    before = _read_start(runtime / LAST_START)
    verdict = judge(_kept(kept_in / VERDICT), ground, before, _traces(runtime))
    if verdict and (before is None or verdict != before.verdict):
        _keep(kept_in / VERDICT, verdict)
    choice = choose(wanted, backend, node, verdict)
    with contextlib.suppress(OSError):  # a full disk has no say in what is on screen
        (runtime / LAST_START).write_bytes(msgspec.json.encode(Start(choice.renderer, ground, verdict)))
    return choice


def _node_once_udev_came(dri: Path, wait: Callable[[float], None]) -> RenderNode:
    looks = int(UDEV_S / UDEV_LOOK_S)
    while (node := _node(dri)) is RenderNode.UNTOUCHED and looks:
        wait(UDEV_LOOK_S)
        looks -= 1
    return node


def _node(dri: Path) -> RenderNode:
    """The best of the nodes that there are."""
    found = []
    for node in sorted(dri.glob("renderD*")):
        with contextlib.suppress(OSError):  # it was unplugged
            owned = node.stat()
            usable = os.access(node, os.R_OK | os.W_OK)
            found.append(node_of(usable=usable, owner=owned.st_uid, group=owned.st_gid))
    order = (RenderNode.OPEN, RenderNode.UNTOUCHED, RenderNode.REFUSED)
    return next((one for one in order if one in found), RenderNode.ABSENT)


def _ground(dri: Path, drm: Path) -> Ground:
    devices = [drm / node.name / "device" for node in sorted(dri.glob("renderD*"))]
    drivers = " ".join(_target(device / "driver") or "unknown driver" for device in devices)
    return Ground(drivers, " ".join(map(_chip, devices)), os.uname().release, _mesa(), __version__)


def _chip(device: Path) -> str:
    """Maker and model on the bus: PCI's or the device tree's."""
    try:
        return (device / "modalias").read_text().strip()
    except (OSError, ValueError):
        return _target(device)


def _target(link: Path) -> str:
    return link.resolve().name if link.exists() else ""


def _mesa() -> str:
    """Size and time of Mesa's library: they change with its package, which is cheaper to see than its version."""
    found = [path.stat() for pattern in _MESA for path in sorted(Path("/").glob(pattern))]
    return " ".join(f"{one.st_size}-{int(one.st_mtime)}" for one in found)


def _traces(runtime: Path) -> Traces:
    return Traces(*((runtime / name).exists() for name in ("compositor.json", "sway.sock", FIRST_FRAME)))


def _read_start(path: Path) -> Start | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Start)
    except (OSError, ValueError):
        return None


def _kept(path: Path) -> CardVerdict | None:
    try:
        return Snapshot(path, CardVerdict).read()
    except StorageError as error:
        _say(f"what is known of the renderer cannot be read: {error}")
        return None


def _keep(path: Path, verdict: CardVerdict) -> None:
    """Writes it where it is not there yet, and never over a newer player's."""
    try:
        kept = Snapshot(path, CardVerdict)
        if kept.read() != verdict:
            kept.write(verdict)
    except StorageError as error:
        _say(f"what was found of the renderer is forgotten at the next boot: {error}")


def _say(sentence: str) -> None:
    print(f"compositor: {sentence}", file=sys.stderr, flush=True)
