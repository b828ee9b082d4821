"""What runs in every document of a page before its own scripts: until the page is shown it is silent and knows that nobody sees it.

A page is opened some seconds before its turn. What it would play is heard when it is seen, as loud as ordered; what the page itself
keeps silent stays so. A page that begins something when it becomes visible begins it when it does: windows are never hidden from
the browser, which would draw nothing then, so the page is told so by us. Printing does nothing, no box of the browser's asks
anything, since nobody is there to answer, nobody reads what a page writes to its console, and no page fills the screen beyond its
region.
"""

from __future__ import annotations

TAMED = """(() => {
  window.print = () => {};
  window.alert = () => {};
  window.confirm = () => false;
  window.prompt = () => null;
  for (const name of Object.keys(console)) if (typeof console[name] === 'function') console[name] = () => {};
  const never = () => Promise.reject(new TypeError('this page has its place on the screen'));
  for (const name of ['requestFullscreen', 'webkitRequestFullscreen', 'webkitRequestFullScreen']) Element.prototype[name] = never;
  for (const name of ['webkitEnterFullscreen', 'webkitEnterFullScreen']) HTMLVideoElement.prototype[name] = () => {};
  let state = {volume: 0, muted: true, shown: false};
  const sounds = new Map(), contexts = new Set();
  const apply = media => {
    if (!sounds.has(media)) sounds.set(media, media.muted);
    media.volume = state.volume;
    media.muted = state.muted || sounds.get(media);
  };
  const heard = event => { if (event.target instanceof HTMLMediaElement) apply(event.target); };
  addEventListener('loadstart', heard, true);
  addEventListener('play', heard, true);
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () { apply(this); return play.call(this); };
  const hush = context => state.muted ? context.suspend() : context.resume();
  if (window.AudioContext) window.AudioContext = class extends AudioContext {
    constructor(...options) { super(...options); contexts.add(this); hush(this); }
  };
  const tell = (name, get) => Object.defineProperty(Document.prototype, name, {configurable: true, enumerable: true, get});
  tell('visibilityState', () => state.shown ? 'visible' : 'hidden');
  tell('hidden', () => !state.shown);
  window.__told = told => {
    const before = state;
    state = told;
    document.querySelectorAll('video,audio').forEach(apply);
    sounds.forEach((_, media) => apply(media));
    contexts.forEach(hush);
    if (before.shown !== state.shown) document.dispatchEvent(new Event('visibilitychange', {bubbles: true}));
  };
})()"""


def told(volume: int, *, muted: bool, shown: bool) -> str:
    """The expression that tells a document how loud it is (0 to 100) and whether somebody sees it."""
    return f"window.__told?.({{volume: {volume / 100:.2f}, muted: {_js(muted)}, shown: {_js(shown)}}})"


def _js(value: bool) -> str:
    return "true" if value else "false"
