"""What covers what."""

from __future__ import annotations

from player.core.brief import Alert, Severity, StageBrief
from player.core.content import Orientation
from player.core.cover import Cover, view
from player.core.problem import CODE_STAYS_S, Problem, SafeMode, Trouble
from tests.fakes.brief import brief

FIRE = Alert("1", "Fire", "Leave the building", Severity.EXTREME, expires_at=200.0)
RAIN = Alert("2", "Rain", "Take an umbrella", Severity.MINOR, starts_at=50.0)
NO_TROUBLE = Trouble()
PORTAL = Problem("portal", "it redirects to login.example")
UNPAIRED = brief(paired=False, pairing_code="4A7X2B")


def seen(
    told: StageBrief,
    at: float = 100.0,
    content: bool = True,
    pad: bool = False,
    trusted: bool = True,
    trouble: Trouble = NO_TROUBLE,
):
    return view(told, at, trouble=trouble, card_after_s=300.0, has_content=content, pad_open=pad, clock_trusted=trusted)


def test_content_is_seen_when_nothing_covers_it():
    assert (seen(brief(paired=True)).state, seen(brief(paired=True)).cover) == ("playing", Cover.NOTHING)


def test_c13_without_content_the_idle_card_is_seen():
    assert (seen(brief(), content=False).state, seen(brief(), content=False).cover) == ("idle", Cover.IDLE)


def test_the_pairing_code_fills_the_screen_only_while_there_is_nothing_to_play():
    assert seen(UNPAIRED, content=False).cover is Cover.PAIRING
    assert seen(UNPAIRED, content=False).corner_code is None
    assert seen(UNPAIRED).cover is Cover.NOTHING
    assert seen(UNPAIRED).corner_code == "4A7X2B"


def test_a_grave_alert_is_above_everything_and_ends_when_it_expires():
    told = brief(alerts=(RAIN, FIRE))
    assert (seen(told, pad=True).cover, seen(told).alert) == (Cover.ALERT, FIRE)
    assert seen(told, at=200.0).cover is Cover.NOTHING


def test_a_lesser_alert_runs_as_a_ticker_from_when_it_begins():
    assert seen(brief(alerts=(RAIN,))).tickers == (RAIN,)
    assert seen(brief(alerts=(RAIN,)), at=49.0).tickers == ()


def test_the_lock_pad_covers_content_and_the_idle_card():
    assert seen(brief(locked=True), pad=True).cover is Cover.LOCK_PAD
    assert seen(brief(locked=True), content=False, pad=True).cover is Cover.LOCK_PAD


def test_a_ticker_makes_room_for_the_keys_of_the_lock_pad():
    assert seen(brief(locked=True, alerts=(RAIN,)), pad=True).tickers == ()


def test_a_screen_that_is_to_be_off_has_a_curtain():
    assert seen(brief(screen_on=False)).curtain
    assert seen(brief(screen_on=False, alerts=(FIRE,))).curtain


def test_orientations_are_clockwise_turns():
    assert [o.degrees for o in Orientation] == [0, 90, 180, 270]


def test_with_a_clock_that_is_not_trusted_an_alert_is_shown_before_its_start_and_after_its_end():
    later = brief(paired=True, alerts=(Alert("1", "Storm", "Stay inside", Severity.SEVERE, 500.0, 600.0),))
    assert [seen(later, at).cover for at in (100.0, 550.0, 700.0)] == [Cover.NOTHING, Cover.ALERT, Cover.NOTHING]
    assert [seen(later, at, trusted=False).cover for at in (100.0, 550.0, 700.0)] == [Cover.ALERT] * 3


def test_what_is_wrong_fills_a_screen_that_has_nothing_to_show():
    for told in (brief(), brief(paired=True), brief(paired=False)):
        found = seen(told, content=False, trouble=Trouble(PORTAL))
        assert (found.state, found.cover, found.problem, found.corner_problem) == ("idle", Cover.PROBLEM, PORTAL, None)


def test_a_code_that_somebody_may_be_reading_stays_for_a_while():
    assert seen(UNPAIRED, content=False, trouble=Trouble(PORTAL, CODE_STAYS_S - 1)).cover is Cover.PAIRING
    assert seen(UNPAIRED, content=False, trouble=Trouble(PORTAL, CODE_STAYS_S)).cover is Cover.PROBLEM


def test_a_box_that_waits_for_a_code_says_so_once_the_agent_is_there():
    assert seen(brief(), content=False, trouble=Trouble(heard=True)).cover is Cover.PAIRING
    assert seen(brief(paired=False), content=False).cover is Cover.PAIRING
    assert seen(brief(paired=True), content=False, trouble=Trouble(heard=True)).cover is Cover.IDLE


def test_content_on_its_way_is_counted_until_all_of_it_is_here():
    found = seen(brief(paired=True), content=False, trouble=Trouble(None, 0.0, 2, 5, heard=True))
    assert (found.state, found.cover, found.progress) == ("idle", Cover.PROGRESS, (2, 5))
    assert seen(brief(paired=True), content=False, trouble=Trouble(None, 0.0, 5, 5, heard=True)).cover is Cover.IDLE


def test_beside_content_a_problem_is_small_and_told_only_when_it_lasts():
    assert seen(brief(paired=True), trouble=Trouble(PORTAL, 299.0)).corner_problem is None
    found = seen(brief(paired=True), trouble=Trouble(PORTAL, 300.0))
    assert (found.state, found.cover, found.problem, found.corner_problem) == ("playing", Cover.NOTHING, None, PORTAL)
    assert seen(UNPAIRED, trouble=Trouble(PORTAL, 300.0)).corner_problem is None, "the code stands there"


def test_zero_never_shows_a_problem_beside_content():
    found = view(
        brief(paired=True),
        0.0,
        trouble=Trouble(PORTAL, 1e9),
        card_after_s=0.0,
        has_content=True,
        pad_open=False,
        clock_trusted=True,
    )
    assert found.corner_problem is None


def test_neither_an_alert_nor_the_lock_pad_gives_way_to_a_problem():
    assert seen(brief(alerts=(FIRE,)), content=False, trouble=Trouble(PORTAL)).cover is Cover.ALERT
    assert seen(brief(locked=True), content=False, pad=True, trouble=Trouble(PORTAL)).cover is Cover.LOCK_PAD


def test_safe_mode_covers_content_with_a_still_and_says_so_in_the_corner_when_it_lasts():
    crashed = Problem("safe_mode")
    young, old = (Trouble(crashed, lasted, safe=SafeMode(0.0, ("a.png",))) for lasted in (10.0, 300.0))
    for content in (True, False):
        found = seen(brief(paired=True), content=content, trouble=young)
        assert (found.state, found.cover, found.stills, found.corner_problem) == ("safe_mode", Cover.SAFE_MODE, ("a.png",), None)
        assert seen(brief(paired=True), content=content, trouble=old).corner_problem == crashed
    bare = seen(brief(paired=True), trouble=Trouble(crashed, 300.0, safe=SafeMode(0.0)))
    assert (bare.problem, bare.corner_problem) == (crashed, None), "the card itself says it"
    assert seen(brief(alerts=(FIRE,)), trouble=old).cover is Cover.ALERT
