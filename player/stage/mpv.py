"""A surface drawn by libmpv through python-mpv: one handle, one Wayland window, kept for many items.

Nothing from outside reaches mpv unparsed: files are absolute paths into the cache under the options for files, streams are checked
URLs under the options for streams; values are set as properties and never formatted into commands. The options follow the
measurements in which hostile files read other files, opened connections or loaded what lay beside them; with these they did not.

mpv's own word is not proof: an item counts as loaded when `playback-restart` came *and* there are video parameters. Calls that may
block run in a thread with a deadline; a handle that does not answer is given up and replaced by whoever owns the surface.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from player.core.content import Fit, Kind
from player.core.ports import Playable
from player.errors import ContentError

log = logging.getLogger(__name__)

LOAD_LIMIT_S = 10.0
CALL_LIMIT_S = 5.0
STALL_S = 5.0

# In force for the life of a handle.
_ALWAYS: dict[str, Any] = {
    "config": False, "load_scripts": False, "ytdl": False, "osc": False, "input_default_bindings": False, "terminal": False,
    "input_vo_keyboard": False, "idle": "yes", "keep_open": "yes", "image_display_duration": "inf", "border": False,
    "keepaspect_window": False, "osd_level": 0, "pause": True, "force_window": "immediate", "cursor_autohide": "always",
    "stop_screensaver": False, "autoload_files": False, "sub_auto": "no", "audio_file_auto": "no", "cover_art_auto": "no",
    "sid": "no", "ordered_chapters": False, "load_unsafe_playlists": False, "resume_playback": False,
    "save_position_on_quit": False,
    "cache_on_disk": False, "audio_fallback_to_null": "yes", "hr_seek": "no", "demuxer_max_bytes": "16MiB",
    "demuxer_max_back_bytes": 0, "vd_lavc_threads": 2, "audio_client_name": "signage-player",
}  # fmt: skip

_FILE: dict[str, str] = {
    "access-references": "no",
    "demuxer": "lavf",
    "demuxer-lavf-o": "protocol_whitelist=file,format_whitelist=[mov,mp4,matroska,webm,mpegts,avi]",
    "demuxer-lavf-probe-info": "auto",
    "cache": "no",
    "loop-file": "no",
}
# Pictures were decoded and written by the player itself; forcing lavf breaks JPEG.
_PICTURE = _FILE | {"demuxer": "", "demuxer-lavf-o": "protocol_whitelist=file", "demuxer-lavf-probe-info": "no"}
# Animations stay as they came and run round and round: these formats, and no other, may be what their bytes turn out to be.
_MOVING = _FILE | {
    "demuxer-lavf-o": "protocol_whitelist=file,format_whitelist=[gif,apng,png_pipe]",
    "demuxer-lavf-probe-info": "no",
    "loop-file": "inf",
}
_MAY_MOVE = (b"GIF8", b"\x89PNG")

_STREAM_PROTOCOLS = {
    "http": "http,https,httpproxy,tls,tcp,hls,crypto",
    "https": "https,httpproxy,tls,tcp,hls,crypto",
    "rtsp": "rtsp,rtp,udp,tcp",
    "rtmp": "rtmp,tcp",
    "udp": "udp",
    "rtp": "rtp,udp",
    "srt": "srt",
}
_STREAM_FORMATS = {
    "http": "hls,dash,mpegts,mov,mp4,matroska,webm,aac,flv",
    "https": "hls,dash,mpegts,mov,mp4,matroska,webm,aac,flv",
    "rtsp": "rtsp,sdp,rtp,mpegts",
    "rtmp": "flv,live_flv",
    "udp": "mpegts",
    "rtp": "mpegts,rtp,sdp",
    "srt": "mpegts",
}


def stream_options(url: str) -> dict[str, str]:
    """The options for a stream: what it may speak and hold follows from its scheme. Raises ContentError for any other scheme."""
    scheme = urlsplit(url).scheme.lower()
    if scheme not in _STREAM_PROTOCOLS:
        raise ContentError(
            "bad_url", url, f"streams are played from {', '.join(sorted(_STREAM_PROTOCOLS))}, not {scheme or 'that'}"
        )
    return {
        "access-references": "yes",
        "demuxer": "lavf",
        "demuxer-lavf-o": f"protocol_whitelist=[{_STREAM_PROTOCOLS[scheme]}],format_whitelist=[{_STREAM_FORMATS[scheme]}]",
        "demuxer-lavf-probe-info": "auto",
        "network-timeout": "5",
        "rtsp-transport": "tcp",
        "tls-verify": "yes",
        "tls-ca-file": "/etc/ssl/certs/ca-certificates.crt",
        "cache": "yes",
        "loop-file": "no",
    }


def _options(playable: Playable) -> Mapping[str, str]:
    """By what the item is. Raises ContentError."""
    match playable.item.kind:
        case Kind.IMAGE | Kind.PDF:  # a document's page is a picture
            return _picture_options(playable.target)
        case Kind.VIDEO:
            return _FILE
        case _:
            return stream_options(playable.target)


def _picture_options(path: str) -> Mapping[str, str]:
    """By its first bytes: an animation's container, or whatever a still may be. Raises ContentError."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise ContentError("missing", path, f"cannot be read: {error.strerror}; it is fetched again at the next contact") from error
    return _MOVING if head in _MAY_MOVE else _PICTURE


class MpvSurface:
    """Implements `core.ports.Surface`. Make it with `await MpvSurface.create(…)`, on the loop that will use it."""

    def __init__(self, app_id: str, handle: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._app_id, self._handle, self._loop = app_id, handle, loop
        self._opened = self._drawn = self._has_video = False
        self._failure: ContentError | None = None
        self._name = ""
        self._eof = False
        self._duration: float | None = None
        self._live = False
        self._changed = asyncio.Event()
        self._dropped = 0

    @classmethod
    async def create(cls, app_id: str, size: tuple[int, int], *, options: Mapping[str, Any]) -> MpvSurface:
        """Opens the window, invisible until the compositor is told otherwise. `options`: vo, hwdec, audio device."""
        loop = asyncio.get_running_loop()
        handle = await asyncio.wait_for(asyncio.to_thread(_open, app_id, size, dict(options)), LOAD_LIMIT_S)
        surface = cls(app_id, handle, loop)
        handle.register_event_callback(surface._from_mpv)
        for name in ("eof-reached", "video-out-params", "duration"):
            handle.observe_property(name, surface._observed)
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

    # --- from mpv's thread

    def _from_mpv(self, event: Any) -> None:
        number = event.event_id.value
        detail = (event.data.reason, event.data.error) if number == 7 else None  # MPV_EVENT_END_FILE
        with contextlib.suppress(RuntimeError):  # the loop is closing
            self._loop.call_soon_threadsafe(self._event, number, detail)

    def _observed(self, name: str, value: Any) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._property, name, value)

    # --- on the loop

    def _event(self, number: int, detail: tuple[int, int] | None) -> None:
        if number == 6:  # MPV_EVENT_START_FILE
            self._opened = True
        elif number == 21 and self._opened:  # MPV_EVENT_PLAYBACK_RESTART
            self._drawn = True
        elif detail and self._opened and detail[0] in (0, 4):  # the end came, or an error
            reason = _error_words(detail[1]) if detail[0] == 4 else "it ended before its first frame"
            self._failure = ContentError("unplayable", self._name, reason)
        self._changed.set()

    def _property(self, name: str, value: Any) -> None:
        if name == "eof-reached":
            self._eof = bool(value)
        elif name == "video-out-params":
            self._has_video = bool(value)
        elif name == "duration":
            self._duration = float(value) if isinstance(value, int | float) else None
        self._changed.set()

    # --- the port

    async def load(self, playable: Playable) -> None:
        """Loads and draws the first frame, paused. Raises ContentError."""
        item = playable.item
        self._name, self._live = item.name, item.kind is Kind.LIVESTREAM
        self._opened = self._drawn = self._eof = self._has_video = False
        self._failure = None
        try:
            async with asyncio.timeout(LOAD_LIMIT_S):
                await asyncio.to_thread(_load, self._handle, playable)
                while not (self._drawn and self._has_video):
                    if self._failure:
                        raise self._failure
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            raise ContentError("timeout", item.name, f"showed no picture within {LOAD_LIMIT_S:.0f} s") from error

    def start(self) -> None:
        """Lets it run."""
        self._set("pause", "no")

    def pause(self) -> None:
        """Holds it where it is."""
        self._set("pause", "yes")

    async def ended(self) -> None:
        """Returns when the last frame has been shown for its time. Raises ContentError when it stalls or breaks."""
        watch = asyncio.get_running_loop().time() + STALL_S
        before: tuple[float | None, int] | None = None
        while not self._eof:
            if self._failure:
                raise self._failure
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), STALL_S / 2)
            now = asyncio.get_running_loop().time()
            if now >= watch and not self._eof:
                seen = await self._look()
                if seen == before:
                    raise ContentError("stalled", self._name, f"its picture has not moved for {STALL_S:.0f} s")
                before, watch = seen, now + STALL_S
        if self._live:
            raise ContentError("stream_ended", self._name, "the stream ended")
        await asyncio.sleep(await self._last_frame_s())

    async def _look(self) -> tuple[float | None, int]:
        """Where playback is, or the time itself while paused: then it is meant to stand. Raises ContentError when mpv is silent."""
        try:
            async with asyncio.timeout(CALL_LIMIT_S):
                position, paused, drops = await asyncio.to_thread(_position, self._handle)
        except TimeoutError as error:
            raise ContentError("hung", self._name, "its decoder does not answer") from error
        self._dropped = drops
        return (position, 0) if not paused else (asyncio.get_running_loop().time(), 1)

    async def _last_frame_s(self) -> float:
        """How much longer the frame on screen is due: the end is announced before the last frames were shown."""
        position, _, _ = await asyncio.to_thread(_position, self._handle)
        if position is None or self._duration is None:
            return 0.0
        return min(0.15, max(0.0, self._duration - position))

    async def unload(self) -> None:
        """Forgets the item; the window stays. Raises ContentError when mpv does not answer: the surface is then of no more use."""
        self._opened, self._failure = False, None
        self._changed.set()
        try:
            async with asyncio.timeout(CALL_LIMIT_S):
                self._dropped = await asyncio.to_thread(_stop, self._handle)
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
        return None if self._live else self._duration

    def dropped_frames(self) -> int:
        """Frames that the decoder or the output dropped, as last looked at."""
        return self._dropped

    async def close(self) -> None:
        """Ends the handle; one that hangs is left to the end of the process."""
        handle, self._handle = self._handle, None
        if handle is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.to_thread(handle.terminate), CALL_LIMIT_S)

    def _set(self, name: str, value: str) -> None:
        if self._handle is not None:
            self._handle.command_async("set", name, value)


def _open(app_id: str, size: tuple[int, int], options: dict[str, Any]) -> Any:
    import mpv

    return mpv.MPV(**_ALWAYS, wayland_app_id=app_id, title=app_id, geometry=f"{size[0]}x{size[1]}", **options)


def _load(handle: Any, playable: Playable) -> None:
    handle.command("set", "pause", "yes")
    for name, value in _options(playable).items():
        handle.command("set", name, value)
    handle.command("set", "keepaspect", "no" if playable.fit == Fit.STRETCH else "yes")
    handle.command("set", "panscan", "1" if playable.fit == Fit.COVER else "0")
    handle.command("set", "volume", str(playable.volume))
    handle.command("set", "mute", "yes" if playable.muted else "no")
    handle.command("loadfile", playable.target, "replace")


def _position(handle: Any) -> tuple[float | None, bool, int]:
    drops = (handle.frame_drop_count or 0) + (handle.decoder_frame_drop_count or 0)
    return handle.time_pos, bool(handle.pause), drops


def _stop(handle: Any) -> int:
    drops = (handle.frame_drop_count or 0) + (handle.decoder_frame_drop_count or 0)
    handle.command("set", "pause", "yes")
    handle.command("stop")
    return drops


def _error_words(number: int) -> str:
    return {
        -13: "it cannot be loaded",
        -14: "no sound device can be opened",
        -15: "no video output can be opened",
        -16: "it holds neither picture nor sound",
        -17: "its format is not recognised",
    }.get(number, f"the player gave up on it (error {number})")
