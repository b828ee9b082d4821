"""A shop without a server: USB sticks that are plugged into a booted device, and pulled out of it, as the panel shows it.

What lies on a stick is shown, read-only, whichever of the usual file systems it has; seconds are an emulated processor's.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scripts.quiet_boot import quieted
from tests.system.machine import SIZE, Machine, installed_image

pytestmark = [pytest.mark.root, pytest.mark.nightly, pytest.mark.timeout(3600)]
CONFIG = '[stage]\nrenderer = "pixman"\n\n[cms]\nkind = "folder"\n\n[folder]\nusb = true\n'
COLOURS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255)}
SLOW = 300.0
MOUNTED = "findmnt -rno TARGET,OPTIONS -t vfat,ext4 | grep ^/run/signage-player/usb/"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A device that shows whatever stick is in, booted, with none in it."""
    folder = tmp_path_factory.mktemp("stick")
    image = installed_image("bookworm", folder, CONFIG)
    shots = Path(os.environ.get("SIGNAGE_SHOTS", "/var/tmp/signage-player-shots"))
    with Machine(folder, image, shots) as made:
        made.boot(words=quieted("", splash=False))
        made.wait(lambda: "no_folder" in faults(made), "a player that misses its stick", 2 * SLOW)
        yield made


def status(machine: Machine) -> dict[str, Any]:
    """Raises ValueError where no player answers."""
    code, said = machine.try_sh("signage-player status --json")
    if code != 0:
        raise ValueError(said)
    return json.loads(said)


def faults(machine: Machine) -> set[str]:
    return {fault["code"] for fault in status(machine)["faults"]}


def stick(folder: Path, colour: str, *, fat: bool) -> Path:
    """The image of a stick with one picture on it."""
    files, image = folder / colour, folder / f"{colour}.img"
    files.mkdir()
    Image.new("RGB", (640, 360), COLOURS[colour]).save(files / "1 picture.png")
    with image.open("wb") as out:
        out.truncate(64 * 2**20)
    if fat:
        commands = (["mformat", "-i", str(image), "-F", "::"], ["mcopy", "-i", str(image), str(files / "1 picture.png"), "::"])
    else:
        commands = (["mke2fs", "-q", "-t", "ext4", "-d", str(files), str(image)],)
    for command in commands:
        subprocess.run(command, check=True, timeout=60)
    return image


def shows(machine: Machine, colour: str) -> bool:
    """Whether the middle of the panel has that colour."""
    seen = machine.keep(f"stick-{colour}").getpixel((SIZE[0] // 2, SIZE[1] // 2))
    return all(abs(a - b) < 24 for a, b in zip(seen, COLOURS[colour], strict=True))


@pytest.mark.parametrize(("colour", "fat"), [("red", True), ("lime", False)], ids=["vfat", "ext4"])
def test_a_stick_is_shown_when_it_is_plugged_in_and_no_more_when_it_is_out(
    machine: Machine, tmp_path: Path, colour: str, fat: bool
) -> None:
    began = time.monotonic()
    machine.plug_stick(stick(tmp_path, colour, fat=fat))
    machine.wait(lambda: shows(machine, colour), f"what is on the stick, in {colour}", SLOW)
    print(f"{colour}: {time.monotonic() - began:.0f} s from the plug to the picture")
    _, _, options = machine.sh(MOUNTED).partition(" ")
    assert {"ro", "noexec", "nosuid", "nodev"} <= set(options.split(",")), options
    assert status(machine)["state"] == "playing"
    machine.pull_stick()
    machine.wait(lambda: "no_folder" in faults(machine), "the stick to be missed", SLOW)
    machine.wait(lambda: not shows(machine, colour), "its content to go", SLOW)
    machine.wait(lambda: machine.try_sh(MOUNTED)[0] != 0, "its place to be given up", SLOW)


def test_another_stick_is_shown_in_its_place_and_what_is_no_content_is_told(machine: Machine, tmp_path: Path) -> None:
    image = stick(tmp_path, "blue", fat=True)
    (tmp_path / "notes.xyz").write_text("no content")
    subprocess.run(["mcopy", "-i", str(image), str(tmp_path / "notes.xyz"), "::"], check=True, timeout=60)
    machine.plug_stick(image)
    machine.wait(lambda: shows(machine, "blue"), "what is on the other stick", SLOW)
    machine.wait(lambda: "unsupported_type" in faults(machine), "what is no content to be told", SLOW)
    assert "no_folder" not in faults(machine)
