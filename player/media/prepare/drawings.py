"""SVG drawings: read once from end to end, then kept as they are, for the browser to show as a picture (in the child only).

Shown as a picture a drawing runs no script and loads nothing, so nothing has to be taken out of it here. What is refused: what is
no drawing, what is broken, and what would keep the browser busy: too many elements, or too many once they are drawn (`core.uses`).
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.parsers import expat

from player.core.uses import DrawingOutline
from player.errors import ContentError
from player.media.prepare.parent import Prepared
from player.media.prepare.pictures import FILE_MODE
from player.store import write_synced

LARGEST, MOST_ELEMENTS = 8 * 1024 * 1024, 100_000
MOST_DRAWN = 200_000  # of two kilobytes each, in the browser
_NAMES = re.compile(r"url\(\s*['\"]?#([^'\")]+)")
_HREFS = ("href", "http://www.w3.org/1999/xlink href")
_LENGTH = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:px)?\s*")


def prepare(source: Path, name: str, folder: Path, digest: str) -> Prepared:
    """The drawing as `folder/<sha256>.svg`; its size in pixels, 0 where it names none. Raises ContentError."""
    text = source.read_bytes()
    if len(text) > LARGEST:
        reason = f"the drawing is larger than {LARGEST // 2**20} MiB; simplify it, or export it as PNG"
        raise ContentError("too_large", name, reason, transient=False)
    width, height = _SvgReading(name).size(text)
    path = folder / f"{digest}.svg"
    write_synced(path, text, FILE_MODE)
    return Prepared(path, width, height, None, digest, "svg")


class _SvgReading:
    """One pass over the drawing. Entities of other files are not fetched, and those that grow without end are refused by expat."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._root: dict[str, str] | None = None
        self._elements = 0
        self._outline = DrawingOutline()

    def size(self, text: bytes) -> tuple[int, int]:
        """Width and height. Raises ContentError."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._element
        parser.EndElementHandler = lambda _: self._outline.end()
        try:
            parser.Parse(text, True)
        except expat.ExpatError as error:
            reason = f"the drawing cannot be read ({expat.errors.messages[error.code]}, line {error.lineno}); export it again"
            raise ContentError("damaged", self._name, reason, transient=False) from error
        if self._outline.comes_to(MOST_DRAWN) == MOST_DRAWN:
            reason = (
                f"the drawing draws more than {MOST_DRAWN} elements by <use>, patterns and masks; simplify it, or export it as PNG"
            )
            raise ContentError("too_large", self._name, reason, transient=False)
        root = self._root or {}
        return _pixels(root.get("width", "")), _pixels(root.get("height", ""))

    def _element(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._root is None:
            self._root = attributes
            if tag.rpartition(" ")[2] != "svg":
                raise ContentError("wrong_type", self._name, f"it is not a drawing, but begins with <{tag:.40}>", transient=False)
        if self._elements > MOST_ELEMENTS:
            reason = f"the drawing has more than {MOST_ELEMENTS} elements; simplify it, or export it as PNG"
            raise ContentError("too_large", self._name, reason, transient=False)
        kind = tag.rpartition(" ")[2]
        used = [text[1:] for key, text in attributes.items() if kind == "use" and key in _HREFS and text.startswith("#")]
        paints = [found for text in attributes.values() if "url(" in text for found in _NAMES.findall(text)]
        self._outline.begin(kind, attributes.get("id", ""), used, paints)


def _pixels(length: str) -> int:
    match = _LENGTH.fullmatch(length)
    return min(round(float(match[1])), 100_000) if match else 0
