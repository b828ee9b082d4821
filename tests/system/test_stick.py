"""A shop without a server: USB sticks that are plugged into a booted device, and pulled out of it, as the panel shows it.

What lies on a stick is shown, read-only, whichever of the usual file systems it has; seconds are an emulated processor's.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.system.device import QUIET, SLOW, Device
from tests.system.machine import Machine, installed_image

pytestmark = [pytest.mark.root, pytest.mark.nightly, pytest.mark.timeout(3600)]
CONFIG = '[stage]\nrenderer = "pixman"\n\n[cms]\nkind = "folder"\n\n[folder]\nusb = true\n'
COLOURS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255)}
MOUNTED = "findmnt -rno TARGET,OPTIONS -t vfat,ext4 | grep ^/run/signage-player/usb/"


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    """A device that shows whatever stick is in, booted, with none in it."""
    folder = tmp_path_factory.mktemp("stick")
    with Machine(folder, installed_image("bookworm", folder, CONFIG)) as machine:
        found = Device(machine)
        machine.boot(words=QUIET)
        machine.wait(lambda: "no_folder" in found.faults(), "a player that misses its stick", 2 * SLOW)
        yield found


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


def shows(device: Device, colour: str) -> bool:
    """Whether that is what the panel shows."""
    return device.has_in_the_middle(COLOURS[colour], f"stick-{colour}")


@pytest.mark.parametrize(("colour", "fat"), [("red", True), ("lime", False)], ids=["vfat", "ext4"])
def test_a_stick_is_shown_when_it_is_plugged_in_and_no_more_when_it_is_out(
    device: Device, tmp_path: Path, colour: str, fat: bool
) -> None:
    machine = device.machine
    began = time.monotonic()
    machine.plug_stick(stick(tmp_path, colour, fat=fat))
    machine.wait(lambda: shows(device, colour), f"what is on the stick, in {colour}", SLOW)
    print(f"{colour}: {time.monotonic() - began:.0f} s from the plug to the picture")
    _, _, options = machine.sh(MOUNTED).partition(" ")
    assert {"ro", "noexec", "nosuid", "nodev"} <= set(options.split(",")), options
    assert device.status()["state"] == "playing"
    machine.pull_stick()
    machine.wait(lambda: "no_folder" in device.faults(), "the stick to be missed", SLOW)
    machine.wait(lambda: not shows(device, colour), "its content to go", SLOW)
    machine.wait(lambda: machine.try_sh(MOUNTED)[0] != 0, "its place to be given up", SLOW)


def test_another_stick_is_shown_in_its_place_and_what_is_no_content_is_told(device: Device, tmp_path: Path) -> None:
    image = stick(tmp_path, "blue", fat=True)
    (tmp_path / "notes.xyz").write_text("no content")
    subprocess.run(["mcopy", "-i", str(image), str(tmp_path / "notes.xyz"), "::"], check=True, timeout=60)
    device.machine.plug_stick(image)
    device.machine.wait(lambda: shows(device, "blue"), "what is on the other stick", SLOW)
    device.machine.wait(lambda: "unsupported_type" in device.faults(), "what is no content to be told", SLOW)
    assert "no_folder" not in device.faults()
