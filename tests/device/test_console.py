"""The picture on the bare console: the kernel's structs as its header has them, and a frame buffer that is a file."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from player.device import console
from player.device.console import give_back, read_layout, rows, show
from player.errors import BoxError

HEADER = """
#include <stddef.h>
#include <stdio.h>
#include <linux/fb.h>
#include <linux/kd.h>
int main(void) {
  printf("%zu %zu ", sizeof(struct fb_var_screeninfo), sizeof(struct fb_fix_screeninfo));
  printf("%zu %zu ", offsetof(struct fb_var_screeninfo, activate), offsetof(struct fb_fix_screeninfo, line_length));
  printf("%u %u %u %u ", FBIOGET_VSCREENINFO, FBIOPUT_VSCREENINFO, FBIOGET_FSCREENINFO, FB_ACTIVATE_FORCE);
  printf("%u %u %u %u %u %u", KDSETMODE, KDSKBMODE, KD_TEXT, KD_GRAPHICS, K_UNICODE, K_OFF);
}
"""
WIDTH, HEIGHT = 8, 4


class Kernel:
    """The ioctls of a frame buffer and a terminal; `bits` and `red` say how it lays out its pixels."""

    def __init__(self, bits: int = 32, red: int = 16, stride: int = WIDTH * 4, above: int = 0) -> None:
        self.bits, self.red, self.stride, self.above = bits, red, stride, above
        self.terminal: list[tuple[int, int]] = []
        self.put: list[int] = []
        self.busy = False

    def __call__(self, _: int, request: int, argument: Any) -> None:
        if request == 0x4600:
            struct.pack_into("8I", argument, 0, WIDTH, HEIGHT, WIDTH, 2 * HEIGHT, 0, self.above, self.bits, 0)
            struct.pack_into("I", argument, 32, self.red)
        elif request == 0x4602:
            struct.pack_into("I", argument, 48, self.stride)
        elif request == 0x4601:
            if self.busy:
                raise OSError(16, "Device or resource busy")
            self.put.append(struct.unpack_from("I", argument, 84)[0])
        else:
            self.terminal.append((request, argument))


@pytest.fixture
def devices(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "fb0").write_bytes(bytes(2 * HEIGHT * WIDTH * 4 + 100))
    (tmp_path / "tty1").touch()
    Image.new("RGB", (WIDTH, HEIGHT), (10, 20, 30)).save(tmp_path / "a.png")
    return {"frame_buffer": tmp_path / "fb0", "terminal": tmp_path / "tty1"}


def test_structs_and_requests_are_those_of_the_kernels_headers(tmp_path: Path) -> None:
    (tmp_path / "sizes.c").write_text(HEADER)
    subprocess.run(["gcc", "-o", tmp_path / "sizes", tmp_path / "sizes.c"], check=True, timeout=30)
    said = subprocess.run([tmp_path / "sizes"], check=True, capture_output=True, text=True, timeout=10).stdout.split()
    assert [int(number) for number in said] == [
        console._VAR.size, console._FIX.size, console._ACTIVATE, 48, console._GET_VAR, console._PUT_VAR, console._GET_FIX,
        console._FORCE, console._SET_MODE, console._SET_KEYBOARD, console._TEXT, console._GRAPHICS, console._UNICODE, console._OFF,
    ]  # fmt: skip


def test_the_picture_lies_in_the_buffer_and_the_terminal_shows_graphics_and_hears_no_key(devices: dict[str, Path]) -> None:
    kernel, picture = Kernel(), devices["terminal"].with_name("a.png")
    assert show([picture.with_name("none.png"), picture], ioctl=kernel, **devices) == str(picture)
    content = devices["frame_buffer"].read_bytes()
    assert content[:3] == content[WIDTH * HEIGHT * 4 - 4 :][:3] == bytes((30, 20, 10))
    assert content[WIDTH * HEIGHT * 4 :] == bytes(len(content) - WIDTH * HEIGHT * 4), "what is not shown is not written"
    assert kernel.terminal == [(0x4B3A, 1), (0x4B45, 4)]
    assert kernel.put == [128], "the kernel shows it at once, although nothing else of the mode is new"


def test_the_terminal_changes_when_the_picture_is_drawn_and_also_where_none_can_be(devices: dict[str, Path]) -> None:
    picture = devices["terminal"].with_name("a.png")

    class Blanking(Kernel):
        def __call__(self, line: int, request: int, argument: Any) -> None:
            super().__call__(line, request, argument)
            if self.terminal:
                picture.unlink(missing_ok=True)

    assert show([picture], ioctl=Blanking(), **devices) == str(picture)
    kernel = Kernel(bits=8)
    with pytest.raises(BoxError, match="8 bits"):
        show([picture], ioctl=kernel, **devices)
    assert kernel.terminal == [(0x4B3A, 1), (0x4B45, 4)], "no letters are written there"


def test_a_compositor_that_has_the_card_is_no_failure_and_the_picture_waits(devices: dict[str, Path]) -> None:
    kernel = Kernel(above=HEIGHT)
    kernel.busy = True
    show([devices["terminal"].with_name("a.png")], ioctl=kernel, **devices)
    content = devices["frame_buffer"].read_bytes()
    assert content[HEIGHT * WIDTH * 4 :][:3] == bytes((30, 20, 10)), "where the part that is shown begins"
    assert content[:3] == bytes(3)


@pytest.mark.parametrize(("bits", "red", "pixel"), [(32, 16, 4), (32, 0, 4), (24, 16, 3)])
def test_rows_are_as_long_as_the_buffers(bits: int, red: int, pixel: int) -> None:
    kernel = Kernel(bits, red, stride=WIDTH * pixel + 12)
    var, fix = bytearray(160), bytearray(80)
    kernel(0, 0x4600, var)
    kernel(0, 0x4602, fix)
    content = rows(Image.new("RGB", (100, 10), (255, 0, 0)), read_layout(bytes(var), bytes(fix)))
    assert len(content) == HEIGHT * kernel.stride
    assert content[: WIDTH * pixel] == content[kernel.stride : kernel.stride + WIDTH * pixel]
    assert content[WIDTH * pixel : kernel.stride] == bytes(12)


def test_without_a_picture_the_ground_of_the_cards_is_shown(devices: dict[str, Path]) -> None:
    assert show([], ioctl=Kernel(), **devices) == "the ground colour alone"
    assert devices["frame_buffer"].read_bytes()[:3] == bytes(reversed(console.GROUND))


def test_pixels_that_are_not_known_are_left_alone(devices: dict[str, Path]) -> None:
    with pytest.raises(BoxError, match="8 bits"):
        show([], ioctl=Kernel(bits=8), **devices)
    with pytest.raises(BoxError, match="cannot be opened"):
        show([], ioctl=Kernel(), frame_buffer=Path("/nonexistent"), terminal=devices["terminal"])


def test_the_terminal_is_given_back_with_its_text_and_its_keys(devices: dict[str, Path]) -> None:
    kernel = Kernel()
    give_back(terminal=devices["terminal"], ioctl=kernel)
    assert kernel.terminal == [(0x4B45, 3), (0x4B3A, 0)]
