"""What libmpv is asked; each may hang, and is called in a thread of its own (`runtime.threads`).

Values are set as properties and never formatted into commands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from player.core.clipclock import Reading
from player.core.content import Fit
from player.core.ports.screen import Playable
from player.stage.video.options import THREADS, THREADS_IN_THE_MIDST


def load(handle: Any, playable: Playable, options: Mapping[str, str]) -> int:
    """Opens the item, paused; libmpv's number of it. Of what is heard alone no picture, of what is to be silent no sound device."""
    handle.command("set", "pause", "yes")
    for name, value in options.items():
        handle.command("set", name, value)
    handle.command("set", "deinterlace", "no")
    dress(handle, playable)
    unseen = playable.item.kind.is_unseen
    handle.command("set", "vid", "no" if unseen else "auto")
    handle.command("set", "aid", "no" if playable.silent and not unseen else "auto")
    beginning = begin_s(playable)
    handle.command("set", "start", f"{beginning:.3f}" if beginning else "none")
    handle.command("set", "hr-seek", "yes" if beginning else "no")  # else it begins with the key frame before
    handle.command("set", "vd-lavc-threads", str(THREADS_IN_THE_MIDST if beginning else THREADS))
    return int(handle.command("loadfile", playable.target, "replace")["playlist_entry_id"])


def dress(handle: Any, playable: Playable) -> None:
    """How it lies in its window, and how loud it is."""
    handle.command("set", "keepaspect", "no" if playable.fit == Fit.STRETCH else "yes")
    handle.command("set", "panscan", "1" if playable.fit == Fit.COVER else "0")
    handle.command("set", "volume", str(playable.volume))
    handle.command("set", "mute", "yes" if playable.muted else "no")


def begin_s(playable: Playable) -> float:
    """Only what is on disk can begin anywhere."""
    return playable.begin_s if playable.item.kind.is_recorded else 0.0


def length(handle: Any) -> float | None:
    """The item's own, in seconds."""
    found = handle.duration
    return float(found) if isinstance(found, int | float) else None


def is_combed(handle: Any) -> bool:
    """Whether the frame on screen holds two moments, as television does: it says so itself."""
    return bool((handle.video_frame_info or {}).get("interlaced"))


def deinterlace(handle: Any) -> None:
    """From its next frame on it loses its combs."""
    handle.command("set", "deinterlace", "yes")


def reading(handle: Any) -> tuple[Reading, int]:
    """Where it is, and how many frames were dropped; a cache that is empty tells no end of what was read."""
    position, cache = handle.time_pos, handle.demuxer_cache_state or {}
    read_to_s = math.inf if cache.get("eof") else cache.get("cache-end", position or 0.0)
    return Reading(position, read_to_s, bool(handle.pause)), _drops(handle)


def stop(handle: Any) -> int:
    """Forgets the item; how many of its frames were dropped."""
    drops = _drops(handle)
    handle.command("set", "pause", "yes")
    handle.command("stop")
    return drops


def _drops(handle: Any) -> int:
    return (handle.frame_drop_count or 0) + (handle.decoder_frame_drop_count or 0)
