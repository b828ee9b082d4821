"""With plymouth the player's picture is on the panel from the initramfs on, and while the machine goes down."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.quiet_boot import quieted
from tests.system.machine import Machine, installed_image
from tests.system.panel import Seen, is_console

pytestmark = [pytest.mark.root, pytest.mark.nightly, pytest.mark.timeout(3600)]
PLYMOUTH = "apt-get -q update; apt-get -q install -y --no-install-recommends plymouth"
CONFIG = '[stage]\nrenderer = "pixman"\n'
MANY = 1000  # colours: more than any console or plain ground has
UNITS = "signage-compositor signage-stage signage-agent"


def has_picture(one: Seen) -> bool:
    return len(one.picture.getcolors(1 << 24) or ()) > MANY


def test_the_players_picture_is_there_before_its_services_and_nothing_of_the_system_ever(tmp_path: Path) -> None:
    image = installed_image("bookworm", tmp_path, CONFIG, PLYMOUTH, "--quiet-boot")
    with Machine(tmp_path, image) as machine:
        machine.boot(words=quieted("", splash=True))
        early = machine.watch("splash-boot", machine.answers, 600)  # the shell is there before the player's services
        seen = early + machine.watch(
            "splash-up", lambda: machine.try_sh(f"systemctl is-active {UNITS}")[1].split() == ["active"] * 3, 600
        )
        assert [one.path for one in early if has_picture(one)], "the picture was not there early"
        assert [one.path for one in seen if is_console(one.picture)] == []
        assert machine.sh("plymouth-set-default-theme") == "signage-player"
        assert machine.sh("systemctl --failed --no-legend") == ""
        machine.sh("systemctl --no-block poweroff")
        seen = machine.watch("splash-off", lambda: False, 300, 0.1)
        assert [one.path for one in seen if is_console(one.picture)] == []
