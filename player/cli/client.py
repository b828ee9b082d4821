"""Speaks to a running player through its control socket; for the command line, so it imports nothing heavy."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from player.errors import BoxError, CommandRejected, NotRunning, PinNotLookedAt, SettingRefused, SignageError, WrongPin

ANSWER_WITHIN_S = 35.0


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Connects to the socket of the player. Raises OSError."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.sock.close()
            raise


class ControlClient:
    """One player, by the path of its `control.sock`. Every call raises NotRunning, and SignageError when the player says no."""

    def __init__(self, path: Path, timeout_s: float = ANSWER_WITHIN_S) -> None:
        self._path, self._timeout_s = path, timeout_s

    def status(self) -> dict[str, Any]:
        """The object of `GET /api/status`."""
        return self._json("GET", "/api/status")

    def pairing(self) -> dict[str, Any]:
        """{paired, pairing_code, server}."""
        return self._json("GET", "/api/pairing")

    def screenshot(self, kind: str = "jpg") -> bytes:
        """What the screen shows now; `kind` "jpg" or "png"."""
        return self._call("GET", f"/api/screen.{kind}")

    def lock(self, pin: str) -> None:
        """Locks local controls. Raises WrongPin."""
        self._call("POST", "/api/lock", {"pin": pin})

    def unlock(self, pin: str) -> None:
        """Unlocks them. Raises WrongPin."""
        self._call("POST", "/api/unlock", {"pin": pin})

    def command(self, kind: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """Runs a command as if the server had sent it; returns its result. Raises CommandRejected."""
        return self._json("POST", "/api/command", {"type": kind, "payload": payload or {}})

    def why(self, item: str | None) -> list[dict[str, Any]]:
        """Of every item, or of one's id, content id or name: item_id, content_id, name, layout, on_air, because."""
        path = f"/api/why?item={quote(item, safe='')}" if item is not None else "/api/why"
        return cast("list[dict[str, Any]]", self._json("GET", path)["items"])

    def settings(self) -> list[dict[str, Any]]:
        """Every setting: name, meaning, range, wanted, found, asked_by, asked_at, outcome, in_effect."""
        return cast("list[dict[str, Any]]", self._json("GET", "/api/settings")["settings"])

    def set(self, name: str, value: str) -> dict[str, Any]:
        """Asks for a setting; returns its row. Raises SettingRefused."""
        return self._json("POST", f"/api/settings/{quote(name, safe='')}", {"value": value})

    def timers(self) -> list[dict[str, Any]]:
        """Every timer: number, level, on, off, days, volume."""
        return cast("list[dict[str, Any]]", self._json("GET", "/api/timers")["timers"])

    def set_timer(self, timer: dict[str, Any]) -> None:
        """Sets one in its place; without both times it goes. Raises CommandRejected."""
        self._call("POST", "/api/timers", timer)

    def _json(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self._call(method, path, body)))

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        connection = _UnixConnection(self._path, self._timeout_s)
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
        except TimeoutError as error:
            raise BoxError("control", f"the player did not answer within {self._timeout_s:.0f} s; look at its log") from error
        except PermissionError as error:
            raise BoxError("control", f"{self._path} belongs to another user; ask as that user, or with sudo") from error
        except (OSError, http.client.HTTPException) as error:
            raise NotRunning(str(self._path)) from error
        finally:
            connection.close()
        if answer.status >= 400:
            raise _refusal(content, answer.status)
        return content


def _refusal(content: bytes, status: int) -> Exception:
    try:
        said = json.loads(content)
        code, message = said["error"], str(said["message"])
    except (ValueError, KeyError, TypeError):
        return BoxError("control", f"the player answered {status}")
    if code == PinNotLookedAt.code:
        return PinNotLookedAt(float(said.get("wait_s", 0)))
    if code == WrongPin.code:
        return WrongPin(float(said.get("wait_s", 0)))
    what, _, reason = message.partition(": ")
    if code == SettingRefused.code:
        return SettingRefused(what, reason)
    if code == BoxError.code:
        return BoxError(what, reason)
    return CommandRejected(message) if code == CommandRejected.code else SignageError(message)
