"""Rules and broadcasts: what fits, who wins, what rests, what is too late, and what the proof says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from player.core.triggers import (
    REFUSED_S,
    REMEMBERED,
    Broadcast,
    RuleStanding,
    TriggerBook,
    TriggerRule,
    likeliest_first,
    told,
)

SEEN = Broadcast(
    "spotwatch", "895797", "1843", "Alfa Romeo", "Giulia, im Abo", ("mobility", "cars"), "sport1", "de", "American Chopper",
    ("report", "dokumentation"), 20.0, False, 1000.0, 1001.0,
)  # fmt: skip
ANY = TriggerRule("any", "file:a.png")


def judged(book: TriggerBook, broadcast: Broadcast = SEEN, wall: float = 1001.0, mono: float = 5.0) -> str:
    verdict = book.judge(broadcast, wall=wall, mono=mono)
    return verdict.rule.name if verdict.rule else f"none: {verdict.because}"


@pytest.mark.parametrize(
    "wants",
    [
        {}, {"brand": ("alfa romeo",)}, {"brand": ("fiat", "ALFA*")}, {"category": ("cars",)}, {"channel": ("sport?",)},
        {"region": ("at", "de")}, {"program": ("*chopper",)}, {"genre": ("dokumentation",)}, {"keyword": ("abo",)},
        {"keyword": ("chopper",)}, {"duration_min": 20.0, "duration_max": 20.0}, {"duration_max": 30.0}, {"self_promo": False},
    ],
)  # fmt: skip
def test_a_rule_fits_what_has_all_that_it_wants(wants: dict[str, object]):
    assert replace(ANY, **wants).misfit(SEEN) is None


@pytest.mark.parametrize(
    ("wants", "because"),
    [
        ({"brand": ("alfa",)}, 'its brand is "Alfa Romeo", and not "alfa"'),
        ({"category": ("food", "tr*")}, 'its category is "mobility" and "cars", and not "food" or "tr*"'),
        ({"keyword": ("diesel",)}, "its description is"),
        ({"program": ("american.chopper",)}, "its program is"), ({"program": ("american.*",)}, "its program is"),
        ({"duration_min": 21.0}, "it lasts 20 s, and not 21 to inf"),
        ({"duration_min": 5.0, "duration_max": 19.0}, "it lasts 20 s, and not 5 to 19"),
        ({"self_promo": True}, "it is not a broadcaster's own"),
    ],
)  # fmt: skip
def test_what_does_not_fit_says_why(wants: dict[str, object], because: str):
    assert (replace(ANY, **wants).misfit(SEEN) or "").startswith(because)


def test_what_is_not_told_fits_no_word_and_no_length():
    bare = Broadcast("spotwatch", "1")
    assert replace(ANY, brand=("*",)).misfit(bare) == 'its brand is not told, and not "*"'
    assert replace(ANY, duration_max=9.0).misfit(bare) == "its length is not told"
    assert replace(ANY, self_promo=False).misfit(replace(bare, self_promo=True)) == "it is a broadcaster's own"
    assert replace(ANY, self_promo=False).misfit(bare) is None
    assert (ANY.misfit(bare), str(bare)) == (None, "an advertisement on television (spotwatch 1)")


def test_the_highest_priority_wins_and_of_equal_ones_the_earlier():
    first, second, high = replace(ANY, name="first"), replace(ANY, name="second"), replace(ANY, name="high", priority=3)
    assert judged(TriggerBook([first, second])) == "first"
    assert judged(TriggerBook([first, second, high])) == "high"
    assert judged(TriggerBook([replace(high, brand=("fiat",)), second])) == "second"


def test_the_likeliest_is_the_one_that_would_have_answered_most_often():
    rules = [
        replace(ANY, name="fiat", brand=("fiat",), priority=9),
        replace(ANY, name="a", brand=("alfa*",)),
        replace(ANY, name="b"),
    ]
    assert [rule.name for rule in likeliest_first(rules, [])] == ["fiat", "a", "b"]
    lately = [SEEN, replace(SEEN, brand="x"), replace(SEEN, brand="y"), replace(SEEN, brand="")]
    assert [rule.name for rule in likeliest_first(rules, lately)] == ["b", "a", "fiat"]


def test_a_broadcast_counts_once_and_not_for_ever():
    book = TriggerBook([replace(ANY, cooldown_s=0.0)])
    assert [judged(book), judged(book)] == ["any", "none: it came before"]
    for number in range(REMEMBERED):
        judged(book, replace(SEEN, id=f"x{number}"))
    assert judged(book) == "any"
    assert repr(book) == f"<1 triggers, {REMEMBERED} broadcasts seen>"


def test_a_rule_that_answered_rests_and_the_next_one_may_answer():
    book = TriggerBook([replace(ANY, cooldown_s=30.0), replace(ANY, name="other", brand=("fiat",))])
    assert judged(book, mono=100.0) == "any"
    assert judged(book, replace(SEEN, id="2"), mono=110.0) == "none: any: it answered lately, and rests for 20 s more (cooldown_s)"
    assert judged(book, replace(SEEN, id="3", brand="fiat"), mono=110.0) == "other"
    assert judged(book, replace(SEEN, id="4"), mono=130.0) == "any"


def test_a_rule_whose_items_could_not_be_shown_may_answer_soon():
    rule = replace(ANY, cooldown_s=600.0)
    book = TriggerBook([rule])
    assert judged(book, mono=100.0) == "any"
    book.refused(rule, "the screen is covered", 101.0)
    assert judged(book, replace(SEEN, id="2"), mono=101.0 + REFUSED_S - 1).startswith("none: any: it answered lately")
    assert judged(book, replace(SEEN, id="3"), mono=101.0 + REFUSED_S) == "any"


def test_what_was_detected_too_long_ago_is_nobodys():
    book = TriggerBook([ANY])
    assert judged(book, wall=1010.5) == "none: any: it was detected 10 s ago, and late_s is 10"
    assert judged(book, replace(SEEN, id="2"), wall=1010.0) == "any"
    assert judged(TriggerBook([ANY]), replace(SEEN, detected_at=None), wall=9e9) == "any"


def test_why_none_answers():
    assert judged(TriggerBook([])) == "none: there are no rules"
    assert judged(TriggerBook([replace(ANY, brand=("fiat",)), replace(ANY, name="b", region=("at",))])) == "none: no rule fits it"


def test_what_a_rule_waits_for_is_said_in_words():
    assert ANY.waits_for == "any broadcast"
    assert replace(ANY, brand=("fiat", "alfa*"), channel=("rtl",), self_promo=False).waits_for == (
        'a broadcast with the brand "fiat" or "alfa*", the channel "rtl", no advertising of the broadcaster\'s own'
    )
    assert replace(ANY, duration_min=5.0, self_promo=True).waits_for == (
        "a broadcast with a length of 5 to inf s, advertising of the broadcaster's own"
    )


def test_how_it_stands_with_a_rule_that_rests_was_late_or_gave_way():
    high, low, late = replace(ANY, name="high", priority=1), replace(ANY, name="low"), replace(ANY, name="late", brand=("fiat",))
    book = TriggerBook([high, low, late])

    def standing(name: str, mono: float) -> RuleStanding:
        return book.standings(wall=1000.0 + mono, mono=mono)[name]

    assert standing("high", 0.0) == RuleStanding("any broadcast")
    judged(book, mono=5.0)
    assert standing("high", 15.0) == RuleStanding("any broadcast", 1035.0)
    assert standing("low", 15.0) == RuleStanding("any broadcast", None, 'the rule "high" answered it, which ranks above')
    assert standing("late", 15.0) == RuleStanding('a broadcast with the brand "fiat"'), "it did not fit"
    judged(book, replace(SEEN, id="2"), mono=15.0)
    assert standing("high", 15.0).passed_over.startswith("it answered lately, and rests for 20 s more")
    assert standing("low", 15.0) == RuleStanding("any broadcast", 1045.0), "it answered in its place"
    assert standing("high", 35.0).rests_until is None
    book.refused(high, "the screen is covered", 40.0)
    assert standing("high", 40.0) == RuleStanding("any broadcast", 1045.0, "the screen is covered")


def test_the_proof_says_which_broadcast_it_was():
    assert told(ANY, SEEN) == {
        "name": "any", "source": "spotwatch", "ad_id": "1843", "broadcast_id": "895797", "brand": "Alfa Romeo", "channel": "sport1",
        "region": "de", "detected_at": "1970-01-01T00:16:40.000Z", "received_at": "1970-01-01T00:16:41.000Z",
    }  # fmt: skip
    assert told(ANY, Broadcast("spotwatch", "1")).keys() == {"name", "source", "broadcast_id", "received_at"}
    assert str(SEEN) == "Alfa Romeo on sport1 (spotwatch 895797)"
