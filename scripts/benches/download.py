"""A gigabyte over loopback: the player's downloader, which hashes while it writes, against `curl` and then `sha256sum`.

Both take the same file from the same server, in turns. As `python -m scripts.benches.download URL FOLDER SHA256` this module is the
process that downloads once and tells how long it took and how its memory grew.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.server
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from scripts.benches.figures import Figure, Required, middle

BYTES = 1024**3
BLOCK = 1024 * 1024
LIMIT_S = 300


def download(runs: int) -> list[Figure]:
    """At least 0.8 times the speed, and memory that does not grow with the file."""
    ours, theirs, growth = [], [], []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "served").mkdir()
        digest = _make(folder / "served" / "file.mp4")
        with _server(folder / "served") as url:
            for _ in range(max(3, runs)):
                theirs.append(_curl(url, folder / "curl"))
                seconds, grown = _ours(url, folder / "ours", digest)
                ours.append(seconds)
                growth.append(grown)
    speed, base = [BYTES / 1e6 / s for s in ours], [BYTES / 1e6 / s for s in theirs]
    line = Required(0.8, of_ratio=True, at_least=True)
    return [
        Figure("download", "1 GiB, hash included", middle(speed), "MB/s", middle(base), "curl && sha256sum", line, speed),
        Figure("download", "growth of peak memory", middle(growth), "MB", BYTES / 1024**2, "the file", samples=growth),
    ]


def _make(path: Path) -> str:
    """A file of bytes that no file system packs; returns its SHA-256."""
    block, digest = os.urandom(BLOCK), hashlib.sha256()
    with path.open("wb") as out:
        for number in range(BYTES // BLOCK):
            piece = number.to_bytes(8) + block[8:]
            out.write(piece)
            digest.update(piece)
    return digest.hexdigest()


class _Server(http.server.SimpleHTTPRequestHandler):
    """A file server whose bodies go from file to socket inside the kernel."""

    protocol_version = "HTTP/1.1"

    def copyfile(self, source: BinaryIO, _outputfile: object) -> None:  # type: ignore[override]  # its type asks for less
        """By sendfile(2)."""
        self.wfile.flush()
        self.connection.sendfile(source)

    def log_message(self, *_: object) -> None:
        """The table is what is printed."""


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Server, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="files")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/file.mp4"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _curl(url: str, target: Path) -> float:
    began = time.monotonic()
    subprocess.run(
        ["sh", "-c", 'curl -s -o "$1" "$2" && sha256sum "$1" >/dev/null', "sh", target, url], check=True, timeout=LIMIT_S
    )
    took = time.monotonic() - began
    target.unlink()
    return took


def _ours(url: str, folder: Path, digest: str) -> tuple[float, float]:
    command = [sys.executable, "-m", "scripts.benches.download", url, str(folder), digest]
    said = subprocess.run(command, check=True, timeout=LIMIT_S, stdout=subprocess.PIPE).stdout
    seconds, grown = json.loads(said)
    return float(seconds), float(grown)


async def _fetch(url: str, folder: Path, digest: str) -> tuple[float, float]:
    from player.core.address_policy import beside
    from player.core.content import WantedAsset
    from player.core.egress import straight
    from player.media.fetch.download import Downloader
    from player.media.fetch.egress import Egress
    from player.way_out import USER_AGENT

    egress = Egress(beside(url), straight(USER_AGENT))
    async with egress.session() as session:
        downloader = Downloader(session, folder, egress, reserve_bytes=0, credentials={}, require_hash=False, local=None)
        before, began = _peak_mb(), time.monotonic()
        got = await downloader.fetch(WantedAsset("1", "file", "video", url, digest, BYTES), digest, 2 * BYTES)
        took = time.monotonic() - began
    got.path.unlink()
    if not got.verified:
        raise RuntimeError("the downloader did not check the file")
    return took, _peak_mb() - before


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_fetch(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))))
