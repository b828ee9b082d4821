"""Which font draws which character: the Noto families of the distribution, found by path, with a fallback for every script.

A character's Unicode name begins with its script, and a Noto file is named by its script: that is the whole table. Where a file is
missing the next candidate is tried, down to the font that Pillow itself carries, so that a bare system still draws letters.
"""

from __future__ import annotations

import functools
import unicodedata
from pathlib import Path

from PIL import ImageFont

from player.stage.drawing.palette import BOLD, CODE, REGULAR

FOLDERS = (
    Path("/usr/share/fonts/truetype/noto"),
    Path("/usr/share/fonts/opentype/noto"),
    Path("/usr/share/fonts/truetype/dejavu"),
    Path("/usr/share/fonts/noto"),
    Path("/usr/share/fonts/noto-cjk"),
)
# The codes of pairing: this face tells O from 0 and I from 1 and l at five metres.
_CODE_FACES = ("DejaVuSansMono-Bold.ttf", "NotoSansMono-Bold.ttf", "NotoSans-Bold.ttf")
_EVERYWHERE = ("NotoSans", "NotoSansSymbols", "NotoSansSymbols2", "NotoSansMath", "NotoSansCJK", "NotoSerif", "DejaVuSans")
_FAMILY = {
    "CANADIAN": "NotoSansCanadianAboriginal",
    "CJK": "NotoSansCJK",
    "HANGUL": "NotoSansCJK",
    "HIRAGANA": "NotoSansCJK",
    "KATAKANA": "NotoSansCJK",
    "BOPOMOFO": "NotoSansCJK",
    "IDEOGRAPHIC": "NotoSansCJK",
    "FULLWIDTH": "NotoSansCJK",
    "HALFWIDTH": "NotoSansCJK",
    "TIBETAN": "NotoSerifTibetan",
    "NKO": "NotoSansNKo",
    "OL": "NotoSansOlChiki",
    "TAI": "NotoSansTaiTham",
    "MEETEI": "NotoSansMeeteiMayek",
    "NEW": "NotoSansNewTaiLue",
    "SYLOTI": "NotoSansSylotiNagri",
}
# Pictures in colour. They come at one size alone and are made smaller or larger as they are drawn.
EMOJI, EMOJI_SIZE = "NotoColorEmoji.ttf", 109
_FIRST_EMOJI = "\U0001f000"  # from here on they are looked for in colour first
JAPANESE, KOREAN, CHINESE = 0, 1, 2  # faces of the NotoSansCJK collection
_ABSENT = "\uffff"  # never a character: every font answers with its "missing" box

Font = ImageFont.FreeTypeFont
Face = tuple[str, int]


def cjk_face(text: str) -> int:
    """Han characters look different by country: kana say Japanese, hangul Korean, neither Chinese."""
    for char in text:
        if "\u3040" <= char <= "\u30ff":
            return JAPANESE
        if "\uac00" <= char <= "\ud7a3":
            return KOREAN
    return CHINESE


@functools.lru_cache(maxsize=4096)
def face_for(char: str, weight: str, cjk: int) -> Face | None:
    """The first font that has `char`, its own script's before the general ones; None where no font has it."""
    for face in _candidates(char, weight, cjk):
        if has_glyph(face, char):
            return face
    return None


@functools.lru_cache(maxsize=8192)
def has_glyph(face: Face, char: str) -> bool:
    """Whether the font draws something of its own for `char`."""
    drawn, missing = _mask(face, char), _mask(face, _ABSENT)
    return drawn != missing


@functools.lru_cache(maxsize=256)
def font(face: Face | None, size: int) -> Font:
    """The font at `size` pixels an em, that of emoji always at its own; None gives Pillow's own."""
    if face is None:
        own = ImageFont.load_default(size)
        assert isinstance(own, ImageFont.FreeTypeFont), "Pillow was built without FreeType"  # noqa: S101 - states a build fact
        return own
    return ImageFont.truetype(face[0], EMOJI_SIZE if is_emoji(face) else size, index=face[1])


def scale(face: Face | None, size: int) -> float:
    """By how much what `font` measures and draws is to be made larger for `size`."""
    return size / EMOJI_SIZE if is_emoji(face) else 1.0


def is_emoji(face: Face | None) -> bool:
    """Whether the face draws pictures in colour."""
    return face is not None and face[0].endswith(EMOJI)


@functools.cache
def emoji() -> Face | None:
    """The face of emoji; None where it is not installed."""
    return _find(EMOJI, 0)


@functools.cache
def primary(weight: str) -> Face | None:
    """The face of everything ordinary, or of codes; None where no font is installed at all."""
    names = _CODE_FACES if weight == CODE else (f"NotoSans-{weight}.ttf", f"DejaVuSans{'-Bold' if weight == BOLD else ''}.ttf")
    return next((face for name in names if (face := _find(name, 0))), None)


def _mask(face: Face, char: str) -> bytes:
    mask = font(face, 24).getmask(char)
    return bytes(mask) + repr(mask.size).encode()


def _candidates(char: str, weight: str, cjk: int) -> list[Face]:
    script = unicodedata.name(char, "").partition(" ")[0].partition("-")[0]
    families = [_FAMILY.get(script, f"NotoSans{script.capitalize()}"), *_EVERYWHERE]
    found = [primary(weight)]
    for family in families:
        index = cjk if family == "NotoSansCJK" else 0
        stems = (f"{family}-{BOLD if weight == CODE else weight}", f"{family}-{REGULAR}", family)
        names = (stem + suffix for stem in stems for suffix in (".ttf", ".ttc", ".otf"))
        found.append(next((face for name in names if (face := _find(name, index))), None))
    found.insert(0 if char >= _FIRST_EMOJI else len(found), emoji())
    return [face for face in found if face]


@functools.cache
def _find(name: str, index: int) -> Face | None:
    for folder in FOLDERS:
        if (folder / name).is_file():
            return str(folder / name), index
    return None
