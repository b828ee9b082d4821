"""The seam between an applet's page and the stage: what pages tell, and how they are told of commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from player.core.allowance import Allowance
from player.core.applet_host import PageDeed, RecordPlay
from player.core.content import Item


@dataclass(frozen=True, slots=True)
class AppletPlayed:
    """A page that shows `item` recorded a play of something of its own."""

    item: Item
    play: RecordPlay


@dataclass(frozen=True, slots=True)
class AppletSpoke:
    """A page gives whoever manages it a command."""

    applet: str
    command: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AppletTapped:
    """Somebody touched a page."""


@dataclass(frozen=True, slots=True)
class AppletAsks:
    """A page asks for something of its files or of the box: `what` as in `core.applet_rights`, which it may have.

    `number`: of the answer; `scope`: what the token that put the applet on allows.
    """

    number: int
    applet: str
    scope: int
    what: str
    asked: Mapping[str, Any]


AppletEvent = AppletPlayed | AppletSpoke | AppletTapped | AppletAsks


class CommandedPage(Protocol):
    """A page that is open."""

    @property
    def applet(self) -> str:
        """Its applet's uid."""

    @property
    def version(self) -> str:
        """Which version of it."""

    @property
    def scope(self) -> int:
        """What the token that put it on allows."""

    def command(self, command: Mapping[str, Any]) -> None:
        """Gives it a command; it has it when its library is ready."""

    async def examine(self, script: str) -> str:
        """Runs a script in it to its end: "", or what it threw, in words. Raises BoxError where it does not end, or begin."""

    def answered(self, invocation: str, value: object) -> None:
        """What it asked for is done, with its result."""

    def refused(self, invocation: str, reason: str) -> None:
        """What it asked for could not be done."""


class AppletStand(Protocol):
    """Who stands behind the pages."""

    @property
    def plays(self) -> Allowance:
        """How much pages may write into the proof of play."""

    def here(self, page: CommandedPage) -> None:
        """That page is open."""

    def gone(self, page: CommandedPage) -> None:
        """It is not any more; one that was not open is passed over."""

    def own_folder(self, applet: str) -> Path:
        """Where what that applet keeps is; it may not be there yet."""

    def tell(self, event: AppletEvent) -> None:
        """Something happened in a page."""

    def ask(self, page: CommandedPage, deed: PageDeed) -> None:
        """Has the deed done; the page is told in any case how it ended, once, unless it is gone then."""
