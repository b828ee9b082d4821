"""Whether instants can be judged: by the system's word, or by the server's clock."""

from __future__ import annotations

from player.agent.reports.clock_trust import ClockTrust
from player.core.contact import Contact
from player.errors import BoxError
from player.runtime.tasks import Latest
from tests.fakes.device import FakeHost


class UnsureHost(FakeHost):
    """Nobody can say."""

    async def clock_synced(self) -> bool:
        raise BoxError("clock", "nobody can say whether it is set")


async def test_a_clock_is_trusted_by_the_system_or_where_it_agrees_with_the_servers():
    contact = Latest(Contact())
    assert await ClockTrust(FakeHost(), contact).trusted()
    assert not await ClockTrust(FakeHost(synced=False), contact).trusted()
    contact.set(Contact(offset_s=-29.0))
    assert await ClockTrust(FakeHost(synced=False), contact).trusted()
    contact.set(Contact(offset_s=31.0))
    assert not await ClockTrust(FakeHost(synced=False), contact).trusted()


async def test_a_clock_that_nobody_can_vouch_for_is_not_trusted():
    assert not await ClockTrust(UnsureHost(), Latest(Contact())).trusted()
