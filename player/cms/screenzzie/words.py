"""Screenzzie's objects as they come, and its words for values: screens, schedules, playlists, sequences, media, the key itself.

What a model lacks is None; whoever reads it decides what None means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from player.cms.wire import Instant, Number, Rows, Table, Text, Truth, Wire, number, rows, text
from player.core.content import Orientation, WebOptions
from player.core.schedule import parse_days, parse_time

DAY_S = 86_400.0
_QUARTER_TURNS = (90, 270)
WORDS, WORD = 50, 60  # scopes and features that are shown, and characters of each


class WireScreen(Wire):
    """A screen: what is on it, and how it hangs."""

    id: Text = None
    name: Text = None
    is_active: Truth = Field(None, alias="isActive")
    orientation: Text = None
    rotation: Text = None
    timezone: Text = None
    workspace: Text = Field(None, alias="workspaceId")
    group: Text = Field(None, alias="screenGroupId")
    current_playlist: Text = Field(None, alias="currentPlaylistId")
    current_sequence: Text = Field(None, alias="currentSequenceId")
    default_playlist: Text = Field(None, alias="defaultPlaylistId")
    default_sequence: Text = Field(None, alias="defaultSequenceId")

    @property
    def hangs(self) -> Orientation | None:
        """How the panel hangs; None where it is not said.

        A quarter turn says it by itself; half a turn turns over what `orientation` says.
        """
        turn, shape = number(self.rotation), (self.orientation or "").strip().lower()
        if turn is None and shape not in ("landscape", "portrait"):
            return None
        degrees = round(turn or 0) % 360
        if degrees not in _QUARTER_TURNS:
            degrees = (degrees + (90 if shape == "portrait" else 0)) % 360
        return next((one for one in Orientation if one.degrees == degrees), None)


class WireSchedule(Wire):
    """When a playlist or a sequence is on, and on which screens."""

    id: Text = None
    name: Text = None
    playlist: Text = Field(None, alias="playlistId")
    sequence: Text = Field(None, alias="sequenceId")
    target: Text = Field(None, alias="targetType")
    screen: Text = Field(None, alias="screenId")
    group: Text = Field(None, alias="screenGroupId")
    workspace: Text = Field(None, alias="workspaceId")
    days: Any = Field(None, alias="dayOfWeek")
    start_time: Text = Field(None, alias="startTime")
    end_time: Text = Field(None, alias="endTime")
    start_date: Text = Field(None, alias="startDate")
    end_date: Text = Field(None, alias="endDate")
    priority: Number = None
    is_active: Truth = Field(None, alias="isActive")
    updated_at: Instant = Field(None, alias="updatedAt")

    def __str__(self) -> str:
        return f'the schedule "{self.name or self.id}"'

    def times(self, zone: ZoneInfo | None) -> dict[str, Any]:
        """Days, hours and dates as fields of `core.schedule.Rule`. Raises ValueError."""
        days = rows(self.days) if self.days is not None else []
        if days is None:
            raise ValueError(f'days are a list of 0 (Sunday) to 6, found "{str(self.days)[:40]}"')
        return {
            "days_of_week": parse_days(_day(one) for one in days),
            "start_time": parse_time(self.start_time or "00:00"),
            "end_time": parse_time(self.end_time or "00:00"),
            "start_date": day_of(self.start_date, zone),
            "end_date": day_of(self.end_date, zone),
        }


class WirePlaylist(Wire):
    """A playlist with its items."""

    id: Text = None
    name: Text = None
    updated_at: Text = Field(None, alias="updatedAt")
    items: Rows = None


class WirePlaylistItem(Wire):
    """An entry: a file of the library, or a page."""

    id: Text = None
    position: Number = None
    duration: Number = None
    kind: Text = Field(None, alias="itemType")
    media: Text = Field(None, alias="mediaId")
    config: Table = Field(default_factory=dict)


class WireSequence(Wire):
    """Playlists one after the other."""

    id: Text = None
    name: Text = None
    items: Rows = None


class WireSequenceItem(Wire):
    """One of them: so many times (`repeat`), or for so many seconds (`duration`)."""

    position: Number = None
    playlist: Text = Field(None, alias="playlistId")
    repeat: Number = None
    duration: Number = None


class WireMedia(Wire):
    """A file of the library. `duration` in seconds."""

    id: Text = None
    name: Text = None
    kind: Text = Field(None, alias="type")
    url: Text = Field(None, alias="fileUrl")
    size: Number = Field(None, alias="fileSize")
    duration: Number = None
    updated_at: Text = Field(None, alias="updatedAt")


class WireAccount(Wire):
    """What the key may do, and how often."""

    key: Table = Field(default_factory=dict, alias="apiKey")
    organization: Table = Field(default_factory=dict)
    limits: Table = Field(default_factory=dict, alias="rateLimits")
    features: Table = Field(default_factory=dict)

    def has(self, feature: str) -> bool:
        """Whether the plan has it: only a plain no counts."""
        return self.features.get(feature) is not False

    def summary(self) -> Mapping[str, Any]:
        """For `status`: whose key it is, its scopes, the plan's features, what is left of the limit."""
        return {
            "organization": text(self.organization.get("name")),
            "plan": text(self.organization.get("planId")),
            "key": text(self.key.get("keyPrefix")),
            "expires": text(self.key.get("expiresAt")),
            "scopes": [one[:WORD] for one in map(text, (rows(self.key.get("scopes")) or [])[:WORDS]) if one],
            "features": sorted(name[:WORD] for name, on in self.features.items() if on is True)[:WORDS],
            "requests": {name: number(self.limits.get(name)) for name in ("limit", "remaining")},
        }


def _day(value: Any) -> int:
    read = number(value)
    if read is None or read not in range(7):
        raise ValueError(f'days are 0 (Sunday) to 6, found "{str(value)[:40]}"')
    return int(read)


def day_of(given: str | None, zone: ZoneInfo | None) -> date | None:
    """The day of an ISO date, or of an instant as the clock in `zone` shows it. Raises ValueError.

    Midnight of UTC is how a date is written that names no hour, and is that date everywhere.
    """
    if given is None:
        return None
    moment = datetime.fromisoformat(given.strip())
    offset = moment.utcoffset()
    if offset is None or zone is None or (not offset and (moment.hour, moment.minute) == (0, 0)):
        return moment.date()
    return moment.astimezone(zone).date()


def web_options(config: Mapping[str, Any]) -> WebOptions:
    """How a page is opened, within limits. A zoom above 5 is in per cent; `refreshInterval` in seconds."""
    zoom, scroll, again = (number(config.get(name)) for name in ("zoom", "scroll", "refreshInterval"))
    if zoom is not None and zoom > 5:
        zoom /= 100
    return WebOptions(
        zoom=min(max(zoom, 0.25), 5.0) if zoom else 1.0,
        scroll_y=min(max(round(scroll or 0), 0), 100_000),
        reload_s=min(max(again or 0.0, 0.0), DAY_S),
    )


def is_id(given: str) -> bool:
    """Whether it is a UUID, and so an id and no name."""
    return bool(re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", given.strip()))
