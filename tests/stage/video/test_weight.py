"""What a stream may make this process hold: who is given up when it grows, and that one block has a bound."""

from __future__ import annotations

import asyncio
import ctypes
from dataclasses import dataclass, field

import mpv
import pytest

from player.runtime.memory import in_small_blocks
from player.stage.video.weight import LARGEST_BLOCK, MOST_GROWN, bound_blocks, keep_streams_light
from tests.fakes.running import eventually, running

MIB = 1024 * 1024


@dataclass
class Player:
    is_streaming: bool = True
    is_drawn: bool = False
    given_up: list[str] = field(default_factory=list)

    def give_up(self, reason: str) -> None:
        self.given_up.append(reason)


async def test_streams_without_a_picture_go_first_when_the_process_grows_and_then_the_others():
    film, shown, opening = players = Player(is_streaming=False), Player(is_drawn=True), Player()
    held = [1000 * MIB, 600 * MIB, 600 * MIB + MOST_GROWN, *[601 * MIB + MOST_GROWN] * 3]
    async with running(keep_streams_light(lambda: players, lambda: held.pop(0) if len(held) > 1 else held[0])):
        await eventually(lambda: len(held) == 1)
        assert [len(one.given_up) for one in players] == [0, 0, 1]
        assert opening.given_up[0].startswith("it takes too much memory (151 MB)")
        opening.is_streaming = False
        held.extend((held[0], held[0] + MOST_GROWN + MIB))
        await eventually(lambda: shown.given_up)
        assert [len(one.given_up) for one in players] == [0, 1, 1]
        shown.is_streaming = False
        held.extend((held[0], held[0] + 9 * MOST_GROWN))
        await eventually(lambda: len(held) == 1)
        assert film.given_up == []


def test_small_blocks_are_counted_and_large_ones_are_not():
    before = in_small_blocks()
    kept = [bytes(10_000) for _ in range(3000)]
    grown = in_small_blocks() - before
    film = bytes(200 * MIB)
    assert 25 * MIB < grown < 100 * MIB
    assert in_small_blocks() - before < 100 * MIB, f"{len(kept)} and {len(film)} bytes are kept"


def test_one_block_of_ffmpegs_has_a_bound():
    bound_blocks(mpv.backend)
    allocate, free = mpv.backend.av_malloc, mpv.backend.av_free
    allocate.restype, allocate.argtypes, free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
    for size, is_had in ((LARGEST_BLOCK + 1, False), (LARGEST_BLOCK // 2, True)):
        block = allocate(size)
        free(block)
        assert bool(block) is is_had


async def test_what_has_no_such_bound_is_left_as_it_is():
    bound_blocks(ctypes.CDLL(None))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await keep_streams_light(list, lambda: 0)
