"""/api/device, second half: what a device proves. Proof of play, idempotent by the event's id; and pictures of its screen."""

from __future__ import annotations

from aiohttp import web

from player.core.ports.box import Clock
from player.demo.adcast import device_wire as wire
from player.demo.adcast.device_api import device_of
from player.demo.adcast.library import read_form
from player.demo.files import Files
from player.demo.rest import ApiError, checked, invalid, read
from player.demo.store import Store, to_json

SCREENSHOT_LIMIT = 8 * 1024 * 1024
SCREENSHOTS_KEPT = 5


class Reports:
    """The device's side of proof."""

    def __init__(self, store: Store, screenshots: Files, clock: Clock) -> None:
        self._store, self._screenshots, self._clock = store, screenshots, clock

    def routes(self) -> list[web.RouteDef]:
        """The paths of this group."""
        return [web.post("/api/device/playback", self.playback), web.post("/api/device/screenshot", self.screenshot)]

    async def playback(self, request: web.Request) -> web.Response:
        """Takes at most 100 events; answers the ids it has, whether they came now or before."""
        body, now = await read(request, wire.Playback), self._clock.now().timestamp()
        device, accepted = device_of(self._store, body.uuid), []
        with self._store.transaction():
            for event in body.events:
                name = event.get("id")
                if isinstance(name, str) and 0 < len(name) <= 200:
                    self._store.run("INSERT OR IGNORE INTO plays VALUES (?, ?, ?, ?)", device["id"], name, now, to_json(event))
                    accepted.append(name)
        return web.json_response({"accepted": accepted}, status=202)

    async def screenshot(self, request: web.Request) -> web.Response:
        """Takes a JPEG; the last few of a device are kept."""
        if request.content_type != "multipart/form-data":
            raise ApiError(422, "A multipart form is expected.", {"file": ["The file field is required."]})
        fields, file = await read_form(request, self._screenshots, SCREENSHOT_LIMIT)
        if not file:
            raise invalid("file", "The file field is required.")
        try:
            body = checked(wire.ScreenshotBody, fields)
            device = device_of(self._store, body.uuid)
            if file.mime != "image/jpeg":
                raise invalid("file", "The file is not a JPEG.")
        except ApiError:
            self._drop(file.file_hash)
            raise
        self._store.insert(
            "screenshots",
            device_id=device["id"],
            **body.model_dump(exclude={"uuid"}),
            file_hash=file.file_hash,
            received_at=self._clock.now().timestamp(),
        )
        self._prune(device["id"])
        return web.json_response({"message": "Screenshot stored."}, status=201)

    def _prune(self, device: int) -> None:
        old = self._store.all(
            "SELECT * FROM screenshots WHERE device_id = ? ORDER BY id DESC LIMIT -1 OFFSET ?", device, SCREENSHOTS_KEPT
        )
        for row in old:
            self._store.run("DELETE FROM screenshots WHERE id = ?", row["id"])
            self._drop(row["file_hash"])

    def _drop(self, file_hash: str) -> None:
        if not self._store.one("SELECT id FROM screenshots WHERE file_hash = ?", file_hash):
            self._screenshots.remove(file_hash)
