"""A programme and a manifest of one layout that is always on air; by which clock rules are judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from player.core.content import Layout, Manifest, Programme, WantedAsset, always
from player.core.faults import Fault

JUDGED: dict[str, Any] = {"zone": lambda: ZoneInfo("UTC"), "facts": dict}


def manifest_of(layout: Layout, version: str = "", *, watermark: bool = False, assets: int = 0) -> Manifest:
    return Manifest(version, (layout,), always(layout), watermark=watermark, assets=assets)


def programme_of(
    layout: Layout, assets: Sequence[WantedAsset] = (), *, delete: Sequence[str] = (), faults: Sequence[Fault] = ()
) -> Programme:
    return Programme((layout,), always(layout), assets=tuple(assets), delete=tuple(delete), faults=tuple(faults))
