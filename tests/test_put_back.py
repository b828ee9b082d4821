"""The system's files go back with the version that they belong to: `systemd/put-back.sh`, in a folder that stands for the disk."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "systemd/put-back.sh"
UNITS = "etc/systemd/system"
STAGE, DOOR, COMMAND = f"{UNITS}/stage.service", f"{UNITS}/door.socket", "usr/local/bin/signage-player"


class Disk:
    """Two versions, `one` and `two`: the second brought a socket along, and its files stand. What systemd hears is kept."""

    def __init__(self, root: Path) -> None:
        self.root, self.base = root, root / "opt/signage-player"
        self._told = root / "told"
        for version, files in (("one", (STAGE, COMMAND)), ("two", (STAGE, COMMAND, DOOR))):
            for file in files:
                self.write(f"opt/signage-player/releases/{version}/system/{file}", version)
        for file in (STAGE, COMMAND, DOOR):
            self.write(file, "two")
        self.write("bin/systemctl", f'#!/bin/sh\necho "$*" >> {self._told}\n')
        (root / "bin/systemctl").chmod(0o755)
        (root / "run/systemd/system").mkdir(parents=True)
        self.lead("two")

    def write(self, file: str, text: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n[Install]\n" if path.suffix == ".socket" else text)
        path.chmod(0o755 if file.endswith(COMMAND) else 0o644)

    def lead(self, version: str) -> None:
        """That version runs with the next start."""
        (self.base / "venv").unlink(missing_ok=True)
        (self.base / "venv").symlink_to(f"releases/{version}")

    def put_back(self, version: str) -> str:
        """What it says."""
        environment = {"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}"}
        command = ["sh", str(SCRIPT), str(self.base / version), str(self.root)]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=20)
        return done.stdout + done.stderr

    @property
    def told(self) -> list[str]:
        return self._told.read_text().splitlines() if self._told.exists() else []

    @property
    def stand(self) -> dict[str, str]:
        files = {file: self.root / file for file in (STAGE, COMMAND, DOOR)}
        return {file: path.read_text() for file, path in files.items() if path.exists()}


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_u4_the_version_before_has_its_files_again_and_what_came_along_is_gone(disk: Disk) -> None:
    disk.lead("one")
    assert "again those of the version before" in disk.put_back("venv")
    assert disk.stand == {STAGE: "one", COMMAND: "one"}
    assert (disk.root / COMMAND).stat().st_mode & 0o777 == 0o755
    assert disk.told == [
        "-q disable door.socket",
        "daemon-reload",
        "stop door.socket",
        "restart --no-block signage-compositor signage-stage signage-agent",
    ]
    assert disk.put_back("venv") == "", "what is as it belongs is not touched"
    assert len(disk.told) == 4


def test_what_does_not_run_yet_is_started_by_whoever_moves_the_link(disk: Disk) -> None:
    disk.put_back("releases/one")
    assert disk.stand == {STAGE: "one", COMMAND: "one"}
    assert disk.told[1:] == ["daemon-reload", "stop door.socket"]


def test_a_version_that_stays_keeps_its_files(disk: Disk) -> None:
    assert disk.put_back("venv") == ""
    assert (disk.stand.keys(), disk.told) == ({STAGE, COMMAND, DOOR}, [])


def test_a_version_of_which_nobody_knows_the_files_leaves_those_that_stand(disk: Disk) -> None:
    (disk.base / "releases/three").mkdir()
    assert disk.put_back("releases/three") == ""
    assert (disk.stand.keys(), disk.told) == ({STAGE, COMMAND, DOOR}, [])
