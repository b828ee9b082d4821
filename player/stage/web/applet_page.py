"""One applet's page and its host: messages of the library go out of the page and into it, and its videos play beneath it.

What listens lies in a world of its own beside the page's scripts, which cannot reach it: the browser's binding is there alone. It
listens in the page's own document and at its own origin; a page that leads elsewhere has no host there, and is told nothing. The
document itself is its library's parent, so only what it says to itself counts, and nothing that a frame in it says.

A page may say what it likes as often as it likes: what listens lets a little through at once and the rest in its turn, larger
messages later, and refuses what it cannot hold, all at the page's own cost; what comes faster all the same is not read here.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, assert_never

import msgspec

from player.core.allowance import Allowance
from player.core.applet_host import (
    AppletFacts,
    AppletHost,
    Effect,
    PageDeed,
    Post,
    RecordPlay,
    StartAgain,
    StoreCommand,
    VideoDeed,
)
from player.core.content import Item
from player.core.ports.applets import AppletPlayed, AppletSpoke, AppletStand, AppletTapped
from player.errors import BoxError

BINDING, WORLD = "signageHost", "signage host"
LARGEST = 256 * 1024  # characters of one message out of the page
AT_ONCE, EACH_S = 100, 0.01  # messages out of a document; one counts once more for each `HEAVY` characters
HEAVY = 4096
HELD, HELD_CHARACTERS = 300, 4 * 1024 * 1024  # what waits in the page for its turn
READ_AT_ONCE, READ_EACH_S = 300, 0.005  # whatever the page does to its documents
EXAMINED_S = 8.0  # less than whoever asks for it waits
LONGEST_FAILURE = 2000
SUCCESS = "hug.invocation.success"
_DATED = "(name, held) => name === 'currentDate' && typeof held === 'number' ? new Date(held) : held"  # JSON has no dates
Call = Callable[..., Awaitable[dict[str, Any]]]

_SCRIPT = """(() => {
  if (window !== window.top || location.origin !== %(origin)s) return;
  const out = globalThis.%(binding)s;
  let left = %(at_once)d, at = performance.now(), held = 0;
  const waiting = [];
  const flow = () => {
    const now = performance.now();
    left = Math.min(%(at_once)d, left + (now - at) / %(each_ms)d);
    at = now;
    while (waiting.length && left > 0) {
      const said = waiting.shift();
      held -= said.length;
      left -= 1 + said.length / %(heavy)d;
      out(said);
    }
    if (waiting.length) setTimeout(flow, %(each_ms)d);
  };
  const tell = what => {
    let said = '';
    try { said = JSON.stringify(what); } catch {}
    if (!said || said.length > %(largest)d || waiting.length >= %(most)d || held + said.length > %(most_held)d) return false;
    waiting.push(said);
    held += said.length;
    if (waiting.length === 1) flow();
    return true;
  };
  const refuse = uid => {
    const error = {type: 'AppletHostError', message: 'too many messages at once, or one too large', code: 'TOO_MANY'};
    window.postMessage({type: 'hug.invocation.error', invocationUid: uid, error}, location.origin);
  };
  addEventListener('message', event => {
    const said = event.data;
    if (!event.isTrusted || event.source !== window || !said || typeof said !== 'object' || typeof said.type !== 'string') return;
    if (said.type.startsWith('hug.invocation.')) return;
    if (said.type === 'hug_api.ready') tell({said: {type: said.type}});
    else if (said.type.startsWith('hug.') && said.invocationUid && !tell({said})) refuse(String(said.invocationUid));
  });
  addEventListener('pointerdown', event => { if (event.isTrusted) tell({tapped: true}); }, true);
  const videos = new Map();
  const make = asked => {
    const video = document.createElement('video');
    const at = {left: asked.x, top: asked.y, width: asked.width, height: asked.height};
    Object.assign(video.style, {position: 'fixed', zIndex: -1, objectFit: 'fill', visibility: 'hidden'});
    for (const [name, value] of Object.entries(at)) video.style[name] = `${value}px`;
    video.preload = 'auto';
    video.onended = event => event.isTrusted && tell({video: 'ended', asked});
    const broken = () => tell({video: 'error', asked, message: video.error?.message || 'it cannot be played'});
    video.onerror = event => event.isTrusted && broken();
    video.src = asked.uri;
    (document.body || document.documentElement).prepend(video);
    return video;
  };
  const play = (video, asked) => {
    video.style.visibility = 'visible';
    video.play().catch(error => {
      if (error.name !== 'AbortError' && !video.error) tell({video: 'error', asked, message: String(error.message)});
    });
  };
  globalThis.signageVideo = (what, asked) => {
    const name = JSON.stringify([asked.uri, asked.x, asked.y, asked.width, asked.height]);
    let video = videos.get(name);
    if (!video && (what === 'prepare' || what === 'play')) {
      if (videos.size >= 8) return tell({video: 'error', asked, message: 'eight videos are open already'});
      videos.set(name, video = make(asked));
    }
    if (!video) return;
    if (what === 'play') {
      if (video.ended) video.currentTime = 0;
      play(video, asked);
    }
    if (what === 'resume') play(video, asked);
    if (what === 'pause') video.pause();
    if (what === 'stop') {
      videos.delete(name);
      video.onended = video.onerror = null;
      video.remove();
      video.removeAttribute('src');
      video.load();
    }
  };
  out(JSON.stringify({begun: true}));
})()"""


class AppletPage:
    """The host of the page that shows `item`; `mono` is a monotonic clock. Implements `core.ports.applets.CommandedPage`."""

    def __init__(self, item: Item, stand: AppletStand, mono: Callable[[], float]) -> None:
        assert item.applet is not None  # noqa: S101 - who makes one has looked
        run = item.applet
        self.applet, self.version, self.scope = run.applet, run.version, run.scope
        self._item, self._stand, self._mono = item, stand, mono
        told = run.told
        self._host = AppletHost(AppletFacts(
            run.configuration, told.get("auth_hash", ""), run.version, run.front, run.scope, told.get("device_name", ""),
            told.get("model", ""), told.get("serial", ""), told.get("player_version", ""), told.get("os_version", ""),
        ), stand.plays)  # fmt: skip
        self._read = Allowance(READ_AT_ONCE, READ_EACH_S)
        self._post: Callable[..., Any] = _nobody
        self._call: Call = _no_answer
        self._origin, self._script, self._context = "", "", 0

    def root(self, target: object) -> Path | None:
        """The folder that the applet was built as: its first page may lie further down in it. None for what has no files here."""
        files = self._item.applet.files if self._item.applet else ""
        above = Path(target).parents if isinstance(target, str) and files else ()
        return next((folder for folder in above if folder.name == files), None)

    @property
    def own(self) -> Path:
        """The folder with what the applet keeps."""
        return self._stand.own_folder(self.applet)

    async def begin(self, call: Call, post: Callable[..., Any], origin: str) -> None:
        """Before the page's address is opened, whose `origin` alone is hosted. Raises BoxError."""
        self._post, self._call, self._origin = post, call, origin
        await call("Runtime.addBinding", name=BINDING, executionContextName=WORLD)
        values = {
            "origin": json.dumps(origin), "binding": BINDING, "largest": LARGEST, "at_once": AT_ONCE, "each_ms": EACH_S * 1000,
            "heavy": HEAVY, "most": HELD, "most_held": HELD_CHARACTERS,
        }  # fmt: skip
        made = await call("Page.addScriptToEvaluateOnNewDocument", source=_SCRIPT % values, worldName=WORLD)
        self._script = made["identifier"]
        self._stand.here(self)

    def end(self) -> None:
        """The page is left."""
        self._stand.gone(self)
        if self._script:
            self._post("Page.removeScriptToEvaluateOnNewDocument", identifier=self._script)
            self._post("Runtime.removeBinding", name=BINDING)
        self._script, self._post, self._call, self._context = "", _nobody, _no_answer, 0

    def command(self, command: Mapping[str, Any]) -> None:
        """Gives the page a command."""
        self._do(self._host.command(command))

    async def examine(self, script: str) -> str:
        """Runs a script among the page's own, as the body of an async function; an endless loop is ended by the browser."""
        elsewhere = f"if (location.origin !== {json.dumps(self._origin)}) throw new Error('the page leads elsewhere');"
        found = await self._call(
            "Runtime.evaluate", deadline_s=EXAMINED_S, timeout=EXAMINED_S * 1000, awaitPromise=True,
            expression=f"(async () => {{{elsewhere}\n{script}\n}})()",
        )  # fmt: skip
        thrown = found.get("exceptionDetails")
        if not isinstance(thrown, dict):
            return ""
        exception = thrown.get("exception", {})
        return str(exception.get("description") or exception.get("value") or thrown.get("text"))[:LONGEST_FAILURE]

    def answered(self, invocation: str, value: object) -> None:
        """What it asked for is done, with its result."""
        self._do(self._host.answered(invocation, value))

    def refused(self, invocation: str, reason: str) -> None:
        """What it asked for could not be done."""
        self._do(self._host.refused(invocation, reason))

    def heard(self, params: Mapping[str, Any]) -> None:
        """A `Runtime.bindingCalled`."""
        payload, mono = params.get("payload"), self._mono()
        if params.get("name") != BINDING or not isinstance(payload, str) or len(payload) > LARGEST or not self._read.spare(mono):
            return
        try:
            told = json.loads(payload)
        except (ValueError, RecursionError):
            return
        if not isinstance(told, dict):
            return
        try:
            msgspec.json.encode(told)
        except (ValueError, OverflowError, RecursionError):
            self._do(self._host.misheard(told.get("said")))
            return
        if "begun" in told:
            self._context = params["executionContextId"]
            self._host.begun(mono)
        elif params["executionContextId"] != self._context:
            return
        elif "tapped" in told:
            self._stand.tell(AppletTapped())
        elif "video" in told and isinstance(told.get("asked"), dict):
            error = str(told.get("message", ""))[:500] if told["video"] == "error" else ""
            self._do(self._host.video_ended(told["asked"], error))
        else:
            self._do(self._host.heard(told.get("said"), mono))

    def _do(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Post(message):
                self._evaluate(
                    f"location.origin === {json.dumps(self._origin)} && window.postMessage({_parsed(message)}, location.origin)"
                )
            case StoreCommand(command):
                self._stand.tell(AppletSpoke(self.applet, command))
            case RecordPlay():
                self._stand.tell(AppletPlayed(self._item, effect))
            case VideoDeed(what, asked):
                self._evaluate(f"globalThis.signageVideo({json.dumps(what)}, {_parsed(asked)})", self._context)
            case PageDeed():
                self._stand.ask(self, effect)
            case StartAgain():
                self._post("Page.reload")
            case _:
                assert_never(effect)

    def _evaluate(self, expression: str, context: int = 0) -> None:
        self._post("Runtime.evaluate", expression=expression, **({"contextId": context} if context else {}))


def _parsed(message: Mapping[str, Any]) -> str:
    """As an expression: a text that is parsed, since an object written out could name its own prototype."""
    dated = f", {_DATED}" if message.get("type") == SUCCESS else ""
    return f"JSON.parse({json.dumps(json.dumps(message))}{dated})"


async def _no_answer(*_: Any, **__: Any) -> dict[str, Any]:
    """Of a page that is left."""
    raise BoxError("applet", "its page is left")


def _nobody(*_: Any, **__: Any) -> None:
    """Where a message goes whose page is left."""
