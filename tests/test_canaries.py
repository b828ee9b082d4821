"""Every secret that a box may be told has a value of its own here; none of them is in anything that it says (fault X6)."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.player_box import PlayerBox, until
from tests.fakes.server import Script, scripted_server

REGISTER, HEARTBEAT, PLAYLIST = (f"/api/device/{name}" for name in ("register", "heartbeat", "playlist"))
LICENSE, PASSWORD, LOCK_PIN = "CANARY-license-5512", "CANARY-password-8421", "80718293"
WRONG_PIN = "CANARY-pin-7x33"
ADDRESSES = {
    "page": "https://127.0.0.1:1/board?CANARY-query-1199=1#CANARY-part-2210",
    "page2": "http://CANARY-user-3321:CANARY-login-4432@127.0.0.1:1/",
    "live_stream": "rtsp://u:CANARY-p@ss-5543@127.0.0.1:1/live",
    "feed": "http://127.0.0.1:1/rss?token=CANARY-feed-9900",
    "page3": "ftp://u:CANARY-ftp-6677@127.0.0.1:1/x?token=CANARY-query-8899",
}
FORGED = "Summer\n2026-01-01 00:00:00,000 ERROR player.agent: forged\x1b]0;steered\x07\x9b2J\u202e\u2028"
NAMED = f"{FORGED} of http://u:CANARY-name-1212@h/x?sig=CANARY-name-2323"
SIGNED = "/media/film.jpg?X-Amz-Signature=CANARY-signature-6654&token=CANARY-token-7765"
STEERS = set("\x1b\x07\x9b\u202e\u2028")


@dataclass
class Told:
    """The box that was told, and the server that heard it."""

    box: PlayerBox
    script: Script
    folder: Path

    def command(self, *words: str) -> str:
        """What a person sees who asks on the command line, on both outputs."""
        environment = self.box.environment
        command = [sys.executable, "-P", "-m", "player", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr


def items() -> list[dict[str, Any]]:
    """One of each address, and a file behind a signed one; each has a name that forges and steers."""
    web = [
        {"id": str(n), "content_id": f"c{n}", "name": NAMED, "type": kind if kind in ("live_stream", "feed") else "webpage",
         "duration": 2, "order": n, "url": address, "file_hash": None, "download_url": None}
        for n, (kind, address) in enumerate(ADDRESSES.items())
    ]  # fmt: skip
    file = {
        "id": "9", "content_id": "c9", "name": FORGED, "type": "image", "duration": 2, "order": 9, "url": None,
        "file_hash": "0" * 64, "download_url": SIGNED,
    }  # fmt: skip
    quoted = {**file, "id": "10", "content_id": "c10", "type": "rtsp://u:CANARY-q@ss-5543@h/x?sig=CANARY", "order": 10}
    return [*web, file, quoted]


@pytest.fixture
async def told(runtime_dir: Path) -> AsyncIterator[Told]:
    async with scripted_server() as script:
        heard = {"paired": True, "is_locked": True, "lock_pin": LOCK_PIN}
        script.on(REGISTER, {**heard, "device_name": FORGED})
        payload = {"pin": WRONG_PIN, "authorization": "CANARY-auth-9987", "cookie": "a=CANARY-cookie-1098"}
        command = {"id": "1", "type": "lock", "payload": payload}
        unknown = {**command, "id": "2", "type": FORGED}
        alert = {
            "id": "1",
            "title": FORGED,
            "message": FORGED,
            "severity": "minor",
            "image_url": f"{script.url}/a.png?sig=CANARY-alert-3109",
        }
        heard["emergency_alerts"] = [alert]
        script.on(HEARTBEAT, {**heard, "pending_commands": [command, unknown]}, heard)
        script.on(
            PLAYLIST, {"playlist": {"id": "1", "name": FORGED, "schedule_id": "1", "items": items()}, "content_to_delete": []}
        )
        script.on("/api/device/playback", {})
        for number in "12":
            script.on(f"/api/device/commands/{number}/result", {})
        settings = {"SIGNAGE__CMS__LICENSE_KEY": LICENSE, "SIGNAGE__CONTROL__PASSWORD": PASSWORD, "SIGNAGE__STAGE__BACKEND": "none"}
        box = PlayerBox(runtime_dir, script.url, **settings)
        await box.start()
        try:
            yield Told(box, script, runtime_dir)
        finally:
            await box.stop()


def canaries(text: str) -> list[str]:
    """The secrets in a text, with what stands around them."""
    text = text.replace("%2d", "-")
    words = ["CANARY", "ss-5543", LOCK_PIN]
    return [f"…{text[max(0, at - 80) : at + 60]}…" for word in words if (at := text.find(word)) >= 0]


async def test_x6_no_secret_and_no_steering_in_anything_that_the_box_says(told: Told) -> None:
    await until(
        "a result of both commands", lambda: _has(lambda: len([s for s in told.script.seen if s.path.endswith("/result")]) >= 2)
    )
    await until("the file was asked for", lambda: _has(lambda: told.script.asked("/media/film.jpg")))
    await until("a fault of it", lambda: _has(lambda: [s for s in told.script.asked(HEARTBEAT) if "c9" in json.dumps(s.body)]), 20)
    said: dict[str, str] = {}
    for words in (["status"], ["why"], ["settings"], ["cache", "list"], ["lock", "--pin", WRONG_PIN], ["status", "--json"]):
        said[" ".join(words[:2])] = await asyncio.to_thread(told.command, *words)
    archive = told.folder / "t.tar.gz"
    said["support-bundle"] = await asyncio.to_thread(told.command, "support-bundle", str(archive))
    with tarfile.open(archive) as parts:
        for part in parts:
            content = parts.extractfile(part)
            said[part.name] = content.read().decode() if content else ""
    said["its output"] = told.box.log(10**7)
    for path in told.box.dirs.runtime.rglob("*.log*"):
        said[path.name] = path.read_text(errors="replace")
    for one in told.script.seen:
        if one.path != "/media/film.jpg":
            said[f"{one.path} {one.query}"] = said.get(f"{one.path} {one.query}", "") + json.dumps(one.body, ensure_ascii=False)
    own = {name: text.replace(LICENSE, "") if name.startswith("/api/") else text for name, text in said.items()}
    assert {name: found for name, text in own.items() if (found := canaries(text))} == {}
    shown = {name: text for name, text in said.items() if not name.startswith("/api/")}
    assert [name for name, text in shown.items() if STEERS & set(text)] == []
    assert [name for name, text in shown.items() if "\n2026-01-01 00:00:00,000" in text] == []
    assert any("forged" in text for text in shown.values()), "the names were shown"


async def _has(found: Any) -> bool:
    return bool(found())
