"""Spot's paths, each with the scope that its key needs (seeds: its document; servers.md §2).

Answers may be bare or below `data`; lists come in pages, which are read to their end within limits. Only the number of a page is
taken from the address of the next one, so that no list leads anywhere else.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from player.cms.http import Meanings, ServerHttp, Tagged
from player.cms.listing import PagedRows
from player.cms.wire import Instant, Listed, Wire, number, rows, table, text
from player.core.ports.server import Command, Upload
from player.errors import DeviceForgotten, EventsRefused, ServerDenied, ServerNonsense, ServerRefused

BASE = "/api/v1"
PAGES, PAGE = 100, 100
COMMANDS = 1000
ALIKE = {"reload_content": "refresh", "take_screenshot": "screenshot"}


class KeyRefused(ServerDenied):
    """The key is not one of this server, or not any more."""

    sentence = "{url} refuses: {reason}; the key (cms.token) is not valid here"


@functools.cache
def needing(scope: str) -> Meanings:
    """What 401 and 403 mean where a call needs a key with this scope."""
    missing = type("ScopeMissing", (ServerDenied,), {"sentence": f"{{url}} refuses: {{reason}}; the key needs the scope {scope}"})
    return {401: KeyRefused, 403: missing}


READ_PLAYERS, WRITE_PLAYERS = needing("read:players"), needing("write:players")
READ_CONTENT, WRITE_CONTENT = needing("read:content"), needing("write:content")
# A 404 means the player where it is asked for, and the path where it is an extension that few servers have.
PLAYER: Meanings = {**READ_PLAYERS, 404: DeviceForgotten, 410: DeviceForgotten}
ACK: Meanings = {**WRITE_PLAYERS, 404: ServerRefused}
BATCH: Meanings = {**WRITE_PLAYERS, 410: DeviceForgotten, **dict.fromkeys((400, 413, 422), EventsRefused)}


class SpotApi:
    """The calls. `player` in their names is the player's id as the server writes it; `upload` puts files where it says."""

    def __init__(self, http: ServerHttp, upload: Upload) -> None:
        self._http, self._upload = http, upload

    def __repr__(self) -> str:
        return f"SpotApi({self._http!r})"

    def absolute(self, url: str) -> str:
        """An address of the server's made whole."""
        return self._http.absolute(url)

    @property
    def server_time(self) -> float | None:
        """What the server's clock said with its last answer, to the second."""
        return self._http.server_time

    async def player(self, player: str, known: Tagged | None) -> Tagged:
        """The player's row, or `known` where that is it still. Raises DeviceForgotten, ServerError."""
        path = player_path(player)
        found = await self._http.get_anew(path, known, means=PLAYER, by_body=False, in_parts=False)
        if found is known:
            return found
        row = table(unwrapped(found.value))
        if text(row.get("id")) is None:
            raise ServerNonsense(path, "no player is in it")
        return Tagged(row, found.tag)

    async def players(self) -> Listed:
        """Every player of the team."""
        return await self._all(f"{BASE}/players", READ_PLAYERS)

    async def content(self, name: str) -> Listed:
        """Every row of `layouts`, `playlists` or `assets`."""
        return await self._all(f"{BASE}/{name}", READ_CONTENT)

    async def pending(self, player: str) -> list[Any]:
        """The commands that wait for this player."""
        path = f"{player_path(player)}/commands"
        found = _list_in(await self._http.get(path, {"status": "pending"}, means=READ_PLAYERS))
        if found is None:
            raise ServerNonsense(path, "no list of commands is in it")
        return found

    async def ack(self, player: str, command: str, body: Mapping[str, Any]) -> None:
        """What became of a command."""
        path = f"{player_path(player)}/commands/{quote(command, safe='')}/ack"
        await self._http.post(path, body, endpoint="acks of commands", means=ACK)

    async def heartbeat(self, player: str, body: Mapping[str, Any]) -> None:
        """How the box is: an extension. Raises NotOffered where the server does not have it."""
        path = f"{player_path(player)}/heartbeat"
        answer = await self._http.post(path, body, means=WRITE_PLAYERS)
        if not (answer is None or isinstance(answer, dict)):
            raise ServerNonsense(path, "nothing of a heartbeat's answer is in it")

    async def playback(self, player: str, events: list[Mapping[str, Any]]) -> Any:
        """Plays: an extension. Raises NotOffered where the server does not have it, EventsRefused."""
        return await self._http.post(f"{player_path(player)}/playback", {"events": events}, means=BATCH)

    async def upload(self, filename: str, mime_type: str, content: bytes) -> str:
        """Puts a file where the server says; its key there."""
        path = f"{BASE}/assets/upload-url"
        asked = {"filename": filename, "mime_type": mime_type}
        answer = table(unwrapped(await self._http.post(path, asked, means=WRITE_CONTENT)))
        url, key = text(answer.get("upload_url")), text(answer.get("asset_key"))
        try:
            address = self.absolute(url) if url else ""
        except ValueError:  # what urllib cannot take apart
            address = ""
        if not key or not address.startswith(("https://", "http://")):
            raise ServerNonsense(path, "no address and key for an upload are in it")
        wanted = {name: value for name, value in table(answer.get("headers")).items() if isinstance(value, str)}
        await self._upload(address, content, {"Content-Type": mime_type, **wanted})
        return key

    async def screenshot(self, player: str, body: Mapping[str, Any]) -> None:
        """Says that an uploaded file is a picture of the screen."""
        await self._http.post(f"{player_path(player)}/screenshot", body, means=WRITE_PLAYERS)

    async def channel_auth(self, socket_id: str, channel: str) -> str:
        """What opens a private channel of the push to this socket."""
        body = {"socket_id": socket_id, "channel_name": channel}
        answer = table(await self._http.post("/broadcasting/auth", body, means=READ_PLAYERS))
        auth = text(answer.get("auth"))
        if auth is None:
            raise ServerNonsense("/broadcasting/auth", "no word that opens the channel is in it")
        return auth

    async def _all(self, path: str, means: Meanings) -> Listed:
        kept, name = PagedRows(), path.rpartition("/")[2]
        params, asked = {"per_page": str(PAGE)}, list[dict[str, str]]()
        while True:
            asked.append(params)
            answer = await self._http.get(path, params, means=means)
            found = _list_in(answer)
            if found is None:
                raise ServerNonsense(path, "no list is in it")
            kept.add(found)
            following, leads = _next(self._http.absolute(path), answer)
            if following is None or kept.cut:
                return kept.listed(name, leads)
            params = {"per_page": str(PAGE), **following}
            if params in asked or len(asked) >= PAGES:
                return kept.listed(name, "a page leads to itself" if params in asked else f"it has more than {PAGES} pages")


def player_path(player: str) -> str:
    """Where a player is."""
    return f"{BASE}/players/{quote(player, safe='')}"


def unwrapped(answer: Any) -> Any:
    """What an answer holds, whether or not it stands below `data`."""
    return answer["data"] if isinstance(answer, dict) and isinstance(answer.get("data"), dict | list) else answer


def _list_in(answer: Any) -> list[Any] | None:
    """The rows of a list, bare or below `data`; None where it is none."""
    return answer if isinstance(answer, list) else rows(answer.get("data")) if isinstance(answer, dict) else None


def _next(url: str, answer: Any) -> tuple[dict[str, str] | None, str]:
    """The page that follows, as the parameters to ask for it (None: this is the last), and why a next one is not followed."""
    meta, links = table(table(answer).get("meta")), table(table(answer).get("links"))
    page, last = number(meta.get("current_page")), number(meta.get("last_page"))
    if page is not None and last is not None:
        return ({"page": str(int(page) + 1)} if page < last else None), ""
    link = text(links.get("next"))
    if link is None:
        return None, ""
    try:
        here, there = urlsplit(url), urlsplit(link)
        found = parse_qs(there.query)
    except ValueError:
        return None, "it names a next page that cannot be read"
    if (there.netloc or here.netloc) != here.netloc or (there.path or here.path) != here.path:
        return None, "it names a next page elsewhere"
    return {name: values[0] for name, values in found.items() if name in ("page", "cursor")} or None, ""


class _Times(Wire):
    created_at: Instant = None
    expires_at: Instant = None


def command_of(row: Any) -> Command | None:
    """A command as it was pushed or is pending; None where it has no id. Spot's words for two of them are put in ours."""
    raw = table(row)
    name = text(raw.get("command_id")) or text(raw.get("id"))
    if name is None or len(name) > 200:
        return None
    word = (text(raw.get("command")) or text(raw.get("type")) or "")[:100]
    numbered = isinstance(raw.get("command_id", raw.get("id")), int)
    wire = _Times.model_validate(raw)
    return Command(name, ALIKE.get(word, word), table(raw.get("payload")), wire.created_at, wire.expires_at, numbered)
