"""One page in the browser, kept on a short lead: what it may open, what it does to the player, and when it is drawn.

Requests are answered by `web.guard`. A document that fails becomes a ContentError while the page is being opened; later the page
that stands on screen goes on standing. Dialogs are answered, file choosers and printing do nothing.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from player.core.address_policy import Why
from player.core.allowance import Allowance
from player.core.content import WebOptions
from player.errors import BoxError, ContentError
from player.stage.web import dress
from player.stage.web.applet_page import BINDING, AppletPage
from player.stage.web.cdp import Cdp
from player.stage.web.frames import Frames
from player.stage.web.guard import GIVEN_UP, WITHIN_THE_PAGE, Guard, is_new_document, opens, scheme
from player.stage.web.picture_page import DECODED, PagePicture

log = logging.getLogger(__name__)
BLANK = "about:blank"
LEFT = "data:text/html,"  # as empty, and another process: that of the page that is left ends, with all that it holds
BROKEN = ("page_crashed", "page_closed", "browser_gone", "page_hangs", "page_storage", "page_memory")
WHOLE_S = 1.0  # how long a page whose text is there is given for its pictures: most have them by then, and some never
DRAW_S = 10.0
DOCUMENTS_AT_ONCE, DOCUMENT_EVERY_S = 80, 1.0  # a page's and its frames': what leads from one to the next takes no more
MANY_LED = 25  # pages before the one that is not drawn in time: a chain of redirects ends with its twentieth
ENDLESS = ("page_endless", "it leads from page to page, or its frames do, and comes to no end")
_DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
_SIZE = "[innerWidth, innerHeight].join('x')"


class WebPage:
    """A target of the browser, attached. `fail` and the page's own end are seen by `failed`; `lines`: what pages may write."""

    def __init__(self, cdp: Cdp, target: str, session: str, load_s: float, user_agent: str, why: Why, lines: Allowance) -> None:
        self.target, self.closed = target, asyncio.Event()
        self._cdp, self._session, self._user_agent, self._why, self._lines = cdp, session, user_agent, why, lines
        self.app_id = self.profile = ""  # what the compositor calls its window; where it keeps what it keeps
        self._name, self._load_s, self._guard = "page", load_s, Guard(target)
        self._drawn, self._blank, self._given_up = False, True, False
        self._overdue = self.is_shown = False  # nothing was drawn in time; somebody sees it
        self._waiting: asyncio.Timeout | None = None  # while it is opened or drawn
        self._parsed, self._whole = asyncio.Event(), asyncio.Event()
        self._options, self._size = WebOptions(), (0, 0)
        self._documents, self._led = Allowance(DOCUMENTS_AT_ONCE, DOCUMENT_EVERY_S), 0
        self._frames = Frames(cdp, session)
        self._host: AppletPage | None = None
        self._problem: ContentError | None = None
        self._changed = asyncio.Event()
        cdp.subscribe(session, self._on_event)

    @property
    def broken(self) -> bool:
        """Whether the window has to be replaced: its page crashed, it is full, or gone; or nothing was drawn there in time."""
        return self._overdue or (self._problem is not None and self._problem.code in BROKEN)

    @property
    def given_up(self) -> bool:
        """Whether it hung and is not to be seen any more: its window has to close, by which the browser ends its process."""
        return self._given_up

    @property
    def is_blank(self) -> bool:
        """Whether it shows nothing."""
        return self._blank

    async def prepare(self) -> None:
        """Everything that holds for any address. Raises BoxError."""
        await self._call("Inspector.enable")
        await self._frames.prepare()
        await self._call("Page.setInterceptFileChooserDialog", enabled=True)
        await self._call("Page.navigate", url=BLANK)

    async def open(
        self,
        target: str | PagePicture,
        name: str,
        options: WebOptions,
        size: tuple[int, int],
        background: str,
        limit_s: float | None = None,
        host: AppletPage | None = None,
    ) -> None:
        """Fetches the address (a package's folder, a picture) and returns when it could be drawn; until it is shown it is silent.

        `limit_s`: less than the usual time; `host`: of an applet. Raises ContentError.
        """
        self._name, self._problem, self._drawn = name, None, False
        self._options, self._size = options, size
        self._documents, self._led = Allowance(DOCUMENTS_AT_ONCE, DOCUMENT_EVERY_S), 0
        self.tell(0, muted=True, shown=False)
        within_s = min(limit_s or self._load_s, self._load_s)
        root, own = (host.root(target), host.own) if host else (None, None)
        self._guard = Guard(self.target, target, options.headers, root, own)
        url = self._guard.address
        if not opens(url):
            raise self._error("page_refused", f"{url:.80} is not http or https")
        async with self._within(within_s):
            await self._call("Fetch.enable", patterns=self._guard.patterns, handleAuthRequests=True)
            await self._dress(options, size, background)
            self._unhost()
            if host is not None:
                self._host = host
                await host.begin(self._call, self._post, self._guard.origin)
            await self._navigate(url)
            if self._problem is None and isinstance(target, PagePicture) and not await self._evaluate(DECODED):
                raise self._error("damaged", "the picture cannot be decoded; export it again")

    async def draw(self) -> None:
        """Returns when the page is drawn, at exactly its window's size, which has to be asked for frames. Raises ContentError."""
        async with self._within(DRAW_S):
            while self._problem is None and not await self._settled(self._options, self._size):  # noqa: ASYNC110 - another's state
                await asyncio.sleep(0.05)
        self._drawn, self._overdue = True, False

    @contextlib.asynccontextmanager
    async def _within(self, seconds: float) -> AsyncIterator[None]:
        """Raises ContentError: too late, the browser's refusal, or what went wrong meanwhile."""
        url = self._guard.address
        try:
            async with asyncio.timeout(seconds) as self._waiting:
                yield
        except TimeoutError as error:
            if self._problem is not None:
                raise self._problem from error
            self._overdue = True
            if self._led > MANY_LED:
                self.fail(*ENDLESS)
            await self._notice_hanging(seconds)
            raise self._problem or self._error("page_unreachable", f"{url} was not drawn within {seconds:g} s") from error
        except BoxError as error:
            raise self._problem or self._error("page_hangs", f"{url}: {error.reason}") from error
        finally:
            self._waiting = None
        if self._problem is not None:
            raise self._problem

    async def blank(self) -> None:
        """Shows nothing and runs nothing; a page that does not let go is `broken` then."""
        self._drawn, self._blank = False, True
        self._unhost()
        self.tell(0, muted=True, shown=False)
        try:
            await self._call("Page.navigate", deadline_s=2.0, url=LEFT)
            await self._call("Runtime.evaluate", deadline_s=1.0, expression="0")
        except BoxError as error:
            self._give_up(error.reason)

    async def pulse(self, within_s: float) -> None:
        """Notes that the page hangs where it is drawn and does not answer. Its last frame stands until something else does."""
        if not self._drawn:
            return
        try:
            await self._call("Runtime.evaluate", deadline_s=within_s, expression="0")
        except BoxError as error:
            if isinstance(error.__cause__, TimeoutError):  # and neither gone meanwhile, nor left for another page
                self.fail("page_hangs", f"the page has not answered for {within_s:g} s")

    async def failed(self) -> ContentError:
        """Returns when the page broke, with the reason."""
        while self._problem is None:
            await self._changed.wait()
            self._changed.clear()
        return self._problem

    async def picture(self) -> bytes:
        """What the page looks like now, as JPEG. Raises BoxError."""
        answer = await self._call("Page.captureScreenshot", format="jpeg", quality=80, optimizeForSpeed=True)
        return base64.b64decode(answer["data"])

    def reload(self) -> None:
        """Fetches the page again; where that fails it stays as it is."""
        self._post("Page.reload")

    def tell(self, volume: int, *, muted: bool, shown: bool) -> None:
        """How loud the page's sounds are (0 to 100), and whether somebody sees it: all its frames, and what it leads to."""
        self.is_shown = shown
        self._frames.tell(volume, muted=muted, shown=shown)

    def zoom(self, zoom: float, size: tuple[int, int]) -> None:
        """Lays the page out for a screen smaller by `zoom` and draws it larger by as much."""
        method, params = dress.zoomed(zoom, size)
        self._post(method, **params)

    def fail(self, code: str, reason: str) -> None:
        """Notes the first thing that went wrong. Who waits for the page waits no more: one whose process ended never answers."""
        if self._problem is None:
            self._problem = self._error(code, reason)
        self._changed.set()
        self._parsed.set()
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(asyncio.get_running_loop().time())

    def ended(self, target: str, code: str, reason: str) -> None:
        """The process of a target ended. A frame that crashes is the page's own affair; one that took too much costs the page."""
        if target == self.target or (code != "page_crashed" and self._frames.has(target)):
            self.fail(code, reason)

    def leave(self) -> None:
        """No more events: the window is closed on purpose."""
        self._unhost()
        self._frames.leave()

    def _unhost(self) -> None:
        host, self._host = self._host, None
        if host is not None:
            host.end()

    async def _notice_hanging(self, within_s: float) -> None:
        """Whether the page itself answers no more, and not only its server: while that is waited for, no page is asked."""
        self._post("Page.stopLoading")
        try:
            await self._call("Runtime.evaluate", deadline_s=1.0, expression="0")
        except BoxError:
            self._give_up(f"the page was not drawn within {within_s:g} s and answers no more")

    def _give_up(self, reason: str) -> None:
        """A page whose scripts compute for ever crashes; one that is busy otherwise, or leads elsewhere, does not hear of that."""
        self.fail("page_hangs", reason)
        self._given_up = True
        self._post("Page.crash")

    async def _dress(self, options: WebOptions, size: tuple[int, int], background: str) -> None:
        for method, params in (dress.ground(background), dress.zoomed(options.zoom, size)):
            await self._call(method, **params)
        self._frames.call_themselves(options.user_agent or self._user_agent)
        await self._call("Page.setWebLifecycleState", state="active")

    async def _navigate(self, url: str) -> None:
        if not self._blank:  # an address that differs only after its # would load nothing
            await self._call("Page.navigate", url=BLANK)
        self._blank = False
        self._parsed.clear()
        self._whole.clear()
        answer = await self._call("Page.navigate", deadline_s=self._load_s, url=url)
        if answer.get("isDownload"):
            self.fail("page_error", f"{url} is a download, not a page")
        elif answer.get("errorText"):
            self.fail("page_unreachable", f"{url}: {answer['errorText']}")
        await self._parsed.wait()
        if self._problem is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WHOLE_S):
                    await self._whole.wait()

    async def _settled(self, options: WebOptions, size: tuple[int, int]) -> bool:
        """Whether all of it was drawn; not of a document that leads to another one in the midst of that."""
        try:
            await self._settle(options, size)
        except BoxError as error:
            if isinstance(error.__cause__, TimeoutError):
                raise
            return False
        return True

    async def _settle(self, options: WebOptions, size: tuple[int, int]) -> None:
        wanted = "x".join(str(round(side / options.zoom)) for side in size)
        for _ in range(50):
            if (found := await self._evaluate(_SIZE)) == wanted:
                break
            await asyncio.sleep(0.02)
        else:
            log.info("%s: the page is laid out for %s instead of %s: its window is not placed yet", self._name, found, wanted)
        if options.scroll_y:
            await self._evaluate(f"scrollTo({{top: {options.scroll_y}, behavior: 'instant'}})")
        await self._evaluate(_DRAWN)
        # The page has drawn, its window may not yet have: a picture is taken from what the window composes, so it waits for that.
        await self._call("Page.captureScreenshot", format="jpeg", quality=1, optimizeForSpeed=True)

    async def _evaluate(self, expression: str) -> Any:
        answer = await self._call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        return answer.get("result", {}).get("value")

    async def _call(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._cdp.call(method, self._session, **params)

    def _post(self, method: str, **params: Any) -> None:
        self._cdp.post(method, self._session, **params)

    def _error(self, code: str, reason: str) -> ContentError:
        return ContentError(code, self._name, reason)

    def _on_event(self, method: str, params: dict[str, Any]) -> None:
        match method:
            case "Fetch.requestPaused":
                self._on_request(params)
            case "Fetch.authRequired":
                nothing = {"response": "CancelAuth"}  # nobody is there to ask
                self._post("Fetch.continueWithAuth", requestId=params["requestId"], authChallengeResponse=nothing)
            case "Page.domContentEventFired":
                self._parsed.set()
            case "Page.loadEventFired":
                self._whole.set()
            case "Page.javascriptDialogOpening":
                self._post("Page.handleJavaScriptDialog", accept=params["type"] == "beforeunload")
            case "Page.frameRequestedNavigation" if (
                params["frameId"] == self.target and scheme(params["url"]) not in WITHIN_THE_PAGE
            ):
                self._refuse(params["url"])
            case "Runtime.bindingCalled" if params["name"] == BINDING:
                if self._host is not None:
                    self._host.heard(params)
            case "Inspector.detached":
                self.fail("page_closed", "its window closed")
            case _:
                self._frames.heard(self._session, method, params)

    def _refuse(self, url: str) -> None:
        """An address for another program: the browser leaves it alone, but a page that is still loading never completes."""
        if scheme(url) in WITHIN_THE_PAGE:
            return
        self._say(f"the page wanted to open {url:.80}, which is refused")
        if not self._drawn:
            self.fail("page_refused", f"the page leads to {url:.80}, which is not http or https")

    def _on_request(self, paused: dict[str, Any]) -> None:
        verdict = self._guard.verdict(paused, self._why)
        if is_new_document(paused):
            self._led += paused["frameId"] == self.target
            if not self._documents.spare(time.monotonic()):
                self.fail(*ENDLESS)
                verdict = GIVEN_UP
        self._post(verdict.method, requestId=paused["requestId"], **verdict.params)
        if verdict.failure is None:
            return
        if self._drawn:
            self._say(f"{verdict.failure[1]}; the page stays as it was")
        else:
            self.fail(*verdict.failure)

    def _say(self, sentence: str) -> None:
        """A page tries as often as it likes."""
        if self._lines.spare(time.monotonic()):
            log.warning("%s: %s", self._name, sentence)
