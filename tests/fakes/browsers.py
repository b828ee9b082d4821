"""A real browser on a real compositor without hardware, as tests of pages and applets have them."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from player.compositor.sway import Sway
from player.core.page_memory import page_memory
from player.runtime.tasks import Latest, keep_running
from player.stage.web.browser import BrowserProcess
from tests.conftest import running_sway
from tests.fakes.faults import fault_page
from tests.fakes.wall import not_known
from tests.fakes.way_out import STRAIGHT

MEMORY = page_memory(256 * 1024 * 1024, installed=1 << 40)


def browser_process(runtime: Path, display: str, **given: Any) -> BrowserProcess:
    """The real one: drawn in software, in its sandbox but on no island, straight to the network, and always needed."""
    options: dict[str, Any] = {
        "way_out": Latest(STRAIGHT), "faults": fault_page(), "door": None, "program": "auto", "gpu": False, "sandbox": True,
        "why": not_known, "admit": None, "needed": lambda: True, "memory": MEMORY,
    }  # fmt: skip
    return BrowserProcess(runtime, display, **(options | given))


@contextlib.asynccontextmanager
async def running_browser(load_s: float) -> AsyncIterator[tuple[Sway, BrowserProcess, Path]]:
    """Compositor, browser and their folder; a page has `load_s` seconds to be drawn."""
    with tempfile.TemporaryDirectory(prefix="s-", ignore_cleanup_errors=True) as name, running_sway(Path(name)) as socket:
        async with await Sway.connect(socket, 30) as sway:
            browser = browser_process(Path(name), sway.session.wayland_display, load_s=load_s)
            running = asyncio.ensure_future(keep_running("browser", browser.run))
            yield sway, browser, Path(name)
            running.cancel()
            await asyncio.wait([running])
