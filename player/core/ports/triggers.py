"""A source of triggers beside the server: what it tells, and where it puts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from player.core.ports.server import Missed, Reached
from player.core.triggers import Broadcast
from player.core.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Triggered:
    """Something was on television that rules may answer to."""

    broadcast: Broadcast


@dataclass(frozen=True, slots=True)
class OtherSort:
    """A message of a sort that this version knows nothing of."""

    sort: str


@dataclass(frozen=True, slots=True)
class Misread:
    """A message that could not be read, or `count` of them that were too many to be looked at: the code of the fault, and why."""

    code: str
    reason: str
    count: int = 1


TriggerEvent = Reached | Missed | Triggered | OtherSort | Misread


class TriggerInbox(Protocol):
    """Where a source puts what happened. `put` returns at once: what is shown takes its own time."""

    async def put(self, event: TriggerEvent) -> None: ...


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What whoever called is answered: HTTP's number, and a text."""

    status: int
    text: str = ""


class TriggerSource(Protocol):
    """A source, connected to."""

    @property
    def place(self) -> str:
        """Where it is, for people."""

    @property
    def hook(self) -> str:
        """The path at which it calls us; "": it does not."""

    async def run(self, inbox: TriggerInbox) -> None:
        """For ever; raises nothing for a source that is away."""

    async def lately(self) -> Sequence[Broadcast]:
        """What was on television within the last day, as far as it is known. Raises ServerError."""

    async def vocabulary(self) -> Vocabulary:
        """The names that it has ever told of, as far as it lists them. Raises ServerError."""

    async def called(self, body: bytes) -> HookAnswer:
        """Somebody outside called at our address with this; the answer."""
