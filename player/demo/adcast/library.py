"""/api/content: what an operator uploaded or linked; files are kept once by their SHA-256, however often they are uploaded."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import BodyPartReader, web

from player.core.ports.box import Clock
from player.demo.adcast import wire
from player.demo.adcast.accounts import Accounts
from player.demo.files import Files, Received, send
from player.demo.rest import ApiError, checked, invalid, iso, missing, page_of, path_id, read, read_json
from player.demo.store import Row, Store
from player.demo.thumbs import Thumbnails

WITH_FILE = ("video", "image", "package", "pdf")
ZIP = "application/zip"
_FIELD_LIMIT = 16 * 1024
_SCHEMES = {"livestream": r"(https?|rtsps?|rtmps?|srt|udp|rtp)://\S+"}


class Library:
    """The operator's side of content."""

    def __init__(
        self, store: Store, accounts: Accounts, files: Files, thumbnails: Thumbnails, clock: Clock, upload_limit: int
    ) -> None:
        self._store, self._accounts, self._files, self._thumbnails = store, accounts, files, thumbnails
        self._clock, self._limit = clock, upload_limit

    def routes(self) -> list[web.RouteDef]:
        """The paths of this group."""
        one = r"/api/content/{id:\d{1,15}}"
        return [
            web.get("/api/content", self.index),
            web.post("/api/content", self.create),
            web.get(one, self.show),
            web.put(one, self.update),
            web.delete(one, self.delete),
            web.get(f"{one}/file", self.file),
            web.get(f"{one}/thumbnail", self.thumbnail),
            web.get("/pages/{hash:[0-9a-f]{64}}", self.page),
        ]

    async def index(self, request: web.Request) -> web.Response:
        """The tenant's content, by `type`, `status` and `search`."""
        rest = "FROM content WHERE tenant_id = ?"
        values: list[Any] = [self._accounts.tenant(request)]
        for name in ("type", "status"):
            if request.query.get(name):
                rest, values = f"{rest} AND {name} = ?", [*values, request.query[name]]
        if request.query.get("search"):
            rest, values = f"{rest} AND instr(lower(name), lower(?))", [*values, request.query["search"]]
        rows, meta = page_of(request, self._store, "*", rest, *values, size=20)
        return web.json_response({"data": [content_json(request, row) for row in rows], "meta": meta})

    async def create(self, request: web.Request) -> web.Response:
        """Takes a file of a form, or a link (as a form or as JSON)."""
        tenant = self._accounts.tenant(request)
        if request.content_type == "multipart/form-data":
            fields, file = await read_form(request, self._files, self._limit)
        else:
            fields, file = await read_json(request), None
        try:
            body = checked(wire.Upload, {name: value for name, value in fields.items() if value != ""})
            _check_source(body.type, body.source_url, file)
        except ApiError:
            if file:
                self._drop(file.file_hash)
            raise
        content = self.add(tenant, body, file)
        return web.json_response({"content": content_json(request, self._row(content))}, status=201)

    def add(self, tenant: int, body: wire.Upload, file: Received | None) -> int:
        """Adds a row; returns the content's id."""
        return self._store.insert(
            "content",
            tenant_id=tenant,
            **body.model_dump(),
            mime=file.mime if file else None,
            file_size=file.size if file else None,
            file_hash=file.file_hash if file else None,
            created_at=self._clock.now().timestamp(),
        )

    async def show(self, request: web.Request) -> web.Response:
        """One piece of content."""
        return web.json_response({"content": content_json(request, self._content(request))})

    async def update(self, request: web.Request) -> web.Response:
        """Name, duration, status, link."""
        row = self._content(request)
        body = await read(request, wire.UpdateContent)
        given = body.model_dump(exclude_unset=True)
        if any(given.get(name, "") is None for name in ("name", "status")):
            raise invalid("name", "The name and the status cannot be null.")
        if "source_url" in given and not row["file_hash"]:
            _check_source(row["type"], body.source_url, None)
        self._store.update("content", row["id"], **given)
        return web.json_response({"content": content_json(request, self._row(row["id"]))})

    async def delete(self, request: web.Request) -> web.Response:
        """Removes it from every playlist, and its file when nothing else is the same file."""
        row = self._content(request)
        self._store.run("DELETE FROM content WHERE id = ?", row["id"])
        if row["file_hash"]:
            self._drop(row["file_hash"])
        return web.json_response({"message": "Content deleted successfully."})

    async def file(self, request: web.Request) -> web.StreamResponse:
        """The bytes, for the operator; as an attachment, since this origin is where operators sign in."""
        row = self._content(request)
        if not row["file_hash"]:
            raise missing("File")
        path, mime = self._files.path(row["file_hash"]), row["mime"]
        return await send(request, path, mime, {"Content-Disposition": "attachment", "Content-Security-Policy": "sandbox"})

    async def thumbnail(self, request: web.Request) -> web.StreamResponse:
        """A small JPEG; 404 where there is none (pages, links)."""
        row = self._content(request)
        path = await self._thumbnails.of(row["type"], row["file_hash"]) if row["file_hash"] else None
        if not path:
            raise missing("Thumbnail")
        return await send(request, path, "image/jpeg")

    async def page(self, request: web.Request) -> web.StreamResponse:
        """An uploaded web page, at an address that only those know who were told its hash; sandboxed, so its origin is none."""
        file_hash = request.match_info["hash"]
        if not self._store.one("SELECT id FROM content WHERE file_hash = ? AND type = 'web' AND mime != ?", file_hash, ZIP):
            raise missing("Page")
        return await send(request, self._files.path(file_hash), "text/html", {"Content-Security-Policy": _PAGE_POLICY})

    def _content(self, request: web.Request) -> Row:
        tenant = self._accounts.tenant(request)
        row = self._store.one("SELECT * FROM content WHERE id = ? AND tenant_id = ?", path_id(request), tenant)
        if not row:
            raise missing("Content")
        return row

    def _row(self, content: int) -> Row:
        return self._store.one("SELECT * FROM content WHERE id = ?", content) or {}

    def _drop(self, file_hash: str) -> None:
        if not self._store.one("SELECT id FROM content WHERE file_hash = ?", file_hash):
            self._files.remove(file_hash)


_PAGE_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:"
)


async def read_form(request: web.Request, files: Files, limit: int) -> tuple[dict[str, str], Received | None]:
    """The text fields of a form and its `file`, streamed to disk. Raises ApiError 400, 413, 422."""
    fields: dict[str, str] = {}
    file: Received | None = None
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise ApiError(400, "The form holds another form.")
            if part.name == "file" and part.filename is not None:
                if file:
                    raise invalid("file", "Only one file at a time.")
                file = await files.receive(part, limit)
            elif part.name and len(fields) < 32:
                fields[part.name] = await _field(part)
    except ValueError as error:
        raise ApiError(400, "The form cannot be read.") from error
    return fields, file


async def _field(part: BodyPartReader) -> str:
    text = b""
    while chunk := await part.read_chunk(_FIELD_LIMIT):
        text += chunk
        if len(text) > _FIELD_LIMIT:
            raise ApiError(413, f"The field {part.name} is too long.")
    return text.decode("utf-8", "replace")


def _check_source(kind: str, source_url: str | None, file: Received | None) -> None:
    if kind in WITH_FILE and not file:
        raise invalid("file", f"The file field is required for {kind}.")
    if kind == "image" and file and not file.mime.startswith("image/"):
        raise invalid("file", "The file is not a picture (JPEG, PNG, GIF, WebP, AVIF, HEIC or SVG).")
    if kind not in WITH_FILE and not file and not re.fullmatch(_SCHEMES.get(kind, r"https?://\S+"), source_url or ""):
        raise invalid("source_url", f"The source_url of {kind} content is an address such as https://example.com/.")


def has_file(row: Row) -> bool:
    """Whether a device downloads it: files, and pages that were uploaded as an archive."""
    return bool(row["file_hash"]) and (row["type"] in WITH_FILE or row["mime"] == ZIP)


def source_url(request: web.Request, row: Row) -> str | None:
    """Where content without a download is found: the operator's link, or the page stored here."""
    if has_file(row):
        return None
    if row["type"] == "web" and row["file_hash"]:
        return f"{request.url.origin()}/pages/{row['file_hash']}"
    return row["source_url"] or None


def content_json(request: web.Request, row: Row) -> Row:
    """Content as operators see it."""
    base = f"{request.url.origin()}/api/content/{row['id']}"
    same = ("id", "name", "type", "mime", "file_size", "file_hash", "duration", "status")
    pictured = row["type"] in ("video", "image") and row["file_hash"]
    return {
        **{name: row[name] for name in same},
        "file_size_mb": round(row["file_size"] / 2**20, 2) if row["file_size"] else None,
        "source_url": source_url(request, row),
        "download_url": f"{base}/file" if row["file_hash"] else source_url(request, row),
        "thumbnail_url": f"{base}/thumbnail" if pictured else None,
        "created_at": iso(row["created_at"]),
    }
