"""What is shown: items, playlists, regions, layouts, the programme that says which layout is on when, and the manifest that holds
it with its files.

Frozen values only. A *programme* is what a server wants, a *manifest* the part of it that is here: with `core.brief` the one
snapshot that crosses from the agent to the stage, its field names are its JSON. Lengths end in `_s` (seconds); rectangles are in
layout units; `file` is a path below the cache folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from player.core.applets import AppletRun
from player.core.faults import Fault
from player.core.kinds import Kind
from player.core.schedule import Rule


class Fit(StrEnum):
    """How a picture fills its region."""

    CONTAIN = "contain"
    COVER = "cover"
    STRETCH = "stretch"


class TransitionKind(StrEnum):
    """How one item gives way to the next."""

    CUT = "cut"
    FADE = "fade"  # through the background
    CROSSFADE = "crossfade"
    SLIDE_LEFT = "slide_left"
    SLIDE_RIGHT = "slide_right"
    SLIDE_UP = "slide_up"
    SLIDE_DOWN = "slide_down"
    WIPE = "wipe"


class Orientation(StrEnum):
    """How the panel hangs; clockwise turns of the picture."""

    LANDSCAPE = "landscape"
    PORTRAIT = "portrait"
    LANDSCAPE_FLIPPED = "landscape_flipped"
    PORTRAIT_FLIPPED = "portrait_flipped"

    @property
    def degrees(self) -> int:
        """Clockwise: 0, 90, 180 or 270."""
        return {"landscape": 0, "portrait": 90, "landscape_flipped": 180, "portrait_flipped": 270}[self.value]


@dataclass(frozen=True, slots=True)
class Transition:
    """`duration_s` 0 to 5; a cut takes none."""

    kind: TransitionKind = TransitionKind.CUT
    duration_s: float = 0.0


CUT = Transition()


@dataclass(frozen=True, slots=True)
class Rect:
    """Left, top, width, height: layout units in a layout, pixels on the screen."""

    x: int
    y: int
    width: int
    height: int

    @property
    def has_area(self) -> bool:
        """Whether there is anything in it to be seen."""
        return self.width > 0 and self.height > 0


@dataclass(frozen=True, slots=True)
class WebOptions:
    """How a page is opened."""

    zoom: float = 1.0
    scroll_y: int = 0
    reload_s: float = 0.0
    user_agent: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a playlist, ready to be shown.

    `file`: path below the cache folder (video, audio, image, package), or None. `url`: for web, livestream and youtube.
    `duration_s`: how long it stays; 0 means a video's or a sound's natural length, or a stream until the schedule moves on. `asset`
    is the SHA-256 of the bytes as downloaded, `file_hash` what the server called them (for the proof of play).
    """

    id: str
    content_id: str
    name: str
    kind: Kind
    duration_s: float
    file: str | None = None
    url: str | None = None
    asset: str | None = None
    file_hash: str | None = None
    transition: Transition | None = None
    fit: Fit | None = None
    volume: int | None = None
    weight: int = 1
    web: WebOptions = field(default_factory=WebOptions)
    schedule_id: str | None = None
    campaign_id: str | None = None
    text: str | None = None  # of a ticker; the format (strftime) of a clock
    speed: float | None = None  # of a ticker: widths of its region a second
    numbers: tuple[str, ...] = ()  # which ids its server writes as numbers, by their names in a proof of play: so they go back
    cover: str | None = None  # of a sound: the picture that it brought with it, as `file`
    applet: AppletRun | None = None  # of a page that is one: what it is told
    server: str | None = None  # whose it is (`ports.server.Device.key`): its plays go there alone; None: before that was written

    @property
    def room(self) -> str:
        """Whose alone what its pages keep is: the content's, in however many places it stands; "" for what keeps nothing.

        An applet's is another one each time that it was thrown away.
        """
        cleared = f" {self.applet.cleared}" if self.applet is not None else ""
        return f"{self.server or ''} {self.content_id}{cleared}" if self.kind.keeps else ""

    def __str__(self) -> str:
        return f"{self.name!r} ({self.kind} {self.content_id})"


@dataclass(frozen=True, slots=True)
class Playlist:
    """Items in the order they are played, round after round if it `repeats`; `shuffle` orders each round anew, from a seed."""

    id: str
    name: str
    items: tuple[Item, ...] = ()
    transition: Transition = CUT
    shuffle: bool = False
    repeats: bool = True


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle with its own playlist; one without an area is only heard.

    `z` orders overlapping regions, higher in front; `background` is #rrggbb.
    """

    id: str
    rect: Rect
    playlist: Playlist
    z: int = 0
    fit: Fit = Fit.CONTAIN
    background: str = "#000000"
    audible: bool = True
    volume: int = 100
    output: int = 0  # which panel, in the compositor's order


@dataclass(frozen=True, slots=True)
class Layout:
    """Regions over the whole screen, in units of `width` x `height` that are scaled to the panel."""

    id: str
    width: int
    height: int
    regions: tuple[Region, ...] = ()
    background: str = "#000000"


FULL_SCREEN = Rect(0, 0, 1920, 1080)


def full_screen(playlist: Playlist) -> Layout:
    """One region over the whole screen: what a plain playlist means."""
    return Layout("full", FULL_SCREEN.width, FULL_SCREEN.height, (Region("main", FULL_SCREEN, playlist),))


@dataclass(frozen=True, slots=True)
class StandBy:
    """What the trigger of that name may put on at once: `items`, once, over the region `zone` on air (None: the largest).

    They stay `seconds` at most (0: as long as they take), and give way to a trigger of a higher `priority`. `playlist`: the id of
    the playlist that they are from.
    """

    trigger: str
    items: tuple[Item, ...]
    zone: str | None = None
    seconds: float = 0.0
    priority: int = 0
    playlist: str = ""


@dataclass(frozen=True, slots=True)
class WantedAsset:
    """A file that a programme needs: where it is, what it is called, how large (None: unknown) and what it must hash to."""

    content_id: str
    name: str
    kind: str
    url: str
    file_hash: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Programme:
    """What the server wants on air: layouts whose items name content ids, which of them when, and the assets behind them.

    Of the layouts that `rules` put on air the best ranked is; where no rule does, the layout `default`; where there is none either,
    nothing. Items of kinds with a file have `file=None` here; sync fills it in. `delete` are content ids that may go when free.
    """

    layouts: tuple[Layout, ...]
    rules: tuple[Rule, ...] = ()
    default: str | None = None
    stand_by: tuple[StandBy, ...] = ()
    assets: tuple[WantedAsset, ...] = ()
    delete: tuple[str, ...] = ()
    watermark: bool = False
    faults: tuple[Fault, ...] = ()

    @property
    def items(self) -> tuple[Item, ...]:
        """Every item of every layout, and what stands by."""
        return items_of(self)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything the stage needs, complete and verified: each `file` was on disk with the right hash when this was written.

    What is on air when is said as in `Programme`.
    """

    version: str
    layouts: tuple[Layout, ...]
    rules: tuple[Rule, ...] = ()
    default: str | None = None
    stand_by: tuple[StandBy, ...] = ()
    watermark: bool = False
    assets: int = 0  # distinct files behind the items

    @property
    def items(self) -> tuple[Item, ...]:
        """Every item of every layout, and what stands by."""
        return items_of(self)


def items_of(source: Programme | Manifest) -> tuple[Item, ...]:
    """Every item of every layout in playing order, and what stands by."""
    shown = (item for layout in source.layouts for region in layout.regions for item in region.playlist.items)
    return (*shown, *(item for stand_by in source.stand_by for item in stand_by.items))


def always(layout: Layout) -> tuple[Rule, ...]:
    """The one rule of a programme that does not change with time."""
    return (Rule("always", layout=layout.id),)
