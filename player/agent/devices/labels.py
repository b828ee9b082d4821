"""Tags and locations: what the management calls things. The player itself does nothing with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from player.agent.devices.records_file import RecordsFile

MOST_TAGS, MOST_LOCATIONS = 500, 100


@dataclass(frozen=True, slots=True)
class Tag:
    """A label, perhaps below another one."""

    uid: str
    created_at: float
    name: str
    color: str | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture of a place: its `uid` is the name of its file, `kind` its MIME type."""

    uid: str
    kind: str


@dataclass(frozen=True, slots=True)
class Location:
    """A place, by coordinates (degrees, WGS 84) or by address."""

    uid: str
    created_at: float
    updated_at: float
    name: str
    latitude: float | None = None
    longitude: float | None = None
    address: str | None = None
    custom_id: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = field(default=())


class Labels:
    """All of them, kept in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.tags = RecordsFile(folder / "tags.json", Tag, "tag", MOST_TAGS)
        self.places = RecordsFile(folder / "locations.json", Location, "location", MOST_LOCATIONS)
