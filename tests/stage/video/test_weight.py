"""What a stream may make this process hold: who is given up when it grows, and that one block has a bound."""

from __future__ import annotations

import asyncio
import ctypes
from dataclasses import dataclass, field

import mpv
import pytest

from player.runtime.memory import held as held_here
from player.stage.video.weight import LARGEST_BLOCK, MOST_IN_ALL, MOST_SMALL, bound_blocks, keep_streams_light
from tests.fakes.running import eventually, running

MIB = 1024 * 1024


@dataclass
class Player:
    is_streaming: bool = True
    is_drawn: bool = False
    given_up: list[str] = field(default_factory=list)

    def give_up(self, reason: str) -> None:
        self.given_up.append(reason)


async def after(held: list[tuple[int, int]], *later: tuple[int, int]) -> None:
    """Until all of it was looked at; the last one stays."""
    held.extend(later)
    await eventually(lambda: len(held) == 1, within_s=20)


def looking(held: list[tuple[int, int]], *players: Player):
    return running(keep_streams_light(lambda: players, lambda: held.pop(0) if len(held) > 1 else held[0]))


async def test_streams_without_a_picture_go_first_when_the_process_grows_in_small_blocks_and_then_the_others():
    film, shown, opening = players = Player(is_streaming=False), Player(is_drawn=True), Player()
    base, held = 600 * MIB, [(1000 * MIB, 0)]
    async with looking(held, *players):
        await after(held, (base, 0), (base + MOST_SMALL, 0), *[(base + MOST_SMALL + MIB, 0)] * 3)
        assert [len(one.given_up) for one in players] == [0, 0, 1]
        assert opening.given_up[0].startswith("it takes too much memory (151 MB)")
        opening.is_streaming = False
        await after(held, (base + 2 * MOST_SMALL + 2 * MIB, 0))
        await eventually(lambda: shown.given_up, within_s=20)
        assert [len(one.given_up) for one in players] == [0, 1, 1]
        shown.is_streaming = False
        await after(held, (base + 9 * MOST_SMALL, 0), (base + 9 * MOST_SMALL, 0))
        assert film.given_up == []


async def test_of_large_blocks_only_streams_that_began_meanwhile_are_to_blame():
    begun, players = (one := Player()), (Player(is_streaming=False), Player(is_drawn=True), one, Player())
    held = [(0, 90 * MIB)]
    async with looking(held, *players):
        await after(held, (0, 90 * MIB + MOST_IN_ALL), (0, 90 * MIB + MOST_IN_ALL))
        begun.is_drawn = True
        assert [one.given_up for one in players] == [[]] * 4
        await after(held, (0, 91 * MIB + MOST_IN_ALL), (0, 91 * MIB + MOST_IN_ALL))
        assert [len(one.given_up) for one in players] == [0, 0, 1, 1]
        assert begun.given_up[0].startswith("it takes too much memory (251 MB)")


def test_what_is_held_in_small_blocks_is_told_from_what_is_held_in_all():
    small, in_all = held_here()
    kept = [bytes(10_000) for _ in range(3000)]
    film = bytes(200 * MIB)
    grown, grown_in_all = (now - before for now, before in zip(held_here(), (small, in_all), strict=True))
    assert 25 * MIB < grown < 100 * MIB, f"{len(kept)} and {len(film)} bytes are kept"
    assert 225 * MIB < grown_in_all < 300 * MIB


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
            await keep_streams_light(list, lambda: (0, 0))
