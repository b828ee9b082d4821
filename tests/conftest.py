"""What every test may ask for: a runtime folder, a real headless sway, and a look at its screen."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from player.compositor.session import prepare_session
from player.compositor.sway import Sway
from tests.fakes.measured import AGAIN
from tests.fakes.running import ENDS_WITH_US

SCREEN = (1280, 720)
Look = Callable[[], Awaitable[Image.Image]]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What uses real parts of a machine that others share is measured again when it fails, once; the summary names it as RERUN.

    What is pure judges at once, and so does `scripts/test --repeat`, which is there to find the unsteady.
    """
    if config.pluginmanager.hasplugin("rerunfailures"):
        for item in items:
            if Path(__file__).parent / "core" not in item.path.parents:
                item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names what was measured more than once in a test that passed."""
    for line in AGAIN:
        terminalreporter.write_line(f"MEASURED AGAIN {line}")


@pytest.fixture
def runtime_dir() -> Iterator[Path]:
    """A folder of mode 0700 with a path short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="s-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running_sway(folder: Path) -> Iterator[Path]:
    """A real sway without hardware, 1280x720; gives the path of its IPC socket. `sway.log` and `sway.pid` lie beside it."""
    size = f"{SCREEN[0]}x{SCREEN[1]}"
    launch = prepare_session(folder, kept_in=folder, backend="headless", size=size, environment=os.environ, uid=os.geteuid())
    itself = (*ENDS_WITH_US, "sh", "-c", 'SIGNAGE_PID=$$ exec "$@"', "sh", *launch.argv)  # what sway starts ends with it
    with (folder / "sway.log").open("wb") as log, subprocess.Popen(itself, env=launch.environment, stderr=log) as process:
        (folder / "sway.pid").write_text(str(process.pid))
        try:
            yield folder / "sway.sock"
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture
def headless_sway(runtime_dir: Path) -> Iterator[Path]:
    """`running_sway` in `runtime_dir`."""
    with running_sway(runtime_dir) as socket:
        yield socket


@pytest.fixture
async def sway(headless_sway: Path) -> AsyncIterator[Sway]:
    """The compositor's port, connected to `headless_sway`."""
    async with await Sway.connect(headless_sway, 30) as compositor:
        yield compositor


def looking(sway: Sway, folder: Path) -> Look:
    """What takes a picture of the whole screen."""

    async def take() -> Image.Image:
        path = folder / "look.ppm"
        await sway.screenshot(path)
        with Image.open(path) as picture:
            return picture.convert("RGB")

    return take


@pytest.fixture
def look(sway: Sway, runtime_dir: Path) -> Look:
    """Takes a picture of the whole screen: `picture = await look()`."""
    return looking(sway, runtime_dir)
