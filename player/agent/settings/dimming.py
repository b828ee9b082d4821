"""Brightness where the panel itself cannot be set: the stage lays a darker glass over what it draws, as the last resort.

A panel that obeys is never dimmed besides. The glass lets a tenth of the light through at the least: a screen is never blanked by
a brightness.
"""

from __future__ import annotations

from player.agent.settings.brief_store import BriefStore
from player.core.ports.box import Absent, InputSource, Panel, Told
from player.errors import BoxError

DARKEST = 90  # per cent


class DimmingPanel:
    """Implements `core.ports.box.Panel` over a `panel` that may have no brightness, or not be there at all."""

    def __init__(self, panel: Panel | Absent, brief: BriefStore) -> None:
        self._panel, self._brief = panel, brief
        self._by_glass = brief.current.dimmed > 0

    def __repr__(self) -> str:
        return f"{self._panel}, dimmed by {self._brief.current.dimmed} %"

    async def set_power(self, on: bool) -> Told:
        return await self._there().set_power(on)

    async def remind(self, *, on: bool, shown: bool) -> None:
        if not isinstance(self._panel, Absent):
            await self._panel.remind(on=on, shown=shown)

    async def set_brightness(self, brightness: int) -> Told:
        try:
            told = await self._there().set_brightness(brightness)
        except BoxError as error:
            await self._brief.change_dimming(round((100 - brightness) * DARKEST / 100))
            self._by_glass = True
            return Told(f"the picture is drawn so, since the panel cannot be set: {error.reason}", confirmed=True)
        await self._brief.change_dimming(0)
        self._by_glass = False
        return told

    async def brightness(self) -> int:
        if self._by_glass:
            return 100 - round(self._brief.current.dimmed * 100 / DARKEST)
        return await self._there().brightness()

    async def set_input(self, source: InputSource) -> Told:
        return await self._there().set_input(source)

    async def input_source(self) -> InputSource:
        return await self._there().input_source()

    def _there(self) -> Panel:
        if isinstance(self._panel, Absent):
            raise BoxError(self._panel.ability, self._panel.reason)
        return self._panel
