"""From a message about a broadcast to the first frame of what it triggers, read off the screen, while a clip plays.

The whole player, beside a folder of content; Spotwatch's part is played here, by calls as it makes them. Three of the answers are
kept ready; each of the others is triggered once, before it is shown often enough to be among them.
"""

from __future__ import annotations

import http.server
import json
import shutil
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.benches import content
from scripts.benches.content import Clip, Coded
from scripts.benches.figures import Figure, Required, middle
from scripts.benches.rig import Recording, Rig, first_shown, stop, until
from scripts.benches.start import mpv_from_nothing
from scripts.benches.strip import Sort

BELOW, ANSWER = Clip("h264", 1280, 720, 30, seconds=20), Clip("h264", 1280, 720, 30)
READY, ALL = 3, 7
SETTLE_S, BETWEEN_S, SEEN_WITHIN_S = 8.0, 5.0, 15.0


def trigger(folder: Path, runs: int) -> list[Figure]:
    """300 ms where it is ready, a second where it is not."""
    answers = [content.clip(folder, number, ANSWER) for number in range(1, ALL + 1)]
    with Rig() as rig, _spotwatch() as (url, told):
        address = _configure(rig, url, content.clip(folder, 0, BELOW), answers)
        with rig.recording() as recording:
            began = time.monotonic()
            process = rig.player("run")
            first_shown(recording, began, 60)
            until(lambda: "token" in told, 30, "no endpoint was set")
            time.sleep(SETTLE_S)
            cold = [_answered(recording, address, told["token"], number) for number in range(READY + 1, ALL + 1)]
            shown_most = range(READY + 1, 2 * READY + 1)
            warm = [_answered(recording, address, told["token"], number) for number in shown_most for _ in range(runs)]
            stop(process)
    rival = [1000 * mpv_from_nothing(answers[0].path) for _ in range(runs)]
    beside = (middle(rival), "mpv FILE from nothing")
    return [
        Figure("trigger", "message to first frame, ready", middle(warm), "ms", *beside, Required(300), warm),
        Figure("trigger", "the slowest of them", max(warm), "ms", max(rival), beside[1], Required(300), warm),
        Figure(
            "trigger", "message to first frame, not ready, slowest", max(cold), "ms", max(rival), beside[1], Required(1000), cold
        ),
    ]


def _answered(recording: Recording, address: str, token: str, number: int) -> float:
    """Milliseconds from a message to the first frame that answers it; returns when what was there is back."""
    now = time.time()
    broadcast = {"id": time.monotonic_ns(), "time": now, "channel": "bench"}
    ad = {"brand": f"brand {number}", "categories": [], "duration": 10}
    message = {"broadcast": broadcast, "timings": {"detected": now}, "ad": ad}
    body = json.dumps({"token": token, "push_type": "broadcast", "message": message}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - our own address
    began = time.monotonic()
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - as above
        pass
    found: list[float] = []

    def seen() -> bool:
        shown = (one for one in recording.samples() if one.at > began and one.seen.sort is Sort.ITEM)
        found[:] = [one.at for one in shown if one.seen.item == number][:1]
        return bool(found)

    until(seen, SEEN_WITHIN_S, f"answer {number} was not on screen", 0.02)
    time.sleep(ANSWER.seconds + BETWEEN_S)
    return 1000 * (found[0] - began)


def _configure(rig: Rig, url: str, below: Coded, answers: list[Coded]) -> str:
    """Content, rules and addresses; where the player is called."""
    shown, waits = rig.folder / "shown", rig.folder / "answers"
    for folder, coded in ((shown, [below]), (waits, answers)):
        folder.mkdir()
        for one in coded:
            shutil.copyfile(one.path, folder / one.path.name)
    rules = "".join(
        f'[[trigger]]\nname = "{one.number}"\nbrand = ["brand {one.number}"]\nshow = "file:{one.path.name}"\ncooldown_s = 0.0\n'
        for one in answers
    )
    config = rig.folder / "config.toml"
    config.write_text(rules, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    rig.environment |= {
        "SIGNAGE_CONFIG": str(config), "SIGNAGE__CMS__KIND": "folder", "SIGNAGE__FOLDER__PATH": str(shown),
        "SIGNAGE__CONTROL__LISTEN": f"127.0.0.1:{port}", "SIGNAGE__CONTROL__PUBLIC_URL": f"http://127.0.0.1:{port}",
        "SIGNAGE__SPOTWATCH__URL": url, "SIGNAGE__SPOTWATCH__KEY": "bench", "SIGNAGE__SPOTWATCH__RECEIVE": "webhook",
        "SIGNAGE__SPOTWATCH__FOLDER": str(waits),
    }  # fmt: skip
    return f"http://127.0.0.1:{port}/hooks/spotwatch"


@contextmanager
def _spotwatch() -> Iterator[tuple[str, dict[str, Any]]]:
    """Takes the endpoint that is set; what was said of it."""
    told: dict[str, Any] = {}

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(b"Push endpoint set.")

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
