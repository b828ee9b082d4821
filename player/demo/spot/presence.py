"""Which players are there, by their calls and their lines; how long they were; and who is told when that changes."""

from __future__ import annotations

from collections import Counter
from typing import Any

from player.core.ports.box import Clock
from player.demo.rest import iso
from player.demo.spot.webhooks import Webhooks
from player.demo.store import Store

ONLINE_S = 90.0  # three heartbeats


class Presence:
    """Stretches of being there, in the store. A player is there while it has a line, and for a while after it was heard of."""

    def __init__(self, store: Store, webhooks: Webhooks, clock: Clock) -> None:
        self._store, self._webhooks, self._clock = store, webhooks, clock
        self._lines: Counter[int] = Counter()

    def seen(self, player: int) -> None:
        """It was heard of."""
        now = self._clock.now().timestamp()
        if not self._store.run("UPDATE players SET last_seen_at = ? WHERE id = ?", now, player):
            return  # somebody listens for a player that is not there
        last = self._store.one("SELECT * FROM presence WHERE player_id = ? ORDER BY id DESC", player)
        if last and now - last["ended_at"] < ONLINE_S:
            self._store.update("presence", last["id"], ended_at=now)
        else:
            self._store.insert("presence", player_id=player, began_at=now, ended_at=now)
        self._tell(player, online=True)

    def line_opened(self, player: int) -> None:
        """It listens."""
        self._lines[player] += 1
        self.seen(player)

    def line_closed(self, player: int) -> None:
        """It does not listen on that line any more."""
        self._lines[player] -= 1
        self.seen(player)

    def look(self) -> None:
        """Who is there goes on being there; who was not heard of for long is not."""
        for player in [number for number, lines in self._lines.items() if lines > 0]:
            self.seen(player)
        late = self._clock.now().timestamp() - ONLINE_S
        for row in self._store.all("SELECT id FROM players WHERE is_online AND coalesce(last_seen_at, 0) < ?", late):
            self._tell(row["id"], online=False)

    def seconds(self, player: int, begins: float, ends: float) -> float:
        """How long it was there between the two instants."""
        rows = self._store.all("SELECT * FROM presence WHERE player_id = ? AND ended_at > ? AND began_at < ?", player, begins, ends)
        return float(sum(min(row["ended_at"], ends) - max(row["began_at"], begins) for row in rows))

    def _tell(self, player: int, *, online: bool) -> None:
        if self._store.run("UPDATE players SET is_online = ? WHERE id = ? AND is_online != ?", online, player, online):
            row: dict[str, Any] = self._store.one("SELECT id, name, last_seen_at FROM players WHERE id = ?", player) or {}
            what = {"player_id": player, "name": row["name"], "last_seen_at": iso(row["last_seen_at"])}
            self._webhooks.happened("player.online" if online else "player.offline", what)
