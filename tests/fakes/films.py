"""Surfaces of libmpv as tests have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from player.core.egress import WayOut
from player.stage.video.mpv import MpvSurface, as_opened
from tests.fakes.gate import open_gate
from tests.fakes.wall import not_known
from tests.fakes.way_out import STRAIGHT


async def open_film(
    name: str, size: tuple[int, int], options: Mapping[str, Any], way_out: WayOut = STRAIGHT, **given: Any
) -> MpvSurface:
    """The real one, straight to the network through a gate that lets everything through, and with one output for its sound."""
    parts: dict[str, Any] = {"gate": None, "sound": as_opened, "why": not_known} | given
    return await MpvSurface.create(name, size, way_out, options=options, **(parts | {"gate": parts["gate"] or open_gate()}))
