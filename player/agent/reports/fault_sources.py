"""Every fault that is known on this box, from the parts that know one each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from player.core.faults import Fault, gravest
from player.core.ports.box import Clock
from player.core.ports.stage import StageStatus


class FaultSources:
    """`stage` answers what the stage last said, None while it is away; each of `sources` the faults of one part."""

    def __init__(self, stage: Callable[[], StageStatus | None], clock: Clock, *sources: Callable[[], Iterable[Fault]]) -> None:
        self._stage, self._clock, self._sources = stage, clock, sources

    def all(self) -> tuple[Fault, ...]:
        """The gravest first."""
        return gravest([*self._of_stage(), *(fault for source in self._sources for fault in source())])

    def _of_stage(self) -> Iterable[Fault]:
        status = self._stage()
        if status is not None:
            return status.faults
        now = self._clock.now().timestamp()
        return (Fault("stage_away", "the stage is not running; it is started again by itself", now),)
