"""The curtain of a boot: which panels it draws for, that it is there before its compositor, and what a failure costs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from player.compositor import ahead
from player.compositor.session import prepare_session
from player.compositor.still_file import HEAD, IDLE, RECORD, read_record
from tests.conftest import SCREEN
from tests.fakes.running import eventually

LIME = (0, 255, 0)


def connector(drm: Path, name: str, status: str = "connected", modes: str = "1280x720\n640x480\n") -> None:
    (drm / name).mkdir(parents=True)
    (drm / name / "status").write_text(f"{status}\n")
    (drm / name / "modes").write_text(modes)


def test_a_panel_has_the_mode_of_its_own_choice_or_the_one_that_is_configured(tmp_path: Path) -> None:
    connector(tmp_path, "card0-HDMI-A-1", modes="1920x1080i\n")
    connector(tmp_path, "card1-DP-2")
    connector(tmp_path, "card1-DP-3", "disconnected")
    connector(tmp_path, "card1-Virtual-1", modes="")
    (tmp_path / "card1").mkdir()
    assert ahead.connected(tmp_path, "") == {"HDMI-A-1": (1920, 1080), "DP-2": (1280, 720)}
    assert ahead.connected(tmp_path, "800x600@50")["DP-2"] == (800, 600)


def test_the_picture_fills_each_panel_and_is_left_as_what_was_shown_last(tmp_path: Path) -> None:
    drawn = Image.new("RGB", (40, 40), "blue")
    drawn.paste("red", (0, 10, 40, 30))
    drawn.save(tmp_path / IDLE)
    ahead.hang_up(tmp_path, tmp_path / IDLE, {"A": (64, 32), "B": (8, 8)})
    record = read_record(tmp_path)
    assert record.shows == "still"
    assert {name: (still.width, still.height) for name, still in record.panels.items()} == {"A": (64, 32), "B": (8, 8)}
    content = (tmp_path / record.panels["A"].file).read_bytes()[HEAD:]
    assert len(content) == 64 * 32 * 4
    assert content[4 * 64 * 4 : 5 * 64 * 4] == bytes((0, 0, 255, 0)) * 64, "what does not fit is cut off, nothing is squeezed"
    with Image.open(tmp_path / record.panels["B"].file) as readable:
        assert readable.convert("RGB").getpixel((0, 0)) == (0, 0, 255)


def test_where_no_panel_is_there_nothing_is_begun(tmp_path: Path) -> None:
    connector(tmp_path / "drm", "card0-HDMI-A-1", "disconnected")
    Image.new("RGB", (4, 4)).save(tmp_path / IDLE)
    assert ahead.begin(os.environ | {"XDG_RUNTIME_DIR": str(tmp_path), "SIGNAGE_PID": "0"}, "", tmp_path / "drm") == 0
    assert not (tmp_path / RECORD).exists()


def test_without_a_picture_the_compositor_does_not_wait(tmp_path: Path) -> None:
    connector(tmp_path / "drm", "card0-HDMI-A-1")
    assert ahead.begin(os.environ | {"XDG_RUNTIME_DIR": str(tmp_path), "SIGNAGE_PID": "0"}, "", tmp_path / "drm") == 0
    assert not read_record(tmp_path).panels


@contextlib.contextmanager
def process(*words: str, environment: dict[str, str]) -> Iterator[int]:
    """A program's process id; it is killed in the end."""
    with subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL) as started:
        try:
            yield started.pid
        finally:
            started.kill()


@pytest.mark.stage
async def test_it_is_there_before_sway_and_what_follows_it_shows_the_same(runtime_dir: Path, tmp_path: Path) -> None:
    Image.new("RGB", SCREEN, LIME).save(runtime_dir / IDLE)
    connector(tmp_path, "card0-HEADLESS-1")
    size, uid = f"{SCREEN[0]}x{SCREEN[1]}", os.geteuid()
    launch = prepare_session(runtime_dir, kept_in=runtime_dir, backend="headless", size=size, environment=os.environ, uid=uid)
    with contextlib.ExitStack() as running:
        waits = running.enter_context(process("sleep", "600", environment=launch.environment))
        begun = ahead.begin(launch.environment | {"SIGNAGE_PID": str(waits)}, "", tmp_path)
        assert begun > 0
        assert [still.width for still in read_record(runtime_dir).panels.values()] == [SCREEN[0]]
        itself = ("sh", "-c", 'SIGNAGE_PID=$$ exec "$@"', "sh", *launch.argv)
        sway = running.enter_context(process(*itself, environment=launch.environment | {"SIGNAGE_AHEAD": str(begun)}))
        await eventually((runtime_dir / "compositor.json").exists, 20)
        await eventually(lambda: middle(runtime_dir) == LIME, 20)
        assert shows_swaybg(sway) == 0
        os.kill(begun, signal.SIGKILL)
        await eventually(lambda: shows_swaybg(sway) == 1, 20)
        await eventually(lambda: middle(runtime_dir) == LIME, 20)


def middle(folder: Path) -> tuple[int, ...]:
    """What the screen shows there; () while no picture can be had."""
    display = next((path.name for path in folder.glob("wayland-?")), "")
    environment = os.environ | {"XDG_RUNTIME_DIR": str(folder), "WAYLAND_DISPLAY": display}
    picture = folder / "seen.ppm"
    grim = ("grim", "-t", "ppm", str(picture))
    if subprocess.run(grim, check=False, env=environment, capture_output=True, timeout=20).returncode:
        return ()
    with Image.open(picture) as seen:
        found = seen.getpixel((seen.width // 2, seen.height // 2))
        assert isinstance(found, tuple)
        return found


def shows_swaybg(sway: int) -> int:
    """How many of them that compositor started."""
    found = 0
    for started in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_one = (started / "comm").read_text() == "swaybg\n"
            found += is_one and f"SIGNAGE_PID={sway}\0" in (started / "environ").read_text()
    return found
