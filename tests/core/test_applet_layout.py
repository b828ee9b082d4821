"""Applets on air: above or below the programme, each page a layout of its own that begins anew when it is another one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from player.core.applet_layout import applet_item, applet_layout, applet_layouts, beside, page_of, with_applets
from player.core.applets import AppletAssignment, AppletOn, AppletPlace, AppletPlan, AppletRun, AppletTiming, AppletTurn, applet_on
from player.core.content import Item, Manifest, Playlist, full_screen
from player.core.kinds import Kind
from player.core.onair import Because, OnAir, Source

RUN = AppletRun("menu", "1.0.0", {"title": "Menu"}, files="f00d")
PLAN = AppletPlan((AppletTiming("t", 1.0, 1.0, RUN, 1.0, 100.0),))
PROGRAMME = full_screen(Playlist("p", "p", (Item("i", "c", "Picture", Kind.IMAGE, 10.0),)))
SHOWN = OnAir(PROGRAMME, datetime.fromtimestamp(50, UTC), Because(Source.DEFAULT))
NOTHING = OnAir(None, None, Because(Source.NOTHING))


def on(plan: AppletPlan) -> AppletOn:
    return applet_on(plan, AppletTurn(), 5.0, 0.0)


def test_below_it_is_on_where_the_programme_has_nothing_to_show():
    found = beside(NOTHING, PLAN, on(PLAN), ())
    assert found.layout == applet_layout(RUN, "t", 0)
    assert (found.until, found.why.source) == (datetime.fromtimestamp(100, UTC), Source.APPLET)
    assert str(found.why) == "the timing t puts the applet menu 1.0.0 on air; the programme has nothing to show"
    empty = OnAir(full_screen(Playlist("p", "p")), None, Because(Source.DEFAULT))
    assert beside(empty, PLAN, on(PLAN), ()).layout == applet_layout(RUN, "t", 0)


def test_below_the_programme_stays_and_ends_no_later_than_before():
    assert beside(SHOWN, PLAN, on(PLAN), ()) == SHOWN
    assert beside(replace(SHOWN, until=None), PLAN, on(PLAN), ()).until == datetime.fromtimestamp(100, UTC)


def test_above_it_goes_before_the_programme():
    plan = replace(PLAN, place=AppletPlace.ABOVE)
    found = beside(SHOWN, plan, on(plan), ())
    assert (found.layout, found.until) == (applet_layout(RUN, "t", 0), SHOWN.until)
    assert str(found.why).endswith("; before the programme")


def test_one_above_that_cannot_be_shown_gives_way_and_alone_it_has_its_place_all_the_same():
    plan, page = replace(PLAN, place=AppletPlace.ABOVE), applet_layout(RUN, "t", 0)
    assert beside(SHOWN, plan, on(plan), {page.id}) == SHOWN
    assert beside(SHOWN, plan, on(plan), {"another"}).layout == page
    for place in (AppletPlace.ABOVE, AppletPlace.BELOW):
        assert beside(NOTHING, replace(plan, place=place), on(plan), {page.id}).layout == page


def test_what_a_page_kept_is_another_rooms_once_it_was_thrown_away():
    again = replace(RUN, cleared=1)
    assert applet_item(RUN, "t", 0).room == applet_item(RUN, "other", 7).room != applet_item(again, "t", 0).room


def test_a_layout_of_an_applet_is_known_by_its_page():
    (item,) = applet_layout(RUN, "t", 0).regions[0].playlist.items
    assert page_of(applet_layout(RUN, "t", 0)) == item
    for other in (None, PROGRAMME, full_screen(Playlist("p", "p"))):
        assert page_of(other) is None


def test_none_on_leaves_the_programme():
    plan = AppletPlan(place=AppletPlace.ABOVE)
    assert beside(SHOWN, plan, on(plan), ()) == SHOWN
    assert beside(NOTHING, plan, on(plan), ()) == NOTHING


def test_a_page_is_a_package_below_the_cache_or_a_developers_address():
    (item,) = applet_layout(RUN, "t", 0).regions[0].playlist.items
    assert (item.kind, item.file, item.url, item.applet) == (Kind.PACKAGE, "applets/built/f00d/index.html", None, RUN)
    (item,) = applet_layout(AppletRun("mine", "1", url="http://10.0.0.2/"), "connected", 0).regions[0].playlist.items
    assert (item.kind, item.file, item.url) == (Kind.WEB, None, "http://10.0.0.2/")


def test_another_configuration_other_files_and_another_beginning_make_another_layout():
    runs = [RUN, replace(RUN, configuration={"title": "Bar"}), replace(RUN, files="beef"), replace(RUN, scope=2)]
    assert len({applet_layout(run, "t", 0).id for run in runs} | {applet_layout(RUN, "t", 1).id}) == 5
    assert applet_layout(RUN, "t", 0) == applet_layout(replace(RUN, configuration=dict(RUN.configuration)), "t", 0)


def test_the_stage_gets_every_page_that_may_come_beside_the_programme():
    assigned = AppletAssignment("a", 1.0, 1.0, AppletRun("clock", "2", files="beef"))
    plan = replace(PLAN, assigned=assigned, connected=AppletRun("mine", "1", url="http://10.0.0.2/"))
    manifest = Manifest("7", (PROGRAMME,))
    found = with_applets(manifest, plan)
    assert found
    assert (found.version, found.layouts[0], len(found.layouts)) == ("7", PROGRAMME, 4)
    alone = with_applets(None, plan)
    assert alone
    assert alone.layouts == applet_layouts(plan)
    assert len(applet_layouts(replace(plan, assigned=replace(assigned, run=AppletRun("clock", "3"))))) == 2, "it is not here"
    for none in (replace(plan, enabled=False), replace(plan, place=AppletPlace.OFF), AppletPlan()):
        assert with_applets(manifest, none) is manifest
        assert with_applets(None, none) is None
