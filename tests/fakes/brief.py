"""A `StageBrief` from its fields, whatever part they belong to: `brief(paired=True, screen_on=False)`."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from player.core.brief import DeviceSettings, StageBrief

NOTHING = StageBrief()


def brief(before: StageBrief = NOTHING, /, **changes: Any) -> StageBrief:
    """`before` with other values."""
    alerts = changes.pop("alerts", before.alerts)
    wanted = {name: changes.pop(name) for name in {field.name for field in fields(DeviceSettings)} & changes.keys()}
    clock = {name: changes.pop(name) for name in ("trusted_boot", "floor") if name in changes}
    facts, applets = changes.pop("facts", before.facts), changes.pop("applets", before.applets)
    return StageBrief(
        replace(before.settings, **wanted), replace(before.cards, **changes), alerts, replace(before.clock, **clock), facts,
        before.dimmed, applets,
    )  # fmt: skip
