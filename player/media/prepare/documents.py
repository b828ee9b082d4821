"""PDF documents: each page becomes a PNG that fits the panel (in the child only)."""

from __future__ import annotations

import io
from pathlib import Path

import pypdfium2

from player.errors import ContentError
from player.media.prepare.parent import Prepared
from player.media.prepare.pictures import FILE_MODE
from player.store import write_atomically

MAX_PAGES = 50


def prepare(source: Path, name: str, folder: Path, panel: tuple[int, int], digest: str) -> Prepared:
    """The pages as `folder/<sha256>-page-<n>-<w>x<h>.png`. Raises ContentError."""
    try:
        document = pypdfium2.PdfDocument(source)
        try:
            pages = _rendered(document, name, folder, panel, digest)
        finally:
            document.close()
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise ContentError(
                "unsupported", name, "the document is locked with a password; save it without", transient=False
            ) from error
        raise ContentError("damaged", name, f"the document cannot be read ({error}); export it again", transient=False) from error
    (first, width, height), paths = pages[0], tuple(path for path, _, _ in pages)
    return Prepared(first, width, height, None, digest, "pdf", pages=paths)


def _rendered(
    document: pypdfium2.PdfDocument, name: str, folder: Path, panel: tuple[int, int], digest: str
) -> list[tuple[Path, int, int]]:
    count = len(document)
    if count == 0:
        raise ContentError("empty", name, "the document has no pages", transient=False)
    if count > MAX_PAGES:
        raise ContentError("too_large", name, f"it has {count} pages; up to {MAX_PAGES} are shown. Split it", transient=False)
    return [_page(document[index], folder / f"{digest}-page-{index + 1}", panel) for index in range(count)]


def _page(page: pypdfium2.PdfPage, stem: Path, panel: tuple[int, int]) -> tuple[Path, int, int]:
    """One page on white, as large as it fits the panel."""
    width, height = page.get_size()
    scale = min(panel[0] / max(width, 1), panel[1] / max(height, 1))
    picture = page.render(scale=scale).to_pil().convert("RGB")
    picture.thumbnail(panel)  # rendering rounds up: a pixel too many would be scaled by every player of it
    page.close()
    out = io.BytesIO()
    picture.save(out, "PNG")
    path = stem.with_name(f"{stem.name}-{picture.width}x{picture.height}.png")
    write_atomically(path, out.getvalue(), FILE_MODE)
    return path, picture.width, picture.height
