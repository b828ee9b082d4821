"""Watches the screen from outside the player: `python -m tests.fakes.screen_watch RUNTIME OUT`, every frame that is drawn.

For each frame of the compositor in RUNTIME one line in OUT: when it was drawn (seconds, monotonic) and how bright its brightest
point is on a line across its middle (0 to 255). While no compositor is there, nothing is written but `gone` and, when the next one
draws, its frames.
"""

from __future__ import annotations

import mmap
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BLACK = 16  # content and cards are brighter somewhere in the middle


@dataclass(frozen=True, slots=True)
class Frame:
    """`brightest` is None where the compositor went."""

    at: float
    brightest: int | None


def read_frames(path: Path) -> list[Frame]:
    """What was seen until now; a line that is not whole yet is left."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    words = [line.split() for line in lines]
    return [Frame(float(at), None if seen == "gone" else int(seen)) for at, seen in words]


def dark_s(frames: list[Frame], until: float) -> float:
    """For how long the screen was black while a compositor was there."""
    spans = zip(frames, [*frames[1:], Frame(until, 0)], strict=True)
    return sum(later.at - frame.at for frame, later in spans if frame.brightest is not None and frame.brightest < BLACK)


class Watch:
    """One compositor's life long."""

    def __init__(self, display: Any, out: int) -> None:
        self._display, self._out = display, out
        self._bound: dict[str, Any] = {}
        self._buffer: Any = None
        self._memory: mmap.mmap | None = None
        self._frame: Any = None
        registry = display.get_registry()
        registry.dispatcher["global"] = self._found
        self._registry = registry
        display.roundtrip()

    def _found(self, registry: Any, number: int, name: str, _: int) -> None:
        from pywayland.protocol.wayland import WlOutput, WlShm

        from player.protocols.screencopy import ZwlrScreencopyManagerV1

        for interface, version in ((WlShm, 1), (WlOutput, 1), (ZwlrScreencopyManagerV1, 2)):
            if name == interface.name:
                self._bound.setdefault(name, registry.bind(number, interface, version))

    def run(self) -> None:
        """Until it goes: RuntimeError."""
        self._ask()
        while True:
            self._display.dispatch(block=True)

    def _ask(self) -> None:
        copier, output = self._bound["zwlr_screencopy_manager_v1"], self._bound["wl_output"]
        self._frame = copier.capture_output_region(0, output, 0, 360, 1280, 1)
        for event, handler in {"buffer": self._offered, "ready": self._ready, "failed": self._failed}.items():
            self._frame.dispatcher[event] = handler
        self._display.flush()

    def _offered(self, frame: Any, form: int, width: int, height: int, stride: int) -> None:
        first = self._buffer is None
        if first:
            handle = os.memfd_create("line", os.MFD_CLOEXEC)
            os.ftruncate(handle, stride * height)
            self._memory = mmap.mmap(handle, stride * height)
            self._buffer = self._bound["wl_shm"].create_pool(handle, stride * height).create_buffer(0, width, height, stride, form)
            os.close(handle)
        (frame.copy if first else frame.copy_with_damage)(self._buffer)
        self._display.flush()

    def _ready(self, frame: Any, high: int, low: int, nanoseconds: int) -> None:
        frame.destroy()
        seen = bytes(self._memory) if self._memory is not None else b""
        brightest = max(max(seen[colour::4], default=0) for colour in range(3))
        os.write(self._out, f"{(high << 32 | low) + nanoseconds / 1e9:.4f} {brightest}\n".encode())
        self._ask()

    def _failed(self, frame: Any) -> None:
        frame.destroy()
        time.sleep(0.005)
        self._ask()


def main() -> None:
    """Watches one compositor after the other, until it is ended."""
    from pywayland.client.display import Display

    runtime, out = Path(sys.argv[1]), os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    while True:
        try:
            name = next(path for path in runtime.glob("wayland-?") if path.is_socket())
            display = Display(str(name))
            display.connect()
        except (StopIteration, ValueError):
            time.sleep(0.002)
            continue
        try:
            Watch(display, out).run()
        except (RuntimeError, KeyError, ValueError, OSError):
            os.write(out, f"{time.monotonic():.4f} gone\n".encode())
            # What is left of a connection that is gone is not taken apart: another program begins
            os.execv(sys.executable, [sys.executable, "-m", "tests.fakes.screen_watch", *sys.argv[1:]])


if __name__ == "__main__":
    main()
