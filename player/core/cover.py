"""What covers what on the screen: alert, lock pad, pairing, content, idle. Pure.

The order is the player's promise: an emergency alert is above everything; the lock pad above content; the pairing code fills the
screen only while there is nothing to play, else it stands in a corner; and the idle card lies behind it all, so that there is
never black.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from player.core import alerts
from player.core.content import Alert, StageBrief


class StageState(StrEnum):
    """What the screen shows, in one word; the values are those of `GET /api/status`."""

    PAIRING = "pairing"  # the code, for there is nothing else to show
    PLAYING = "playing"
    IDLE = "idle"
    ALERT = "alert"  # an emergency alert over everything
    SAFE_MODE = "safe_mode"


@dataclass(frozen=True, slots=True)
class View:
    """What is to be seen; `cover` names the card over the content (None: content is seen)."""

    state: StageState
    cover: str | None = None
    alert: Alert | None = None
    corner_code: str | None = None
    tickers: tuple[Alert, ...] = ()
    curtain: bool = False


def view(brief: StageBrief, at: float, *, has_content: bool, pad_open: bool, clock_trusted: bool) -> View:
    """What is to be seen at `at` (seconds since the epoch). With a clock not to be trusted alerts are shown."""
    takeover, tickers = alerts.split(alerts.active(brief.alerts, at, clock_trusted=clock_trusted))
    unpaired = brief.cards.paired is False and brief.cards.pairing_code is not None
    corner = brief.cards.pairing_code if unpaired and has_content else None
    if takeover:
        return View(StageState.ALERT, "alert", takeover, curtain=not brief.settings.screen_on)
    base = StageState.PLAYING if has_content else StageState.PAIRING if unpaired else StageState.IDLE
    cover = "lock_pad" if pad_open else None if has_content else base.value
    return View(base, cover, None, corner, () if pad_open else tickers, curtain=not brief.settings.screen_on)
