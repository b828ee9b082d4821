"""What comes in with a call of the control API: a JSON object, soon, and the PIN in it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from player.agent.control.access import is_pin
from player.errors import CommandRejected

BODY_WITHIN_S = 5.0


async def read_body(request: web.Request) -> dict[str, Any]:
    """The JSON object that came. Raises CommandRejected, TimeoutError."""
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            body = msgspec.json.decode(await request.read())
    except (ValueError, RecursionError) as error:  # what is not UTF-8 is a plain ValueError
        raise CommandRejected(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise CommandRejected("expected a JSON object")
    return body


def pin_of(body: Mapping[str, Any]) -> str:
    """Its `pin`, where that can be one. Raises CommandRejected."""
    pin = body.get("pin")
    if not isinstance(pin, str) or not is_pin(pin):
        raise CommandRejected("a PIN has 4 to 12 digits; nothing was tried")
    return pin
