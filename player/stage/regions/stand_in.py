"""What stands in for a surface that cannot be opened: it draws nothing and takes as long as its item would."""

from __future__ import annotations

import asyncio
import os

from player.core.ports.screen import Playable, Surface
from player.errors import ContentError

CLIP_S = 10.0  # how long a video of unknown length takes here


class TimedSurface(Surface):
    """Implements `Surface`: an item is ready when its file is there, a video ends after `CLIP_S` or its duration."""

    def __init__(self, app_id: str) -> None:
        self._app_id = app_id
        self._length: float | None = None
        self._started = asyncio.Event()

    @property
    def app_id(self) -> str:
        return self._app_id

    @property
    def pid(self) -> int:
        return os.getpid()

    async def load(self, playable: Playable) -> None:
        self._started.clear()
        self._length = None
        if playable.item.file is not None and not await asyncio.to_thread(os.path.getsize, playable.target):
            raise ContentError("empty", playable.item.name, "its file is empty")
        if playable.item.kind.ends_by_itself:
            self._length = playable.item.duration_s or CLIP_S

    def start(self) -> None:
        self._started.set()

    def pause(self) -> None: ...

    async def ended(self) -> None:
        await self._started.wait()
        await asyncio.sleep(self._length if self._length is not None else 10**9)

    async def unload(self) -> None: ...

    def resize(self, width: int, height: int) -> None: ...

    def set_volume(self, volume: int, *, muted: bool) -> None: ...

    def duration_s(self) -> float | None:
        return self._length

    def dropped_frames(self) -> int:
        return 0

    async def close(self) -> None: ...
