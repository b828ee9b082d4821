"""How the server answers: the envelope, pages of a list, and refusals with a code, a sentence and the field at fault."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ValidationError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SMALL, LARGE = 20, 100  # items of a page: usually, and at most
_CODES = {400: "VALIDATION_ERROR", 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 429: "RATE_LIMITED"}


class RefusedCall(Exception):
    """A status and a sentence; `field`: which one of what was sent."""

    def __init__(self, status: int, message: str, field: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.field, self.headers = status, message, field, headers

    def response(self) -> web.Response:
        """As the client sees it."""
        error = {"code": _CODES.get(self.status, "ERROR"), "message": self.message} | ({"field": self.field} if self.field else {})
        return web.json_response({"success": False, "error": error}, status=self.status, headers=self.headers)


def missing(what: str) -> RefusedCall:
    """A refusal of what names something that does not exist."""
    return RefusedCall(404, f"There is no such {what}.")


@web.middleware
async def in_envelopes(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns every refusal into JSON."""
    try:
        return await handler(request)
    except RefusedCall as refusal:
        return refusal.response()
    except web.HTTPException as error:
        return RefusedCall(error.status, error.reason).response()


def success(data: Any, status: int = 200) -> web.Response:
    """What was asked for."""
    return web.json_response({"success": True, "data": data}, status=status)


def page_of(request: web.Request, items: Sequence[Any]) -> web.Response:
    """The page of a list that is asked for."""
    page, limit = _whole(request, "page", 1), min(_whole(request, "limit", SMALL), LARGE)
    pages = max(1, -(-len(items) // limit))
    figures = {"page": page, "limit": limit, "total": len(items), "totalPages": pages, "hasMore": page < pages}
    return success({"items": items[(page - 1) * limit : page * limit], "pagination": figures})


def _whole(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**6):
        raise RefusedCall(400, f"{name} is a number from 1.", name)
    return int(text)


async def body_of(request: web.Request) -> dict[str, Any]:
    """The object that was sent. Raises RefusedCall 400."""
    try:
        value = json.loads(await request.read() or b"{}")
    except (ValueError, RecursionError) as error:
        raise RefusedCall(400, "The body is not JSON.") from error
    if not isinstance(value, dict):
        raise RefusedCall(400, "The body is not an object.")
    return value


def checked(model: type[BaseModel], value: dict[str, Any], *, only_given: bool) -> dict[str, Any]:
    """`value` by the names of the API, with the defaults of what was not given, or without. Raises RefusedCall 400."""
    try:
        return model.model_validate(value).model_dump(by_alias=True, exclude_unset=only_given)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field, words = ".".join(map(str, problem["loc"])), problem["msg"].removeprefix("Value error, ")
        if not field:
            field, _, words = words.partition(": ")
        raise RefusedCall(400, f"{field}: {words}", field) from error
