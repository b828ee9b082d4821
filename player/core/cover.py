"""What covers what on the screen: alert, lock pad, content, a problem, pairing, progress, idle. Pure.

The order is the player's promise: an emergency alert is above everything; the lock pad above content; a problem and the pairing
code fill the screen only while there is nothing to play, else they stand in a corner; and the idle card lies behind it all, so that
there is never black.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from player.core import alerts
from player.core.brief import Alert, StageBrief
from player.core.problem import CODE_STAYS_S, Problem, Trouble


class StageState(StrEnum):
    """What the screen shows, in one word; the values are those of `GET /api/status`."""

    PAIRING = "pairing"  # the code, for there is nothing else to show
    PLAYING = "playing"
    IDLE = "idle"
    ALERT = "alert"  # an emergency alert over everything
    SAFE_MODE = "safe_mode"


class Cover(StrEnum):
    """The card over the content; `NOTHING`: content is seen."""

    NOTHING = ""
    ALERT = "alert"
    LOCK_PAD = "lock_pad"
    PAIRING = "pairing"
    PROBLEM = "problem"
    PROGRESS = "progress"
    SAFE_MODE = "safe_mode"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class View:
    """What is to be seen.

    `problem` is told on the card of that name, and so is `progress`: how many files are here, and how many there are. `stills`: see
    `SafeMode`.
    """

    state: StageState
    cover: Cover = Cover.NOTHING
    alert: Alert | None = None
    corner_code: str | None = None
    corner_problem: Problem | None = None
    problem: Problem | None = None
    progress: tuple[int, int] = (0, 0)
    stills: tuple[str, ...] = ()
    tickers: tuple[Alert, ...] = ()
    curtain: bool = False


def view(
    brief: StageBrief, at: float, *, trouble: Trouble, card_after_s: float, has_content: bool, pad_open: bool, clock_trusted: bool
) -> View:
    """What is to be seen at `at` (seconds since the epoch). With a clock not to be trusted alerts are shown.

    A problem that has lasted `card_after_s` seconds stands in a corner beside content; 0: never.
    """
    takeover, tickers = alerts.split(alerts.active(brief.alerts, at, clock_trusted=clock_trusted))
    curtain = not brief.settings.screen_on
    if takeover:
        return View(StageState.ALERT, Cover.ALERT, takeover, curtain=curtain)
    base = _of_content(brief, trouble, card_after_s, has_content=has_content)
    if pad_open:
        return replace(base, cover=Cover.LOCK_PAD, curtain=curtain)
    return replace(base, tickers=tickers, curtain=curtain)


def _of_content(brief: StageBrief, trouble: Trouble, card_after_s: float, *, has_content: bool) -> View:
    if trouble.safe is None:
        return _beside_content(brief, trouble, card_after_s) if has_content else _instead_of_content(brief, trouble)
    stills = trouble.safe.stills
    corner = trouble.problem if stills and 0 < card_after_s <= trouble.lasted_s else None
    return View(StageState.SAFE_MODE, Cover.SAFE_MODE, corner_problem=corner, problem=trouble.problem, stills=stills)


def _beside_content(brief: StageBrief, trouble: Trouble, card_after_s: float) -> View:
    code = brief.cards.pairing_code if brief.cards.paired is False else None
    lasts = 0 < card_after_s <= trouble.lasted_s
    return View(StageState.PLAYING, corner_code=code, corner_problem=trouble.problem if lasts and code is None else None)


def _instead_of_content(brief: StageBrief, trouble: Trouble) -> View:
    unpaired, code = brief.cards.paired is False, brief.cards.pairing_code
    if trouble.problem and not (unpaired and code and trouble.lasted_s < CODE_STAYS_S):
        return View(StageState.IDLE, Cover.PROBLEM, problem=trouble.problem)
    if unpaired or (trouble.heard and not brief.cards.paired):
        return View(StageState.PAIRING, Cover.PAIRING)
    if trouble.ready < trouble.total:
        return View(StageState.IDLE, Cover.PROGRESS, progress=(trouble.ready, trouble.total))
    return View(StageState.IDLE, Cover.IDLE)
