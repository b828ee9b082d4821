"""Rules that wait for names which their source has never told of, such as misspelt ones (pure).

Of what a source told no list nothing is said: a rule is at fault only where the list is there and nothing in it fits.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from player.core.triggers import TriggerRule, fits


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that a source has ever told of; () where it told no list."""

    brands: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


def never_told(rules: Iterable[TriggerRule], told: Vocabulary) -> Iterator[str]:
    """A sentence for each name in a rule that fits nothing of its list."""
    for rule in rules:
        for what, wanted, known in (("brand", rule.brand, told.brands), ("channel", rule.channel, told.channels)):
            for name in wanted if known else ():
                if not any(fits(name, one) for one in known):
                    said = f'the trigger {rule.name} waits for the {what} "{name}", which its source has never told of'
                    yield said + _near(name, known)


def _near(name: str, known: Iterable[str]) -> str:
    names = {one.casefold(): one for one in known}
    found = difflib.get_close_matches(name.casefold(), names, 1)
    return f'; the nearest is "{names[found[0]]}"' if found else ""
