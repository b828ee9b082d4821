"""A still picture over the whole screen, drawn by nothing but Pillow: what safe mode shows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from player.stage.cards.frame import Size
from player.stage.drawing.palette import NIGHT

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)


def still_card(size: Size, paths: Sequence[Path]) -> Image | None:
    """The first of the pictures that can be read, all of it, as large as it fits; None where there is none."""
    from PIL import Image, ImageOps

    for path in paths:
        try:
            with Image.open(path) as opened:
                opened.draft("RGB", size)
                picture = ImageOps.contain(ImageOps.exif_transpose(opened).convert("RGBA"), size)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            log.debug("%s is no still picture: %s", path, error)
            continue
        card = Image.new("RGB", size, NIGHT)
        card.paste(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2), picture)
        return card
    return None
