"""Sound gives way as the picture does: out and in with equal power, in steps small enough not to be heard as steps."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from player.core.content import Transition, TransitionKind

STEP_S = 1 / 40


def gains(kind: TransitionKind, passed: float) -> tuple[float, float]:
    """How much of the outgoing and of the incoming sound is heard, 0 to 1, when `passed` (0 to 1) of the transition is over.

    Through the background the one is silent before the other begins; else both together always carry the same power.
    """
    if kind is TransitionKind.FADE:
        return _falling(min(1.0, 2 * passed)), _rising(max(0.0, 2 * passed - 1))
    return _falling(passed), _rising(passed)


def mpv_volume(volume: int, gain: float) -> int:
    """The volume that is `gain` times as loud: mpv's scale is the cube root of what is heard."""
    return round(volume * math.cbrt(gain))


async def crossfade(transition: Transition, outgoing: Callable[[float], None], incoming: Callable[[float], None]) -> None:
    """Tells both their gains until the transition is over."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while (passed := (loop.time() - began) / transition.duration_s) < 1:
        out, into = gains(transition.kind, passed)
        outgoing(out)
        incoming(into)
        await asyncio.sleep(STEP_S)
    outgoing(0.0)
    incoming(1.0)


def _rising(passed: float) -> float:
    return math.sin(min(1.0, max(0.0, passed)) * math.pi / 2)


def _falling(passed: float) -> float:
    return _rising(1 - passed)
