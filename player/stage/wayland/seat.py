"""Keys, clicks and touches from the compositor's seat, as two callbacks; whatever is plugged in later is taken up too."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

_POINTER, _KEYBOARD, _TOUCH = 1, 2, 4
_PRESSED = 1


class Seat:
    """`on_key` takes Linux key codes (input-event-codes.h); `on_press` which of our surfaces was pressed, and where.

    `on_lost`: the keyboard is elsewhere (sway hands one that is plugged in to whatever window had the focus).
    """

    def __init__(
        self, seat: Any, on_key: Callable[[int], None], on_press: Callable[[Any, float, float], None], on_lost: Callable[[], None]
    ) -> None:
        self._seat = seat  # a proxy that nobody holds is destroyed
        self._on_key, self._on_press, self._on_lost = on_key, on_press, on_lost
        self._devices: dict[int, Any] = {}
        self._under_pointer: tuple[Any, float, float] = (None, 0.0, 0.0)
        seat.dispatcher["capabilities"] = self._capabilities

    def _capabilities(self, seat: Any, abilities: int) -> None:
        for ability, take in ((_POINTER, self._take_pointer), (_KEYBOARD, self._take_keyboard), (_TOUCH, self._take_touch)):
            if not abilities & ability:
                self._devices.pop(ability, None)
            elif ability not in self._devices:
                self._devices[ability] = take(seat)

    def _take_pointer(self, seat: Any) -> Any:
        pointer = seat.get_pointer()
        pointer.dispatcher["enter"] = self._entered
        pointer.dispatcher["motion"] = self._moved
        pointer.dispatcher["button"] = self._clicked
        return pointer

    def _take_keyboard(self, seat: Any) -> Any:
        keyboard = seat.get_keyboard()
        keyboard.dispatcher["keymap"] = self._keymap
        keyboard.dispatcher["key"] = self._key
        keyboard.dispatcher["leave"] = self._left
        self._on_lost()
        return keyboard

    def _take_touch(self, seat: Any) -> Any:
        touch = seat.get_touch()
        touch.dispatcher["down"] = self._down
        return touch

    def _keymap(self, *event: Any) -> None:
        os.close(event[2])

    def _key(self, *event: Any) -> None:
        if event[4] == _PRESSED:
            self._on_key(event[3])

    def _left(self, *_: Any) -> None:
        self._on_lost()

    def _entered(self, *event: Any) -> None:
        self._under_pointer = (event[2], float(event[3]), float(event[4]))

    def _moved(self, *event: Any) -> None:
        self._under_pointer = (self._under_pointer[0], float(event[2]), float(event[3]))

    def _clicked(self, *event: Any) -> None:
        if event[4] == _PRESSED:
            self._on_press(*self._under_pointer)

    def _down(self, *event: Any) -> None:
        self._on_press(event[3], float(event[5]), float(event[6]))
