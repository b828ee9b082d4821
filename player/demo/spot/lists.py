"""Lists and rows as a Spot server writes them: below `data`, in pages with `links` and `meta`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from aiohttp import web

from player.demo.rest import checked, page_of, read_json
from player.demo.spot.wire import Period
from player.demo.store import Row, Store

Question = TypeVar("Question", bound=Period)


def listed(request: web.Request, store: Store, rest: str, *values: Any, shown: Callable[[Row], Row]) -> web.Response:
    """One page of `SELECT * rest`, each row as `shown` writes it."""
    rows, meta = page_of(request, store, "*", rest, *values)
    page, last = int(meta["current_page"]), int(meta["last_page"])
    links = {
        "first": _page(request, 1),
        "last": _page(request, last),
        "prev": _page(request, page - 1) if page > 1 else None,
        "next": _page(request, page + 1) if page < last else None,
    }
    return web.json_response({"data": [shown(row) for row in rows], "links": links, "meta": meta})


def one(row: Any, status: int = 200) -> web.Response:
    """One thing, below `data`."""
    return web.json_response({"data": row}, status=status)


async def asked(request: web.Request, model: type[Question]) -> Question:
    """A question of the query, or of a body where there is one. Raises ApiError 422."""
    body = await read_json(request) if request.can_read_body else {}
    return checked(model, {**body, **request.query})


def _page(request: web.Request, number: int) -> str:
    return str(request.url.update_query(page=number))
