"""What is said of a disk that takes nothing."""

from __future__ import annotations

import pytest

from player.core.disk import FULL_BYTES, DiskState, trouble

WELL = {"writable": True, "free_bytes": FULL_BYTES, "has_inodes": True}


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (WELL, ""),
        ({**WELL, "writable": False}, "/state is read-only: "),
        ({**WELL, "free_bytes": FULL_BYTES - 1}, "the disk of /state is full: "),
        ({**WELL, "has_inodes": False}, "the disk of /state is full: "),
        ({"error": "Input/output error"}, "/state cannot be read (Input/output error); "),
    ],
)
def test_a_disk_that_takes_nothing_is_a_sentence(found: dict, says: str):
    sentence = trouble(DiskState("/state", **found))
    assert sentence.startswith(says)
    assert bool(sentence) == bool(says)
