"""A keyboard and a pointer for sway's seat, through the protocols zwp_virtual_keyboard_v1 and zwlr_virtual_pointer_v1.

Run as a program: `python -m tests.fakes.seat key 2 3 28` presses Linux key codes, `… click X Y WIDTH HEIGHT` clicks there on a
screen of that size. Facts from virtual-keyboard-unstable-v1.xml and wlr-virtual-pointer-unstable-v1.xml.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from pywayland.client.display import Display
from pywayland.protocol.wayland import WlOutput, WlSeat
from pywayland.protocol_core.argument import Argument
from pywayland.protocol_core.interface import Interface
from pywayland.protocol_core.proxy import Proxy
from pywayland.scanner.argument import ArgumentType as T

BUTTON_LEFT = 0x110


class Keyboard(Interface):
    name, version = "zwp_virtual_keyboard_v1", 1


class KeyboardFactory(Interface):
    name, version = "zwp_virtual_keyboard_manager_v1", 1


class Pointer(Interface):
    name, version = "zwlr_virtual_pointer_v1", 1


class PointerFactory(Interface):
    name, version = "zwlr_virtual_pointer_manager_v1", 1


U, F, FD = Argument(T.Uint), Argument(T.Fixed), Argument(T.FileDescriptor)


class KeyboardProxy(Proxy):
    interface = Keyboard

    @Keyboard.request(U, FD, U)
    def keymap(self, form, handle, size):
        self._marshal(0, form, handle, size)

    @Keyboard.request(U, U, U)
    def key(self, when, key, state):
        self._marshal(1, when, key, state)


class KeyboardFactoryProxy(Proxy):
    interface = KeyboardFactory

    @KeyboardFactory.request(Argument(T.Object, interface=WlSeat), Argument(T.NewId, interface=Keyboard))
    def create(self, seat):
        return self._marshal_constructor(0, Keyboard, seat)


class PointerProxy(Proxy):
    interface = Pointer

    @Pointer.request(U, F, F)
    def motion(self, when, dx, dy):
        self._marshal(0, when, dx, dy)

    @Pointer.request(U, U, U, U, U)
    def motion_absolute(self, when, x, y, width, height):
        self._marshal(1, when, x, y, width, height)

    @Pointer.request(U, U, U)
    def button(self, when, button, state):
        self._marshal(2, when, button, state)

    @Pointer.request(U, U, F)
    def axis(self, when, axis, value):
        self._marshal(3, when, axis, value)

    @Pointer.request()
    def frame(self):
        self._marshal(4)


class PointerFactoryProxy(Proxy):
    interface = PointerFactory

    @PointerFactory.request(Argument(T.Object, interface=WlSeat, nullable=True), Argument(T.NewId, interface=Pointer))
    def create(self, seat):
        return self._marshal_constructor(0, Pointer, seat)


for interface, proxy in (
    (Keyboard, KeyboardProxy),
    (Pointer, PointerProxy),
    (KeyboardFactory, KeyboardFactoryProxy),
    (PointerFactory, PointerFactoryProxy),
):
    interface._gen_c()
    interface.proxy_class = proxy
assert WlOutput


def main(kind: str, *numbers: str) -> None:
    display = Display(os.environ["WAYLAND_DISPLAY"])
    display.connect()
    found: dict[str, int] = {}
    registry = display.get_registry()
    registry.dispatcher["global"] = lambda *event: found.update({event[2]: event[1]})
    display.roundtrip()
    seat = registry.bind(found["wl_seat"], WlSeat, 5)
    values = [int(number) for number in numbers]
    if kind == "key":
        press_keys(display, registry.bind(found[KeyboardFactory.name], KeyboardFactory, 1).create(seat), values)
    else:
        click(display, registry.bind(found[PointerFactory.name], PointerFactory, 1).create(seat), *values)
    time.sleep(0.1)
    display.roundtrip()
    display.disconnect()


def press_keys(display, keyboard, codes) -> None:
    keymap = subprocess.run(["xkbcli", "compile-keymap", "--layout", "us"], check=True, capture_output=True).stdout + b"\0"
    handle = os.memfd_create("keymap")
    os.write(handle, keymap)
    keyboard.keymap(1, handle, len(keymap))
    display.roundtrip()
    time.sleep(0.3)
    for code in codes:
        for state in (1, 0):
            keyboard.key(int(time.monotonic() * 1000) & 0xFFFFFFFF, code, state)
            display.roundtrip()


def click(display, pointer, x, y, width, height) -> None:
    now = int(time.monotonic() * 1000) & 0xFFFFFFFF
    pointer.motion_absolute(now, x, y, width, height)
    pointer.frame()
    display.roundtrip()
    time.sleep(0.1)
    for state in (1, 0):
        pointer.button(now, BUTTON_LEFT, state)
        pointer.frame()
        display.roundtrip()


if __name__ == "__main__":
    main(*sys.argv[1:])
