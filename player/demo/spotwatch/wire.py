"""How Spotwatch writes things: objects with the fields that are asked for, three forms of time, arguments, refusals as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from player.demo.spotwatch.day import DayAd, DayBlock
from player.demo.spotwatch.replay import Seen

Arguments = Mapping[str, Any]
PROGRAM_FIELDS = ("program", "genre", "subgenre")
TIME_FORMATS = ("iso8601", "unix", "plain")


class SpotwatchDeclined(Exception):
    """A refusal: HTTP's number, and a sentence."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.sentence, self.status = sentence, status


def needed(arguments: Arguments, *names: str) -> list[Any]:
    """The values of these arguments. Raises SpotwatchDeclined as the document shows it."""
    missing = [name for name in names if arguments.get(name) in (None, "")]
    if missing:
        expected, got = ", ".join(("key", *names)), ", ".join(sorted(arguments))
        raise SpotwatchDeclined(f"Argument(s) missing. Expected [{expected}], got [{got}], missing [{', '.join(missing)}].")
    return [arguments[name] for name in names]


def words(arguments: Arguments, name: str) -> list[str]:
    """A list, or words with commas between them; [] where it was not given."""
    value = arguments.get(name)
    if value is None:
        return []
    found = value if isinstance(value, list) else str(value).split(",")
    return [str(one).strip() for one in found if str(one).strip()]


def whole(value: Any, name: str) -> int:
    """A whole number. Raises SpotwatchDeclined."""
    try:
        return int(str(value))
    except ValueError as error:
        raise SpotwatchDeclined(f"Invalid argument [{name}], expected an integer.") from error


def moment(arguments: Arguments, name: str) -> float | None:
    """A date argument: ISO 8601, unix, or a day. Raises SpotwatchDeclined."""
    value = arguments.get(name)
    if value in (None, ""):
        return None
    text = str(value)
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC).timestamp()
        return float(text) if re.fullmatch(r"\d{1,11}", text) else datetime.fromisoformat(text).astimezone(UTC).timestamp()
    except ValueError as error:
        raise SpotwatchDeclined(f"Invalid argument [{name}], expected a date.") from error


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes for one call: in which form times are, and the zone of the key."""

    time_fmt: str
    zone: ZoneInfo

    def time(self, at: float) -> str | int:
        """One instant."""
        if self.time_fmt == "unix":
            return int(at)
        if self.time_fmt == "plain":
            return datetime.fromtimestamp(at, self.zone).strftime("%Y-%m-%d %H:%M:%S")
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def broadcast(self, seen: Seen, fields: Iterable[str]) -> dict[str, Any]:
        """One showing; `fields` (): all but those of its programme and its advertisement."""
        one, block, ad = seen.showing, seen.showing.block, seen.showing.ad
        whole_one = {
            "id": one.id, "time": self.time(seen.at), "region": block.region, "channel": block.channel, "ad": ad.id,
            "block": block.id, "blockindex": one.index, "block_length": len(block.ads), "pic_in_pic": False,
            "ad_brand": ad.brand, "ad_categories": [ad.category], "ad_description": ad.description, "ad_duration": ad.duration,
            "ad_user_payload": "", **_program(block),
        }  # fmt: skip
        usual = ("id", "time", "region", "channel", "ad", "block", "blockindex", *PROGRAM_FIELDS)
        return chosen(whole_one, fields, usual)

    def ad(self, ad: DayAd, past: Sequence[Seen], fields: Iterable[str], broadcast_fields: Iterable[str]) -> dict[str, Any]:
        """One advertisement and where it was seen."""
        mine = [seen for seen in past if seen.showing.ad.id == ad.id]
        inner = list(broadcast_fields) or ["id", "time", "region", "channel", "ad", "block", "blockindex"]
        shown = set(fields)
        made: dict[str, Any] = {
            "id": ad.id, "duration": ad.duration, "brand": ad.brand, "description": ad.description, "categories": [ad.category],
            "regions": sorted({seen.showing.block.region for seen in mine}), "self_promo": ad.self_promo, "url": "",
            "nbroadcasts": len(mine), "related": [], "cross_region_ads": {}, "user_payload": "", "media": media(ad),
        }  # fmt: skip
        if mine:
            made |= {"created": self.time(mine[0].at), "lastseen": self.time(mine[-1].at)}
        if not shown or "broadcasts" in shown:
            made["broadcasts"] = [self.broadcast(seen, inner) for seen in mine]
        return chosen(made, fields, tuple(made))

    def block(self, seen: Seen, ads: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """A break, of which `seen` is a showing."""
        block = seen.showing.block
        began = seen.block_began
        return {
            "id": block.id, "region": block.region, "channel": block.channel, "start": self.time(began),
            "finish": self.time(began + block.ends - block.begins), **_program(block), "ads": list(ads),
        }  # fmt: skip

    def message(self, seen: Seen, detected: float, ad_fields: Iterable[str]) -> dict[str, Any]:
        """What a push says of a showing."""
        usual = ("id", "duration", "brand", "description", "categories", "media")
        ad = chosen(self.ad(seen.showing.ad, (), (*usual, "self_promo"), ()), ad_fields, usual)
        times = {"start": seen.at, "end": seen.at + seen.showing.ad.duration, "detected": detected}
        return {"broadcast": self.broadcast(seen, ()), "timings": {name: self.time(at) for name, at in times.items()}, "ad": ad}


def media(ad: DayAd) -> dict[str, Any]:
    """Where its pictures are; there are no videos."""
    return {"video": None, "image": {name: picture_path(ad.id, name) for name in ("preview", "preview_xs", "grid", "grid_xs")}}


def picture_path(ad: int, name: str) -> str:
    """A path that says nothing of what it leads to, as masked ones do."""
    return f"/p{ad:x}{name.replace('_', '')}"


def chosen(made: Mapping[str, Any], fields: Iterable[str], usual: Sequence[str]) -> dict[str, Any]:
    """Of an object what is asked for; unknown names are passed over."""
    wanted = list(fields) or usual
    return {name: made[name] for name in wanted if name in made}


def _program(block: DayBlock) -> dict[str, str]:
    return {"program": block.program, "genre": block.genre, "subgenre": block.subgenre}


async def arguments_of(request: web.Request) -> dict[str, Any]:
    """Those of the query and of a body of JSON, and the key, wherever it stands. Raises SpotwatchDeclined."""
    found: dict[str, Any] = dict(request.query)
    body = await request.read()
    if body:
        try:
            said = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise SpotwatchDeclined("Invalid JSON.") from error
        if not isinstance(said, dict):
            raise SpotwatchDeclined("Invalid JSON, expected an object.")
        found |= said
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "key" and key:
        found["key"] = key
    return found


def csv(rows: Sequence[Mapping[str, Any]], delimiter: str) -> str:
    """Quoted, with a head."""
    names = list(rows[0]) if rows else []
    lines = [names, *([str(row[name]) for name in names] for row in rows)]
    return "".join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in line) + "\n" for line in lines)
