"""The browser behind web surfaces: one Chromium, spoken to over its debugging pipe (no port), in its own sandbox.

It starts when the first page is wanted and is started again when it dies (`run` belongs under `keep_running`). Every surface is a
window of its own: only `--app=ADDRESS` gives windows without bars whose page fills them to the pixel, and a second call of the
program with the same folder asks the running one for such a window, in the profile that is its content's room (`web.rooms`). The
address, which loads nothing, and the profile are what set its app_id. To say over its socket what the call would say saves a fifth
of the processor time, and opens a profile again before it is closed: what a page has just kept is lost then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path
from typing import Any

from player.core.address_policy import Why
from player.core.allowance import LINE_EVERY_S, LINES_AT_ONCE, Allowance
from player.core.browser_rest import REST_AFTER_S
from player.core.egress import WayOut
from player.core.page_memory import PageMemory
from player.errors import BoxError
from player.runtime.fault_page import FaultPage
from player.runtime.systemd import child_environment
from player.runtime.tasks import Latest
from player.stage.web import island
from player.stage.web.authority import trust
from player.stage.web.bounds import PageWeights, close_given_up, hear_pages, keep_rooms_small
from player.stage.web.cdp import Cdp
from player.stage.web.chromium import NO_SANDBOX, address, app_id, find_browser, flags, name_of, own_folders, window_flags
from player.stage.web.known import START_S, BrowserFacts
from player.stage.web.page import WebPage
from player.stage.web.process import Admit, asking, end, piped
from player.stage.web.quarters import Pipes, Quarters, Tenant, stay
from player.stage.web.rooms import ROOM_LIMIT, Rooms, room_for_all

log = logging.getLogger(__name__)
REST_LOOK_S = 5.0
CLOSE_TRIES = 6
LOAD_S = 25.0  # others play meanwhile; within what the region waits for a page
Coming = asyncio.Future[WebPage]


class BrowserProcess:
    """Chromium with a fresh folder below `runtime`, or in the unit behind `door`; `gpu` false draws in software; a page has
    `load_s` to be drawn, and may take `memory`; `why` is asked where a page did not open; `admit` lets through at the door of an
    island, on which it lives then; `needed` is asked while it shows nothing: where no page is shown soon, it ends after
    `rest_after_s` until one is wanted.

    It lives in the zone of `way_out`, and starts anew when that is another one. Windows are asked for by `open`,
    which waits for `run`. `sandbox` false runs pages without the browser's own: it never does so by itself.
    """

    def __init__(
        self,
        runtime: Path,
        wayland_display: str,
        way_out: Latest[WayOut],
        *,
        faults: FaultPage,
        door: Path | None,
        program: str,
        gpu: bool,
        sandbox: bool,
        why: Why,
        admit: Admit | None,
        needed: Callable[[], bool],
        memory: PageMemory,
        load_s: float = LOAD_S,
        rest_after_s: float = REST_AFTER_S,
    ) -> None:
        self._folder, self._door, self._display = runtime / "browser", door, Path(wayland_display)
        self._program, self._gpu = program, gpu
        self._faults, self._load_s, self._why = faults, load_s, why
        self._latest, self._way_out = way_out, way_out.value  # what it is to be, and with which it was started
        self._user_agent, self._admit, self._rest_after_s = "", admit, rest_after_s
        self._facts = BrowserFacts(runtime / "browser.known", faults, apart=admit is not None)
        self._rooms = Rooms(room_limit=ROOM_LIMIT, all_limit=room_for_all(runtime))
        self._wanted, self._settled = asyncio.Event(), asyncio.Event()  # the second: it is up, or could not start
        self._why_not = BoxError("browser", "it went away; it is started again by itself")
        self._cdp: Cdp | None = None
        self._group: asyncio.TaskGroup | None = None
        self._quarters: Quarters | None = None
        self._pages: dict[str, WebPage] = {}
        self._opening: dict[str, asyncio.Future[str]] = {}
        self._late: dict[str, list[Coming]] = {}  # by profile: windows that came, or come, too late for who asked
        self._said: deque[str] = deque(maxlen=20)
        self._lines = Allowance(LINES_AT_ONCE, LINE_EVERY_S)
        self._memory, self._weights = memory, PageWeights(memory, Allowance(LINES_AT_ONCE, LINE_EVERY_S))
        self._sandbox, self._was_up = sandbox, False
        self._needed, self._rests = needed, False  # whether pages are shown now or soon; it was ended since none are
        self._windows = self.pid = 0

    def __repr__(self) -> str:
        return f"browser (process {self.pid})" if self.pid else "browser (not running)"

    async def run(self) -> None:
        """Waits until a window is wanted, then runs Chromium until it ends. Raises BoxError when it does."""
        await self._wanted.wait()
        self._quarters = None
        try:
            async with stay(self._door, self._folder) as self._quarters:
                self._faults.clear("unit")
                await self._trust(self._quarters, self._latest.value.ca_file)
                error = await self._run_once(self._quarters)
                while self._rests:
                    await self._wanted.wait()
                    error = await self._run_once(self._quarters)
        except BoxError as refused:
            error, self._was_up = refused, False
            if self._quarters is None and self._door is not None:
                self._faults.report("unit", "browser_unit", f"there is nowhere for the browser to live: {error.reason}", count=1)
        if not self._was_up:
            self._facts.forget()
            self._why_not = error
            self._settled.set()
            if self._sandbox and any("sandbox" in line.lower() for line in self._said):
                self._faults.report("sandbox", "browser_no_sandbox", NO_SANDBOX, count=1)
        if self._latest.value.zone == self._way_out.zone:
            raise error

    async def open(self, name: str, room: str) -> WebPage:
        """A window with a blank page, in that room; the compositor knows it by the page's `app_id`, of which `name` is a part.

        One that comes too late for who asked is kept for who asks next for the same room. Raises BoxError.
        """
        find_browser(self._program)
        self._wanted.set()
        try:
            async with asyncio.timeout(START_S):
                await self._settled.wait()
        except TimeoutError as error:
            raise BoxError("browser", f"it did not start within {START_S:g} s; see the stage's log") from error
        if self._group is None:
            raise self._why_not
        profile = self._rooms.folder(room)
        coming = self._late_for(profile) or self._ask_for_window(self._group, name, profile)
        try:
            return await asyncio.shield(coming)
        except asyncio.CancelledError:
            self._late.setdefault(profile, []).append(coming)
            raise

    def keep_rooms(self, rooms: Collection[str]) -> None:
        """The programme has no others: what those kept goes with their windows, of which those that show nothing are closed."""
        self._rooms.keep_only(rooms)
        self._late = {profile: late for profile, late in self._late.items() if self._rooms.has(profile)}
        for page in self._pages.values():
            if page.is_blank and not self._rooms.has(page.profile):
                page.fail("page_closed", "its room is gone")  # who wants one of that name gets another
                self._close_target(page.target)

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

    def _late_for(self, profile: str) -> Coming | None:
        late = self._late.get(profile, [])
        while late:
            coming = late.pop()
            if not coming.done() or (coming.exception() is None and not coming.result().broken):
                return coming
        return None

    def _ask_for_window(self, group: asyncio.TaskGroup, name: str, profile: str) -> Coming:
        coming: Coming = asyncio.get_running_loop().create_future()
        coming.add_done_callback(lambda done: done.cancelled() or done.exception())  # it may be that nobody waits any more
        self._windows += 1
        group.create_task(self._open_window(f"{name}-{self._windows}", profile, coming), name=f"window {name}")
        return coming

    async def _open_window(self, name: str, profile: str, coming: Coming) -> None:
        try:
            page = await self._new_window(name, profile)
        except BoxError as error:
            coming.set_exception(error)
        else:
            coming.set_result(page)

    async def _new_window(self, name: str, profile: str) -> WebPage:
        """Asks the running Chromium for the window, and attaches to it."""
        cdp, quarters = self._cdp, self._quarters
        if cdp is None or quarters is None:
            raise self._why_not
        await quarters.furnish(profile)
        target = await self._new_target(quarters, name, profile)
        session: str = (await cdp.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = self._pages[target] = WebPage(cdp, target, session, self._load_s, self._user_agent, self._why, self._lines)
        page.profile, page.app_id = profile, app_id(name, profile)
        await page.prepare()
        return page

    async def _new_target(self, quarters: Quarters, name: str, profile: str) -> str:
        opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._opening[address(name)] = opened
        wish, environment = [*self._flags(quarters), *window_flags(name, profile)], self._environment(quarters)
        try:
            async with asyncio.timeout(START_S), asking(quarters, find_browser(self._program), wish, environment, self._display):
                return await opened
        except TimeoutError as error:
            raise BoxError("browser", f"the window {name} did not open within {START_S:g} s") from error
        finally:
            del self._opening[address(name)]

    async def _run_once(self, quarters: Quarters) -> BoxError:
        """Runs Chromium from start to end and says why it ended."""
        self._was_up = False
        self._settled.clear()
        self._said.clear()
        async with self._started(quarters) as (process, pipes), asyncio.TaskGroup() as group:
            cdp, alone = Cdp(pipes.said, pipes.told), process if self._door else None
            group.create_task(self._hear(pipes.complained), name="browser-stderr")
            listening = group.create_task(cdp.listen(), name="browser-pipe")
            beside = [
                group.create_task(self._end_in_another_zone(process), name="browser-zone"),
                group.create_task(keep_rooms_small(self._rooms, quarters, self._pages.values, alone), name="browser-rooms"),
                group.create_task(hear_pages(self._pages.values), name="browser-pulse"),
                group.create_task(close_given_up(self._pages.values, self._close_target), name="browser-hung"),
                group.create_task(self._weights.watch(quarters, process.pid, self._pages.values), name="browser-memory"),
                group.create_task(self._end_idle(process), name="browser-rest"),
            ]
            try:
                await self._greet(cdp, quarters, process.pid)
                self._group = group
                self._settled.set()
                await listening
            except BoxError as error:
                log.debug("%s", error)
            finally:
                for task in beside:
                    task.cancel()
                self._forget()
                await end(process)
        if self._was_up:
            return BoxError("browser", f"it ended with code {process.returncode}; it is started again")
        return BoxError("browser", f"it ended while starting: {' '.join(self._said)[-300:] or 'it said nothing'}")

    async def _end_in_another_zone(self, process: Tenant) -> None:
        while (zone := self._latest.value.zone) == self._way_out.zone:
            await self._latest.wait()
        log.info("browser: it starts again in the time zone %s", zone or "of this system")
        await end(process)

    async def _end_idle(self, process: Tenant) -> None:
        """Nothing shows pages. What they keep on disk is there when it comes back."""
        loop = asyncio.get_running_loop()
        idle_since = loop.time()
        while loop.time() - idle_since < self._rest_after_s:
            await asyncio.sleep(min(REST_LOOK_S, self._rest_after_s))
            if self._opening or not all(page.is_blank for page in self._pages.values()) or self._needed():
                idle_since = loop.time()
        log.info("browser: it stops until there is a page to show")
        self._rests = True
        self._wanted.clear()
        self._settled.clear()
        await end(process)

    async def _greet(self, cdp: Cdp, quarters: Quarters, pid: int) -> None:
        cdp.subscribe("", self._on_event)
        version = await cdp.call("Browser.getVersion", deadline_s=START_S)
        await cdp.call("Target.setDiscoverTargets", discover=True)
        await cdp.call("Browser.setDownloadBehavior", behavior="deny")
        quarters.post("give_way", pid=pid)
        self._cdp, self.pid, self._was_up = cdp, pid, True
        self._faults.clear("sandbox")
        log.info("browser: %s runs as process %d", version["product"], pid)

    def _forget(self) -> None:
        self._settled.clear()
        self._cdp, self._group, self.pid = None, None, 0
        self._late.clear()
        for opened in self._opening.values():
            if not opened.done():
                opened.set_exception(BoxError("browser", "it ended before the window opened; it is started again"))
        for page in self._pages.values():
            page.fail("browser_gone", "the browser ended")
            page.closed.set()
        self._pages.clear()

    @contextlib.asynccontextmanager
    async def _started(self, quarters: Quarters) -> AsyncIterator[tuple[Tenant, Pipes]]:
        program, environment = find_browser(self._program), self._environment(quarters)
        known = await self._facts.of(program, quarters.run, environment)
        self._way_out, self._rests = island.way_out(self._latest.value) if known.apart else self._latest.value, False
        self._user_agent = name_of(known.version, self._way_out.user_agent)
        admit, most = self._admit if known.apart else None, self._memory.asked
        async with piped(quarters, program, self._flags(quarters), self._environment(quarters), self._display, admit, most) as made:
            yield made

    def _flags(self, quarters: Quarters) -> list[str]:
        return flags(quarters.folder, self._way_out, self._user_agent, self._memory, gpu=self._gpu, sandbox=self._sandbox)

    async def _trust(self, quarters: Quarters, ca_file: str) -> None:
        if not ca_file:
            return
        try:
            await trust(quarters, ca_file)
        except BoxError as error:
            self._faults.report("authority", "page_authority", f"pages do not trust cms.ca_file: {error.reason}")
        else:
            self._faults.clear("authority")

    def _environment(self, quarters: Quarters) -> dict[str, str]:
        ours = child_environment(None)
        ours.setdefault("XDG_RUNTIME_DIR", str(self._folder.parent))  # where sound is found, in a session
        if self._way_out.zone:
            ours["TZ"] = self._way_out.zone
        return ours | own_folders(quarters.folder)

    async def _hear(self, complained: asyncio.StreamReader) -> None:
        """Keeps the last lines, for the case that it ends."""
        while words := await complained.read(65536):
            self._said.extend(line.strip()[:300] for line in words.decode(errors="replace").splitlines())

    def _on_event(self, method: str, params: dict[str, Any]) -> None:
        match method:
            case "Target.targetCreated" if params["targetInfo"]["type"] == "page":
                self._on_window(params["targetInfo"])
            case "Target.targetCrashed":
                why = self._weights.why_it_ended()
                for page in self._pages.values():
                    page.ended(params["targetId"], *why)
            case "Target.targetDestroyed" if gone := self._pages.pop(params["targetId"], None):
                gone.fail("page_closed", "its window closed")
                gone.closed.set()

    def _on_window(self, target: dict[str, Any]) -> None:
        """One that nobody asked for is a page's: nothing may cover the screen, or run unseen, but what the stage shows."""
        opened = self._opening.get(target["url"])
        if opened is None:
            self._close_target(target["targetId"])
        elif not opened.done():
            if self._cdp is not None:  # each room has downloads of its own, and shows each that is not denied beyond its window
                self._cdp.post("Browser.setDownloadBehavior", behavior="deny", browserContextId=target["browserContextId"])
            opened.set_result(target["targetId"])

    def _close_target(self, target: str) -> None:
        if self._cdp is not None:
            self._cdp.post("Target.closeTarget", targetId=target)
