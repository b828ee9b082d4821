"""The outboxes of plays: one for each server that content comes from. Without any, plays wait in the stage's journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from player.agent.reports.plays_outbox import PlaysOutbox, undelivered
from player.agent.reports.status import ProofFigures
from player.agent.server_folder import ServerFolder
from player.core.ports.box import Absent, Clock
from player.core.ports.server import PlaysSink
from player.core.ports.stage import StagePort
from player.runtime.fault_page import FaultPage


class PlaysOutboxes:
    """`plays` is the folder of the stage's journal; `page`, `sign` and `look_s` as for each `PlaysOutbox`."""

    def __init__(
        self,
        stage: StagePort,
        plays: Path,
        clock: Clock,
        page: Callable[[str], FaultPage],
        *,
        sign: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        look_s: float,
    ) -> None:
        self._stage, self._plays, self._clock, self._page, self._sign, self._look_s = stage, plays, clock, page, sign, look_s
        self._open: dict[str, PlaysOutbox] = {}

    def open(self, name: str, sink: PlaysSink | Absent, folder: ServerFolder) -> PlaysOutbox | None:
        """One more, called `name`, for the server of `folder`; None where that one takes no plays."""
        if isinstance(sink, Absent):
            return None
        self._open[name] = PlaysOutbox(
            sink, self._stage, plays=self._plays, folder=folder.path, clock=self._clock, faults=self._page(name),
            sign=self._sign, look_s=self._look_s,
        )  # fmt: skip
        return self._open[name]

    def figures(self, name: str) -> ProofFigures:
        """How the one called `name` stands; where it is not there, what waits in the journal."""
        outbox = self._open.get(name)
        if outbox is None:
            return ProofFigures(undelivered(self._stage, self._plays))
        return ProofFigures(outbox.pending(), outbox.last_sent)

    def loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs for them for ever, by name."""
        return {name: outbox.run for name, outbox in self._open.items()}
