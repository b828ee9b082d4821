"""Which renderer draws the screen, gles2 or pixman, decided by what is known of the card and not by how long anything took (pure).

wlroots cannot be left to choose: where there is no real OpenGL it takes a driver that kills it at the first frame. So gles2 is
tried, and a compositor that died before its first frame is the verdict: one death is enough. The verdict holds for a card, a
kernel, its drivers and a player's version; when one of them is another, gles2 is tried once more. A render node that udev has not
yet handed over says nothing of the card.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

GLES2, PIXMAN = "gles2", "pixman"


class RenderNode(StrEnum):
    """What there is of the graphics card's render node, for the compositor's user."""

    OPEN = "open"
    UNTOUCHED = "untouched"  # root's alone, as the kernel makes it: udev comes in a moment
    REFUSED = "refused"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a verdict holds for: the card's driver and the id of the chip, the kernel, Mesa's files and the player's version."""

    driver: str
    chip: str
    kernel: str
    mesa: str
    player: str


@dataclass(frozen=True, slots=True)
class CardVerdict:
    """gles2 died before its first frame on this ground."""

    against: Ground


@dataclass(frozen=True, slots=True)
class Start:
    """One start of the compositor, and what was known against gles2 by then."""

    renderer: str
    ground: Ground
    verdict: CardVerdict | None = None


@dataclass(frozen=True, slots=True)
class Traces:
    """What a compositor left: its announcement, its socket (one that ends in order removes it), and that it drew a frame."""

    announced: bool
    left_socket: bool
    drew: bool

    @property
    def died_undrawn(self) -> bool:
        """Whether it died, and before its first frame. One that never came to a socket cannot have ended in order."""
        return not self.drew and (self.left_socket or not self.announced)


@dataclass(frozen=True, slots=True)
class Choice:
    """The renderer, and why it is that one, in words for an operator."""

    renderer: str
    why: str


def node_of(*, usable: bool, owner: int, group: int) -> RenderNode:
    """What a node that is there is worth; `owner` and `group` are its user and group ids."""
    if usable:
        return RenderNode.OPEN
    return RenderNode.UNTOUCHED if owner == group == 0 else RenderNode.REFUSED


def judge(kept: CardVerdict | None, ground: Ground, before: Start | None, traces: Traces) -> CardVerdict | None:
    """What holds against gles2 on this ground, after the start `before` that left these traces."""
    if before and before.renderer == GLES2 and before.ground == ground and traces.died_undrawn:
        return CardVerdict(ground)
    return next((known for known in (kept, before and before.verdict) if known and known.against == ground), None)


def choose(wanted: str, backend: str, node: RenderNode, verdict: CardVerdict | None) -> Choice:
    """`wanted`: auto, gles2 or pixman, as configured."""
    if wanted == PIXMAN:
        return Choice(PIXMAN, 'stage.renderer = "pixman"')
    if wanted == "auto" and backend == "headless":
        return Choice(PIXMAN, "no panel is drawn on")
    if node is RenderNode.ABSENT:
        return Choice(PIXMAN, "this box has no render node (/dev/dri/renderD*)")
    if node is not RenderNode.OPEN:
        return Choice(PIXMAN, "the render node may not be opened; put the compositor's user into its group (render)")
    if verdict:
        against = verdict.against
        return Choice(PIXMAN, f"gles2 died before its first frame ({against.driver}, kernel {against.kernel})")
    return Choice(GLES2, "the graphics chip draws")
