"""Servers' words for values, and the limits within which we take them: transitions, fits, colours, addresses, pages. Pure."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from player.cms.wire import number, table, text
from player.core.content import Fit, TransitionKind, WebOptions
from player.core.kinds import Kind

DAY_S = 86_400.0
_PAGE_SCHEMES = ("http", "https")
_STREAM_SCHEMES = ("http", "https", "rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp", "rtp")
_TRANSITIONS = {
    "none": TransitionKind.CUT,
    "cut": TransitionKind.CUT,
    "instant": TransitionKind.CUT,
    "fade": TransitionKind.CROSSFADE,
    "crossfade": TransitionKind.CROSSFADE,
    "dissolve": TransitionKind.CROSSFADE,
    "fade_black": TransitionKind.FADE,
    "fade_through_black": TransitionKind.FADE,
    "dip": TransitionKind.FADE,
    "slide": TransitionKind.SLIDE_LEFT,
    **{kind.value: kind for kind in TransitionKind if kind is not TransitionKind.FADE},
}


_AS_IT_IS = WebOptions()


def transition_kind(word: str) -> TransitionKind | None:
    """`fade` is what servers call our crossfade; None for a word that we do not know."""
    return _TRANSITIONS.get(re.sub(r"[\s-]+", "_", word.strip().lower()))


def byte_count(size: float | None) -> int | None:
    """A size in bytes, None where it is not a sensible one."""
    return round(size) if size is not None and 0 < size < 2**50 else None


def allowed(address: str, kind: Kind) -> bool:
    """Whether an address has a host and a scheme that this kind may use."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and parts.scheme in (_STREAM_SCHEMES if kind.is_stream else _PAGE_SCHEMES)


def whole(value: Any, default: int) -> int:
    """A positive whole number, at most 65536; `default` where it is none."""
    read = number(value)
    return min(max(round(read), 0), 65536) if read is not None and read >= 1 else default


def percent(value: float | None) -> int:
    """`value` as a whole number from 0 to 100, which it is where there is none."""
    return 100 if value is None else min(max(round(value), 0), 100)


def fit(word: str | None) -> Fit | None:
    """None for a word that we do not know."""
    words = {"contain": Fit.CONTAIN, "cover": Fit.COVER, "stretch": Fit.STRETCH, "fill": Fit.STRETCH}
    return words.get((word or "").strip().lower())


def colour(value: Any) -> str:
    """#rrggbb; black where it is none."""
    return value.lower() if isinstance(value, str) and re.fullmatch(r"#[0-9A-Fa-f]{6}", value) else "#000000"


def web_options(value: Any) -> WebOptions:
    """How a page is opened, within limits; header names and values hold no line breaks."""
    raw = table(value)
    if not raw:
        return _AS_IT_IS
    zoom, scroll, reload_s = number(raw.get("zoom")), number(raw.get("scroll_y")), number(raw.get("reload_s"))
    headers = {k: v for k, v in table(raw.get("headers")).items() if isinstance(v, str) and not re.search(r"[\r\n\0]", k + v)}
    return WebOptions(
        zoom=min(max(zoom, 0.25), 5.0) if zoom is not None else 1.0,
        scroll_y=min(max(round(scroll or 0), 0), 100_000),
        reload_s=min(max(reload_s or 0.0, 0.0), DAY_S),
        user_agent=text(raw.get("user_agent")),
        headers=headers,
    )
