"""Another version of the player, by its number: out of the folder of signed bundles on this box, and from nowhere else.

That it came is said by the version itself, once it has run for longer than the installer watches it: until then it may be taken
back.
"""

from __future__ import annotations

import asyncio

from player.agent.devices.action_log import ActionLog
from player.agent.devices.effects import Effect, EffectOutcome, Effects
from player.core.actions import ActionKind, Ends
from player.core.bundle import is_same
from player.core.ports.box import Clock, Updates
from player.errors import BoxError

LOOK_S = 5.0
STAYS_S = 660.0  # the installer takes one back that is not steady after 90 s; one that a power cut kept from its verdict, later
INSTALLED_WITHIN_S = 1800.0
AGAIN_S = 3600.0


class Versions:
    """`running` is the player's own."""

    def __init__(
        self, updates: Updates, effects: Effects, log: ActionLog, running: str, clock: Clock, *,
        look_s: float = LOOK_S, stays_s: float = STAYS_S,
    ) -> None:  # fmt: skip
        self._updates, self._effects, self._log, self._running, self._clock = updates, effects, log, running, clock
        self._look_s, self._stays_s = look_s, stays_s

    def is_running(self, version: str) -> bool:
        """Whether it is this one."""
        return version == self._running or (version[:1].isdigit() and is_same(version, self._running))

    def bringing(self, version: str) -> Effect:
        """What installs it. Where that goes well, this process ends before it does."""

        async def effect() -> EffectOutcome:
            await self._updates.install(version)
            while not await self._updates.has_failed(version):  # noqa: ASYNC110 - another's state, in another process
                await asyncio.sleep(self._look_s)
            raise BoxError("update", f"it was not installed; `journalctl -u signage-update@{version}` says why")

        return effect

    def ask_for(self, version: str, kind: ActionKind, by: str) -> str:
        """Has it brought for whoever asks again and again; why it is not here yet. One that failed is tried again an hour later.

        Raises StorageError, Declined.
        """
        last = next((one for one in self._log.of_kind(kind) if one.asked.get("version") == version), None)
        if last is not None and last.failed_at and self._clock.now().timestamp() - last.failed_at < AGAIN_S:
            return last.reason
        if last is None or not last.is_open:
            asked = {"version": version}
            self._effects.ask(kind, asked, by, self.bringing(version), ends=Ends.VERSION, deadline_s=INSTALLED_WITHIN_S)
        return "it is being installed"

    async def run(self) -> None:
        """Says of this version that it stays, when it has."""
        await asyncio.sleep(self._stays_s)
        self._log.stayed()
        await asyncio.Event().wait()
