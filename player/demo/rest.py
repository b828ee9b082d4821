"""What every handler of a demonstration server shares: refusals as JSON, bodies checked against wire models, pages of a list.

The shapes are those of Laravel-style APIs: `{"message": …}`, and for 422 also `{"errors": {field: [sentences]}}`.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from player.demo.store import Row, Store

log = logging.getLogger(__name__)
Model = TypeVar("Model", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BODY_LIMIT = 4 * 1024 * 1024
_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"}


class ApiError(Exception):
    """A refusal: an HTTP status, a sentence, and for 422 what is wrong with which field."""

    def __init__(self, status: int, message: str, errors: dict[str, list[str]] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors

    def response(self) -> web.Response:
        """As the client sees it."""
        body: dict[str, Any] = {"message": self.message}
        if self.errors:
            body["errors"] = self.errors
        return web.json_response(body, status=self.status)


def invalid(field: str, sentence: str) -> ApiError:
    """422 for one field."""
    return ApiError(422, sentence, {field: [sentence]})


def missing(what: str) -> ApiError:
    """404, alike for what does not exist and for what belongs to another tenant."""
    return ApiError(404, f"{what} not found.")


@web.middleware
async def speak_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns every refusal and failure into JSON, and adds the headers that all answers carry."""
    try:
        response = await handler(request)
    except ApiError as error:
        response = error.response()
    except web.HTTPException as error:
        response = web.json_response({"message": error.reason}, status=error.status, headers=_kept(error))
    except UnicodeEncodeError:
        response = invalid("body", "The text holds characters that do not exist (lone surrogates).").response()
    except ConnectionError:
        raise
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        response = web.json_response({"message": "Server error: see the server's log."}, status=500)
    if not response.prepared:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
    return response


def _kept(error: web.HTTPException) -> dict[str, str]:
    return {name: error.headers[name] for name in ("Allow", "Location", "Content-Range") if name in error.headers}


async def read_json(request: web.Request) -> dict[str, Any]:
    """The body's JSON object; an empty body is an empty object. Raises ApiError 400 or 413."""
    raw = await request.read()
    try:
        value = json.loads(raw or b"{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "The body is not JSON.") from error
    if not isinstance(value, dict):
        raise ApiError(400, "The body is not a JSON object.")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


async def read(request: web.Request, model: type[Model]) -> Model:
    """The body, checked. Raises ApiError 400, 413 or 422."""
    return checked(model, await read_json(request))


def checked(model: type[Model], value: Any) -> Model:
    """`value` as a wire model. Raises ApiError 422 that names every field at fault."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        errors: dict[str, list[str]] = {}
        for problem in error.errors(include_url=False, include_context=False, include_input=False):
            field = ".".join(str(part) for part in problem["loc"]) or "body"
            errors.setdefault(field, []).append(problem["msg"])
        field, sentences = next(iter(errors.items()))
        raise ApiError(422, f"The {field} field is not valid: {sentences[0]}.", errors) from error


def tagged(request: web.Request, value: Any) -> web.Response:
    """The value as JSON under a name of its own (`ETag`), or 304 to whoever has just this one."""
    body = json.dumps(value).encode()
    tag = hashlib.sha256(body).hexdigest()[:32]
    headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}
    if any(known.value == tag for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type="application/json", headers=headers)


def page_of(request: web.Request, store: Store, columns: str, rest: str, *values: Any, size: int = 50) -> tuple[list[Row], Row]:
    """One page of `SELECT columns rest` as (rows, meta), by the query's `page` and `per_page` (at most 100)."""
    page, per_page = max(1, _query_number(request, "page", 1)), min(100, max(1, _query_number(request, "per_page", size)))
    order = "" if "ORDER BY" in rest else " ORDER BY id"
    total = store.count(f"SELECT count(*) {rest.split('ORDER BY', maxsplit=1)[0]}", *values)
    rows = store.all(f"SELECT {columns} {rest}{order} LIMIT ? OFFSET ?", *values, per_page, (page - 1) * per_page)
    last = max(1, -(-total // per_page))
    return rows, {"current_page": page, "last_page": last, "per_page": per_page, "total": total}


def _query_number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 7 else default


def path_id(request: web.Request) -> int:
    """The `{id}` of the path; routes allow digits only."""
    return int(request.match_info["id"])


def iso(seconds: float | None) -> str | None:
    """An instant as the API writes it: "2026-03-25T12:00:00.000Z"."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
