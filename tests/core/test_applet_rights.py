"""What a page may have, and why it may not have the rest."""

from __future__ import annotations

import pytest

from player.core.applet_rights import CONTROL, NOBODY, READ, RIGHTS, Use, supports, why_not


def test_a_change_of_the_box_needs_the_right_to_control_it_and_a_look_the_right_to_read():
    for what, right in RIGHTS.items():
        if not what.startswith("management."):
            assert right.scope == NOBODY, what
        else:
            assert (right.scope, right.use is Use.LOOK) in ((READ, True), (CONTROL, False)), what


@pytest.mark.parametrize("what", ["set_pin_code", "get_pin_code", "factory_reset", "app_upgrade", "wifi.connect", "proxy_disable"])
def test_the_pin_the_network_and_what_is_installed_are_out_of_reach(what: str):
    assert f"management.{what}" not in RIGHTS


def test_what_is_not_answered_has_a_reason_of_its_own():
    assert why_not("management.wifi.scan") == "the network is set up on the box itself, and never by a page (management.wifi.scan)"
    assert why_not("timing.triggers.pause").startswith("when a turn ends is said by its timing")
    assert why_not("something.else") == "this player does not answer something.else"
    assert not any(what.startswith(start) for what in RIGHTS for start in ("hardware.", "stream.", "sync.", "osd.", "browser."))


def test_a_capability_is_there_as_far_as_the_right_goes():
    assert [supports("SET_VOLUME", scope) for scope in (NOBODY, READ, CONTROL)] == [False, False, True]
    assert [supports("MODEL", scope) for scope in (NOBODY, READ)] == [False, True]
    assert all(supports(f"FILE_SYSTEM_{what}", NOBODY) for what in ("INTERNAL_STORAGE", "CREATE_ARCHIVE", "LINK"))
    assert not supports("WIFI", CONTROL)
    assert not supports(None, CONTROL)
    assert not supports(["VIDEO"], CONTROL)
