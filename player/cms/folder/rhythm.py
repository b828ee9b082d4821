"""The folder's rhythm: it is looked at each second, and something else in it is a reason for a round.

A look takes milliseconds; a folder so large, or so far away, that it takes longer is looked at less often.
"""

from __future__ import annotations

import asyncio

from player.cms.folder.adapter import Folder
from player.core.ports.server import ContentChanged, Missed, Paired, Reached, ServerInbox

SHARE = 50.0  # at most a fiftieth of the time is spent looking


class FolderRhythm:
    """Tells when the folder comes and goes."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._was_there: bool | None = None

    async def run(self, inbox: ServerInbox) -> None:
        """Looks whether the folder is there and what changed in it, for ever."""
        while True:
            changed = await self._folder.look()
            await self._told(inbox)
            if changed:
                await inbox.put(ContentChanged())
            await asyncio.sleep(self._folder.took_s * SHARE)

    async def _told(self, inbox: ServerInbox) -> None:
        if self._folder.is_there == self._was_there:
            return
        self._was_there = self._folder.is_there
        if not self._was_there:
            await inbox.put(Missed(self._folder.away()))
            return
        await inbox.put(Reached())
        await inbox.put(Paired(self._folder.name))
