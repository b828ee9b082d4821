"""The installer on an arm64 Debian, every instruction emulated: in a chroot, examined, and a picture from a screen in memory.

It needs the kernel's binfmt_misc, which hands a foreign program to qemu-user, and takes an hour; where either is missing it
is left out, with the reason (`conftest`). There is no graphics card and no systemd: what is seen is that every package and wheel is
found or built, that the pure tests hold on that processor, and that mpv, sway and the player draw there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.install.container import Container

pytestmark = [pytest.mark.root, pytest.mark.nightly, pytest.mark.arm64, pytest.mark.timeout(7200)]
CONFIG = '[stage]\nbackend = "headless"\nsize = "640x360"\n'
AS_PLAYER = "setpriv --reuid signage --regid signage --init-groups --"
TESTS = "pytest|pytest-[a-z]+|coverage|hypothesis|sortedcontainers|attrs|iniconfig|packaging|pluggy|pygments"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A tree of that processor with the player installed; nothing runs in it."""
    with Container("bookworm", tmp_path_factory.mktemp("arm64"), architecture="arm64").made() as container:
        container.in_chroot(f"mkdir -p /etc/signage-player && printf '%s' '{CONFIG}' > /etc/signage-player/config.toml")
        container.in_chroot("/src/scripts/install --no-start", timeout_s=5400)
        yield container


def test_every_wheel_is_found_or_built(board: Container) -> None:
    said = board.in_chroot("uname -m; /opt/signage-player/venv/bin/python -m pip check; signage-player --version", 300)
    assert said.splitlines()[0] == "aarch64"
    assert "No broken requirements" in said


def test_doctor_finds_what_the_player_needs(board: Container) -> None:
    said = board.in_chroot("signage-player doctor --json || true", 300)
    found = {finding["ability"]: finding["result"] for finding in json.loads(said[said.index("[") :])}
    assert {found[name] for name in ("account", "compositor", "video", "decoders", "browser")} == {"passed"}, found


def test_the_pure_tests_hold_there(board: Container) -> None:
    board.in_chroot(
        f"""python3 -m venv --system-site-packages /root/tests; . /root/tests/bin/activate
        awk '/^[a-z]/ {{ keep = ($0 ~ /^({TESTS})(\\[[a-z]*\\])?==/) }} keep' /src/scripts/requirements-dev.lock > /root/lock
        pip install -q --no-deps --require-hashes -r /root/lock
        export PYTHONPATH=/opt/signage-player/venv/lib/python3.11/site-packages
        cd /src && python -m pytest -q -p no:cacheprovider -o timeout=1800 tests/core""",
        3600,
    )


def test_a_picture_is_drawn_on_a_screen_in_memory(board: Container) -> None:
    board.in_chroot(
        f"""export SIGNAGE__STORAGE__STATE_DIR=/var/lib/signage-player SIGNAGE__STORAGE__CACHE_DIR=/var/cache/signage-player
        export SIGNAGE__STORAGE__RUNTIME_DIR=/run/signage-player SIGNAGE__STAGE__RUNTIME_DIR=/run/signage-stage
        install -d -m 755 -o signage -g signage /run/signage-player; chown signage: /run/signage-stage
        {AS_PLAYER} /opt/signage-player/venv/bin/signage-player run > /root/run.log 2>&1 &
        for try in $(seq 120); do
          sleep 5; signage-player screenshot /root/screen.png && break
        done; kill %1; wait || true
        [ -s /root/screen.png ] || {{ cat /root/run.log; exit 1; }}""",
        1200,
    )
    assert (board.tree / "root/screen.png").read_bytes().startswith(b"\x89PNG")
