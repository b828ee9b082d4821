"""Puts the player's own pictures on one panel: which ones follows from `core.cover`, what they look like from `cards`.

A card is drawn in a thread and only when what it says has changed (the clock on it counts by the minute), so content never waits
for one. Everything lies in layers above the content, but for the idle card, which lies below it all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from player.core.brief import Alert, CardFacts, StageBrief
from player.core.content import Rect
from player.core.cover import Cover, View
from player.core.ports.box import Clock
from player.core.problem import Problem
from player.errors import BoxError
from player.protocols.layer_shell import Anchor, Keyboard, Layer
from player.stage.drawing.running import SPEED, is_rtl
from player.stage.wayland.layer_card import PanelCards, Picture, Place

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

_CLEAR = Picture(1, 1, bytes(4))
_BLACK = Picture(1, 1, bytes((0, 0, 0, 255)))
_UNDER = Place(Layer.BOTTOM, whole_screen=True)
_OVER = Place(Layer.OVERLAY, whole_screen=True, touchable=True)
_CURTAIN = Place(Layer.OVERLAY, whole_screen=True)
_KEYS = Place(Layer.TOP, keyboard=Keyboard.EXCLUSIVE)  # content windows have no use for the keyboard


@dataclass(frozen=True, slots=True)
class Pad:
    """The lock pad as it stands: how many digits were entered, how long the next try has to wait, what it says."""

    entered: int = 0
    wait_s: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Notices:
    """What was asked for, for a while."""

    message: str | None = None
    identify: bool = False


@dataclass(frozen=True, slots=True)
class PanelPlace:
    """One panel among those there are: its size in pixels, what people are told to call it ("" when it is the only one), and
    whether the keyboard's surface lies on it: that is one panel's, or two would take the keyboard from each other for ever."""

    size: tuple[int, int]
    label: str = ""
    has_keys: bool = True


class Presenter:
    """Shows a `View` on the panel at `panel_place`. `zone` is the time zone of the clocks on cards."""

    def __init__(
        self, overlay: PanelCards, panel_place: PanelPlace, clock: Clock, zone: Callable[[], tzinfo | None], cache: Path
    ) -> None:
        self._overlay, self._panel_place, self._clock, self._zone, self._cache = overlay, panel_place, clock, zone, cache
        self._shown: dict[str, object] = {}
        self.pad_keys: dict[str, Rect] = {}

    @property
    def size(self) -> tuple[int, int]:
        """Of the panel, in pixels."""
        return self._panel_place.size

    @property
    def curtained(self) -> bool:
        """Whether a black card covers everything."""
        return "curtain" in self._shown and self._overlay.shows("curtain")

    def move(self, panel_place: PanelPlace) -> None:
        """The panel is another one now; where its size differs, everything is drawn again by the next `show`."""
        if panel_place.size != self._panel_place.size:
            for name in self._shown:
                self._overlay.remove(name)
            self._shown.clear()
        self._panel_place = panel_place

    def close(self) -> None:
        """The panel went: its cards are gone with it."""
        self._shown.clear()
        self._overlay.close()

    async def show(
        self, view: View, brief: StageBrief, pad: Pad, notices: Notices, *, watermark: bool, backdrop: str | None
    ) -> None:
        """Makes the panel agree with `view`; `backdrop` (#rrggbb) lies behind and between the regions."""
        self._shown = {name: key for name, key in self._shown.items() if self._overlay.shows(name)}
        view, notices = _uncovered(view, notices)
        if view.curtain:
            await self._plain("curtain", _BLACK, wanted=True, place=_CURTAIN)
        now = self._now()
        await self._plain("keys", _CLEAR, wanted=self._panel_place.has_keys, place=_KEYS)
        for cover, (key, draw, place) in self._covers(view, brief.cards, pad, now).items():
            await self._card(cover, key if view.cover is cover else None, draw, place)
        await self._corner(view.corner_code, view.corner_problem, brief.cards)
        await self._notices(brief.cards, notices)
        await self._ticker(view.tickers)
        edge = _corner(self.size, Anchor.BOTTOM | Anchor.RIGHT)
        await self._card("watermark", True if watermark else None, self._watermark, edge)
        await self._card("backdrop", backdrop, lambda: _plane(backdrop or "#000000"), _UNDER)
        glass = None if view.curtain else brief.dimmed or None
        await self._card("glass", glass, lambda: _glass(brief.dimmed), _CURTAIN)
        if not view.curtain:
            await self._plain("curtain", _BLACK, wanted=False, place=_CURTAIN)
        catching = brief.settings.locked and view.cover not in (Cover.LOCK_PAD, Cover.ALERT)
        await self._plain("catcher", _CLEAR, wanted=catching, place=Place(Layer.TOP, whole_screen=True, touchable=True))

    def _covers(
        self, view: View, told: CardFacts, pad: Pad, now: datetime
    ) -> dict[Cover, tuple[object, Callable[[], Image], Place]]:
        """Each card that can cover the screen: what it says, by which it is drawn again, how it is drawn, and where it lies."""
        from player.stage.cards import catalogue as cards

        size, minute = self.size, now.replace(second=0, microsecond=0)
        facts = (told.server_name, told.server_url, told.pair_url, told.device_name, told.address, told.network)
        stills = [Path(still) for still in view.stills]
        return {
            Cover.IDLE: (
                (told.device_name, minute), lambda: cards.idle_card(size, device_name=told.device_name, now=now), _UNDER,
            ),
            Cover.PAIRING: ((told.pairing_code, facts, minute), lambda: _pairing(size, told, now), _OVER),
            Cover.PROBLEM: (
                (view.problem, facts, minute), lambda: cards.problem_card(size, _known(view.problem), told, now), _OVER,
            ),
            Cover.SAFE_MODE: (
                (view.stills, facts, None if view.stills else minute),
                lambda: cards.safe_mode_card(size, stills, _known(view.problem), told, now), _OVER,
            ),
            Cover.PROGRESS: ((view.progress, facts, minute), lambda: cards.progress_card(size, *view.progress, told, now), _OVER),
            Cover.ALERT: ((view.alert,), lambda: self._alert(view.alert), _OVER),
            Cover.LOCK_PAD: ((pad,), lambda: self._lock_pad(pad), _OVER),
        }  # fmt: skip

    def _now(self) -> datetime:
        return self._clock.now().astimezone(self._zone())

    async def _card(self, name: str, key: object, draw: Callable[[], Image], place: Place) -> None:
        """Draws and shows the card when `key` is not what it shows already; None takes it away."""
        if key == self._shown.get(name):
            return
        if key is None:
            self._overlay.remove(name)
            self._shown.pop(name, None)
            return
        try:
            picture = await asyncio.to_thread(_drawn, draw)
            await self._overlay.put(name, picture, place)
        except BoxError as error:
            log.warning("the card %s cannot be shown: %s", name, error)
            return
        self._shown[name] = key

    async def _plain(self, name: str, picture: Picture, *, wanted: bool, place: Place) -> None:
        if wanted and name not in self._shown:
            try:
                await self._overlay.put(name, picture, place)
            except BoxError as error:  # its panel has just gone: everything is put up again when it comes back
                log.warning("the card %s cannot be shown: %s", name, error)
                return
            self._shown[name] = True
        elif not wanted and self._shown.pop(name, None):
            self._overlay.remove(name)

    async def _corner(self, code: str | None, problem: Problem | None, told: CardFacts) -> None:
        from player.stage.cards import catalogue as cards

        place = _corner(self.size, Anchor.BOTTOM | Anchor.LEFT)
        await self._card("corner", code, lambda: cards.corner_card(cards.corner_size(self.size), code or ""), place)
        size, key = cards.problem_corner_size(self.size), (problem.code, told.address) if problem else None
        await self._card("problem corner", key, lambda: cards.problem_corner(size, _known(problem), told), place)

    async def _notices(self, told: CardFacts, notices: Notices) -> None:
        from player.stage.cards import catalogue as cards

        label = self._panel_place.label
        facts = (told.device_name or "This screen", told.address, told.box_id)
        key = (*facts, label) if notices.identify else None
        await self._card("identify", key, lambda: cards.identify_card(self.size, *facts, panel=label), _OVER)
        place = Place(Layer.OVERLAY, Anchor.BOTTOM, (0, 0, self.size[1] // 12, 0))
        text = notices.message
        await self._card("message", text, lambda: cards.message_card(cards.message_size(self.size), text or ""), place)

    async def _ticker(self, alerts: tuple[Alert, ...]) -> None:
        key = tuple((alert.id, alert.title, alert.message, alert.severity) for alert in alerts) or None
        if key == self._shown.get("ticker"):
            return
        if key is None:
            self._overlay.remove("ticker")
            self._shown.pop("ticker", None)
            return
        strip = await asyncio.to_thread(self._strip, alerts)
        place = Place(Layer.OVERLAY, Anchor.BOTTOM)
        speed = SPEED * self.size[0] * (-1 if is_rtl(_lines(alerts)) else 1)
        try:
            await self._overlay.ticker("ticker", strip, place, self.size[0], speed)
        except BoxError as error:
            log.warning("the ticker cannot be shown: %s", error)
            return
        self._shown["ticker"] = key

    def _strip(self, alerts: tuple[Alert, ...]) -> Picture:
        """Nothing, the text, nothing: its end joins its start."""
        import PIL.Image

        from player.stage.cards import catalogue as cards

        backdrop, ink = cards.alert_colours(alerts[0])
        height = max(28, self.size[1] // 14)
        line = cards.ticker_strip(height, "     •     ".join(_lines(alerts)), color=ink, background=backdrop)
        strip = PIL.Image.new("RGBA", (line.width + 2 * self.size[0], height), (*backdrop, 255))
        strip.paste(line, (self.size[0], 0))
        return _picture(strip)

    def _alert(self, alert: Alert | None) -> Image:
        from player.stage.cards import catalogue as cards

        if alert is None:
            raise BoxError("stage", "an alert card without an alert")
        return cards.alert_card(self.size, alert, self._cache / alert.image if alert.image else None)

    def _lock_pad(self, pad: Pad) -> Image:
        from player.stage.cards import catalogue as cards

        image, self.pad_keys = cards.lock_pad(self.size, entered=pad.entered, wait_s=pad.wait_s, message=pad.message)
        return image

    def _watermark(self) -> Image:
        from player.stage.cards import catalogue as cards

        return cards.watermark(cards.watermark_size(self.size))


def _lines(alerts: tuple[Alert, ...]) -> list[str]:
    return [f"{alert.title}: {alert.message}" for alert in alerts]


def _uncovered(view: View, notices: Notices) -> tuple[View, Notices]:
    """What is left to see: nothing goes before the curtain, and no notice before an alert.

    Which of two cards in one layer is above is the compositor's choice, so one that must not be seen must not be there.
    """
    if view.curtain:
        return replace(view, cover=Cover.NOTHING, corner_code=None, corner_problem=None, tickers=()), Notices()
    return view, Notices() if view.cover is Cover.ALERT else notices


def _pairing(size: tuple[int, int], told: CardFacts, now: datetime) -> Image:
    from player.stage.cards import catalogue as cards

    return cards.pairing_card(
        size, code=told.pairing_code or "", server_name=told.server_name, server_url=told.server_url, pair_url=told.pair_url,
        device_name=told.device_name, address=told.address, network=told.network, now=now, box_id=told.box_id,
    )  # fmt: skip


def _known(problem: Problem | None) -> Problem:
    if problem is None:
        raise BoxError("stage", "a card about a problem without one")
    return problem


def _plane(colour: str) -> Image:
    import PIL.Image

    return PIL.Image.new("RGBA", (1, 1), colour)


def _glass(dimmed: int) -> Image:
    """What takes so many per cent of the light away."""
    import PIL.Image

    return PIL.Image.new("RGBA", (1, 1), (0, 0, 0, round(255 * dimmed / 100)))


def _corner(size: tuple[int, int], anchor: Anchor) -> Place:
    edge = min(size) // 30
    return Place(Layer.TOP, anchor, (edge, edge, edge, edge))


def _drawn(draw: Callable[[], Image]) -> Picture:
    return _picture(draw())


def _picture(image: Image) -> Picture:
    from player.stage.cards import catalogue as cards

    return Picture(image.width, image.height, cards.overlay_bytes(image))
