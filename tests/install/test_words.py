"""What the installer says when it cannot begin. Nothing is installed here, whoever runs this."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from player.config import ConfigFile

INSTALL = Path(__file__).parents[2] / "scripts" / "install"


def words(*arguments: str) -> tuple[int, str]:
    done = subprocess.run([INSTALL, *arguments], check=False, capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout + done.stderr


def test_help_shows_every_way_to_call_it() -> None:
    code, output = words("--help")
    assert code == 0
    for argument in ("--kiosk", "--quiet-boot", "--no-start", "--uninstall", "--packages", "--purge", "--yes"):
        assert argument in output


@pytest.mark.parametrize("arguments", [("--bogus",), ("install",), ("--purge",)])
def test_a_wrong_argument_is_named_and_nothing_is_done(arguments: tuple[str, ...]) -> None:
    code, output = words(*arguments)
    assert code == 1
    assert arguments[0] in output


def test_without_root_it_says_how_to_call_it() -> None:
    assert os.geteuid() != 0, "as root this would install: scripts/test runs it as the player's user"
    assert words() == (1, "error: installing needs root: sudo scripts/install\n")


def test_the_readme_lists_every_key_of_the_configuration() -> None:
    readme = (INSTALL.parents[1] / "README.md").read_text()
    for section in msgspec.structs.fields(ConfigFile):
        for key in msgspec.structs.fields(section.type):
            assert f"`{section.name}.{key.name}`" in readme
