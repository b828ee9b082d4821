"""What is said of a disk that takes nothing."""

from __future__ import annotations

import pytest

from player.core.disk import FULL_BYTES, WORN_PERCENT, DiskState, damaged, trouble, worn
from player.core.ports.box import StorageWear

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


def test_a_chip_near_its_end_is_a_sentence():
    young, old = StorageWear("mmcblk0", WORN_PERCENT - 10, False), StorageWear("mmcblk1", WORN_PERCENT, False)
    assert worn(()) == worn((young,)) == ""
    assert worn((young, old)) == "mmcblk1 has used 90 % of its life, as it counts itself: it may fail at any time"
    assert worn((StorageWear("mmcblk0", 30, True),)).startswith("mmcblk0 has used 30 %")


def test_errors_that_the_kernel_counted_are_a_sentence():
    assert damaged(0) == ""
    assert damaged(3).startswith("the kernel has counted 3 errors")
