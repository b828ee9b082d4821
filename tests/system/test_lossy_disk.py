"""The disk that forgets: what was flushed stays, what was not may go, and a goodbye loses nothing."""

from __future__ import annotations

from pathlib import Path

from tests.system.lossy_disk import BLOCK, LossyDisk


def disk(folder: Path, seed: int = 0) -> LossyDisk:
    (folder / "image").write_bytes(bytes(8 * BLOCK))
    return LossyDisk(folder / "image", seed)


def test_what_was_written_is_read_before_it_is_flushed(tmp_path: Path) -> None:
    lossy = disk(tmp_path)
    lossy.write(BLOCK - 2, b"four")
    assert lossy.read(BLOCK - 3, 6) == b"\0four\0"
    assert (tmp_path / "image").read_bytes() == bytes(8 * BLOCK)
    lossy.flush()
    assert (tmp_path / "image").read_bytes()[BLOCK - 2 : BLOCK + 2] == b"four"


def test_a_cut_loses_some_or_all_or_none_of_what_was_not_flushed_and_nothing_else(tmp_path: Path) -> None:
    kept = set()
    for seed in range(40):
        lossy = disk(tmp_path, seed)
        lossy.write(0, b"a" * BLOCK)
        lossy.flush()
        for block in range(1, 8):
            lossy.write(block * BLOCK, b"b" * BLOCK)
        said = lossy.cut()
        image = (tmp_path / "image").read_bytes()
        assert image[:BLOCK] == b"a" * BLOCK
        left = sum(image[block * BLOCK] == ord("b") for block in range(1, 8))
        assert said == f"cut: 7 blocks were not flushed, {7 - left} of them are lost"
        assert lossy.read(0, 8 * BLOCK) == image, "the machine that boots next sees what the disk has"
        kept.add(left)
    assert {0, 7} < kept
