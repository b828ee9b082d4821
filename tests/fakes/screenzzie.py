"""Screenzzie's objects as its document shows them, for scripts of a server."""

from __future__ import annotations

from typing import Any

SCREEN_ID = "6b1f2a44-2f0e-4f7c-9d53-0c5f2f1a7e01"
KEPT_AT = "2024-01-01T00:00:00Z"
ACCOUNT: dict[str, Any] = {
    "apiKey": {"id": "k", "name": "Boxes", "keyPrefix": "sk_live_0123", "scopes": ["screens:read"], "expiresAt": None},
    "organization": {"id": "o", "name": "Corner shop", "planId": "growth"},
    "rateLimits": {"limit": 100000, "used": 45, "remaining": 99955, "resetAtMs": 1704153600000},
    "features": {"sequences": True, "schedules": True, "api": True},
}


def ok(data: Any) -> dict[str, Any]:
    """The envelope of an answer."""
    return {"success": True, "data": data}


def listed(*items: Any, page: int = 1, pages: int = 1) -> dict[str, Any]:
    """One page of a list."""
    more = {"page": page, "limit": 100, "total": len(items), "totalPages": pages, "hasMore": page < pages}
    return ok({"items": list(items), "pagination": more})


def screen(**fields: Any) -> dict[str, Any]:
    """This device's screen, with nothing on it."""
    return {
        "id": SCREEN_ID, "name": "Lobby", "isActive": True, "orientation": "landscape", "rotation": "0",
        "timezone": "Europe/Warsaw", "workspaceId": None, "screenGroupId": None, "currentPlaylistId": None,
        "currentSequenceId": None, "defaultPlaylistId": None, "defaultSequenceId": None, "updatedAt": KEPT_AT, **fields,
    }  # fmt: skip


def item(position: int, media: Any, **fields: Any) -> dict[str, Any]:
    """An entry of a playlist that is a file."""
    given = {"position": position, "duration": 5, "itemType": "media", "mediaId": media, "config": None}
    return {"id": f"item-{position}", **given, **fields}


def page(position: int, url: Any, **config: Any) -> dict[str, Any]:
    """An entry that is a page."""
    return item(position, None, itemType="website", config={"url": url, **config})


def playlist(name: Any, *items: Any, **fields: Any) -> dict[str, Any]:
    """A playlist as `GET playlists/{id}` answers it."""
    return {"id": name, "name": f"Playlist {name}", "itemCount": len(items), "updatedAt": KEPT_AT, "items": list(items), **fields}


def media(name: Any, **fields: Any) -> dict[str, Any]:
    """A picture of the library."""
    more = {"fileUrl": f"https://files.example.com/{name}.jpg", "fileSize": 1000, "duration": None, "updatedAt": KEPT_AT}
    return {"id": name, "name": f"{name}.jpg", "type": "image", **more, **fields}


def schedule(name: str, playlist: str | None, **fields: Any) -> dict[str, Any]:
    """A schedule for all screens, always."""
    times = {"dayOfWeek": None, "startTime": None, "endTime": None, "startDate": None, "endDate": None}
    target = {"screenId": None, "screenGroupId": None, "targetType": "all_screens", "workspaceId": None}
    return {
        "id": name, "name": name, "playlistId": playlist, "sequenceId": None, **target, **times, "priority": 0, "isActive": True,
        "color": "#3B82F6", "createdAt": KEPT_AT, "updatedAt": KEPT_AT, **fields,
    }  # fmt: skip
