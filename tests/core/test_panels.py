"""Panels keep their numbers."""

from __future__ import annotations

import pytest

from player.core.content import Layout, Playlist, Rect, Region
from player.core.panels import is_mirror, is_mode, mirrored, mode_words, numbered, parse_mode


def test_the_first_look_numbers_panels_by_their_connectors():
    assert numbered((), ["HDMI-A-10", "DP-1", "HDMI-A-2"]) == ("DP-1", "HDMI-A-2", "HDMI-A-10")


def test_d1_a_panel_that_goes_keeps_its_number_and_gets_it_back():
    both = numbered((), ["HDMI-A-1", "HDMI-A-2"])
    assert numbered(both, ["HDMI-A-2"]) == both
    assert numbered(both, []) == both
    assert numbered(both, ["HDMI-A-2", "HDMI-A-1"]) == both


def test_a_cable_moved_to_another_socket_takes_the_free_number():
    assert numbered(("HDMI-A-1", "HDMI-A-2"), ["HDMI-A-2", "HDMI-A-3"]) == ("HDMI-A-3", "HDMI-A-2")
    assert numbered(("HDMI-A-1",), ["HDMI-A-1", "HDMI-A-3"]) == ("HDMI-A-1", "HDMI-A-3")


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("", None),
        ("1920x1080", (1920, 1080, None)),
        ("1920x1080@60", (1920, 1080, 60000)),
        ("3840x2160@29.97", (3840, 2160, 29970)),
    ],
)
def test_a_mode_is_read_in_pixels_and_millihertz(text, mode):
    assert parse_mode(text) == mode


def test_mirroring_repeats_the_first_panels_regions_in_silence_and_nothing_else():
    left, right = (Region(name, Rect(x, 0, 50, 100), Playlist(name, name)) for name, x in (("left", 0), ("right", 50)))
    beside = Region("beside", Rect(0, 0, 100, 100), Playlist("b", "b"), output=1)
    found = mirrored(Layout("l", 100, 100, (left, right, beside)), 3).regions
    assert found[:2] == (left, right)
    assert [(r.id, r.output, r.rect, r.audible) for r in found[2:]] == [
        ("left@panel-1", 1, left.rect, False),
        ("right@panel-1", 1, right.rect, False),
        ("left@panel-2", 2, left.rect, False),
        ("right@panel-2", 2, right.rect, False),
    ]
    assert [is_mirror(region) for region in found] == [False, False, True, True, True, True]


def test_a_mode_is_the_wanted_one_within_half_a_hertz_and_where_no_rate_is_told():
    assert is_mode((1920, 1080, 59940), (1920, 1080, 60000))
    assert is_mode((1920, 1080, 50000), (1920, 1080, None))
    assert is_mode((1920, 1080, 0), (1920, 1080, 60000))
    assert not is_mode((1920, 1080, 50000), (1920, 1080, 60000))
    assert not is_mode((1280, 720, 60000), (1920, 1080, None))


def test_a_mode_is_told_as_it_is_typed():
    assert mode_words((1920, 1080, 59940)) == "1920x1080@59.94"
    assert mode_words((1280, 720, 60000)) == "1280x720@60"
    assert mode_words((1280, 720, 0)) == "1280x720"
