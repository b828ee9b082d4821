"""The one window of `stage.backend = "single"`: mpv's, with what is asked of it beside playing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from player.errors import BoxError
from player.stage.video.mpv import CALL_LIMIT_S, MpvSurface


class SingleWindow(MpvSurface):
    """The handle that draws, and what is asked of it beside playing."""

    async def ask(self, work: Callable[[Any], Any]) -> Any:
        """The result of `work(handle)`, from a thread. Raises BoxError when mpv does not answer or refuses."""
        try:
            async with asyncio.timeout(CALL_LIMIT_S):
                return await self.call(work)
        except TimeoutError as error:
            raise BoxError("the window", f"does not answer within {CALL_LIMIT_S:.0f} s") from error
        except (SystemError, ValueError, OSError, RuntimeError, AttributeError) as error:  # what python-mpv makes of a refusal
            raise BoxError("the window", f"refuses: {error}") from error

    def tell(self, *words: str) -> None:
        """A command whose outcome does not matter."""
        if self._handle is not None:
            self._handle.command_async(*words)
