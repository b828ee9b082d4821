"""Every setting of this device in one table: its range, who applies it, who may set it; and the book of who asked for what. Pure.

The last request wins, whoever it came from. A server that repeats a state asks only when what it says has changed, so that
what somebody set at the box meanwhile stays. The configuration is no request: it is what a reset returns to.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from player.core.content import Orientation
from player.core.ports.box import InputSource
from player.errors import SettingRefused

Value = bool | int | float | str | None  # None: not set, the device is left as it is
RESET = "default"  # the value that a person types to return to the configuration


class Asker(StrEnum):
    """From where a value came."""

    CONFIGURATION = "configuration"
    EARLIER = "earlier"  # a version of the player that kept no book
    SERVER = "server"  # a state that a server says again and again
    COMMAND = "command"  # an operator's order, once
    BOX = "box"  # command line, local page, local API
    SCHEDULE = "schedule"  # a timer, or another of the box's own times
    PIN = "pin"
    MANAGEMENT = "management"
    POLICY = "policy"  # of the management, which outranks single requests

    def in_words(self, who: str) -> str:
        """For people: "the server cms.example.com", "the command line"."""
        return f"{_ORIGINS[self]} {who}".strip()


_ORIGINS = {
    Asker.CONFIGURATION: "the configuration",
    Asker.EARLIER: "an earlier version",
    Asker.SERVER: "the server",
    Asker.COMMAND: "a command of the server",
    Asker.BOX: "",
    Asker.SCHEDULE: "",
    Asker.PIN: "the PIN",
    Asker.MANAGEMENT: "the management",
    Asker.POLICY: "the policy",
}


class AppliedBy(StrEnum):
    """Whose work it is that a setting takes effect."""

    STAGE = "stage"
    AUDIO = "audio"
    PANEL = "panel"
    HOST = "host"
    SWITCHES = "switches"
    SERVER = "server"  # the rhythm in which the server is called


ANYBODY = frozenset({Asker.SERVER, Asker.COMMAND, Asker.BOX, Asker.SCHEDULE, Asker.MANAGEMENT, Asker.POLICY})
_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_MODE = re.compile(r"\d{3,5}x\d{3,5}(@\d{1,3}(\.\d{1,3})?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Setting:
    """One row. `read` makes a value of what was typed or sent, and raises ValueError; `range` says in words what it takes.

    `applied_by`: the first has to succeed, what others add is a bonus; the last may be a device. `default` holds where nothing is
    configured.
    """

    name: str
    meaning: str
    range: str
    read: Callable[[Any], Value]
    applied_by: tuple[AppliedBy, ...]
    default: Value = None
    may_set: frozenset[Asker] = ANYBODY
    instead: str = ""  # what somebody can do who may not

    @property
    def device(self) -> AppliedBy:
        """Who is told at last: a device of the box where one has part in it."""
        return self.applied_by[-1]

    def value(self, given: Any) -> Value:
        """The checked value of `given`. Raises SettingRefused, which names the range."""
        try:
            return self.read(given)
        except (ValueError, TypeError, OverflowError):
            raise SettingRefused(self.name, f"must be {self.range}, found {str(given)[:60]!r}") from None

    def allow(self, by: Asker) -> None:
        """Raises SettingRefused where `by` may not set it."""
        if by not in self.may_set:
            raise SettingRefused(self.name, self.instead)


def _number(lowest: float, highest: float, digits: int | None = None) -> Callable[[Any], Value]:
    def read(given: Any) -> Value:
        number = float(given)
        if isinstance(given, bool) or not lowest <= number <= highest:
            raise ValueError(given)
        return round(number, digits)

    return read


def _truth(given: Any) -> Value:
    words = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}
    if str(given).lower() not in words:
        raise ValueError(given)
    return words[str(given).lower()]


def _orientation(given: Any) -> Value:
    return Orientation(str(given).lower().replace("-", "_"))


def _input(given: Any) -> Value:
    return InputSource(str(given).lower())


def _mode(given: Any) -> Value:
    if not _MODE.fullmatch(str(given)):
        raise ValueError(given)
    return str(given)


def _host(given: Any) -> Value:
    """A name or an address: what has a colon or ends in a digit is an address, or nothing."""
    text = str(given).lower()
    if "%" not in text and (":" in text or text[-1:].isdigit()):
        return str(ipaddress.ip_address(text))
    if not _HOST_NAME.fullmatch(text):
        raise ValueError(given)
    return text


def _zone(given: Any) -> Value:
    try:
        return zoneinfo.ZoneInfo(given).key
    except (zoneinfo.ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(given) from error


_LOCK = "the lock needs the PIN: signage-player lock --pin PIN, or unlock"
_RHYTHM = "only the server sets it; cms.heartbeat_interval in the configuration is what it starts from"
_ROWS = (
    Setting("volume", "how loud the box is", "a number from 0 to 100", _number(0, 100), (AppliedBy.AUDIO,)),
    Setting("muted", "no sound", "on or off", _truth, (AppliedBy.STAGE, AppliedBy.AUDIO), default=False),
    Setting("screen_on", "a picture", "on or off", _truth, (AppliedBy.STAGE, AppliedBy.PANEL), default=True),
    Setting("brightness", "how bright the panel is", "a number from 0 to 100", _number(0, 100), (AppliedBy.PANEL,)),
    Setting("orientation", "how the panel hangs", f"one of {', '.join(Orientation)}", _orientation, (AppliedBy.STAGE,)),
    Setting(
        "mode", "the panel's pixels and rate", 'as the panel has it, such as "1920x1080@60"', _mode, (AppliedBy.STAGE,)
    ),
    Setting(
        "input_source", "what the panel shows", f"one of {', '.join(InputSource)}", _input, (AppliedBy.PANEL,)
    ),
    Setting(
        "locked", "local controls closed", "on or off", _truth, (AppliedBy.STAGE,), default=False,
        may_set=frozenset({Asker.SERVER, Asker.COMMAND, Asker.PIN, Asker.MANAGEMENT, Asker.POLICY}), instead=_LOCK,
    ),
    Setting(
        "time_zone", "for schedules and clocks", 'a name such as "Europe/Berlin"', _zone, (AppliedBy.STAGE, AppliedBy.HOST)
    ),
    Setting("ntp_server", "who tells the time", "a host name or an address", _host, (AppliedBy.HOST,)),
    Setting("wifi", "the radio of Wi-Fi", "on or off", _truth, (AppliedBy.SWITCHES,)),
    Setting("bluetooth", "the radio of Bluetooth", "on or off", _truth, (AppliedBy.SWITCHES,)),
    Setting("usb_storage", "sticks and disks on USB", "on or off", _truth, (AppliedBy.SWITCHES,)),
    Setting(
        "heartbeat_interval", "seconds between two calls at the server", "a number from 1 to 3600", _number(1, 3600, 1),
        (AppliedBy.SERVER,), may_set=frozenset({Asker.SERVER, Asker.MANAGEMENT}), instead=_RHYTHM,
    ),
)  # fmt: skip
SETTINGS: Mapping[str, Setting] = {row.name: row for row in _ROWS}


def find(name: str) -> Setting:
    """The row of that name. Raises SettingRefused, which names the nearest."""
    found = SETTINGS.get(name)
    if found is None:
        near = difflib.get_close_matches(name, SETTINGS, 1, cutoff=0.5)
        raise SettingRefused(name, f"there is no such setting; did you mean {near[0]}?" if near else _known())
    return found


def _known() -> str:
    return f"there is no such setting; there are {', '.join(SETTINGS)}"


def _is_anothers(record: SettingRecord, server: str) -> bool:
    return record.by is Asker.SERVER and record.who != server and AppliedBy.SERVER in SETTINGS[record.name].applied_by


@dataclass(frozen=True, slots=True)
class SettingRecord:
    """A line of the book: what is wanted since `at` (seconds since the epoch), by whom, and how it ended (`ended` None: not yet).

    `who` names the asker more closely: a server's name, "the command line"; it may be empty. `configured`: the value is that of
    the configuration.
    """

    name: str
    value: Value
    by: Asker
    who: str
    at: float
    configured: bool = False
    ended: str | None = None
    in_effect: bool = True


class SettingsBook:
    """The last record of each setting, and the last that each server said of it."""

    def __init__(self) -> None:
        self.last: dict[str, SettingRecord] = {}
        self._said: dict[tuple[str, str], SettingRecord] = {}

    @classmethod
    def of(cls, records: Iterable[SettingRecord]) -> SettingsBook:
        """The book that these records, in their order, make; what this version does not know is left out."""
        book = cls()
        for record in records:
            if record.name in SETTINGS:
                book.write(record)
        return book

    def write(self, record: SettingRecord) -> None:
        """Takes in the next record."""
        self.last[record.name] = record
        if record.by is Asker.SERVER:
            self._said[record.name, record.who] = record

    def is_told(self, record: SettingRecord) -> bool:
        """Whether the same asker asked for the same last."""
        last = self.last.get(record.name)
        return last is not None and (last.value, last.by, last.who, last.configured) == (
            record.value, record.by, record.who, record.configured
        )  # fmt: skip

    def is_undone(self, name: str) -> bool:
        """Whether the last request had no good end, or none that is known."""
        last = self.last.get(name)
        return last is not None and (last.ended is None or not last.in_effect)

    def says_anew(self, name: str, value: Value, who: str) -> bool:
        """Whether that server said something else of this setting before, or nothing."""
        said = self._said.get((name, who))
        return said is None or said.value != value

    def found(self, name: str, held: Value, configured: Value, server: str, at: float) -> SettingRecord | None:
        """What has to be written down at a start: `held` is in the stage's brief, `configured` in the configuration.

        A held value that is not the book's was set by a version that keeps no book. One that was the configuration's follows it,
        and so does the rhythm that another server than `server` asked for.
        """
        last = self.last.get(name)
        known = (configured, SETTINGS[name].default) if last is None else (last.value,)
        if held not in known:
            return SettingRecord(name, held, Asker.EARLIER, "", at)
        if last is None or (last.configured and last.value != configured) or _is_anothers(last, server):
            return SettingRecord(name, configured, Asker.CONFIGURATION, "", at, configured=True, ended="")
        return None

    def all(self) -> tuple[SettingRecord, ...]:
        """The fewest records that make this book."""
        return tuple(record for record in self._said.values() if record != self.last[record.name]) + tuple(self.last.values())
