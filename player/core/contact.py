"""How it stands with the server, folded from what its rhythm says. Pure.

A server that was never reached is never called online; one that refuses this box is there, and yet is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from player.errors import NotOffered, ServerError, ServerRefused, ServerUnreachable


class Standing(StrEnum):
    """In one word; an installer reads it."""

    NONE = "none"  # no server is configured
    UNKNOWN = "unknown"  # nothing was heard since the start
    ONLINE = "online"
    AWAY = "away"
    REFUSED = "refused"  # it answers, and wants nothing to do with this box


@dataclass(frozen=True, slots=True)
class Contact:
    """`last_contact` in seconds since the epoch; `offset_s`: the server's clock less ours; `error`: why there is no answer.

    `about`: what the server last said of the account.
    """

    standing: Standing = Standing.UNKNOWN
    last_contact: float | None = None
    offset_s: float | None = None
    error: ServerError | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def online(self) -> bool:
        """Whether the server answered when it was last asked."""
        return self.standing is Standing.ONLINE

    def reached(self, now: float, offset_s: float | None, about: Mapping[str, Any] | None = None) -> Contact:
        """After an answer at `now`."""
        offset = self.offset_s if offset_s is None else offset_s
        return Contact(Standing.ONLINE, now, offset, about=about or self.about)

    def missed(self, error: ServerError) -> Contact:
        """After no answer, or a refusal. A pause of our own says nothing of why: what was known before still holds."""
        if self.error is not None and isinstance(error, ServerUnreachable) and error.retry_after_s is not None:
            return self
        return replace(self, standing=Standing.REFUSED if isinstance(error, ServerRefused) else Standing.AWAY, error=error)


def sentence(error: ServerError) -> str:
    """What an operator reads of it."""
    if isinstance(error, NotOffered):
        return f"{error}; check cms.kind and cms.url. What is here plays on"
    if isinstance(error, ServerRefused):
        return f"{error}; ask whoever runs the server whether this box still belongs to it. What is here plays on"
    return f"no contact with the server; what is here plays on: {error}"
