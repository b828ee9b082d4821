"""Panels that listen on CEC are told again and again how they are wanted.

One that was off the mains, or that somebody switched by its own remote control, knows nothing of what it was told before.
"""

from __future__ import annotations

import asyncio

from player.agent.settings.registry import SettingsRegistry
from player.core.ports.box import InputSource, Panel

EVERY_S = 600.0


class PanelReminder:
    """Reminds at its start and then every `every_s` seconds."""

    def __init__(self, panel: Panel, settings: SettingsRegistry, every_s: float = EVERY_S) -> None:
        self._panel, self._settings, self._every_s = panel, settings, every_s

    async def run(self) -> None:
        """Tells the panel again and again how it is wanted, for ever."""
        while True:
            shown = self._settings.wanted("input_source") in (None, InputSource.PLAYER)
            await self._panel.remind(on=bool(self._settings.wanted("screen_on")), shown=shown)
            await asyncio.sleep(self._every_s)
