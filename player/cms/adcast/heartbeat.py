"""AdCast's register and heartbeat bodies, both ways: telemetry out; lock, commands, alerts and update notice in. Pure.

A command with an id is passed on whatever it holds, so that the ledger can refuse it and the operator hears why.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from player.cms.telling import fault_body, present, result_body, telemetry_body
from player.cms.wire import Instant, Number, Rows, Table, Text, Truth, Wire, table
from player.core.brief import Alert, Severity
from player.core.faults import Fault
from player.core.ports.server import AppUpdate, Command, CommandResult, Telemetry
from player.errors import ServerNonsense

COMMANDS, ALERTS, FAULTS = 1000, 32, 10


@dataclass(frozen=True, slots=True)
class Registration:
    """The answer to a device that introduced itself."""

    paired: bool
    pairing_code: str | None
    device_name: str | None
    locked: bool
    lock_pin: str | None
    license_activated: bool
    device_id: str | None


@dataclass(frozen=True, slots=True)
class HeartbeatAnswer:
    """A heartbeat's answer. None: it did not say. `faults` are parts that could not be understood."""

    paired: bool | None
    locked: bool | None
    lock_pin: str | None
    commands: tuple[Command, ...]
    alerts: tuple[Alert, ...] | None
    alert_images: dict[str, str]  # alert id -> address
    update: AppUpdate | None
    heartbeat_interval_s: float | None
    server_time: float | None
    faults: tuple[Fault, ...] = ()


class _Registration(Wire):
    paired: Truth = None
    pairing_code: Text = None
    device_name: Text = None
    is_locked: Truth = None
    lock_pin: Text = None
    license_activated: Truth = None
    device_id: Text = None


class _Heard(Wire):
    status: Text = None
    paired: Truth = None
    is_locked: Truth = None
    lock_pin: Text = None
    pending_commands: Rows = None
    emergency_alerts: Rows = None
    app_update: Table = {}  # noqa: RUF012 - pydantic copies defaults
    heartbeat_interval: Number = None
    server_time: Instant = None


class _Command(Wire):
    id: Text = None
    type: Text = None
    payload: Table = {}  # noqa: RUF012 - pydantic copies defaults
    created_at: Instant = None
    expires_at: Instant = None


class _Alert(Wire):
    id: Text = None
    title: Text = None
    message: Text = None
    severity: Text = None
    starts_at: Instant = None
    expires_at: Instant = None
    image_url: Text = None
    color: Text = None


class _Update(Wire):
    version: Text = None
    url: Text = None
    sha256: Text = None
    signature: Text = None
    mandatory: Truth = None


def heartbeat_body(uuid: str, telemetry: Telemetry) -> dict[str, Any]:
    """The document's fields; what this box does not have is left out."""
    return {"uuid": uuid, **telemetry_body(telemetry)}


def heartbeat_extra(
    telemetry: Telemetry, faults: Sequence[Fault], results: Sequence[CommandResult], numbered: Collection[str]
) -> dict[str, Any]:
    """What else this box tells, and what has no path of its own on this server.

    `numbered`: ids of content that the server writes as numbers.
    """
    body = {**present(telemetry.extra), "faults": [fault_body(fault, numbered) for fault in faults]}
    if results:
        body["command_results"] = [
            {"id": int(one.id) if one.numbered else one.id, "type": one.type, **result_body(one)} for one in results
        ]
    return body


def read_registration(where: str, answer: Any) -> Registration:
    """Raises ServerNonsense where neither `paired` nor a code is said."""
    wire = _Registration.model_validate(table(answer))
    if wire.paired is None and wire.pairing_code is None:
        raise ServerNonsense(where, "neither paired nor a pairing code is in it")
    return Registration(
        paired=bool(wire.paired),
        pairing_code=wire.pairing_code,
        device_name=wire.device_name,
        locked=bool(wire.is_locked),
        lock_pin=wire.lock_pin,
        license_activated=bool(wire.license_activated),
        device_id=wire.device_id,
    )


def read_heartbeat(where: str, answer: Any, now: float, absolute: Callable[[str], str]) -> HeartbeatAnswer:
    """Raises ServerNonsense where it is no heartbeat's answer at all; parts that cannot be read become faults."""
    if not isinstance(answer, dict) or not set(answer) & {*_Heard.model_fields, "has_pending_commands", "has_update"}:
        raise ServerNonsense(where, "nothing of a heartbeat's answer is in it")
    wire = _Heard.model_validate(answer)
    faults: list[Fault] = []
    alerts, images = _alerts(wire.emergency_alerts or [], now, absolute, faults)
    return HeartbeatAnswer(
        paired=wire.paired,
        locked=wire.is_locked,
        lock_pin=wire.lock_pin,
        commands=_commands(wire.pending_commands or [], now, faults),
        alerts=None if wire.emergency_alerts is None else alerts,
        alert_images=images,
        update=_update(wire.app_update, now, absolute, faults),
        heartbeat_interval_s=wire.heartbeat_interval,
        server_time=wire.server_time,
        faults=tuple(faults[:FAULTS]),
    )


def _commands(found: list[Any], now: float, faults: list[Fault]) -> tuple[Command, ...]:
    read = []
    for row in found[:COMMANDS]:
        raw = table(row)
        wire = _Command.model_validate(raw)
        if wire.id is None or len(wire.id) > 200:
            faults.append(Fault("bad_command", f'a command of type "{wire.type}" has no usable id; it is not run', now))
            continue
        numbered = isinstance(raw.get("id"), int)
        read.append(Command(wire.id, (wire.type or "")[:100], wire.payload, wire.created_at, wire.expires_at, numbered))
    return tuple(read)


def _alerts(
    found: list[Any], now: float, absolute: Callable[[str], str], faults: list[Fault]
) -> tuple[tuple[Alert, ...], dict[str, str]]:
    alerts: dict[str, Alert] = {}
    images: dict[str, str] = {}
    for row in found[:ALERTS]:
        wire = _Alert.model_validate(table(row))
        if not (wire.title or wire.message):
            faults.append(Fault("bad_alert", f'the alert "{wire.id}" has neither title nor message; it is not shown', now, wire.id))
            continue
        alert = _alert(wire)
        alerts[alert.id] = alert
        if wire.image_url and (url := _whole(wire.image_url, absolute)):
            images[alert.id] = url
    return tuple(alerts.values()), images


def _alert(wire: _Alert) -> Alert:
    title, message = (wire.title or "")[:200], (wire.message or "")[:2000]
    try:
        severity = Severity((wire.severity or "").strip().lower())
    except ValueError:
        severity = Severity.UNKNOWN
    name = wire.id or hashlib.sha256(f"{title}\n{message}".encode()).hexdigest()[:16]
    colour = wire.color if wire.color and re.fullmatch(r"#[0-9A-Fa-f]{6}", wire.color) else None
    return Alert(name, title, message, severity, wire.starts_at, wire.expires_at, None, colour)


def _update(found: dict[str, Any], now: float, absolute: Callable[[str], str], faults: list[Fault]) -> AppUpdate | None:
    if not found:
        return None
    wire = _Update.model_validate(found)
    url = _whole(wire.url, absolute) if wire.url else None
    if not (wire.version and url and wire.sha256 and wire.signature):
        faults.append(Fault("bad_update", "the update notice lacks its version, address, SHA-256 or signature; it is refused", now))
        return None
    return AppUpdate(wire.version, url, wire.sha256, wire.signature, bool(wire.mandatory))


def _whole(url: str, absolute: Callable[[str], str]) -> str | None:
    try:
        address = absolute(url)
    except ValueError:
        return None
    return address if address.startswith(("http://", "https://")) else None
