"""One request as the calls see it, and what they answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from aiohttp import web
from pydantic import BaseModel, ValidationError

from player.agent.control.access import Scope, Token
from player.agent.devices import wire
from player.agent.devices.refusals import bad_body, bad_field
from player.core.forms import unfolded
from player.core.pages import PageWanted, page

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
FORM = "application/x-www-form-urlencoded"
PAGE = 50  # items, where nobody says
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class ApiCall:
    """`pieces` are the path's named ones, `query` its parameters that are not empty, each with all its values.

    `base` is how the caller reaches this box ("http://10.0.0.7:8770"); `token` the caller's right, and `secret` what proved it.
    `incoming` is the request itself where its body is left for the call to read (`Row.reads_itself`).
    """

    path: str
    pieces: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: Mapping[str, Any]
    base: str
    token: Token
    secret: str = field(repr=False)
    raw: bytes = field(default=b"", repr=False)
    incoming: web.BaseRequest | None = field(default=None, repr=False)

    def read(self, model: type[M]) -> M:
        """The body as `model`. Raises Declined that names the field."""
        return read_as(model, self.body)

    def truth(self, name: str, otherwise: bool) -> bool:
        """A boolean of the query: true, false, 1, 0. Raises Declined."""
        given = self.text(name)
        if given is None:
            return otherwise
        if given.lower() not in _TRUTHS:
            raise bad_field(name, f'expected true or false, found "{given[:60]}"')
        return _TRUTHS[given.lower()]

    def text(self, name: str) -> str | None:
        """A parameter's last value."""
        values = self.query.get(name)
        return values[-1] if values else None

    def texts(self, name: str) -> frozenset[str] | None:
        """A list, written as a key that is repeated, or with commas; None: it is not given."""
        values = self.query.get(name)
        return frozenset(part for value in values for part in value.split(",") if part) if values else None

    def devices(self) -> frozenset[str] | None:
        """Those that are asked for (`deviceUids`), where the body goes before the query; None: all. Raises Declined."""
        given = self.body.get("deviceUids")
        if given is None:
            return self.texts("deviceUids")
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise bad_field("deviceUids", "expected a list of texts")
        return frozenset(given)

    def instant(self, name: str) -> float | None:
        """An instant of the query, in seconds since the epoch. Raises Declined."""
        given = self.text(name)
        return None if given is None else wire.parse_instant(name, given)

    @property
    def _limit(self) -> str:
        """What the caller calls the length of a page: the document's lists have either word."""
        return "pagination" if self.text("limit") is None and self.text("pagination") is not None else "limit"

    def page_wanted(self, since: str = "since", until: str = "until", most: int = 500, otherwise: int = PAGE) -> PageWanted:
        """`limit` (or `pagination`), `descending`, and the two ends by the names that this list has for them. Raises Declined."""
        given = self.text(self._limit) or str(otherwise)
        if not (given.isascii() and given.isdigit() and len(given) < 10 and 1 <= int(given) <= most):
            raise bad_field(self._limit, f'expected a whole number from 1 to {most}, found "{given[:60]}"')
        return PageWanted(int(given), self.truth("descending", True), self.instant(since), self.instant(until))

    def paged(
        self, items: Sequence[T], made_at: Callable[[T], float], shape: Callable[[T], Any], *, since: str = "since",
        until: str = "until", most: int = 500, otherwise: int = PAGE,
    ) -> ApiAnswer:  # fmt: skip
        """One page of a list, with the way to the next one. Raises Declined."""
        found = page(items, made_at, self.page_wanted(since, until, most, otherwise))
        headers = {}
        if found.onward is not None:
            onward = found.onward
            asked = [(name, value) for name, values in self.query.items() for value in values]
            kept = [(name, value) for name, value in asked if name not in ("limit", "pagination", "descending", since, until)]
            ends = [(since, onward.since), (until, onward.until)]
            turned = [(self._limit, str(onward.limit)), ("descending", str(onward.descending).lower())]
            turned += [(name, wire.instant(at)) for name, at in ends if at is not None]
            # The client splits this header at commas: `urlencode` leaves none.
            headers["Link"] = f'<{self.base}{self.path}?{urlencode(kept + turned)}>; rel="next"'
        return ApiAnswer([shape(one) for one in found.items], headers=headers)

    def made(self, path: str, uid: str) -> ApiAnswer:
        """201, with where the thing that was made is read: the client takes its uid from the end of that address."""
        return ApiAnswer(wire.OK, 201, {"Location": f"{self.base}{path}/{uid}"})


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """`body` is JSON, or bytes of `content_type`; `action` is the uid of the request that was written down, "" where none was."""

    body: Any = field(default_factory=lambda: wire.OK)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    action: str = ""


Handler = Callable[[ApiCall], Awaitable[ApiAnswer]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: who answers `method` and `path`, and what a token has to allow.

    `reads_itself`: the body is not read before, because it may be large.
    """

    method: str
    path: str
    handler: Handler
    scope: Scope
    reads_itself: bool = False


def fields_of(raw: bytes, kind: str) -> Mapping[str, Any]:
    """What a body of that content type says: a form's fields, or JSON's. Raises Declined."""
    if kind != FORM or not raw.strip():
        return json_object(raw)
    try:
        return unfolded(parse_qsl(raw.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=100))
    except ValueError as error:
        raise bad_body(f"the body is neither JSON nor a form: {error}") from None


def json_object(raw: bytes) -> Mapping[str, Any]:
    """What it takes can be kept as well: no lone surrogates, no NaN. Raises Declined."""
    try:
        body = msgspec.json.decode(raw) if raw.strip() else {}
    except (ValueError, RecursionError) as error:
        raise bad_body(f"the body is neither JSON nor a form: {error}") from None
    if not isinstance(body, dict):
        raise bad_body("the body has to be a JSON object")
    return body


def read_as(model: type[M], given: Mapping[str, Any]) -> M:
    """`given` as `model`; numbers and truths may be written as text. Raises Declined that names the first field that is wrong."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"] if not str(part).startswith("function-"))
        raise bad_field(name or "body", first["msg"].removeprefix("Value error, ")) from None
