"""Records the strips from the screen itself, as a process of its own: `python -m scripts.benches.capture RUNTIME OUT SPEC`.

It waits until a Wayland socket appears in RUNTIME, takes the compositor's own picture whenever something changed (wlr-screencopy,
`copy_with_damage`), and appends one record to OUT for each: when the compositor showed it (seconds, monotonic clock) and 32
brightnesses for each strip. SPEC is "x,y,w,h/x,y,w;x,y,w": the part of the screen to copy, and where in it the strips lie.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.benches.seams import Sample
from scripts.benches.strip import CELLS, read

WAIT_S = 60.0
CLOCK = struct.Struct("=d")


@dataclass(frozen=True, slots=True)
class Strip:
    """Where a strip lies in the copied part: its left edge, the row to read, its width."""

    x: int
    y: int
    width: int

    def centres(self) -> list[int]:
        """The middle of each cell."""
        return [self.x + (2 * cell + 1) * self.width // (2 * CELLS) for cell in range(CELLS)]


@dataclass(frozen=True, slots=True)
class Spec:
    """The part of the screen (left, top, width, height) that is copied, and the strips in it."""

    part: tuple[int, int, int, int]
    strips: tuple[Strip, ...]

    def __str__(self) -> str:
        strips = ";".join(f"{strip.x},{strip.y},{strip.width}" for strip in self.strips)
        return f"{','.join(map(str, self.part))}/{strips}"

    @classmethod
    def parse(cls, text: str) -> Spec:
        """The inverse of `str`."""
        part, _, strips = text.partition("/")
        x, y, width, height = map(int, part.split(","))
        return cls((x, y, width, height), tuple(Strip(*map(int, strip.split(","))) for strip in strips.split(";")))


def across(width: int, height: int) -> Spec:
    """The strip along the upper edge of a whole screen."""
    return Spec((0, height // 30, width, 1), (Strip(0, 0, width),))


def read_records(content: bytes, strips: int = 1, which: int = 0) -> list[Sample]:
    """What one of the strips showed, from a recording."""
    size = CLOCK.size + CELLS * strips
    found = []
    for start in range(0, len(content) // size * size, size):
        first = start + CLOCK.size + CELLS * which
        found.append(Sample(CLOCK.unpack_from(content, start)[0], read(content[first : first + CELLS])))
    return found


def wait_for_socket(runtime: Path, within_s: float) -> Path:
    """The Wayland socket that appears in `runtime`. Raises TimeoutError."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        for path in runtime.glob("wayland-?"):
            if path.is_socket():
                return path
        time.sleep(0.002)
    raise TimeoutError(f"no compositor came up in {runtime}")


class Recorder:
    """Copies for ever. One frame is asked for as soon as the one before is there."""

    def __init__(self, spec: Spec, out: int) -> None:
        self._spec, self._out = spec, out
        self._display: Any = None
        self._shm: Any = None
        self._output: Any = None
        self._copier: Any = None
        self._buffer: Any = None
        self._memory: mmap.mmap | None = None
        self._places: list[int] = []
        self._lines = (0, 0)
        self._flipped = False
        self._first = True

    def connect(self, path: Path) -> None:
        """To the compositor; tries again while it does not listen yet."""
        from pywayland.client.display import Display

        until = time.monotonic() + WAIT_S
        while True:
            self._display = Display(str(path))
            try:
                self._display.connect()
                break
            except ValueError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.002)
        registry = self._display.get_registry()
        registry.dispatcher["global"] = self._found
        self._display.roundtrip()
        while self._output is None and time.monotonic() < until:
            time.sleep(0.002)
            self._display.roundtrip()

    def run(self) -> None:
        """Until the compositor goes."""
        self._ask()
        while self._display.dispatch(block=True) >= 0:
            pass

    def _found(self, registry: Any, number: int, name: str, _version: int) -> None:
        from pywayland.protocol.wayland import WlOutput, WlShm

        from player.protocols.screencopy import ZwlrScreencopyManagerV1

        if name == "wl_shm":
            self._shm = registry.bind(number, WlShm, 1)
        elif name == "wl_output":
            self._output = registry.bind(number, WlOutput, 1)
        elif name == "zwlr_screencopy_manager_v1":
            self._copier = registry.bind(number, ZwlrScreencopyManagerV1, 2)

    def _ask(self) -> None:
        frame = self._copier.capture_output_region(0, self._output, *self._spec.part)
        for event, handle in {"buffer": self._offered, "flags": self._flags, "ready": self._ready, "failed": self._failed}.items():
            frame.dispatcher[event] = handle
        self._display.flush()

    def _offered(self, frame: Any, form: int, width: int, height: int, stride: int) -> None:
        """The compositor says what the buffer has to be like; the first picture is taken at once, the others at a change."""
        if self._buffer is None:
            self._make_buffer(form, width, height, stride)
        (frame.copy if self._first else frame.copy_with_damage)(self._buffer)
        self._first = False
        self._display.flush()

    def _make_buffer(self, form: int, width: int, height: int, stride: int) -> None:
        handle = os.memfd_create("strip", os.MFD_CLOEXEC)
        os.ftruncate(handle, stride * height)
        self._memory = mmap.mmap(handle, stride * height)
        self._buffer = self._shm.create_pool(handle, stride * height).create_buffer(0, width, height, stride, form)
        os.close(handle)
        self._lines = (stride, height)

    def _flags(self, _frame: Any, flags: int) -> None:
        self._flipped = bool(flags & 1)

    def _ready(self, frame: Any, high: int, low: int, nanoseconds: int) -> None:
        frame.destroy()
        at = (high << 32 | low) + nanoseconds / 1e9
        os.write(self._out, CLOCK.pack(at) + self._look())
        self._ask()

    def _look(self) -> bytes:
        """The middle of each cell, its green alone."""
        if not self._places:
            stride, height = self._lines
            row = {y: height - 1 - y if self._flipped else y for y in range(height)}
            self._places = [row[strip.y] * stride + 4 * x + 1 for strip in self._spec.strips for x in strip.centres()]
        memory = self._memory
        return bytes(memory[place] for place in self._places) if memory is not None else b""

    def _failed(self, frame: Any) -> None:
        frame.destroy()
        time.sleep(0.005)  # no panel for the moment
        self._ask()


def main() -> None:
    """Records until it is ended."""
    runtime, out, spec = sys.argv[1:]
    from player.protocols import screencopy  # noqa: F401 - loaded before the compositor is there, so that no frame is missed

    recorder = Recorder(Spec.parse(spec), os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))
    recorder.connect(wait_for_socket(Path(runtime), WAIT_S))
    recorder.run()


if __name__ == "__main__":
    main()
