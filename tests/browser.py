"""A Chromium without a window, for pages of our own: their scripts run, keys are pressed, and what is there is read back."""

from __future__ import annotations

import asyncio
import contextlib
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from player.runtime.systemd import child_environment
from player.stage.web.cdp import MESSAGE_LIMIT, Cdp
from player.stage.web.chromium import find_browser
from tests.fakes.way_out import STRAIGHT

_PIPE = 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null'  # Chromium reads commands at 3 and answers at 4
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run")
KEY_CODES = {"Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40, "Tab": 9, "Home": 36, "End": 35}


class Tab:
    """One tab."""

    def __init__(self, cdp: Cdp, session: str) -> None:
        self._cdp, self._session = cdp, session

    async def open(self, address: str) -> None:
        """Goes there, and waits until the page's own scripts have begun."""
        await self.do("Page.navigate", url=address)
        await self.until("document.readyState === 'complete'")

    async def do(self, method: str, **params: Any) -> dict[str, Any]:
        """A call of the debugging protocol."""
        return await self._cdp.call(method, self._session, **params)

    async def ask(self, script: str) -> Any:
        """What an expression, or a promise, comes to. Fails with what the script threw."""
        found = await self.do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def until(self, script: str, within_s: float = 15.0) -> Any:
        """The first value of an expression that is true."""
        async with asyncio.timeout(within_s):
            while True:
                if found := await self.ask(script):
                    return found
                await asyncio.sleep(0.05)

    async def press(self, key: str) -> None:
        """A key of the keyboard, by its name in the DOM."""
        about = {"key": key, "code": key, "windowsVirtualKeyCode": KEY_CODES[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        await self.do("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        await self.do("Input.dispatchKeyEvent", type="keyUp", **about)

    async def size(self, width: int, height: int = 800, *, dark: bool = False) -> None:
        """The size of the window in CSS pixels, and which colours are preferred."""
        await self.do("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        await self.do("Emulation.setEmulatedMedia", features=scheme)

    async def picture(self) -> bytes:
        """The whole page as PNG."""
        return b64decode((await self.do("Page.captureScreenshot", captureBeyondViewport=True))["data"])


@contextlib.asynccontextmanager
async def tab(folder: Path) -> AsyncIterator[Tab]:
    """A browser of its own with one empty tab; its profile lies in `folder`."""
    command = [find_browser("auto"), *_FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", _PIPE, "sh", *command, env=child_environment(STRAIGHT) | {"HOME": str(folder)}, limit=MESSAGE_LIMIT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    cdp = Cdp(process.stdout, process.stdin, deadline_s=20.0)
    try:
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(cdp.listen(), name="browser")
            targets = (await cdp.call("Target.getTargets"))["targetInfos"]
            target = next(one["targetId"] for one in targets if one["type"] == "page")
            session = (await cdp.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
            yield Tab(cdp, session)
            listening.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
