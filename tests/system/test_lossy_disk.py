"""The disk that forgets: what was flushed stays, what was not may go, and a goodbye loses nothing."""

from __future__ import annotations

import contextlib
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

from tests.system.lossy_disk import BLOCK, GONE, MOST_WAITING, LossyDisk


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


def test_the_power_can_go_in_the_middle_of_what_is_written(tmp_path: Path) -> None:
    lossy = disk(tmp_path)
    lossy.write(0, b"a" * BLOCK)
    assert not lossy.has_ended, "nobody asked for it"
    lossy.end_soon()
    for block in range(MOST_WAITING):
        lossy.write(block % 8 * BLOCK, b"b" * BLOCK)
    assert lossy.has_ended
    lossy.cut()
    assert not lossy.has_ended, "the machine that boots next has power"


def test_who_is_cut_off_while_he_writes_gets_no_answer_and_is_told_of_once(tmp_path: Path) -> None:
    """The program, and a client that asks it for one block after another."""
    disk(tmp_path)
    command = [sys.executable, "-m", "tests.system.lossy_disk", str(tmp_path / "image"), str(tmp_path / "nbd"), "0"]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == "ready\n"
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(20)
            client.connect(str(tmp_path / "nbd"))
            client.recv(18, socket.MSG_WAITALL)
            client.sendall(struct.pack(">I8sII", 3, b"IHAVEOPT", 1, 0))
            client.recv(10, socket.MSG_WAITALL)
            program.send_signal(signal.SIGUSR1)
            for block in range(MOST_WAITING):  # it may end at the first
                with contextlib.suppress(BrokenPipeError):
                    client.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 1, block, block % 8 * BLOCK, BLOCK) + bytes(BLOCK))
            assert program.stdout.readline() == f"{GONE}\n"
            client.close()
            assert program.stdout.readline().startswith("cut: ")
        finally:
            program.kill()
