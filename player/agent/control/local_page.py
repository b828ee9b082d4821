"""The local page: what the player is doing, for an installer's phone. Fault L9: names from a server are text, never markup.

Rendered by Jinja with autoescape; no external resource, no inline script or style (the API's Content-Security-Policy forbids them).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from player.agent.reports.status import Status
from player.agent.settings.registry import SettingRow
from player.core.faults import meaning_of
from player.core.settings import Value
from player.core.why import Reason

FOLDER = Path(__file__).parent / "page"
REASONS = 500  # that the page shows
ASSETS = {"/page.css": "text/css", "/page.js": "text/javascript", "/icon.svg": "image/svg+xml"}


def add_to(
    app: web.Application,
    status: Callable[[], Awaitable[Status]],
    why: Callable[[str | None], Awaitable[Sequence[Reason]]],
    settings: Callable[[], Awaitable[Sequence[SettingRow]]],
    has_right: Callable[[], bool],
) -> None:
    """Adds `/`, `/now` (the part that changes by itself), on demand `/why` and `/settings`, and the page's files.

    `has_right`: whether there is a PIN or a password that could be entered.
    """
    import aiohttp_jinja2
    import jinja2

    environment = aiohttp_jinja2.setup(app, loader=jinja2.FileSystemLoader(FOLDER), autoescape=True)
    environment.filters |= {
        "remedy": remedy,
        "value": in_words_value,
        "size": in_words_bytes,
        "span": in_words_seconds,
        "instant": in_words_instant,
    }

    def page(template: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def show(request: web.Request) -> web.StreamResponse:
            return aiohttp_jinja2.render_template(template, request, {"status": await status(), "has_right": has_right()})

        return show

    async def table(request: web.Request) -> web.StreamResponse:
        return aiohttp_jinja2.render_template("settings.html", request, {"settings": await settings()})

    async def reasons(request: web.Request) -> web.StreamResponse:
        found = await why(None)
        return aiohttp_jinja2.render_template(
            "why.html", request, {"answers": found[:REASONS], "more": max(0, len(found) - REASONS)}
        )

    app.router.add_get("/", page("page.html"))
    app.router.add_get("/why", reasons)
    app.router.add_get("/settings", table)
    app.router.add_get("/now", page("now.html"))
    for path, content_type in ASSETS.items():
        app.router.add_get(path, _file(FOLDER / path[1:], content_type))


def _file(path: Path, content_type: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    content = path.read_bytes()

    async def serve(_: web.Request) -> web.StreamResponse:
        return web.Response(body=content, content_type=content_type, charset="utf-8")

    return serve


def remedy(code: str) -> str:
    """What to do about a fault, without the marks that set keys and commands off in text."""
    return meaning_of(code).remedy.replace("`", "")


def in_words_value(value: Value) -> str:
    """True -> "on"; 30.0 -> "30"; None -> "–"."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def in_words_bytes(count: float) -> str:
    """1536 -> "1.5 KiB"."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def in_words_seconds(seconds: Any) -> str:
    """3700 -> "1 h 1 min"; None -> "–"."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def in_words_instant(seconds: float | None) -> str:
    """Seconds since the epoch -> ISO 8601 in UTC; None -> "never"."""
    return "never" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
