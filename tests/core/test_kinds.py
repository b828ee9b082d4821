"""What is decided by an item's kind, as one table: a row a decision."""

from __future__ import annotations

import pytest

from player.core.content import Item
from player.core.kinds import Kind

TABLE = {
    "has_file": "video audio image package pdf svg",
    "per_panel": "image audio pdf svg",
    "is_page": "web package svg",
    "is_drawn": "ticker clock",
    "is_heard": "video audio youtube livestream web package",
    "is_unseen": "audio",
    "is_recorded": "video audio",
    "is_stream": "livestream",
    "ages": "livestream web package",
    "ends_by_itself": "video audio youtube",
    "needs_duration": "image web package pdf svg ticker clock",
    "is_watched": "video audio youtube livestream web package svg",
    "moves": "video youtube livestream web package svg ticker clock",
}


@pytest.mark.parametrize("row", TABLE)
def test_what_holds_for_which_kind(row: str):
    assert {kind for kind in Kind if getattr(kind, row)} == {Kind(word) for word in TABLE[row].split()}


def test_a_drawing_is_asked_for_as_the_picture_that_it_came_as_and_everything_else_as_what_it_is():
    assert {kind: kind.asked for kind in Kind if kind.asked is not kind} == {Kind.SVG: Kind.IMAGE}


def test_what_is_prepared_for_one_panel_has_a_file():
    assert all(kind.has_file for kind in Kind if kind.per_panel)


def test_what_a_page_keeps_belongs_to_its_content_wherever_it_stands_and_to_its_server_alone():
    rooms = [Item(place, content, "", Kind.WEB, 5, server=server).room for place, content, server in
             (("1", "menu", "a"), ("2", "menu", "a"), ("3", "map", "a"), ("4", "menu", "b"))]  # fmt: skip
    assert (rooms[0] == rooms[1], len({*rooms})) == (True, 3)
    assert Item("1", "menu", "", Kind.VIDEO, 5).room == ""
