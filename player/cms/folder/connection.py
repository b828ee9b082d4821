"""A folder, or whatever stick is in, made from the configuration."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from player.cms.folder.adapter import USB, Folder, stick_in
from player.cms.folder.keys import Keys
from player.cms.folder.rhythm import FolderRhythm
from player.config import CmsConfig
from player.core.egress import WayOut
from player.core.ports.box import Absent, Clock
from player.core.ports.server import Connection, Device

NOBODY = "nobody is behind a folder"


@contextlib.asynccontextmanager
async def connect(_: CmsConfig, own: Keys, device: Device, clock: Clock, __: WayOut) -> AsyncIterator[Connection]:
    """Nothing is looked at yet."""
    given = Path(own.path)

    def where() -> Path | None:
        return stick_in(USB) if own.usb else given if given.is_dir() else None

    folder = Folder(where, named=own.place, public_key=own.public_key, copies=own.copy, key=device.key, clock=clock)
    yield Connection(
        rhythm=FolderRhythm(folder),
        content=folder,
        commands=Absent("commands", NOBODY),
        telemetry=Absent("telemetry", NOBODY),
        results=Absent("results", NOBODY),
        plays=Absent("plays", f"{NOBODY}; `signage-player proof export` has them"),
        screenshots=Absent("screenshots", NOBODY),
        settings=Absent("settings", NOBODY),
        alerts=Absent("alerts", NOBODY),
        updates=Absent("updates", NOBODY),
        files=folder,
    )
