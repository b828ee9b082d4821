"""When a clip is going to end, by the clock: from its length and from how long it has run. Pure: the time is an argument.

Whoever is told of the end needs a moment, and the screen changes only at its next frame. So the end is told `lead_s` before the
last frame's time is over; and since a clip may run late, somebody has to look, `foresight_s` before the end, whether the last frame
stands already. Measured on the screen: told by mpv, one end in ten came a frame too late; a lead of 8 ms cut every fourth last
frame to half its time, one of 4 ms hardly any.
"""

from __future__ import annotations

import math

LEAD_S = 0.005
OVERDUE_S = 0.2


class ClipClock:
    """Of one clip; times in seconds, `at` on one monotonic clock. Endless until it has a `duration_s`."""

    def __init__(self) -> None:
        self.duration_s: float | None = None
        self.frame_s = 0.0
        self._ran = 0.0
        self._since: float | None = None

    def rewound(self) -> None:
        """Another clip, or the same one again: it stands at its beginning."""
        self._ran, self._since = 0.0, None

    def started(self, at: float) -> None:
        """It runs, if it did not already."""
        if self._since is None:
            self._since = at

    def paused(self, at: float) -> None:
        """It stands where it is."""
        self._ran, self._since = self.played_s(at), None

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
        return self.lead_s + self.frame_s / 3

    def foreseeable(self, at: float) -> bool:
        """Whether it is worth looking if the last frame stands."""
        return self._since is not None and 0 <= self.left_s(at) <= self.foresight_s

    def overdue(self, at: float) -> bool:
        """Whether it should have ended long ago."""
        return self.left_s(at) <= -OVERDUE_S

    def is_last(self, position_s: float) -> bool:
        """Whether the frame at that position is the last one."""
        return self.duration_s is not None and self.duration_s - position_s < 1.6 * self.frame_s

    def next_look_s(self, at: float, longest: float) -> float:
        """How long to wait before it is worth looking again, at most `longest`."""
        left = self.left_s(at)
        if left == math.inf or self._since is None:
            return longest
        until = left - self.foresight_s
        return min(longest, until if until > 0 else max(OVERDUE_S, left + OVERDUE_S))

    def rest_s(self, at: float, longest: float) -> float:
        """How long to wait once the end was seen coming, or was announced early, as it is with sound."""
        return min(longest, max(0.0, self.left_s(at) - self.lead_s)) if self.duration_s else 0.0
