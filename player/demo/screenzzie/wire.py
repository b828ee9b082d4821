"""What is sent to the server, as pydantic models; unknown fields are ignored (house rule 14).

A field of an update that may not be null has no None in its type: that it may be left out is its default, which is never used.
"""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel


def _zone(name: str) -> str:
    try:
        return zoneinfo.ZoneInfo(name).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("an IANA name such as Europe/Warsaw is expected") from error


def _id(value: str) -> str:
    return str(UUID(value))


def _date(value: str) -> str:
    datetime.fromisoformat(value)
    return value


def _text(longest: int, shortest: int = 0) -> StringConstraints:
    return StringConstraints(min_length=shortest, max_length=longest)


Name = Annotated[str, _text(100, 1)]
Description = Annotated[str, _text(500)]
Location = Annotated[str, _text(200)]
Id = Annotated[str, AfterValidator(_id)]
Zone = Annotated[str, AfterValidator(_zone)]
Orientation = Literal["landscape", "portrait"]
Rotation = Literal["0", "90", "180", "270"]
Target = Literal["screen", "screen_group", "all_screens", "multiple_screens"]
Day = Annotated[int, Field(ge=0, le=6)]
Wall = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Date = Annotated[str, AfterValidator(_date)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=2000)]
_LEFT_OUT: Any = Field(None)


class SentBody(BaseModel):
    """The base: fields in camel case."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")


class CreateScreen(SentBody):
    """POST screens."""

    name: Name
    description: Description | None = None
    orientation: Orientation = "landscape"
    rotation: Rotation = "0"
    timezone: Zone | None = None
    location: Location | None = None
    screen_group_id: Id | None = None
    workspace_id: Id | None = None


class UpdateScreen(SentBody):
    """PATCH screens/{id}. `isActive` is the panel's switch."""

    name: Name = _LEFT_OUT
    description: Description | None = None
    orientation: Orientation = _LEFT_OUT
    rotation: Rotation = _LEFT_OUT
    timezone: Zone = _LEFT_OUT
    location: Location | None = None
    workspace_id: Id | None = None
    screen_group_id: Id | None = None
    current_playlist_id: Id | None = None
    current_sequence_id: Id | None = None
    default_playlist_id: Id | None = None
    default_sequence_id: Id | None = None


class CreatePlaylist(SentBody):
    """POST playlists."""

    name: Name
    description: Description | None = None
    workspace_id: Id | None = None


class UpdatePlaylist(SentBody):
    """PATCH playlists/{id}."""

    name: Name = _LEFT_OUT
    description: Description | None = None
    workspace_id: Id | None = None


class RegisterMedia(SentBody):
    """POST media."""

    name: Annotated[str, _text(200, 1)]
    type: Literal["image", "video"]
    file_url: Url
    thumbnail_url: Url | None = None
    file_size: Annotated[int, Field(ge=0)] | None = None
    duration: Annotated[float, Field(ge=0)] | None = None
    folder_id: Id | None = None
    workspace_id: Id | None = None


class ScheduleFields(SentBody):
    """The fields of a schedule, each of which an update may leave out."""

    name: Name | None = None
    playlist_id: Id | None = None
    sequence_id: Id | None = None
    target_type: Target = _LEFT_OUT
    screen_id: Id | None = None
    screen_group_id: Id | None = None
    day_of_week: list[Day] | None = None
    start_time: Wall | None = None
    end_time: Wall | None = None
    start_date: Date | None = None
    end_date: Date | None = None
    priority: Annotated[int, Field(ge=0, le=100)] = 0
    is_active: bool = True
    color: Annotated[str, StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}$")] | None = None
    workspace_id: Id | None = None


class WholeSchedule(ScheduleFields):
    """A schedule as it is to be kept: what its target asks for is there."""

    @model_validator(mode="after")
    def is_whole(self) -> WholeSchedule:
        """Raises ValueError that begins with the field at fault."""
        if self.target_type is None:
            raise ValueError("targetType: is required")
        if self.playlist_id is None and self.sequence_id is None:
            raise ValueError("playlistId: a playlistId or a sequenceId is required")
        if self.target_type == "screen" and self.screen_id is None:
            raise ValueError("screenId: is required where the target is a screen")
        if self.target_type == "screen_group" and self.screen_group_id is None:
            raise ValueError("screenGroupId: is required where the target is a group of screens")
        return self
