"""What a server is told, in the contract's words, whichever way its API takes it: how the box is, results, faults, plays. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from player.cms.wire import rows
from player.core.faults import Fault
from player.core.ports.server import CommandResult, Telemetry


def iso(at: float) -> str:
    """Seconds since the epoch as ISO 8601, UTC, milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those that there are: a server that validates strictly takes no null for a number."""
    return {name: value for name, value in fields.items() if value is not None}


def result_body(result: CommandResult) -> dict[str, Any]:
    """A command's result in the contract's words (§3.5)."""
    return {
        "status": result.status,
        "message": result.message,
        "started_at": iso(result.started_at),
        "finished_at": iso(result.finished_at),
        "result": result.result,
    }


def telemetry_body(telemetry: Telemetry) -> dict[str, Any]:
    """How the box is, without `extra`; what this box does not have is left out."""
    return present({name: value for name, value in asdict(telemetry).items() if name != "extra"})


def fault_body(fault: Fault, numbered: Collection[str]) -> dict[str, Any]:
    """A fault; `numbered`: ids that the server writes as numbers."""
    ids = {name: getattr(fault, name) for name in ("item_id", "content_id")}
    written = {name: int(text) if text in numbered else text for name, text in ids.items()}
    return present({**asdict(fault), "since": iso(fault.since), **written})


def accepted_ids(answer: Any, sent: Sequence[str]) -> Sequence[str]:
    """The ids that a playback answer accepts: those listed, or all where it lists none (contract §3.7)."""
    listed = rows(answer.get("accepted")) if isinstance(answer, dict) else None
    return list(sent) if listed is None else [str(one) for one in listed]
