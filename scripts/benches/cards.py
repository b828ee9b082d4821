"""What the player draws itself: a card's processor time, and how long its loop stands while a feed is drawn in a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from player.core.brief import Alert, Severity
from player.stage.cards.alert import alert_card
from player.stage.cards.lock_pad import lock_pad
from player.stage.cards.pairing import pairing_card
from player.stage.drawn.bands import Style, draw_band
from scripts.benches.figures import Figure, Required, middle, quantile

SIZE = (1920, 1080)
TIMES = 4  # for each run that is asked for
TURN_S = 0.005
BAND = Style((1920, 80), (0, 0, 128), (246, 250, 252))
FEED = tuple(f"Headline {number} " + "word " * 40 for number in range(50))
ALERT = Alert("a", "Storm", "Please leave the building by the nearest exit and meet at assembly point C. " * 5, Severity.SEVERE)
NOW = datetime(2026, 11, 21, 9, 41, tzinfo=UTC)
PAIRING = {
    "server_name": "AdCast", "server_url": "https://signage.example.com", "pair_url": "https://signage.example.com/pair",
    "device_name": "Lobby", "address": "10.0.0.7", "network": "Ethernet", "box_id": "3f6c1a9e",
}  # fmt: skip


def cards(runs: int) -> list[Figure]:
    """A card within 150 ms of the processor; a loop that turns every 50 ms, 9 times of 10."""
    drawn: dict[str, Callable[[], object]] = {
        "pairing": lambda: pairing_card(SIZE, code="7B2X4A", now=NOW, **PAIRING),
        "lock": lambda: lock_pad(SIZE, entered=1, wait_s=0, message=""),
        "alert": lambda: alert_card(SIZE, ALERT, None),
    }
    for draw in drawn.values():
        draw()  # the fonts are open afterwards, as in a stage that runs
    name, took = max(((name, _took(draw, runs)) for name, draw in drawn.items()), key=lambda found: middle(found[1]))
    stood = asyncio.run(_stood(runs))
    return [
        Figure("cards", f"the slowest to draw of {len(drawn)}, {name}", middle(took), "ms", required=Required(150), samples=took),
        Figure("cards", "the loop stands, 50 headlines, p90", quantile(stood, 0.9), "ms", required=Required(50), samples=stood),
    ]


def _took(draw: Callable[[], object], runs: int) -> list[float]:
    found = []
    for _ in range(TIMES * runs):
        began = time.process_time()
        draw()
        found.append((time.process_time() - began) * 1000)
    return found


async def _stood(runs: int) -> list[float]:
    """By how many milliseconds each turn was late."""
    late: list[float] = []
    for _ in range(runs):
        drawing = asyncio.ensure_future(asyncio.to_thread(draw_band, FEED, BAND))
        while not drawing.done():
            began = time.monotonic()
            await asyncio.sleep(TURN_S)
            late.append((time.monotonic() - began - TURN_S) * 1000)
        drawing.result().picture.close()
    return late
