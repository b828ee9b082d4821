"""What a region shows while something is only heard in it: its background, and in the middle the cover that the sound brought."""

from __future__ import annotations

import logging
from pathlib import Path

from PIL import Image, ImageOps

from player.core.content import Fit
from player.core.ports.screen import Playable
from player.stage.drawing.palette import parsed
from player.stage.wayland.window import SharedPicture

log = logging.getLogger(__name__)


def draw_cover(playable: Playable) -> SharedPicture:
    """The region's picture at the item's size. A cover that cannot be read any more costs itself."""
    sheet = Image.new("RGB", playable.size, parsed(playable.background) or (0, 0, 0))
    if playable.cover:
        try:
            with Image.open(Path(playable.cover)) as found:
                picture = _fitted(found.convert("RGBA"), playable.size, playable.fit)
        except (OSError, ValueError, SyntaxError) as error:
            log.warning("the cover of %s cannot be drawn: %s", playable.item, error)
        else:
            sheet.paste(picture, ((sheet.width - picture.width) // 2, (sheet.height - picture.height) // 2), picture)
    return SharedPicture(*playable.size, sheet.tobytes("raw", "BGRX"))


def _fitted(picture: Image.Image, size: tuple[int, int], fit: str) -> Image.Image:
    match fit:
        case Fit.STRETCH:
            return picture.resize(size)
        case Fit.COVER:
            return ImageOps.fit(picture, size)
        case _:
            return ImageOps.contain(picture, size)
