"""What a heartbeat carries about this box: one `Telemetry` a call, read without holding up the loop.

Files are read in a thread, one reading at a time: where a dying card makes one hang, the last values are reported again and no
second thread is started. A reading that fails is None, and said once in the log until it works again (house rule 21).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from player import __version__
from player.core.ports.box import Absent, Audio, Clock, Host, Sensors
from player.core.ports.server import Telemetry
from player.core.ports.stage import StagePort, StageStatus
from player.errors import BoxError

log = logging.getLogger(__name__)
T = TypeVar("T")
DEADLINE_S = 5.0
_MB = 1024 * 1024
_FAILURES = (OSError, ValueError, LookupError, BoxError)


class TelemetryReader:
    """Reads the box, its sound, the disk under `media` and what the stage last said.

    `more` gives what other parts count (`proof_pending` …), asked at each reading; `proof` what is told of the proof of play, read
    from files; `host` adds whether the clock can be believed.
    """

    def __init__(
        self,
        sensors: Sensors,
        audio: Audio | Absent,
        media: Path,
        stage: StagePort,
        clock: Clock,
        *,
        host: Host,
        more: Callable[[], Mapping[str, Any]],
        proof: Callable[[], Mapping[str, Any]],
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._sensors, self._audio, self._media, self._stage, self._clock = sensors, audio, media, stage, clock
        self._host, self._more, self._proof, self._deadline_s = host, more, proof, deadline_s
        self._failing: set[str] = set()
        self._box: dict[str, Any] = {}
        self._reading: asyncio.Future[dict[str, Any]] | None = None

    async def read(self) -> Telemetry:
        """Every field, at the latest after three deadlines. Never raises for a reading."""
        box = await self._read_box()
        volume = None if isinstance(self._audio, Absent) else await self._attempt("volume", self._audio.volume)
        synced = await self._attempt("clock", self._host.clock_synced)
        status = self._stage.status
        total, used, free = box.get("storage") or (0, 0, 0)
        return Telemetry(
            ip_address=box.get("address"),
            wifi_signal=box.get("wifi signal"),
            storage_total_mb=total,
            storage_used_mb=used,
            storage_free_mb=free,
            screen_on=status is not None and status.screen_on,
            volume=volume,
            uptime_seconds=box.get("uptime") or 0,
            current_content=on_screen(status),
            extra={**self._extra(box, synced), **stage_words(status), **self._more()},
        )

    def _extra(self, box: Mapping[str, Any], synced: bool | None) -> dict[str, Any]:
        total, used = box.get("memory") or (None, None)
        return {
            "player_version": __version__,
            "device_time": self._clock.now().isoformat(timespec="milliseconds"),
            "clock_synced": synced,
            "network": box.get("network"),
            "temperature_c": box.get("temperature"),
            "throttled": box.get("throttling"),
            "storage_wear_percent": max((chip.used_percent for chip in box.get("wear") or ()), default=None),
            "disk_errors": box.get("disk errors"),
            "cpu_percent": box.get("load"),
            "memory_total_mb": total,
            "memory_used_mb": used,
            **(box.get("proof") or {}),
        }

    async def _read_box(self) -> dict[str, Any]:
        if self._reading is None:
            self._reading = asyncio.get_running_loop().run_in_executor(None, self._read_files)
        reading = self._reading  # others may wait for the same one
        done, _ = await asyncio.wait({reading}, timeout=self._deadline_s)
        if done:
            self._reading = None if self._reading is reading else self._reading
            self._box = reading.result()
            self._works("box")
        else:
            self._fails("box", f"no answer within {self._deadline_s:.0f} s; the last readings are reported again")
        return self._box

    def _read_files(self) -> dict[str, Any]:
        sensors = self._sensors
        readings: dict[str, Callable[[], Any]] = {
            "address": sensors.address,
            "network": sensors.network,
            "wifi signal": sensors.wifi_signal_dbm,
            "uptime": sensors.uptime_s,
            "temperature": sensors.temperature_c,
            "throttling": sensors.throttled,
            "wear": sensors.storage_wear,
            "disk errors": sensors.file_system_errors,
            "load": sensors.cpu_percent,
            "memory": sensors.memory_mb,
            "storage": lambda: storage_mb(self._media),
            "proof": self._proof,
        }
        return {name: self._attempt_now(name, reading) for name, reading in readings.items()}

    def _attempt_now(self, name: str, reading: Callable[[], T]) -> T | None:
        try:
            value = reading()
        except _FAILURES as error:
            self._fails(name, error)
            return None
        self._works(name)
        return value

    async def _attempt(self, name: str, reading: Callable[[], Awaitable[T]]) -> T | None:
        try:
            async with asyncio.timeout(self._deadline_s):
                value = await reading()
        except _FAILURES as error:  # TimeoutError is an OSError
            self._fails(name, error)
            return None
        self._works(name)
        return value

    def _fails(self, name: str, reason: object) -> None:
        if name not in self._failing:
            self._failing.add(name)
            log.warning("heartbeats lack a reading (%s): %s", name, str(reason) or type(reason).__name__)

    def _works(self, name: str) -> None:
        if name in self._failing:
            self._failing.discard(name)
            log.info("heartbeats carry a reading again (%s)", name)


def storage_mb(folder: Path) -> tuple[int, int, int]:
    """(total, used, free) of the file system under `folder`, as df(1) counts; a folder not made yet counts as its parent."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    disk = os.statvfs(folder)
    blocks = (disk.f_blocks, disk.f_blocks - disk.f_bfree, disk.f_bavail)
    total, used, free = (count * disk.f_frsize // _MB for count in blocks)
    return total, used, free


def on_screen(status: StageStatus | None) -> str | None:
    """The names of the items on screen, region by region; None when there is none."""
    names = dict.fromkeys(item.name for item in status.items) if status else ()
    return ", ".join(names) or None


def stage_words(status: StageStatus | None) -> dict[str, Any]:
    """What the stage said of itself; its state is "away" while it is not running."""
    if status is None:
        return {"stage_state": "away"}
    return {
        "stage_state": status.state,
        "stage_backend": status.backend,
        "renderer": status.renderer,
        "renderer_why": status.renderer_why,
        "screen_size": status.size,
        "orientation": status.orientation,
        "frames_dropped": status.frames_dropped,
        "manifest_version": status.manifest_version,
    }
