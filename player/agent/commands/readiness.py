"""Whether what commands need is there: after a boot it may come later than the agent."""

from __future__ import annotations

from typing import assert_never

from player.core.commands import Awaited
from player.core.contact import Contact, Standing
from player.core.ports.box import Audio
from player.core.ports.stage import StagePort
from player.errors import BoxError
from player.runtime.tasks import Latest


class Readiness:
    """Asks the parts themselves, each time."""

    def __init__(self, contact: Latest[Contact], stage: StagePort, audio: Audio) -> None:
        self._contact, self._stage, self._audio = contact, stage, audio

    async def of(self, awaited: Awaited) -> bool:
        """Whether it is there now; a server too where none is configured, since there is nothing to wait for."""
        match awaited:
            case Awaited.SERVER:
                return self._contact.value.standing in (Standing.ONLINE, Standing.NONE)
            case Awaited.STAGE:
                return self._stage.status is not None
            case Awaited.SOUND:
                return await self._has_sound()
            case _:
                assert_never(awaited)

    async def _has_sound(self) -> bool:
        try:
            await self._audio.volume()
        except BoxError:
            return False
        return True
