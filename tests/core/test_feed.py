"""Feeds of every make become lines of plain text; hostile ones are refused and never read out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.assemble import addressed, is_feed
from player.core.content import Item, Playlist, StandBy, full_screen
from player.core.feed import ITEMS, LARGEST, LINE, file_of, lines_of, plain
from player.core.kinds import Kind
from player.core.urls import check_url
from tests.fakes.measured import processor_at_most
from tests.fakes.programmes import programme_of

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom"><channel>
<title>The channel</title><image><title>Logo</title></image>
<item><media:title>A picture's</media:title><title>Rain &amp;amp; wind</title><description>More</description></item>
<item><title><![CDATA[<b>Sun</b> in the <i>south</i>]]></title><media:content><media:title>x</media:title></media:content></item>
<item><title> </title><description>&lt;p&gt;No title&lt;/p&gt;&lt;p&gt;here&lt;/p&gt;</description></item>
<item><guid>1</guid></item>
<item><title>Rain &amp;amp; wind</title></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>The feed</title>
<entry><title type="html">Caf&amp;eacute; &lt;br/&gt;open</title></entry>
<entry><title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">One <b>and</b> two</div></title>
  <source><title>Another feed</title></source></entry>
<entry><summary>Only a summary</summary></entry></feed>"""

RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel><title>Old</title></channel><item><title>RSS 1.0</title></item></rdf:RDF>"""


def test_rss_gives_the_titles_of_its_items_without_mark_up_each_once():
    assert lines_of(RSS.encode()) == ("Rain & wind", "Sun in the south", "No title here")


def test_atom_gives_the_titles_of_its_entries():
    assert lines_of(ATOM.encode()) == ("Café open", "One and two", "Only a summary")


def test_rss_1_0_and_other_encodings_are_read():
    assert lines_of(RDF.encode()) == ("RSS 1.0",)
    russian = '<?xml version="1.0" encoding="windows-1251"?><rss><channel><item><title>Погода</title></item></channel></rss>'
    assert lines_of(russian.encode("cp1251")) == ("Погода",)
    assert lines_of(RDF.encode("utf-16")) == ("RSS 1.0",)


@pytest.mark.parametrize(
    ("feed", "lines"),
    [
        ({"version": "https://jsonfeed.org/version/1.1", "items": [{"title": "A &lt; B"}, {"content_text": "C"}]}, ("A < B", "C")),
        (["One", "Two", "One", 3, None, ""], ("One", "Two")),
        ([{"title": "Three", "x": 1}, {"title": " ", "text": "Four"}, {"title": 5}, []], ("Three", "Four")),
    ],
)
def test_json_feeds_and_plain_lists_are_read(feed: object, lines: tuple[str, ...]):
    assert lines_of(b"\xef\xbb\xbf" + json.dumps(feed).encode()) == lines


def test_scripts_styles_and_marks_that_turn_text_around_are_taken_out():
    assert plain("<style>p{}</style>A<script>alert(1)</script>B\u202eC\x07\n\tD &#x1F600;") == "ABC D 😀"
    assert plain("5 < 6 and 7 > 3") == "5 < 6 and 7 > 3"
    assert plain("lone \ud800 half") == "lone half"


@pytest.mark.parametrize("mess", ["<![foo[ x ]]>", "<a " * 3000, "<!--" * 3000, "</" * 4000, "<!DOCTYPE [" + "<!x " * 999])
def test_c7_mark_up_that_is_a_mess_costs_no_time(mess: str):
    for _ in processor_at_most(0.5):
        assert len(plain(mess)) <= LINE


def test_a_feed_is_cut_to_fifty_lines_of_three_hundred_characters():
    many = "".join(f"<item><title>{n} {'long ' * 500}</title></item>" for n in range(ITEMS * 2))
    lines = lines_of(f"<rss><channel>{many}</channel></rss>".encode())
    assert len(lines) == ITEMS
    assert {len(line) <= LINE and line.endswith("…") for line in lines} == {True}
    assert len(lines_of(json.dumps([str(n) for n in range(200)]).encode())) == ITEMS


def test_a_title_in_many_pieces_is_not_collected_without_end():
    pieces = "<b/>".join("x" * 1000 for _ in range(100))
    assert len(lines_of(f"<rss><item><title>{pieces}</title></item></rss>".encode())[0]) == LINE


_LEVELS = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
BOMB = f'<!DOCTYPE rss [<!ENTITY a "ha">{_LEVELS}'
BOMB += "]><rss><channel><item><title>&i;</title></item></channel></rss>"
SPY = '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&x;</title></item></channel></rss>'


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (BOMB, "entities"),
        (SPY, "entities"),
        ("<!DOCTYPE html><html><body>Log in</body></html>", "web page"),
        ("<html><body>Log in</body></html>", "<html>"),
        ("<rss><channel><item><title>half", "neither RSS"),
        ("Just words", "neither RSS"),
        ('<?xml version="1.0" encoding="UTF-9"?><rss/>', "unknown encoding"),
        ("", "neither RSS"),
        ('{"items": 3}', "neither a JSON Feed"),
        ('{"a": ', "not JSON"),
        ("[" * 200_000, "not JSON"),
        ("[]", "no entry"),
        ("<rss><channel/></rss>", "no entry"),
        ("<rss>" + " " * LARGEST + "</rss>", "larger than 1 MB"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else None,
)
def test_c7_what_is_no_feed_is_refused_with_the_reason(body: str, words: str):
    for _ in processor_at_most(2.0):
        with pytest.raises(ValueError, match=words):
            lines_of(body.encode())


def test_a_feeds_doctype_alone_is_no_reason_to_refuse_it():
    head = (
        '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd">'
    )
    assert lines_of(f"{head}<rss><channel><item><title>A&nbsp;B</title></item></channel></rss>".encode()) == ("AB",)


def test_a_deep_document_costs_no_more_than_a_flat_one():
    deep = "<rss>" + "<a>x" * 100_000 + "</a>" * 100_000 + "<item><title>T</title><item><title>inner</title></item></item></rss>"
    for _ in processor_at_most(5.0):
        assert lines_of(deep.encode()) == ("T",)


TEXTS = st.text(max_size=200)


@given(st.one_of(st.binary(max_size=300), TEXTS.map(str.encode), TEXTS.map(lambda text: f"<rss><item><title>{text}".encode())))
def test_whatever_comes_is_either_lines_or_a_reason(body: bytes):
    try:
        lines = lines_of(body)
    except ValueError:
        return
    assert all(line and len(line) <= LINE and line == " ".join(line.split()) for line in lines)


def test_a_feeds_file_follows_from_its_address():
    assert file_of("http://a/x") != file_of("http://a/y")
    assert file_of("http://a/x").startswith("feeds/")


def test_feeds_of_a_layout_are_named_by_the_files_that_hold_their_texts():
    feed = Item("1", "1", "News", Kind.TICKER, 60, url="http://news.example/rss")
    own = Item("2", "2", "Own", Kind.TICKER, 60, text="x")
    page = Item("3", "3", "Page", Kind.WEB, 60, url="http://news.example/rss")
    named = addressed(programme_of(full_screen(Playlist("p", "P", (feed, own, page))))).layouts[0].regions[0].playlist.items
    assert named == (replace(feed, file=file_of("http://news.example/rss")), own, page)
    assert [is_feed(item) for item in named] == [True, False, False]


def test_c9_what_is_drawn_here_needs_no_address_and_a_feeds_address_is_checked():
    assert check_url(None, Kind.CLOCK, youtube_hosts=(), stream_hosts=()) is None
    assert check_url(None, Kind.TICKER, youtube_hosts=(), stream_hosts=()) is None
    assert check_url("http://news.example/rss", Kind.TICKER, youtube_hosts=(), stream_hosts=()) is None
    assert "allowed here: http, https" in (check_url("file:///etc/passwd", Kind.TICKER, youtube_hosts=(), stream_hosts=()) or "")


def test_every_address_of_a_programme_is_written_out():
    page = Item("1", "1", "Menu", Kind.WEB, 10.0, url="https://example.com/our menu.html ")
    feed = Item("2", "2", "News", Kind.TICKER, 10.0, url=" https://example.com/news")
    programme = programme_of(full_screen(Playlist("p", "P", (page, feed))))
    found = addressed(replace(programme, stand_by=(StandBy("door", (page,)),)))
    assert [item.url for item in found.items] == [
        "https://example.com/our%20menu.html", "https://example.com/news", "https://example.com/our%20menu.html",
    ]  # fmt: skip
    assert found.items[1].file == file_of("https://example.com/news")
