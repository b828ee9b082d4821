"""The bare console under the compositor shows a picture instead of text (fbdev: linux/fb.h; console_ioctl(2)).

While the compositor has the graphics card nobody sees the console. Before that, where the compositor died, and while the machine
goes down, the kernel shows what lies in the console's frame buffer: so a picture is put there, and the terminal is told that it
shows graphics, whereupon the kernel writes no letters into it, and that it has no keyboard. systemd runs this as a program of its
own, each time that a frame buffer appears: `python -m player.device.console show PICTURE…` (the first that can be read; none: the
ground colour of the player's cards), and `… text` gives the terminal back.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from player.errors import BoxError

if TYPE_CHECKING:
    from PIL.Image import Image

FRAME_BUFFER, TERMINAL = Path("/dev/fb0"), Path("/dev/tty1")
GROUND = (9, 24, 42)  # that of the cards: `stage.drawing.palette`
_VAR, _FIX = struct.Struct("8I3I3I3I3I20I"), struct.Struct("16sLIIIIHHHILIH2H0L")
_GET_VAR, _PUT_VAR, _GET_FIX = 0x4600, 0x4601, 0x4602
_ACTIVATE, _FORCE = 84, 128  # where the field lies, in bytes; FB_ACTIVATE_FORCE: also where nothing else is new
_SET_MODE, _SET_KEYBOARD = 0x4B3A, 0x4B45
_TEXT, _GRAPHICS = 0, 1
_UNICODE, _OFF = 3, 4
_FORMS = {(32, 16): "BGRX", (32, 0): "RGBX", (24, 16): "BGR"}  # bits a pixel, and where red begins

Ioctl = Callable[[int, int, Any], Any]


@dataclass(frozen=True, slots=True)
class FrameBuffer:
    """What is shown of the buffer: pixels, bytes from row to row, where the first row begins, and how Pillow calls its pixels."""

    width: int
    height: int
    stride: int
    begins: int
    form: str


def read_layout(var: bytes, fix: bytes) -> FrameBuffer:
    """Out of the kernel's two structs. Raises BoxError for pixels that are laid out otherwise."""
    width, height, _, _, _, above, bits, _, red, *_ = _VAR.unpack(var)
    stride = _FIX.unpack_from(fix)[9]
    form = _FORMS.get((bits, red))
    if form is None:
        raise BoxError("console", f"a frame buffer of {bits} bits with red at bit {red} is not known")
    return FrameBuffer(width, height, stride, above * stride, form)


def rows(picture: Image, buffer: FrameBuffer) -> bytes:
    """The picture as the buffer has it: it fills the screen, what does not fit is cut off at two sides."""
    from PIL import ImageOps

    fitted = ImageOps.fit(picture.convert("RGB"), (buffer.width, buffer.height))
    content = fitted.tobytes("raw", buffer.form)
    wide = len(content) // buffer.height
    gap = bytes(max(0, buffer.stride - wide))
    return b"".join(content[row * wide : (row + 1) * wide] + gap for row in range(buffer.height))


def show(pictures: Sequence[Path], *, frame_buffer: Path, terminal: Path, ioctl: Ioctl = fcntl.ioctl) -> str:
    """Puts the first picture that can be read on the bare console; says which. Raises BoxError.

    The terminal changes when the picture is drawn: with that the kernel blanks what was on the panel, such as a boot splash.
    """
    with _opened(frame_buffer) as buffer:
        var, fix = bytearray(_VAR.size), bytearray(_FIX.size)
        try:
            ioctl(buffer, _GET_VAR, var)
            ioctl(buffer, _GET_FIX, fix)
            layout = read_layout(bytes(var), bytes(fix))
            name, picture = _first(pictures, (layout.width, layout.height))
            content = rows(picture, layout)
        finally:
            with _opened(terminal) as line:
                ioctl(line, _SET_MODE, _GRAPHICS)
                ioctl(line, _SET_KEYBOARD, _OFF)
        os.pwrite(buffer, content, layout.begins)
        struct.pack_into("=I", var, _ACTIVATE, _FORCE)
        with contextlib.suppress(OSError):  # the compositor has the card: the picture waits behind it
            ioctl(buffer, _PUT_VAR, var)
    return name


def give_back(*, terminal: Path, ioctl: Ioctl = fcntl.ioctl) -> None:
    """The terminal shows text again, and hears its keyboard. Raises BoxError."""
    with _opened(terminal) as line:
        ioctl(line, _SET_KEYBOARD, _UNICODE)
        ioctl(line, _SET_MODE, _TEXT)


@contextlib.contextmanager
def _opened(path: Path) -> Any:
    try:
        handle = os.open(path, (os.O_WRONLY if path == TERMINAL else os.O_RDWR) | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise BoxError("console", f"{path} cannot be opened: {error.strerror}") from error
    try:
        yield handle
    except OSError as error:
        raise BoxError("console", f"{path} refused: {error.strerror}") from error
    finally:
        os.close(handle)


def _first(pictures: Sequence[Path], size: tuple[int, int]) -> tuple[str, Image]:
    from PIL import Image

    for path in pictures:
        with contextlib.suppress(OSError, ValueError), Image.open(path) as picture:
            picture.load()
            return str(path), picture.copy()
    return "the ground colour alone", Image.new("RGB", size, GROUND)


def main(arguments: Sequence[str]) -> int:
    """`show PICTURE…` or `text`; 1 where the console is not to be had."""
    what, *names = arguments
    try:
        if what == "text":
            give_back(terminal=TERMINAL)
        else:
            print(f"the bare console shows {show([*map(Path, names)], frame_buffer=FRAME_BUFFER, terminal=TERMINAL)}")
    except BoxError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
