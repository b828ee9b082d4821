"""A real Chromium behind the real wall: a page tries every way to a neighbour that a browser has, and none arrives."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from aiohttp import web

from player.compositor.sway import Sway
from player.core.address_policy import beside
from player.core.content import WebOptions
from player.errors import ContentError
from player.runtime.tasks import Latest
from player.stage.wall import Wall
from player.stage.web.page import WebPage
from tests.fakes.browsers import browser_process
from tests.fakes.names import FakeNames
from tests.fakes.neighbour import Neighbour, neighbour
from tests.fakes.proxy import private_authority
from tests.fakes.running import eventually, running
from tests.fakes.way_out import STRAIGHT

pytestmark = pytest.mark.stage
SITE = "127.0.0.2"  # where the good server stands, which alone is open
SIZE = (320, 180)
WITHIN_S = 60

# Every host leads to the neighbour: each way is tried with the first one, some with all. `told` names those that came to their end.
PLAIN = """<!doctype html><title>waiting</title><body><script>
const hosts = HOSTS, port = PORT, tried = [];
const late = ms => new Promise(done => setTimeout(done, ms));
const quiet = work => Promise.race([Promise.resolve().then(work).catch(() => 0), late(8000)]);
const element = (name, set) => new Promise(done => {
  const made = document.createElement(name);
  made.onload = made.onerror = made.onloadstart = () => setTimeout(done, 200);
  set(made); document.body.append(made); setTimeout(done, 1500);
});
const form = at => new Promise(done => {
  const frame = document.createElement('iframe'), made = document.createElement('form'), field = document.createElement('input');
  frame.name = 'f' + Math.random(); field.name = 'admin'; field.value = 'x';
  Object.assign(made, {method: 'POST', action: at + '/form', target: frame.name});
  made.append(field); document.body.append(frame, made); made.submit(); setTimeout(done, 700);
});
const calls = servers => new Promise(async done => {
  const one = new RTCPeerConnection({iceServers: servers}), two = new RTCPeerConnection();
  one.createDataChannel('x');
  await one.setLocalDescription(await one.createOffer());
  await two.setRemoteDescription(one.localDescription);
  await two.setLocalDescription(await two.createAnswer());
  await one.setRemoteDescription(two.localDescription);
  const end = `127.0.0.1 ${port} typ host`;
  for (const candidate of [`candidate:1 1 udp 2122260223 ${end}`, `candidate:2 1 tcp 1518280447 ${end} tcptype passive`])
    await quiet(() => one.addIceCandidate({candidate, sdpMid: '0', sdpMLineIndex: 0}));
  setTimeout(done, 3000);
});
const ways = at => ({
  fetch: () => fetch(at + '/fetch', {mode: 'no-cors'}),
  post: () => fetch(at + '/post', {mode: 'no-cors', method: 'POST', body: 'a=b'}),
  redirect: () => fetch('/away?to=' + encodeURIComponent(at + '/redirect'), {mode: 'no-cors'}),
  beacon: () => navigator.sendBeacon(at + '/beacon', 'x'),
  image: () => element('img', e => e.src = at + '/image'),
  script: () => element('script', e => e.src = at + '/script'),
  style: () => element('link', e => Object.assign(e, {rel: 'stylesheet', href: at + '/style'})),
  preconnect: () => element('link', e => Object.assign(e, {rel: 'preconnect', href: at})),
  prefetch: () => element('link', e => Object.assign(e, {rel: 'prefetch', href: at + '/prefetch'})),
  video: () => element('video', e => e.src = at + '/video'),
  frame: () => element('iframe', e => e.src = at + '/frame'),
  object: () => element('object', e => e.data = at + '/object'),
  form: () => form(at),
  socket: () => new Promise(done => { const s = new WebSocket(at.replace('http', 'ws')); s.onerror = s.onopen = done; }),
  events: () => new Promise(done => {
    const s = new EventSource(at + '/events');
    s.onerror = s.onopen = () => { s.close(); done(); };
  }),
  worker: () => new Promise(done => {
    const text = `fetch('${at}/worker', {mode: 'no-cors'}).catch(() => 0).then(() => postMessage(1))`;
    const s = new Worker(URL.createObjectURL(new Blob([text])));
    s.onmessage = s.onerror = done;
  }),
});
(async () => {
  const first = Object.entries(ways(`http://${hosts[0]}:${port}`));
  const all = [...first, ...hosts.slice(1).flatMap(host => Object.entries(ways(`http://${host}:${port}`)).slice(0, 3))];
  await Promise.all(all.map(async ([name, work]) => { await quiet(work); tried.push(name); }));
  await quiet(() => calls([{urls: [`stun:127.0.0.1:${port}`]}]));
  const turn = `turn:127.0.0.1:${port}`;
  await quiet(() => calls([{urls: [`${turn}?transport=tcp`, turn], username: 'a', credential: 'b'}]));
  tried.push(navigator.onLine ? 'online' : 'offline');
  await fetch('/told', {method: 'POST', body: JSON.stringify([...new Set(tried)])});
})();
</script>"""
SECURE = """<!doctype html><title>waiting</title><script>
const late = ms => new Promise(done => setTimeout(done, ms));
const quiet = work => Promise.race([Promise.resolve().then(work).catch(() => 0), late(8000)]);
(async () => {
  await quiet(() => new WebTransport('https://127.0.0.1:PORT/transport').ready);
  await quiet(() => fetch('https://127.0.0.1:PORT/tls', {mode: 'no-cors'}));
  await quiet(() => fetch('http://127.0.0.1:PORT/trusted', {mode: 'no-cors'}));
  await quiet(async () => {
    await navigator.serviceWorker.register('/worker.js');
    const worker = (await navigator.serviceWorker.ready).active;
    await new Promise(done => { navigator.serviceWorker.onmessage = done; worker.postMessage('go'); });
  });
  await fetch('/told', {method: 'POST', body: JSON.stringify(['worker'])});
})();
</script>"""
WORKER = """onmessage = async asked => {
  for (const at of ['http://127.0.0.1:PORT/', 'https://127.0.0.1:PORT/', 'http://inward.test:PORT/'])
    await fetch(at, {mode: 'no-cors'}).catch(() => 0);
  asked.source.postMessage('done');
};"""
HOSTS = ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]", "inward.test"]


@dataclass
class Street:
    """A server, plain and by TLS; who must not be reached; a page's window behind the wall."""

    page: WebPage
    wall: Wall
    neighbour: Neighbour
    plain: str
    secure: str
    told: list[set[str]] = field(default_factory=list)

    async def open(self, url: str) -> None:
        await self.page.open(url, "page", WebOptions(), SIZE, "#000000")


@contextlib.asynccontextmanager
async def street(folder: Path, sway_socket: Path, runtime: Path) -> AsyncIterator[Street]:
    told: list[set[str]] = []
    tls, ca_file = private_authority(folder, "cms.test")
    async with neighbour() as other, served(other.port, told) as plain, served(other.port, told, tls) as secure:
        names = FakeNames()
        for name in ("cms.test", "page.test"):
            names.on(name, [SITE])
        names.on("inward.test", ["127.0.0.1"])
        policy = replace(beside("https://cms.example.com"), nets=(IPv4Network(f"{SITE}/32"),))
        wall = Wall(replace(STRAIGHT, ca_file=str(ca_file)), policy, names)
        async with await Sway.connect(sway_socket, 10) as sway:
            process = browser_process(
                runtime, sway.session.wayland_display, way_out=Latest(wall.for_pages), load_s=20, why=wall.why, admit=wall.also_at
            )
            async with running(wall.run(), process.run()):
                page = await process.open("main-a", "")
                yield Street(page, wall, other, f"http://page.test:{plain}", f"https://cms.test:{secure}", told)


@contextlib.asynccontextmanager
async def served(inside: int, told: list[set[str]], tls: object = None) -> AsyncIterator[int]:
    texts = {
        "/plain": (PLAIN.replace("HOSTS", json.dumps(HOSTS)), "text/html"), "/secure": (SECURE, "text/html"),
        "/worker.js": (WORKER, "text/javascript"), "/good": ("<!doctype html><title>good</title>", "text/html"),
        "/frames": (f"<!doctype html><iframe src='http://127.0.0.1:{inside}/frame'></iframe>", "text/html"),
    }  # fmt: skip

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/away":
            raise web.HTTPFound(request.query["to"])
        if request.path == "/told":
            told.append(set(json.loads(await request.text())))
            return web.Response()
        if request.path not in texts:
            return web.Response(status=404)
        text, kind = texts[request.path]
        return web.Response(text=text.replace("PORT", str(inside)), content_type=kind)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, SITE, 0, ssl_context=tls).start()  # type: ignore[arg-type]
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def test_l4_nothing_that_a_page_tries_reaches_a_neighbour(tmp_path: Path, headless_sway: Path, runtime_dir: Path):
    async with street(tmp_path, headless_sway, runtime_dir) as made:
        await made.open(f"{made.plain}/plain")
        await eventually(lambda: made.told, WITHIN_S)
        assert {"fetch", "post", "redirect", "form", "frame", "socket", "worker", "video", "preconnect", "online"} <= made.told[0]
        assert made.neighbour.reached == []
        await made.open(f"{made.secure}/secure")
        await eventually(lambda: len(made.told) == 2, WITHIN_S)
        assert made.neighbour.reached == []


async def test_a_page_that_may_not_be_opened_is_told_as_that(tmp_path: Path, headless_sway: Path, runtime_dir: Path):
    async with street(tmp_path, headless_sway, runtime_dir) as made:
        inside = made.neighbour.port
        for url, code in {
            f"http://127.0.0.1:{inside}/": "forbidden_address",
            f"https://inward.test:{inside}/": "forbidden_address",
            f"{made.plain}/away?to=http://inward.test:{inside}/": "forbidden_address",
            "http://nobody.test/": "page_unreachable",
            "https://nobody.test/": "page_unreachable",
        }.items():
            with pytest.raises(ContentError) as caught:
                await made.open(url)
            assert (caught.value.code, "network.allow_private" in caught.value.reason) == (code, code == "forbidden_address")
        await made.open(f"{made.plain}/frames")  # one frame that is refused is no reason to refuse the page
        assert made.neighbour.reached == []
