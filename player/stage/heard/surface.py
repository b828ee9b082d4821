"""A sound in its region, as `core.ports.screen.Surface`: libmpv without a window, and a window of the stage's own with its cover.

In a region without an area there is no window at all. The pictures that a file brings with it are never opened here: the cover was
made ready with the file, as every foreign picture is.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from player.core.ports.screen import Playable, Surface
from player.stage.heard.cover import draw_cover
from player.stage.video.mpv import MpvSurface
from player.stage.wayland.window import SharedPicture, XdgWindow

log = logging.getLogger(__name__)

# libmpv's options for what shows nothing; else it says that the end came when the last of the sound is still to be heard.
VOICE = {"vo": "null", "hwdec": "no", "gapless_audio": "no"}


class HeardSurface(Surface):
    """Implements `Surface` with the `voice` and the `window`, which end with it; None for one that is not seen."""

    def __init__(self, voice: MpvSurface, window: XdgWindow | None) -> None:
        self._voice, self._window = voice, window
        self._loop = asyncio.get_running_loop()
        self._playable: Playable | None = None

    def __repr__(self) -> str:
        return f"<HeardSurface by {self._voice}>"

    @property
    def app_id(self) -> str:
        return self._voice.app_id if self._window else ""

    @property
    def pid(self) -> int:
        return self._voice.pid

    async def load(self, playable: Playable) -> None:
        """Draws its region, and makes the sound ready. Raises ContentError."""
        self._playable = playable
        if self._window is not None:
            self._show(await asyncio.to_thread(draw_cover, playable))
        await self._voice.load(playable)

    def _show(self, picture: SharedPicture) -> None:
        playable = self._playable
        if self._window is None or playable is None or playable.size != (picture.width, picture.height):
            picture.close()  # drawn for what is over
            return
        self._window.take(picture)
        self._window.show(0, picture.width)

    def start(self) -> None:
        self._voice.start()

    def pause(self) -> None:
        self._voice.pause()

    async def ended(self) -> None:
        await self._voice.ended()

    async def unload(self) -> None:
        """Lets go of the sound, and gives the picture's memory back; the window stays."""
        self._playable = None
        await self._voice.unload()
        if self._window is not None:
            self._window.take(SharedPicture(1, 1))

    def resize(self, width: int, height: int) -> None:
        if self._playable is not None and self._window is not None and self._playable.size != (width, height):
            self._playable = replace(self._playable, size=(width, height))
            self._loop.run_in_executor(None, draw_cover, self._playable).add_done_callback(self._drawn)

    def _drawn(self, done: asyncio.Future[SharedPicture]) -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None:
            log.error("the region of a sound could not be drawn", exc_info=error)
        elif not done.cancelled():
            self._show(done.result())

    def set_volume(self, volume: int, *, muted: bool) -> None:
        self._voice.set_volume(volume, muted=muted)

    def duration_s(self) -> float | None:
        return self._voice.duration_s()

    def dropped_frames(self) -> int:
        return 0

    async def close(self) -> None:
        self._playable = None
        await self._voice.close()
        if self._window is not None:
            self._window.close()
