"""Ten thousand items: from the answer to the stage, the memory that takes, and what each further poll costs that says the same.

The server is as bare as can be, so that what is measured is the player's: answers are made beforehand. It offers a tag, or none.
"""

from __future__ import annotations

import http.server
import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from player.cli.client import ControlClient
from player.errors import NotRunning
from scripts.benches import content
from scripts.benches.figures import Figure, Required, middle, quantile
from scripts.benches.rig import Rig, cpu_s, daemon, pss_mb, stop, until

ITEMS, FILES, FEW = 10_000, 50, 50
POLL_S, POLLS = 1.0, 20
MB = 1024 * 1024
SETTINGS = {
    "SIGNAGE__CMS__POLL_INTERVAL": str(POLL_S), "SIGNAGE__CMS__HEARTBEAT_INTERVAL": "600", "SIGNAGE__STAGE__BACKEND": "none",
}  # fmt: skip


class Told:
    """What the server answers to a poll, `tagged` under a name. It counts polls, and knows when the last one ended (monotonic)."""

    def __init__(self, file: Path) -> None:
        self.file, self.playlist, self.tagged = file.read_bytes(), b"{}", False
        self.polls, self.ended_at, self.version = 0, 0.0, 0

    def want(self, items: int, first: int) -> None:
        """So many items from now on, of `FILES` files from that number on; each number is a file of its own."""
        self.version += 1
        rows = [_row(number, self.version, first + number % FILES) for number in range(items)]
        playlist = {"id": self.version, "name": "All", "items": rows}
        self.playlist = json.dumps({"playlist": playlist, "content_to_download": rows, "content_to_delete": []}).encode()


def _row(number: int, version: int, file: int) -> dict[str, Any]:
    """An item as AdCast writes it, with all that may be said of one."""
    return {
        "id": 100_000 * version + number, "content_id": file, "name": f"Summer promotion of shop {file}, part {number}",
        "type": "image", "mime": "image/png", "download_url": f"/file/{file}", "source_url": None, "duration": 10, "order": number,
        "file_hash": f"v{file:062}", "file_size": None, "schedule_id": None,
    }  # fmt: skip


def items(folder: Path, runs: int) -> list[Figure]:
    """On air within 2 s of the answer, at most five times the answer's size in memory, and 20 ms of processor for a poll."""
    told = Told(content.picture(folder, 2, "png", (160, 90)).path)
    told.want(FEW, 0)
    with _served(told) as url, Rig(settings={**SETTINGS, "SIGNAGE__CMS__URL": url}) as rig:
        process = rig.player("run")
        _on_air(rig, FEW)
        agent = daemon(process.pid, "agent")
        if agent is None:
            raise RuntimeError("the agent's process was not found")
        few = _a_poll(agent.pid, told)
        took, more, read = [], [], []
        fetched, bare = [], []
        for _ in range(runs):
            _tell(rig, told, FEW)
            before = _anew(agent.pid)
            took.append(_tell(rig, told, ITEMS))
            more.append((_peak_kib(agent.pid) - before) / 1024)
            read.append(_read_s(told.playlist))
        for first in range(FILES, FILES + FILES * runs, FILES):
            _tell(rig, told, FEW)
            fetched.append(_tell(rig, told, ITEMS, first))
            bare.append(_download_s(url, first))
        by_body = _a_poll(agent.pid, told)
        held = pss_mb(agent.pid)
        told.tagged = True
        _tell(rig, told, ITEMS)  # so that its tag is learned with it
        by_tag = _a_poll(agent.pid, told)
        stop(process)
    size, plain = len(told.playlist) / MB, "json.loads of the answer"
    line, name = Required(20), f"an unchanged poll of {FEW} items"
    return [
        Figure("items", f"{ITEMS} items, answer to stage", middle(took), "s", middle(read), plain, Required(2), took),
        Figure("items", "the same, p95", quantile(took, 0.95), "s", quantile(read, 0.95), plain, Required(2)),
        Figure(
            "items", f"the same, its {FILES} files to be fetched", middle(fetched), "s", middle(bare), "a bare download of them",
            Required(2 + middle(bare)), fetched,
        ),
        Figure("items", "agent, more memory meanwhile", max(more), "MB", size, "the answer", Required(5, of_ratio=True), more),
        Figure("items", "agent, memory with them (PSS)", held, "MB", size, "the answer"),
        Figure("items", "an unchanged poll, processor", by_body, "ms", few, name, line),
        Figure("items", "the same, where the server has a tag", by_tag, "ms", few, name, line),
    ]  # fmt: skip


def _tell(rig: Rig, told: Told, count: int, first: int = 0) -> float:
    """Has so many items wanted; the seconds from the end of the answer until the stage has them."""
    manifest = ControlClient(rig.dirs.control_socket, 20.0).status()["manifest"]
    told.want(count, first)
    _on_air(rig, count, manifest["version"])
    return time.monotonic() - told.ended_at


def _on_air(rig: Rig, count: int, before: str = "") -> None:
    client = ControlClient(rig.dirs.control_socket, 20.0)

    def there() -> bool:
        try:
            manifest = client.status()["manifest"]
        except NotRunning:
            return False
        return manifest["version"] not in ("", before) and manifest["items"] == count and manifest["assets_ready"] == FILES

    until(there, 120, f"{count} items did not come on air", 0.03)


def _a_poll(pid: int, told: Told) -> float:
    """Milliseconds of the agent's processor time for each of `POLLS` polls, with all that it does besides."""
    first = told.polls
    until(lambda: told.polls > first + 2, 60, "nothing was polled")  # what was changed has settled
    first, began = told.polls, cpu_s(pid)
    until(lambda: told.polls >= first + POLLS, 60 + 4 * POLL_S * POLLS, "nothing was polled")
    return 1000 * (cpu_s(pid) - began) / (told.polls - first)


def _anew(pid: int) -> float:
    """Has the kernel count the process's most memory from here on; what it has (KiB)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
    return _peak_kib(pid)


def _peak_kib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    return float(next(line for line in lines if line.startswith("VmHWM:")).split()[1])


def _download_s(url: str, first: int) -> float:
    began = time.perf_counter()
    for number in range(first, first + FILES):
        with urllib.request.urlopen(f"{url}/file/{number}", timeout=20) as answer:  # noqa: S310 - our own server
            answer.read()
    return time.perf_counter() - began


def _read_s(answer: bytes) -> float:
    began = time.perf_counter()
    json.loads(answer)
    return time.perf_counter() - began


@contextmanager
def _served(told: Told) -> Iterator[str]:
    """The server's address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # as any real server: else what follows its head waits for an acknowledgement, 40 ms

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self._say(b'{"status": "ok", "paired": true, "device_name": "Bench"}' if "device" in self.path else b"{}")

        def do_GET(self) -> None:
            if self.path.startswith("/file/"):
                self._say(told.file + self.path.encode(), "image/png")  # nobody minds what stands behind a picture
            elif self.path.startswith("/api/device/playlist"):
                answer = told.playlist
                tag = f'"{hash(answer)}"'
                is_known = told.tagged and self.headers.get("If-None-Match") == tag
                self._say(b"" if is_known else answer, tag=tag if told.tagged else "", status=304 if is_known else 200)
                told.ended_at = time.monotonic()
                told.polls += 1
            else:
                self._say(b"{}", status=404)

        def _say(self, body: bytes, kind: str = "application/json", tag: str = "", status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if tag:
                self.send_header("ETag", tag)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The table is what is printed."""

    with content.answering(Handler) as url:
        yield url
