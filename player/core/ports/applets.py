"""The seam between an applet's page and the stage: what pages tell, and how they are told of commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from player.core.applet_host import RecordPlay
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


AppletEvent = AppletPlayed | AppletSpoke | AppletTapped


class CommandedPage(Protocol):
    """A page that is open."""

    @property
    def applet(self) -> str:
        """Its applet's uid."""

    def command(self, command: Mapping[str, Any]) -> None:
        """Gives it a command; it has it when its library is ready."""


class AppletStand(Protocol):
    """Who stands behind the pages."""

    def here(self, page: CommandedPage) -> None:
        """That page is open."""

    def gone(self, page: CommandedPage) -> None:
        """It is not any more; one that was not open is passed over."""

    def tell(self, event: AppletEvent) -> None:
        """Something happened in a page."""
