"""Emergency alerts: which are active, what a server's list changes, what to show (contract §3.8). Pure.

An alert lives until it expires or the server no longer lists it. While the clock is not trusted its times cannot be judged, and
an alert that somebody listed is shown rather than withheld.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from player.core.brief import Alert, Severity

_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def merge(held: Sequence[Alert], listed: Sequence[Alert] | None, now: float, *, clock_trusted: bool) -> tuple[Alert, ...]:
    """What is held after the server listed its alerts; None: it did not say, and what is held stays until it expires.

    A picture that is here already stays with its alert. Gravest first.
    """
    if listed is None:
        listed = held
    pictures = {alert.id: alert.image for alert in held}
    kept = [replace(alert, image=alert.image or pictures.get(alert.id)) for alert in listed]
    return tuple(sorted((a for a in kept if not (clock_trusted and _expired(a, now))), key=_rank))


def active(alerts: Iterable[Alert], now: float, *, clock_trusted: bool) -> tuple[Alert, ...]:
    """Those to be seen at `now`, gravest first."""
    seen = (a for a in alerts if not clock_trusted or (not _expired(a, now) and (a.starts_at is None or a.starts_at <= now)))
    return tuple(sorted(seen, key=_rank))


def split(alerts: Iterable[Alert]) -> tuple[Alert | None, tuple[Alert, ...]]:
    """Of active alerts: the one that takes the screen over, and those that run as a ticker."""
    ordered = sorted(alerts, key=_rank)
    return next((a for a in ordered if a.severity.takes_over), None), tuple(a for a in ordered if not a.severity.takes_over)


def next_change(alerts: Iterable[Alert], now: float) -> float | None:
    """When the answer of `active` changes next (seconds since the epoch), None when it does not."""
    times = (t for a in alerts for t in (a.starts_at, a.expires_at) if t is not None and t > now)
    return min(times, default=None)


def with_image(alerts: Iterable[Alert], alert_id: str, image: str) -> tuple[Alert, ...]:
    """The alerts, one of them with its picture (a path below the cache folder)."""
    return tuple(replace(a, image=image) if a.id == alert_id else a for a in alerts)


def _expired(alert: Alert, now: float) -> bool:
    return alert.expires_at is not None and alert.expires_at <= now


def _rank(alert: Alert) -> tuple[int, float, str]:
    return _RANK[alert.severity], alert.starts_at or 0.0, alert.id
