"""Whether a list of devices, as it was asked for, has this one in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from player.agent.devices.call import ApiCall

SAME = ("applicationType", "model", "brand", "serialNumber", "firmwareVersion", "osVersion", "locationUid")


@dataclass(frozen=True, slots=True)
class Belongings:
    """What the device is known by beside its own fields: `words` to be searched, and the uids of what it has."""

    words: Sequence[str]
    tags: Collection[str]
    applets: Collection[str]
    policies: Collection[str]


def is_meant(call: ApiCall, device: Mapping[str, Any], has: Belongings) -> bool:
    """What is not asked for counts as there; of a list of uids one is enough. Alerts are a fleet's: nothing has one here."""
    words = "\n".join((device["name"], device["uid"], device["serialNumber"], *has.words)).lower()
    return (
        all(call.text(name) in (None, device.get(name)) for name in SAME)
        and (call.text("search") or "").lower() in words
        and all(_is_one_of(call, name, held) for name, held in (
            ("tagUids", has.tags), ("appletUids", has.applets), ("policyUids", has.policies)
        ))
        and call.truth("hasPolicy", bool(has.policies)) is bool(has.policies)
        and call.text("alertUid") is None
    )  # fmt: skip


def _is_one_of(call: ApiCall, name: str, held: Collection[str]) -> bool:
    wanted = call.texts(name)
    return wanted is None or bool(wanted & set(held))
