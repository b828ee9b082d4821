"""Spotwatch's words: the messages that it pushes or keeps in a queue, in all its forms of time. Pure.

A message that lacks what the document promises costs itself. An advertisement may come whole, in part, or by its id alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from player.cms.wire import Number, Rows, Table, Text, Truth, Wire, instant, rows, table, text
from player.core.triggers import Broadcast

SOURCE, BROADCAST = "spotwatch", "broadcast"
AD_FIELDS = ("id", "brand", "description", "categories", "duration", "self_promo", "media")  # that rules ask for
NEEDED = ("brand", "categories", "duration")  # without these in a message the advertisement is asked for
WORDS, CATEGORIES = 300, 50
_PLAIN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_PATH = re.compile(r"/[\w~.-]{1,200}")


class WireAd(Wire):
    """An advertisement that was recognised, as the message describes it."""

    id: Text = None
    brand: Text = None
    description: Text = None
    categories: Rows = None
    duration: Number = None
    self_promo: Truth = None
    media: Table = Field(default_factory=dict)


class WireBroadcast(Wire):
    """One showing of it. The fields that begin with `ad_` are what it tells of the advertisement itself."""

    id: Text = None
    time: Any = None
    region: Text = None
    channel: Text = None
    ad: Text = None
    program: Text = None
    genre: Text = None
    subgenre: Text = None
    ad_brand: Text = None
    ad_categories: Rows = None
    ad_description: Text = None
    ad_duration: Number = None


class WireMessage(Wire):
    """What a push says, or an entry of the queue holds, as its `message`."""

    broadcast: Table = Field(default_factory=dict)
    timings: Table = Field(default_factory=dict)
    ad: Any = None


@dataclass(frozen=True, slots=True)
class ReadBroadcast:
    """A broadcast; `lacks_ad`: what rules may ask of its advertisement did not come with it."""

    broadcast: Broadcast
    lacks_ad: bool


@dataclass(frozen=True, slots=True)
class Illegible:
    """No broadcast: `sort` of one that is known to be another thing, else why it cannot be read."""

    reason: str
    sort: str = ""


def masked(value: Any) -> str:
    """A path that stands for a request, as the document has them; "" for anything else, which may lead to another host."""
    found = text(value) or ""
    return found if _PATH.fullmatch(found) else ""


def messages_of(body: Any) -> Sequence[Any]:
    """The messages in a push, in the answer of the queue, in a list, or one by itself; each as `read` takes it."""
    if isinstance(body, list):
        return body
    found = rows(body.get("messages")) if isinstance(body, Mapping) else None
    return [body] if found is None else found


def read(message: Any, zone: ZoneInfo, now: float, base: str) -> ReadBroadcast | Illegible:
    """One message. `zone`: of times that name none; `now`: when it came; `base`: the server's address."""
    if not isinstance(message, Mapping):
        return Illegible("it is no object")
    sort = message.get("push_type", BROADCAST)
    if sort != BROADCAST:
        return Illegible("", str(sort)[:60] or "without a name")
    said = message.get("message", message)
    if not isinstance(said, Mapping):
        return Illegible("it holds no message")
    whole = WireMessage.model_validate(said)
    shown, given = WireBroadcast.model_validate(whole.broadcast), table(whole.ad)
    if shown.id is None:
        return Illegible("its broadcast has no id")
    if "detected" in whole.timings and instant_of(whole.timings["detected"], zone) is None:
        return Illegible("the time of its detection cannot be read")
    detected = instant_of(whole.timings.get("detected"), zone)
    broadcast = Broadcast(
        SOURCE, shown.id, shown.ad or text(whole.ad) or "", _short(shown.ad_brand), _short(shown.ad_description),
        _words(shown.ad_categories), _short(shown.channel), _short(shown.region), _short(shown.program),
        tuple(_short(one) for one in (shown.genre, shown.subgenre) if one), shown.ad_duration, None,
        instant_of(shown.time, zone) if detected is None else detected, now,
    )  # fmt: skip
    lacks = not all(name in given or f"ad_{name}" in whole.broadcast for name in NEEDED)
    return ReadBroadcast(with_ad(broadcast, given, base), lacks and bool(broadcast.ad_id))


def with_ad(broadcast: Broadcast, given: Mapping[str, Any], base: str) -> Broadcast:
    """The same with what is told of its advertisement."""
    ad = WireAd.model_validate(given)
    picture = table(ad.media.get("image"))
    path = masked(picture.get("preview_xs")) or masked(picture.get("preview"))
    return replace(
        broadcast,
        ad_id=broadcast.ad_id or ad.id or "",
        brand=_short(ad.brand) or broadcast.brand,
        description=_short(ad.description) or broadcast.description,
        category=_words(ad.categories) or broadcast.category,
        duration_s=broadcast.duration_s if ad.duration is None else ad.duration,
        self_promo=broadcast.self_promo if ad.self_promo is None else ad.self_promo,
        preview=base.rstrip("/") + path if path else broadcast.preview,
    )


def instant_of(value: Any, zone: ZoneInfo) -> float | None:
    """Seconds since the epoch, of ISO 8601, of a number, or of a wall clock's time in `zone`; None where it is none of these."""
    if isinstance(value, str) and _PLAIN.fullmatch(value.strip()):
        try:
            return datetime.fromisoformat(value.strip()).replace(tzinfo=zone).astimezone(UTC).timestamp()
        except (ValueError, OverflowError):
            return None
    return instant(value)


def _short(value: str | None) -> str:
    return (value or "")[:WORDS]


def _words(values: Sequence[Any] | None) -> tuple[str, ...]:
    found = (text(one) for one in (values or ())[:CATEGORIES])
    return tuple(one[:WORDS] for one in found if one)
