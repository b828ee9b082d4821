"""The paths of Screenzzie's document: each kind of thing is one row, and all are listed, read, made, changed and dropped alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from player.demo.screenzzie import wire
from player.demo.screenzzie.access import KeyCabinet
from player.demo.screenzzie.answers import RefusedCall, body_of, checked, missing, page_of, success
from player.demo.screenzzie.workspace import Thing, Workspace

BASE, FILES = "/api/v1", "/files"
ORGANIZATION = "7a3a2f9e-64f5-4d0e-9b0a-3d1f5d7c2b10"
FRESH_SCREEN: Thing = {
    "description": None, "isActive": True, "isOnline": False, "lastSeenAt": None, "location": None, "cityName": None,
    "latitude": None, "longitude": None, "workspaceId": None, "screenGroupId": None, "currentPlaylistId": None,
    "currentSequenceId": None, "defaultPlaylistId": None, "defaultSequenceId": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ThingKind:
    """What may be done with things of one kind. `filters`: the query's names that a list is filtered by.

    `whole`: as what a thing is checked once more when a part of it was changed. `fresh`: what one has when it is made.
    """

    one: str
    create: type[BaseModel] | None = None
    update: type[BaseModel] | None = None
    whole: type[BaseModel] | None = None
    may_be_dropped: bool = False
    filters: tuple[str, ...] = ("workspaceId",)
    fresh: Mapping[str, Any] | None = None


KINDS: Mapping[str, ThingKind] = {
    "screens": ThingKind(
        "screen", wire.CreateScreen, wire.UpdateScreen,
        filters=("isActive", "isOnline", "screenGroupId", "workspaceId"), fresh=FRESH_SCREEN,
    ),
    "playlists": ThingKind(
        "playlist", wire.CreatePlaylist, wire.UpdatePlaylist, may_be_dropped=True, fresh={"items": [], "createdBy": None}
    ),
    "media": ThingKind(
        "media", wire.RegisterMedia, may_be_dropped=True, filters=("type", "folderId", "workspaceId"), fresh={"uploadedBy": None}
    ),
    "schedules": ThingKind(
        "schedule", wire.WholeSchedule, wire.ScheduleFields, wire.WholeSchedule, may_be_dropped=True,
        filters=("workspaceId", "screenId", "isActive"), fresh={"screens": []},
    ),
    "sequences": ThingKind("sequence"),
}  # fmt: skip
_POINTS_TO = {
    "playlistId": "playlists", "currentPlaylistId": "playlists", "defaultPlaylistId": "playlists", "sequenceId": "sequences",
    "currentSequenceId": "sequences", "defaultSequenceId": "sequences", "screenId": "screens",
}  # fmt: skip


class Api:
    """Whoever has a key reads and writes."""

    def __init__(self, workspace: Workspace, access: KeyCabinet) -> None:
        self._workspace, self._access = workspace, access

    def routes(self) -> list[web.RouteDef]:
        """Every path."""
        found = [
            web.get(f"{BASE}/me", self.me),
            web.get(f"{BASE}/organizations", self.organizations),
            web.get(f"{BASE}/schedules/{{id}}/screens", self.screens_of),
        ]
        for name, kind in KINDS.items():
            every, one = f"{BASE}/{name}", f"{BASE}/{name}/{{id}}"
            found += [web.get(every, partial(self.listed, name)), web.get(one, partial(self.shown, name))]
            if kind.create:
                found.append(web.post(every, partial(self.made, name)))
            if kind.update:
                found.append(web.patch(one, partial(self.changed, name)))
            if kind.may_be_dropped:
                found.append(web.delete(one, partial(self.dropped, name)))
        return found

    async def me(self, request: web.Request) -> web.Response:
        """Whose key it is, and what it may do."""
        given = self._access.key_of(request)
        key = {name: given[name] for name in ("id", "name", "keyPrefix", "scopes", "expiresAt", "lastUsedAt")}
        return success({
            "apiKey": key,
            "organization": self._organization() | {"trialEndsAt": None},
            "rateLimits": self._access.figures(),
            "features": self._access.features,
        })  # fmt: skip

    async def organizations(self, request: web.Request) -> web.Response:
        """The one that the key belongs to."""
        return page_of(request, [self._organization() | {"createdAt": "2024-01-01T00:00:00Z"}])

    def _organization(self) -> Thing:
        return {
            "id": ORGANIZATION, "name": "Corner shop", "planId": "growth", "subscriptionStatus": "active",
            "maxScreensAllowed": 50, "activeScreensCount": sum(one["isActive"] for one in self._workspace.all("screens")),
        }  # fmt: skip

    async def screens_of(self, request: web.Request) -> web.Response:
        """The screens of a schedule for several."""
        schedule = self._thing("schedules", request)
        if schedule["targetType"] != "multiple_screens":
            raise missing("list of screens")
        return success({"items": [{"id": name} for name in schedule["screens"]]})

    async def listed(self, kind: str, request: web.Request) -> web.Response:
        """A page of them, filtered."""
        asked = {name: request.query[name] for name in KINDS[kind].filters if name in request.query}
        found = [one for one in self._workspace.all(kind) if all(_matches(one.get(name), text) for name, text in asked.items())]
        return page_of(request, [_view(request, kind, one, whole=False) for one in found])

    async def shown(self, kind: str, request: web.Request) -> web.Response:
        """One. A player that reads its screen was seen."""
        thing = self._thing(kind, request)
        if kind == "screens" and "signage-player" in request.headers.get("User-Agent", ""):
            seen = {"isOnline": True, "lastSeenAt": self._workspace.now()}
            thing = self._workspace.change(kind, thing["id"], seen, is_news=False)
        return success(_view(request, kind, thing, whole=True))

    async def made(self, kind: str, request: web.Request) -> web.Response:
        """Makes one."""
        row = KINDS[kind]
        assert row.create  # noqa: S101 - its path is there for kinds that have one
        body = checked(row.create, await body_of(request), only_given=False)
        self._check_pointers(body)
        return success(_view(request, kind, self._workspace.add(kind, {**(row.fresh or {}), **body}), whole=True), 201)

    async def changed(self, kind: str, request: web.Request) -> web.Response:
        """Changes what is given."""
        row, thing = KINDS[kind], self._thing(kind, request)
        assert row.update  # noqa: S101 - as above
        changes = checked(row.update, await body_of(request), only_given=True)
        self._check_pointers(changes)
        if row.whole:
            checked(row.whole, thing | changes, only_given=False)
        return success(_view(request, kind, self._workspace.change(kind, thing["id"], changes), whole=True))

    async def dropped(self, kind: str, request: web.Request) -> web.Response:
        """Removes one."""
        self._workspace.drop(kind, self._thing(kind, request)["id"])
        return web.Response(status=204)

    def _thing(self, kind: str, request: web.Request) -> Thing:
        found = self._workspace.get(kind, request.match_info["id"])
        if found is None:
            raise missing(KINDS[kind].one)
        return found

    def _check_pointers(self, body: Thing) -> None:
        for field, kind in _POINTS_TO.items():
            if body.get(field) is not None and self._workspace.get(kind, body[field]) is None:
                raise RefusedCall(400, f"{field}: there is no such {KINDS[kind].one}", field)


def _matches(value: Any, text: str) -> bool:
    return text.lower() == str(value).lower() if isinstance(value, bool) else value == text


def _view(request: web.Request, kind: str, thing: Thing, *, whole: bool) -> Thing:
    """A thing as it is told; in lists, playlists come without their items."""
    match kind:
        case "playlists":
            items = [_absolute(request, item) for item in thing["items"]]
            figures = {"itemCount": len(items), "totalDuration": sum(item["duration"] or 0 for item in items)}
            return {**thing, **figures, "items": items} if whole else {n: v for n, v in (thing | figures).items() if n != "items"}
        case "media":
            return thing | {"fileUrl": _whole_address(request, thing["fileUrl"])}
        case "schedules":  # its screens have a path of their own
            return {name: value for name, value in thing.items() if name != "screens"}
        case _:
            return thing


def _absolute(request: web.Request, item: Thing) -> Thing:
    config = item["config"] or {}
    return item | {"config": config | {"url": _whole_address(request, config["url"])}} if config.get("url") else item


def _whole_address(request: web.Request, url: str) -> str:
    return f"{request.url.origin()}{url}" if url.startswith(f"{FILES}/") else url
