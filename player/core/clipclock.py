"""When a clip ends, when it is worth looking at it, and whether it still moves. Pure: the time and what was read are arguments.

Whoever is told of the end needs a moment, and the screen changes only at its next frame. So the end is told `lead_s` before the
last frame's time is over; and since a clip may run late, somebody has to look, `foresight_s` before the end, whether the last frame
stands already. Measured on the screen: told by mpv, one end in ten came a frame too late; a lead of 8 ms cut every fourth last
frame to half its time, one of 4 ms hardly any.

A frame may stand for a quarter of a minute and be in order (a film of slides), so no one rhythm tells whether a clip is stuck. What
tells is how far its file was read: a decoder takes the next frame in before it needs it, and until that one is due nothing has to
move. mpv gives the last frame the time of an average one; its own time is what the file's length leaves to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LEAD_S = 0.005
LONGEST_FORESIGHT_S = 0.02  # as of 25 frames a second: a slide's share would be seconds
OVERDUE_S = 0.2
LATE_STILL_S = 1.0  # on a box with other work to do a clip that runs late stands still for some tenths, and goes on
ANNOUNCED_S = 0.15  # with sound the end is announced some frames before the last was shown
LONGEST_LAST_S = 60.0  # a file that was cut off has lost more than its last frame: what is left of its length is no frame's time
LONGEST_STILL_S = 300.0  # one whose times jump would be waited for until the jump is over


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clip was found at, in seconds of its own time. `position_s` is None while it tells none.

    `read_to_s`: how far its file was read, infinite when it was read to its end.
    """

    position_s: float | None
    read_to_s: float
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """Nothing is known yet: read again in `in_s`, or when it says that its end came."""

    in_s: float


@dataclass(frozen=True, slots=True)
class Over:
    """Its last frame stands, and its time is over in `in_s`."""

    in_s: float


@dataclass(frozen=True, slots=True)
class Overdue:
    """Its time is over and it stands still, without saying so."""


@dataclass(frozen=True, slots=True)
class Stalled:
    """It has stood still for `still_s`, longer than anything in it is meant to stand."""

    still_s: float


Verdict = Look | Over | Overdue | Stalled


class ClipClock:
    """Of one clip; times in seconds, `at` on one monotonic clock. Endless until it has a `duration_s`.

    `stall_s`: how long beyond its due nothing moves before it is given up.
    """

    def __init__(self, stall_s: float) -> None:
        self.duration_s: float | None = None
        self.frame_s = 0.0
        self._stall_s, self._whole = stall_s, False
        self._ran = 0.0
        self._since: float | None = None
        self._seen: Reading | None = None
        self._still_since = self._seen_at = 0.0

    def rewound(self, *, whole: bool, begin_s: float = 0.0) -> None:
        """Another clip, or the same one again: it stands at `begin_s`. `whole`: all of it is on disk, so its length is true."""
        self._ran, self._since, self._whole, self._seen = begin_s, None, whole, None

    def started(self, at: float) -> None:
        """It runs, if it did not already."""
        if self._since is None:
            self._since, self._seen = at, None

    def paused(self, at: float) -> None:
        """It stands where it is."""
        self._ran, self._since = self.played_s(at), None

    def saw(self, reading: Reading, at: float) -> None:
        """What it was found at."""
        before, self._seen, self._seen_at = self._seen, reading, at
        if before is None or reading.paused or before.paused or reading.position_s != before.position_s:
            self._still_since = at

    def judge(self, at: float, *, eof: bool) -> Verdict:
        """What is to be done, by what was read last; `eof`: it says itself that its end came."""
        still_s = self._seen_at - self._still_since if self._seen else 0.0
        if eof or (self.foreseeable(at) and self._stands_on_last):
            return Over(self.rest_s(at))
        if self.overdue(at) and still_s >= self._end_patience_s:
            return Overdue()
        if self._seen and still_s >= self._patience_s(self._seen):
            return Stalled(still_s)
        return Look(self.next_look_s(at))

    def played_s(self, at: float) -> float:
        """For how long it has run."""
        return self._ran + (at - self._since if self._since is not None else 0.0)

    def left_s(self, at: float) -> float:
        """For how long its last frame is still due; below 0 it should have ended."""
        return self.duration_s - self.played_s(at) if self.duration_s else math.inf

    @property
    def lead_s(self) -> float:
        """How long before the last frame's time is over the end is told."""
        return min(LEAD_S, self.frame_s / 4)

    @property
    def foresight_s(self) -> float:
        """From when on the last frame is on screen, or the clip is late."""
        return self.lead_s + min(self.frame_s / 3, LONGEST_FORESIGHT_S)

    def foreseeable(self, at: float) -> bool:
        """Whether it is worth looking if the last frame stands."""
        return self._since is not None and 0 <= self.left_s(at) <= self.foresight_s

    def overdue(self, at: float) -> bool:
        """Whether it should have ended long ago."""
        return self.left_s(at) <= -OVERDUE_S

    def is_last(self, position_s: float) -> bool:
        """Whether the frame at that position is the last one."""
        return self.duration_s is not None and self.duration_s - position_s < 1.6 * self.frame_s

    def next_look_s(self, at: float) -> float:
        """How long to wait before it is worth looking again: often enough to notice that it stands still."""
        longest, left = self._stall_s / 2, self.left_s(at)
        if left == math.inf or self._since is None:
            return longest
        until = left - self.foresight_s
        return min(longest, until if until > 0 else max(OVERDUE_S, left + OVERDUE_S))

    def rest_s(self, at: float) -> float:
        """How long its last frame is still due once it stands, at most as long as such a frame may take."""
        longest = LONGEST_LAST_S if self._whole else ANNOUNCED_S
        return min(longest, max(0.0, self.left_s(at) - self.lead_s)) if self.duration_s else 0.0

    @property
    def _stands_on_last(self) -> bool:
        seen = self._seen
        return seen is not None and seen.position_s is not None and self.is_last(seen.position_s)

    @property
    def _end_patience_s(self) -> float:
        """For how long one whose time is over stands still until that is its end."""
        return max(OVERDUE_S if self._stands_on_last else LATE_STILL_S, self.frame_s)

    def _patience_s(self, seen: Reading) -> float:
        """For how long it may stand where it was seen."""
        if seen.position_s is None or self.duration_s is None or not self._whole:
            return self._stall_s + self.frame_s
        ahead = min(seen.read_to_s, self.duration_s) - seen.position_s
        return self._stall_s + min(LONGEST_STILL_S, max(self.frame_s, ahead))
