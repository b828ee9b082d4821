"""What a hostile server, page or neighbour can cost: each attack on a whole player for `--seconds`, beside the limits.

Measured while it goes on: how long the loops of agent and stage did not answer, memory above that of quiet play, what reached the
disk, and lines of the log that one cause wrote. The good pictures play on beside it, no daemon ends, and no port opens.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from player.config import StageConfig
from player.core.kinds import Kind
from player.journal_reader import read_journal
from player.sizes import parse_size
from scripts.benches.figures import Figure, Required
from scripts.benches.flash import MB, MEMORY, written
from scripts.benches.footprint import until_playing
from scripts.benches.hostile_films import full_index
from scripts.benches.hostile_server import HostileServer, Json, hostile_server
from scripts.benches.rig import Rig, daemon
from scripts.benches.watch import Watch, of_one_cause, watching

STALL_MS, AGENT_MB, STAGE_MB, WRITTEN_MB, LINES = 500.0, 100.0, 400.0, 1.0, 10.0  # the last two a minute
QUIET_S, SETTLE_S = 10.0, 6.0
SILENT = 40  # connections of a stranger
PASSWORD = "bench-password"  # noqa: S105 - of a player that lives for minutes
LARGE_MIB = parse_size(StageConfig().page_memory) // 2**20 - 40  # with what an empty page holds: just under what one may
ENDLESS = ("/endless.m3u8", "/endless.mpd", "/keyed.m3u8", "/many.m3u8")
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Attack:
    """What the server says meanwhile, what else it has, and what is done beside it (with a port of the control API, until then).

    `paths`: of the server's, without which nothing was attacked.
    """

    name: str
    beat: Callable[[], Json] | None = None
    items: Callable[[str], list[Json]] | None = None
    ahead: Callable[[], list[Json]] | None = None
    beside: Callable[[int, float], None] | None = None
    paths: tuple[str, ...] = ()

    def begin(self, server: HostileServer) -> None:
        """From here on it means harm."""
        if self.beat:
            server.beat = self.beat
        items, ahead = self.items, self.ahead
        extra = items(server.url) if items else []
        server.programme = lambda good: {
            "playlist": {"id": 1, "items": [*good, *extra]},
            "content_to_download": ahead() if ahead else [],
        }


def _commands() -> Json:
    rows = [{"id": f"x{next(_numbers)}", "type": "explode", "payload": {"junk": "j" * 100}} for _ in range(1000)]
    return {"paired": True, "pending_commands": rows}


def _alerts() -> Json:
    rows = [{"id": f"a{n}", "title": "Fire", "severity": "minor", "image_url": f"/none-{n}.png"} for n in range(32)]
    return {"paired": True, "emergency_alerts": rows}


def _entries(kind: Kind, *addresses: str) -> list[Json]:
    """Items of a kind, five seconds each."""
    return [
        {"id": f"{kind}{n}", "content_id": f"{kind}{n}", "name": f"{kind} {n}", "type": kind, "duration": 5, "source_url": address}
        for n, address in enumerate(addresses)
    ]


def _inside(url: str) -> list[Json]:
    pages = ("http://169.254.169.254/", "http://10.1.2.3/", "http://[::ffff:10.0.0.1]/", "http://0xa000001/")
    streams = ("rtsp://10.0.0.1/live", "http://192.168.1.1/a.m3u8", f"{url}/inside.m3u8")
    return [*_entries(Kind.WEB, *pages), *_entries(Kind.LIVESTREAM, *streams), *_entries(Kind.IMAGE, "http://192.168.1.1/x.png")]


def _endless(url: str) -> list[Json]:
    return _entries(Kind.LIVESTREAM, *(f"{url}{path}" for path in ENDLESS))


def _films(url: str) -> list[Json]:
    return _entries(Kind.LIVESTREAM, f"{url}/index.mp4", f"{url}/itself.m3u8")


def _listening(_: str) -> list[Json]:
    ways = ("srt://127.0.0.1:9999?mode=listener", "srt://0.0.0.0:9999?mode=rendezvous", "udp://0.0.0.0:9998", "rtp://0.0.0.0:9996")
    return _entries(Kind.LIVESTREAM, *ways)


def _forged(_: str) -> list[Json]:
    names = (f"\x1b[2J\nERROR the box is on fire {next(_numbers)}" for _ in range(1000))
    return [{"id": f"n{n}", "content_id": f"n{n}", "name": name, "type": f"kind {n}"} for n, name in enumerate(names)]


def _strangers(port: int, until: float) -> None:
    """Connections that say nothing, and wrong passwords one after the other."""
    held: list[socket.socket] = []
    with contextlib.ExitStack() as stack:
        while time.monotonic() < until:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if len(held) < SILENT:
                    held.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), 2)))
                asking = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
                word = base64.b64encode(f"local:{next(_numbers)}".encode()).decode()
                body, head = '{"type": "reboot"}', {"Authorization": f"Basic {word}", "Content-Type": "application/json"}
                asking.request("POST", "/api/command", body, head)
                asking.getresponse().read()
                asking.close()


ATTACKS = (
    Attack("1 commands", beat=_commands),
    Attack("1 alerts", beat=_alerts),
    Attack("1 feeds", items=lambda url: _entries(Kind.TICKER, *(f"{url}/feed-{n}" for n in range(4000))), paths=("/feed-0",)),
    Attack("1 files ahead", ahead=lambda: [{"content_id": n, "type": "image", "download_url": f"/{n}.jpg"} for n in range(50_000)]),
    Attack("2 addresses", items=_inside),
    Attack("3 listening", items=_listening),
    Attack("3 endless", items=_endless, paths=ENDLESS),
    Attack("3 films", items=_films, paths=("/index.mp4", "/itself.m3u8")),
    Attack("4 page", items=lambda url: _entries(Kind.WEB, f"{url}/fills.html"), paths=("/fills.html",)),
    Attack(
        "4 large pages",
        items=lambda url: _entries(Kind.WEB, *(f"{url}/holds.html?{LARGE_MIB}&{n}" for n in range(3))),
        paths=("/holds.html",),
    ),
    Attack("4 growing page", items=lambda url: _entries(Kind.WEB, f"{url}/holds.html?1000000"), paths=("/holds.html",)),
    Attack("5 files", items=lambda url: _entries(Kind.IMAGE, f"{url}/bomb.png", f"{url}/fills.html"), paths=("/bomb.png",)),
    Attack("6 strangers", beside=_strangers),
    Attack("7 text", items=_forged),
    Attack("1 paired or not", beat=lambda: {"paired": next(_numbers) % 2 == 0}),  # last: the box asks seldom after it
)


def hostile(seconds: float) -> list[Figure]:
    """Stalls of 500 ms, 100 MB (400 of the stage), 1 MB and 10 lines a minute; no daemon ends, and no port is opened."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "SIGNAGE__CMS__HEARTBEAT_INTERVAL": "1", "SIGNAGE__CMS__POLL_INTERVAL": "2", "SIGNAGE__CONTROL__PASSWORD": PASSWORD,
        "SIGNAGE__CONTROL__LISTEN": f"127.0.0.1:{port}",
    }  # fmt: skip
    runtime = Path(tempfile.mkdtemp(prefix="sb-", dir=MEMORY))
    with _removed(runtime), hostile_server() as server, Rig(settings=settings, runtime=runtime) as rig:
        server.files["/inside.m3u8"] = _playlist(), "application/vnd.apple.mpegurl"
        server.files["/many.m3u8"] = b"#EXTM3U\n" + b"#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n" * 10_000, "audio/mpegurl"
        server.files["/itself.m3u8"] = b"#EXTM3U\n" + b"#EXT-X-STREAM-INF:BANDWIDTH=1\nitself.m3u8\n" * 300, "audio/mpegurl"
        server.files["/index.mp4"] = full_index(), "video/mp4"
        server.endless = dict(_long_playlists())
        rig.environment["SIGNAGE__CMS__URL"] = server.url
        run = rig.player("run").pid
        until_playing(rig)
        time.sleep(SETTLE_S)
        pids = _pids(run)
        with watching(rig.dirs, *pids) as idle:
            time.sleep(QUIET_S)
        figures = [figure for attack in ATTACKS for figure in _attacked(attack, server, rig, run, port, idle, seconds)]
        ended = sum(before != after for before, after in zip(pids, _pids(run), strict=True))
    return [*figures, Figure("hostile", "daemons that ended", ended, required=Required(0))]


def _attacked(attack: Attack, server: HostileServer, rig: Rig, run: int, port: int, idle: Watch, seconds: float) -> list[Figure]:
    quiet = HostileServer()
    agent, stage = _pids(run)
    log, plays = rig.log("run"), len(list(read_journal(rig.dirs.plays)))
    asked = server.asked.copy()
    size, before, until = log.stat().st_size, sum(written(run).values()), time.monotonic() + seconds
    attack.begin(server)
    with watching(rig.dirs, agent, stage) as watch:
        if attack.beside:
            attack.beside(port, until)
        time.sleep(max(0.0, until - time.monotonic()))
    spent, shown = sum(written(run).values()) - before, len(list(read_journal(rig.dirs.plays))) - plays
    lines = log.read_bytes()[size:].decode(errors="replace").splitlines()
    server.beat, server.programme = quiet.beat, quiet.programme
    time.sleep(SETTLE_S)
    minutes = max(1.0, seconds / 60)  # of less than a minute it is what was counted
    stalls = {"agent": (watch.agent_stall_ms, idle.agent_stall_ms), "stage": (watch.stage_stall_ms, idle.stage_stall_ms)}
    return [
        *(
            Figure("hostile", f"{attack.name}: {name}'s stall", longest, "ms", quiet_ms, "quiet", Required(STALL_MS))
            for name, (longest, quiet_ms) in stalls.items()
        ),
        Figure("hostile", f"{attack.name}: ports opened", len(watch.opened), required=Required(0)),
        Figure("hostile", f"{attack.name}: agent's memory", watch.agent_mb - idle.agent_mb, "MB", required=Required(AGENT_MB)),
        Figure("hostile", f"{attack.name}: stage's memory", watch.stage_mb - idle.stage_mb, "MB", required=Required(STAGE_MB)),
        Figure("hostile", f"{attack.name}: with the programs' pages", watch.stage_whole_mb - idle.stage_whole_mb, "MB"),
        Figure("hostile", f"{attack.name}: written", spent / MB / minutes, "MB a minute", required=Required(WRITTEN_MB)),
        Figure("hostile", f"{attack.name}: lines of a cause", of_one_cause(lines) / minutes, "a minute", required=Required(LINES)),
        Figure("hostile", f"{attack.name}: plays meanwhile", shown, required=Required(1, at_least=True)),
        *(
            Figure(
                "hostile", f"{attack.name}: asked for {path}", server.asked[path] - asked[path], required=Required(1, at_least=True)
            )
            for path in attack.paths
        ),
    ]


@contextlib.contextmanager
def _removed(folder: Path) -> Iterator[None]:
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _pids(run: int) -> tuple[int, int]:
    """Agent and stage. Raises RuntimeError where one is not there."""
    agent, stage = (daemon(run, name) for name in ("agent", "stage"))
    if agent is None or stage is None:
        raise RuntimeError("agent or stage was not found")
    return agent.pid, stage.pid


def _long_playlists() -> Iterator[tuple[str, tuple[bytes, bytes]]]:
    head, segments = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n", b"#EXTINF:2,\na.ts\n" * 4000
    yield "/endless.m3u8", (head, segments)
    yield "/keyed.m3u8", (head + b'#EXT-X-KEY:METHOD=AES-128,URI="k.ts"\n', segments)
    profile = b"urn:mpeg:dash:profile:isoff-on-demand:2011"
    yield "/endless.mpd", (b'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="%s">' % profile, b"<!-- %s -->" % (b"x" * 65536))


def _playlist() -> bytes:
    segments = ("httpproxy://10.0.0.1:80/a.ts", "http://169.254.169.254/a.ts", "tcp://10.0.0.1:80", "file:///etc/passwd")
    lines = [line for segment in segments for line in ("#EXTINF:2.0,", segment)]
    return "\n".join(("#EXTM3U", "#EXT-X-TARGETDURATION:2", *lines, "#EXT-X-ENDLIST")).encode()
