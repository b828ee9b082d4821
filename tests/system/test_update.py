"""Updates on a booted device: one that is cut off, a good one, a bad one, and a bad one that is cut off.

Two signed bundles lie on the disk: 7.0 runs, 8.0 ends at its start. What plays is a picture in a folder, red all over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from player import __version__
from tests.install.bundles import SPOILT, TRUST, making
from tests.system.device import QUIET, SLOW, Device
from tests.system.machine import Machine, installed_image
from tests.system.panel import Seen, is_console

pytestmark = [pytest.mark.root, pytest.mark.nightly, pytest.mark.timeout(7200)]
CONFIG = '[stage]\nrenderer = "pixman"\n\n[cms]\nkind = "folder"\n\n[folder]\npath = "/srv/content"\n'
RED = (255, 0, 0)
DRAW = f'from PIL import Image; Image.new("RGB", (640, 360), {RED}).save("/srv/content/1 picture.png")'
AFTERWARDS = f"""
mkdir -p /srv/content
/opt/signage-player/venv/bin/python -P -c '{DRAW}'
({making("7.0")})
({making("8.0", SPOILT)})
{TRUST}
rm -rf /root/made /root/wheels"""
RUNNING = "readlink /opt/signage-player/venv"
HALF_BUILT = """for one in /opt/signage-player/releases/*; do
  [ -e $one/.complete ] || ls -d $one/lib/python3*/site-packages/holidays
done 2>/dev/null | grep -q holidays"""
LEFT = "ls -d /var/tmp/signage-update-* /opt/signage-player/venv.before /opt/signage-player/*.next 2>/dev/null"
BUILDING = 3000.0  # seconds, emulated


class Updated(Device):
    """A device with the two bundles."""

    def begin(self, version: str) -> None:
        """As a service, so that it goes on while somebody looks at the panel."""
        self.machine.sh("systemctl stop update 2>/dev/null; systemctl reset-failed update 2>/dev/null; true")
        self.machine.sh(f"systemd-run -q -u update -p RemainAfterExit=yes signage-player update /root/{version}.bundle")

    def has_ended(self) -> bool:
        return self.machine.sh("systemctl show -P SubState update") in ("exited", "failed")

    def update(self, version: str) -> tuple[str, str, list[Seen]]:
        """The command's exit code, its words, and what was on the panel meanwhile."""
        self.begin(version)
        seen = self.machine.watch(f"update-{version}", self.has_ended, BUILDING)
        return self.machine.sh("systemctl show -P ExecMainStatus update"), self.machine.sh("journalctl -b -u update -o cat"), seen

    def runs(self, version: str) -> bool:
        """Whether that version is up, and its content on the panel."""
        return self.plays() and self.status()["version"] == version and self.has_in_the_middle(RED, f"runs-{version}")


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Updated]:
    """A booted device that shows its folder."""
    folder = tmp_path_factory.mktemp("update")
    image = installed_image("bookworm", folder, CONFIG, afterwards=AFTERWARDS)
    with Machine(folder, image, lossy=int(time.time())) as machine:
        found = Updated(machine)
        machine.boot(words=QUIET)
        machine.wait(lambda: found.runs(__version__), "content on the panel", 2 * SLOW)
        yield found


def cut_and_boot(machine: Machine) -> None:
    machine.cut(while_writing=True)
    print(*machine.cuts[-1:])
    machine.boot(words=QUIET)


def test_a_cut_while_an_update_is_built_leaves_the_version_before(device: Updated) -> None:
    before = device.machine.sh(RUNNING)
    device.begin("7.0")
    device.machine.wait(lambda: device.machine.try_sh(HALF_BUILT)[0] == 0, "the new version to be half built", BUILDING)
    device.machine.wait(lambda: device.runs(__version__), "content on the panel meanwhile", SLOW)
    cut_and_boot(device.machine)
    device.machine.wait(lambda: device.runs(__version__), "content on the panel after the cut", 2 * SLOW)
    assert device.machine.sh(RUNNING) == before
    device.machine.wait(lambda: device.machine.try_sh(LEFT)[1] == "", "what was left of it to be gone", SLOW)
    assert device.machine.sh("systemctl --failed --no-legend") == ""


def test_the_same_update_is_installed_then_and_no_word_is_on_the_panel(device: Updated) -> None:
    code, words, seen = device.update("7.0")
    assert (code, "version 7.0 is installed" in words) == ("0", True), words
    device.machine.wait(lambda: device.runs("7.0"), "the version of the bundle on the panel", SLOW)
    assert [one.path for one in seen if is_console(one.picture)] == []
    assert device.machine.try_sh(LEFT)[1] == ""


def test_u4_a_version_that_does_not_run_is_taken_back(device: Updated) -> None:
    code, words, seen = device.update("8.0")
    assert (code, "the version before is started again" in words) == ("1", True), words
    device.machine.wait(lambda: device.runs("7.0"), "the version before on the panel", SLOW)
    assert [one.path for one in seen if is_console(one.picture)] == []
    assert device.machine.try_sh(LEFT)[1] == ""


def test_u4_a_version_that_does_not_run_is_taken_back_although_the_power_was_cut_before_that_was_known(device: Updated) -> None:
    before = device.machine.sh(RUNNING)
    device.begin("8.0")
    device.machine.wait(lambda: device.machine.sh(RUNNING) != before, "the link to be moved", BUILDING)
    device.machine.sh("sync")
    cut_and_boot(device.machine)
    device.machine.wait(lambda: device.runs("7.0"), "the version before on the panel, after a boot of the bad one", 3 * SLOW)
    assert "the version before is started again" in device.machine.sh("journalctl -b -u signage-trial -o cat")
    assert (device.machine.sh(RUNNING), device.machine.try_sh(LEFT)[1]) == (before, "")
