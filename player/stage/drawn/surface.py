"""What the player draws itself into a region, as `core.ports.screen.Surface`: running text and clocks.

The text of a ticker is in its item, or (of a feed) in a file below the cache folder, one line an entry, which the agent writes; it
is read when the item is made ready, when it is shown, and when the agent says that something has changed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from player.core.content import Item
from player.core.kinds import Kind
from player.core.ports.screen import Playable, Surface
from player.errors import ContentError
from player.stage.drawing.palette import ink_on, parsed
from player.stage.drawn.bands import Style
from player.stage.drawn.clock_face import ClockFace
from player.stage.drawn.ticker import Ticker
from player.stage.wayland.window import SharedPicture, WindowClient, XdgWindow

LARGEST_TEXT = 256 * 1024


class DrawnSurface(Surface):
    """Implements `Surface`. Make it with `await DrawnSurface.create(…)`; `now` gives the time in the zone of clocks."""

    def __init__(self, window: XdgWindow, app_id: str, now: Callable[[], datetime]) -> None:
        self._window, self._app_id, self._now = window, app_id, now
        self._act: Ticker | ClockFace | None = None
        self._name = ""

    @classmethod
    async def create(cls, client: WindowClient, app_id: str, size: tuple[int, int], now: Callable[[], datetime]) -> DrawnSurface:
        """Opens the window, invisible until the compositor is told otherwise. Raises BoxError."""
        return cls(await client.open(app_id, size), app_id, now)

    def __repr__(self) -> str:
        return f"<DrawnSurface {self._app_id}: {self._name or 'empty'}>"

    @property
    def app_id(self) -> str:
        return self._app_id

    @property
    def pid(self) -> int:
        return os.getpid()

    async def load(self, playable: Playable) -> None:
        await self.unload()
        item = playable.item
        self._name = item.name
        background = parsed(playable.background) or (0, 0, 0)
        style = Style(playable.size, background, ink_on(background))
        if item.kind is Kind.CLOCK:
            self._act = ClockFace(self._window, self._now, item.text, style)
        else:
            self._act = Ticker(self._window, lambda: lines_of(item, playable.target), style, item.speed)
        try:
            await self._act.load()
        except (ValueError, OSError, MemoryError) as error:
            raise ContentError("unplayable", item.name, f"it cannot be drawn ({error}): correct its text on the server") from error

    def start(self) -> None:
        if self._act:
            self._act.start()

    def pause(self) -> None:
        if self._act:
            self._act.pause()

    async def ended(self) -> None:
        await asyncio.Event().wait()

    async def unload(self) -> None:
        """Forgets the item and gives its memory back; the window stays."""
        act, self._act, self._name = self._act, None, ""
        if act:
            act.close()
            self._window.take(SharedPicture(1, 1))

    def resize(self, width: int, height: int) -> None:
        if self._act:
            self._act.resize((width, height))

    def reread(self) -> None:
        """The agent has published something: the text of a feed may be another."""
        if self._act:
            self._act.reread()

    def set_volume(self, volume: int, *, muted: bool) -> None: ...

    def duration_s(self) -> float | None:
        return None

    def dropped_frames(self) -> int:
        return 0

    async def close(self) -> None:
        await self.unload()
        self._window.close()


def lines_of(item: Item, target: str) -> tuple[str, ...]:
    """What a ticker is to say: its file's lines, or its own. Blocks. Raises ContentError."""
    text = item.text or ""
    if target:
        try:
            with Path(target).open("rb") as file:
                text = file.read(LARGEST_TEXT).decode("utf-8", "replace")
        except OSError as error:
            raise ContentError("missing", item.name, f"the text of its feed cannot be read ({error.strerror})") from error
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not lines:
        raise ContentError("empty", item.name, "it has no text: give it one on the server")
    return lines
