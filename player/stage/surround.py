"""What surrounds the show: the settings in force, the cards, the lock pad, the panel.

One loop (`run`) makes the screen agree with all of it, whenever anything changed and at the next moment that changes something by
itself: an alert that begins or expires, the minute on a card, a notice that has been read long enough.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from player.core import alerts
from player.core.brief import StageBrief
from player.core.content import Orientation, Rect
from player.core.cover import Cover, StageState, View, view
from player.core.curtain import Behind, CurtainWatch
from player.core.lock_pad import KEY_NAMES, LockPad, local_action
from player.core.ports.box import Clock
from player.core.ports.screen import Output
from player.core.problem import Outlook, TroubleWatch
from player.core.publish import count
from player.errors import BoxError
from player.runtime.fault_page import FaultPage
from player.stage.panels import Panels
from player.stage.regions.show import Show

if TYPE_CHECKING:  # cards are loaded when the first is wanted
    from player.stage.cards.presenter import Notices, Pad

log = logging.getLogger(__name__)

LOOK_S = 2.0  # how long a panel may differ from what it was told before it is set right
OPAQUE_COVERS = frozenset({Cover.ALERT})
AGAIN_S = 2.0
TROUBLE_LOOK_S = 5.0


class Cards(Protocol):
    """What draws the player's own pictures on every panel (`panel_cards.Presenters`)."""

    def on(self, panels: Sequence[Output | None]) -> None:
        """Draw on these panels from now on; None stands for one that is missing."""

    def pad_key(self, panel: str, x: float, y: float) -> str | None:
        """Which key of the lock pad lies at that point of the panel (pixels); None: none."""

    @property
    def curtained(self) -> bool:
        """Whether every panel is covered in black."""

    async def show(
        self, seen: View, brief: StageBrief, pad: Pad, notices: Notices, *, watermark: bool, backdrop: str | None
    ) -> None:
        """Makes every panel agree with that. `backdrop` is the colour behind cards, #rrggbb. Raises BoxError."""


class Stagehand(Protocol):
    """Who moves the curtain (`screen.Screen`)."""

    @property
    def curtains(self) -> int: ...
    async def draw_brand(self, size: tuple[int, int]) -> None: ...
    def stand_behind(self, behind: Behind) -> None: ...


class Surround:
    """`submit_pin(pin)` tells the agent; `local(action)` carries out a key's action; `open_cards` loads what draws cards;
    `curtain` is told what stands behind the windows; `held`: the items on the picture that stands there now."""

    def __init__(
        self,
        *,
        show: Show,
        panels: Panels,
        faults: FaultPage,
        clock: Clock,
        open_cards: Callable[[], Awaitable[Cards | None]],
        submit_pin: Callable[[str], None],
        local: Callable[[str], None],
        changed: Callable[[], None],
        curtain: Stagehand,
        held: frozenset[str],
        clock_trusted: Callable[[], bool],
        trouble: TroubleWatch,
        card_after_s: float,
    ) -> None:
        self._show, self._panels, self._clock, self._open_cards = show, panels, clock, open_cards
        self._submit_pin, self._local, self._told, self._curtain = submit_pin, local, changed, curtain
        self._behind = CurtainWatch(held)
        self._clock_trusted, self.trouble, self._card_after_s = clock_trusted, trouble, card_after_s
        self._cards: Cards | None = None
        self._wake, self._look_due, self._looked = asyncio.Event(), True, 0.0
        self._pad = LockPad()
        self._message: tuple[str, float] | None = None
        self._identify_until = 0.0
        self._placed: tuple[Rect | None, ...] | None = None
        self._branded: tuple[int, int, int] | None = None
        self._said_on = True
        self._faults = faults
        self.brief = StageBrief()
        self.orientation = Orientation.LANDSCAPE
        self.seen = View(StageState.IDLE)

    def cards_lost(self) -> None:
        """What draws cards lost its connection: it is opened again."""
        log.warning("the cards' connection to the compositor broke; it is opened again")
        self._cards = None
        self.changed()

    # --- what comes in

    def changed(self) -> None:
        """Something that the screen depends on is different."""
        self._look_due = True
        self._wake.set()

    def content_changed(self) -> None:
        """Another item is on screen: no reason to ask the compositor about its panels, at the very moment of a seam."""
        self._wake.set()

    def hear(self, outlook: Outlook) -> None:
        """The agent tells how it stands with where content comes from."""
        self.trouble.hear(outlook, self._clock.monotonic())
        self.content_changed()

    def message(self, text: str, seconds: float) -> None:
        """Shows words over the content for a while."""
        self._message = (text, self._clock.monotonic() + seconds)
        self.changed()

    def identify(self, seconds: float) -> None:
        """Shows which screen this is."""
        self._identify_until = self._clock.monotonic() + seconds
        self.changed()

    def pin_checked(self, *, ok: bool, wait_s: float, looked_at: bool) -> None:
        """The agent's answer about the PIN."""
        self._pad.answered(ok=ok, wait_s=wait_s, looked_at=looked_at, at=self._clock.monotonic())
        self.changed()

    def pressed_key(self, code: int) -> None:
        """A key of a keyboard."""
        self._press(KEY_NAMES.get(code, ""))

    def touched(self, panel: str, card: str, x: float, y: float) -> None:
        """A click or touch on one of our cards, in its own pixels."""
        if card == "lock_pad" and self._cards:
            key = self._cards.pad_key(panel, x, y)
            if key is not None:
                self._press(key)
        else:
            self._press("")

    def _press(self, key: str) -> None:
        if self.brief.settings.locked:
            pin = self._pad.press(key, self._clock.monotonic())
            if pin is not None:
                self._submit_pin(pin)
        elif action := local_action(key):
            self._local(action)
        self.changed()

    @property
    def mode(self) -> str:
        """The first panel's mode, as it was read back."""
        return self._panels.mode

    @property
    def screen_on(self) -> bool:
        """Whether anything can be seen, as read back: a panel is there, it has power, and no curtain is drawn."""
        lit = any(panel and panel.power for panel in self._panels.all)
        return lit and not (self._cards is not None and self._cards.curtained)

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
        if not self.brief.settings.locked:
            self._pad.close()
        if self._look_due or now >= self._looked + LOOK_S:
            self._look_due, self._looked = False, now
            try:
                await self.look_at_panel()
                if self.brief.settings.screen_on:
                    await self._panels.power(on=True)
            except BoxError:
                self._look_due = True
                raise
        wall = self._clock.now().timestamp()
        has_content = self._show.has_content
        trouble = self.trouble.look(now, () if has_content else self._show.item_faults)
        self.seen = view(
            self.brief, wall, trouble=trouble, card_after_s=self._card_after_s, has_content=has_content,
            pad_open=self._pad.opened is not None, clock_trusted=self._clock_trusted(),
        )  # fmt: skip
        self._show.cover(self.seen.cover if self.seen.cover in OPAQUE_COVERS else None)
        if any(self._panels.all):
            await self._draw(now)
        if not self.brief.settings.screen_on:
            await self._panels.power(on=False)  # after the curtain: a panel that stays on is dark behind it
        self._tell_of_power()
        self._told()

    async def _draw(self, now: float) -> None:
        if self._cards is None and self._needs_cards():
            self._cards = await self._open_cards()
            if self._cards is not None:
                self._cards.on(self._panels.all)
        if self._cards is not None:
            await self._show_cards(self._cards, now)
        branded = (self._curtain.curtains, *self._show.size)
        if self._branded != branded and self._needs_cards():
            self._branded = branded
            await self._curtain.draw_brand(self._show.size)
        self._stand_behind(now)

    def _stand_behind(self, now: float) -> None:
        """After the cards were drawn: what is taken now is what is to be seen."""
        passing = bool(self._message and now < self._message[1]) or now < self._identify_until
        behind = self._behind.look(self._show.scene(self.seen, passing=passing), now, self._curtain.curtains)
        if behind is not None:
            self._curtain.stand_behind(behind)

    def _tell_of_power(self) -> None:
        if not self.screen_on:
            self._show.unseen()
        if self._said_on is not self.screen_on:
            self._said_on = self.screen_on
            log.info("the screen is %s", "on" if self.screen_on else "off")

    def _needs_cards(self) -> bool:
        """Whether there is a reason to load what draws cards: not before the first item is on its way, unless there is none."""
        return (
            self._show.first_shown.is_set()
            or self._show.manifest is None
            or not count(self._show.manifest.layouts)
            or bool(self.seen.alert)
        )

    async def _show_cards(self, cards: Cards, now: float) -> None:
        from player.stage.cards.presenter import Notices, Pad

        pad = Pad(len(self._pad.pin), max(0.0, round(self._pad.wait_until - now)), self._pad.message)
        text = self._message[0] if self._message and now < self._message[1] else None
        notices = Notices(text, now < self._identify_until)
        manifest, layout = self._show.manifest, self._show.layout
        backdrop = layout.background if layout and self._show.has_content and self._show.wants_backdrop else None
        await cards.show(self.seen, self.brief, pad, notices, watermark=bool(manifest and manifest.watermark), backdrop=backdrop)

    def _next_change(self) -> float:
        """Seconds until time alone changes something; at most a few, since trouble may begin in silence, or last."""
        now, wall = self._clock.monotonic(), self._clock.now().timestamp()
        waits = [TROUBLE_LOOK_S, 60.0 - wall % 60.0]
        edge = alerts.next_change(self.brief.alerts, wall)
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
        if self._panels.trying:
            waits.append(AGAIN_S)
        if self._behind.due is not None:
            waits.append(self._behind.due - now)
        return max(0.01, min(waits))

    async def look_at_panel(self) -> None:
        """Sets up what came, and puts everything in its place again when a panel came, went, turned or changed its mode."""
        await self._panels.look(self.brief.settings.orientation, self.brief.settings.mode)
        first = self._panels.first
        if first is not None:
            self.orientation = first.orientation
        dark = "no panel is connected; playback goes on unseen. Check its cable and its power"
        self._note("no_display", None if any(self._panels.all) else dark)
        self._note("display_mode", self._panels.problem)
        if self._placed != self._panels.rects:
            self._placed = self._panels.rects
            await self._show.place_again(self._placed)
            if self._cards is not None:
                self._cards.on(self._panels.all)

    def _note(self, code: str, words: str | None) -> None:
        if words is None:
            self._faults.clear(code)
        else:
            self._faults.report(code, code, words, count=1)


def idle_background(folder: Path) -> Path:
    """Where the compositor finds what to show while no stage is there."""
    return folder / "idle.png"
