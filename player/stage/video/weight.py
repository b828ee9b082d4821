"""What a stream may make this process hold: libmpv runs in it, and what a server sends becomes memory, faster than anyone counts.

A playlist of some hundred kilobytes becomes addresses of gigabytes before the first picture, an index of a kilobyte names more
frames than there is memory. So one block has a bound that FFmpeg keeps itself, and what grows by small blocks is looked at. What
passes the wall in the clear is bounded there as well (`core.playlist_bounds`).
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from player.runtime.memory import in_small_blocks

log = logging.getLogger(__name__)
_MIB = 1024 * 1024
LARGEST_BLOCK = 128 * _MIB  # a frame of 8K in ten bits takes 100
MOST_GROWN, WITHIN_LOOKS, LOOK_S = 150 * _MIB, 50, 0.2


class Stream(Protocol):
    """What may play a stream: `is_streaming` while it does, `is_drawn` once it has a picture."""

    @property
    def is_streaming(self) -> bool: ...

    @property
    def is_drawn(self) -> bool: ...

    def give_up(self, reason: str) -> None:
        """Ends it at once; who waits for it is told that."""


def bound_blocks(libmpv: ctypes.CDLL) -> None:
    """From here on FFmpeg, found through `libmpv`, gets no block larger than `LARGEST_BLOCK`: what wants one fails alone."""
    if call := getattr(libmpv, "av_max_alloc", None):
        call(ctypes.c_size_t(LARGEST_BLOCK))


async def keep_streams_light(players: Callable[[], Iterable[Stream]], held: Callable[[], int] = in_small_blocks) -> None:
    """Gives up streams for which the process grows by too much within ten seconds: those without a picture first."""
    seen: deque[int] = deque(maxlen=WITHIN_LOOKS)
    while True:
        await asyncio.sleep(LOOK_S)
        seen.append(held())
        streams = [player for player in players() if player.is_streaming]
        if not streams or (grown := seen[-1] - min(seen)) <= MOST_GROWN:
            continue
        for stream in [stream for stream in streams if not stream.is_drawn] or streams:
            stream.give_up(f"it takes too much memory ({grown // _MIB} MB); give it a shorter playlist, or fewer variants")
            log.warning("%s: the stage has grown by %d MB; it is given up", stream, grown // _MIB)
        seen.clear()
