"""What operators do in Screenzzie's web panel, as code: upload files, fill playlists, make sequences, choose screens."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from player.demo.files import Files
from player.demo.screenzzie.api import FILES, FRESH_SCREEN
from player.demo.screenzzie.workspace import Thing, Workspace

Entry = str | Mapping[str, Any]  # a file's id; or duration and mediaId, or duration and a page's config


class WebPanel:
    """Files are kept by their path; whoever reads one of the library is told the whole address."""

    def __init__(self, workspace: Workspace, files: Files) -> None:
        self._workspace, self._files = workspace, files

    async def upload(self, path: Path, kind: str = "image", duration: float | None = None) -> Thing:
        """A file in the library. `duration` of a clip, in seconds."""
        stored = await asyncio.to_thread(self._files.add, path)
        return self._workspace.add("media", {
            "name": path.name, "type": kind, "fileUrl": f"{FILES}/{stored.file_hash}", "thumbnailUrl": None,
            "fileSize": stored.size, "duration": duration, "folderId": None, "workspaceId": None, "uploadedBy": None,
        })  # fmt: skip

    def playlist(self, name: str, entries: Sequence[Entry]) -> Thing:
        """A playlist with these items."""
        blank: Thing = {"name": name, "description": None, "workspaceId": None, "createdBy": None, "items": []}
        return self.fill(self._workspace.add("playlists", blank)["id"], entries)

    def fill(self, playlist: str, entries: Sequence[Entry]) -> Thing:
        """Other items in a playlist."""
        return self._workspace.change("playlists", playlist, {"items": [self._item(n, one) for n, one in enumerate(entries)]})

    def _item(self, position: int, entry: Entry) -> Thing:
        given = {"mediaId": entry} if isinstance(entry, str) else dict(entry)
        usual = {"duration": 10, "mediaId": None, "config": None, "itemType": "media" if given.get("mediaId") else "website"}
        return {"id": str(uuid.uuid4()), "position": position, **usual, **given, "createdAt": self._workspace.now()}

    def sequence(self, name: str, parts: Sequence[Mapping[str, Any]]) -> Thing:
        """Playlists one after the other: each part has a playlistId, and may have repeat or duration."""
        return self._workspace.add("sequences", {"name": name, "items": [{"position": n, **part} for n, part in enumerate(parts)]})

    def choose(self, schedule: str, screens: Sequence[str]) -> None:
        """For which screens a schedule for several is."""
        self._workspace.change("schedules", schedule, {"screens": list(screens)})

    def screen(self, name: str, **given: Any) -> str:
        """The id of the screen of that name, which is made with these fields where there is none."""
        for screen in self._workspace.all("screens"):
            if screen["name"] == name:
                return str(screen["id"])
        usual = {"name": name, "orientation": "landscape", "rotation": "0", "timezone": None}
        return str(self._workspace.add("screens", {**FRESH_SCREEN, **usual, **given})["id"])

    def show(self, screen: str, playlist: str | None) -> None:
        """What is on a screen now; None: nothing of its own."""
        self._workspace.change("screens", screen, {"currentPlaylistId": playlist})

    def switch(self, screen: str, *, active: bool) -> None:
        """A screen on or off."""
        self._workspace.change("screens", screen, {"isActive": active})

    def drop_screen(self, screen: str) -> None:
        """Removes a screen."""
        self._workspace.drop("screens", screen)
