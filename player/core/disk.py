"""What the state of a disk means to whoever reads of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

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
