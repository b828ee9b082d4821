"""What operators send to the demonstration server, as pydantic models; unknown fields are ignored (house rule 14).

Fields that are absent from an update stay as they are: handlers look at `model_fields_set`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from player.core.schedule import parse_days, parse_time
from player.demo.moments import Moment


def _time(value: str | None) -> str | None:
    if value:
        parse_time(value)
    return value


def _days(value: list[int] | None) -> list[int] | None:
    parse_days(value)
    return value


def _email(value: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise ValueError("an e-mail address is expected")
    return value.lower()


Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Text = Annotated[str, StringConstraints(max_length=4000)]
Id = Annotated[int, Field(ge=1, lt=2**53)]
Pin = Annotated[str, StringConstraints(pattern=r"^\d{4,8}$")]
Email = Annotated[str, StringConstraints(max_length=255), AfterValidator(_email)]
Seconds = Annotated[int | float, Field(ge=0, le=86400)]
Type = Literal["video", "image", "youtube", "web", "livestream", "package", "pdf"]
Severity = Literal["extreme", "severe", "moderate", "minor", "unknown"]


class RequestBody(BaseModel):
    """The base: extras ignored, numbers accepted as strings and the other way round."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


class RegisterUser(RequestBody):
    """POST /api/auth/register."""

    name: Word
    email: Email
    password: Annotated[str, StringConstraints(min_length=8, max_length=1024)]
    company_name: Word


class Login(RequestBody):
    """POST /api/auth/login."""

    email: Email
    password: Annotated[str, StringConstraints(max_length=1024)]


class Pair(RequestBody):
    """POST /api/devices/pair."""

    pairing_code: Word
    name: Word = "Display"


class UpdateDevice(RequestBody):
    """PUT /api/devices/{id}."""

    name: Word | None = None
    device_group_id: Id | None = None
    location_id: Id | None = None
    show_watermark: bool | None = None


class SendCommand(RequestBody):
    """POST /api/devices/{id}/command. `expires_in`: seconds."""

    type: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    payload: dict[str, Any] | None = None
    expires_at: Moment = None
    expires_in: Annotated[float, Field(gt=0)] | None = None


class LockBody(RequestBody):
    """POST /api/devices/{id}/lock."""

    pin: Pin


class Upload(RequestBody):
    """The fields beside the file of POST /api/content."""

    name: Word
    type: Type
    source_url: Text | None = None
    duration: Seconds | None = None


class UpdateContent(RequestBody):
    """PUT /api/content/{id}."""

    name: Word | None = None
    duration: Seconds | None = None
    status: Literal["active", "inactive"] | None = None
    source_url: Text | None = None


class TransitionBody(RequestBody):
    """A transition with its length in seconds; a bare word leaves the length to the player."""

    type: Word
    duration: Annotated[int | float, Field(ge=0, le=5)] | None = None


class PlaylistItem(RequestBody):
    """One entry of a playlist; what is not given is the content's own, or the player's choice."""

    content_id: Id
    order: int | None = None
    duration: Seconds | None = None
    fit: Literal["contain", "cover", "stretch"] | None = None
    transition: Word | TransitionBody | None = None
    volume: Annotated[int, Field(ge=0, le=100)] | None = None
    weight: Annotated[int, Field(ge=0, le=1000)] | None = None
    web: dict[str, Any] | None = None


class LayoutRegion(RequestBody):
    """A rectangle of a layout, in units of the layout's size."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)
    id: Word
    x: int
    y: int
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    items: list[PlaylistItem] = []


class LayoutBody(RequestBody):
    """Regions over the whole screen. What else is in it goes to the device as it came."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    regions: Annotated[list[LayoutRegion], Field(max_length=32)]


class SavePlaylist(RequestBody):
    """POST and PUT /api/playlists; a POST needs a name."""

    name: Word | None = None
    transition: Word | TransitionBody = "cut"
    is_default: bool = False
    items: Annotated[list[PlaylistItem], Field(max_length=10_000)] | None = None
    layout: LayoutBody | None = None


class RuleCondition(RequestBody):
    """One condition of a schedule; what it means is `core.schedule`'s affair."""

    type: Word
    operator: Word
    value: Any = None
    unit: Word | None = None


class SaveSchedule(RequestBody):
    """POST and PUT /api/schedules; a POST needs a playlist and a type."""

    playlist_id: Id | None = None
    schedulable_type: Literal["device", "group", "location", "all"] | None = None
    schedulable_id: Id | None = None
    days_of_week: Annotated[list[int] | None, AfterValidator(_days)] = None
    start_time: Annotated[str | None, AfterValidator(_time)] = None
    end_time: Annotated[str | None, AfterValidator(_time)] = None
    start_date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}")] | None = None
    end_date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}")] | None = None
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    is_active: bool = True
    conditions: Annotated[list[RuleCondition], Field(max_length=50)] | None = None


class SaveAlert(RequestBody):
    """POST /api/alerts; without `device_id` for every device of the tenant."""

    title: Word
    message: Text
    severity: Severity = "severe"
    starts_at: Moment = None
    expires_at: Moment = None
    image_url: Text | None = None
    color: Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None
    device_id: Id | None = None
