"""Six regions at once: two with clips, two with pictures, a page, a ticker; frames lost in steady play, read off the screen."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from player.core.content import CUT, Fit, Item, Layout, Playlist, Rect, Region
from player.core.kinds import Kind
from scripts.benches import content
from scripts.benches.capture import Spec, Strip
from scripts.benches.content import Clip, Coded
from scripts.benches.figures import Figure, Required
from scripts.benches.rig import MPV, Recording, Rig, first_shown
from scripts.benches.seams import Made, lost_within, showings

WIDTH, HEIGHT, COLUMNS = 1280, 720, 3
LIKE = Clip("h264", 640, 360, 30, seconds=10)
PICTURE_S = 5.0
CLIP_REGIONS = (0, 1)
TICKER = Item("ticker", "ticker", "ticker", Kind.TICKER, 0.0, text="Today until six: everything on this shelf at half its price.")
_EDGES = [WIDTH * column // COLUMNS for column in range(COLUMNS + 1)]


def regions(folder: Path, seconds: float) -> list[Figure]:
    """Nothing lost; mpv's two windows with the same clips beside it."""
    clips = [content.clip(folder, number, LIKE) for number in range(4)]
    stills = [content.picture(folder, 6, "png"), content.picture(folder, 7, "jpg")]
    made = content.known([*clips, *stills])
    lists: list[Sequence[Coded]] = [clips[0:2], clips[2:4], stills, stills[::-1], [content.page(folder, 6)]]
    with content.served(folder) as url:
        ours, frames = _ours(lists, made, seconds, url)
    rival = _rival(lists[:2], made, seconds)
    return [
        Figure("regions", f"frames lost in {seconds:.0f} s", ours, "frames", rival, "two mpv", Required(0)),
        Figure("regions", "frames of clips watched", frames),
    ]


def _ours(lists: Sequence[Sequence[Coded]], made: Mapping[int, Made], seconds: float, url: str) -> tuple[int, int]:
    """Frames lost, and all that were due."""
    with Rig((WIDTH, HEIGHT)) as rig:
        shown = []
        for place, coded in enumerate(lists):
            items = tuple(rig.item(item, 10 * place + number, PICTURE_S, url) for number, item in enumerate(coded))
            shown.append(Region(f"r{place}", _cell(place), Playlist(f"p{place}", f"p{place}", items, CUT), fit=Fit.STRETCH))
        shown.append(Region("r5", _cell(5), Playlist("p5", "p5", (TICKER,), CUT)))
        rig.publish((), layout=Layout("six", WIDTH, HEIGHT, tuple(shown)))
        rig.compositor()
        with rig.recording(_along_the_top()) as recording:
            began = time.monotonic()
            rig.player("stage")
            first_shown(recording, began)
            time.sleep(seconds + 3)
            return _lost(recording, CLIP_REGIONS, made)


def _rival(lists: Sequence[Sequence[Coded]], made: Mapping[int, Made], seconds: float) -> int:
    """The frames that as many mpv lost side by side."""
    spec = Spec(
        (0, HEIGHT // 30, WIDTH, 1), tuple(Strip(n * WIDTH // len(lists), 0, WIDTH // len(lists)) for n in range(len(lists)))
    )
    with Rig((WIDTH, HEIGHT)) as rig, ExitStack() as stack:
        rig.compositor()
        recording = stack.enter_context(rig.recording(spec))
        for place, coded in enumerate(lists):
            files = [str(item.path) for item in coded]
            stack.enter_context(rig.rival(f"mpv-{place}", [*MPV, "--no-keepaspect", "--loop-playlist=inf", *files]))
        time.sleep(seconds + 3)
        return _lost(recording, range(len(lists)), made)[0]


def _cell(place: int) -> Rect:
    column, row = place % COLUMNS, place // COLUMNS
    return Rect(_EDGES[column], row * HEIGHT // 2, _EDGES[column + 1] - _EDGES[column], HEIGHT // 2)


def _along_the_top() -> Spec:
    """The upper strips of the clips, which lie in the upper row."""
    return Spec((0, HEIGHT // 60, WIDTH, 1), tuple(Strip(_cell(place).x, 0, _cell(place).width) for place in CLIP_REGIONS))


def _lost(recording: Recording, which: Sequence[int], made: Mapping[int, Made]) -> tuple[int, int]:
    """Frames lost within showings in these strips, and frames that were due in them."""
    lost = due = 0
    for strip in which:
        shown, _ = showings(recording.samples(strip))
        if len(shown) < 3:
            raise ValueError(f"region {strip} showed {len(shown)} items only")
        for showing in shown[1:]:
            gone = lost_within(showing, made[showing.item])
            lost, due = lost + gone, due + gone + len(showing.frames)
    return lost, due
