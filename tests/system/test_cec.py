"""The kernel's own CEC: an emulated machine in which `vivid` is both the panel and the player's output (see `cec_guest`).

No player is installed there: a Debian with a kernel, Python and this source is enough. Needs root.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.install.container import ROOT, in_chroot
from tests.system.machine import bare_tree

pytestmark = [pytest.mark.root, pytest.mark.nightly, pytest.mark.timeout(1800)]
HDMI_INPUT = 3  # of vivid's inputs
SCRIPT = f"""
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
modprobe vivid
PYTHONPATH=/src PYTHONDONTWRITEBYTECODE=1 python3 -B /src/cec_guest.py {HDMI_INPUT}
echo o > /proc/sysrq-trigger
sleep 20
"""


def booted(folder: Path) -> str:
    """What the machine said on its serial line, from its boot until it switched itself off."""
    tree, disk = folder / "tree", folder / "disk.img"
    subprocess.run(["cp", "-a", str(bare_tree("bookworm")), str(tree)], check=True, timeout=600)
    in_chroot(tree, "apt-get -q update && apt-get -q install -y --no-install-recommends python3 kmod", 1200, {})
    shutil.copytree(ROOT / "player", tree / "src/player", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(__file__).with_name("cec_guest.py"), tree / "src")
    (tree / "run.sh").write_text(SCRIPT)
    with disk.open("wb") as out:
        out.truncate(3 * 2**30)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(tree), str(disk)], check=True, timeout=600)
    kernel, initrd = (next((tree / "boot").glob(f"{name}-*")) for name in ("vmlinuz", "initrd.img"))
    command = [
        "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "1024", "-no-user-config", "-display", "none",
        "-vga", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot", "-kernel", str(kernel), "-initrd", str(initrd),
        "-append", "root=/dev/vda rw quiet console=ttyS0 init=/bin/sh -- /run.sh",
        "-drive", f"file={disk},format=raw,if=virtio",
    ]  # fmt: skip
    said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=True).stdout
    subprocess.run(["rm", "-rf", "--one-file-system", str(tree), str(disk)], check=True, timeout=300)
    return said


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    said = booted(tmp_path_factory.mktemp("cec"))
    lines = [line.removeprefix("found:") for line in said.splitlines() if line.startswith("found:")]
    assert lines, said
    answer: dict[str, Any] = json.loads(lines[0])
    return answer


def test_a_panel_is_woken_shown_this_input_asked_and_says_so(found: dict[str, Any]) -> None:
    assert found["on"]["heard"][-3:] == ["40 04", "4f 82 10 00", "40 8f"]
    assert found["on"]["words"].endswith("told the panel to switch on; it says that it is switching on")
    assert found["on"]["confirmed"] is True


def test_a_panel_is_sent_to_standby_and_says_so(found: dict[str, Any]) -> None:
    assert found["off"]["heard"] == ["40 36", "40 8f"]
    assert (found["off"]["words"].rpartition("; ")[2], found["off"]["confirmed"]) == ("it says that it is in standby", True)


def test_another_input_is_asked_for_and_not_confirmed(found: dict[str, Any]) -> None:
    assert (found["hdmi 2"]["heard"], found["hdmi 2"]["confirmed"]) == (["4f 82 20 00"], False)


def test_without_edid_the_kernel_still_carries_the_waking_to_the_line(found: dict[str, Any]) -> None:
    """This panel is deaf without it, so nobody acknowledges; the kernel did not refuse ("no panel is connected")."""
    assert found["without EDID"].endswith("the panel does not answer; switch CEC on in its menu")
