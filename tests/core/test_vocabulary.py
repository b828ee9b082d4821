"""Names in rules beside the names that their source has told of."""

from __future__ import annotations

from player.core.triggers import TriggerRule
from player.core.vocabulary import Vocabulary, never_told

TOLD = Vocabulary(("Arabesk", "Hochland Röster"), ("studio nord",))


def said(told: Vocabulary = TOLD, **names: tuple[str, ...]) -> list[str]:
    return list(never_told([TriggerRule("coffee", "file:a.png", **names)], told))  # type: ignore[arg-type]  # brand and channel


def test_a_name_that_was_never_told_of_is_said_with_the_nearest():
    assert said(brand=("arabeks", "xx"), channel=("Studio Nord", "rtl")) == [
        'the trigger coffee waits for the brand "arabeks", which its source has never told of; the nearest is "Arabesk"',
        'the trigger coffee waits for the brand "xx", which its source has never told of',
        'the trigger coffee waits for the channel "rtl", which its source has never told of',
    ]


def test_what_means_a_name_that_was_told_is_no_fault():
    assert said(brand=("ARABESK", "hochland*"), channel=("studio ?ord",)) == []
    assert said() == []


def test_of_what_no_list_was_told_nothing_is_said():
    assert said(Vocabulary(channels=("rtl",)), brand=("arabeks",)) == []
    assert said(Vocabulary(brands=("x",)), channel=("rtl",)) == []
