"""One region's playback, told as events and effects on a clock that the test holds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from player.core import cues as p
from player.core import turns
from player.core.content import CUT, Item, Playlist, Transition, TransitionKind
from player.core.kinds import Kind
from player.core.order import FIRST_PAUSE_S
from player.core.playback import RegionMachine
from player.core.showing import STAND_IN

FADE = Transition(TransitionKind.CROSSFADE, 0.6)


def item(name: str, kind: Kind = Kind.IMAGE, duration: float = 10.0, **more) -> Item:
    return Item(name, f"c-{name}", name, kind, duration, **more)


def playlist(*items: Item, transition: Transition = CUT) -> Playlist:
    return Playlist("p", "Lobby", items, transition)


class Stage:
    """Carries out effects as a perfect stage would, and remembers them."""

    def __init__(
        self,
        *items: Item,
        transition: Transition = CUT,
        natural: dict[str, float] | None = None,
        broken: set[str] | None = None,
        away: set[str] | None = None,
        hangs: set[str] | None = None,
    ):
        self.region, self.now = RegionMachine("main", seed=0), 0.0
        self.natural, self.broken, self.auto = natural or {}, broken or set(), True
        self.hangs = hangs or set()  # these are never ready, and never fail
        self.away = away or set()  # what stands in for these is drawn
        self.shown: list[str] = []
        self.records: list[p.PlayRecord] = []
        self.reports: list[p.Report] = []
        self.effects: list[p.Effect] = []
        self.tokens: dict[int, Item] = {}
        self.send(p.PlaylistChanged(playlist(*items, transition=transition)))

    @property
    def at(self) -> p.Moment:
        return p.Moment(self.now, 1_700_000_000 + self.now)

    def send(self, event: p.Event) -> list[p.Effect]:
        effects = self.region.handle(event, self.at)
        self.effects += effects
        self.records += [effect for effect in effects if isinstance(effect, p.PlayRecord)]
        for effect in effects:
            self.carry_out(effect)
        return effects

    def carry_out(self, effect: p.Effect) -> None:
        match effect:
            case p.PrepareItem(token, chosen):
                self.tokens[token] = chosen
                if self.auto and chosen.name not in self.hangs:
                    self.answer(token)
            case p.ShowItem(_, chosen, _, _):
                self.shown.append(chosen.name)
            case p.Report():
                self.reports.append(effect)

    def answer(self, token: int) -> None:
        chosen = self.tokens[token]
        if chosen.name in self.broken:
            self.send(p.PrepareFailed(token, "damaged", "cannot be decoded"))
        else:
            self.send(p.ItemPrepared(token, self.natural.get(chosen.name), stand_in=chosen.name in self.away))

    def wait(self, seconds: float) -> None:
        """Lets time pass, waking the region when it asked to be."""
        until = self.now + seconds
        while (wake := self.region.wake_at(self.now)) is not None and wake <= until:
            self.now = wake
            self.send(p.Ticked())
        self.now = until
        self.send(p.Ticked())

    def end(self) -> None:
        self.send(p.Ended(self.region.on_screen.token))

    def token(self, name: str) -> int:
        """Under which `name` was prepared last."""
        return max(token for token, chosen in self.tokens.items() if chosen.name == name)

    def last(self, kind: type):
        return [effect for effect in self.effects if isinstance(effect, kind)][-1]


def test_pictures_follow_each_other_in_order_each_for_its_duration():
    stage = Stage(item("a", duration=5), item("b", duration=7), item("c", duration=3))
    stage.wait(15.5)
    assert stage.shown == ["a", "b", "c", "a"]
    assert [(r.item.name, r.ended.mono - r.started.mono, r.result) for r in stage.records] == [
        ("a", 5, "complete"),
        ("b", 7, "complete"),
        ("c", 3, "complete"),
    ]


def test_a_video_stays_until_its_end_and_is_cut_there():
    stage = Stage(item("v", Kind.VIDEO, 0), item("a"), natural={"v": 8.0})
    stage.wait(20)
    assert stage.shown == ["v"]
    stage.end()
    assert stage.shown == ["v", "a"]
    assert stage.records[0].planned_s == 8.0


@pytest.mark.parametrize(
    ("wish", "natural", "cut_at"), [(3, 8.0, 3), (30, 8.0, None), (8, 8.0, None), (3, None, 3), (0, None, None)]
)
def test_a_videos_own_length_and_the_wished_one_the_shorter_wins(wish, natural, cut_at):
    stage = Stage(item("v", Kind.VIDEO, wish), item("a"), natural={"v": natural} if natural else {})
    stage.wait(40)
    assert stage.shown[:2] == (["v", "a"] if cut_at else ["v"])
    if cut_at:
        assert stage.records[0].ended.mono == cut_at


def test_a_crossfade_begins_before_the_videos_end_by_its_own_length():
    stage = Stage(item("v", Kind.VIDEO, 0), item("a"), transition=FADE, natural={"v": 8.0})
    stage.wait(7.3)
    assert stage.shown == ["v"]
    stage.wait(0.2)
    assert stage.shown == ["v", "a"]
    assert stage.last(p.ShowItem).transition == FADE


def test_a_clip_that_another_fades_in_over_counts_to_the_last_of_it_that_was_seen():
    stage = Stage(item("v", Kind.VIDEO, 0), item("w", Kind.VIDEO, 0), transition=FADE, natural={"v": 6.0, "w": 1.0})
    stage.wait(5.5)
    assert stage.shown == ["v", "w"]
    assert not stage.records, "it is seen still"
    stage.wait(0.6)
    assert [(r.item.name, r.ended.mono, r.ended.wall, r.result) for r in stage.records] == [("v", 6.0, 1_700_000_006, "complete")]


def test_a_picture_that_fades_counts_as_long_as_it_was_meant_to_be_shown():
    stage = Stage(item("a"), item("b"), transition=FADE)
    stage.wait(11)
    assert [(r.item.name, r.ended.mono) for r in stage.records] == [("a", 10.0)]


@pytest.mark.parametrize(
    ("event", "reason"), [(p.Covered("alert"), "alert"), (p.Stopped("the layout changed"), "the layout changed")]
)
def test_a_clip_whose_fade_is_cut_short_is_interrupted_there(event, reason):
    stage = Stage(item("v", Kind.VIDEO, 0), item("a"), transition=FADE, natural={"v": 6.0})
    stage.wait(5.5)
    stage.send(event)
    assert [(r.item.name, r.ended.mono, r.result, r.reason) for r in stage.records] == [
        ("v", 5.5, "interrupted", reason),
        ("a", 5.5, "interrupted", reason),
    ]
    stage.wait(3)
    assert len(stage.records) == 2, "once"


def test_a_clip_skipped_into_a_fade_is_seen_until_the_fade_is_over():
    stage = Stage(item("v", Kind.VIDEO, 0), item("a"), item("b"), transition=FADE, natural={"v": 6.0})
    stage.wait(2)
    stage.send(p.Skipped(1))
    stage.wait(1)
    assert [(r.ended.mono, r.result, r.reason) for r in stage.records] == [(2.6, "interrupted", "skipped")]


def test_an_items_own_transition_rules_over_the_playlists():
    stage = Stage(item("a"), item("b", transition=CUT), transition=FADE)
    stage.wait(11)
    assert stage.last(p.ShowItem).transition == CUT


def test_a_single_video_is_prepared_again_behind_itself_and_never_crossfades_into_itself():
    stage = Stage(item("v", Kind.VIDEO, 0), transition=FADE, natural={"v": 4.0})
    stage.wait(10)
    stage.end()
    assert stage.shown == ["v", "v"]
    assert stage.last(p.ShowItem).transition == CUT
    assert [r.result for r in stage.records] == ["complete"]


@pytest.mark.parametrize("kind", [Kind.IMAGE, Kind.WEB])
def test_a_single_picture_or_page_just_stays_and_each_duration_is_one_play(kind):
    stage = Stage(item("a", kind, 5))
    stage.wait(16)
    assert stage.shown == ["a"]
    assert [r.ended.mono for r in stage.records] == [5, 10, 15]


def test_c19_a_lone_page_shown_by_its_last_picture_is_tried_again_within_a_minute_and_its_plays_say_so():
    stage = Stage(item("page", Kind.WEB, 3600), away={"page"})
    stage.wait(turns.STAND_IN_S - turns.STREAM_LEAD_S - 1)
    assert len(stage.tokens) == 1, "not earlier: its server is away still"
    stage.wait(turns.STAND_IN_S)
    assert len(stage.tokens) == 2
    stage.away.clear()
    stage.wait(7200)
    assert stage.shown == ["page"] * 3
    seen = [(r.reason, r.ended.mono - r.started.mono) for r in stage.records[:3]]
    assert seen == [(STAND_IN, turns.STAND_IN_S), (STAND_IN, turns.STAND_IN_S), (None, 3600)]
    assert len(stage.tokens) == 3, "the page itself just stays"


def test_c19_among_others_a_last_picture_takes_the_items_own_time():
    stage = Stage(item("page", Kind.WEB, 5), item("a", duration=5), away={"page"})
    stage.wait(11)
    assert stage.shown == ["page", "a", "page"]
    assert [r.reason for r in stage.records] == [STAND_IN, None]


def test_the_item_on_screen_stays_until_the_next_one_is_ready():
    stage = Stage(item("a", duration=5), item("b", duration=5))
    stage.auto = False
    stage.wait(5)
    assert stage.shown == ["a", "b"]
    stage.wait(8)
    assert stage.shown == ["a", "b"], "a is being prepared, b stays for another turn"
    stage.answer(max(stage.tokens))
    stage.wait(2)
    assert stage.shown == ["a", "b"]
    stage.wait(1)
    assert stage.shown == ["a", "b", "a"]
    assert stage.records[1].ended.mono - stage.records[1].started.mono == 6


def longest_play(stage: Stage) -> float:
    return max(r.ended.mono - r.started.mono for r in stage.records)


def test_a_dead_stream_holds_nothing_longer_than_a_second_beyond_its_time():
    stage = Stage(item("a", duration=2), item("s", Kind.LIVESTREAM, 30), item("b", duration=2), hangs={"s"})
    stage.wait(9)
    assert stage.shown == ["a", "b", "a", "b"]
    assert longest_play(stage) <= 3.0
    stage.wait(5)
    assert [(r.item.name, r.code) for r in stage.reports] == [("s", "timeout")], "it was awaited meanwhile, for its whole time"


@pytest.mark.parametrize("others", [(), ("b",)])
def test_eight_bad_pages_in_a_row_hold_nothing_longer_than_a_second_beyond_its_time(others: tuple[str, ...]):
    bad = [item(f"page{n}", Kind.WEB, 5) for n in range(8)]
    good = [item(name, duration=2) for name in others]
    stage = Stage(item("a", duration=2), *bad, *good, hangs={one.name for one in bad})
    stage.wait(300)
    assert longest_play(stage) <= 3.0
    assert set(stage.shown) == {"a", *others}
    assert {r.item.name for r in stage.reports} == {one.name for one in bad}, "each had its time"


def test_a_slow_page_goes_on_loading_while_others_play_and_comes_when_it_can():
    page = item("page", Kind.WEB, 5)
    stage = Stage(item("a", duration=5), page, item("b", duration=5), item("c", duration=5), hangs={"page"})
    stage.wait(17)
    assert stage.shown == ["a", "b", "c", "a"]
    assert stage.reports == []
    stage.send(p.ItemPrepared(stage.token("page")))
    assert stage.shown[-1] == "a", "at the edge of what is on screen"
    stage.hangs.clear()
    stage.wait(20)
    assert stage.shown[4:] == ["page", "b", "c", "a"], "and the others go on in their order"


def test_what_was_awaited_is_kept_when_the_playlist_changes_and_still_holds_it():
    page, a = item("page", Kind.WEB, 5), item("a", duration=5)
    stage = Stage(a, page, item("b", duration=5), hangs={"page"})
    stage.wait(8)
    token, spare = stage.token("page"), stage.token("a")
    stage.send(p.PlaylistChanged(playlist(a, item("c"), page)))
    assert p.Release(token) not in stage.effects
    assert p.Release(spare) in stage.effects, "another may be the next"
    stage.send(p.PlaylistChanged(playlist(a, item("c"))))
    assert p.Release(token) in stage.effects


def test_what_ages_is_prepared_some_seconds_before_its_turn():
    stage = Stage(item("a", duration=60), item("page", Kind.WEB, 30))
    stage.wait(60 - turns.PAGE_LEAD_S - 0.1)
    assert len(stage.tokens) == 1
    stage.wait(0.2)
    assert len(stage.tokens) == 2
    stage.send(p.Covered("alert"))
    stage.wait(100)
    stage.send(p.Uncovered())
    assert stage.shown == ["a"]
    stage.wait(6)
    assert stage.shown == ["a", "page"]


def test_a_page_behind_what_ended_before_its_time_is_prepared_at_once():
    stage = Stage(item("v", Kind.VIDEO, 0), item("page", Kind.WEB, 30), natural={"v": 60.0})
    stage.wait(20)
    assert len(stage.tokens) == 1
    stage.end()
    assert stage.shown == ["v", "page"]


def test_a_lone_video_beside_a_dead_stream_is_prepared_again_as_its_own_spare():
    stage = Stage(item("v", Kind.VIDEO, 0), item("s", Kind.LIVESTREAM, 0), natural={"v": 4.0}, hangs={"s"})
    stage.wait(4)
    stage.end()
    stage.wait(turns.GRACE_S)
    assert stage.shown == ["v", "v"]


def test_a_spare_that_fails_is_followed_by_another_and_becomes_the_next_when_what_was_awaited_fails():
    stage = Stage(item("a", duration=5), item("page", Kind.WEB, 9), item("x"), item("b"), hangs={"page"}, broken={"x"})
    stage.wait(4)
    assert [r.item.name for r in stage.reports] == ["x"]
    spare = stage.token("b")
    stage.send(p.PrepareFailed(stage.token("page"), "page_error", "answered 500"))
    assert stage.token("b") == spare
    stage.wait(1)
    assert stage.shown == ["a", "b"]


def test_a_spare_is_given_up_when_what_was_awaited_comes_in_time():
    stage = Stage(item("a", duration=5), item("page", Kind.WEB, 9), item("s", Kind.LIVESTREAM, 9), item("b"), hangs={"page"})
    stage.wait(4)
    stage.send(p.ItemPrepared(stage.token("page")))
    stage.wait(1)
    assert stage.shown == ["a", "page"]
    assert p.Release(stage.token("b")) in stage.effects


def test_what_has_failed_is_no_likely_spare_any_more():
    stage = Stage(item("page", Kind.WEB, 5), item("a", duration=5), item("other", Kind.WEB, 5), item("b", duration=5))
    stage.wait(12)
    stage.broken = {"other"}
    stage.wait(20)
    stage.broken, stage.hangs = set(), {"page"}
    stage.wait(8)
    assert "other" not in stage.shown[-2:]


def test_while_nothing_is_on_screen_something_else_comes_after_some_seconds():
    stage = Stage(item("page", Kind.WEB, 5), item("a", duration=5), hangs={"page"})
    stage.wait(turns.SPARE_FIRST_S - 0.1)
    assert stage.shown == []
    assert not stage.region.settled
    stage.wait(0.2)
    assert stage.shown == ["a"]


def test_what_broke_on_screen_waits_for_nothing_that_hangs():
    stage = Stage(item("s", Kind.LIVESTREAM, 60), item("page", Kind.WEB), item("b"), hangs={"page"})
    stage.wait(3)
    stage.send(p.Broke(stage.region.on_screen.token, "stalled", "no data"))
    stage.wait(turns.SPARE_AFTER_S)
    assert stage.shown == ["s", "b"]


def test_what_was_asked_for_and_is_slow_comes_at_once_when_it_can():
    stage = Stage(item("a", duration=5), item("b", duration=30))
    stage.hangs = {"asked"}
    stage.send(p.PlayAsked(item("asked", Kind.WEB), 3))
    stage.wait(7)
    assert stage.shown == ["a", "b"]
    stage.send(p.ItemPrepared(stage.token("asked")))
    assert stage.shown == ["a", "b", "asked"]


def test_what_is_not_ready_in_time_is_skipped_reported_and_tried_again():
    stage = Stage(item("a", duration=5))
    stage.auto = False
    stage.send(p.PlaylistChanged(playlist(item("a", duration=5), item("slow"))))
    stage.wait(10)
    assert [(r.item.name, r.code) for r in stage.reports] == [("slow", "timeout")]
    assert p.Release(2, late=True) in stage.effects
    stage.auto = True
    stage.wait(60)
    assert "slow" in stage.shown
    assert stage.last(p.Recover).item.name == "slow"


def test_c15_a_playlist_where_every_item_fails_has_no_hot_loop():
    stage = Stage(item("a"), item("b"), broken={"a", "b"})
    stage.wait(3600)
    assert stage.shown == []
    assert len(stage.reports) < 25


def test_c1_a_broken_item_is_passed_over_and_the_rest_plays_on():
    stage = Stage(item("a", duration=5), item("x"), item("b", duration=5), broken={"x"})
    stage.wait(21)
    assert stage.shown == ["a", "b", "a", "b", "a"]


def test_what_failed_is_paused_until_it_is_tried_again():
    stage = Stage(item("a", duration=5), item("x"), broken={"x"})
    ((paused, until),) = stage.region.paused(stage.now).items()
    assert (paused, until) == (item("x").id, stage.now + FIRST_PAUSE_S)
    assert stage.region.paused(until) == {}


def test_content_that_breaks_on_screen_is_recorded_as_failed_and_followed_at_once():
    stage = Stage(item("s", Kind.LIVESTREAM, 60), item("a", duration=5))
    stage.wait(3)
    stage.send(p.Broke(stage.region.on_screen.token, "stalled", "no data for 5 s"))
    assert stage.shown == ["s", "a"]
    assert [(r.item.name, r.result, r.reason) for r in stage.records] == [("s", "failed", "no data for 5 s")]


def test_a_lone_stream_that_breaks_keeps_its_last_frame_until_it_is_back():
    stage = Stage(item("s", Kind.LIVESTREAM, 0))
    stage.wait(3)
    token = stage.region.on_screen.token
    stage.broken = {"s"}
    stage.send(p.Broke(token, "stalled", "no data"))
    stage.send(p.Broke(token, "stalled", "no data"))
    stage.wait(20)
    assert p.Release(token) not in stage.effects
    assert len(stage.records) == 1
    stage.broken = set()
    stage.wait(31)
    assert stage.shown == ["s", "s"]
    assert stage.last(p.ShowItem).transition == CUT


def test_a_stream_is_prepared_shortly_before_its_time():
    stage = Stage(item("a", duration=60), item("s", Kind.LIVESTREAM, 30))
    stage.wait(51)
    assert [e.item.name for e in stage.effects if isinstance(e, p.PrepareItem)] == ["a"]
    stage.wait(10)
    assert stage.shown == ["a", "s"]


def test_c17_a_changed_playlist_is_taken_up_at_the_edge_of_the_item():
    a, b, c = item("a", duration=10), item("b"), item("c")
    stage = Stage(a, b)
    stage.wait(4)
    stage.send(p.PlaylistChanged(playlist(a, c)))
    stage.send(p.PlaylistChanged(playlist(a, c)))
    assert stage.shown == ["a"]
    stage.wait(7)
    assert stage.shown == ["a", "c"]


def test_a_changed_playlist_ends_an_endless_stream_as_soon_as_the_next_is_ready():
    stage = Stage(item("s", Kind.LIVESTREAM, 0))
    stage.wait(100)
    stage.send(p.PlaylistChanged(playlist(item("a"))))
    assert stage.shown == ["s", "a"]


def test_an_item_that_was_mended_or_taken_out_is_at_fault_no_more():
    stage = Stage(item("a"), item("x", duration=3), item("y"), broken={"x", "y"})
    stage.wait(11)
    assert {r.item.name for r in stage.reports} == {"x", "y"}
    stage.broken = set()
    stage.send(p.PlaylistChanged(playlist(item("a"), item("x", duration=4))))
    assert [e.item.name for e in stage.effects if isinstance(e, p.Recover)] == ["x", "y"]
    stage.wait(11)
    assert "x" in stage.shown


def test_what_was_being_prepared_and_is_still_next_is_kept():
    a, b = item("a"), item("b")
    stage = Stage(a, b)
    before = len([e for e in stage.effects if isinstance(e, p.PrepareItem)])
    stage.send(p.PlaylistChanged(playlist(a, b, item("c"))))
    assert len([e for e in stage.effects if isinstance(e, p.PrepareItem)]) == before


def test_c13_an_empty_playlist_takes_the_item_away_at_its_edge():
    stage = Stage(item("a", duration=5), item("b"))
    stage.wait(1)
    stage.send(p.PlaylistChanged(playlist()))
    assert stage.region.on_screen is not None
    stage.wait(5)
    assert stage.region.on_screen is None
    assert stage.records[-1].result == "interrupted"


@pytest.mark.parametrize("kind", [Kind.IMAGE, Kind.VIDEO])
@pytest.mark.parametrize("left", [("b",), ()])
def test_what_is_taken_out_of_the_playlist_is_gone_within_fifteen_seconds(kind: Kind, left: tuple[str, ...]):
    stage = Stage(item("a", kind, 3600 if kind is Kind.IMAGE else 0), item("b"), natural={"a": 3600.0})
    stage.wait(100)
    stage.send(p.PlaylistChanged(playlist(*map(item, left))))
    stage.wait(10)
    assert stage.shown == ["a"], "it is no emergency"
    stage.wait(5)
    assert stage.shown == ["a", *left]
    assert (stage.region.on_screen is not None) is bool(left)
    assert [(r.result, r.reason, r.ended.mono - r.started.mono) for r in stage.records] == [
        ("interrupted", "no longer scheduled", 114.0)
    ]


@pytest.mark.parametrize(("kind", "at"), [(Kind.IMAGE, 100), (Kind.VIDEO, 100), (Kind.IMAGE, 3590)])
@pytest.mark.parametrize("left", [("b",), ()])
def test_what_is_taken_out_goes_at_once_where_somebody_asks_for_the_content_anew(kind: Kind, at: float, left: tuple[str, ...]):
    stage = Stage(item("a", kind, 3600 if kind is Kind.IMAGE else 0), item("b"), natural={"a": 3600.0})
    stage.wait(at)
    stage.send(p.PlaylistChanged(playlist(*map(item, left))))
    stage.wait(3)
    stage.send(p.Reloaded())
    assert stage.shown == ["a", *left]
    assert (stage.region.on_screen is not None) is bool(left)
    assert [(r.result, r.reason, r.ended.mono) for r in stage.records] == [("interrupted", "no longer scheduled", at + 3.0)]


def test_what_is_taken_out_stays_until_another_is_ready_however_the_content_is_asked_for():
    stage = Stage(item("a", duration=3600))
    stage.auto = False
    stage.send(p.PlaylistChanged(playlist(item("b"))))
    stage.send(p.Reloaded())
    stage.wait(2)
    assert stage.shown == ["a"]
    stage.answer(stage.token("b"))
    assert stage.shown == ["a", "b"]


def test_content_that_is_asked_for_anew_cuts_nothing_that_is_listed_or_was_asked_for():
    stage = Stage(item("a", duration=60), item("b"))
    stage.send(p.Reloaded())
    stage.send(p.PlaylistChanged(playlist(item("a", duration=60), item("c"))))
    stage.send(p.Reloaded())
    assert stage.shown == ["a"]
    stage.send(p.PlayAsked(item("z"), 30.0))
    stage.send(p.Reloaded())
    assert stage.shown == ["a", "z"], "it was in no playlist"
    Stage().send(p.Reloaded())


def test_the_time_in_which_what_is_taken_out_goes_stands_still_while_it_is_covered():
    stage = Stage(item("a", duration=3600), item("b"))
    stage.send(p.Covered("alert"))
    stage.wait(300)
    stage.send(p.PlaylistChanged(playlist(item("b"))))
    stage.wait(60)
    stage.send(p.Uncovered())
    stage.wait(13)
    assert stage.shown == ["a"]
    stage.wait(2)
    assert stage.shown == ["a", "b"], "and not as late as the cover lasted before"


def test_what_is_taken_out_under_a_cover_is_gone_with_it_where_somebody_asks_for_the_content_anew():
    stage = Stage(item("a", duration=3600), item("b"))
    stage.send(p.Covered("alert"))
    stage.wait(300)
    stage.send(p.PlaylistChanged(playlist(item("b"))))
    stage.send(p.Reloaded())
    assert stage.shown == ["a"]
    stage.wait(60)
    stage.send(p.Uncovered())
    assert stage.shown == ["a", "b"]


def test_what_is_taken_out_shortly_before_its_edge_is_shown_to_its_end():
    stage = Stage(item("a", duration=20), item("b"))
    stage.wait(8)
    stage.send(p.PlaylistChanged(playlist(item("b"))))
    stage.wait(12)
    assert [(r.item.name, r.result, r.ended.mono) for r in stage.records] == [("a", "complete", 20.0)]


def test_an_empty_playlist_after_a_videos_end_records_it_complete():
    stage = Stage(item("v", Kind.VIDEO, 0), natural={"v": 4.0})
    stage.send(p.PlaylistChanged(playlist()))
    stage.end()
    assert stage.region.on_screen is None
    assert stage.records[-1].result == "complete"


@pytest.mark.parametrize("last", [item("b", duration=4), item("b", Kind.VIDEO, 0)])
def test_a_playlist_that_does_not_repeat_is_shown_once_and_leaves_nothing(last: Item):
    once = Playlist("p", "Answer", (item("a", duration=5), last), repeats=False)
    stage = Stage(natural={"b": 4.0})
    stage.send(p.Covered("nothing has come yet"))
    stage.send(p.PlaylistChanged(once))
    assert (stage.shown, stage.region.settled, stage.region.is_empty) == ([], True, False)
    stage.send(p.Uncovered())
    stage.wait(9)
    if last.kind is Kind.VIDEO:
        stage.end()
    assert (stage.shown, stage.region.is_empty) == (["a", "b"], True)
    assert [(r.item.name, r.result, r.reason) for r in stage.records] == [("a", "complete", None), ("b", "complete", None)]
    stage.wait(60)
    assert (stage.shown, stage.region.is_empty) == (["a", "b"], True)


def test_a_playlist_that_does_not_repeat_and_cannot_be_shown_leaves_nothing():
    stage = Stage(broken={"a"})
    stage.send(p.PlaylistChanged(Playlist("p", "Answer", (item("a"),), repeats=False)))
    assert (stage.shown, stage.region.is_empty, len(stage.reports)) == ([], True, 1)


def test_a_covered_region_settles_without_showing_anything():
    stage = Stage()
    stage.send(p.Covered("layout"))
    stage.auto = False
    stage.send(p.PlaylistChanged(playlist(item("a"))))
    assert not stage.region.settled
    stage.answer(1)
    assert stage.region.settled
    assert stage.shown == []
    stage.send(p.Uncovered())
    assert stage.shown == ["a"]


def test_next_and_previous_go_through_the_list_and_interrupt_what_is_on():
    stage = Stage(*[item(n) for n in "abcd"])
    stage.send(p.Skipped(1))
    stage.send(p.Skipped(1))
    assert stage.shown == ["a", "b", "c"]
    stage.send(p.Skipped(-1))
    assert stage.shown == ["a", "b", "c", "b"]
    assert {(r.result, r.reason) for r in stage.records} == {("interrupted", "skipped")}


def test_next_with_a_single_page_opens_it_again():
    stage = Stage(item("w", Kind.WEB))
    stage.send(p.Skipped(1))
    assert stage.shown == ["w", "w"]


def test_next_on_nothing_does_nothing():
    stage = Stage()
    stage.send(p.Skipped(1))
    assert stage.shown == []


def test_play_asked_shows_the_item_once_at_once_and_then_goes_on():
    stage = Stage(item("a"), item("b"))
    stage.wait(2)
    stage.send(p.PlayAsked(item("x"), 4))
    assert stage.shown == ["a", "x"]
    stage.wait(4.5)
    assert stage.shown == ["a", "x", "b"]


def test_play_asked_for_what_is_next_anyway_shows_it_once():
    stage = Stage(item("a", duration=5), item("b", duration=5), item("c", duration=5))
    stage.send(p.PlayAsked(item("b", duration=5), 3))
    stage.wait(9)
    assert stage.shown == ["a", "b", "c", "a"]


def test_play_asked_for_what_cannot_be_shown_leaves_the_screen_as_it_is():
    stage = Stage(item("a"), item("b"), broken={"x"})
    stage.wait(2)
    stage.send(p.PlayAsked(item("x"), 4))
    assert stage.shown == ["a"]
    stage.wait(9)
    assert stage.shown == ["a", "b"]


def test_a_playlist_change_does_not_drop_what_was_asked_for():
    stage = Stage(item("a"), item("b"))
    stage.auto = False
    stage.send(p.PlayAsked(item("x"), 4))
    stage.send(p.PlaylistChanged(playlist(item("c"))))
    stage.answer(max(stage.tokens))
    assert stage.shown == ["a", "x"]


def test_a_cover_ends_the_play_holds_the_item_and_gives_it_its_time_back():
    stage = Stage(item("a", duration=10), item("b"))
    stage.wait(4)
    stage.send(p.Covered("alert"))
    stage.send(p.Covered("alert"))
    assert stage.records[-1].result == "interrupted"
    assert stage.last(p.Hold).held
    stage.wait(100)
    assert stage.shown == ["a"]
    stage.send(p.Uncovered())
    assert not stage.last(p.Hold).held
    stage.wait(5.9)
    assert stage.shown == ["a"]
    stage.wait(0.2)
    assert stage.shown == ["a", "b"]
    assert len(stage.records) == 2


def test_the_rest_of_a_clip_after_a_cover_is_never_another_complete_one():
    stage = Stage(item("v", Kind.VIDEO, 0), item("a"), natural={"v": 6.0})
    stage.wait(5.7)
    stage.send(p.Covered("alert"))
    stage.wait(60)
    stage.send(p.Uncovered())
    stage.wait(0.3)
    stage.end()
    stage.wait(11)
    assert [(r.item.name, r.result, r.reason, round(r.ended.mono - r.started.mono, 1)) for r in stage.records] == [
        ("v", "interrupted", "alert", 5.7),
        ("v", "interrupted", "the rest after alert", 0.3),
        ("a", "complete", None, 10.0),
    ]


def test_the_position_of_an_item_stands_while_it_is_covered_and_goes_on_after():
    stage = Stage(item("a"), item("b"))
    stage.wait(4)
    showing = stage.region.on_screen
    stage.send(p.Covered("alert"))
    stage.wait(100)
    assert showing.seen_s(stage.now) == 4
    stage.send(p.Uncovered())
    stage.wait(1)
    assert showing.seen_s(stage.now) == 5


def test_a_cover_over_a_video_and_over_nothing():
    stage = Stage(item("v", Kind.VIDEO, 0), item("a"))
    stage.send(p.Covered("alert"))
    stage.send(p.Uncovered())
    stage.end()
    assert stage.shown == ["v", "a"]
    empty = Stage()
    empty.send(p.Covered("alert"))
    empty.send(p.PlaylistChanged(playlist(item("a"))))
    assert empty.shown == []
    empty.send(p.Uncovered())
    assert empty.shown == ["a"]


def test_stopping_records_the_item_on_screen_and_nothing_follows():
    stage = Stage(item("a"), item("b"))
    stage.wait(3)
    stage.send(p.Stopped())
    assert [(r.item.name, r.result) for r in stage.records] == [("a", "interrupted")]
    assert stage.send(p.Ticked()) == []


def test_answers_about_forgotten_tokens_change_nothing():
    stage = Stage(item("a"), item("b"))
    for event in (p.ItemPrepared(99), p.PrepareFailed(99, "x", "y"), p.Ended(99), p.Broke(99, "x", "y")):
        assert stage.send(event) == []


def test_a_surface_that_breaks_while_waiting_counts_as_not_prepared():
    stage = Stage(item("a"), item("b"))
    stage.send(p.Broke(max(stage.tokens), "crashed", "the page crashed"))
    assert [(r.item.name, r.code) for r in stage.reports] == [("b", "crashed")]


def test_wishes_shorter_than_a_second_and_videos_shorter_than_a_fade_do_not_race():
    stage = Stage(item("a", duration=0.001), item("v", Kind.VIDEO, 0), transition=FADE, natural={"v": 0.4})
    stage.wait(1.1)
    assert stage.shown == ["a", "v"]
    assert stage.region.on_screen.due == pytest.approx(1.2)


def test_its_repr_is_for_people():
    stage = Stage(item("a"), item("b"))
    assert repr(stage.region) == "<Region main: 'a' (image c-a) on screen, 'b' (image c-b) coming>"
    assert repr(RegionMachine("x", seed=0)) == "<Region x: nothing on screen, nothing coming>"


kinds = st.sampled_from(list(Kind))
items = st.lists(st.tuples(st.integers(0, 5), kinds, st.floats(0, 30)), max_size=5)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10), items, st.floats(0.1, 20), st.booleans()), max_size=25))
def test_every_showing_ends_in_one_record_and_the_screen_is_never_emptied_without_need(steps):
    stage = Stage(item("first"))
    for choice, entries, seconds, works in steps:
        stage.broken = set() if works else {"i1", "i3"}
        match choice:
            case 0 | 1:
                stage.send(
                    p.PlaylistChanged(playlist(*[item(f"i{n}", kind, d) for n, kind, d in {e[0]: e for e in entries}.values()]))
                )
            case 2 | 3:
                stage.send(p.Skipped(1 if choice == 2 else -1))
            case 4:
                stage.send(p.Covered("alert"))
            case 5:
                stage.send(p.Uncovered())
            case 6 if stage.region.on_screen:
                stage.end()
            case 7 if stage.region.on_screen:
                stage.send(p.Broke(stage.region.on_screen.token, "broke", "reason"))
            case 8:
                stage.send(p.PlayAsked(item("asked"), seconds))
            case 9:
                stage.send(p.Reloaded())
        had = stage.region.on_screen is not None
        stage.wait(seconds)
        assert not (had and stage.region.on_screen is None and stage.region.playlist.items)
    stage.send(p.Uncovered())
    stage.send(p.Stopped())
    on_screen = [(r.started.mono, r.ended.mono) for r in stage.records]
    assert all(before[1] <= after[0] for before, after in pairwise(on_screen)), "plays never overlap"
    assert len(stage.records) >= len(stage.shown) - sum(isinstance(e, p.Hold) for e in stage.effects)


# --- after a restart


def resumed_stage(place: p.Resumed, *items: Item, natural: dict[str, float] | None = None, transition: Transition = CUT) -> Stage:
    """A stage that comes after another, which was ended at `place`."""
    stage = Stage(natural=natural)
    stage.send(place)
    stage.send(p.PlaylistChanged(playlist(*items, transition=transition)))
    return stage


def test_after_a_restart_a_clip_goes_on_where_it_was_and_its_rest_is_no_whole_play():
    stage = resumed_stage(p.Resumed("v", 5.0), item("a"), item("v", Kind.VIDEO, 0), item("b"), natural={"v": 8.0})
    assert stage.shown == ["v"]
    prepared = next(effect for effect in stage.effects if isinstance(effect, p.PrepareItem) and effect.item.name == "v")
    assert (prepared.begin_s, prepared.silent) == (5.0, False)
    stage.wait(3.0)
    assert stage.region.on_screen.seen_s(stage.now) == 8.0
    stage.end()
    assert stage.shown == ["v", "b"], "the order goes on from there"
    record = stage.records[0]
    assert (record.result, record.reason, record.ended.mono - record.started.mono) == (
        "interrupted",
        "the rest after a restart",
        3.0,
    )
    assert record.planned_s == 8.0


def test_after_a_restart_a_picture_stays_for_the_rest_of_its_time():
    stage = resumed_stage(p.Resumed("b", 4.0), item("a"), item("b", duration=10), item("c"))
    stage.wait(5.9)
    assert stage.shown == ["b"]
    stage.wait(0.2)
    assert stage.shown == ["b", "c"]


def test_a_crossfade_after_the_rest_of_a_clip_begins_as_it_would_have():
    stage = resumed_stage(p.Resumed("v", 5.0), item("v", Kind.VIDEO, 0), item("a"), natural={"v": 8.0}, transition=FADE)
    stage.wait(2.3)
    assert stage.shown == ["v"]
    stage.wait(0.2)
    assert stage.shown == ["v", "a"]


def test_an_item_without_an_end_and_one_that_is_shorter_than_told_are_shown_all_the_same():
    stage = resumed_stage(p.Resumed("live", 900.0), item("live", Kind.LIVESTREAM, 0))
    assert stage.region.on_screen.due is None
    stage = resumed_stage(p.Resumed("a", 900.0), item("a", duration=10), item("b"))
    stage.wait(0.9)
    assert stage.shown == ["a"]
    stage.wait(0.2)
    assert stage.shown == ["a", "b"]


def test_what_is_over_is_followed_by_the_next_and_what_is_not_listed_by_the_first():
    assert resumed_stage(p.Resumed("a", 0.0, over=True), item("a"), item("b"), item("c")).shown == ["b"]
    assert resumed_stage(p.Resumed("gone", 5.0), item("a"), item("b")).shown == ["a"]
    assert resumed_stage(p.Resumed("gone", 5.0, over=True), item("a"), item("b")).shown == ["a"]


def test_the_place_waits_for_a_playlist_that_holds_something_and_is_used_once():
    stage = Stage()
    stage.send(p.Resumed("b", 4.0, silent=True))
    stage.send(p.PlaylistChanged(playlist()))
    stage.send(p.PlaylistChanged(playlist(item("a"), item("b"))))
    assert stage.shown == ["b"]
    assert [effect.silent for effect in stage.effects if isinstance(effect, p.PrepareItem)] == [True, False]
    stage.wait(10.0)
    assert stage.shown == ["b", "a"]


def test_an_address_that_has_its_own_beginning_begins_there():
    stage = resumed_stage(p.Resumed("y", 5.0), item("y", Kind.YOUTUBE, 0), natural={"y": 8.0})
    assert stage.region.on_screen.before_s == 0.0
    stage.wait(8.0)
    stage.end()
    assert stage.records[0].result == "complete"
