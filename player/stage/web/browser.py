"""The browser behind web surfaces: one Chromium, spoken to over its debugging pipe (no port), in its own sandbox.

It starts when the first page is wanted and is started again when it dies (`run` belongs under `keep_running`). Every surface is a
window of its own: only `--app=ADDRESS` gives windows without bars whose page fills them to the pixel, and a second call of the
program with the same profile asks the running one for such a window. The address, which loads nothing, is what sets its app_id.
`setpriv --pdeathsig` ends Chromium with the thread that started it, which therefore has to be the event loop's main thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from player.core.egress import WayOut
from player.core.reach import not_known
from player.errors import BoxError
from player.runtime.fault_page import FaultPage
from player.runtime.programs import run_program
from player.runtime.systemd import child_environment
from player.runtime.tasks import Latest
from player.stage.web.authority import trust
from player.stage.web.cdp import MESSAGE_LIMIT, Cdp
from player.stage.web.chromium import PIPED, address, find_browser, flags, memory_limit, name_of
from player.stage.web.guard import Why
from player.stage.web.page import WebPage

log = logging.getLogger(__name__)
START_S, STOP_S = 30.0, 2.0
CLOSE_TRIES = 6
LOAD_S = 25.0  # others play meanwhile; within what the region waits for a page
GIVING_WAY = ("nice", "-n", "10")  # a page that is loaded takes no time from a clip that plays
OOM_SCORE_ADJ = 500  # when memory runs out a page goes, and not the player
_PIPE = 'ulimit -d "$1"; shift; exec "$@" 3<&0 4>&1 </dev/null >/dev/null'  # Chromium reads commands at 3 and answers at 4


class BrowserProcess:
    """Chromium with a fresh profile below `runtime`; `gpu` false draws in software; a page has `load_s` to be drawn;
    `why` is asked where a page did not open.

    It lives in the zone of `way_out`, and starts anew when that is another one. Windows are asked for by `open`,
    which waits for `run`.
    """

    def __init__(
        self,
        runtime: Path,
        wayland_display: str,
        way_out: Latest[WayOut],
        *,
        faults: FaultPage,
        program: str,
        gpu: bool,
        load_s: float = LOAD_S,
        why: Why = not_known,
    ) -> None:
        self._profile, self._display, self._program, self._gpu = runtime / "browser", wayland_display, program, gpu
        self._faults, self._load_s, self._why = faults, load_s, why
        self._latest, self._way_out = way_out, way_out.value  # what it is to be, and with which it was started
        self._user_agent = ""
        self._wanted = asyncio.Event()
        self._up = asyncio.Event()
        self._cdp: Cdp | None = None
        self._pages: dict[str, WebPage] = {}
        self._opening: dict[str, asyncio.Future[str]] = {}
        self._said: deque[str] = deque(maxlen=20)
        self._sandbox, self._was_up = True, False
        self.pid = 0

    def __repr__(self) -> str:
        return f"browser (process {self.pid})" if self.pid else "browser (not running)"

    async def run(self) -> None:
        """Waits until a window is wanted, then runs Chromium until it ends. Raises BoxError when it does."""
        await self._wanted.wait()
        error = await self._run_once()
        if self._sandbox and not self._was_up and any("sandbox" in line.lower() for line in self._said):
            self._give_up_sandbox()
            error = await self._run_once()
        if self._latest.value.zone == self._way_out.zone:
            raise error

    async def open(self, name: str) -> WebPage:
        """A window whose app_id is `app_id(name)`, with a blank page. Raises BoxError."""
        find_browser(self._program)
        self._wanted.set()
        try:
            async with asyncio.timeout(START_S):
                await self._up.wait()
        except TimeoutError as error:
            raise BoxError("browser", f"it did not start within {START_S:g} s; see the stage's log") from error
        cdp = self._cdp
        if cdp is None:
            raise BoxError("browser", "it went away; it is started again by itself")
        target = await self._new_window(name)
        session: str = (await cdp.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = self._pages[target] = WebPage(cdp, target, session, self._load_s, self._user_agent, self._why)
        await page.prepare()
        return page

    async def close(self, page: WebPage) -> None:
        """Closes the window; asks again, since a page that is being left when asked stays."""
        for _ in range(CLOSE_TRIES):
            if self._cdp is None or page.target not in self._pages:
                return
            self._cdp.post("Target.closeTarget", targetId=page.target)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.4):
                    await page.closed.wait()
        self._pages.pop(page.target, None)
        log.warning("browser: the window of target %s did not close", page.target)

    async def _new_window(self, name: str) -> str:
        """Asks the running Chromium for the window and returns its target."""
        opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._opening[address(name)] = opened
        asking = await asyncio.create_subprocess_exec(
            *GIVING_WAY, find_browser(self._program), *self._flags(), f"--app={address(name)}",
            env=self._environment(), stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(START_S):
                return await opened
        except TimeoutError as error:
            raise BoxError("browser", f"the window {name} did not open within {START_S:g} s") from error
        finally:
            del self._opening[address(name)]
            await _end(asking)

    async def _run_once(self) -> BoxError:
        """Runs Chromium from start to end and says why it ended."""
        self._was_up = False
        self._said.clear()
        async with self._started() as process, asyncio.TaskGroup() as group:
            cdp = Cdp(*_pipe(process))
            group.create_task(self._hear(process.stderr), name="browser-stderr")
            listening = group.create_task(cdp.listen(), name="browser-pipe")
            watching = group.create_task(self._end_in_another_zone(process), name="browser-zone")
            try:
                await self._greet(cdp, process.pid)
                await listening
            except BoxError as error:
                log.debug("%s", error)
            finally:
                watching.cancel()
                self._forget()
                await _end(process)
        if self._was_up:
            return BoxError("browser", f"it ended with code {process.returncode}; it is started again")
        return BoxError("browser", f"it ended while starting: {' '.join(self._said)[-300:] or 'it said nothing'}")

    async def _end_in_another_zone(self, process: asyncio.subprocess.Process) -> None:
        while (zone := self._latest.value.zone) == self._way_out.zone:
            await self._latest.wait()
        log.info("browser: it starts again in the time zone %s", zone or "of this system")
        await _end(process)

    async def _greet(self, cdp: Cdp, pid: int) -> None:
        cdp.subscribe("", self._on_event)
        version = await cdp.call("Browser.getVersion", deadline_s=START_S)
        await cdp.call("Target.setDiscoverTargets", discover=True)
        await cdp.call("Browser.setDownloadBehavior", behavior="deny")
        with contextlib.suppress(OSError):
            _give_way(pid)  # not before: Chromium sets its own at the start
        self._cdp, self.pid, self._was_up = cdp, pid, True
        self._up.set()
        log.info("browser: %s runs as process %d", version["product"], pid)

    def _forget(self) -> None:
        self._up.clear()
        self._cdp, self.pid = None, 0
        for opened in self._opening.values():
            if not opened.done():
                opened.set_exception(BoxError("browser", "it ended before the window opened; it is started again"))
        for page in self._pages.values():
            page.fail("browser_gone", "the browser ended")
            page.closed.set()
        self._pages.clear()

    def _give_up_sandbox(self) -> None:
        reason = "pages run without the browser's sandbox, which this system does not allow; allow user namespaces"
        self._sandbox = False
        self._faults.report("", "browser_no_sandbox", reason)

    @contextlib.asynccontextmanager
    async def _started(self) -> AsyncIterator[asyncio.subprocess.Process]:
        program = find_browser(self._program)
        await asyncio.to_thread(shutil.rmtree, self._profile, ignore_errors=True)
        self._profile.mkdir(mode=0o700, parents=True)
        self._way_out = self._latest.value
        await self._trust(self._way_out.ca_file)
        version = await run_program("browser", (program, "--version"), self._environment(), package="chromium", within_s=START_S)
        self._user_agent = name_of(version.said, self._way_out.user_agent)
        process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", *GIVING_WAY, "sh", "-c", _PIPE, "sh", str(memory_limit() // 1024), program,
            *self._flags(), *PIPED, env=self._environment(), limit=MESSAGE_LIMIT, start_new_session=True,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            yield process
        finally:
            await _end(process)

    def _flags(self) -> list[str]:
        return flags(self._profile, self._way_out, self._user_agent, gpu=self._gpu, sandbox=self._sandbox)

    async def _trust(self, ca_file: str) -> None:
        if not ca_file:
            return
        try:
            await trust(self._profile, ca_file)
        except BoxError as error:
            self._faults.report("authority", "page_authority", f"pages do not trust cms.ca_file: {error.reason}")
        else:
            self._faults.clear("authority")

    def _environment(self) -> dict[str, str]:
        ours = child_environment(None)
        folder = str(self._profile)
        ours.setdefault("XDG_RUNTIME_DIR", str(self._profile.parent))  # where sound is found, in a session
        if self._way_out.zone:
            ours["TZ"] = self._way_out.zone
        return ours | {"WAYLAND_DISPLAY": self._display, "HOME": folder,
                       "XDG_CONFIG_HOME": folder, "XDG_CACHE_HOME": folder}  # fmt: skip

    async def _hear(self, stderr: asyncio.StreamReader | None) -> None:
        """Keeps the last lines, for the case that it ends."""
        while stderr is not None and (line := await stderr.readline()):
            self._said.append(line.decode(errors="replace").strip()[:300])

    def _on_event(self, method: str, params: dict[str, Any]) -> None:
        if method == "Target.targetCreated" or method == "Target.targetInfoChanged":
            self._on_target(params["targetInfo"])
        elif method == "Target.targetDestroyed" and (page := self._pages.pop(params["targetId"], None)):
            page.fail("page_closed", "its window closed")
            page.closed.set()

    def _on_target(self, target: dict[str, Any]) -> None:
        opened = self._opening.get(target["url"])
        if target["type"] != "page":
            return
        if target.get("openerId"):  # a page's pop-up: nothing may cover the screen but what the stage shows
            self._close_popup(target["targetId"])
        elif opened is not None and not opened.done():
            opened.set_result(target["targetId"])

    def _close_popup(self, target: str) -> None:
        if self._cdp is not None:
            self._cdp.post("Target.closeTarget", targetId=target)


def _pipe(process: asyncio.subprocess.Process) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if process.stdout is None or process.stdin is None:
        raise BoxError("browser", "it was started without its pipes")
    return process.stdout, process.stdin


def _give_way(pid: int) -> None:
    Path(f"/proc/{pid}/oom_score_adj").write_text(str(OOM_SCORE_ADJ), encoding="ascii")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends a process that still runs, with everything it started when it leads a session of its own."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
