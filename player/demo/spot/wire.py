"""What is sent to a Spot server, as pydantic models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from player.demo.moments import Moment, NeededMoment

Named = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Key = Annotated[int, Field(ge=1, lt=2**53)]


class SpotBody(BaseModel):
    """The base: fields that are not known are ignored."""

    model_config = ConfigDict(extra="ignore")


class CommandBody(SpotBody):
    """POST players/{id}/commands, and a group's."""

    command: Literal["reboot", "reload_content", "take_screenshot"]


class NewPlaylist(SpotBody):
    """POST playlists."""

    name: Named
    description: Annotated[str, StringConstraints(max_length=4000)] | None = None


class ListedItem(SpotBody):
    """An item of PATCH playlists/{id}/items. What is beyond asset and duration the player understands too."""

    asset_id: Key
    duration: Annotated[int | float, Field(ge=1, le=86_400)] | None = None
    campaign_id: Key | None = None
    starts_at: Moment = None
    ends_at: Moment = None
    weight: Annotated[int, Field(ge=1, le=100)] | None = None


class NewItems(SpotBody):
    """PATCH playlists/{id}/items."""

    items: Annotated[list[ListedItem], Field(max_length=10_000)]


class Assignment(SpotBody):
    """PATCH layouts/{id}/assign."""

    player_ids: list[Key] = []
    group_ids: list[Key] = []


class NewUpload(SpotBody):
    """POST assets/upload-url."""

    filename: Named
    mime_type: Annotated[str, StringConstraints(pattern=r"^[a-z]+/[a-z0-9.+-]+$", max_length=100)]


class NewWebhook(SpotBody):
    """POST webhooks."""

    url: Annotated[
        str, StringConstraints(pattern=r"^https://\S+$|^http://(127\.0\.0\.1|localhost)(:\d+)?(/\S*)?$", max_length=2000)
    ]
    events: Annotated[
        list[Literal["player.online", "player.offline", "player.screenshot", "player.command.acknowledged"]], Field(min_length=1)
    ]


class AckBody(SpotBody):
    """POST players/{id}/commands/{id}/ack."""

    status: Literal["received", "succeeded", "failed", "rejected", "interrupted"]
    message: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    result: dict[str, Any] | None = None


class TakenScreenshot(SpotBody):
    """POST players/{id}/screenshot."""

    asset_key: Named
    taken_at: str | None = None
    command_id: str | int | None = None


class PlayedEvents(SpotBody):
    """POST players/{id}/playback."""

    events: Annotated[list[dict[str, Any]], Field(max_length=100)]


class Period(SpotBody):
    """From when until when analytics are asked for."""

    model_config = ConfigDict(populate_by_name=True)
    begins: NeededMoment = Field(alias="from")
    ends: NeededMoment = Field(alias="to")


class PlaybackQuestion(Period):
    """GET analytics/playback."""

    player_id: Key | None = None
    layout_id: Key | None = None
    granularity: Literal["hour", "day", "week"] = "day"


class ImpressionsQuestion(Period):
    """GET analytics/impressions."""

    campaign_id: Key | None = None
