"""Nothing that comes from outside breaks what reads it: a little here, and for ten minutes at night.

`python -m tests.fuzz.test_readers SECONDS [NAME]` does the same for as long as it is told to.
"""

from __future__ import annotations

import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.readers import TARGETS, Target

NIGHT_S = 600.0
AT_A_TIME = 300
_QUIETLY = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))


def hunt(target: Target, examples: int, *, always_the_same: bool) -> None:
    """Tries so many; what breaks it is found in its smallest form."""

    @settings(_QUIETLY, max_examples=examples, derandomize=always_the_same)
    @given(target.given)
    def judged(given: object) -> None:
        target.judge(given)

    judged()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_l4_nothing_that_comes_from_outside_breaks_what_reads_it(target: Target):
    hunt(target, 50, always_the_same=True)


@pytest.mark.nightly
@pytest.mark.timeout(NIGHT_S + 300)  # a test that is ended while it draws looks to hypothesis as if it drew at random
def test_l4_ten_minutes_of_hostile_documents_break_nothing():
    hunt_for(NIGHT_S, TARGETS)


def hunt_for(seconds: float, targets: tuple[Target, ...]) -> int:
    """How many were tried."""
    began, tried = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        for target in targets:
            hunt(target, AT_A_TIME, always_the_same=False)
            tried += AT_A_TIME
    return tried


if __name__ == "__main__":
    chosen = tuple(target for target in TARGETS if len(sys.argv) < 3 or target.name == sys.argv[2])
    print(f"{hunt_for(float(sys.argv[1]), chosen)} documents broke nothing")
