"""The file of what the agent tells the stage: `core.brief.StageBrief` as one flat object, whatever part a field belongs to.

Flat because every version reads it so: each looks for the fields that it knows at the top, and passes over the others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from player.core.applets import AppletPlan
from player.core.brief import Alert, CardFacts, ClockFacts, DeviceSettings, StageBrief
from player.store import Snapshot


class BriefFile(Snapshot[StageBrief]):
    """A snapshot of a `StageBrief`. `mode` lets the stage's user read it through the group."""

    def __init__(self, path: Path, *, mode: int = 0o640) -> None:
        super().__init__(path, StageBrief, mode=mode)

    def kept(self) -> StageBrief:
        """What it holds, and nothing in particular where it cannot be read."""
        return self.read_or(StageBrief())

    def _of_body(self, body: Any) -> StageBrief:
        settings, cards = msgspec.convert(body, DeviceSettings), msgspec.convert(body, CardFacts)
        alerts, clock = msgspec.convert(body.get("alerts", ()), tuple[Alert, ...]), msgspec.convert(body, ClockFacts)
        facts = msgspec.convert(body.get("facts", {}), dict[str, float | str])
        dimmed, applets = msgspec.convert(body.get("dimmed", 0), int), msgspec.convert(body.get("applets", {}), AppletPlan)
        return StageBrief(settings, cards, alerts, clock, facts, dimmed, applets)

    def _body_of(self, value: StageBrief) -> Any:
        settings, cards = msgspec.to_builtins(value.settings), msgspec.to_builtins(value.cards)
        more = {"alerts": value.alerts, "facts": value.facts, "dimmed": value.dimmed, "applets": value.applets}
        return {**settings, **cards, **msgspec.to_builtins(value.clock), **more}
