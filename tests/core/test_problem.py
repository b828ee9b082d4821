"""What stands between a screen and its content: how the agent judges it, and what the stage makes of it over time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from player.core.contact import Contact, Standing
from player.core.faults import CODES, Fault
from player.core.problem import SILENT_S, STARTING_S, ContentStanding, Outlook, Problem, SafeMode, TroubleWatch, outlook
from player.errors import NameUnknown, NoWayOut, ServerDenied, ServerError, ServerNonsense, ServerUnreachable, ServerUntrusted

URL = "https://cms.example.com"
ONLINE = Contact().reached(100.0, None)
NOTHING = ContentStanding(on_air=False, items=None, fetching=False, ready=0, total=0)
DAMAGED = Fault("damaged", "poster: cannot be read", 50.0)


def told(contact: Contact, content: ContentStanding = NOTHING, *, address: bool = True, paired: bool | None = True) -> Outlook:
    return outlook(contact, content, has_address=address, paired=paired)


def code(found: Outlook) -> str | None:
    return found.problem.code if found.problem else None


def test_without_a_server_there_is_nothing_to_wait_for():
    assert told(Contact(Standing.NONE), paired=None) == Outlook(Problem("no_server"))


@pytest.mark.parametrize("paired", [None, False, True])
@pytest.mark.parametrize("kind", [ServerUnreachable, NameUnknown, NoWayOut, ServerUntrusted, ServerDenied, ServerNonsense])
def test_what_the_server_did_is_told_by_its_code_and_its_reason(kind: type[ServerError], paired: bool | None):
    found = told(Contact().missed(kind(URL, "because")), paired=paired)
    assert found.problem == Problem(kind.code, "because")
    assert kind.code in CODES


@pytest.mark.parametrize(
    ("kind", "wanted"), [(NoWayOut, "no_network"), (NameUnknown, "no_network"), (ServerUnreachable, "server_unreachable")]
)
def test_a_box_without_an_address_is_told_to_be_joined_to_a_network_and_a_server_beside_it_is_not_blamed_on_one(
    kind: type[ServerError], wanted: str
):
    assert code(told(Contact().missed(kind(URL, "because")), address=False)) == wanted


def test_a_pause_of_our_own_does_not_hide_why_there_is_one():
    contact = Contact().missed(ServerNonsense(URL, "a log-in page"))
    assert code(told(contact.missed(ServerUnreachable(URL, "asked again in 3 s", retry_after_s=3.0)))) == "server_nonsense"
    assert code(told(contact.missed(ServerUnreachable(URL, "no route")))) == "server_unreachable"
    assert told(contact.reached(1.0, None)) == Outlook()


def test_before_anything_was_heard_and_before_it_is_paired_nothing_is_wrong():
    assert told(Contact(), replace(NOTHING, items=0)) == Outlook()
    assert told(ONLINE, replace(NOTHING, items=0, ready=1, total=2), paired=False) == Outlook()


def test_paired_without_content_is_told_once_the_server_said_so():
    assert told(ONLINE) == Outlook()
    assert code(told(ONLINE, replace(NOTHING, items=0))) == "no_content"


def test_the_files_that_come_are_counted_and_what_failed_is_told_when_the_round_is_over():
    coming = ContentStanding(on_air=False, items=3, fetching=True, ready=1, total=3, faults=(DAMAGED,))
    assert told(ONLINE, coming) == Outlook(None, 1, 3)
    assert told(ONLINE, replace(coming, fetching=False)) == Outlook(Problem("damaged", DAMAGED.message), 1, 3)


def test_a_screen_with_content_has_no_problem_with_its_content():
    assert told(ONLINE, ContentStanding(True, 3, False, 2, 3, (DAMAGED,))) == Outlook(None, 2, 3)


def test_an_agent_that_was_never_heard_is_starting_until_it_should_have_come():
    watch = TroubleWatch(began=100.0)
    assert watch.look(100.0 + SILENT_S - 1).problem is None
    assert watch.look(100.0 + SILENT_S).problem == Problem("agent_starting")
    assert watch.look(100.0 + STARTING_S - 1).problem == Problem("agent_starting")
    found = watch.look(100.0 + STARTING_S)
    assert (found.problem, found.lasted_s) == (Problem("agent_away"), STARTING_S - SILENT_S)


def test_the_stage_says_of_itself_that_the_agent_went_and_since_when():
    watch = TroubleWatch(began=0.0)
    watch.hear(Outlook(None, 1, 3), 200.0)
    found = watch.look(200.0 + SILENT_S - 1)
    assert (found.problem, found.ready, found.total, found.heard) == (None, 1, 3, True)
    found = watch.look(200.0 + SILENT_S)
    assert (found.problem, found.lasted_s) == (Problem("agent_away"), SILENT_S)


def test_trouble_lasts_while_its_cause_changes_and_begins_anew_after_a_good_moment():
    watch = TroubleWatch(began=0.0)
    for at, found in ((1.0, Problem("portal")), (11.0, Problem("server_unreachable"))):
        watch.hear(Outlook(found), at)
        assert watch.look(at).lasted_s == at - 1.0
    watch.hear(Outlook(), 20.0)
    assert watch.look(20.0).lasted_s == 0.0
    watch.hear(Outlook(Problem("portal")), 25.0)
    assert watch.look(30.0).lasted_s == 0.0
    assert watch.look(35.0).lasted_s == 5.0


def test_what_the_stage_knows_goes_before_what_it_is_told():
    watch = TroubleWatch(began=0.0, own=Problem("config", "config.toml: cms.ulr"))
    watch.hear(Outlook(Problem("portal")), 0.0)
    assert watch.look(1.0, (DAMAGED,)).problem == Problem("config", "config.toml: cms.ulr")
    watch.own = None
    assert watch.look(1.0, (DAMAGED,)).problem == Problem("damaged", DAMAGED.message)
    assert watch.look(1.0).problem == Problem("portal")


def test_safe_mode_goes_before_everything_and_lasts_since_it_began():
    watch = TroubleWatch(began=2000.0, own=Problem("config"), safe=SafeMode(1500.0, ("a.png",)))
    found = watch.look(2100.0)
    assert (found.problem, found.lasted_s, found.safe) == (Problem("safe_mode"), 600.0, SafeMode(1500.0, ("a.png",)))
    watch.safe = None
    assert watch.look(2100.0).problem == Problem("config")
