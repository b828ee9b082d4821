"""A day of television that never was: channels, their breaks, and what is advertised in them; the same day at every start. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DAY_S = 86_400.0
CHANNELS: Mapping[str, Sequence[str]] = {
    "at": ("alpenkanal", "donau acht"),
    "ch": ("seeblick",),
    "de": ("studio nord", "vierteltakt", "platz eins sport"),
}
_PROGRAMS = (
    ("guten morgen, nachbar", "magazin", "fruehstueck"),
    ("die backstube am eck", "serien", "daily soap"),
    ("kommissarin lenz", "serien", "krimiserie"),
    ("neun minuten noch", "sport", "fussball"),
    ("unter der tiefsee", "report", "dokumentation"),
    ("haus mit garten", "report", "ratgeber"),
    ("wetten, dass es regnet", "show", "quiz"),
)
_BRANDS: Mapping[str, tuple[str, Sequence[str]]] = {
    "arabesk": ("coffee", ("ganze bohne", "kapsel, kompostierbar", "cold brew")),
    "hochland roester": ("coffee", ("espresso nero", "probierpaket")),
    "nordwind mobil": ("telecommunication", ("allnet flat", "glasfaser")),
    "kettenwerk": ("mobility", ("e-bike im abo", "lastenrad")),
    "brotzeit & söhne": ("food", ("vollkornbrot", "laugenecken")),
    "milde wiese": ("food", ("joghurt natur", "butter aus heumilch")),
    "polarlicht": ("electronics", ("fernseher 65 zoll", "kopfhörer")),
    "zwirn": ("fashion", ("wintermantel", "wollsocken")),
    "ferne inseln": ("travel", ("faehre und huette", "last minute")),
    "sternwarte versicherung": ("insurance", ("hausrat", "zahnzusatz")),
    "palette": ("home", ("wandfarbe", "regal ohne schrauben")),
    "quellgrund": ("beverages", ("mineralwasser", "apfelschorle")),
}
_FIRST_AD, _FIRST_BLOCK, _FIRST_SHOWING = 3_893_000_000_000_001, 1259, 39_840
_LENGTHS = (10, 15, 20, 20, 30)
_BREAK_S = (1100, 1900)  # between the beginnings of two breaks of a channel


@dataclass(frozen=True, slots=True)
class DayAd:
    """An advertisement. `duration` in seconds."""

    id: int
    brand: str
    description: str
    category: str
    duration: int
    self_promo: bool = False


@dataclass(frozen=True, slots=True)
class DayBlock:
    """A break: `begins` and `ends` are seconds into the day; `ads` are shown one after the other."""

    id: int
    region: str
    channel: str
    program: str
    genre: str
    subgenre: str
    begins: float
    ads: tuple[DayAd, ...]

    @property
    def ends(self) -> float:
        """When the last of it is over."""
        return self.begins + sum(ad.duration for ad in self.ads)


@dataclass(frozen=True, slots=True)
class DayShowing:
    """One showing of an advertisement, `begins` seconds into the day."""

    id: int
    block: DayBlock
    index: int
    begins: float

    @property
    def ad(self) -> DayAd:
        """What is shown."""
        return self.block.ads[self.index]


def advertisements() -> tuple[DayAd, ...]:
    """All of them; a broadcaster's own last."""
    dice = random.Random(3)  # noqa: S311 - the same day each time
    made = [(brand, about, category) for brand, (category, abouts) in _BRANDS.items() for about in abouts]
    own = [(channel, "gleich weiter", "tv") for channels in CHANNELS.values() for channel in channels]
    return tuple(
        DayAd(_FIRST_AD + 7 * n, brand, about, category, dice.choice(_LENGTHS), category == "tv")
        for n, (brand, about, category) in enumerate([*made, *own])
    )


def showings() -> tuple[DayShowing, ...]:
    """Everything of the day, in the order in which it begins."""
    dice, ads = random.Random(11), advertisements()  # noqa: S311 - the same day each time
    blocks = []
    for region, channels in CHANNELS.items():
        for channel in channels:
            own = [ad for ad in ads if ad.self_promo and ad.brand == channel]
            at = dice.uniform(0, _BREAK_S[1])
            while at < DAY_S - 600:
                sold = dice.sample([ad for ad in ads if not ad.self_promo], dice.randrange(4, 8))
                block = DayBlock(0, region, channel, *dice.choice(_PROGRAMS), at, (*sold, *own))
                blocks.append(block)
                at += dice.uniform(*_BREAK_S)
    found = []
    for number, block in enumerate(sorted(blocks, key=lambda one: one.begins), _FIRST_BLOCK):
        whole = DayBlock(number, block.region, block.channel, block.program, block.genre, block.subgenre, block.begins, block.ads)
        at = whole.begins
        for index, ad in enumerate(whole.ads):
            found.append((at, whole, index))
            at += ad.duration
    ordered = sorted(found, key=lambda one: (one[0], one[1].id))
    return tuple(DayShowing(_FIRST_SHOWING + n, block, index, at) for n, (at, block, index) in enumerate(ordered))
