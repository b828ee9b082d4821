"""Whether an export of proof of play holds: its lines -> what was checked, and every break. Pure.

Whatever a line holds is judged and never believed: a name that stands twice, a number that is not whole, a value in place of a text
or nested without end is a break at that line, since two programs could read it as two different things.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from player.core.proof import CLOSING, Break, lost_before, number, verify

WHOLE = ("seq", "duration_ms", "planned_ms", "lost")
TEXTS = ("id", "hash", "prev", "started_at", "ended_at", "result")
Signed = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Checked:
    """What an export holds and what of it was looked at. `breaks`: where it does not hold, as sentences.

    `signatures`: how many events carry one; `keyed`: whether they were checked; `closed`: whether a closing record ends it; `lost`:
    how many plays the box lost, by its own word.
    """

    events: int
    span: str
    signatures: int
    keyed: bool
    closed: bool
    lost: int
    breaks: tuple[str, ...]

    def __str__(self) -> str:
        held = f"{len(self.breaks)} breaks" if self.breaks else "the chain holds"
        keyed = "checked" if self.keyed else "not checked: give their public key with --key"
        end = "closing record checked" if self.closed else "no closing record: what may be missing at the end is not known"
        lost = f"; {self.lost} plays were lost, as the box says itself" if self.lost else ""
        return f"{self.events} events, {self.span}: {held}{lost}; {self.signatures} signatures {keyed}; {end}"


def check(lines: Iterable[bytes], signed: Signed | None) -> Checked:
    """`lines` as `proof export --format jsonl` writes them; `signed` says whether a record carries the right key's signature."""
    records, breaks = _read(lines)
    ends = bool(records) and records[-1].get("record") == CLOSING
    closing, events = (records[-1], records[:-1]) if ends else (None, records)
    found = verify(events)
    if signed is not None:
        found += [Break(number(event), _unsigned(event)) for event in events if not signed(event)]
    breaks += [f"event {one.seq}: {one.reason}" for one in found]
    if closing is None:
        breaks += ["the end: there is no closing record; events may be missing there"] if records else []
    else:
        breaks += [f"the closing record: {reason}" for reason in _closing_breaks(closing, events, signed)]
    span = f"{events[0].get('started_at')} to {events[-1].get('ended_at')}" if events else "none"
    signatures = sum(1 for event in events if event.get("signature"))
    lost = sum(map(lost_before, events))
    return Checked(len(events), span, signatures, signed is not None, closing is not None, lost, tuple(breaks))


def _unsigned(record: Mapping[str, Any]) -> str:
    return "its signature is not by this key" if record.get("signature") else "it is not signed"


def _closing_breaks(closing: Mapping[str, Any], events: Sequence[Mapping[str, Any]], signed: Signed | None) -> list[str]:
    breaks = [f"it {one.reason.removeprefix('the event ')}" for one in verify([closing])]
    if closing.get("count") != len(events):
        breaks.append(f"it counts {closing.get('count')} events, and there are {len(events)}")
    ends = (events[0].get("hash"), events[-1].get("hash")) if events else (None, None)
    if (closing.get("first_hash"), closing.get("last_hash")) != ends:
        breaks.append("it names another first or last event")
    if signed is not None and not signed(closing):
        breaks.append(_unsigned(closing))
    return breaks


def _read(lines: Iterable[bytes]) -> tuple[list[Mapping[str, Any]], list[str]]:
    records: list[Mapping[str, Any]] = []
    breaks = []
    for place, line in enumerate(lines, 1):
        try:
            records.append(_record(line))
        except (ValueError, RecursionError) as error:
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
            breaks.append(f"line {place}: {reason}")
    return records, breaks


def _record(line: bytes) -> Mapping[str, Any]:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_float=_not_whole, parse_constant=_not_whole)
    except json.JSONDecodeError:
        raise ValueError("it is not JSON; expected what `proof export --format jsonl` writes") from None
    if not isinstance(found, dict):
        raise ValueError("it is not an event; expected what `proof export --format jsonl` writes")  # noqa: TRY004 - a break, as the others are
    if found.get("record") != CLOSING:
        _must_be(found, WHOLE, int, "a whole number")
        _must_be(found, TEXTS, str, "a text")
    return found


def _must_be(found: Mapping[str, Any], names: Iterable[str], kind: type, words: str) -> None:
    for name in names:
        if name in found and type(found[name]) is not kind:
            raise ValueError(f"its {name} is not {words}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise ValueError(f'"{twice}" stands twice in it')
    return dict(pairs)


def _not_whole(text: str) -> NoReturn:
    raise ValueError(f"it holds {text[:20]}, which is not a whole number")
