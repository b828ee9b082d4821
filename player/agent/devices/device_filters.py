"""Whether a list of devices, as it was asked for, has this one in it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from player.agent.devices.call import ApiCall
from player.agent.devices.refusals import bad_field

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
        and _is_as_full(call, device)
    )  # fmt: skip


def _is_as_full(call: ApiCall, device: Mapping[str, Any]) -> bool:
    """By how much of its storage is in use, both ends counted in: what the public page of version 1's list says of the two."""
    if "storageStatus" not in device:  # as version 2 has it, whose list has no such filters
        return True
    low, high = (_percentage(call, f"{end}StorageStatusPercentage") for end in ("min", "max"))
    if low is None and high is None:
        return True
    internal = device["storageStatus"]["internal"]
    if not internal["capacity"]:
        return False
    used = 100 * (1 - internal["freeSpace"] / internal["capacity"])
    return (low is None or used >= low) and (high is None or used <= high)


def _percentage(call: ApiCall, name: str) -> float | None:
    given = call.text(name)
    if given is None:
        return None
    try:
        found = float(given)
    except ValueError:
        found = math.nan
    if not 0 <= found <= 100:
        raise bad_field(name, f'expected a number from 0 to 100, found "{given[:60]}"')
    return found


def _is_one_of(call: ApiCall, name: str, held: Collection[str]) -> bool:
    wanted = call.texts(name)
    return wanted is None or bool(wanted & set(held))
