"""What differs between a real screen and none, as the stage has it; `backends` are its kinds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, tzinfo
from typing import Protocol

from player.core.curtain import Behind
from player.core.ports.box import Clock
from player.core.ports.screen import Surface
from player.dirs import Dirs
from player.stage.applets import AppletBoard
from player.stage.regions.surfaces import SurfaceSort
from player.stage.surround import Cards, Surround


class Screen(Protocol):
    """How surfaces and cards are made, and which processes there are."""

    @property
    def backend(self) -> str:
        """Its name, as `GET /api/status` has it."""

    @property
    def wayland_display(self) -> str:
        """The compositor's display, for others who want to draw on it; empty where there is none."""

    @property
    def renderer(self) -> str:
        """What the compositor draws with (gles2, pixman); empty where there is none."""

    @property
    def renderer_why(self) -> str:
        """Why it is that one, in words for an operator."""

    @property
    def applets(self) -> AppletBoard:
        """The applets' pages."""

    async def make(self, sort: SurfaceSort, name: str, size: tuple[int, int], now: Callable[[], datetime]) -> Surface:
        """A surface as `SurfaceMaker` promises; `now` gives the time in the zone of clocks."""

    async def open_cards(self, clock: Clock, zone: Callable[[], tzinfo | None], dirs: Dirs, surround: Surround) -> Cards | None:
        """What draws the player's own pictures, their clocks in `zone`; None where nothing does. Raises SignageError."""

    async def draw_brand(self, size: tuple[int, int]) -> None:
        """Draws the brand at that size (pixels), for when there is nothing better to be seen without a stage."""

    def stand_behind(self, behind: Behind) -> None:
        """What is to stand behind the windows, for when the stage is gone."""

    @property
    def curtains(self) -> int:
        """How often whoever holds that has begun anew, and knows nothing of what it was told; 0: not once."""

    def keep_rooms(self, rooms: Collection[str]) -> None:
        """The programme has items with these rooms and no others: what others kept is thrown away."""

    def expect_pages(self, needed: Callable[[], bool]) -> None:
        """`needed` tells whether the programme shows pages now or soon: where it does not, what shows them may go for a while."""

    def background(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What has to run as long as the stage does, by name."""

    def pids(self) -> dict[str, int]:
        """The processes behind it, by name."""
