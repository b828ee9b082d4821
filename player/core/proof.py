"""Proof of play: the event, the chain that makes edits and gaps show, and what goes when the limit is reached. Pure.

Every event holds the hash of the one before it (`prev`) and its own: SHA-256 over the canonical JSON (keys sorted, no spaces,
UTF-8) of everything but `hash`, `key_id` and `signature`. The chain is tamper-evident, not tamper-proof against whoever holds the
whole device. Plays that the box itself lost leave their numbers free: the event after them says how many (`lost`), under its hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from player.core.content import Item
from player.core.cues import PlayRecord

GENESIS = "0" * 64
CLOSING = "closing"


def event(
    record: PlayRecord, *, seq: int, dice: bytes, prev: str, lost: int, playlist_id: str, zone: str, screen_on: bool,
    clock_synced: bool, trigger: Mapping[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """One showing as the event of the contract. `dice`: ten random bytes for its id (a UUIDv7); `lost`: plays before it.

    `trigger`: what put it on at once, in the words of the contract.
    """
    item = record.item
    body: dict[str, Any] = {
        "id": uuid7(int(record.started.wall * 1000), dice),
        "seq": seq,
        "playlist_id": as_written(item, "playlist_id", playlist_id),
        "item_id": as_written(item, "item_id", item.id),
        "content_id": as_written(item, "content_id", item.content_id),
        "name": item.name,
        "type": item.kind.value,
        "file_hash": item.file_hash or item.asset,
        "zone": zone,
        "started_at": timestamp(record.started.wall),
        "ended_at": timestamp(record.ended.wall),
        "duration_ms": max(0, round((record.ended.mono - record.started.mono) * 1000)),
        "planned_ms": round(record.planned_s * 1000),
        "result": record.result.value,
        "screen_on": screen_on,
        "clock": "synced" if clock_synced else "unsynced",
        "prev": prev,
    }
    optional = {
        "reason": record.reason,
        "schedule_id": as_written(item, "schedule_id", item.schedule_id),
        "campaign_id": as_written(item, "campaign_id", item.campaign_id),
        "server": item.server,
        "lost": lost or None,
        "trigger": dict(trigger) if trigger else None,
    }
    body.update({key: value for key, value in optional.items() if value is not None})
    body["hash"] = digest(body)
    return body


def as_written(item: Item, name: str, text: str | None) -> str | int | None:
    """An id as the item's server writes it: a number goes back as a number. A page of a document has an id of our own."""
    return int(text) if text is not None and name in item.numbers and text.removeprefix("-").isdigit() else text


def digest(body: Mapping[str, Any]) -> str:
    """The hash of an event: over all of it but `hash`, `key_id` and `signature`."""
    bare = {key: value for key, value in body.items() if key not in ("hash", "key_id", "signature")}
    return hashlib.sha256(json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def timestamp(wall: float) -> str:
    """Seconds since the epoch -> ISO 8601, UTC, milliseconds."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def uuid7(milliseconds: int, dice: bytes) -> str:
    """A UUID version 7 (RFC 9562 §5.7): the time in front, so that ids sort as they were made."""
    value = (milliseconds & (2**48 - 1)) << 80 | int.from_bytes(dice[:10], "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def closing(count: int, first_hash: str, last_hash: str, at: float) -> dict[str, Any]:
    """The record that ends an export and goes with each heartbeat: signed, it makes a cut beginning or end of the events show.

    `count`: how many events there are from the one with `first_hash` to the one with `last_hash`; `at`: seconds since the epoch.
    """
    body = {"record": CLOSING, "count": count, "first_hash": first_hash, "last_hash": last_hash, "closed_at": timestamp(at)}
    return {**body, "hash": digest(body)}


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the proof does not hold: at which event (0: one without a number), and what is wrong."""

    seq: int
    reason: str


def verify(events: Iterable[Mapping[str, Any]]) -> list[Break]:
    """Every break in a run of events, in order. The first event's `prev` is taken as given: older ones may have been dropped.

    Plays that an event itself says are lost before it are none.
    """
    breaks = []
    before: Mapping[str, Any] | None = None
    for body in events:
        seq, last = number(body), number(before or {})
        if not _has_its_hash(body):
            breaks.append(Break(seq, "the event was altered: its hash does not match its content"))
        if before is not None and seq != last + lost_before(body) + 1:
            breaks.append(Break(seq, f"events are missing between {last} and {seq}"))
        elif before is not None and body.get("prev") != before.get("hash"):
            breaks.append(Break(seq, "does not follow the event before it"))
        before = body
    return breaks


def number(body: Mapping[str, Any]) -> int:
    """An event's number in the chain; 0 where it has none."""
    seq = body.get("seq")
    return seq if type(seq) is int else 0


def lost_before(body: Mapping[str, Any]) -> int:
    """How many plays the box lost before this one, as it says itself."""
    lost = body.get("lost")
    return lost if type(lost) is int and lost > 0 else 0


def _has_its_hash(body: Mapping[str, Any]) -> bool:
    try:
        return digest(body) == body.get("hash")
    except (ValueError, RecursionError):  # half a character of UTF-16, or one inside another without end
        return False
