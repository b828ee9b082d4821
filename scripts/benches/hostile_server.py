"""A server that has two pictures shown, and means harm as long as it is told to: AdCast's paths, answered by whoever attacks."""

from __future__ import annotations

import contextlib
import http.server
import io
import json
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

Json = dict[str, Any]
GOOD_S = 2.0
SCREEN_FULL = """<!doctype html><title>fills</title><body style="background:#246"><script>
const big = "x".repeat(1 << 20);
for (let line = 0; line < 70; line++) console.log(big);
const asked = indexedDB.open("all", 1);
asked.onupgradeneeded = () => asked.result.createObjectStore("all", {autoIncrement: true});
asked.onsuccess = () => setInterval(() => {
  try { asked.result.transaction("all", "readwrite").objectStore("all").add(big + Math.random()); } catch {}
}, 5);
</script>"""
# Takes a megabyte of memory for each of the number in its address, sixteen every tenth of a second.
HOLDS = """<!doctype html><title>holds</title><body style="background:#624"><script>
const kept = [], wanted = parseInt(location.search.slice(1));
const take = () => { if (kept.length * 16 < wanted) { kept.push(new Uint8Array(16 << 20).fill(1)); setTimeout(take, 100); } };
take();
</script>"""


def _quiet() -> Json:
    return {"paired": True}


def _plain(good: list[Json]) -> Json:
    return {"playlist": {"id": 1, "items": good}}


@dataclass
class HostileServer:
    """`beat` makes a heartbeat's answer, `programme` the playlist's, of the items of a good one; `files` are what else it has.

    `endless`: by path, what an answer begins with, and what it goes on with until nobody reads it.
    """

    url: str = ""
    beat: Callable[[], Json] = _quiet
    programme: Callable[[list[Json]], Json] = _plain
    files: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    endless: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)  # for each path

    def answer(self, path: str) -> tuple[bytes, str] | None:
        """What stands at `path`; None where nothing does."""
        name = path.partition("?")[0]
        match name.removeprefix("/api/device/"):
            case "register":
                return _json({"paired": True})
            case "heartbeat":
                return _json(self.beat())
            case "playlist":
                return _json(self.programme(self._good()))
            case "playback":
                return _json({})
        return self.files.get(name)

    def _good(self) -> list[Json]:
        like = {"type": "image", "duration": GOOD_S}
        return [{**like, "id": f"good{n}", "content_id": f"good{n}", "download_url": f"/good{n}.png"} for n in (1, 2)]


def _json(value: Json) -> tuple[bytes, str]:
    return json.dumps(value).encode(), "application/json"


@contextlib.contextmanager
def hostile_server() -> Iterator[HostileServer]:
    """Serves it on loopback."""
    made = HostileServer()
    for number, colour in ((1, "teal"), (2, "olive")):
        made.files[f"/good{number}.png"] = picture(colour), "image/png"
    made.files |= {
        "/fills.html": (SCREEN_FULL.encode(), "text/html"), "/holds.html": (HOLDS.encode(), "text/html"),
        "/bomb.png": (bomb(30_000), "image/png"),
    }  # fmt: skip

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            made.asked[self.path.partition("?")[0]] += 1
            if begun := made.endless.get(self.path):
                self._go_on(*begun)
                return
            found = made.answer(self.path)
            content, kind = found or (b"{}", "application/json")
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _go_on(self, first: bytes, more: bytes) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(first)
                while True:
                    self.wfile.write(more)

        do_POST = do_GET  # noqa: N815 - the base class's word

        def log_message(self, *_: object) -> None:
            """The table is what is printed."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="hostile server")
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def picture(colour: str) -> bytes:
    """A plain one."""
    out = io.BytesIO()
    Image.new("RGB", (640, 360), colour).save(out, "PNG")
    return out.getvalue()


def bomb(side: int) -> bytes:
    """A picture of `side` x `side` pixels that is some kilobytes long."""
    rows = zlib.compress(bytes((1 + side // 8) * side), 1)
    head = side.to_bytes(4) * 2 + bytes([1, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")))


def _chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + name + body + zlib.crc32(name + body).to_bytes(4)
