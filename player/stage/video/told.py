"""What libmpv tells: events and properties, from a thread of its own to the loop, and what they add up to for the item at hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from player.core.clipclock import ClipClock
from player.core.kinds import Kind
from player.stage.video.error_words import error_words

OBSERVED = ("eof-reached", "video-out-params", "duration", "container-fps", "current-ao")


class ToldByMpv:
    """Of one handle; its attributes are the loop's alone, and `changed` is set at each word.

    `failure`: why the item cannot be shown, in words; `drawn` and `has_video` together say that its first frame is there;
    `is_open`: libmpv has something open, wanted or not.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, stall_s: float) -> None:
        self._loop = loop
        self.changed = asyncio.Event()
        self.clip = ClipClock(stall_s)
        self.drawn = self.has_video = self.eof = False
        self.failure: str | None = None
        self.sound_output: str | None = None
        self.entry = self._past = 0  # libmpv's numbers, which only grow: of what was loaded last, and before it
        self.is_open = self._opened = self._live = self._deaf = False

    def expect(self, kind: Kind, begin_s: float) -> None:
        """Another item is loaded, from `begin_s` on: what was told of the one before says nothing of it."""
        self.drawn = self.has_video = self.eof = self._opened = False
        self.failure, self._past, self._live = None, self.entry, kind.is_stream
        # The length that a sound tells may be a guess from its first seconds: nothing is waited for when its end came.
        self.clip.rewound(whole=kind.has_file and not kind.is_unseen, begin_s=begin_s)

    def forget(self) -> None:
        """There is no item: that it ends is no failure."""
        self._opened, self.failure = False, None
        self.changed.set()

    def close(self) -> None:
        """Nothing more is heard, though what is told may be remembered for a while."""
        self._deaf, self.sound_output = True, None

    async def anything_within(self, seconds: float) -> bool:
        """Whether libmpv says something in that time."""
        self.changed.clear()
        try:
            async with asyncio.timeout(seconds):
                return await self.changed.wait()
        except TimeoutError:
            return False

    async def until_closed(self) -> None:
        """Until libmpv has let go of what it had open."""
        while self.is_open:
            self.changed.clear()
            await self.changed.wait()

    # --- from mpv's thread

    def event(self, event: Any) -> None:
        """An event of libmpv's (client.h)."""
        number, data = event.event_id.value, event.data
        if number == 6:  # MPV_EVENT_START_FILE
            self._bring(self._begins, data.playlist_entry_id)
        elif number == 7:  # MPV_EVENT_END_FILE
            self._bring(self._ends, data.reason, data.error)
        elif number == 21:  # MPV_EVENT_PLAYBACK_RESTART
            self._bring(self._draws)
        else:
            self._bring(self.changed.set)

    def observed(self, name: str, value: Any) -> None:
        """One of `OBSERVED` has another value."""
        self._bring(self._property, name, value)

    def _bring(self, told: Callable[..., None], *words: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closing
            self._loop.call_soon_threadsafe(told, *words)

    # --- on the loop

    def _begins(self, entry: int) -> None:
        self.is_open = True
        self._opened = entry > self._past  # else of what was replaced before it had begun
        self.changed.set()

    def _draws(self) -> None:
        self.drawn = self.drawn or self._opened
        self.changed.set()

    def _ends(self, reason: int, error: int) -> None:
        self.is_open = False
        if self._opened and reason in (0, 4):  # the end came, or an error
            self.failure = error_words(error) if reason == 4 else "it ended before its first frame"
        self.changed.set()

    def _property(self, name: str, value: Any) -> None:
        if name == "eof-reached":
            self.eof = bool(value)
        elif name == "video-out-params":
            self.has_video = bool(value)
        elif name == "current-ao":
            self.sound_output = value if isinstance(value, str) and not self._deaf else None
        elif name == "container-fps":
            self.clip.frame_s = 1 / value if isinstance(value, int | float) and value > 0 else 0.0
        elif name == "duration":
            self.clip.duration_s = float(value) if isinstance(value, int | float) and not self._live else None
        self.changed.set()
