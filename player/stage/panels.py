"""The panels: which are there, and how each is set up. What a panel was told is read back, never believed.

Panels come and go, forget their mode and come back on another connector. `look` compares what they say with what is wanted and
sets right what differs: three tries for each setting of each panel, one a look, so that a panel that cannot is left alone, said
once as a fault. A panel that went and came back has all its tries again.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator

from player.core.content import Orientation, Rect
from player.core.panels import is_mode, mode_words, numbered, parse_mode
from player.core.ports.screen import Compositor, Output
from player.errors import BoxError

log = logging.getLogger(__name__)

TRIES = 3
_Step = tuple[str, Callable[[], Awaitable[None]]]


class Panels:
    """`mode` and `scale` as in the configuration ("" leaves the panel its own mode); a mode that somebody asked for goes before."""

    def __init__(self, compositor: Compositor, *, mode: str, scale: float) -> None:
        self._compositor, self._configured, self._scale = compositor, mode, scale
        self._names: tuple[str, ...] = ()
        self._there: dict[str, Output] = {}
        self._tried: dict[tuple[str, str], int] = {}
        self.problem: str | None = None

    def __repr__(self) -> str:
        return ", ".join(f"{name}{'' if name in self._there else ' (missing)'}" for name in self._names) or "no panel"

    @property
    def all(self) -> tuple[Output | None, ...]:
        """By number; None where one is missing."""
        return tuple(self._there.get(name) for name in self._names)

    @property
    def first(self) -> Output | None:
        """Panel 1: its turn and size are what is told of the screen."""
        return self.all[0] if self._names else None

    @property
    def rects(self) -> tuple[Rect | None, ...]:
        """Where they lie, by number."""
        return tuple(panel.rect if panel else None for panel in self.all)

    @property
    def mode(self) -> str:
        """Panel 1's, as it says it; "" where it is missing."""
        return mode_words(self.first.mode) if self.first else ""

    @property
    def trying(self) -> bool:
        """Whether something is still to be tried again."""
        return any(0 < times < TRIES for times in self._tried.values())

    async def look(self, orientation: Orientation | None, mode: str | None = None) -> None:
        """Reads all panels, sets right what differs, and reads again. Raises BoxError when the compositor is away."""
        await self._read()
        steps = [
            (panel.name, *step)
            for panel in self._there.values()
            for step in self._steps(panel, orientation, mode or self._configured)
        ]
        self._forget(lambda what: not what.startswith("power"), {(name, what) for name, what, _ in steps})
        self.problem = self.problem if self._tried else None
        for name, what, step in steps:
            await self._try(name, what, step)
        if steps:
            await self._read()

    async def power(self, *, on: bool) -> None:
        """Switches every panel that is not as wanted. Raises BoxError when the compositor is away."""
        what = "power on" if on else "power off"
        wrong = [panel.name for panel in self._there.values() if panel.power is not on]
        self._forget(lambda tried: tried.startswith("power"), {(name, what) for name in wrong})
        for name in wrong:
            await self._try(name, what, _switch(self._compositor, name, on=on))
        if wrong:
            await self._read()

    def _forget(self, kind: Callable[[str], bool], but: set[tuple[str, str]]) -> None:
        """Tries of what is no longer wrong count no more."""
        self._tried = {key: times for key, times in self._tried.items() if key in but or not kind(key[1])}

    async def _read(self) -> None:
        found = {output.name: output for output in await self._compositor.outputs()}
        self._tried = {key: times for key, times in self._tried.items() if key[0] in found}
        self._there = found
        self._names = numbered(self._names, found)

    def _steps(self, panel: Output, orientation: Orientation | None, wanted: str) -> Iterator[_Step]:
        mode = parse_mode(wanted)
        if mode is not None and not is_mode(panel.mode, mode):
            yield f"mode {wanted}", lambda: self._compositor.mode(panel.name, *mode)
        if abs(panel.scale - self._scale) > 0.01:
            yield "scale", lambda: self._compositor.scale(panel.name, self._scale)
        if orientation is not None and panel.orientation is not orientation:
            yield f"orientation {orientation}", lambda: self._compositor.turn(panel.name, orientation)

    async def _try(self, name: str, what: str, step: Callable[[], Awaitable[None]]) -> None:
        times = self._tried.get((name, what), 0)
        if times >= TRIES:
            return
        try:
            await step()
        except BoxError as error:
            self._tried[name, what] = times + 1
            if times + 1 == TRIES:
                log.warning("panel %s is left as it is after three tries: %s", name, error.reason)
            if not what.startswith("power"):  # behind the curtain a panel that stays on is dark all the same
                self.problem = str(error)
        else:
            self._tried.pop((name, what), None)


def _switch(compositor: Compositor, name: str, *, on: bool) -> Callable[[], Awaitable[None]]:
    return lambda: compositor.power(name, on)
