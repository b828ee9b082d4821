"""What the files of a folder become: items in natural order, a line of text, links, and what playlist.toml says."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from player.cms.folder.files import FolderFile
from player.cms.folder.programme import FolderReader, address_in
from player.core.content import Programme
from player.core.geometry import NOWHERE
from player.core.kinds import Kind
from player.core.onair import on_air


def made(*names: str, hashes: dict[str, str] | None = None, **texts: str) -> Programme:
    """`texts` by file name with two underscores for its dot: playlist__toml."""
    written = {name.replace("__", "."): text for name, text in texts.items()}
    entries = {name: FolderFile(name, 3, 7) for name in (*names, *written)}
    return FolderReader(entries, written, hashes or {}, 5.0, "key").programme()


def shown(programme: Programme, layout: str = "folder") -> list[list[tuple[str, Kind]]]:
    (found,) = (one for one in programme.layouts if one.id == layout)
    return [[(item.content_id, item.kind) for item in region.playlist.items] for region in found.regions]


def at(programme: Programme, when: str) -> str:
    found = on_air(programme, datetime.fromisoformat(when).replace(tzinfo=UTC), ZoneInfo("UTC"), {}).layout
    return found.id if found else "nothing"


def test_files_are_shown_in_the_order_in_which_people_count():
    programme = made("10 last.mp4", "2 menu.PDF", "1.jpg", "3 drawing.svg", "4 site.zip")
    assert shown(programme) == [[
        ("1.jpg", Kind.IMAGE), ("2 menu.PDF", Kind.PDF), ("3 drawing.svg", Kind.IMAGE), ("4 site.zip", Kind.PACKAGE),
        ("10 last.mp4", Kind.VIDEO),
    ]]  # fmt: skip
    durations = [item.duration_s for item in programme.items]
    assert durations == [10.0, 10.0, 10.0, 10.0, 0.0]
    assert {(asset.content_id, asset.url, asset.file_hash, asset.size) for asset in programme.assets} >= {
        ("10 last.mp4", "folder:10%20last.mp4", "3-7", 3)
    }
    assert {item.server for item in programme.items} == {"key"}
    assert programme.faults == ()


def test_sounds_are_items_in_their_order_and_music_under_all_of_it_is_a_region_without_a_size():
    programme = made("1.jpg", "2.MP3", "3.opus", playlist__toml=MUSIC)
    assert shown(programme, "playlist") == [[("1.jpg", Kind.IMAGE)], [("2.MP3", Kind.AUDIO), ("3.opus", Kind.AUDIO)]]
    assert programme.layouts[0].regions[1].rect == NOWHERE
    assert [item.duration_s for item in programme.layouts[0].regions[1].playlist.items] == [0.0, 0.0]
    assert shown(made("1.jpg", "2.MP3")) == [[("1.jpg", Kind.IMAGE), ("2.MP3", Kind.AUDIO)]]


MUSIC = """
[[region]]
[[region.item]]
file = "1.jpg"
[[region]]
width = 0
height = 0
[[region.item]]
file = "2.MP3"
[[region.item]]
file = "3.opus"
"""


def test_texts_run_below_the_rest_or_alone():
    programme = made("1.jpg", news__txt="Fresh\nbread  today")
    assert shown(programme) == [[("1.jpg", Kind.IMAGE)], [("news.txt", Kind.TICKER)]]
    main, strip = programme.layouts[0].regions
    assert (main.rect.height, strip.rect.y, strip.rect.height) == (1000, 1000, 80)
    assert strip.playlist.items[0].text == "Fresh bread today"
    (alone,) = made(news__txt="Closed").layouts[0].regions
    assert alone.rect.height == 1080
    assert made(news__txt="  \n").items == ()


@pytest.mark.parametrize(
    ("text", "kind", "url"),
    [
        ("[InternetShortcut]\r\nURL=https://menu.example/\r\n", Kind.WEB, "https://menu.example/"),
        ("https://www.youtube.com/watch?v=x\n", Kind.YOUTUBE, "https://www.youtube.com/watch?v=x"),
        ("rtsp://cam.example/1", Kind.LIVESTREAM, "rtsp://cam.example/1"),
        ("https://live.example/a.m3u8?t=1", Kind.LIVESTREAM, "https://live.example/a.m3u8?t=1"),
    ],
)
def test_a_link_is_a_page_a_video_or_a_stream(text: str, kind: Kind, url: str):
    (item,) = made(page__url=text).items
    assert (item.kind, item.url) == (kind, url)


@pytest.mark.parametrize("text", ["", "file:///etc/passwd", "URL=javascript:alert(1)", "rubbish"])
def test_a_link_to_what_may_not_be_opened_is_left_out(text: str):
    programme = made("1.jpg", page__url=text)
    assert shown(programme) == [[("1.jpg", Kind.IMAGE)]]
    assert [fault.code for fault in programme.faults] == ["bad_url"]


def test_what_is_no_content_is_told_and_the_rest_is_shown():
    programme = made("1.jpg", "accounts.xlsx")
    assert shown(programme) == [[("1.jpg", Kind.IMAGE)]]
    assert [(fault.code, fault.content_id) for fault in programme.faults] == [("unsupported_type", "accounts.xlsx")]


def test_an_empty_folder_shows_nothing():
    assert made().items == ()
    assert made("manifest.json", "manifest.sig").faults != () or made("manifest.json", "manifest.sig").items == ()


SCHEDULED = """
[[schedule]]
playlist = "evening"
name = "Evening"
days = ["fri", "sat"]
start_time = "18:00"
end_time = "02:00"

[[schedule]]
playlist = "evening"
start_date = 2026-12-24
end_date = 2026-12-24
priority = 10
"""


def test_a_schedule_puts_the_files_of_a_folder_on_at_its_time():
    programme = made("1.jpg", "evening/a.jpg", playlist__toml=SCHEDULED)
    assert programme.faults == ()
    friday = [
        "2026-11-27T17:59",
        "2026-11-27T18:00",
        "2026-11-28T01:59",
        "2026-11-29T02:00",
        "2026-12-24T12:00",
        "2026-12-25T12:00",
    ]
    assert [at(programme, when) for when in friday] == ["folder", "evening", "evening", "folder", "evening", "folder"]
    assert shown(programme, "evening") == [[("evening/a.jpg", Kind.IMAGE)]]


LAYOUT = """
[[region]]
id = "left"
width = 960
[[region.item]]
file = "1.jpg"
duration = 4

[[region]]
x = 960
[[region.item]]
file = "sub/2.mp4"
"""


def test_a_layout_of_the_folder_is_what_is_on_where_no_schedule_is():
    programme = made("1.jpg", "sub/2.mp4", "unused.jpg", playlist__toml=LAYOUT)
    assert (programme.default, programme.faults) == ("playlist", ())
    assert shown(programme, "playlist") == [[("1.jpg", Kind.IMAGE)], [("sub/2.mp4", Kind.VIDEO)]]
    assert {asset.content_id for asset in programme.assets} == {"1.jpg", "sub/2.mp4"}


def test_a_schedule_may_name_another_layout_and_items_of_two_are_told_apart():
    schedule = '[[schedule]]\nlayout = "evening.toml"\nstart_time = "18:00"\n'
    programme = made("1.jpg", "sub/2.mp4", playlist__toml=LAYOUT + schedule, evening__toml=LAYOUT)
    assert programme.faults == ()
    assert [at(programme, f"2026-11-27T{hour}:00") for hour in (12, 20)] == ["playlist", "evening"]
    ids = [item.id for item in programme.items]
    assert len(ids) == len(set(ids)) == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not toml", "is not TOML"), ('[[schedule]]\nday = ["mon"]', "did you mean days"),
        ('[[schedule]]\nplaylist = "x"\ndays = ["noon"]', "days"), ('[[schedule]]\nplaylist = "gone"', "no folder"),
        ('[[schedule]]\nlayout = "gone.toml"', "no file"), ("[[schedule]]\n", "either a layout"),
        ('[[region]]\n[[region.item]]\nfile = "gone.jpg"', "not in the folder"),
        ('[[region]]\n[[region.item]]\nfile = "../../etc/passwd"', "not in the folder"),
    ],
)  # fmt: skip
def test_a_mistake_in_playlist_toml_is_told_and_the_files_are_shown(text: str, words: str):
    programme = made("1.jpg", playlist__toml=text)
    assert shown(programme) == [[("1.jpg", Kind.IMAGE)]]
    assert programme.default == "folder"
    ((code, message),) = [(fault.code, fault.message) for fault in programme.faults]
    assert code == "bad_layout"
    assert words in message


def test_what_is_signed_must_hash_to_what_was_signed():
    (asset,) = made("1.jpg", hashes={"1.jpg": "ab" * 32}).assets
    assert asset.file_hash == "ab" * 32


def test_the_address_of_a_link_file_is_found():
    assert address_in("[InternetShortcut]\nIconIndex=0\n url = https://a.example/x y\n") == "https://a.example/x"
    assert address_in("") == ""
