"""The files of applets' versions: announced with their MD5, uploaded to an address that was given for it once, read, removed.

The upload itself carries no token: its address holds 256 random bits, and is good for one file of that MD5 within ten minutes.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import aiohttp
from aiohttp import web

from player.agent.control.access import Scope
from player.agent.devices import applet_bodies as bodies
from player.agent.devices import wire
from player.agent.devices.applet_calls import CHUNK, VERSION, built
from player.agent.devices.applet_folder import AppletFolder
from player.agent.devices.applet_records import AppletShelf, VersionRecord
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.plan_keeper import PlanKeeper
from player.agent.devices.refusals import bad_body, bad_field, conflict, not_found
from player.core.applet_files import AppletFile, clean_path, with_file
from player.core.ports.box import Clock

FILES = f"{VERSION}/{{version}}/file"
UPLOAD = "/v1/applet-upload"
TICKETS, TICKET_S = 256, 600.0
LINES = 500  # of a form, beside its file


@dataclass(frozen=True, slots=True)
class Ticket:
    """An upload that is awaited. `until` is monotonic; `builds`: whether the version is built then."""

    applet: str
    version: str
    path: str
    type: str
    md5: str
    builds: bool
    until: float


class AppletFileCalls:
    """As `AppletCalls`."""

    def __init__(self, shelf: AppletShelf, folder: AppletFolder, plan: PlanKeeper, clock: Clock) -> None:
        self._shelf, self._folder, self._plan, self._clock = shelf, folder, plan, clock
        self._tickets: dict[str, Ticket] = {}

    def rows(self) -> Sequence[Row]:
        """What leads to these calls, and where files are uploaded to."""
        read, admin, one = Scope.READ, Scope.ADMIN, f"{FILES}/{{path*}}"
        return (
            Row("GET", FILES, self.files, read),
            Row("POST", FILES, self.announce, admin),
            Row("GET", one, self.file, read),
            Row("PUT", one, self.announce, admin),
            Row("DELETE", one, self.remove, admin),
            Row("POST", f"{UPLOAD}/{{ticket}}", self.upload, Scope.NONE, reads_itself=True),
        )

    async def files(self, call: ApiCall) -> ApiAnswer:
        """All of a version."""
        return ApiAnswer([_file(one) for one in self._of(call).files])

    async def announce(self, call: ApiCall) -> ApiAnswer:
        """{path, type, hash}, or {type, hash} to the path of one that is there: answers where to upload it."""
        version, wanted = self._of(call), call.read(bodies.FileBody)
        path = _clean(call.pieces.get("path") or wanted.path)
        if "path" in call.pieces:
            version.file(path)
        now = self._clock.monotonic()
        self._tickets = {name: one for name, one in self._tickets.items() if one.until > now}
        if len(self._tickets) >= TICKETS:
            raise conflict(f"{TICKETS} uploads are awaited already")
        ticket = secrets.token_urlsafe(32)
        self._tickets[ticket] = Ticket(
            version.applet, version.version, path, wanted.type, wanted.hash, call.truth("build", True), now + TICKET_S
        )
        fields = {"key": path, "Content-Type": wanted.type, "x-amz-meta-content_md5": wanted.hash}
        return ApiAnswer({**wire.OK, "upload": {"request": {"url": f"{call.base}{UPLOAD}/{ticket}", "fields": fields}}})

    async def upload(self, call: ApiCall) -> ApiAnswer:
        """A form whose part `file` is the file, whether or not it has a name of its own."""
        ticket = self._tickets.pop(call.pieces["ticket"], None)
        if ticket is None or ticket.until <= self._clock.monotonic():
            raise not_found("upload of that address")
        assert call.incoming is not None  # noqa: S101 - the row says so
        file = await self._folder.take(ticket.path, ticket.type, ticket.md5, _file_part(call.incoming))
        await self._changed(self._shelf.version(ticket.applet, ticket.version), lambda files: with_file(files, file), ticket.builds)
        return ApiAnswer(wire.OK, 201)

    async def file(self, call: ApiCall) -> ApiAnswer:
        """The bytes themselves."""
        file = self._of(call).file(_clean(call.pieces["path"]))
        kind, _, _ = file.type.partition(";")
        headers = {"x-amz-meta-content_md5": file.md5, "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
        return ApiAnswer(self._folder.read(file), headers=headers, content_type=kind.strip())

    async def remove(self, call: ApiCall) -> ApiAnswer:
        """It is no file of that version any more."""
        version = self._of(call)
        gone = version.file(_clean(call.pieces["path"]))
        kept = tuple(one for one in version.files if one is not gone)
        await self._changed(version, lambda _: kept, call.truth("build", True))
        return ApiAnswer()

    async def _changed(
        self, version: VersionRecord, change: Callable[[tuple[AppletFile, ...]], tuple[AppletFile, ...]], builds: bool
    ) -> None:
        try:
            changed = replace(version, files=change(version.files), is_page=False)
        except ValueError as error:
            raise bad_field("path", str(error)) from None
        self._shelf.keep(built(changed, self._folder, self._clock) if builds else changed)
        await self._plan.tell()

    def _of(self, call: ApiCall) -> VersionRecord:
        return self._shelf.version(call.pieces["applet"], call.pieces["version"])


class _FewLines:
    """A body of which `LINES` are read one by one: a form has some for each part, and each costs far more than its bytes."""

    def __init__(self, body: aiohttp.StreamReader) -> None:
        self._body, self._left = body, LINES

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    async def readline(self, **limits: int) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"it has more than {LINES} lines beside its parts")
        return await self._body.readline(**limits)


async def _file_part(request: web.BaseRequest) -> AsyncIterator[bytes]:
    """The bytes of the form's part of that name. Raises Declined."""
    try:
        reader = aiohttp.MultipartReader(request.headers, cast("aiohttp.StreamReader", _FewLines(request.content)))
        async for part in reader:
            if isinstance(part, aiohttp.BodyPartReader) and part.name == "file":
                while chunk := await part.read_chunk(CHUNK):
                    yield chunk
                return
    except (AssertionError, ValueError) as error:
        raise bad_body(f"the body is not a form with a file: {error}") from None
    raise bad_body('the form has no part "file"')


def _clean(given: str | None) -> str:
    if given is None:
        raise bad_field("path", "it is missing")
    try:
        return clean_path(given)
    except ValueError as error:
        raise bad_field("path", str(error)) from None


def _file(one: AppletFile) -> dict[str, Any]:
    return {"name": one.name, "path": one.path, "type": one.type, "hash": one.md5, "size": one.size}
