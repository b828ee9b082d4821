"""Records the strip from the memory of an X server without a screen, as a process of its own, for players that speak X11 alone:
`python -m scripts.benches.framebuffer FILE OUT SPEC`.

FILE is what Xvfb keeps its picture in (`-fbdir`): an XWD header, a colour map, the pixels. They are looked at every `EVERY_S`, and
the records are those of `capture`. A row that is being written while it is read is not believed until it is read once more.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from scripts.benches.capture import CLOCK, Spec
from scripts.benches.rig import Recording, Rig, stop, until

EVERY_S = 0.002
_HEADER = struct.Struct(">25I")
_HEADER_SIZE, _STRIDE, _COLOURS = 0, 12, 19  # places of its words
_COLOUR_SIZE = 12


def layout(head: bytes) -> tuple[int, int]:
    """Where the pixels begin, and how many bytes a row has, by the header's first 100 bytes. 32 bits a pixel, blue first."""
    words = _HEADER.unpack(head[: _HEADER.size])
    return words[_HEADER_SIZE] + _COLOUR_SIZE * words[_COLOURS], words[_STRIDE]


def places(head: bytes, spec: Spec) -> list[int]:
    """Where in the file the green of each cell of each strip lies."""
    first, stride = layout(head)
    left, top, _, _ = spec.part
    return [first + (top + strip.y) * stride + 4 * (left + x) + 1 for strip in spec.strips for x in strip.centres()]


@contextlib.contextmanager
def x_server(rig: Rig, spec: Spec) -> Iterator[tuple[dict[str, str], Recording]]:
    """An X server of the rig's size that is recorded, and the environment of its clients."""
    folder = rig.folder / f"x-{len(rig.processes)}"
    folder.mkdir()
    told, tell = os.pipe()
    os.set_inheritable(tell, True)
    command = ["Xvfb", "-displayfd", str(tell), "-screen", "0", f"{rig.size[0]}x{rig.size[1]}x24", "-nolisten", "tcp"]
    server = rig.spawn("xvfb", [*command, "-fbdir", str(folder)], keep=(tell,))
    os.close(tell)
    try:
        with os.fdopen(told) as answer:
            display = f":{answer.readline().strip()}"
        picture, out = folder / "Xvfb_screen0", folder / "recording"
        until(picture.exists, 10, "no X server came up")
        recorder = rig.spawn("capture", [sys.executable, "-m", "scripts.benches.framebuffer", str(picture), str(out), str(spec)])
        try:
            yield rig.environment | {"DISPLAY": display, "HOME": str(rig.folder)}, Recording(recorder, out, len(spec.strips))
        finally:
            stop(recorder)
    finally:
        stop(server)


def root_window(environment: dict[str, str]) -> str:
    """The number of the window that is the whole screen. Raises OSError where it cannot be asked for."""
    try:
        said = subprocess.run(["xwininfo", "-root"], env=environment, capture_output=True, text=True, timeout=10, check=True).stdout
    except subprocess.SubprocessError as error:
        raise OSError(f"the X server does not answer: {error}") from error
    return next(word for word in said.split() if word.startswith("0x"))


def main() -> None:
    """Records until it is ended."""
    picture, out, words = sys.argv[1:]
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with Path(picture).open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory:
        where = places(memory[: _HEADER.size], Spec.parse(words))
        written = before = b""
        while True:
            seen, at = bytes(memory[place] for place in where), time.monotonic()
            if seen == before != written:
                os.write(handle, CLOCK.pack(at) + seen)
                written = seen
            before = seen
            time.sleep(EVERY_S)


if __name__ == "__main__":
    main()
