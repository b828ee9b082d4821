"""Where a stage goes on that came back after another: with the item that was on screen, where it was. Pure.

A stage that was killed, hung or lost its compositor is followed by one that goes on as if nothing had been. One that crashed goes
on after what was on screen, which may be to blame. And one that was ended by an assertion, as the sound card's library does, while
something could be heard goes on without sound, this once, and blames nothing: the file is rarely at fault.

A film has to be decoded from the key frame before the place where it goes on, which may lie seconds back and then takes longer than
all the rest of a start: so the largest one has a head start.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from player.core.cues import Resumed
from player.core.kinds import Kind
from player.core.ports.screen import Playable

REST_S = 1.0  # what has less left is over


class Death(StrEnum):
    """How the stage before this one ended."""

    KILLED = "killed"  # from outside, or with its compositor, or in order
    CRASHED = "crashed"
    ABORTED = "aborted"  # by an assertion in a library


@dataclass(frozen=True, slots=True)
class Film:
    """A video as it was opened: the absolute path of its file, and the size of its window in pixels."""

    target: str
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class LeftOff:
    """Where a region was: the id of its item, for how long it had been seen and was to be (0: without an end), if it was heard;
    `film` where it was one."""

    item: str
    position_s: float
    planned_s: float
    heard: bool
    film: Film | None = None


@dataclass(frozen=True, slots=True)
class HeadStart:
    """What is worth to be opened before anything else is asked or read: a film, from `begin_s` on."""

    film: Film
    begin_s: float


def sound_is_suspect(places: Iterable[LeftOff], death: Death) -> bool:
    """Whether its sound, and no item, is what ended the stage."""
    return death is Death.ABORTED and any(place.heard for place in places)


def resumed(place: LeftOff, death: Death, *, suspect: bool) -> Resumed:
    """How the region goes on; `suspect`: see `sound_is_suspect`."""
    blamed = death is not Death.KILLED and not suspect
    over = blamed or (place.planned_s > 0 and place.position_s > place.planned_s - REST_S)
    return Resumed(place.item, 0.0 if over else max(0.0, place.position_s), over=over, silent=suspect and place.heard)


def film_of(playable: Playable | None) -> Film | None:
    """What is on screen by `playable`, where that is a film."""
    return Film(playable.target, playable.size) if playable and playable.item.kind is Kind.VIDEO else None


def head_start(places: Iterable[LeftOff], death: Death) -> HeadStart | None:
    """The largest film that goes on where it was; None where none does, or the last stage was not killed: it may have been a film's
    fault."""
    if death is not Death.KILLED:
        return None
    going_on = [(place, how) for place in places if not (how := resumed(place, death, suspect=False)).over]
    films = [HeadStart(place.film, how.position_s) for place, how in going_on if place.film]
    return max(films, key=lambda one: one.film.size[0] * one.film.size[1], default=None)
