"""A feed (RSS, Atom, JSON Feed, or a plain JSON list) -> lines of plain text for a ticker. Pure.

Nothing in a feed is trusted (law 2): a document that declares an entity is refused unread, mark-up is taken out, and only so many
lines of so many characters are kept. Expat does the reading: it opens no address and no file, whatever a document names.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.parsers import expat

ITEMS, LINE, RAW = 50, 300, 2000  # lines of a feed; characters of a line; characters that are looked at for one
LARGEST = 1_000_000  # bytes of a feed
_ROOTS, _ENTRIES = frozenset({"rss", "feed", "RDF"}), frozenset({"item", "entry"})
_FIELDS = ("title", "description", "summary", "content")
_APART = frozenset({"br", "p", "div", "li", "ul", "ol", "tr", "td", "th", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"})
_SILENT = frozenset({"script", "style"})
# Control characters, and the marks that would turn the direction of everything after them.
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")


def file_of(url: str) -> str:
    """Where the lines of the feed at `url` are kept, as a path below the cache folder."""
    return f"feeds/{hashlib.sha256(url.encode()).hexdigest()}.txt"


def lines_of(body: bytes) -> tuple[str, ...]:
    """The titles of a feed, each once; where one is missing, the beginning of its text.

    Raises ValueError with the end of a sentence.
    """
    if len(body) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 1_000_000} MB: choose a smaller feed")
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    found = _of_json(body) if start in (b"[", b"{") else _of_xml(body)
    lines = tuple(dict.fromkeys(filter(None, (plain(text) for text in found))))
    if not lines:
        raise ValueError("it holds no entry with a title")
    return lines


def plain(text: str) -> str:
    """`text` without mark-up, entities and control characters, blanks made one; at most `LINE` characters."""
    words = _Words()
    words.feed(text[:RAW].replace("<![", "["))  # the parser gives up at sections that it does not know
    words.close()
    clean = _UNWANTED.sub("", "".join(words.parts)).encode("utf-8", "ignore").decode("utf-8")
    line = " ".join(clean.split())
    return line if len(line) <= LINE else line[: LINE - 1].rstrip() + "…"


class _Words(HTMLParser):
    """Collects what a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = False

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the base class's shape
        self._silent = tag in _SILENT
        if tag in _APART:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._silent = False
        if tag in _APART:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


# --- JSON


def _of_json(body: bytes) -> Iterator[str]:
    try:
        read = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON that can be read ({str(error)[:80]})") from error
    rows = read.get("items") if isinstance(read, dict) else read
    if not isinstance(rows, list):
        raise ValueError("its JSON is neither a JSON Feed nor a list")  # noqa: TRY004 - of the document, not of an argument
    return filter(None, map(_title, rows[:ITEMS]))


def _title(row: Any) -> str | None:
    if isinstance(row, dict):
        kept = (row.get(name) for name in ("title", "text", "content_text", "summary", "content_html"))
        row = next((text for text in kept if isinstance(text, str) and text.strip()), None)
    return row if isinstance(row, str) else None


# --- XML


def _of_xml(body: bytes) -> Iterator[str]:
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.started
    parser.EndElementHandler = reader.ended
    parser.CharacterDataHandler = reader.said
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.EntityDeclHandler = reader.entity
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, LookupError) as error:  # the latter: an encoding that nobody knows
        raise ValueError(f"it is neither RSS, Atom nor JSON ({error})") from error
    return iter(reader.found)


class _Reader:
    """Takes what the parser meets. A title counts when it is the entry's own: of its namespace, and directly in it."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._path: list[tuple[str, str]] = []  # namespace and name
        self._entry: dict[str, str] | None = None  # texts by field, of the entry that is open
        self._depth = 0  # of that entry in the path

    def doctype(self, name: str, *_: object) -> None:
        if name.lower() == "html":
            raise ValueError("it is a web page and not a feed: enter the address of the feed itself")

    def entity(self, *_: object) -> None:
        raise ValueError("it declares entities of its own, which no feed needs: it is not read")

    def started(self, name: str, _: object) -> None:
        space, _, local = name.rpartition(" ")
        if not self._path and local not in _ROOTS:
            raise ValueError(f"it is XML, but neither RSS nor Atom (it begins with <{local[:40]}>)")
        self._path.append((space, local))
        if local in _ENTRIES and self._entry is None and len(self.found) < ITEMS:
            self._entry, self._depth = {}, len(self._path)

    def said(self, text: str) -> None:
        if self._entry is None or len(self._path) <= self._depth:
            return
        space, name = self._path[self._depth]
        before = self._entry.get(name, "")
        if space == self._path[self._depth - 1][0] and len(before) < RAW:
            self._entry[name] = before + text[:RAW]

    def ended(self, _: str) -> None:
        if self._entry is not None and len(self._path) == self._depth:
            texts = (self._entry.get(name, "") for name in _FIELDS)
            self.found.append(next((text for text in texts if text.strip()), ""))
            self._entry = None
        self._path.pop()
