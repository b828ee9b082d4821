"""What covers what on the screen: alert, lock pad, pairing, content, idle. Pure.

The order is the player's promise: an emergency alert is above everything; the lock pad above content; the pairing code fills the
screen only while there is nothing to play, else it stands in a corner; and the idle card lies behind it all, so that there is
never black.
"""

from __future__ import annotations

from dataclasses import dataclass

from player.core.content import Alert, Orders, Severity

_RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class View:
    """`state` as in `GET /api/status`; `cover` names the card over the content (None: content is seen)."""

    state: str
    cover: str | None = None
    alert: Alert | None = None
    corner_code: str | None = None
    tickers: tuple[Alert, ...] = ()
    curtain: bool = False


def view(orders: Orders, at: float, *, has_content: bool, pad_open: bool) -> View:
    """What is to be seen at `at` (seconds since the epoch)."""
    alerts = active_alerts(orders.alerts, at)
    takeover = next((alert for alert in alerts if alert.severity.takes_over), None)
    tickers = tuple(alert for alert in alerts if not alert.severity.takes_over)
    unpaired = orders.paired is False and orders.pairing_code is not None
    corner = orders.pairing_code if unpaired and has_content else None
    if takeover:
        return View("alert", "alert", takeover, curtain=not orders.screen_on)
    base = "playing" if has_content else "pairing" if unpaired else "idle"
    cover = "lock_pad" if pad_open else None if has_content else base
    return View(base, cover, None, corner, tickers, curtain=not orders.screen_on)


def active_alerts(alerts: tuple[Alert, ...], at: float) -> tuple[Alert, ...]:
    """Those in force at `at`, the gravest first."""
    in_force = [a for a in alerts if (a.starts_at is None or a.starts_at <= at) and (a.expires_at is None or at < a.expires_at)]
    return tuple(sorted(in_force, key=lambda a: _RANK[a.severity]))


def next_alert_change(alerts: tuple[Alert, ...], at: float) -> float | None:
    """When an alert next begins or expires (seconds since the epoch), or None."""
    edges = [edge for a in alerts for edge in (a.starts_at, a.expires_at) if edge is not None and edge > at]
    return min(edges, default=None)
