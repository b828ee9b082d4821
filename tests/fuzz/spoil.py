"""What a good document becomes in hostile hands: a few places of it changed, as values or as bytes."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

WORDS = (
    "", "0", "-1", "1e999", "NaN", "null", "[]", "{}", '{"type": "fade"}', '{"a": "\\ud800"}', '{"n": 1' + "0" * 40 + "}",
    "[" * 3000, "\0", "\x1b[2J", "\ud800", "\u202e", "a" * 5000, "../../etc/passwd", "http://[", "http://127.0.0.1:99999999/", "file:///etc/passwd",
    "javascript:1", "9999-12-31T23:59:59Z", "0000-00-00", "24:00", "25:61", "2026-02-30", "#12345", "١٢", "50%", "1e309%",
    "Europe/../x", '{"a": ' + "[" * 900 + "]" * 900 + "}", "9" * 4400, "1" + "0" * 400, "-0", "0x10", "1_000", "\u0663" * 3,
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2016-12-31T23:59:60Z", "23:59:60", "0001-01-01", "9999-12-31",
    "+24:00", "/etc/localtime", "Europe/Berlin\0", "posixrules", "AB" * 32, "ab" * 20,
)  # fmt: skip
ODD: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from([None, True, False, 0, -1, 2**31, 2**63, -(2**63) - 1, 10**40, 10**400, 10**4299]),
    st.sampled_from([0.0, -0.0, -0.5, 5e-324, 1e308, float("inf"), float("nan")]),
    st.text(st.characters(), max_size=20),
    st.sampled_from([[], {}, [[]], [None], {"id": None}, {"": ""}, [{"id": 1}] * 50]),
    st.integers(),
    st.floats(),
)
TOKENS = (
    b"\0", b"\n", b"\r\n", b'"', b"\\ud800", b"\\u0000", b"[" * 500, b"{" * 500, b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;",
    b"<a>" * 500, b"\xff", b"\xed\xa0\x80", b"-", b"1" + b"0" * 400, b"1e999", b"null", b"= ", b"[[region]]\n", b"HTTP/1.1",
    b"\xef\xbb\xbf", b"%",
)  # fmt: skip
Place = tuple[Any, ...]


def places(document: Any, at: Place = ()) -> list[Place]:
    """Every place in it, the whole first."""
    found = [at]
    if isinstance(document, dict | list):
        for key, value in document.items() if isinstance(document, dict) else enumerate(document):
            found += places(value, (*at, key))
    return found


@st.composite
def spoiled(draw: st.DrawFn, *documents: Any) -> Any:
    """One of `documents` with up to four places changed: another value, none at all, once more, or deeper."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(0, 4))):
        *way, last = draw(st.sampled_from(places(document)[1:] or [(None,)]))
        holder = document
        for key in way:
            holder = holder[key]
        if last is None:
            return draw(ODD)
        match draw(st.sampled_from(("other", "other", "other", "gone", "twice", "deeper"))):
            case "gone":
                del holder[last]
            case "twice" if isinstance(holder, list):
                holder += [holder[last]] * draw(st.sampled_from((1, 50)))
            case "deeper":
                holder[last] = draw(st.sampled_from(([holder[last]], {"data": holder[last]}, {"0": holder[last]})))
            case _:
                holder[last] = copy.deepcopy(draw(ODD))  # it may be spoiled itself
    return document


@st.composite
def torn(draw: st.DrawFn, *contents: bytes) -> bytes:
    """One of `contents` with up to four places changed: cut off, cut out, doubled, a byte turned, something put in."""
    content = draw(st.sampled_from(contents))
    for _ in range(draw(st.integers(0, 4))):
        at, until = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
        match draw(st.sampled_from(("off", "out", "twice", "turned", "in", "in"))):
            case "off":
                content = content[:until]
            case "out":
                content = content[:at] + content[until:]
            case "twice":
                content = content[:until] + content[at:]
            case "turned" if at < len(content):
                content = content[:at] + bytes([content[at] ^ (1 << draw(st.integers(0, 7)))]) + content[at + 1 :]
            case _:
                content = content[:at] + draw(st.sampled_from(TOKENS)) + content[at:]
    return content
