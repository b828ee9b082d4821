"""What may be shown of text from outside: nothing that steers, begins a line or counts, and no secret."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.plaintext import cell, printable, without_logins, without_secrets
from tests.fakes.measured import processor_at_most

STEERING = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff\ud800",
]


@pytest.mark.parametrize("sign", STEERING, ids=lambda sign: f"{ord(sign):04x}")
def test_x6_what_steers_is_written_out(sign: str) -> None:
    assert printable(f"a{sign}b") == f"a\\u{ord(sign):04x}b"


def test_what_does_not_steer_stays_and_so_does_what_is_kept() -> None:
    assert printable("Käse, 日本, \\n 😀") == "Käse, 日本, \\n 😀"
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\u001b"


@given(st.dictionaries(st.text(), st.text() | st.integers()))
def test_of_json_it_is_the_same_value_in_one_line(value: dict[str, str | int]) -> None:
    shown = printable(json.dumps(value, ensure_ascii=False))
    assert json.loads(shown) == value
    assert len(shown.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1", "'=1"),
        ("  @x", "'  @x"),
        ("\t=1", "'\\u0009=1"),
        ("\r", "'\\u000d"),
        ("\uff1d1", "'\uff1d1"),
        ("a\n=1", "a\\u000a=1"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_a_cell_is_no_formula_and_one_line(text: str, shown: str) -> None:
    assert cell(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://u:p@ss@host/live", "rtsp://(removed)@host/live"),
        ("rtsp://u:p/a@ss@host/live", "rtsp://(removed)@host/live"),
        ("http://host:8080/@name stays", "http://host:8080/@name stays"),
        ("https://h/page?sig=abc&x=1 failed", "https://h/page?(removed) failed"),
        ("https://h/page#access_token=abc failed", "https://h/page#(removed) failed"),
        ("/page?X-Amz-Signature=abc&x=1", "/page?X-Amz-Signature=(removed)&x=1"),
        ("authorization=abc rest", "authorization=(removed)"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic (removed)"),
        ("Set-Cookie: a=b; c=d\nnext", "Set-Cookie: (removed)\nnext"),
        ('{"cookie": "a=b"}', '{"cookie": "(removed)"}'),
        ('{"pin": "47 11x", "a": 1}', '{"pin": "(removed)", "a": 1}'),
        ("{'pin': ['4711'], 'a': 1}", "{'pin': (removed), 'a': 1}"),
        ("[type=int_type, input_value='4711x', input_type=str]", "[type=int_type, input_value='(removed)', input_type=str]"),
        ("signage_0123456789abcdefghijkl", "(removed)"),
        ('password=""', 'password=""'),
    ],
)
def test_x6_secrets_in_addresses_headers_and_assignments_are_not_shown(text: str, shown: str) -> None:
    assert without_logins(text) == shown
    assert without_secrets(text) == shown


def test_a_sentence_about_a_token_stays_here_and_is_taken_out_of_what_leaves() -> None:
    assert without_logins("token: expired") == "token: expired"
    assert without_secrets("token: expired") == "token: (removed)"


@pytest.mark.parametrize("piece", ["a://b:", "cookie=", "pin=", "a.", "://", "u:p@", "'", '\\"'])
def test_no_text_takes_long(piece: str) -> None:
    for _ in processor_at_most(1.0):
        without_secrets(piece * (4000 // len(piece)))


def test_a_word_of_many_schemes_is_no_address_and_costs_no_more_than_any_other() -> None:
    assert without_logins("see " + "a://b:c" * 20_000 + " there") == "see a://(removed) there"
    assert without_logins("a.b.c.d://" * 20_000) == "a.b.c.d://(removed)"
    assert without_secrets(" ".join(["http://u:p@h/x?y"] * 9)) == " ".join(["http://(removed)@h/x?(removed)"] * 9)
