"""The API's shapes, all on this page: what leaves is made here, and instants are read here.

An instant is exactly "YYYY-MM-DDTHH:MM:SS.mmmZ": the client takes no other form for one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from player.agent.devices.refusals import bad_field
from player.core.actions import Action, ActionKind
from player.core.ports.box import Interface

OK: Mapping[str, Any] = {"message": "OK"}
KIND = "linux"  # the applicationType; the client's own list knows it
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


@dataclass(frozen=True, slots=True)
class BoxFacts:
    """What does not change while the player runs. `uid` and `auth_hash` name the box and prove nothing."""

    uid: str
    auth_hash: str
    organization: str
    version: str
    model: str
    os_version: str
    created_at: float


@dataclass(frozen=True, slots=True)
class BoxNow:
    """What does. `interfaces`: into the network; `storage`: (total, free) in bytes; `size`: of the screen, "1920x1080"."""

    name: str
    at: float
    zone: str | None
    clock_trusted: bool
    interfaces: Sequence[Interface]
    storage: tuple[int, int]
    size: str
    location: str | None = None


def instant(seconds: float) -> str:
    """Seconds since the epoch as the API writes instants."""
    thousandths = round(seconds * 1000)
    return f"{datetime.fromtimestamp(thousandths // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{thousandths % 1000:03d}Z"


def instant_or_none(seconds: float | None) -> str | None:
    """As `instant`; None stays None."""
    return None if seconds is None else instant(seconds)


def parse_instant(name: str, given: str) -> float:
    """ISO 8601, or milliseconds since the epoch; without an offset it is UTC. Raises Declined that names the field.

    `instant` can write it: an offset may lead out of the years 1 to 9999, and so may a ten thousandth of a second.
    """
    try:
        if given.isascii() and given.isdigit():
            at = int(given) / 1000
        else:
            found = datetime.fromisoformat(given)
            at = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        instant(at)
    except (ValueError, OverflowError, OSError):
        raise bad_field(name, f'expected an instant such as "2026-03-01T12:00:00.000Z", found "{given[:60]}"') from None
    return at


# --- the device


def device_v1(facts: BoxFacts, now: BoxNow, pin: str) -> dict[str, Any]:
    """The device as version 1 of the API has it."""
    return {
        **_device(facts, now),
        "aliveAt": instant(now.at),
        "pinCode": pin,
        "applicationVersion": facts.version,
        "frontDisplayVersion": facts.version,
        "timezone": now.zone,
        "networkInterfaces": {one.kind: _interface(one) for one in reversed(now.interfaces)},
        "storageStatus": storage(now),
        "connections": [],
        "batteryStatus": None,
        "currentTime": {
            "time": instant(now.at), "timezone": now.zone, "incorrectTime": not now.clock_trusted, "updatedAt": instant(now.at),
        },
        "supportedResolutions": [] if not now.size else [dict(zip(("width", "height"), sides(now.size), strict=True))],
    }  # fmt: skip


def _interface(one: Interface) -> dict[str, Any]:
    address = next((held.partition("/")[0] for held in one.addresses), None)
    return {"interfaceName": one.name, "localAddress": address, "macAddress": one.mac, "gateway": one.gateway}


def device_v2(facts: BoxFacts, now: BoxNow) -> dict[str, Any]:
    """The device as version 2 has it."""
    return _device(facts, now) | {"connectionMethod": "http"}


def _device(facts: BoxFacts, now: BoxNow) -> dict[str, Any]:
    where = {} if now.location is None else {"locationUid": now.location}
    return {
        "uid": facts.uid,
        "duid": facts.uid,
        "name": now.name,
        "createdAt": instant(facts.created_at),
        "applicationType": KIND,
        "firmwareVersion": facts.os_version,
        "model": facts.model,
        "serialNumber": facts.uid[:12],
        "brand": None,
        "osVersion": facts.os_version,
        "organizationUid": facts.organization,
        **where,
    }


def sides(size: str) -> tuple[int, int]:
    """ "1920x1080" -> (1920, 1080); (0, 0) where it is none."""
    width, cross, height = size.partition("x")
    return (int(width), int(height)) if cross and width.isdigit() and height.isdigit() else (0, 0)


def alive(facts: BoxFacts, now: BoxNow) -> dict[str, Any]:
    """Who answers is alive."""
    return {"uid": facts.uid, "createdAt": instant(facts.created_at), "aliveAt": instant(now.at)}


def storage(now: BoxNow) -> dict[str, Any]:
    """Bytes. A stick is no storage of the player's, so nothing is said to be removable."""
    total, free = now.storage
    return {
        "internal": {"capacity": total, "freeSpace": free},
        "removable": {"capacity": 0, "freeSpace": 0},
        "updatedAt": instant(now.at),
    }


# --- actions


def entry(action: Action, device: str) -> dict[str, Any]:
    """A request for a setting, and how it ended. `confirmed` and `reason` are this player's own additions."""
    return {
        "uid": action.uid,
        "deviceUid": device,
        **action.asked,
        "createdAt": instant(action.created_at),
        "succeededAt": instant_or_none(action.succeeded_at),
        "failedAt": instant_or_none(action.failed_at),
        "confirmed": action.confirmed,
        "reason": action.reason or None,
    }


_TYPES = {
    ActionKind.NAME: "Device.Name.Changed",
    ActionKind.POWER: "Device.PowerAction.Performed",
    ActionKind.SCREENSHOT: "Device.Screenshot.Taken",
}


def logged(action: Action, device: str) -> dict[str, Any]:
    """A line of the device's history, whatever it was about."""
    return {
        **entry(action, device),
        "type": _TYPES.get(action.kind, f"Device.{action.kind.title().replace(' ', '')}.Set"),
        "originator": {"account": {"accountId": action.by}},
    }


def weekdays(days: Sequence[int]) -> list[str]:
    """ISO days of the week (1 is Monday) in the API's words."""
    return [WEEKDAYS[day - 1] for day in sorted(days)]
