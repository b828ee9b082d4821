"""The applets' pages that are open, for who has a command for them; and what they tell, until the stage takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from player.core.applet_host import RecordPlay
from player.core.content import Item
from player.core.cues import Moment, PlayRecord, PlayResult
from player.core.kinds import Kind
from player.core.ports.applets import AppletEvent, AppletStand, CommandedPage
from player.errors import BoxError

WAITING = 1000  # events; more than pages may tell in a minute, so that more are lost rather than memory
_KINDS = {"video": Kind.VIDEO, "image": Kind.IMAGE, "html": Kind.WEB}


class AppletBoard(AppletStand):
    """`events` are what pages told, oldest first."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[AppletEvent] = asyncio.Queue(WAITING)
        self._pages: list[CommandedPage] = []

    def __repr__(self) -> str:
        return f"<applets: {', '.join(page.applet for page in self._pages) or 'none'} open>"

    def here(self, page: CommandedPage) -> None:
        if page not in self._pages:
            self._pages.append(page)

    def gone(self, page: CommandedPage) -> None:
        if page in self._pages:
            self._pages.remove(page)

    def tell(self, event: AppletEvent) -> None:
        if not self.events.full():
            self.events.put_nowait(event)

    def command(self, applet: str, command: Mapping[str, Any]) -> None:
        """Gives every page of that applet a command. Raises BoxError where none is open."""
        pages = [page for page in self._pages if page.applet == applet]
        if not pages:
            raise BoxError("applet", f"the applet {applet} is not open on this screen")
        for page in pages:
            page.command(command)


def play_of(item: Item, play: RecordPlay, at: Moment) -> PlayRecord:
    """What a page showed of its own, as a play: an instant, since the page does not say how long it took."""
    name = play.name or play.file_name or item.name
    shown = Item(
        f"{item.id}/{play.custom_id or name}", play.custom_id or name, name, _KINDS.get(play.kind, item.kind), 0.0,
        server=item.server,
    )  # fmt: skip
    result = PlayResult.COMPLETE if play.success else PlayResult.FAILED
    return PlayRecord(shown, at, at, 0.0, result, play.error or None)
