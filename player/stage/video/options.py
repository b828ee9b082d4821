"""What mpv may do with which content: the options of a handle, and those of each kind of item. Faults C9 to C11.

The options follow the measurements in which hostile files read other files, opened connections or loaded what lay beside them; with
these they did not. Values are set as properties, one by one, and never formatted into commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from player.core.egress import WayOut
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.core.streams import rtmp_application
from player.errors import ContentError

THREADS = 2  # of a decoder: more are memory
THREADS_IN_THE_MIDST = 4  # where it begins in the midst of a film, all since the key frame before is decoded first
MOST_PIXELS = 4096 * 2304  # of a stream's picture, as level 5.2 of H.264 has it: a decoder holds up to twenty

# In force for the life of a handle.
ALWAYS: dict[str, Any] = {
    "config": False, "load_scripts": False, "ytdl": False, "osc": False, "input_default_bindings": False, "terminal": False,
    "input_vo_keyboard": False, "idle": "yes", "keep_open": "yes", "border": False,
    "keepaspect_window": False, "osd_level": 0, "pause": True, "force_window": "immediate", "cursor_autohide": "always",
    "stop_screensaver": False, "autoload_files": False, "sub_auto": "no", "audio_file_auto": "no", "cover_art_auto": "no",
    "sid": "no", "ordered_chapters": False, "load_unsafe_playlists": False, "resume_playback": False,
    "save_position_on_quit": False,
    "cache_on_disk": False, "audio_fallback_to_null": "yes", "hr_seek": "no", "demuxer_max_bytes": "16MiB",
    "demuxer_max_back_bytes": 0, "vd_lavc_threads": THREADS, "audio_client_name": "signage-player",
}  # fmt: skip

_FILE: dict[str, str] = {
    "access-references": "no",
    "demuxer": "lavf",
    "demuxer-lavf-o": "protocol_whitelist=file,format_whitelist=[mov,mp4,matroska,webm,mpegts,avi,mpeg,mpegvideo,asf,ogg,flv]",
    "demuxer-lavf-probe-info": "auto",
    "cache": "no",
    "stream-lavf-o": "",
    "vd-lavc-o": "",
    "loop-file": "no",
    "image-display-duration": "1",  # for mpv a video of one frame is a picture; it is to end like any other video
}
# A film listed as a sound is heard as well: whatever can be heard, from the readers of films or of sounds.
_SOUND = _FILE | {
    "demuxer-lavf-o": "protocol_whitelist=file,format_whitelist=[mp3,aac,flac,wav,ogg,mov,mp4,matroska,webm,asf]",
}
# Pictures were decoded and written by the player itself; forcing lavf breaks JPEG.
_PICTURE = _FILE | {
    "demuxer": "",
    "demuxer-lavf-o": "protocol_whitelist=file",
    "demuxer-lavf-probe-info": "no",
    "image-display-duration": "inf",
}
# Animations stay as they came and run round and round: these formats, and no other, may be what their bytes turn out to be.
_MOVING = _FILE | {
    "demuxer-lavf-o": "protocol_whitelist=file,format_whitelist=[gif,apng,png_pipe]",
    "demuxer-lavf-probe-info": "no",
    "loop-file": "inf",
    "image-display-duration": "inf",
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
    "http": "hls,dash,mpegts,mov,mp4,matroska,webm,aac,flv,mpjpeg",
    "https": "hls,dash,mpegts,mov,mp4,matroska,webm,aac,flv,mpjpeg",
    "rtsp": "rtsp,sdp,rtp,mpegts",
    "rtmp": "flv,live_flv",
    "udp": "mpegts",
    "rtp": "mpegts,rtp,sdp",
    "srt": "mpegts",
}


def stream_options(url: str, way_out: WayOut) -> dict[str, str]:
    """The options for a stream: what it may speak and hold follows from its scheme. Raises ContentError for any other scheme.

    `url`: as the item names it, whatever address it is opened at.
    """
    scheme = urlsplit(url).scheme.lower()
    if scheme not in _STREAM_PROTOCOLS:
        raise ContentError(
            "bad_url", url, f"streams are played from {', '.join(sorted(_STREAM_PROTOCOLS))}, not {scheme or 'that'}"
        )
    proxy = way_out.proxy_for(url)
    return {
        "access-references": "yes",
        "demuxer": "lavf",
        "demuxer-lavf-o": f"protocol_whitelist=[{_STREAM_PROTOCOLS[scheme]}],format_whitelist=[{_STREAM_FORMATS[scheme]}]",
        "demuxer-lavf-probe-info": "auto",
        "network-timeout": "5",
        "rtsp-transport": "tcp",
        "tls-verify": "yes",
        "tls-ca-file": way_out.authorities,
        "http-proxy": proxy.address if proxy else "",  # mpv leaves alone what has no http in it
        "user-agent": way_out.user_agent,
        "cache": "yes",
        "stream-lavf-o": _told(rtmp_application(url)) if scheme == "rtmp" else "",
        "vd-lavc-o": f"max_pixels={MOST_PIXELS}",
        "loop-file": "no",
    }


def _told(application: str) -> str:
    return f"rtmp_tcurl=%{len(application.encode())}%{application}"


def options_for(playable: Playable, way_out: WayOut) -> Mapping[str, str]:
    """The options to set before `playable` is loaded, by what its item is. Raises ContentError."""
    match playable.item.kind:
        case Kind.IMAGE | Kind.PDF:  # a document's page is a picture
            return _picture_options(playable.target)
        case Kind.VIDEO:
            return _FILE
        case Kind.AUDIO:
            return _SOUND
        case _:
            return stream_options(_named(playable), way_out)


def _named(playable: Playable) -> str:
    """The address that an item names; of YouTube it is the one that was found."""
    return playable.item.url or playable.target if playable.item.kind is Kind.LIVESTREAM else playable.target


def _picture_options(path: str) -> Mapping[str, str]:
    """By its first bytes: an animation's container, or whatever a still may be. Raises ContentError."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise ContentError("missing", path, f"cannot be read: {error.strerror}; it is fetched again at the next contact") from error
    if not head:  # mpv would go by its name, and wait for a picture
        raise ContentError("empty", path, "its file is empty; upload it again")
    return _MOVING if head in _MAY_MOVE else _PICTURE
