"""Pages' processes are ended for what they hold, by the room for the pages on screen, and with words of what was too much."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from player.core.allowance import Allowance
from player.core.page_memory import page_memory
from player.stage.web.bounds import PageWeights
from tests.fakes.running import eventually

MIB = 1024 * 1024
MEMORY = page_memory(160 * MIB, 4096 * MIB)


@dataclass
class Seen:
    """A page."""

    is_shown: bool


@dataclass
class Renderers:
    """What `Quarters` knows of processes, each of which holds so many mebibytes; one that was ended is gone with the next look."""

    sizes: dict[int, int]
    looks: int = 0
    ended: list[int] = field(default_factory=list)

    async def renderers(self, _: int) -> list[int]:
        return [*self.sizes]

    async def held(self, _: Sequence[int]) -> dict[int, int]:
        self.looks += 1
        return {pid: size * MIB for pid, size in self.sizes.items() if pid not in self.ended}

    def post(self, verb: str, *, pid: int) -> None:
        assert verb == "end_renderer"
        self.ended.append(pid)


async def watched(renderers: Renderers, shown: Callable[[int], int], looks: int) -> tuple[str, str]:
    """`shown(looks)` pages are on screen at a look. Why the last to end did."""
    weights = PageWeights(MEMORY, Allowance(10, 1.0))
    watching = asyncio.ensure_future(weights.watch(renderers, 1, lambda: [Seen(True)] * shown(renderers.looks) + [Seen(False)]))
    await eventually(lambda: renderers.looks >= looks, 20)
    watching.cancel()
    return weights.why_it_ended()


@pytest.mark.parametrize(
    ("sizes", "ended", "words"),
    [
        ({7: 170, 9: 20}, [7], "the page takes 170 MB of memory, where 160 are allowed (stage.page_memory)"),
        (
            {9: 150, 7: 120},
            [7],
            "the page takes 120 MB of memory, and with it all take 270, where 256 are allowed (stage.page_memory)",
        ),
    ],
)
async def test_what_was_too_much_is_said(sizes: dict[int, int], ended: list[int], words: str):
    renderers = Renderers(sizes)
    assert await watched(renderers, lambda _: 1, 2) == ("page_memory", words)
    assert renderers.ended == ended


async def test_where_one_follows_another_both_are_on_screen_for_a_moment_and_have_no_more_room():
    renderers = Renderers({1: 150, 2: 80})

    def follows(looks: int) -> int:
        renderers.sizes[2] = 80 if looks < 2 else 150
        return 1 if looks < 2 else 2

    await watched(renderers, follows, 4)
    assert renderers.ended == [2]


async def test_pages_that_are_on_screen_together_have_more():
    renderers = Renderers({1: 150, 2: 150})
    assert await watched(renderers, lambda _: 2, 4) == ("page_crashed", "the page crashed")
    assert renderers.ended == []
