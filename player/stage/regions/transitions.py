"""How one window gives way to the next: steps at the panel's pace, over the compositor's IPC.

Only the incoming window changes while the outgoing one stays opaque below it, so the weights of a crossfade always sum to one: no
dip, no flash. A slide moves both windows, a wipe uncovers the incoming one from one edge. What cannot be moved without covering its
neighbours (a region that does not fill the screen has some) is crossfaded instead, and what has nothing before it is cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from player.core.content import Rect, Transition, TransitionKind
from player.core.ports.screen import Compositor
from player.errors import BoxError

STEP_S = 1 / 120  # twice a frame at 60 Hz: each frame has a step of its own, however the two clocks lie to each other
_DIRECTIONS = {
    TransitionKind.SLIDE_LEFT: (-1, 0),
    TransitionKind.SLIDE_RIGHT: (1, 0),
    TransitionKind.SLIDE_UP: (0, -1),
    TransitionKind.SLIDE_DOWN: (0, 1),
}


@dataclass(frozen=True, slots=True)
class Change:
    """What gives way to what: window ids, where they lie, and whether anything else lies beside them."""

    front: int
    back: int | None
    transition: Transition
    rect: Rect
    alone: bool = True
    clipped: bool = False  # whether the incoming window draws on at its own size when the compositor makes its frame smaller


async def change(compositor: Compositor, what: Change) -> None:
    """Brings `what.front` on screen and takes `what.back` away. Raises BoxError: however far it came, both are tried to the end."""
    try:
        if what.back is not None and what.transition.duration_s > 0:
            await _gradually(compositor, what, what.back)
    finally:
        await compositor.swap(what.front, what.back, what.rect)


async def _gradually(compositor: Compositor, what: Change, back: int) -> None:
    match what.transition.kind:
        case TransitionKind.CUT:
            return
        case TransitionKind.FADE:
            await _fade(compositor, what, back)
        case kind if what.alone and kind in _DIRECTIONS:
            await _slide(compositor, what, back, _DIRECTIONS[kind])
        case TransitionKind.WIPE if what.clipped:
            await _wipe(compositor, what)
        case _:
            await _crossfade(compositor, what)


async def _crossfade(compositor: Compositor, what: Change) -> None:
    await compositor.show_above(what.front, 0.0, what.rect)
    await _steps(what.transition.duration_s, lambda passed: compositor.opacity(what.front, passed))


async def _fade(compositor: Compositor, what: Change, back: int) -> None:
    """Through whatever lies behind."""
    half = what.transition.duration_s / 2
    await _steps(half, lambda passed: compositor.opacity(back, 1 - passed))
    await compositor.show_above(what.front, 0.0, what.rect)
    await _steps(half, lambda passed: compositor.opacity(what.front, passed))


async def _slide(compositor: Compositor, what: Change, back: int, direction: tuple[int, int]) -> None:
    rect, (right, down) = what.rect, direction

    def moved(by: float) -> Rect:
        return Rect(rect.x + round(right * by * rect.width), rect.y + round(down * by * rect.height), rect.width, rect.height)

    def step(passed: float) -> Awaitable[None]:
        return compositor.move({what.front: moved(passed - 1), back: moved(passed)})

    await step(0.0)
    await compositor.show_above(what.front, 1.0)
    await _steps(what.transition.duration_s, step)


async def _wipe(compositor: Compositor, what: Change) -> None:
    """From the left: the incoming window's frame grows, its picture does not."""
    rect = what.rect

    def step(passed: float) -> Awaitable[None]:
        return compositor.place(what.front, Rect(rect.x, rect.y, max(1, round(rect.width * passed)), rect.height))

    try:
        await step(0.0)
        await compositor.show_above(what.front, 1.0)
        await _steps(what.transition.duration_s, step)
    finally:
        await compositor.place(what.front, rect)


async def _steps(duration_s: float, step: Callable[[float], Awaitable[None]]) -> None:
    """Carries out `step` with the part that has passed, twice a frame, and at the end with 1.

    None waits for the compositor's answer to the one before: it answers when it has drawn, which can take a whole frame. Raises
    BoxError when a step was refused.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    refusals: list[Exception] = []
    try:
        async with asyncio.TaskGroup() as group:
            while (passed := (loop.time() - began) / duration_s) < 1:
                group.create_task(_answered(step(passed)), name=f"step {passed:.3f}")
                await asyncio.sleep(STEP_S - (loop.time() - began) % STEP_S)
    except* BoxError as refused:
        refusals += refused.exceptions
    if refusals:
        raise refusals[0]
    await step(1.0)


async def _answered(step: Awaitable[None]) -> None:
    await step
