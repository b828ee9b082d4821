"""The tables of layout.toml and playlist.toml, and their types; what does not fit them is a sentence naming file and key."""

from __future__ import annotations

import difflib
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from player.config_reader import wrong_word
from player.core.content import FULL_SCREEN, Fit, TransitionKind
from player.core.kinds import Kind
from player.errors import ConfigError

BLEND_S = 0.6  # of a transition that says no length
Colour = Annotated[str, Meta(pattern=r"^#[0-9A-Fa-f]{6}$")]
Percent = Annotated[int, Meta(ge=0, le=100)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Side = Annotated[int, Meta(ge=1, le=65_536)]
Length = Annotated[int, Meta(ge=0, le=65_536)]
Place = Annotated[int, Meta(ge=-65_536, le=65_536)]
Wall = Annotated[str, Meta(pattern=r"^([01]\d|2[0-4]):[0-5]\d$")]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file."""


class TransitionTable(_Table, frozen=True):
    """`transition = "fade"`, or with its length in seconds: `{type = "fade", duration = 1.5}`."""

    type: TransitionKind
    duration: Annotated[float, Meta(ge=0, le=5)] = BLEND_S


class WebTable(_Table, frozen=True):
    """How a page is opened."""

    zoom: Annotated[float, Meta(ge=0.25, le=5)] = 1.0
    scroll_y: Annotated[int, Meta(ge=0, le=100_000)] = 0
    reload_s: Seconds = 0.0
    user_agent: str = ""
    headers: dict[str, str] = {}


class ItemTable(_Table, frozen=True):
    """One of `file`, `url` and `text`; a clock may have none. `duration` in seconds; 0: what it lasts, a stream for ever.

    `speed` of a ticker: widths of its region a second.
    """

    file: str = ""
    url: str = ""
    text: str = ""
    type: Kind | None = None
    name: str = ""
    duration: Seconds | None = None
    transition: TransitionKind | TransitionTable | None = None
    fit: Fit | None = None
    volume: Percent | None = None
    speed: Annotated[float, Meta(gt=0, le=2)] | None = None
    web: WebTable = WebTable()


class RegionTable(_Table, frozen=True):
    """A rectangle in the layout's units; without a size, the whole layout. `output`: which panel, from 0.

    A size of 0, or a place outside, is for what is only heard.
    """

    id: str = ""
    x: Place = 0
    y: Place = 0
    width: Length | None = None
    height: Length | None = None
    z: Annotated[int, Meta(ge=-1000, le=1000)] | None = None
    fit: Fit = Fit.CONTAIN
    background: Colour = "#000000"
    transition: TransitionKind | TransitionTable = TransitionKind.CUT
    audible: bool = True
    volume: Percent = 100
    output: Annotated[int, Meta(ge=0, le=7)] = 0
    shuffle: bool = False
    item: tuple[ItemTable, ...] = ()


class LayoutTable(_Table, frozen=True):
    """The whole file: the size in whose units regions lie, and the regions."""

    width: Side = FULL_SCREEN.width
    height: Side = FULL_SCREEN.height
    background: Colour = "#000000"
    region: tuple[RegionTable, ...] = ()


class ScheduleTable(_Table, frozen=True):
    """When another layout, or the files of a folder, are on: days of the week, hours, dates (the last one is included).

    `days` are words ("mon" to "sun"); without any: every day. An end that is not after the start is on the next day. Of several
    that are on the one with the highest priority is, then the later in the file.
    """

    layout: str = ""
    playlist: str = ""
    name: str = ""
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()
    start_time: Wall = "00:00"
    end_time: Wall = "00:00"
    start_date: date | None = None
    end_date: date | None = None
    priority: Annotated[int, Meta(ge=0, le=100)] = 0


class PlaylistTable(LayoutTable, frozen=True):
    """`playlist.toml` of a folder: a layout, or none, and what is on at other times."""

    schedule: tuple[ScheduleTable, ...] = ()


T = TypeVar("T", bound=LayoutTable)


def parsed(path: Path) -> LayoutTable:
    """The file's tables. Raises ConfigError."""
    try:
        return read_tables(path.read_text(encoding="utf-8"), str(path), LayoutTable)
    except OSError as error:
        raise ConfigError(str(path), "", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), "", f"is not TOML: {error}") from error


def read_tables(text: str, name: str, table: type[T]) -> T:
    """The text of the file `name` as a table. Raises ConfigError."""
    try:
        return msgspec.convert(tomllib.loads(text), table)
    except msgspec.ValidationError as error:
        raise ConfigError(name, *_explained(str(error), table)) from error
    except RecursionError as error:
        raise ConfigError(name, "", "is nested too deeply") from error
    except ValueError as error:  # a number of thousands of digits is a plain one
        raise ConfigError(name, "", f"is not TOML: {error}") from error


def _explained(message: str, whole: type[LayoutTable]) -> tuple[str, str]:
    """msgspec's words -> (key, what was expected)."""
    words, _, where = message.partition(" - at `$")
    key = where.rstrip("`").lstrip(".")
    unknown = re.search(r"unknown field `(.+)`", words)
    if not unknown:
        return key, wrong_word(words, whole, key) or words[:1].lower() + words[1:].replace(" | null", "")
    names = msgspec.structs.fields(_table_at(key, whole))
    near = difflib.get_close_matches(unknown[1], [field.name for field in names], 1)
    prefix = f"{key}." if key else ""
    return prefix + unknown[1], "there is no such key" + (f"; did you mean {near[0]}?" if near else "")


def _table_at(key: str, whole: type[LayoutTable]) -> type[_Table]:
    last = re.sub(r"\[[^\]]*\]", "", key).rpartition(".")[2]
    tables: dict[str, type[_Table]] = {"region": RegionTable, "item": ItemTable, "web": WebTable, "transition": TransitionTable}
    tables["schedule"] = ScheduleTable
    return tables.get(last, whole)
