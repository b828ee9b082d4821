"""The player's colours and the two weights of its type; and which ink can be read on which colour. Pure."""

from __future__ import annotations

import re

Colour = tuple[int, int, int]

NIGHT: Colour = (9, 24, 42)
DUSK: Colour = (18, 58, 84)
GLOW: Colour = (38, 168, 160)
ACCENT: Colour = (64, 214, 190)
WARM: Colour = (255, 184, 84)
WHITE: Colour = (246, 250, 252)
MUTED: Colour = (160, 185, 202)
INK: Colour = (10, 22, 36)

REGULAR, BOLD, CODE = "Regular", "Bold", "Code"


def parsed(text: str | None) -> Colour | None:
    """The colour of "#rrggbb" or "#rgb"; None for anything else."""
    if not text or not re.fullmatch(r"#(?:[0-9a-fA-F]{3}){1,2}", text.strip()):
        return None
    digits = text.strip()[1:]
    full = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    return int(full[:2], 16), int(full[2:4], 16), int(full[4:], 16)


def ink_on(colour: Colour) -> Colour:
    """The text colour that reads better on `colour` (WCAG relative luminance)."""
    return INK if _luminance(colour) > 0.32 else WHITE


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """`one` with `share` (0 to 1) of `other`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _luminance(colour: Colour) -> float:
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
