"""Sway's JSON as the player's windows and panels: its words stop here (house rule 8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from player.core.content import Orientation, Rect
from player.core.ports.screen import Output, Window

TURNS = {
    Orientation.LANDSCAPE: "normal",
    Orientation.PORTRAIT: "90",
    Orientation.LANDSCAPE_FLIPPED: "180",
    Orientation.PORTRAIT_FLIPPED: "270",
}
_ORIENTATIONS = {turn: orientation for orientation, turn in TURNS.items()}


def views(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The windows of sway's tree: the nodes with a client behind them."""
    if node.get("pid") and node["type"] in ("con", "floating_con"):
        yield node
    for child in (*node.get("nodes", ()), *node.get("floating_nodes", ())):
        yield from views(child)


def _rect(found: dict[str, int]) -> Rect:
    return Rect(found["x"], found["y"], found["width"], found["height"])


def window_of(node: dict[str, Any]) -> Window:
    """One of `views`, or the container of a window event."""
    return Window(node["id"], node.get("app_id") or "", node["pid"], _rect(node["rect"]), node.get("name") or "")


def output_of(found: dict[str, Any]) -> Output:
    """One element of get_outputs."""
    mode = found.get("current_mode") or {"width": 0, "height": 0, "refresh": 0}
    return Output(
        name=found["name"],
        rect=_rect(found["rect"]),
        mode=(mode["width"], mode["height"], mode["refresh"]),
        orientation=_ORIENTATIONS.get(found.get("transform", "normal"), Orientation.LANDSCAPE),
        power=found.get("power", found.get("dpms", True)),
        make=found.get("make", ""),
        model=found.get("model", ""),
        scale=found.get("scale") or 1.0,
    )
