"""What a stream may make this process hold: libmpv runs in it, and what a server sends becomes memory, faster than anyone counts.

A playlist of some hundred kilobytes becomes addresses of gigabytes before the first picture, an index of a kilobyte names more
frames than there is memory. So one block has a bound that FFmpeg keeps itself, and what grows is looked at: by small blocks, and by
all, in which the pictures of films count, whose decoders take some hundred megabytes when they begin. What passes the wall is
bounded there as well (`core.playlist_bounds`, `core.film_index`).
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from player.runtime.memory import held

log = logging.getLogger(__name__)
_MIB = 1024 * 1024
LARGEST_BLOCK = 128 * _MIB  # a frame of 8K in ten bits takes 100
MOST_SMALL, MOST_IN_ALL, WITHIN_LOOKS, LOOK_S = 150 * _MIB, 250 * _MIB, 100, 0.1


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


@dataclass(frozen=True, slots=True)
class _Look:
    """What was held in small blocks, and in all; and the streams that had a picture."""

    small: int
    in_all: int
    drawn: frozenset[int]


async def keep_streams_light(players: Callable[[], Iterable[Stream]], held: Callable[[], tuple[int, int]] = held) -> None:
    """Gives up streams for which the process grows by too much within ten seconds."""
    looks: deque[_Look] = deque(maxlen=WITHIN_LOOKS)
    while True:
        await asyncio.sleep(LOOK_S)
        streams = [player for player in players() if player.is_streaming]
        looks.append(_Look(*held(), frozenset(id(stream) for stream in streams if stream.is_drawn)))
        heavy, grown = _too_heavy(looks, streams)
        for stream in heavy:
            stream.give_up(
                f"it takes too much memory ({grown // _MIB} MB); give it a shorter playlist, fewer variants or smaller pictures"
            )
            log.warning("%s: the stage has grown by %d MB; it is given up", stream, grown // _MIB)
        if heavy:
            looks.clear()


def _too_heavy(looks: Sequence[_Look], streams: Sequence[Stream]) -> tuple[Sequence[Stream], int]:
    """Who is to blame for how much: those without a picture first. What is new in large blocks may be a film's, beside which a
    stream that has shown its picture for long is not to blame."""
    last, least_small, least = looks[-1], min(looks, key=lambda look: look.small), min(looks, key=lambda look: look.in_all)
    small, in_all = last.small - least_small.small, last.in_all - least.in_all
    if small > MOST_SMALL:
        return [stream for stream in streams if not stream.is_drawn] or streams, small
    if in_all > MOST_IN_ALL:
        return [stream for stream in streams if id(stream) not in last.drawn & least.drawn], in_all
    return [], 0
