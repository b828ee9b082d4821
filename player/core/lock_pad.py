"""The lock pad: what key presses at the screen do. Pure; times are monotonic seconds.

Locked, nothing that anybody presses does more than open the pad; unlocked, three keys are convenient for whoever stands before it.
"""

from __future__ import annotations

from dataclasses import dataclass

OPEN_S = 20.0
LONGEST_PIN = 32
DIGITS = frozenset("0123456789")


@dataclass(slots=True)
class LockPad:
    """`opened` is None while the pad is closed."""

    opened: float | None = None
    pin: str = ""
    checking: bool = False
    wait_until: float = 0.0
    message: str = ""

    def press(self, key: str, at: float) -> str | None:
        """A digit, "backspace", "enter", "escape" or anything else. Returns the PIN to check, when there is one."""
        if self.opened is None or key == "escape":
            self.close()
            self.opened = at if key != "escape" else None
            if key not in DIGITS:
                return None
        self.opened = at
        if self.checking or at < self.wait_until:
            return None
        if key in DIGITS and len(self.pin) < LONGEST_PIN:
            self.pin, self.message = self.pin + key, ""
        elif key == "backspace":
            self.pin = self.pin[:-1]
        elif key == "enter" and self.pin:
            pin, self.pin, self.checking = self.pin, "", True
            return pin
        return None

    def answered(self, *, ok: bool, wait_s: float, looked_at: bool, at: float) -> None:
        """The PIN was checked; or not `looked_at`, because it came too soon after wrong ones."""
        self.checking = False
        if ok:
            self.close()
        else:
            self.message = "That PIN is wrong" if looked_at else "Enter the PIN once more"
            self.wait_until = at + wait_s

    def tick(self, at: float) -> None:
        """Closes the pad when nobody has touched it for a while."""
        if self.opened is not None and at >= max(self.opened + OPEN_S, self.wait_until):
            self.close()

    def close(self) -> None:
        """Forgets what was entered; a running wait stays."""
        self.opened, self.pin, self.checking, self.message = None, "", False, ""


def local_action(key: str) -> str | None:
    """What a key does while the screen is unlocked: next | previous | identify."""
    return {"right": "next", "space": "next", "left": "previous", "i": "identify"}.get(key)


# Linux key codes (input-event-codes.h) that mean something here.
KEY_NAMES: dict[int, str] = {
    **{code: str((code - 1) % 10) for code in range(2, 12)},
    **dict(zip((82, 79, 80, 81, 75, 76, 77, 71, 72, 73), "0123456789", strict=True)),
    1: "escape", 14: "backspace", 28: "enter", 96: "enter", 57: "space", 105: "left", 106: "right", 23: "i",
}  # fmt: skip
