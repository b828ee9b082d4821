"""A curtain that begins over the picture which `swaybg` shows, with a compositor that answers when the test says so."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pywayland.protocol.viewporter import WpViewporter
from pywayland.protocol.wayland import WlCompositor, WlOutput, WlShm

from player.compositor.curtain import OUTPUT_NAMES, Curtain
from player.compositor.still_file import CurtainRecord, Still, make_still, read_record, write_record
from player.protocols.layer_shell import ZwlrLayerShellV1
from player.protocols.screencopy import ZwlrScreencopyManagerV1
from tests.fakes.running import eventually

GLOBALS = (WlCompositor, WlShm, ZwlrLayerShellV1, WpViewporter, ZwlrScreencopyManagerV1, WlOutput)


class Thing:
    """Something of the compositor's: it takes every call, and keeps what each gave."""

    def __init__(self) -> None:
        self.dispatcher: dict[str, Callable[..., None]] = {}
        self.gave: dict[str, Thing] = {}

    def __getattr__(self, name: str) -> Callable[..., Thing]:
        return lambda *_: self.gave.setdefault(name, Thing())


class Registry(Thing):
    """Gives each of `GLOBALS`, by its name."""

    def bind(self, number: int, interface: Any, version: int) -> Thing:
        del number, version
        return self.gave.setdefault(interface.name, Thing())


class Compositor:
    """Its side of the connection; one panel."""

    def __init__(self, folder: Path) -> None:
        self.registry = Registry()
        os.mkfifo(folder / "line")
        self._line = os.open(folder / "line", os.O_RDWR | os.O_NONBLOCK)

    def get_fd(self) -> int:
        return self._line

    def get_registry(self) -> Registry:
        return self.registry

    def roundtrip(self) -> None:
        for number, interface in enumerate(GLOBALS):
            self.registry.dispatcher["global"](self.registry, number, interface.name, OUTPUT_NAMES)


async def test_what_lies_over_the_picture_goes_when_that_was_drawn_and_not_when_it_was_hung_up(tmp_path: Path) -> None:
    still = Still("still-A.bmp", 64, 36, 256, 1)
    os.close(make_still(tmp_path, still))
    write_record(tmp_path, CurtainRecord("still", {"A": still}))
    shutil.copy(shutil.which("sleep") or "", tmp_path / "swaybg")
    compositor = Compositor(tmp_path)
    over = await asyncio.create_subprocess_exec(tmp_path / "swaybg", "600")
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, compositor.get_fd())
        stack.callback(lambda: over.returncode is None and over.kill())
        await eventually(lambda: Path(f"/proc/{over.pid}/comm").read_text() == "swaybg\n", 20)
        curtain = Curtain(compositor, tmp_path, tmp_path, over.pid)
        stack.callback(curtain._listener.close)
        panel = compositor.registry.gave[WlOutput.name]
        panel.dispatcher["name"](panel, "A")
        panel.dispatcher["done"](panel)
        curtain._leave_behind()
        assert read_record(tmp_path).swaybg == over.pid, "the panel's size is not known: nothing was drawn"
        layer = compositor.registry.gave[ZwlrLayerShellV1.name].gave["get_layer_surface"]
        layer.dispatcher["configure"](layer, 1, 1280, 720)
        curtain._leave_behind()
        assert read_record(tmp_path).swaybg == 0
        async with asyncio.timeout(20):
            await over.wait()
