"""PDF documents: each page becomes a PNG that fits the panel (in the child only)."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pypdfium2

from player.errors import ContentError
from player.media.prepare.parent import Prepared
from player.media.prepare.pictures import FILE_MODE
from player.store import write_synced

MAX_PAGES = 200  # each is drawn and written by itself: they cost disk and time, not memory
_SHARE = 0.7  # of the time that there is: what is drawn until then is shown, the rest is told


def prepare(source: Path, name: str, folder: Path, panel: tuple[int, int], digest: str, within_s: float) -> Prepared:
    """The pages as `folder/<sha256>-page-<n>-<w>x<h>.png`, with their forms filled in, as many as can be drawn `within_s`.

    Where that is not all of them, `shortened` says so. Raises ContentError.
    """
    until = time.monotonic() + within_s * _SHARE
    try:
        document = pypdfium2.PdfDocument(source)
        try:
            document.init_forms()
            pages = _rendered(document, name, folder, panel, digest, until)
            count = len(document)
        finally:
            document.close()
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise ContentError(
                "unsupported", name, "the document is locked with a password; save it without", transient=False
            ) from error
        raise ContentError("damaged", name, f"the document cannot be read ({error}); export it again", transient=False) from error
    (first, width, height), paths = pages[0], tuple(path for path, _, _ in pages)
    kept = "" if len(pages) == count else f"it has {count} pages, and only the first {len(pages)} can be shown; split it"
    return Prepared(first, width, height, None, digest, "pdf", pages=paths, shortened=kept)


def _rendered(
    document: pypdfium2.PdfDocument, name: str, folder: Path, panel: tuple[int, int], digest: str, until: float
) -> list[tuple[Path, int, int]]:
    count = len(document)
    if count == 0:
        raise ContentError("empty", name, "the document has no pages", transient=False)
    pages: list[tuple[Path, int, int]] = []
    for index in range(min(count, MAX_PAGES)):
        pages.append(_page(document[index], folder / f"{digest}-page-{index + 1}", panel))
        if time.monotonic() > until:
            break
    return pages


def _page(page: pypdfium2.PdfPage, stem: Path, panel: tuple[int, int]) -> tuple[Path, int, int]:
    """One page on white, as large as it fits the panel, however that hangs."""
    width, height = (max(side, 1.0) for side in page.get_size())
    box = max((panel, panel[::-1]), key=lambda box: min(box[0] / width, box[1] / height))
    picture = page.render(scale=min(box[0] / width, box[1] / height)).to_pil().convert("RGB")
    picture.thumbnail(box)  # rendering rounds up: a pixel too many would be scaled by every player of it
    page.close()
    out = io.BytesIO()
    picture.save(out, "PNG")
    path = stem.with_name(f"{stem.name}-{picture.width}x{picture.height}.png")
    write_synced(path, out.getvalue(), FILE_MODE)
    return path, picture.width, picture.height
