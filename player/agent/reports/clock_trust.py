"""Whether instants can be judged here: the clock is synchronized, or agrees with that of the server, which set them."""

from __future__ import annotations

from player.core.contact import Contact
from player.core.ports.box import Host
from player.errors import BoxError
from player.runtime.tasks import Latest

AGREES_S = 30.0


class ClockTrust:
    """A clock that nobody can vouch for is not trusted."""

    def __init__(self, host: Host, contact: Latest[Contact]) -> None:
        self._host, self._contact = host, contact

    async def trusted(self) -> bool:
        """Whether expiry can be judged."""
        offset = self._contact.value.offset_s
        return (offset is not None and abs(offset) <= AGREES_S) or await self.synced()

    async def synced(self) -> bool:
        """Whether the system says that its clock is synchronized."""
        try:
            return await self._host.clock_synced()
        except BoxError:
            return False
