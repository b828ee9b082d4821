"""The stage's wall for tests in which nothing goes out."""

from __future__ import annotations

from player.core.address_policy import Unopened, beside
from player.stage.wall import Wall
from tests.fakes.names import FakeNames
from tests.fakes.way_out import STRAIGHT

_KEPT: list[Wall] = []  # the doors of one that never runs are closed by nobody


def quiet_wall() -> Wall:
    """Its doors stand until it has run."""
    _KEPT.append(Wall(STRAIGHT, beside(""), FakeNames()))
    return _KEPT[-1]


def not_known(_: str) -> Unopened | None:
    """For what opens nothing by the wall."""
    return None
