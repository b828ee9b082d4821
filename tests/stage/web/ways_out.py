"""Pages that try every way out that a browser has, and tell which they have tried: the way's name is in the path asked for."""

from __future__ import annotations

import json

# `AT` are the addresses to which the ways lead: all of them to the first two, some to the others. `INSIDE`: host and port.
PLAIN = """<!doctype html><title>waiting</title><body><script>
const at = AT, inside = 'INSIDE', tried = [];
const late = ms => new Promise(done => setTimeout(done, ms));
const quiet = work => Promise.race([Promise.resolve().then(work).catch(() => 0), late(8000)]);
const element = (name, set, wait) => new Promise(done => {
  const made = document.createElement(name);
  made.onload = made.onerror = made.onloadstart = () => setTimeout(done, 200);
  set(made); document.body.append(made); setTimeout(done, wait || 1500);
});
const link = (rel, href, more) => element('link', e => Object.assign(e, {rel, href, ...more}));
const style = text => element('style', e => e.textContent = text);
const text = (name, html) => element(name, e => e.innerHTML = html);
const svg = inner => text('div', `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">${inner}</svg>`);
const form = (to, target) => new Promise(done => {
  const made = document.createElement('form'), field = document.createElement('input');
  if (!target) {
    const frame = document.createElement('iframe');
    target = frame.name = 'f' + Math.random();
    document.body.append(frame);
  }
  field.name = 'admin'; field.value = 'x';
  Object.assign(made, {method: 'POST', action: to, target});
  made.append(field); document.body.append(made); made.submit(); setTimeout(done, 700);
});
const script = text => URL.createObjectURL(new Blob([text], {type: 'text/javascript'}));
const asks = to => `fetch('${to}', {mode: 'no-cors'}).catch(() => 0)`;
const calls = servers => new Promise(async done => {
  const one = new RTCPeerConnection({iceServers: servers}), two = new RTCPeerConnection();
  one.createDataChannel('x');
  await one.setLocalDescription(await one.createOffer());
  await two.setRemoteDescription(one.localDescription);
  await two.setLocalDescription(await two.createAnswer());
  await one.setRemoteDescription(two.localDescription);
  const end = inside.replace(':', ' ') + ' typ host';
  for (const candidate of [`candidate:1 1 udp 2122260223 ${end}`, `candidate:2 1 tcp 1518280447 ${end} tcptype passive`])
    await quiet(() => one.addIceCandidate({candidate, sdpMid: '0', sdpMLineIndex: 0}));
  setTimeout(done, 3000);
});
const ways = {
  fetch: to => fetch(to, {mode: 'no-cors'}),
  post: to => fetch(to, {mode: 'no-cors', method: 'POST', body: 'a=b'}),
  redirect: to => fetch('/hops/1?to=' + encodeURIComponent(to), {mode: 'no-cors'}),
  keepalive: to => fetch(to, {mode: 'no-cors', keepalive: true, method: 'POST', body: 'a=b'}),
  request: to => new Promise(done => { const r = new XMLHttpRequest(); r.onloadend = done; r.open('GET', to); r.send(); }),
  beacon: to => navigator.sendBeacon(to, 'x'),
  image: to => element('img', e => e.src = to),
  sources: to => element('img', e => e.srcset = `${to} 1x`),
  input: to => element('input', e => Object.assign(e, {type: 'image', src: to})),
  script: to => element('script', e => e.src = to),
  module: to => import(to),
  style: to => link('stylesheet', to),
  imported: to => style(`@import url("${to}");`),
  background: to => text('div', `<p style="background: url(${to})">x</p>`),
  cursor: to => style(`html {cursor: url("${to}"), auto} body::after {content: url("${to}")}`),
  font: to => new FontFace('f', `url("${to}")`).load(),
  face: to => style(`@font-face {font-family: g; src: url("${to}")} body {font-family: g}`).then(() => text('p', 'x')),
  preload: to => link('preload', to, {as: 'fetch', crossOrigin: ''}),
  modules: to => link('modulepreload', to),
  prefetch: to => link('prefetch', to),
  icon: to => link('icon', to),
  video: to => element('video', e => e.src = to),
  audio: to => element('audio', e => Object.assign(e, {src: to, preload: 'auto'})),
  poster: to => element('video', e => e.poster = to),
  track: to => text('div', `<video crossorigin><track default src="${to}"></video>`).then(
    () => { [...document.querySelectorAll('track')].at(-1).track.mode = 'showing'; }),
  frame: to => element('iframe', e => e.src = to),
  object: to => element('object', e => e.data = to),
  embed: to => element('embed', e => e.src = to),
  nested: to => element('iframe', e => e.srcdoc = `<img src="${to}">`),
  refresh: to => element('iframe', e => e.srcdoc = `<meta http-equiv=refresh content="0;url=${to}">`),
  moved: to => element('iframe', e => e.srcdoc = `<script>location = '${to}'<\\/script>`),
  picture: to => svg(`<image href="${to}" width="9" height="9"/>`),
  used: to => svg(`<use href="${to}#a"/>`),
  filtered: to => svg(`<filter id="f"><feImage href="${to}"/></filter><rect filter="url(#f)" width="9" height="9"/>`),
  form: to => form(to),
  blank: to => form(to, '_blank'),
  opened: to => { open(to, '_blank'); return late(700); },
  ping: to => element('a', e => { Object.assign(e, {href: '#', ping: to}); setTimeout(() => e.click(), 100); }),
  socket: to => new Promise(done => { const s = new WebSocket(to.replace('http', 'ws')); s.onerror = s.onopen = done; }),
  events: to => new Promise(done => {
    const s = new EventSource(to);
    s.onerror = s.onopen = () => { s.close(); done(); };
  }),
  worker: to => new Promise(done => {
    const s = new Worker(script(`${asks(to)}.then(() => postMessage(1))`));
    s.onmessage = s.onerror = done;
  }),
  imports: to => new Promise(done => {
    const s = new Worker(script(`try {importScripts('${to}')} catch {} postMessage(1)`));
    s.onmessage = s.onerror = done;
  }),
  shared: to => new Promise(done => {
    const s = new SharedWorker(script(`onconnect = e => ${asks(to)}.then(() => e.ports[0].postMessage(1))`));
    s.port.onmessage = s.onerror = done;
  }),
};
(async () => {
  for (const rel of ['preconnect', 'dns-prefetch', 'prerender', 'manifest', 'next'])
    for (const to of at) link(rel, to);
  for (const rules of ['prefetch', 'prerender'])
    element('script', e => Object.assign(e, {type: 'speculationrules', textContent: JSON.stringify({[rules]: [{urls: at}]})}));
  const all = at.flatMap((to, n) => Object.entries(ways).slice(0, n > 1 ? 6 : 99).map(way => [...way, `${to}/${way[0]}`]));
  await Promise.all(all.map(async ([name, work, to]) => { await quiet(() => work(to)); tried.push(name); }));
  await quiet(() => calls([{urls: [`stun:${inside}`]}]));
  await quiet(() => calls([{urls: [`turn:${inside}?transport=tcp`, `turn:${inside}`], username: 'a', credential: 'b'}]));
  tried.push(navigator.onLine ? 'online' : 'offline');
  await fetch('/told', {method: 'POST', body: JSON.stringify(tried)});
})();
</script>"""

# By TLS, with the fields of its head (`REPORTS`).
SECURE = """<!doctype html><title>waiting</title><body><script>
const late = ms => new Promise(done => setTimeout(done, ms));
const quiet = work => Promise.race([Promise.resolve().then(work).catch(() => 0), late(8000)]);
(async () => {
  await quiet(() => new WebTransport('https://INSIDE/transport').ready);
  await quiet(() => new WebSocketStream('wss://INSIDE/stream').opened);
  for (const at of ['https://INSIDE', 'http://INSIDE'])
    for (const name of ['tls', 'trusted']) await quiet(() => fetch(`${at}/${name}`, {mode: 'no-cors'}));
  await quiet(() => { const made = new Image(); made.src = 'https://INSIDE/blocked-by-csp'; return made.decode(); });
  await quiet(() => navigator.joinAdInterestGroup({owner: 'https://INSIDE', name: 'a', updateURL: 'https://INSIDE/group'}, 9));
  await quiet(() => navigator.credentials.get({identity: {providers: [{configURL: 'https://INSIDE/fed', clientId: 'a'}]}}));
  await quiet(() => new PaymentRequest([{supportedMethods: 'https://INSIDE/pay'}], {total: {label: 'a', amount: {
    currency: 'EUR', value: '1'}}}).canMakePayment());
  await quiet(async () => {
    await navigator.serviceWorker.register('/worker.js');
    const ready = await navigator.serviceWorker.ready;
    await quiet(() => ready.backgroundFetch.fetch('one', ['https://INSIDE/background']));
    await new Promise(done => { navigator.serviceWorker.onmessage = done; ready.active.postMessage('go'); });
  });
  await fetch('/told', {method: 'POST', body: JSON.stringify(['worker'])});
})();
</script>"""
WORKER = """onmessage = async asked => {
  for (const at of ['http://INSIDE/', 'https://INSIDE/', 'http://inward.test:PORT/'])
    await fetch(at, {mode: 'no-cors'}).catch(() => 0);
  asked.source.postMessage('done');
};"""
REPORTS = {
    "Content-Security-Policy-Report-Only": "img-src 'none'; report-uri http://INSIDE/csp https://INSIDE/csp; report-to all",
    "Reporting-Endpoints": 'all="https://INSIDE/reports"',
    "Report-To": '{"group": "all", "max_age": 99, "endpoints": [{"url": "https://INSIDE/reports"}]}',
    "NEL": '{"report_to": "all", "max_age": 99, "success_fraction": 1.0, "failure_fraction": 1.0}',
    "Link": "<http://INSIDE/early>; rel=preload; as=image, <http://INSIDE>; rel=preconnect, <https://INSIDE>; rel=dns-prefetch",
}


def filled(text: str, inside: str, *at: str) -> str:
    """With the host and port of who must not be reached, and the addresses to which every way leads."""
    named = text.replace("AT,", f"{json.dumps(at)},").replace("INSIDE", inside)
    return named.replace("PORT", inside.rpartition(":")[2])
