"""libmpv's errors (client.h) in words."""

from __future__ import annotations


def error_words(number: int) -> str:
    """For an operator, what error `number` of libmpv's means for an item."""
    return {
        -13: "it cannot be loaded",
        -14: "no sound device can be opened",
        -15: "no video output can be opened",
        -16: "it holds neither picture nor sound",
        -17: "its format is not recognised",
    }.get(number, f"the player gave up on it (error {number})")
