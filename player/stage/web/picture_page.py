"""A picture that the browser shows: a page of two answers, ours around it and the file itself, with nothing else to be had.

For what mpv does not draw (SVG) and what stands in for a page (its last picture). An SVG is shown as an image is: it runs no script
and loads nothing, and the page's policy and its guard refuse both once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Template

POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"
FILE = "/picture"
TYPES = {".svg": "image/svg+xml", ".jpg": "image/jpeg"}
_FITS = {"contain": "contain", "cover": "cover", "stretch": "fill"}
_PAGE = Template(
    "<!doctype html><meta charset=utf-8><style>html,body{margin:0;height:100%;overflow:hidden;background:$background}"
    'img{display:block;width:100vw;height:100vh;object-fit:$fit}</style><img src="$file" alt="">'
)
# True once every picture of the page could be decoded.
DECODED = "Promise.all([...document.images].map(image => image.decode())).then(() => true, () => false)"


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A file below a folder of ours, to be shown by itself; `fit` and `background` as in `Playable`."""

    path: Path
    fit: str = "contain"
    background: str = "#000000"

    @property
    def type(self) -> str:
        """Its media type, by the suffix that we gave it."""
        return TYPES.get(self.path.suffix, "application/octet-stream")

    def page(self) -> bytes:
        """The page around it."""
        fit = _FITS.get(self.fit, "contain")
        return _PAGE.substitute(background=self.background, fit=fit, file=FILE).encode()
