"""The table of settings, and the book: whose request holds, and what a start has to write down."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.brief import DeviceSettings
from player.core.content import Orientation
from player.core.ports.box import InputSource
from player.core.settings import SETTINGS, AppliedBy, Asker, SettingRecord, SettingsBook, find
from player.errors import SettingRefused

DEFAULT = SettingRecord("orientation", "landscape", Asker.CONFIGURATION, "", 1.0, configured=True, ended="")


def loud(volume: Any, by: Asker = Asker.BOX, who: str = "the command line", at: float = 1.0) -> SettingRecord:
    return SettingRecord("volume", volume, by, who, at)


# --- the table


def test_every_field_that_the_stage_is_told_is_a_row_with_the_same_default():
    assert {field.name: field.default for field in fields(DeviceSettings)}.items() <= {
        name: row.default for name, row in SETTINGS.items()
    }.items()


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("volume", "35", 35),
        ("volume", 35.4, 35),
        ("muted", "on", True),
        ("muted", False, False),
        ("screen_on", "0", False),
        ("orientation", "Portrait-Flipped", Orientation.PORTRAIT_FLIPPED),
        ("time_zone", "Europe/Berlin", "Europe/Berlin"),
        ("mode", "1920x1080@59.94", "1920x1080@59.94"),
        ("mode", "1280x720", "1280x720"),
        ("input_source", "HDMI_2", InputSource.HDMI_2),
        ("ntp_server", "NTP.example.com", "ntp.example.com"),
        ("ntp_server", "192.168.7.1", "192.168.7.1"),
        ("ntp_server", "FD00::0001", "fd00::1"),
        ("wifi", "off", False),
        ("heartbeat_interval", "2.5", 2.5),
        ("heartbeat_interval", 3600, 3600.0),
    ],
)
def test_what_was_typed_or_sent_becomes_a_value(name: str, given: Any, value: Any):
    read = find(name).value(given)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "given", "range_"),
    [
        ("volume", 101, "a number from 0 to 100"),
        ("volume", "loud", "a number from 0 to 100"),
        ("volume", True, "a number from 0 to 100"),
        ("volume", float("nan"), "a number from 0 to 100"),
        ("volume", [], "a number from 0 to 100"),
        ("brightness", -1, "a number from 0 to 100"),
        ("muted", "perhaps", "on or off"),
        ("orientation", "upside down", "one of landscape, portrait, landscape_flipped, portrait_flipped"),
        ("time_zone", "Middle/Earth", "a name such as"),
        ("time_zone", "../../etc/passwd", "a name such as"),
        ("mode", "large", 'as the panel has it, such as "1920x1080@60"'),
        ("mode", "1920x1080@60; exec x", "as the panel has it"),
        ("input_source", "scart", "one of player, hdmi_1"),
        ("ntp_server", "a b", "a host name or an address"),
        ("ntp_server", "1.2.3", "a host name or an address"),
        ("ntp_server", "fe80::1%\nNTP=b", "a host name or an address"),
        ("ntp_server", "", "a host name or an address"),
        ("bluetooth", "perhaps", "on or off"),
        ("heartbeat_interval", 0, "a number from 1 to 3600"),
    ],
)
def test_k5_a_value_out_of_range_is_refused_with_the_range(name: str, given: Any, range_: str):
    with pytest.raises(SettingRefused, match=f"{name}: must be {range_}"):
        find(name).value(given)


@given(st.sampled_from(sorted(SETTINGS)), st.none() | st.text() | st.integers() | st.floats() | st.booleans() | st.binary())
def test_k5_whatever_is_sent_is_a_value_or_a_refusal(name: str, given: Any):
    try:
        value = find(name).value(given)
    except SettingRefused:
        return
    assert find(name).value(value) == value


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(SettingRefused, match=r"volum: there is no such setting; did you mean volume\?"):
        find("volum")
    with pytest.raises(SettingRefused, match="there are volume, muted"):
        find("xyz")


def test_the_lock_is_not_opened_at_the_box_without_a_pin_but_by_whoever_manages_it():
    with pytest.raises(SettingRefused, match="the lock needs the PIN"):
        find("locked").allow(Asker.BOX)
    for by in (Asker.PIN, Asker.SERVER, Asker.MANAGEMENT):
        find("locked").allow(by)


def test_the_rhythm_of_calls_is_the_servers():
    with pytest.raises(SettingRefused, match="only the server sets it"):
        find("heartbeat_interval").allow(Asker.BOX)
    find("heartbeat_interval").allow(Asker.SERVER)


def test_who_asked_is_told_in_words():
    assert Asker.SERVER.in_words("cms.example.com") == "the server cms.example.com"
    assert Asker.COMMAND.in_words("") == "a command of the server"
    assert Asker.BOX.in_words("the command line") == "the command line"
    assert Asker.SCHEDULE.in_words("timer 1") == "timer 1"


# --- the book


def test_a_server_that_repeats_itself_says_nothing_anew():
    book = SettingsBook.of([loud(30, Asker.SERVER, "a")])
    book.write(loud(50))
    assert not book.says_anew("volume", 30, "a")
    assert book.says_anew("volume", 40, "a")
    assert book.says_anew("volume", 30, "another server")
    assert book.says_anew("brightness", 30, "a")


def test_a_request_is_undone_until_it_had_a_good_end():
    book = SettingsBook()
    assert not book.is_undone("volume")
    book.write(loud(30))
    assert book.is_undone("volume")
    book.write(replace(loud(30), ended="it hangs", in_effect=False))
    assert book.is_undone("volume")
    book.write(replace(loud(30), ended="the volume is 30"))
    assert not book.is_undone("volume")


def test_a_setting_ends_at_the_device_that_has_part_in_it():
    assert [SETTINGS[name].device for name in ("volume", "muted", "time_zone", "wifi", "orientation")] == [
        AppliedBy.AUDIO, AppliedBy.AUDIO, AppliedBy.HOST, AppliedBy.SWITCHES, AppliedBy.STAGE
    ]  # fmt: skip


def test_the_same_request_by_the_same_asker_is_told_already():
    book = SettingsBook.of([loud(30)])
    assert book.is_told(loud(30, at=9.0))
    assert not book.is_told(loud(31))
    assert not book.is_told(loud(30, Asker.COMMAND, ""))
    assert not SettingsBook().is_told(loud(30))


def test_what_this_version_does_not_know_is_left_out():
    assert SettingsBook.of([SettingRecord("smell", 3, Asker.BOX, "", 1.0)]).last == {}


@given(
    st.lists(
        st.builds(
            SettingRecord, st.sampled_from(["volume", "muted"]), st.integers(0, 3), st.sampled_from(Asker),
            st.sampled_from(["", "a", "b"]), st.floats(0, 9),
        )
    )
)  # fmt: skip
def test_the_fewest_records_make_the_same_book(records: list[SettingRecord]):
    book = SettingsBook.of(records)
    again = SettingsBook.of(book.all())
    assert again.last == book.last
    assert len(book.all()) <= 2 * (3 + 1)  # two settings: what each of three servers said of it, and what was asked for last
    for name in ("volume", "muted"):
        for who in ("", "a", "b"):
            for value in range(4):
                assert again.says_anew(name, value, who) == book.says_anew(name, value, who)


# --- at a start


def test_at_the_first_start_the_configuration_is_written_down():
    assert SettingsBook().found("orientation", "landscape", "landscape", "a", 1.0) == DEFAULT
    assert SettingsBook().found("orientation", None, "landscape", "a", 1.0) == DEFAULT


def test_what_a_version_without_a_book_set_stays():
    found = SettingsBook().found("volume", 35, None, "a", 1.0)
    assert found == SettingRecord("volume", 35, Asker.EARLIER, "", 1.0)


def test_what_a_version_without_a_book_set_while_it_was_back_stays():
    book = SettingsBook.of([loud(30)])
    assert book.found("volume", 55, None, "a", 2.0) == SettingRecord("volume", 55, Asker.EARLIER, "", 2.0)


def test_another_configuration_holds_where_nobody_asked():
    book = SettingsBook.of([DEFAULT])
    assert book.found("orientation", "landscape", "landscape", "a", 2.0) is None
    changed = book.found("orientation", "landscape", "portrait", "a", 2.0)
    assert changed is not None
    assert (changed.value, changed.by, changed.configured) == ("portrait", Asker.CONFIGURATION, True)


def test_another_configuration_does_not_overrule_a_request():
    asked = SettingRecord("orientation", "portrait", Asker.BOX, "the command line", 1.0)
    assert SettingsBook.of([DEFAULT, asked]).found("orientation", "portrait", "landscape", "a", 2.0) is None


def test_after_a_reset_the_configuration_is_followed_again():
    reset = SettingRecord("orientation", "landscape", Asker.BOX, "the command line", 1.0, configured=True)
    changed = SettingsBook.of([reset]).found("orientation", "landscape", "portrait", "a", 2.0)
    assert changed is not None
    assert changed.value == "portrait"


def test_the_rhythm_that_another_server_asked_for_is_forgotten():
    asked = SettingRecord("heartbeat_interval", 10.0, Asker.SERVER, "a", 1.0)
    book = SettingsBook.of([asked])
    assert book.found("heartbeat_interval", 10.0, 30.0, "a", 2.0) is None
    changed = book.found("heartbeat_interval", 10.0, 30.0, "b", 2.0)
    assert changed is not None
    assert (changed.value, changed.by) == (30.0, Asker.CONFIGURATION)
    louder = SettingsBook.of([loud(30, Asker.SERVER, "a")])
    assert louder.found("volume", 30, None, "b", 2.0) is None, "the box stays as loud as it was told to be"
