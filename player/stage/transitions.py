"""How one window gives way to the next: steps of opacity at the panel's pace, over the compositor's IPC.

Only the incoming window's opacity moves while the outgoing one stays opaque below it, so the weights of a crossfade always sum to
one: no dip, no flash. What cannot be faded (nothing was there, or a cut was asked for) changes in a single frame.
"""

from __future__ import annotations

import asyncio

from player.core.content import Transition, TransitionKind
from player.core.ports import Compositor

STEP_S = 1 / 60


async def change(compositor: Compositor, front: int, back: int | None, transition: Transition) -> None:
    """Brings window `front` on screen and takes `back` away. Raises BoxError."""
    if transition.kind is TransitionKind.CUT or transition.duration_s <= 0 or back is None:
        await compositor.swap(front, back)
        return
    if transition.kind is TransitionKind.FADE:
        await _ramp(compositor, back, transition.duration_s / 2, rising=False)
        await compositor.show_above(front, 0.0)
        await _ramp(compositor, front, transition.duration_s / 2, rising=True)
        return
    await compositor.show_above(front, 0.0)
    try:
        await _ramp(compositor, front, transition.duration_s, rising=True)
    finally:
        await compositor.opacity(back, 0.0)


async def _ramp(compositor: Compositor, window: int, duration_s: float, *, rising: bool) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    while (passed := (loop.time() - began) / duration_s) < 1:
        await compositor.opacity(window, passed if rising else 1 - passed)
        await asyncio.sleep(STEP_S - (loop.time() - began) % STEP_S)
    await compositor.opacity(window, 1.0 if rising else 0.0)
