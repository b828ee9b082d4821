"""The words between agent and stage: one JSON object a line, typed at both ends (`core.ports` holds the types)."""

from __future__ import annotations

from typing import Any

import msgspec

from player.core.ports.stage import Answer, PinEntered, Request, StageStatus
from player.errors import ContentError

LINE_LIMIT = 64 * 1024 * 1024  # a screenshot travels in one line

_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (Request, Answer, PinEntered, StageStatus)}

Message = Request | Answer | PinEntered | StageStatus


def encode(message: Message) -> bytes:
    """One line, ending in a newline."""
    return msgspec.json.encode({"kind": type(message).__name__, "body": message}) + b"\n"


def decode(line: bytes) -> Message:
    """Raises ContentError for anything that is not one of the messages."""
    try:
        envelope = msgspec.json.decode(line)
        message: Message = msgspec.convert(envelope["body"], _KINDS[envelope["kind"]])
    except (
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
    ) as error:  # msgspec's own are ValueErrors; so is text that is not UTF-8
        raise ContentError("bad_message", "the socket between agent and stage", str(error)) from error
    return message
