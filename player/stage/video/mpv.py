"""A surface drawn by libmpv through python-mpv: one handle, one Wayland window, kept for many items.

Nothing from outside reaches mpv unparsed: files are absolute paths into the cache under the options for files, streams are checked
URLs under the options for streams (`video.options`); values are set as properties and never formatted into commands.

mpv's own word is not proof: an item counts as loaded when `playback-restart` came *and* there are video parameters; what is heard
alone, whose pictures are never opened here, when it came and a sound was chosen. Calls that may block run in threads of their own
with a deadline (`runtime.threads`); who asked may be gone before its call is over, and the handle is not ended before. A handle
that does not answer is given up and replaced by whoever owns the surface.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Any, Self, TypeVar, assert_never

from player.core.address_policy import Why, by_cause
from player.core.clipclock import Look, Over, Overdue, Reading, Stalled
from player.core.egress import WayOut
from player.core.ports.screen import Playable, Surface
from player.errors import ContentError
from player.runtime.threads import begun, in_thread
from player.stage.video import calls
from player.stage.video.gate import Gate
from player.stage.video.hush import hush
from player.stage.video.options import ALWAYS, options_for
from player.stage.video.sound import SILENCE
from player.stage.video.told import OBSERVED, ToldByMpv
from player.stage.video.weight import bound_blocks

log = logging.getLogger(__name__)
T = TypeVar("T")

LOAD_LIMIT_S = 10.0
CALL_LIMIT_S = 5.0
STALL_S = 5.0


def as_opened() -> Mapping[str, str]:
    """For what sounds where its options say, as long as it lives."""
    return {}


class MpvSurface(Surface):
    """Implements `core.ports.screen.Surface`. Make it with `await MpvSurface.create(…)`, on the loop that will use it."""

    def __init__(
        self,
        app_id: str,
        handle: Any,
        loop: asyncio.AbstractEventLoop,
        way_out: WayOut,
        *,
        sound: Callable[[], Mapping[str, str]],
        why: Why,
        load_limit_s: float,
        stall_s: float,
    ) -> None:
        self._app_id, self._handle, self._loop, self._way_out = app_id, handle, loop, way_out
        self._load_limit_s, self._why, self._sound = load_limit_s, why, sound
        self._told = ToldByMpv(loop, stall_s)
        self._name = ""
        self._begun: Playable | None = None
        self._live = self._unseen = False
        self._dropped = 0
        self._calls: set[Future[Any]] = set()  # under way

    @classmethod
    async def create(
        cls,
        app_id: str,
        size: tuple[int, int],
        way_out: WayOut,
        *,
        gate: Gate,
        options: Mapping[str, Any],
        sound: Callable[[], Mapping[str, str]],
        why: Why,
        load_limit_s: float = LOAD_LIMIT_S,
        stall_s: float = STALL_S,
    ) -> Self:
        """Opens the window, invisible until the compositor is told otherwise, behind `gate`. `options`: vo, hwdec, audio device;
        `sound` is asked for the outputs to try before each item, `why` for the reason when a stream does not open."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(LOAD_LIMIT_S):
            handle = await in_thread(_open, gate, loop, app_id, size, dict(options))
        own = {"ao": str(options.get("ao", ""))}  # again for the item after one that was kept silent
        surface = cls(
            app_id, handle, loop, way_out, load_limit_s=load_limit_s, stall_s=stall_s, sound=lambda: {**own, **sound()}, why=why
        )
        handle.register_event_callback(surface._told.event)
        for name in OBSERVED:
            handle.observe_property(name, surface._told.observed)
        return surface

    def __repr__(self) -> str:
        return f"<MpvSurface {self._app_id}: {self._name or 'empty'}>"

    @property
    def app_id(self) -> str:
        """How the compositor knows the window."""
        return self._app_id

    @property
    def pid(self) -> int:
        """This process: libmpv runs in it."""
        return os.getpid()

    @property
    def sound_output(self) -> str | None:
        """By which of libmpv's outputs it is heard; None while it is not."""
        return self._told.sound_output

    @property
    def is_streaming(self) -> bool:
        """Whether a stream is open, or being opened."""
        return self._live and bool(self._name)

    @property
    def is_drawn(self) -> bool:
        """Whether its first frame is there."""
        return self._told.drawn

    def give_up(self, reason: str) -> None:
        """Ends what is open, at once."""
        self._told.failure = self._told.failure or reason
        self._told.changed.set()
        if self._handle is not None:
            self._handle.command_async("stop")

    # --- the port

    async def begin(self, playable: Playable) -> None:
        """Begins to load it: `load` of the same goes on with that. Raises ContentError."""
        self._reset(playable)
        await self._command_load(playable)
        self._begun = playable

    async def load(self, playable: Playable) -> None:
        """Loads and draws the first frame, paused. Raises ContentError."""
        try:
            await self._load(playable)
        except ContentError as error:
            raise by_cause(error, self._why(playable.target)) from error

    async def _load(self, playable: Playable) -> None:
        item, begun, self._begun = playable.item, self._begun, None
        try:
            async with asyncio.timeout(self._load_limit_s):
                if begun is not None and self._told.failure is None and _opens_alike(begun, playable):
                    self._name = item.name
                    await self.call(calls.dress, playable)
                else:
                    self._reset(playable)
                    await self._command_load(playable)
                await self._first_frame()
                if await self.call(calls.is_combed):
                    await self._deinterlaced()
                clip = self._told.clip
                if clip.duration_s is None and item.kind.is_recorded:  # mpv may tell of it after the first frame
                    clip.duration_s = await self.call(calls.length)
        except TimeoutError as error:
            missing = "was not to be heard" if self._unseen else "showed no picture"
            raise ContentError("timeout", item.name, f"{missing} within {self._load_limit_s:.0f} s") from error

    def _reset(self, playable: Playable) -> None:
        item = playable.item
        self._name, self._live, self._unseen = item.name, item.kind.is_stream, item.kind.is_unseen
        self._told.expect(item.kind, calls.begin_s(playable))

    async def _command_load(self, playable: Playable) -> None:
        options = {**options_for(playable, self._way_out), **self._outputs(playable)}
        self._told.entry = await self.call(calls.load, playable, options)

    def _outputs(self, playable: Playable) -> Mapping[str, str]:
        """Where its sound may go. What has nothing but sound, and is to have none, keeps its time in silence."""
        return {"ao": SILENCE} if playable.silent and self._unseen else self._sound()

    async def _first_frame(self) -> None:
        told = self._told
        while True:
            told.changed.clear()
            self._raise_failure()
            if told.drawn and (told.has_video or self._unseen):
                return
            if told.drawn and not await self.call(lambda handle: bool(handle.vid)):
                raise ContentError("no_picture", self._name, "it holds sound and no picture")
            await told.changed.wait()

    def _raise_failure(self) -> None:
        if self._told.failure is not None:
            raise ContentError("unplayable", self._name, self._told.failure)

    async def _deinterlaced(self) -> None:
        """The first frame again, without its combs; a stream, which cannot go back, loses them from its next frame on."""
        self._told.drawn = False
        await self.call(calls.deinterlace)
        if not self._live:
            await self._first_frame()

    def start(self) -> None:
        """Lets the item run from where it is."""
        self._told.clip.started(self._loop.time())
        self._set("pause", "no")

    def pause(self) -> None:
        """Holds it where it is."""
        self._told.clip.paused(self._loop.time())
        self._set("pause", "yes")

    async def ended(self) -> None:
        """Returns when the last frame has been shown for its time. Raises ContentError when it stalls or breaks."""
        told = self._told
        while told.failure is None:
            match told.clip.judge(self._loop.time(), eof=told.eof):
                case Look(in_s):
                    if not await told.anything_within(in_s):
                        told.clip.saw(await self._read(), self._loop.time())
                case Over(in_s):
                    if self._live:
                        raise ContentError("stream_ended", self._name, "the stream ended")
                    await asyncio.sleep(in_s)
                    return
                case Overdue():
                    log.warning("%s stopped at its end without reporting it; did its sound device go away?", self._name)
                    return
                case Stalled(still_s):
                    what = "sound has not gone on" if self._unseen else "picture has not moved"
                    raise ContentError("stalled", self._name, f"its {what} for {still_s:.0f} s")
                case other:
                    assert_never(other)
        self._raise_failure()

    async def _read(self) -> Reading:
        """Where playback is. Raises ContentError when mpv is silent."""
        try:
            async with asyncio.timeout(CALL_LIMIT_S):
                reading, self._dropped = await self.call(calls.reading)
        except TimeoutError as error:
            raise ContentError("hung", self._name, "its decoder does not answer") from error
        return reading

    async def unload(self) -> None:
        """Forgets the item; the window stays. Raises ContentError when mpv does not let go: the surface is then of no more use.

        It may go on with a stream long after it was told to stop, and what is loaded next would wait for that.
        """
        self._told.forget()
        try:
            async with asyncio.timeout(CALL_LIMIT_S):
                self._dropped = await self.call(calls.stop)
                await self._told.until_closed()
        except TimeoutError as error:
            raise ContentError("hung", self._name, "its decoder does not let go") from error
        self._name = ""

    def resize(self, width: int, height: int) -> None:
        """mpv 0.35 keeps its own size for a floating window: it has to be told as well as the compositor."""
        self._set("geometry", f"{width}x{height}")

    def set_volume(self, volume: int, *, muted: bool) -> None:
        """0 to 100, of this surface alone."""
        self._set("volume", str(volume))
        self._set("mute", "yes" if muted else "no")

    def duration_s(self) -> float | None:
        """The content's own length in seconds; None for pictures and streams."""
        return self._told.clip.duration_s

    def dropped_frames(self) -> int:
        """Frames that the decoder or the output dropped, as last looked at."""
        return self._dropped

    async def close(self) -> None:
        """Ends the handle, once no call is in the midst of it; one that hangs is left to the end of the process."""
        handle, self._handle = self._handle, None
        self._told.close()
        if handle is not None:
            _, hanging = await in_thread(wait, tuple(self._calls), CALL_LIMIT_S)
            if hanging:
                log.warning("%s does not answer, and is left as it is", self)
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CALL_LIMIT_S):
                    await in_thread(handle.terminate)

    async def call(self, work: Callable[..., T], *arguments: Any) -> T:
        """The result of `work(handle, …)`, done in a thread of its own, whether anybody still waits for it or not."""
        under_way = begun(work, self._handle, *arguments)
        self._calls.add(under_way)
        under_way.add_done_callback(self._calls.discard)
        return await asyncio.wrap_future(under_way)

    def _set(self, name: str, value: str) -> None:
        if self._handle is not None:
            self._handle.command_async("set", name, value)


def _opens_alike(one: Playable, other: Playable) -> bool:
    """Whether both open the same file at the same place; how it is seen and heard may differ."""
    return (one.item.kind, one.target, one.begin_s, one.silent) == (other.item.kind, other.target, other.begin_s, other.silent)


def _open(gate: Gate, loop: asyncio.AbstractEventLoop, app_id: str, size: tuple[int, int], options: dict[str, Any]) -> Any:
    import mpv

    from player.stage.video.handle import Handle

    hush(mpv.backend)
    bound_blocks(mpv.backend)
    gate.stand(loop)  # libmpv's threads start in this one
    return Handle(**ALWAYS, wayland_app_id=app_id, title=app_id, geometry=f"{size[0]}x{size[1]}", **options)
