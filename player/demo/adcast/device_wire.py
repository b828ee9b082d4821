"""What devices send to the demonstration server, as pydantic models; unknown fields are ignored (house rule 14)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from player.demo.adcast.wire import Id, RequestBody, Text, Word
from player.demo.moments import Moment

Uuid = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{8,128}$")]


class RegisterDevice(RequestBody):
    """POST /api/device/register."""

    uuid: Uuid
    model: Text | None = None
    os_version: Text | None = None
    app_version: Text | None = None
    license_key: Text | None = None


class CommandResultBody(RequestBody):
    """POST /api/device/commands/{id}/result, and an element of a heartbeat's `command_results`."""

    status: Literal["succeeded", "failed", "rejected", "initiated", "interrupted"]
    message: Text | None = None
    started_at: Moment = None
    finished_at: Moment = None
    result: dict[str, Any] | None = None


class HeartbeatResult(CommandResultBody):
    """The same, naming its command."""

    id: Id


class FaultBody(RequestBody):
    """An element of a heartbeat's `faults`."""

    code: Word
    message: Text = ""
    since: Moment = None
    item_id: int | str | None = None
    content_id: int | str | None = None
    count: int = 1


class HeartbeatBody(RequestBody):
    """POST /api/device/heartbeat; its readings are kept as they came."""

    uuid: Uuid
    faults: Annotated[list[FaultBody], Field(max_length=1000)] | None = None
    command_results: Annotated[list[HeartbeatResult], Field(max_length=1000)] | None = None


class Playback(RequestBody):
    """POST /api/device/playback."""

    uuid: Uuid
    events: Annotated[list[dict[str, Any]], Field(max_length=100)]


class ScreenshotBody(RequestBody):
    """The fields beside the file of POST /api/device/screenshot."""

    uuid: Uuid
    command_id: Word | None = None
    taken_at: Moment = None
    width: Annotated[int, Field(ge=1, le=16384)]
    height: Annotated[int, Field(ge=1, le=16384)]
