"""How a page is dressed: what lies behind it and how large it is drawn, as calls of the browser's `Emulation` domain."""

from __future__ import annotations

from typing import Any

Call = tuple[str, dict[str, Any]]


def ground(colour: str) -> Call:
    """What is seen where the page paints nothing: `#rrggbb`."""
    red, green, blue = bytes.fromhex(colour.lstrip("#"))
    return "Emulation.setDefaultBackgroundColorOverride", {"color": {"r": red, "g": green, "b": blue, "a": 255}}


def zoomed(zoom: float, size: tuple[int, int]) -> Call:
    """A page of `size` pixels that is drawn `zoom` times as large."""
    if zoom == 1.0:
        return "Emulation.clearDeviceMetricsOverride", {}
    width, height = (round(side / zoom) for side in size)
    return "Emulation.setDeviceMetricsOverride", {
        "width": width, "height": height, "deviceScaleFactor": 0, "mobile": False, "scale": zoom, "dontSetVisibleSize": True,
    }  # fmt: skip
