"""Which policy holds which setting: of all that are assigned, the one with the highest priority. Pure.

An item of a policy speaks of one or more settings; what it says of them is the business of who reads the item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from player.core.device_schedule import TimerLevel

TIMER_ITEMS = {TimerLevel.NATIVE: "TIMERS", TimerLevel.PROPRIETARY: "PROPRIETARY_TIMERS"}  # the kinds that hold all of a level


@dataclass(frozen=True, slots=True)
class PolicyItem:
    """What is to hold: `kind` in the words of who wrote it, `value` as JSON. `updated_at`: seconds since the epoch."""

    kind: str
    value: Any
    updated_at: float


@dataclass(frozen=True, slots=True)
class Policy:
    """Items that hold together. Times are seconds since the epoch; an archived one holds nothing."""

    uid: str
    created_at: float
    name: str
    items: tuple[PolicyItem, ...] = ()
    note: str | None = None
    archived: bool = False


@dataclass(frozen=True, slots=True)
class PolicyAssignment:
    """A policy for this device. `assigned_at`: seconds since the epoch."""

    uid: str
    priority: int
    assigned_at: float


@dataclass(frozen=True, slots=True)
class Holding:
    """The policy whose item of that kind is in force."""

    policy: Policy
    item: PolicyItem


def in_force(policies: Mapping[str, Policy], assigned: Sequence[PolicyAssignment]) -> Mapping[str, Holding]:
    """By the item's kind. The higher priority wins, then what was assigned later."""
    held: dict[str, Holding] = {}
    for one in sorted(assigned, key=lambda each: (each.priority, each.assigned_at)):
        policy = policies.get(one.uid)
        if policy is not None and not policy.archived:
            held |= {item.kind: Holding(policy, item) for item in policy.items}
    return held
