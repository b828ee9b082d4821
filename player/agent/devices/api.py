"""The API's one door: routes, judges, reads bodies, and makes of every refusal the JSON that clients expect.

Bodies are JSON or forms, also where the header says JSON and nothing follows. Another device's uid is not found; a path that is
known to the API and beyond one box is answered with 501 (`absent`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from player.agent.control.access import Scope
from player.agent.control.api import source_of
from player.agent.devices.absent import why_absent
from player.agent.devices.call import FORM, ApiAnswer, ApiCall, Row, fields_of
from player.agent.devices.doorkeeper import HEADER, Doorkeeper
from player.agent.devices.refusals import (
    Declined,
    bad_body,
    bad_field,
    mistaken,
    no_such_method,
    not_found,
    not_here,
    out_of_order,
    response,
    too_large,
    too_many,
    unmanaged,
)
from player.core.allowance import Allowance
from player.core.ports.box import Clock
from player.core.routes import Found, Table, Unknown, pieces_of
from player.errors import SettingRefused, SignageError, Stumbled
from player.runtime.tasks import Mistakes

log = logging.getLogger(__name__)
LARGEST_BODY = 64 * 1024
BODY_WITHIN_S = 5.0
ANSWER_WITHIN_S = 30.0
WRITES_AT_ONCE, WRITE_EVERY_S = 200, 2.0  # of one token: a request is written to flash
CALLS_AT_ONCE, CALL_EVERY_S = 700, 1 / 200  # of one token: the public document's quota, its queue included
_HOST = re.compile(r"[A-Za-z0-9.:_\[\]-]{1,255}")


class ManagementApi:
    """The rows of all calls. `device` is the uid that the paths name this box by."""

    def __init__(self, rows: Sequence[Row], doorkeeper: Doorkeeper, device: str, clock: Clock) -> None:
        self._table = Table([(row.method, row.path, row) for row in rows])
        self._doorkeeper, self._device, self._clock = doorkeeper, device, clock
        self._writes: defaultdict[str, Allowance] = defaultdict(lambda: Allowance(WRITES_AT_ONCE, WRITE_EVERY_S))
        self._calls: defaultdict[str, Allowance] = defaultdict(lambda: Allowance(CALLS_AT_ONCE, CALL_EVERY_S))
        self._mistakes = Mistakes()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Whatever was asked below `/v1` and `/v2`."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return _response(await self._answer(request))
        except Declined as error:
            return response(error)
        except SettingRefused as error:
            return response(bad_field(error.name, error.reason))
        except TimeoutError:
            return response(out_of_order(f"no answer within {ANSWER_WITHIN_S:.0f} s; look at the player's log"))
        except Stumbled as error:
            return response(mistaken(str(error)))
        except SignageError as error:
            return response(out_of_order(str(error)))

    async def _answer(self, request: web.Request) -> ApiAnswer:
        if not self._doorkeeper.is_open:
            raise unmanaged()
        path = pieces_of(request.rel_url.raw_path)
        found = self._table.find("GET" if request.method == "HEAD" else request.method, [unquote(piece) for piece in path])
        needed = found.row.scope if isinstance(found, Found) else Scope.READ
        token, secret = self._doorkeeper.judge(request.headers.get(HEADER), source_of(request), needed)
        if not self._calls[token.id].spare(self._clock.monotonic()):
            raise too_many(f"a token may call {CALLS_AT_ONCE} times at once, and {1 / CALL_EVERY_S:g} times a second")
        if isinstance(found, Unknown):
            raise _unknown(request.method, path, found)
        if found.pieces.get("device", self._device) != self._device:
            raise not_found("device of that uid")
        if request.method not in ("GET", "HEAD") and not self._writes[token.id].spare(self._clock.monotonic()):
            raise too_many(f"a token may ask for {WRITES_AT_ONCE} changes at once, and for one more every {WRITE_EVERY_S:g} s")
        raw = b"" if found.row.reads_itself else await _read(request)
        incoming = request if found.row.reads_itself else None
        call = ApiCall(
            f"/{'/'.join(path)}", found.pieces, _query(request), _body(raw, request), _base(request), token, secret, raw, incoming,
        )  # fmt: skip
        if incoming is not None:  # what is read as it comes breaks off as connections do
            return await found.row.handler(call)
        with self._mistakes.kept_to(f"{found.row.method} {found.row.path}"):
            return await found.row.handler(call)


def _unknown(method: str, path: Sequence[str], found: Unknown) -> Declined:
    if why := why_absent(path):
        return not_here(why)
    return no_such_method(method, found.methods) if found.methods else not_found(f"path /{'/'.join(path)}")


def _query(request: web.Request) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in request.query.items():
        if value:  # the client writes what it was not given as an empty value
            found.setdefault(name, []).append(value)
    return found


async def _read(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large(LARGEST_BODY) from None
    except TimeoutError:
        raise bad_body(f"the body did not come within {BODY_WITHIN_S:.0f} s") from None


def _body(raw: bytes, request: web.Request) -> Mapping[str, Any]:
    """The body's fields. What is neither JSON nor a form (a picture, say) has none, and is the call's own to read."""
    kind = request.content_type
    if not raw.strip() or kind not in ("application/json", FORM):
        return {}
    return fields_of(raw, kind)


def _base(request: web.Request) -> str:
    """How the caller reaches us: it is to find the next page where it found this one."""
    host = request.headers.get("Host", "")
    if not _HOST.fullmatch(host):
        raise bad_body("the Host header names no host")
    return f"{request.scheme}://{host}"


def _response(answer: ApiAnswer) -> web.Response:
    body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
    return web.Response(body=body, status=answer.status, headers=answer.headers, content_type=answer.content_type)
