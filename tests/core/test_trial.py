"""Whether a version stays is known by what its units do, and by the clock alone where they do nothing."""

from __future__ import annotations

import pytest

from player.core.trial import MOST_STARTS, PATIENCE_S, STEADY_S, TrialEnd, UnitSeen, verdict

UP, BACK, STARTS = UnitSeen(True, 7, 0), UnitSeen(True, 8, MOST_STARTS - 1), UnitSeen(False, 9, 0)
ENDS = UnitSeen(True, 9, MOST_STARTS)


@pytest.mark.parametrize(
    ("units", "unchanged_s", "waited_s", "expected"),
    [
        ([UP, UP, UP], STEADY_S, STEADY_S, TrialEnd.STAYS),
        ([UP, UP, BACK], STEADY_S, 90.0, TrialEnd.STAYS),
        ([UP, UP, UP], STEADY_S - 1, 500.0, TrialEnd.OPEN),
        ([UP, UP, STARTS], STEADY_S, STEADY_S, TrialEnd.OPEN),
        ([UP, UP, ENDS], STEADY_S, STEADY_S, TrialEnd.GOES),
        ([UP, UP, STARTS], 0.0, PATIENCE_S, TrialEnd.GOES),
        ([UP, UP, UP], STEADY_S, PATIENCE_S, TrialEnd.STAYS),
        ([], STEADY_S, STEADY_S, TrialEnd.OPEN),
    ],
)
def test_a_version_stays_that_is_steady_and_goes_when_it_keeps_ending(units, unchanged_s, waited_s, expected) -> None:
    assert verdict(units, unchanged_s, waited_s) is expected
