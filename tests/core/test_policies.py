"""Which policy holds what: the higher priority, then the later assignment."""

from __future__ import annotations

from dataclasses import replace

from player.core.policies import Policy, PolicyAssignment, PolicyItem, in_force

QUIET = Policy("q", 1.0, "Quiet", (PolicyItem("VOLUME", {"volume": 10}, 1.0), PolicyItem("DEBUG", {}, 1.0)))
LOUD = Policy("l", 2.0, "Loud", (PolicyItem("VOLUME", {"volume": 90}, 1.0),))
BOTH = {"q": QUIET, "l": LOUD}


def names(assigned: list[PolicyAssignment], policies: dict[str, Policy] = BOTH) -> dict[str, str]:
    return {kind: held.policy.name for kind, held in in_force(policies, assigned).items()}


def test_the_higher_priority_wins_item_by_item():
    assert names([PolicyAssignment("q", 1, 5.0), PolicyAssignment("l", 2, 1.0)]) == {"VOLUME": "Loud", "DEBUG": "Quiet"}
    assert names([PolicyAssignment("q", 2, 1.0), PolicyAssignment("l", 1, 5.0)])["VOLUME"] == "Quiet"


def test_of_two_alike_the_one_that_was_assigned_later_wins():
    assert names([PolicyAssignment("l", 1, 5.0), PolicyAssignment("q", 1, 1.0)])["VOLUME"] == "Loud"


def test_what_is_archived_or_gone_holds_nothing():
    archived = {"q": replace(QUIET, archived=True)}
    assert names([PolicyAssignment("q", 1, 1.0), PolicyAssignment("gone", 1, 1.0)], archived) == {}
