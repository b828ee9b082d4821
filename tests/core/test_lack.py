"""How long nothing to show lasts until another source is shown."""

from __future__ import annotations

from player.core.lack import Lack


def test_another_source_is_due_when_nothing_to_show_has_lasted():
    lack = Lack(300.0)
    asked = [(False, 10.0), (False, 309.0), (False, 310.0), (True, 320.0), (False, 330.0), (False, 629.0), (False, 630.0)]
    assert [lack.is_due(has_content=has, now=now) for has, now in asked] == [False, False, True, False, False, False, True]


def test_without_a_wait_it_is_due_at_once():
    assert Lack(0.0).is_due(has_content=False, now=5.0)
