"""The applets' pages that are open, for who has a command for them; and what they tell, until the stage takes it."""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from player.core.allowance import Allowance
from player.core.applet_host import PageDeed, RecordPlay, plays_of_pages
from player.core.applet_storage import OWN, own_folder
from player.core.content import Item
from player.core.cues import Moment, PlayRecord, PlayResult
from player.core.kinds import Kind
from player.core.ports.applets import AppletAsks, AppletEvent, AppletStand, CommandedPage
from player.errors import BoxError

WAITING = 1000  # events; more than pages may tell in a minute, so that more are lost rather than memory
ANSWERED_S = 660.0  # longer than the agent may take for anything that a page asks for
LATE = "nobody answered for as long as was waited"
FULL = "pages ask for more than can be passed on; ask again later"
_KINDS = {"video": Kind.VIDEO, "image": Kind.IMAGE, "html": Kind.WEB}


class AppletBoard(AppletStand):
    """`events` are what pages told and ask for, oldest first. `cache` is the cache folder."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self.events: asyncio.Queue[AppletEvent] = asyncio.Queue(WAITING)
        self._plays = plays_of_pages()
        # An answer that was meant for the stage before this one is nobody's.
        self._numbers = itertools.count(int.from_bytes(os.urandom(5)))
        self._open: dict[int, tuple[CommandedPage, str, asyncio.TimerHandle]] = {}
        self._pages: list[CommandedPage] = []

    def __repr__(self) -> str:
        return f"<applets: {', '.join(page.applet for page in self._pages) or 'none'} open>"

    @property
    def plays(self) -> Allowance:
        return self._plays

    def here(self, page: CommandedPage) -> None:
        if page not in self._pages:
            self._pages.append(page)

    def gone(self, page: CommandedPage) -> None:
        if page in self._pages:
            self._pages.remove(page)
        for number in [number for number, (asker, _, _) in self._open.items() if asker is page]:
            self._open.pop(number)[2].cancel()

    def own_folder(self, applet: str) -> Path:
        return self._cache / OWN / own_folder(applet)

    def tell(self, event: AppletEvent) -> None:
        if not self.events.full():
            self.events.put_nowait(event)

    def ask(self, page: CommandedPage, deed: PageDeed) -> None:
        if self.events.full():
            page.refused(deed.invocation, FULL)
            return
        number = next(self._numbers)
        late = functools.partial(self.settle, number, refusal=LATE)
        self._open[number] = (page, deed.invocation, asyncio.get_running_loop().call_later(ANSWERED_S, late))
        self.events.put_nowait(AppletAsks(number, page.applet, page.scope, deed.what, deed.asked))

    def settle(self, number: int, value: object = None, refusal: str = "") -> None:
        """Tells the page how what it asked for ended; a number that nobody waits for is passed over."""
        if number not in self._open:
            return
        page, invocation, late = self._open.pop(number)
        late.cancel()
        if refusal:
            page.refused(invocation, refusal)
        else:
            page.answered(invocation, value)

    def command(self, applet: str, command: Mapping[str, Any]) -> None:
        """Gives every page of that applet a command. Raises BoxError where none is open."""
        pages = [page for page in self._pages if page.applet == applet]
        if not pages:
            raise BoxError("applet", f"the applet {applet} is not open on this screen")
        for page in pages:
            page.command(command)

    async def examine(self, applet: str, version: str, script: str) -> str:
        """Runs a script in a page of that version: "", or what it threw. Raises BoxError where none is open, or it does not end."""
        page = next((page for page in self._pages if (page.applet, page.version) == (applet, version)), None)
        if page is None:
            raise BoxError("applet", f"the applet {applet} {version} is not open on this screen; put it on by a timing first")
        return await page.examine(script)


def play_of(item: Item, play: RecordPlay, at: Moment) -> PlayRecord:
    """What a page showed of its own, as a play: an instant, since the page does not say how long it took."""
    name = play.name or play.file_name or item.name
    shown = Item(
        f"{item.id}/{play.custom_id or name}", play.custom_id or name, name, _KINDS.get(play.kind, item.kind), 0.0,
        server=item.server,
    )  # fmt: skip
    result = PlayResult.COMPLETE if play.success else PlayResult.FAILED
    return PlayRecord(shown, at, at, 0.0, result, play.error or None)
