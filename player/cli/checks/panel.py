"""The panel: what is connected, the wires to it and whether anybody answers on them, its brightness, and what it gets to show."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from player.cli.checks.finding import Finding, absent, failed, passed
from player.cli.checks.machine import PI_GRAPHICS
from player.device.ddc import DdcDisplay, display_buses
from player.errors import BoxError, NotRunning

DEV, SYS = Path("/dev"), Path("/sys")
_DDC_REMEDY = "sudo modprobe i2c-dev, and switch DDC/CI on in the panel's menu"


def outputs(system: Path = SYS) -> Iterator[Finding]:
    """Whether a panel is connected, and at which output."""
    states = {
        path.parent.name.partition("-")[2]: path.read_text().strip() for path in (system / "class/drm").glob("card*-*/status")
    }
    connected = sorted(name for name, state in states.items() if state == "connected")
    if connected:
        yield passed("panel", ", ".join(connected))
    elif states:
        yield absent("panel", "nothing is connected", "check the cable at both ends, the panel's power, and its input")
    else:
        yield absent("panel", "no output", f"{PI_GRAPHICS}; else install the graphics chip's driver; a container has none")


def cec(dev: Path = DEV) -> Iterator[Finding]:
    """An adapter, for the panel's power."""
    nodes = sorted(dev.glob("cec*"))
    if any(os.access(node, os.R_OK | os.W_OK) for node in nodes):
        yield passed("CEC", ", ".join(str(node) for node in nodes))
    elif nodes:
        yield failed("CEC", f"{nodes[0]} is closed to this user", "sudo usermod -a -G video $USER, then log in again", needed=False)
    else:
        remedy = "switch CEC on in the panel's menu; most PCs need a USB-CEC adapter; a Raspberry Pi has it: sudo modprobe cec"
        yield absent("CEC", "no device: the panel's power is not set through it", remedy)


def ddc(dev: Path = DEV, system: Path = SYS, display: Callable[[Path], DdcDisplay] = DdcDisplay) -> Iterator[Finding]:
    """Whether a panel answers over the wires of its cable: a bus that is there says nothing about who listens on it."""
    buses = display_buses(dev, system)
    if not buses:
        yield absent("DDC/CI", "no wire to a connected panel: its brightness is not set through it", _DDC_REMEDY)
    for bus in buses:
        panel = display(bus)
        try:
            yield passed("DDC/CI", f"{panel}: {panel.probe()}")
        except BoxError as error:
            yield failed("DDC/CI", error.reason, _DDC_REMEDY, needed=False)


def brightness(settings: Callable[[], list[dict[str, Any]]]) -> Iterator[Finding]:
    """Whether the brightness that was ordered is that of the panel; nothing where none was. `settings` as `GET /api/settings`."""
    try:
        row = next(row for row in settings() if row["name"] == "brightness")
    except (NotRunning, BoxError, StopIteration):
        return
    if row["wanted"] is None:
        return
    ordered = f"{row['wanted']:g} was ordered"
    if row["in_effect"] and row["found"] is not None:
        yield passed("brightness", f"{ordered}, {row['found']:g} was found: {row['outcome']}")
    else:
        yield failed(
            "brightness", f"{ordered}, and did not work: {row['outcome'] or 'nobody has answered yet'}", _DDC_REMEDY, needed=False
        )


def look(screenshot: Callable[[str], bytes], path: Path | None) -> Iterator[Finding]:
    """What the panel gets, as a file: at `path`, else at a place of its own. `screenshot(kind)` raises NotRunning, BoxError."""
    try:
        picture = screenshot("png")
    except NotRunning:
        return
    except BoxError as error:
        yield failed("picture", f"what the panel gets cannot be seen: {error.reason}", "signage-player status", needed=False)
        return
    try:
        yield passed("picture", f"this is what the panel gets: {_written(picture, path)}")
    except OSError as error:
        yield failed(
            "picture",
            f"{path or tempfile.gettempdir()} cannot be written: {error.strerror}",
            "give another file: --picture FILE",
            needed=False,
        )


def _written(picture: bytes, path: Path | None) -> Path:
    """Where it lies now. A name that nobody could foresee, since root writes it into a folder of everybody's."""
    if path is not None:
        path.write_bytes(picture)
        return path
    handle, name = tempfile.mkstemp(prefix="signage-panel-", suffix=".png")
    with os.fdopen(handle, "wb") as out:
        os.fchmod(handle, 0o644)  # it hangs on a wall, for all to see
        out.write(picture)
    return Path(name)
