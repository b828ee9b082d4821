"""Why an item is on air, or is not: every reason in its sentence, the first that holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from player.core.applet_layout import applet_layout
from player.core.applets import AppletPlace, AppletPlan, AppletRun, AppletTiming
from player.core.content import Item, Layout, Manifest, Playlist, Programme, Rect, Region, StandBy
from player.core.cover import Cover, StageState
from player.core.faults import Fault
from player.core.kinds import Kind
from player.core.onair import Listings
from player.core.ports.stage import NowPlaying, PausedItem, StageStatus
from player.core.schedule import Condition, Rule
from player.core.triggers import RuleStanding
from player.core.why import Evidence, explain

NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)  # a Wednesday
ALWAYS = Rule("7", name="Always", layout="day")
STAGE = StageStatus(StageState.PLAYING, items=(NowPlaying("main", "shop", "c-shop", "shop", "web", 1.0, 10.0),))


def layout(name: str, *names: str) -> Layout:
    items = tuple(Item(one, f"c-{one}", one, Kind.WEB, 10, url="https://example.com/") for one in names)
    return Layout(name, 10, 10, (Region("main", Rect(0, 0, 10, 10), Playlist(name, name, items)),))


DAY, NIGHT = layout("day", "shop", "cafe"), layout("night", "bar")


def known(*rules: Rule, default: str | None = None, missing: bool = False, **more: object) -> Evidence:
    wanted = Programme((DAY, NIGHT), rules, default)
    published = Manifest("1", (layout("day"), NIGHT) if missing else (DAY, NIGHT), rules, default)
    evidence = Evidence(wanted, published, Listings(wanted, ZoneInfo("UTC")), NOON, stage=STAGE)
    return replace(evidence, **more)  # type: ignore[arg-type]


def because(evidence: Evidence, name: str) -> str:
    (answer,) = explain(evidence, name)
    assert answer.on_air is not answer.because.startswith("not on air")
    return answer.because


def test_every_item_of_the_programme_is_answered_for():
    answers = explain(known(ALWAYS), None)
    assert [(one.item_id, one.content_id, one.layout, one.on_air) for one in answers] == [
        ("shop", "c-shop", "day", True),
        ("cafe", "c-cafe", "day", True),
        ("bar", "c-bar", "night", False),
    ]


MENU, DRINKS = AppletRun("menu", "1", files="f00d"), AppletRun("drinks", "1", files="beef")
APPLETS = AppletPlan(tuple(AppletTiming(run.applet, 1.0, 1.0, run, 1.0, 1.0, n) for n, run in enumerate((MENU, DRINKS))))


def test_an_applet_is_answered_for_wherever_it_stands():
    assert because(known(ALWAYS, applets=APPLETS), "menu") == (
        'not on air: the rule "Always" puts it on air; see `devices.content`'
    )  # fmt: skip
    above = replace(APPLETS, place=AppletPlace.ABOVE)
    assert because(known(ALWAYS, applets=above), "menu").startswith("on air: the timing menu puts the applet menu 1 on air, 1 of 2")
    assert because(known(ALWAYS, applets=above), "drinks").endswith("its turn or its time comes")
    instead = because(known(ALWAYS, applets=above), "shop")
    assert "which ranks above the rule" in instead
    assert instead.endswith("take the applet away over the management API, or see `devices.content`")
    off = because(known(ALWAYS, applets=above, stage=replace(STAGE, screen_on=False)), "menu")
    assert off == "not on air: the screen is switched off: `signage-player set screen_on on`"
    (item,) = applet_layout(MENU, "menu", 0).regions[0].playlist.items
    seen = replace(STAGE, items=(NowPlaying("main", item.id, "menu", "menu", "package", 1.0, 10.0),))
    assert because(known(ALWAYS, applets=above, stage=seen), "menu") == "on screen now: the management put it on"


def test_of_an_applet_that_nobody_may_see_it_is_said_why():
    off = "not on air: applets are switched off (APPLET_DISABLE)"
    assert because(known(ALWAYS, applets=replace(APPLETS, enabled=False)), "menu") == off
    nowhere = because(known(ALWAYS, applets=replace(APPLETS, place=AppletPlace.OFF)), "menu")
    assert nowhere == "not on air: applets have no place on this screen (devices.content)"
    absent = replace(APPLETS.timings[0], run=replace(MENU, files="", name="Dishes"))
    absent = replace(APPLETS, timings=(absent, APPLETS.timings[1]), place=AppletPlace.ABOVE)
    assert "not complete here: upload the others" in because(known(ALWAYS, applets=absent), "Dishes")
    over = replace(APPLETS, timings=(replace(APPLETS.timings[0], ends_at=2.0),))
    assert because(known(ALWAYS, applets=over), "menu") == "not on air: no applet is assigned, and no timing is on"


def test_of_an_applet_above_that_could_not_be_shown_it_is_said_and_the_programme_is_on_air():
    above = replace(APPLETS, place=AppletPlace.ABOVE)
    (item,) = applet_layout(MENU, "menu", 0).regions[0].playlist.items
    failed = replace(STAGE, paused=(PausedItem(item.id, NOON.timestamp()),))
    evidence = known(ALWAYS, applets=above, stage=failed, faults=(Fault("page_failed", "menu: no answer", 1.0, item.id),))
    assert because(evidence, "menu").startswith(
        "not on air: it is paused after a failure until 12:00:00 UTC; menu: no answer (page_failed)"
    )
    assert because(evidence, "shop") == 'on screen now; the rule "Always" puts it on air'


def test_it_is_asked_by_item_content_or_name_and_what_nobody_knows_is_said():
    assert [one.name for one in explain(known(ALWAYS), "c-cafe")] == ["cafe"]
    (answer,) = explain(known(ALWAYS), "nobody")
    assert (answer.on_air, answer.because) == (False, "not on air: no layout of the programme holds it: add it on the server")


def test_what_is_on_air_says_by_which_rule_and_whether_it_is_on_screen():
    assert because(known(ALWAYS), "shop") == 'on screen now; the rule "Always" puts it on air'
    until = replace(ALWAYS, start_time=time(9), end_time=time(13))
    assert because(known(until), "cafe") == (
        'on air: its turn comes in the region main; the rule "Always" puts it on air until 2026-04-01 13:00:00 UTC'
    )


def test_what_is_only_heard_is_not_said_to_be_on_screen():
    evidence = known(ALWAYS)
    heard = tuple(replace(item, kind=Kind.AUDIO) for item in evidence.wanted.layouts[0].regions[0].playlist.items)
    region = replace(DAY.regions[0], playlist=Playlist("p", "p", heard))
    wanted = replace(evidence.wanted, layouts=(replace(DAY, regions=(region,)), NIGHT))
    assert because(replace(evidence, wanted=wanted), "shop").startswith("heard now; ")


def test_a_page_of_a_document_is_its_item():
    page = NowPlaying("main", "cafe/2", "c-cafe", "cafe", "pdf", 1.0, 10.0)
    assert because(known(ALWAYS, stage=replace(STAGE, items=(page,))), "cafe").startswith("on screen now")


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (Rule("8", is_active=False), "the rule 8 is switched off: switch it on on the server"),
        (Rule("8", end_date=date(2026, 3, 1)), "the rule 8 ended with 2026-03-01: change it on the server"),
        (
            Rule("8", start_date=date(2026, 5, 1)),
            "the rule 8 is on air again from Fri 01 May 2026 00:00: for earlier, change it on the server",
        ),
        (
            Rule("8", start_time=time(20), end_time=time(23)),
            "the rule 8 is on air again from Wed 01 Apr 2026 20:00: for earlier, change it on the server",
        ),
        (
            Rule("8", conditions=(Condition("weather", "gt", 30),), priority=9),
            'the condition "weather gt 30" of the rule 8 cannot be judged on this device: change it on the server',
        ),
        (
            Rule("8", conditions=(Condition("day_type", "eq", "holiday"),), priority=9),
            'the condition "day_type eq holiday" of the rule 8 cannot be judged on this device: set `time.country`',
        ),
        (
            Rule("8", conditions=(Condition("day_type", "eq", "weekday"), Condition("day_type", "eq", "weekend")), priority=9),
            'the condition "day_type eq weekend" of the rule 8 is not met: change it on the server',
        ),
        (
            Rule("8", conditions=(Condition("instants", "between", [NOON.timestamp() + 60, None]),)),
            'the condition "from 2026-04-01 12:01:00 UTC" of the rule 8 is not met: change it on the server',
        ),
        (
            Rule("8", priority=-1),
            'the rule "Always" puts it on air, which ranks above the rule 8: change it on the server',
        ),
    ],
)
def test_a_rule_that_is_not_on_air_says_why(rule: Rule, reason: str):
    assert because(known(ALWAYS, replace(rule, layout="night")), "bar") == f"not on air: {reason}"


def test_of_several_rules_the_nearest_is_told():
    over, later = Rule("1", end_date=date(2026, 3, 1), layout="night"), Rule("2", start_date=date(2026, 5, 1), layout="night")
    assert "the rule 2 is on air again" in because(known(ALWAYS, over, later), "bar")


def test_a_layout_without_a_rule_and_a_default_that_gave_way():
    assert because(known(ALWAYS), "bar") == "not on air: no rule puts the layout night on air: give it a schedule on the server"
    assert because(known(ALWAYS, default="night"), "bar") == 'not on air: day is on, since the rule "Always" puts it on air'
    nothing = known(default="gone")
    assert because(nothing, "bar") == "not on air: no rule puts the layout night on air: give it a schedule on the server"


def test_a_layout_with_nothing_to_show_is_said():
    wanted = Programme((layout("day"), NIGHT), (ALWAYS,))
    case = known(wanted=wanted, listings=Listings(wanted, ZoneInfo("UTC")))
    assert explain(case, None)[0].because.startswith("not on air: no rule puts the layout night on air")
    two = Programme((Layout("day", 1, 1), replace(NIGHT, id="day")), (ALWAYS,))
    listings = Listings(Programme((Layout("day", 1, 1),), (ALWAYS,)), ZoneInfo("UTC"))
    (answer,) = explain(known(wanted=two, listings=listings), None)
    assert answer.because == "not on air: the layout day has nothing that could be shown: change it on the server"


def test_a_file_that_is_missing_says_its_fault_or_that_it_comes():
    fault, other = Fault("bad_url", "its address is not http", 0.0, "cafe"), Fault("no_display", "no panel", 0.0)
    found = because(known(ALWAYS, missing=True, faults=(other, fault)), "cafe")
    assert found == "not on air: its address is not http (bad_url): correct it on the server; hosts: `stage.stream_hosts`"
    assert because(known(ALWAYS, missing=True), "cafe").startswith("not on air: its file is not here yet")
    assert because(known(ALWAYS, published=None), "cafe").startswith("not on air: its file is not here yet")


def test_what_the_stage_knows_is_told():
    assert because(known(ALWAYS, stage=None), "cafe").startswith("not on air: the stage is not running")
    barred = Fault("quarantined", "cafe: the stage died three times with it on screen", 0.0, "cafe", "c-cafe")
    assert because(known(ALWAYS, stage=replace(STAGE, faults=(barred,))), "cafe").startswith(f"not on air: {barred.message}: ")
    paused = replace(STAGE, paused=(PausedItem("cafe", NOON.timestamp() + 40),))
    broken = Fault("unplayable", "cafe: cannot be decoded", 0.0, "cafe", "c-cafe")
    words = because(known(ALWAYS, stage=paused, faults=(broken,)), "cafe")
    assert words.startswith("not on air: it is paused after a failure until 12:00:40 UTC; cafe: cannot be decoded (unplayable): ")
    assert because(known(ALWAYS, stage=paused), "cafe").endswith("until 12:00:40 UTC; it could not be shown")


def test_what_covers_the_screen_covers_its_items():
    dark = because(known(ALWAYS, stage=replace(STAGE, screen_on=False)), "shop")
    assert dark == "not on air: the screen is switched off: `signage-player set screen_on on`"
    says = {
        Cover.ALERT: "an emergency alert",
        Cover.LOCK_PAD: "the lock pad",
        Cover.PAIRING: "the pairing code",
        Cover.PROBLEM: "a card",
        Cover.SAFE_MODE: "safe mode",
    }
    for cover in Cover:
        assert says.get(cover, "on screen now") in because(known(ALWAYS, stage=replace(STAGE, cover=cover)), "shop")


# --- what stands by for triggers

GOAL = RuleStanding('a broadcast with the channel "sport1"')


def stands_by(trigger: str, *names: str, **more: object) -> StandBy:
    items = tuple(Item(f"trigger {trigger} {n}", f"c-{one}", one, Kind.WEB, 10, url="https://x.example/")
                  for n, one in enumerate(names, 1))  # fmt: skip
    return StandBy(trigger, items, **more)  # type: ignore[arg-type]  # of a test


def waiting(*waits: StandBy, here: bool = True, playing: str = "", ready: tuple[str, ...] = (), **rules: RuleStanding) -> Evidence:
    base = known(ALWAYS)
    assert base.published
    items = (NowPlaying("main", playing, "c", "n", "web", 1.0, 10.0),) if playing else STAGE.items
    published = replace(base.published, stand_by=waits if here else ())
    return replace(
        base, wanted=replace(base.wanted, stand_by=waits), published=published, triggers=rules,
        stage=replace(STAGE, items=items, ready=ready),
    )  # fmt: skip


def test_what_stands_by_says_what_it_waits_for_and_whether_it_is_kept_ready():
    beer = stands_by("goal", "beer")
    assert because(waiting(beer, goal=GOAL), "beer") == (
        'not on air: it waits for a broadcast with the channel "sport1", and is loaded when that comes'
    )
    assert because(waiting(beer, ready=("goal",), goal=GOAL), "goal").endswith('"sport1", and is kept ready out of sight')
    (*_, last) = explain(waiting(beer, goal=GOAL), None)
    assert (last.item_id, last.content_id, last.layout, last.on_air) == ("trigger goal 1", "c-beer", "the trigger goal", False)
    late = replace(GOAL, passed_over="it was detected 20 s ago, and late_s is 10")
    assert because(waiting(beer, goal=late), "beer").endswith(
        "loaded when that comes; the last that came was passed over: it was detected 20 s ago, and late_s is 10"
    )
    assert because(waiting(beer), "beer") == (
        "not on air: no rule of the configuration is named goal: it goes with the next answer of the server"
    )


def test_what_stands_by_says_until_when_its_rule_rests():
    rests = replace(GOAL, rests_until=NOON.timestamp() + 20)
    assert because(waiting(stands_by("goal", "beer"), goal=rests), "beer") == (
        "not on air: its rule answered lately, and rests until 12:00:20 UTC: for less, lower its cooldown_s"
    )


def test_what_stands_by_without_its_file_or_a_stage_says_so():
    beer = stands_by("goal", "beer")
    assert because(waiting(beer, here=False, goal=GOAL), "beer").startswith("not on air: its file is not here yet")
    fault = Fault("bad_url", "its address is not http", 0.0, None, "c-beer")
    broken = replace(waiting(beer, here=False, goal=GOAL), faults=(fault,))
    assert because(broken, "beer").startswith("not on air: its address is not http (bad_url): ")
    assert because(replace(waiting(beer, goal=GOAL), stage=None), "beer").startswith("not on air: the stage is not running")


def test_what_stands_by_gives_way_to_no_lower_priority_on_screen():
    beer, fire = stands_by("goal", "beer", priority=2), stands_by("fire", "exit", "lift", priority=5)

    def with_fire_on(shows: StandBy) -> Evidence:
        return waiting(beer, shows, playing="trigger fire 1", goal=GOAL, fire=GOAL)

    assert because(with_fire_on(fire), "exit") == "on screen now; the trigger fire shows it"
    assert because(with_fire_on(fire), "lift") == "on air: its turn comes; the trigger fire shows it"
    assert because(with_fire_on(fire), "beer") == (
        "not on air: the trigger fire is on screen, and its priority of 5 is not below its own, 2"
    )
    assert because(with_fire_on(replace(fire, priority=2)), "beer").startswith("not on air: the trigger fire is on screen")
    assert because(with_fire_on(replace(fire, priority=1)), "beer").startswith("not on air: it waits for")


def test_what_shows_in_another_place_beats_nothing():
    halves = Layout("day", 10, 10, (
        Region("left", Rect(0, 0, 3, 10), Playlist("l", "l", DAY.regions[0].playlist.items)),
        Region("right", Rect(3, 0, 7, 10), Playlist("r", "r", DAY.regions[0].playlist.items)),
    ))  # fmt: skip
    beer, fire = stands_by("goal", "beer"), stands_by("fire", "exit", zone="left", priority=5)
    case = waiting(beer, fire, playing="trigger fire 1", goal=GOAL)
    wanted = replace(case.wanted, layouts=(halves,))
    assert because(replace(case, wanted=wanted, listings=Listings(wanted, ZoneInfo("UTC"))), "beer").startswith(
        "not on air: it waits for"
    )
