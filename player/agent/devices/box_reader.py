"""What the shapes of the device need to know of this box, now and for good."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

from player import __version__
from player.agent.devices.about import AboutFile
from player.agent.devices.wire import BoxFacts, BoxNow
from player.agent.settings.brief_store import BriefStore
from player.core.ports.box import Clock, Host, Sensors
from player.core.ports.server import Telemetry
from player.core.ports.stage import StagePort
from player.errors import BoxError

UNNAMED = "localtime"
_MB = 1024 * 1024
_LENGTH = 50


def facts_of(uuid: str, sensors: Sensors, created_at: float) -> BoxFacts:
    """`uuid` is a secret: what the API calls this box is made of it by a one-way street."""
    return BoxFacts(
        uid=_named("device", uuid),
        auth_hash=_named("authentication", uuid),
        organization=_named("organization", uuid),
        version=__version__,
        model=sensors.model(),
        os_version=sensors.os_version(),
        created_at=created_at,
    )


def _named(word: str, uuid: str) -> str:
    return hashlib.sha256(f"signage {word} {uuid}".encode()).hexdigest()[:_LENGTH]


class BoxReader:
    """Asks the parts that know. `shown_id` is what the screen shows of the box's identity."""

    def __init__(
        self, *, about: AboutFile, brief: BriefStore, stage: StagePort, clock: Clock, host: Host, sensors: Sensors,
        zone: Callable[[], ZoneInfo], telemetry: Callable[[], Awaitable[Telemetry]],
        clock_trusted: Callable[[], Awaitable[bool]], shown_id: str,
    ) -> None:  # fmt: skip
        self._about, self._brief, self._stage, self._clock, self._zone = about, brief, stage, clock, zone
        self._host, self._sensors = host, sensors
        self._telemetry, self._clock_trusted, self._shown_id = telemetry, clock_trusted, shown_id

    async def now(self) -> BoxNow:
        """As it is at this moment."""
        box = await self._telemetry()
        about = self._about.current
        return BoxNow(
            name=about.name or self._brief.current.cards.device_name or f"Signage player {self._shown_id}",
            at=self._clock.now().timestamp(),
            zone=await self._zone_name(),
            clock_trusted=await self._clock_trusted(),
            interfaces=await asyncio.to_thread(self._sensors.interfaces),
            storage=(box.storage_total_mb * _MB, box.storage_free_mb * _MB),
            size=self.size(),
            location=about.location,
        )

    async def _zone_name(self) -> str | None:
        """The system's own where nobody asked for another; None where it says none."""
        name = self._zone().key
        if name != UNNAMED:
            return name
        try:
            return await self._host.timezone()
        except BoxError:
            return None

    def mode(self) -> str:
        """The panel's ("1920x1080@60"), "" where there is none."""
        status = self._stage.status
        return "" if status is None else status.mode

    def size(self) -> str:
        """The screen's ("1920x1080"), "" where there is none."""
        status = self._stage.status
        return "" if status is None else status.size
