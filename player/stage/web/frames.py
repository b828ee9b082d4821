"""Every document of a page, whichever process draws it: tamed before its own scripts run, and told how things stand.

A frame of another site is drawn by a process of its own, and is a target of its own towards us. Each is attached to when it comes,
and held until it is tamed; so are the frames within it. Workers are held as well, whatever is asked for: they go on at once.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from player.stage.web.cdp import Cdp
from player.stage.web.tamed import TAMED, told

_TAMING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Page.enable", {}),
    ("Runtime.enable", {}),
    ("Page.addScriptToEvaluateOnNewDocument", {"source": TAMED}),
    ("WebAuthn.enable", {"enableUI": False}),  # what wants somebody's key finds none, and nobody is asked
    ("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}),
)


class Frames:
    """The documents of the page whose session is `session`, which passes its events on to `heard`."""

    def __init__(self, cdp: Cdp, session: str) -> None:
        self._cdp, self._session = cdp, session
        self._contexts: dict[str, set[int]] = {session: set()}
        self._targets: dict[str, str] = {}  # those of other sites, by session
        self._told = told(0, muted=True, shown=False)
        self._user_agent = ""

    async def prepare(self) -> None:
        """Tames what is and what comes. Raises BoxError."""
        for method, params in _TAMING:
            await self._cdp.call(method, self._session, **params)

    def tell(self, volume: int, *, muted: bool, shown: bool) -> None:
        """How loud the page's sounds are (0 to 100), and whether somebody sees it: all its frames, and what it leads to."""
        self._told = told(volume, muted=muted, shown=shown)
        for session, contexts in self._contexts.items():
            for context in contexts:
                self._tell(session, context)

    def call_themselves(self, user_agent: str) -> None:
        """What all of them say who they are."""
        self._user_agent = user_agent
        for session in self._contexts:
            self._cdp.post("Emulation.setUserAgentOverride", session, userAgent=user_agent)

    def has(self, target: str) -> bool:
        """Whether that target is a frame of another site in it."""
        return target in self._targets.values()

    def leave(self) -> None:
        """The page gets no more of the events of its frames."""
        for session in self._contexts:
            self._cdp.unsubscribe(session)

    def heard(self, session: str, method: str, params: dict[str, Any]) -> None:
        """Something of a session: a frame's document, or a frame of another site, comes or goes."""
        contexts = self._contexts[session]
        match method:
            case "Runtime.executionContextCreated":
                contexts.add(context := params["context"]["id"])
                self._tell(session, context)
            case "Runtime.executionContextDestroyed":
                contexts.discard(params["executionContextId"])
            case "Runtime.executionContextsCleared":
                contexts.clear()
            case "Target.attachedToTarget":
                if params["targetInfo"]["type"] == "iframe":
                    self._targets[params["sessionId"]] = params["targetInfo"]["targetId"]
                    self._tame(params["sessionId"])
                self._cdp.post("Runtime.runIfWaitingForDebugger", params["sessionId"])
            case "Target.detachedFromTarget":
                self._cdp.unsubscribe(params["sessionId"])
                self._contexts.pop(params["sessionId"], None)
                self._targets.pop(params["sessionId"], None)

    def _tame(self, session: str) -> None:
        self._contexts[session] = set()
        self._cdp.subscribe(session, partial(self.heard, session))
        for method, params in _TAMING:
            self._cdp.post(method, session, **params)
        if self._user_agent:
            self._cdp.post("Emulation.setUserAgentOverride", session, userAgent=self._user_agent)

    def _tell(self, session: str, context: int) -> None:
        self._cdp.post("Runtime.evaluate", session, expression=self._told, contextId=context)
