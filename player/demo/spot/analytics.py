"""/api/v1/analytics: what was played, seen and there, computed from what players told."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

from aiohttp import web

from player.core.ports.box import Clock
from player.demo.rest import invalid, iso
from player.demo.spot.keyring import Keyring, Signer
from player.demo.spot.lists import Question, asked, one
from player.demo.spot.presence import Presence
from player.demo.spot.wire import ImpressionsQuestion, Period, PlaybackQuestion
from player.demo.store import Row, Store, from_json

DAY_S = 86_400.0
COLUMNS = (
    "id", "player_id", "layout_id", "asset_id", "campaign_id", "name", "type", "zone", "started_at", "ended_at", "duration_ms",
    "result",
)  # fmt: skip


class Analytics:
    """Questions about a period; the CSV is at a signed address."""

    def __init__(self, store: Store, keyring: Keyring, signer: Signer, presence: Presence, clock: Clock) -> None:
        self._store, self._keyring, self._signer = store, keyring, signer
        self._presence, self._clock = presence, clock

    def routes(self) -> list[web.RouteDef]:
        """The paths of this group."""
        base = "/api/v1/analytics"
        return [
            web.get(f"{base}/summary", self.summary),
            web.get(f"{base}/playback", self.playback),
            web.get(f"{base}/playback/export", self.export),
            web.get(f"{base}/players/uptime", self.uptime),
            web.get(f"{base}/impressions", self.impressions),
            web.get(r"/exports/{begins:\d{1,12}}-{ends:\d{1,12}}.csv", self.download),
        ]

    async def summary(self, request: web.Request) -> web.Response:
        """How the network is: players, plays since midnight UTC, uptime over a day."""
        self._keyring.check(request, "read:analytics")
        self._presence.look()
        now = self._clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        shares = [
            self._share(row["id"], now.timestamp() - DAY_S, now.timestamp()) for row in self._store.all("SELECT id FROM players")
        ]
        return one(
            {
                "total_players": len(shares),
                "active_players": self._store.count("SELECT count(*) FROM players WHERE is_online"),
                "plays_today": self._store.count("SELECT count(*) FROM plays WHERE started_at >= ?", midnight),
                "average_uptime": round(sum(shares) / len(shares), 2) if shares else 0.0,
            }
        )

    async def playback(self, request: web.Request) -> web.Response:
        """Plays and their seconds by hour, day or week (UTC; a week begins on Monday)."""
        self._keyring.check(request, "read:analytics")
        question = _checked(await asked(request, PlaybackQuestion))
        found: dict[str, Row] = {}
        for play in self._plays(question, player_id=question.player_id, layout_id=question.layout_id):
            begins = _period(play["started_at"], question.granularity)
            row = found.setdefault(begins, {"period": begins, "plays": 0, "duration_seconds": 0.0})
            row["plays"] += 1
            row["duration_seconds"] = round(row["duration_seconds"] + play["duration_ms"] / 1000, 3)
        return web.json_response({"data": list(found.values()), "meta": {"granularity": question.granularity}})

    async def export(self, request: web.Request) -> web.Response:
        """Where the plays can be had as CSV, for an hour."""
        self._keyring.check(request, "read:analytics")
        question = _checked(await asked(request, Period))
        path = f"/exports/{int(question.begins)}-{int(question.ends)}.csv"
        return one({"url": self._signer.signed(request, path), "expires_at": iso(self._clock.now().timestamp() + 3600)})

    async def download(self, request: web.Request) -> web.Response:
        """The CSV. A cell never begins as a formula does."""
        self._signer.check(request)
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(COLUMNS)
        period = Period.model_validate({"from": request.match_info["begins"], "to": request.match_info["ends"]})
        for play in self._plays(period):
            event = from_json(play["event_json"])
            rows.writerow([_cell(event.get(name, play.get(name))) for name in COLUMNS])
        headers = {"Content-Disposition": 'attachment; filename="playback.csv"'}
        return web.Response(text=text.getvalue(), content_type="text/csv", headers=headers)

    async def uptime(self, request: web.Request) -> web.Response:
        """How much of the period each player was there."""
        self._keyring.check(request, "read:analytics")
        question = _checked(await asked(request, Period))
        self._presence.look()
        rows = []
        for player in self._store.all("SELECT id, name FROM players ORDER BY id"):
            online = round(self._presence.seconds(player["id"], question.begins, question.ends), 1)
            share = self._share(player["id"], question.begins, question.ends)
            about = {"player_id": player["id"], "name": player["name"], "online_seconds": online}
            rows.append(about | {"online_percentage": share, "offline_percentage": round(100 - share, 2)})
        return web.json_response({"data": rows})

    async def impressions(self, request: web.Request) -> web.Response:
        """By campaign: plays, times the audience that each player is said to have, and what that is worth."""
        self._keyring.check(request, "read:analytics")
        question = _checked(await asked(request, ImpressionsQuestion))
        audience = {row["id"]: row["audience"] for row in self._store.all("SELECT id, audience FROM players")}
        campaigns = {row["id"]: row for row in self._store.all("SELECT * FROM campaigns")}
        found: dict[int, Row] = {}
        for play in self._plays(question, campaign_id=question.campaign_id):
            number = play["campaign_id"]
            if number is not None:
                row = found.setdefault(number, {"campaign_id": number, "plays": 0, "impressions": 0.0})
                row["plays"] += 1
                row["impressions"] += audience[play["player_id"]]
        rows = [
            {**row, "name": campaigns.get(number, {}).get("name"), "revenue": _worth(row, campaigns.get(number))}
            for number, row in sorted(found.items())
        ]
        total = {name: round(sum(row[name] for row in rows), 2) for name in ("plays", "impressions", "revenue")}
        return web.json_response({"data": rows, "meta": {"total": total}})

    def _plays(self, period: Period, **equal: int | None) -> list[Row]:
        asked_for = {name: value for name, value in equal.items() if value is not None}
        more = "".join(f" AND {name} = ?" for name in asked_for)
        sql = f"SELECT * FROM plays WHERE started_at >= ? AND started_at <= ?{more} ORDER BY started_at"  # noqa: S608 - names of this page
        return self._store.all(sql, period.begins, period.ends, *asked_for.values())

    def _share(self, player: int, begins: float, ends: float) -> float:
        """Per cent of the period, up to now, in which it was there."""
        until = min(ends, self._clock.now().timestamp())
        if until <= begins:
            return 0.0
        return round(min(100.0, self._presence.seconds(player, begins, until) / (until - begins) * 100), 2)


def _checked(question: Question) -> Question:
    if question.ends < question.begins:
        raise invalid("to", "The to field must be a date after or equal to from.")
    return question


def _period(at: float, granularity: str) -> str:
    begins = datetime.fromtimestamp(at, UTC).replace(minute=0, second=0, microsecond=0)
    if granularity != "hour":
        begins = begins.replace(hour=0) - timedelta(days=begins.weekday() if granularity == "week" else 0)
    return str(iso(begins.timestamp()))


def _worth(row: Row, campaign: Row | None) -> float:
    return round(row["impressions"] * campaign["per_thousand"] / 1000, 2) if campaign else 0.0


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
