"""What the management asked of this device, and how it ended: the action log. Pure; times are seconds since the epoch.

An action is open until its effect was read back (confirmed), was sent to something that cannot be asked (not confirmed), or failed.
The last `KEPT` of each kind are remembered, however many were asked.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from player.core.bundle import is_same

KEPT = 100  # of each kind
REASON_LIMIT = 500  # characters
STEP_S = 0.001  # between two actions: a list is paged by when they were asked, in milliseconds
CLOSE = 1.0  # a mixer that counts in steps of its own does not hit each number
_MODE = re.compile(r"(\d+x\d+)(?:@(\d+(?:\.\d+)?))?")
TAKEN_BACK = "version {version} runs: the update did not stay, or the player was started again before it had come"
RESTARTED = "the player was started again before it was known how this ended"


class ActionKind(StrEnum):
    """What can be asked. The values are kept on disk."""

    NAME = "name"
    CONFIGURATION = "configuration"
    VOLUME = "volume"
    BRIGHTNESS = "brightness"
    RESOLUTION = "resolution"
    REMOTE_CONTROL = "remote control"
    DEBUG = "debug"
    TIME = "time"
    TIMER = "timer"
    POWER = "power"
    SCHEDULED_POWER = "scheduled power"
    AUTO_RECOVERY = "auto recovery"
    PEER_RECOVERY = "peer recovery"
    EXTENDED_MANAGEMENT = "extended management"
    PACKAGE = "package"
    PACKAGE_START = "package start"
    APPLICATION_VERSION = "application version"
    FIRMWARE = "firmware"
    SCREENSHOT = "screenshot"
    SECURITY = "security"
    SCREEN_CAPTURE = "screen capture"
    VPN = "vpn"
    PIN = "pin"
    POLICY = "policy"
    FEATURE_TEST = "feature test"
    DEPROVISION = "deprovision"
    APPLET = "applet"
    APPLET_TEST = "applet test"


class Ends(StrEnum):
    """What stops when an action is done, so that only the next start can say that it was."""

    NOTHING = "nothing"
    PLAYER = "player"
    BOX = "box"
    VERSION = "version"  # the player, which is to be another one afterwards: `asked` names it, and it has to stay


@dataclass(frozen=True, slots=True)
class Action:
    """One request. `asked` is what was asked for, in the words of who asked; `by` the token's name; `boot` names the boot.

    `confirmed`: the effect was read back. `reason` says how it ended, in words.
    """

    uid: str
    kind: ActionKind
    asked: Mapping[str, Any]
    by: str
    created_at: float
    boot: str = ""
    ends: Ends = Ends.NOTHING
    succeeded_at: float | None = None
    failed_at: float | None = None
    confirmed: bool = False
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it is not known yet how it ended."""
        return self.succeeded_at is None and self.failed_at is None

    def awaits(self, version: str) -> bool:
        """Whether it is open, and asked for that version of the player."""
        return self.is_open and self.ends is Ends.VERSION and is_same(str(self.asked.get("version")), version)

    def succeeded(self, at: float, words: str, *, confirmed: bool) -> Action:
        """It took effect, or, where nobody can be asked, was sent."""
        return replace(self, succeeded_at=max(at, self.created_at), confirmed=confirmed, reason=words[:REASON_LIMIT])

    def failed(self, at: float, reason: str) -> Action:
        """It did not take effect."""
        return replace(self, failed_at=max(at, self.created_at), reason=reason[:REASON_LIMIT])


@dataclass(slots=True)
class ActionBook:
    """The last actions of each kind, and when the last of all was asked."""

    last_at: float = 0.0
    _kinds: dict[ActionKind, deque[Action]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=KEPT)))

    @classmethod
    def of(cls, records: Iterable[Action]) -> ActionBook:
        """The book that these records, in their order, make; a later record of the same action replaces it."""
        book = cls()
        for record in records:
            book.write(record)
        return book

    def write(self, action: Action) -> None:
        """Takes in an action, or how it went on."""
        row = self._kinds[action.kind]
        self.last_at = max(self.last_at, action.created_at)
        for index, held in enumerate(row):
            if held.uid == action.uid:
                row[index] = action
                return
        row.append(action)

    def next_at(self, now: float) -> float:
        """When the next one is asked: `now`, but later than every other, to the millisecond."""
        return max(round(now, 3), round(self.last_at + STEP_S, 3))

    def of_kind(self, kind: ActionKind) -> Sequence[Action]:
        """What was asked for of that kind, newest first."""
        return tuple(reversed(self._kinds[kind])) if kind in self._kinds else ()

    def all(self) -> Sequence[Action]:
        """All that are remembered, newest first."""
        return sorted((action for row in self._kinds.values() for action in row), key=lambda one: one.created_at, reverse=True)

    def after_restart(self, boot: str, version: str, at: float) -> Sequence[Action]:
        """How those ended that were open when the player stopped; `boot` and `version` are these ones' names.

        A version that was asked for and runs has yet to stay: its action is still open.
        """
        opened = (action for action in reversed(self.all()) if action.is_open)
        return tuple(_after_restart(action, boot, version, at) for action in opened if not action.awaits(version))

    def arrived(self, version: str) -> Sequence[Action]:
        """Those that are open because it has yet to stay."""
        return tuple(action for action in self.all() if action.awaits(version))


def _after_restart(action: Action, boot: str, version: str, at: float) -> Action:
    if action.ends is Ends.VERSION:
        return action.failed(at, TAKEN_BACK.format(version=version))
    if action.ends is Ends.PLAYER:
        return action.succeeded(at, "the player was started again", confirmed=True)
    if action.ends is Ends.BOX and action.boot != boot:
        return action.succeeded(at, "the box was started again", confirmed=True)
    return action.failed(at, RESTARTED)


def is_confirmed(wanted: Any, found: Any) -> bool:
    """Whether what was read back is what is wanted; numbers may differ by a mixer's step, a panel's rate by less than one Hz."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    if isinstance(wanted, int | float) and isinstance(found, int | float):
        return abs(wanted - found) <= CLOSE
    return bool(wanted == found) or _is_mode(str(wanted), str(found))


def _is_mode(wanted: str, found: str) -> bool:
    """Whether both are modes of a panel ("1920x1080@60"), and alike as far as the wanted one says."""
    asked, held = _MODE.fullmatch(wanted), _MODE.fullmatch(found)
    if asked is None or held is None or asked[1] != held[1]:
        return False
    return asked[2] is None or (held[2] is not None and abs(float(asked[2]) - float(held[2])) < CLOSE)
