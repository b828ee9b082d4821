"""What is seen of a player from outside while it is attacked: its loops, its memory, its ports, and what it wrote into the log.

Its memory is what the kernel cannot take back. The pages of programs are files on disk, of which a browser alone has 200 MB in
memory as long as nobody else wants it; and whether another browser on the same machine shares them says nothing of an attack.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from player.dirs import Dirs
from scripts.benches.rig import pss_mb, tree_pss_mb

LOOK_S, ASK_S = 0.2, 0.05
UNKNOWN = b'{"kind": "Request", "body": {"id": 1, "op": "are you there"}}\n'  # which the stage refuses at once
LISTENS = "0A"  # in /proc/net/tcp
HELD = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:")
PORTS = frozenset({9996, 9997, 9998, 9999})  # that streams want opened


@dataclass
class Watch:
    """What is seen of a player while it is attacked. Milliseconds, megabytes; `opened`: those of `PORTS` that somebody has.

    `stage_whole_mb`: the stage's memory with the pages of programs.
    """

    agent_stall_ms: float = 0.0
    stage_stall_ms: float = 0.0
    opened: set[int] = field(default_factory=set)
    agent_mb: float = 0.0
    stage_mb: float = 0.0
    stage_whole_mb: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def look(self, agent: int, stage: int) -> None:
        """The memory of both, with what they started, and the ports, until it is over."""
        while not self.over.wait(LOOK_S):
            self.opened |= opened_ports() & PORTS
            with contextlib.suppress(OSError, ValueError):
                self.agent_mb = max(self.agent_mb, pss_mb(agent, HELD))
                self.stage_mb = max(self.stage_mb, tree_pss_mb(stage, HELD))
                self.stage_whole_mb = max(self.stage_whole_mb, tree_pss_mb(stage))

    def ask_agent(self, control: Path) -> None:
        """How long the agent takes to say that it is alive, again and again until it is over."""
        while not self.over.wait(ASK_S):
            began = time.monotonic()
            with socket.socket(socket.AF_UNIX) as line, contextlib.suppress(OSError):
                line.settimeout(60)
                line.connect(str(control))
                line.sendall(b"GET /health HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
                while line.recv(4096):
                    pass
            self.agent_stall_ms = max(self.agent_stall_ms, 1000 * (time.monotonic() - began))

    def ask_stage(self, at: Path) -> None:
        """The same of the stage, over the socket that the agent speaks to."""
        with socket.socket(socket.AF_UNIX) as line, line.makefile("rb") as told:
            line.settimeout(60)
            line.connect(str(at))
            while not self.over.wait(ASK_S):
                began = time.monotonic()
                with contextlib.suppress(OSError):
                    line.sendall(UNKNOWN)
                    any(b'"Answer"' in said for said in told)  # up to it
                self.stage_stall_ms = max(self.stage_stall_ms, 1000 * (time.monotonic() - began))


@contextlib.contextmanager
def watching(dirs: Dirs, agent: int, stage: int) -> Iterator[Watch]:
    """Looks and asks, each in a thread of its own."""
    watch = Watch()
    threads = [
        threading.Thread(target=watch.look, args=(agent, stage), name="memory"),
        threading.Thread(target=watch.ask_agent, args=(dirs.control_socket,), name="agent's stalls"),
        threading.Thread(target=watch.ask_stage, args=(dirs.stage_socket,), name="stage's stalls"),
    ]
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        watch.over.set()
        for thread in threads:
            thread.join()


def of_one_cause(lines: list[str]) -> int:
    """How many lines the busiest cause wrote: those that differ in numbers and names alone are of one."""
    shapes = Counter(re.sub(r"\d+|\"[^\"]*\"|'[^']*'", "#", line) for line in lines if line.strip())
    return max(shapes.values(), default=0)


def opened_ports() -> set[int]:
    """Those of this box at which somebody listens, or receives."""
    tables = {
        name: Path(f"/proc/net/{name}").read_text(encoding="ascii").splitlines()[1:] for name in ("tcp", "tcp6", "udp", "udp6")
    }
    rows = [(name, row.split()) for name, table in tables.items() for row in table]
    return {int(row[1].rpartition(":")[2], 16) for name, row in rows if name.startswith("udp") or row[3] == LISTENS}
