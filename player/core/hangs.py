"""When a compositor that lives but does not answer has hung, what is told of it afterwards, and when that has helped nobody (pure).

One late answer is a busy box. A compositor that has announced itself has to answer one of two looks; one that is still coming up,
which on a slow box takes long over its first modes and shaders, one of five. Where the stage has told of a hang twice and the same
compositor runs on, its way of ending it does not work, and the system is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LOOK_S = 2.0  # between two looks
ANSWER_S = 3.0  # an answer that takes longer is none
LOOKS, LOOKS_AT_START = 2, 5
GRACE_S = 1.0  # from SIGTERM to SIGKILL: who is stopped or spins does not hear the first
TOLD_S = 3600.0
IN_VAIN = 2  # hangs told of one and the same compositor


class Answer(StrEnum):
    """What a look found: an answer; somebody who listens and says nothing; nobody."""

    GIVEN = "given"
    NONE = "none"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Silence:
    """How many looks in a row found nothing but silence."""

    looks: int = 0

    def after(self, answer: Answer) -> Silence:
        """One look later."""
        return Silence(self.looks + 1 if answer is Answer.NONE else 0)

    def is_over(self, *, announced: bool) -> bool:
        """Whether it has hung; `announced`: it once said that it is up."""
        return self.looks >= (LOOKS if announced else LOOKS_AT_START)


@dataclass(frozen=True, slots=True)
class Hangs:
    """How often a compositor was ended because it hung, and when last (seconds since the epoch)."""

    count: int = 0
    last_at: float = 0.0

    def one_more(self, at: float) -> Hangs:
        """After another one at `at`. The count begins anew once the last has been told for long enough."""
        return Hangs((self.count if self.is_told(at) else 0) + 1, at)

    def is_told(self, at: float) -> bool:
        """Whether it is still a fault at `at`: for an hour. A time to come is another clock's, and tells nothing."""
        return self.count > 0 and 0 <= at - self.last_at < TOLD_S


@dataclass(frozen=True, slots=True)
class InVain:
    """The hangs that the stage has told of one compositor, by their time; `started_at`: when that one announced itself.

    None: none that is up. All in seconds since the epoch.
    """

    started_at: float | None = None
    told: frozenset[float] = frozenset()

    def after(self, hangs: Hangs, started_at: float | None) -> InVain:
        """One look later. A hang from before this compositor was another's."""
        told = self.told if started_at == self.started_at else frozenset()
        if started_at is not None and hangs.last_at > started_at:
            told |= {hangs.last_at}
        return InVain(started_at, told)

    @property
    def is_sure(self) -> bool:
        """Whether the stage's word changed nothing."""
        return len(self.told) >= IN_VAIN
