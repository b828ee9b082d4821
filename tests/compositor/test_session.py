"""Choosing backend and renderer, sway's configuration, and becoming sway."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from player.compositor.session import choose_backend, prepare_session, read_info
from player.compositor.sway import Sway
from player.errors import BoxError
from tests.conftest import SCREEN
from tests.fakes.running import eventually

HERE = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
ME = os.geteuid() or 1


@pytest.fixture
def dri(tmp_path: Path) -> Path:
    """A graphics card that can draw, as /dev/dri shows it."""
    folder = tmp_path / "dri"
    folder.mkdir()
    (folder / "card0").touch()
    (folder / "renderD128").touch()
    return folder


def prepare(runtime_dir, dri=Path("/nonexistent"), **given):
    return prepare_session(runtime_dir, **{"kept_in": runtime_dir, "environment": HERE, "uid": os.geteuid(), "dri": dri} | given)


def test_a_graphics_card_is_drawn_on_through_seatd_by_gles2(runtime_dir, dri):
    launch = prepare(runtime_dir, dri)
    assert (launch.backend, launch.choice.renderer) == ("drm", "gles2")
    assert launch.environment["WLR_BACKENDS"] == "drm,libinput"
    assert launch.environment["LIBSEAT_BACKEND"] == "seatd"
    text = (runtime_dir / "sway.conf").read_text()
    assert "input type:keyboard events disabled" in text
    assert "mode" not in text


def test_a_size_on_a_panel_is_one_of_its_modes_and_without_a_panel_a_custom_one(runtime_dir, dri):
    prepare(runtime_dir, dri, size="1920x1080", orientation="portrait")
    text = (runtime_dir / "sway.conf").read_text()
    assert "output * mode 1920x1080\n" in text
    assert "output * transform 90\n" in text
    prepare(runtime_dir, backend="headless")
    assert "output * mode --custom 1920x1080\n" in (runtime_dir / "sway.conf").read_text()


def test_a_box_that_has_shown_nothing_of_its_own_begins_with_the_installers_picture(runtime_dir, tmp_path):
    kept, drawn = tmp_path / "kept", tmp_path / "picture.png"
    kept.mkdir()
    drawn.write_bytes(b"drawn at the installation")
    installed = {"backend": "headless", "kept_in": kept, "environment": HERE | {"SIGNAGE_PICTURE": str(drawn)}}
    assert prepare(runtime_dir, **installed).environment["SIGNAGE_BEHIND"] == "-i idle.png -m fill"
    assert (runtime_dir / "idle.png").read_bytes() == b"drawn at the installation"
    (runtime_dir / "idle.png").unlink()
    (kept / "idle.png").write_bytes(b"its own")
    prepare(runtime_dir, **installed)
    assert (runtime_dir / "idle.png").read_bytes() == b"its own"


def test_a_window_in_x11_is_as_wide_as_a_screen(runtime_dir, dri):
    assert prepare(runtime_dir, dri, environment=HERE | {"DISPLAY": "elsewhere:0"}).backend == "x11"
    assert "output * mode --custom 1280x720\n" in (runtime_dir / "sway.conf").read_text()


def test_the_configured_mode_goes_before_the_size_and_the_scale_is_always_said(runtime_dir, dri):
    prepare(runtime_dir, dri, size="1280x720", mode="1920x1080@50", scale=1.5)
    text = (runtime_dir / "sway.conf").read_text()
    assert "output * mode 1920x1080@50Hz\n" in text
    assert "output * scale 1.5\n" in text
    prepare(runtime_dir, backend="headless", mode="1024x768")
    text = (runtime_dir / "sway.conf").read_text()
    assert "output * mode --custom 1024x768\n" in text
    assert "output * scale 1\n" in text


def test_inside_a_wayland_session_it_is_nested_and_finds_the_outer_socket_from_its_own_folder(runtime_dir, dri):
    with socket.socket(socket.AF_UNIX) as outer:
        outer.bind(str(runtime_dir / "wayland-9"))
        session = HERE | {"XDG_RUNTIME_DIR": str(runtime_dir), "WAYLAND_DISPLAY": "wayland-9", "DISPLAY": ":0"}
        launch = prepare(runtime_dir / "stage", dri, environment=session)
    assert launch.backend == "wayland"
    assert launch.environment["WAYLAND_DISPLAY"] == str(runtime_dir / "wayland-9")
    assert launch.environment["XDG_RUNTIME_DIR"] == str(runtime_dir / "stage")


def test_x11_is_used_when_its_display_is_another_machine_or_has_a_socket_here():
    assert choose_backend("auto", {"DISPLAY": "desk:10.0"}) == "x11"
    assert choose_backend("auto", {"DISPLAY": ":4711"}, Path("/nonexistent")) == "headless"


def test_a_stale_wayland_display_counts_for_nothing(runtime_dir):
    session = {"XDG_RUNTIME_DIR": str(runtime_dir), "WAYLAND_DISPLAY": "wayland-9"}
    assert choose_backend("auto", session, Path("/nonexistent")) == "headless"


def test_nothing_to_draw_on_is_an_error_with_its_remedy(runtime_dir):
    with pytest.raises(BoxError, match=r'no graphics card .* set stage.backend = "headless"'):
        prepare(runtime_dir, backend="sway")
    with pytest.raises(BoxError, match=r'"none" uses none'):
        prepare(runtime_dir, backend="none")


def test_root_is_refused_with_a_sentence(runtime_dir):
    with pytest.raises(BoxError, match="does not run as root; start the player as the user signage"):
        prepare(runtime_dir, uid=0)


def test_sway_that_is_not_installed_is_said_with_the_command_that_installs_it(runtime_dir):
    with pytest.raises(BoxError, match="apt install sway"):
        prepare(runtime_dir, environment={"PATH": "/nonexistent"})


def test_x3_the_folder_is_made_private_and_one_of_somebody_else_is_refused(runtime_dir):
    prepare(runtime_dir / "stage")
    assert stat.S_IMODE((runtime_dir / "stage").stat().st_mode) == 0o700
    (runtime_dir / "open").mkdir(mode=0o755)
    prepare(runtime_dir / "open")
    assert stat.S_IMODE((runtime_dir / "open").stat().st_mode) == 0o700
    with pytest.raises(BoxError, match="belongs to somebody else"):
        prepare(runtime_dir / "stage", uid=os.geteuid() + 1)
    (runtime_dir / "link").symlink_to(runtime_dir / "stage")
    with pytest.raises(BoxError, match="belongs to somebody else"):
        prepare(runtime_dir / "link")


def test_x2_secrets_and_systemd_stay_out_of_the_environment(runtime_dir):
    secret = HERE | {"SIGNAGE__CMS__TOKEN": "s3cret", "NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "1"}
    environment = prepare(runtime_dir, environment=secret).environment
    assert not {"SIGNAGE__CMS__TOKEN", "NOTIFY_SOCKET", "WATCHDOG_USEC"} & set(environment)


def test_what_an_earlier_compositor_left_is_removed(runtime_dir):
    for name in ("wayland-1", "wayland-1.lock", "sway.sock", "compositor.json", "first_frame"):
        (runtime_dir / name).touch()
    prepare(runtime_dir)
    assert sorted(path.name for path in runtime_dir.iterdir()) == ["starts.json", "sway.conf"]


@pytest.mark.stage
async def test_the_entry_becomes_sway_quickly_and_announces_it(runtime_dir):
    stage = {"SIGNAGE__STAGE__BACKEND": "headless", "SIGNAGE__STAGE__RUNTIME_DIR": str(runtime_dir)}
    stage |= {"SIGNAGE__STORAGE__STATE_DIR": str(runtime_dir), "SIGNAGE__STORAGE__RUNTIME_DIR": str(runtime_dir)}
    code = (
        "import sys\nfrom player.cms import KINDS\nfrom player.dirs import resolve_dirs\n"
        "from player.config_reader import load\nfrom player.compositor.session import main\n"
        "config = load(None, KINDS)\ndirs = resolve_dirs(config)\n"
        "heavy = {'asyncio', 'aiohttp', 'pydantic', 'PIL', 'player.runtime'} & set(sys.modules)\nassert not heavy, heavy\n"
        "main(config, dirs)"
    )
    began = time.time()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=HERE | stage, stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(20):
            assert b"sway on headless, drawn by pixman: no panel is drawn on" in await process.stderr.readline()
            while (info := read_info(runtime_dir / "compositor.json")) is None:  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.01)
        ended = time.time()
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
    assert (info.backend, info.renderer, info.why) == ("headless", "pixman", "no panel is drawn on")
    assert not (runtime_dir / "sway.sock").exists(), "one that ends in order removes it: that is how a death is told"
    assert Path(info.wayland_display).parent == runtime_dir
    assert began <= info.started_at <= ended, "the time when sway took over"


@pytest.mark.stage
async def test_the_first_frame_is_noted_where_gles2_is_judged_by_it_and_a_killed_sway_leaves_its_socket(runtime_dir):
    launch = prepare(runtime_dir, backend="headless")
    judged = launch.environment | {"SIGNAGE_RENDERER": "gles2"}
    process = await asyncio.create_subprocess_exec(*launch.argv, env=judged, stderr=asyncio.subprocess.DEVNULL)
    try:
        await eventually((runtime_dir / "first_frame").exists, 10)
    finally:
        process.kill()
        await process.wait()
    assert (runtime_dir / "sway.sock").exists()


@pytest.mark.stage
async def test_inside_another_sway_the_nested_one_fills_the_window_that_it_is_given(headless_sway, sway, look, runtime_dir):
    outer = HERE | {"XDG_RUNTIME_DIR": str(runtime_dir), "WAYLAND_DISPLAY": sway.session.wayland_display}
    Image.new("RGB", (40, 40), "blue").save(runtime_dir / "idle.png")
    (runtime_dir / "inner").mkdir(mode=0o700)
    (runtime_dir / "idle.png").rename(runtime_dir / "inner" / "idle.png")
    launch = prepare(runtime_dir / "inner", environment=outer)
    process = await asyncio.create_subprocess_exec(*launch.argv, env=launch.environment, stderr=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(20), await Sway.connect(runtime_dir / "inner" / "sway.sock", 10) as inner:
            assert inner.session.backend == "wayland"
            assert [output.mode[:2] for output in await inner.outputs()] == [SCREEN]
            while (await look()).getpixel((640, 360)) != (0, 0, 255):  # noqa: ASYNC110 - the screen has no event
                await asyncio.sleep(0.03)
    finally:
        process.terminate()
        await process.wait()
