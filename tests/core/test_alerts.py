"""Emergency alerts: what is seen when, and what a server's list changes."""

from __future__ import annotations

from player.core.alerts import active, merge, next_change, split, with_image
from player.core.brief import Alert, Severity

FIRE = Alert("1", "Fire", "Leave", Severity.EXTREME, starts_at=100, expires_at=200)
WIND = Alert("2", "Wind", "Close windows", Severity.MINOR)
STORM = Alert("3", "Storm", "Stay in", Severity.SEVERE, starts_at=150)


def test_alerts_are_active_between_their_times_gravest_first():
    assert active([WIND, STORM, FIRE], 99, clock_trusted=True) == (WIND,)
    assert active([WIND, STORM, FIRE], 100, clock_trusted=True) == (FIRE, WIND)
    assert active([WIND, STORM, FIRE], 199.9, clock_trusted=True) == (FIRE, STORM, WIND)
    assert active([WIND, STORM, FIRE], 200, clock_trusted=True) == (STORM, WIND)


def test_t1_with_an_untrusted_clock_a_listed_alert_is_shown_rather_than_withheld():
    assert active([FIRE], 0, clock_trusted=False) == (FIRE,)
    assert active([FIRE], 10_000, clock_trusted=False) == (FIRE,)
    assert merge((), (FIRE,), 10_000, clock_trusted=False) == (FIRE,)


def test_an_alert_that_is_no_longer_listed_ends_and_its_picture_stays_while_it_is():
    held = with_image(merge((), (WIND, FIRE), 0, clock_trusted=True), "1", "ab/cd.png")
    assert [a.image for a in held] == ["ab/cd.png", None]
    assert merge(held, (FIRE,), 0, clock_trusted=True)[0].image == "ab/cd.png"
    assert merge(held, (WIND,), 0, clock_trusted=True) == (WIND,)
    assert merge(held, (), 0, clock_trusted=True) == ()


def test_a_server_that_says_nothing_leaves_alerts_until_they_expire():
    held = merge((), (WIND, FIRE), 0, clock_trusted=True)
    assert merge(held, None, 199, clock_trusted=True) == held
    assert merge(held, None, 200, clock_trusted=True) == (WIND,)


def test_the_gravest_takes_the_screen_and_the_rest_run_as_a_ticker():
    assert split((WIND, STORM, FIRE)) == (FIRE, (WIND,))
    assert split((WIND,)) == (None, (WIND,))
    assert split(()) == (None, ())


def test_the_next_change_is_the_next_beginning_or_end():
    assert next_change([FIRE, STORM], 0) == 100
    assert next_change([FIRE, STORM], 100) == 150
    assert next_change([FIRE, STORM], 150) == 200
    assert next_change([FIRE, STORM, WIND], 200) is None
