"""What a running player says is wrong with it, explained by the table of codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from player.cli.checks.finding import Finding, absent, failed, passed
from player.core.faults import meaning_of
from player.errors import NotRunning, SignageError

_BY_THE_CHIP = "slow only for video and pages; else: the chip's driver (Raspberry Pi: dtoverlay=vc4-kms-v3d), and stage.renderer"


def faults(status: Callable[[], dict[str, Any]]) -> Iterator[Finding]:
    """Each fault, with what to do about it. `status` answers as `GET /api/status`, and raises SignageError."""
    try:
        found = status()["faults"]
    except NotRunning:
        yield absent("player", "none is running here", "sudo systemctl start signage-agent, or: signage-player run")
        return
    except SignageError as error:
        yield failed("player", str(error), "journalctl -u signage-agent says why", needed=False)
        return
    if not found:
        yield passed("player", "it runs, and nothing is wrong with it")
    for fault in found:
        known = meaning_of(fault["code"])
        yield failed("player", f"{fault['code']} ({known.meaning}): {fault['message']}", known.remedy, needed=False)


def graphics(status: Callable[[], dict[str, Any]], otherwise: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What draws the screen, and why; where nothing draws, what `otherwise` finds. `status` as for `faults`."""
    try:
        stage = status()["stage"]
    except SignageError:
        stage = {"renderer": ""}
    if not stage["renderer"]:
        yield from otherwise()
    elif stage["renderer"] == "pixman":
        yield absent("graphics", f"the processor draws (pixman): {stage['renderer_why']}", _BY_THE_CHIP)
    else:
        yield passed("graphics", f"{stage['renderer']} draws: {stage['renderer_why']}")
