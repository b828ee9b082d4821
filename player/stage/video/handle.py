"""python-mpv's handle, which goes on hearing of libmpv after the clock of its box was set.

libmpv waits by the wall clock, and for 116 days at the most: a clock that is set forward by more, as that of a box without a
battery is, ends the wait without an event. python-mpv ends its generator of events there with an error, and its thread with it: of
whatever such a handle loads nothing would be heard again.
"""

from __future__ import annotations

import contextlib

import mpv


class Handle(mpv.MPV):  # type: ignore[misc]  # the library has no types
    """One libmpv, whose events come until it is ended."""

    def _loop(self) -> None:
        while not self.core_shutdown:
            with contextlib.suppress(RuntimeError):
                super()._loop()
