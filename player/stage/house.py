"""What surrounds the show: the orders in force, the cards, the lock pad, the panel.

One loop (`run`) makes the screen agree with all of it, whenever anything changed and at the next moment that changes something by
itself: an alert that begins or expires, the minute on a card, a notice that has been read long enough.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from player.core import alerts
from player.core.content import Fault, Orders, Orientation
from player.core.pad import KEY_NAMES, LockPad, local_action
from player.core.ports import Clock, Compositor
from player.core.screen import View, view
from player.errors import BoxError
from player.stage.show import Show

log = logging.getLogger(__name__)

OPAQUE_COVERS = frozenset({"alert"})


class Cards(Protocol):
    """What draws the player's own pictures (`presenter.Presenter`)."""

    pad_keys: dict[str, Any]
    size: tuple[int, int]

    async def show(self, seen: View, orders: Orders, pad: Any, notices: Any, *, watermark: bool) -> None: ...
    def forget(self) -> None: ...


class House:
    """`submit_pin(pin)` tells the agent; `local(action)` carries out a key's action; `open_cards` loads what draws cards."""

    def __init__(
        self,
        *,
        show: Show,
        compositor: Compositor,
        clock: Clock,
        open_cards: Callable[[], Awaitable[Cards | None]],
        submit_pin: Callable[[str], None],
        local: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        self._show, self._compositor, self._clock, self._open_cards = show, compositor, clock, open_cards
        self._submit_pin, self._local, self._told = submit_pin, local, changed
        self._cards: Cards | None = None
        self._wake = asyncio.Event()
        self._pad = LockPad()
        self._message: tuple[str, float] | None = None
        self._identify_until = 0.0
        self._screen_on = True
        self._turned: Orientation | None = None
        self._fault: Fault | None = None
        self.orders = Orders()
        self.orientation = Orientation.LANDSCAPE
        self.seen = View("idle")

    def cards_lost(self) -> None:
        """What draws cards lost its connection: it is opened again."""
        log.warning("the cards' connection to the compositor broke; it is opened again")
        self._cards = None
        self.changed()

    # --- what comes in

    def changed(self) -> None:
        """Something that the screen depends on is different."""
        self._wake.set()

    def message(self, text: str, seconds: float) -> None:
        """Shows words over the content for a while."""
        self._message = (text, self._clock.monotonic() + seconds)
        self.changed()

    def identify(self, seconds: float) -> None:
        """Shows which screen this is."""
        self._identify_until = self._clock.monotonic() + seconds
        self.changed()

    def pin_checked(self, *, ok: bool, wait_s: float) -> None:
        """The agent's answer about the PIN."""
        self._pad.answered(ok=ok, wait_s=wait_s, at=self._clock.monotonic())
        self.changed()

    def pressed_key(self, code: int) -> None:
        """A key of a keyboard."""
        self._press(KEY_NAMES.get(code, ""))

    def touched(self, card: str, x: float, y: float) -> None:
        """A click or touch on one of our cards."""
        if card == "lock_pad" and self._cards:
            for key, rect in self._cards.pad_keys.items():
                if rect.x <= x < rect.x + rect.width and rect.y <= y < rect.y + rect.height:
                    self._press(key)
        else:
            self._press("")

    def _press(self, key: str) -> None:
        if self.orders.locked:
            pin = self._pad.press(key, self._clock.monotonic())
            if pin is not None:
                self._submit_pin(pin)
        elif action := local_action(key):
            self._local(action)
        self.changed()

    def faults(self) -> tuple[Fault, ...]:
        """Of the panel."""
        return (self._fault,) if self._fault else ()

    # --- what goes out

    async def run(self) -> None:
        """Keeps the screen in agreement, for ever."""
        while True:
            self._wake.clear()
            await self._agree()
            timeout = self._next_change()
            try:
                async with asyncio.timeout(timeout):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _agree(self) -> None:
        now = self._clock.monotonic()
        self._pad.tick(now)
        if not self.orders.locked:
            self._pad.close()
        await self._turn()
        await self._switch_panel()
        wall = self._clock.now().timestamp()
        self.seen = view(self.orders, wall, has_content=self._show.has_content, pad_open=self._pad.opened is not None)
        self._show.cover(self.seen.cover if self.seen.cover in OPAQUE_COVERS else None)
        if self._cards is None and self._needs_cards():
            self._cards = await self._open_cards()
        if self._cards is not None:
            await self._show_cards(self._cards, now)
        self._told()

    def _needs_cards(self) -> bool:
        """Whether there is a reason to load what draws cards: not before the first item is on its way, unless there is none."""
        return (
            self._show.first_shown.is_set() or self._show.manifest is None or not self._show.manifest.items or bool(self.seen.alert)
        )

    async def _show_cards(self, cards: Cards, now: float) -> None:
        from player.stage.presenter import Notices, Pad

        pad = Pad(len(self._pad.pin), max(0.0, round(self._pad.wait_until - now)), self._pad.message)
        text = self._message[0] if self._message and now < self._message[1] else None
        notices = Notices(text, now < self._identify_until)
        manifest = self._show.manifest
        await cards.show(self.seen, self.orders, pad, notices, watermark=bool(manifest and manifest.watermark))

    def _next_change(self) -> float:
        """Seconds until time alone changes something; at most 30, so that clocks on cards are right soon after they were set."""
        now, wall = self._clock.monotonic(), self._clock.now().timestamp()
        waits = [30.0, 60.0 - wall % 60.0]
        edge = alerts.next_change(self.orders.alerts, wall)
        if edge is not None:
            waits.append(edge - wall)
        if self._message and self._message[1] > now:
            waits.append(self._message[1] - now)
        if self._identify_until > now:
            waits.append(self._identify_until - now)
        if self._pad.opened is not None:
            waits.append(1.0)
        if self._cards is None:
            waits.append(0.5)
        return max(0.01, min(waits))

    async def _turn(self) -> None:
        wanted = self.orders.orientation
        if wanted is None or wanted is self._turned:
            return
        self._turned = wanted
        try:
            for output in await self._compositor.outputs():
                await self._compositor.turn(output.name, wanted)
            self._fault = None
            log.info("the screen is turned to %s", wanted.value.replace("_", ", "))
        except BoxError as error:
            self._note("orientation", str(error))
        await self.look_at_panel()

    async def _switch_panel(self) -> None:
        """Asks the panel itself; where it cannot be switched, the curtain card alone makes it dark."""
        wanted = self.orders.screen_on
        if wanted is self._screen_on:
            return
        self._screen_on = wanted
        log.info("the screen is switched %s", "on" if wanted else "off")
        try:
            for output in await self._compositor.outputs():
                await self._compositor.power(output.name, wanted)
        except BoxError as error:
            log.info("the panel itself stays on, behind a black picture: %s", error.reason)

    async def look_at_panel(self) -> None:
        """Reads size and orientation back, and puts everything in its place again when they changed."""
        outputs = await self._compositor.outputs()
        if not outputs:
            self._note("no_display", "no panel is connected; playback goes on and is marked as not seen")
            return
        if self._fault and self._fault.code == "no_display":
            self._fault = None
        rect, self.orientation = outputs[0].rect, outputs[0].orientation
        if (rect.width, rect.height) != self._show.size:
            await self._show.place_again((rect.width, rect.height))
            if self._cards is not None:
                self._cards.size = (rect.width, rect.height)
                self._cards.forget()

    def _note(self, code: str, words: str) -> None:
        if self._fault is None or self._fault.code != code:
            log.warning("%s", words)
            self._fault = Fault(code, words, self._clock.now().timestamp())


def idle_background(folder: Path) -> Path:
    """Where the compositor finds what to show while no stage is there."""
    return folder / "idle.png"
