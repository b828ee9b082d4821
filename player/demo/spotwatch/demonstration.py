"""`demo --spotwatch`: broadcasts beside whatever server, and what the café answers to them with."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from PIL import Image, ImageDraw

from player.demo.artwork import APRICOT, CORAL, CREAM, ESPRESSO, NIGHT, RUST, TEAL, Size, font, gradient, logo, mix, spaced, write
from player.demo.spotwatch.server import DEMO_KEY, SpotwatchServer

FULL_HD = (1920, 1080)
COFFEE, RIDE = "coffee-on-television.png", "any-wheels.png"
RULES = f"""
[[trigger]]
name = "coffee on television"
category = ["coffee"]
show = "file:{COFFEE}"
seconds = 8.0
priority = 5
cooldown_s = 20.0

[[trigger]]
name = "anything with wheels"
category = ["mobility"]
region = ["at", "de"]
show = "file:{RIDE}"
seconds = 6.0
cooldown_s = 60.0
"""


class SpotwatchDemonstration:
    """A Spotwatch server whose day runs `speed` times as fast, and the pictures that its broadcasts bring on screen."""

    def __init__(self, folder: Path, speed: float) -> None:
        self._folder = folder
        self._server = SpotwatchServer(speed=speed)

    @property
    def welcome(self) -> str:
        """What there is to be seen."""
        return f"{self._server.url}   coffee on its television brings the café's answer on screen"

    @property
    def rules(self) -> str:
        """The [[trigger]] tables of a player's configuration."""
        return RULES

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes a player listen to it: variables of its configuration."""
        return {
            "SIGNAGE__SPOTWATCH__URL": self._server.url,
            "SIGNAGE__SPOTWATCH__KEY": DEMO_KEY,
            "SIGNAGE__SPOTWATCH__FOLDER": str(self._folder.absolute()),
        }

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._fill)
        await self._server.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._server.__aexit__(kind, error, trace)

    def _fill(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, draw in ((COFFEE, coffee_answer), (RIDE, wheels_answer)):
            path = self._folder / name
            if not path.exists():
                draw(FULL_HD).save(path, compress_level=4)
                path.chmod(0o644)


def coffee_answer(size: Size) -> Image.Image:
    """What the café says when coffee is on television."""
    unit = size[1] / 1080
    picture = gradient(size, ((0, mix(RUST, NIGHT, 0.25)), (1, ESPRESSO)))
    _screen(picture, (1240 * unit, 300 * unit), unit)
    spaced(picture, (146 * unit, 300 * unit), "AS SEEN ON TELEVISION", 30 * unit, APRICOT)
    for line, text in enumerate(("Ours does not", "come in a box.")):
        write(picture, (140 * unit, (450 + 140 * line) * unit), text, "SerifDisplay-Bold", 124 * unit, CREAM)
    write(picture, (146 * unit, 700 * unit), "The next espresso is on its way: 2.40.", "Sans-Regular", 44 * unit, CREAM)
    logo(picture, (146 * unit, 990 * unit), unit, CREAM)
    return picture


def wheels_answer(size: Size) -> Image.Image:
    """What it says when somebody advertises bicycles."""
    unit = size[1] / 1080
    picture = gradient(size, ((0, TEAL), (1, NIGHT)))
    pen = ImageDraw.Draw(picture)
    for x in (1260, 1640):
        pen.ellipse(((x - 170) * unit, 480 * unit, (x + 170) * unit, 820 * unit), outline=CORAL, width=max(2, round(18 * unit)))
    frame = [(1260, 650), (1380, 430), (1590, 430), (1450, 650), (1260, 650), (1450, 650), (1380, 430), (1590, 430), (1640, 650)]
    pen.line([(x * unit, y * unit) for x, y in frame], fill=CREAM, width=max(2, round(14 * unit)), joint="curve")
    spaced(picture, (146 * unit, 300 * unit), "CAME BY BICYCLE?", 30 * unit, APRICOT)
    for line, text in enumerate(("Your second cup", "is on us.")):
        write(picture, (140 * unit, (450 + 140 * line) * unit), text, "SerifDisplay-Bold", 112 * unit, CREAM)
    logo(picture, (146 * unit, 990 * unit), unit, CREAM)
    return picture


def _screen(picture: Image.Image, at: tuple[float, float], unit: float) -> None:
    """A television."""
    pen, (x, y) = ImageDraw.Draw(picture), at
    pen.rounded_rectangle((x, y, x + 520 * unit, y + 360 * unit), 40 * unit, fill=CREAM)
    pen.rounded_rectangle((x + 30 * unit, y + 30 * unit, x + 400 * unit, y + 330 * unit), 28 * unit, fill=TEAL)
    for knob in (90, 180):
        pen.ellipse((x + 435 * unit, y + knob * unit, x + 485 * unit, y + (knob + 50) * unit), fill=CORAL)
    for lean in (-110, 110):
        pen.line((x + 260 * unit, y, x + (260 + lean) * unit, y - 130 * unit), fill=CREAM, width=max(2, round(10 * unit)))
    pen.text((x + 215 * unit, y + 180 * unit), "coffee!", font=font("SerifDisplay-Bold", 84 * unit), fill=APRICOT, anchor="mm")
