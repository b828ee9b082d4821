"""An operator of an AdCast server, as code: signs in, uploads, schedules, commands, and looks at what devices reported.

Used by the demonstration and by tests. Every call has a deadline and raises CallRefused or ServerUnreachable.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from player.errors import ServerRefused, ServerUnreachable

ANSWER_S = 60.0
Json = dict[str, Any]
FINAL = ("succeeded", "failed", "rejected", "interrupted")
_SUFFIXES = {".mp4": "video", ".webm": "video", ".mkv": "video", ".jpg": "image", ".jpeg": "image", ".png": "image", ".html": "web"}


class CallRefused(ServerRefused):
    """An answer that is not success, with its HTTP status."""

    def __init__(self, path: str, status: int, said: str) -> None:
        super().__init__(path, f"{status}: {said}")
        self.status = status


class Operator:
    """`async with Operator(url) as operator: await operator.login(…)`. Answers are the API's JSON objects."""

    def __init__(self, url: str) -> None:
        self.url, self.token = url.rstrip("/"), ""

    def __repr__(self) -> str:
        return f"Operator({self.url})"

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._session.close()

    @contextlib.asynccontextmanager
    async def _call(self, method: str, path: str, **options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            async with self._session.request(method, self.url + path, headers=headers, **options) as response:
                if response.status >= 400:
                    raise CallRefused(path, response.status, (await response.text())[:300])
                yield response
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            raise ServerUnreachable(self.url + path, str(error) or type(error).__name__) from error

    async def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """Any call of the API, as JSON both ways."""
        async with self._call(method, path, json=body) as response:
            answer: Json = await response.json()
            return answer

    async def register(self, name: str, email: str, password: str, company_name: str) -> Json:
        """A new account, signed in."""
        body = {"name": name, "email": email, "password": password, "company_name": company_name}
        answer = await self.request("POST", "/api/auth/register", body)
        self.token = answer["token"]
        return answer

    async def login(self, email: str, password: str) -> Json:
        """Signs in."""
        answer = await self.request("POST", "/api/auth/login", {"email": email, "password": password})
        self.token = answer["token"]
        return answer

    # --- devices -----------------------------------------------------------------------------------------------------------------

    async def pair(self, pairing_code: str, name: str = "Display") -> Json:
        """Takes the device that shows this code; returns the device."""
        return await self._part("device", "POST", "/api/devices/pair", {"pairing_code": pairing_code, "name": name})

    async def devices(self) -> list[Json]:
        """The tenant's devices."""
        return await self._rows("/api/devices")

    async def device(self, device_id: int) -> Json:
        """One device, with its last readings."""
        return await self._part("device", "GET", f"/api/devices/{device_id}")

    async def update_device(self, device_id: int, **fields: Any) -> Json:
        """`name`, `device_group_id`, `location_id`, `show_watermark`."""
        return await self._part("device", "PUT", f"/api/devices/{device_id}", fields)

    async def delete_device(self, device_id: int) -> None:
        """Forgets it."""
        await self.request("DELETE", f"/api/devices/{device_id}")

    async def lock(self, device_id: int, pin: str) -> None:
        """Locks the local controls."""
        await self.request("POST", f"/api/devices/{device_id}/lock", {"pin": pin})

    async def unlock(self, device_id: int) -> None:
        """Unlocks them."""
        await self.request("POST", f"/api/devices/{device_id}/unlock")

    async def command(self, device_id: int, kind: str, payload: Mapping[str, Any] | None = None, **more: Any) -> Json:
        """Queues a command (`expires_in` seconds, `expires_at`); returns it, with its `id`."""
        body = {"type": kind, "payload": dict(payload or {}), **more}
        return await self._part("command", "POST", f"/api/devices/{device_id}/command", body)

    async def commands(self, device_id: int) -> list[Json]:
        """The device's commands, the latest first."""
        return await self._rows(f"/api/devices/{device_id}/commands")

    async def wait_result(self, command_id: int, timeout_s: float = 30.0, *, final: bool = True) -> Json:
        """The command once its result came; with `final=False`, `initiated` counts. Raises TimeoutError."""
        until = time.monotonic() + timeout_s
        while True:
            command = await self._part("command", "GET", f"/api/commands/{command_id}")
            if command["status"] in FINAL or (command["status"] == "initiated" and not final):
                return command
            if time.monotonic() > until:
                raise TimeoutError(f"command {command_id} ({command['type']}) is still {command['status']} after {timeout_s} s")
            await asyncio.sleep(0.1)

    async def plays(self, device_id: int) -> list[Json]:
        """Every proof of play that arrived."""
        return await self._rows(f"/api/devices/{device_id}/playback")

    async def faults(self, device_id: int, *, active_only: bool = True) -> list[Json]:
        """The faults of the last heartbeat, or all that were ever reported."""
        rows = await self._rows(f"/api/devices/{device_id}/faults")
        return [row for row in rows if row["is_active"] or not active_only]

    async def screenshot(self, device_id: int) -> bytes:
        """The latest picture of the screen, a JPEG. Raises CallRefused 404 where there is none."""
        async with self._call("GET", f"/api/devices/{device_id}/screenshots/latest") as response:
            return await response.read()

    # --- content and programme ---------------------------------------------------------------------------------------------------

    async def upload(self, path: Path, name: str | None = None, kind: str | None = None, duration: float | None = None) -> Json:
        """Uploads a file; `kind` (video, image, web …) by its suffix where it is not given. Returns the content."""
        fields = {"name": name or path.stem, "type": kind or _SUFFIXES.get(path.suffix.lower(), "image")}
        if duration is not None:
            fields["duration"] = str(duration)
        with path.open("rb") as file:
            form = aiohttp.FormData(fields)
            form.add_field("file", file, filename=path.name, content_type="application/octet-stream")
            async with self._call("POST", "/api/content", data=form) as response:
                content: Json = (await response.json())["content"]
                return content

    async def link(self, source_url: str, kind: str = "web", name: str | None = None, duration: float | None = None) -> Json:
        """Adds content that is an address: web, youtube, livestream."""
        body = {"name": name or source_url[:255], "type": kind, "source_url": source_url, "duration": duration}
        return await self._part("content", "POST", "/api/content", body)

    async def update_content(self, content_id: int, **fields: Any) -> Json:
        """`name`, `duration`, `status`, `source_url`."""
        return await self._part("content", "PUT", f"/api/content/{content_id}", fields)

    async def delete_content(self, content_id: int) -> None:
        """Removes it everywhere."""
        await self.request("DELETE", f"/api/content/{content_id}")

    async def playlist(self, name: str, items: Sequence[int | Mapping[str, Any]] = (), **fields: Any) -> Json:
        """Creates a playlist; `items`: content ids or {content_id, order?, duration?, …}; `transition`, `is_default`, `layout`."""
        body = {"name": name, "items": _items(items), **fields}
        return await self._part("playlist", "POST", "/api/playlists", body)

    async def update_playlist(self, playlist_id: int, **fields: Any) -> Json:
        """Changes what is given; `items` replaces them all."""
        if "items" in fields:
            fields["items"] = _items(fields["items"])
        return await self._part("playlist", "PUT", f"/api/playlists/{playlist_id}", fields)

    async def delete_playlist(self, playlist_id: int) -> None:
        """Removes it with its schedules."""
        await self.request("DELETE", f"/api/playlists/{playlist_id}")

    async def schedule(self, playlist_id: int, device_id: int | None = None, **rule: Any) -> Json:
        """Schedules a playlist on a device, or on all; `rule` as in the API (`days_of_week`, `start_time`, `priority` …)."""
        target = {"schedulable_type": "all"} if device_id is None else {"schedulable_type": "device", "schedulable_id": device_id}
        return await self._part("schedule", "POST", "/api/schedules", {"playlist_id": playlist_id, **target, **rule})

    async def update_schedule(self, schedule_id: int, **rule: Any) -> Json:
        """Changes what is given."""
        return await self._part("schedule", "PUT", f"/api/schedules/{schedule_id}", rule)

    async def delete_schedule(self, schedule_id: int) -> None:
        """Removes it."""
        await self.request("DELETE", f"/api/schedules/{schedule_id}")

    async def alert(self, title: str, message: str, severity: str = "severe", **more: Any) -> Json:
        """Breaks in; `expires_at`, `image_url`, `color`, `device_id`. Returns the alert."""
        return await self._part("alert", "POST", "/api/alerts", {"title": title, "message": message, "severity": severity, **more})

    async def end_alert(self, alert_id: int) -> None:
        """All clear."""
        await self.request("DELETE", f"/api/alerts/{alert_id}")

    async def _part(self, name: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        part: Json = (await self.request(method, path, body))[name]
        return part

    async def _rows(self, path: str) -> list[Json]:
        rows: list[Json] = []
        page = last = 1
        while page <= last:
            answer = await self.request("GET", f"{path}?page={page}&per_page=100")
            rows += answer["data"]
            page, last = page + 1, answer["meta"]["last_page"]
        return rows


def _items(items: Sequence[int | Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [{"content_id": item} if isinstance(item, int) else item for item in items]
