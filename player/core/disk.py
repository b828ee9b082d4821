"""What the state of a disk means to whoever reads of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from player.core.ports.box import StorageWear

WORN_PERCENT = 90
FULL_BYTES = 1 << 20  # with less a file can hardly be replaced


@dataclass(frozen=True, slots=True)
class DiskState:
    """The file system below a folder. `error`: why it could not be asked, "" where it answered."""

    folder: str
    writable: bool = False
    free_bytes: int = 0
    has_inodes: bool = False
    error: str = ""


def trouble(state: DiskState) -> str:
    """The sentence of its fault; "" where it takes what is written."""
    if state.error:
        return f"{state.folder} cannot be read ({state.error}); what is on screen plays on"
    if not state.writable:
        return f"{state.folder} is read-only: what is here plays on, no command is carried out, and nothing is kept"
    if state.free_bytes < FULL_BYTES or not state.has_inodes:
        return f"the disk of {state.folder} is full: what is here plays on, and nothing more is kept"
    return ""


def worn(wear: Sequence[StorageWear]) -> str:
    """The sentence of its fault; "" where none of the chips is near the end of its life."""
    old = [chip for chip in wear if chip.failing or chip.used_percent >= WORN_PERCENT]
    told = ", ".join(f"{chip.device} has used {chip.used_percent} % of its life" for chip in old)
    return f"{told}, as it counts itself: it may fail at any time" if told else ""


def damaged(errors: int) -> str:
    """The sentence of its fault; "" where the kernel has counted none."""
    return f"the kernel has counted {errors} errors where state and media are kept, since it was last checked" if errors else ""
