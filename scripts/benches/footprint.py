"""What playing costs: the agent's share of a core and its memory, and the whole player's memory beside bare mpv's.

The player is paired with the embedded server over HTTP and polls it at the default intervals; mpv plays the same files, in the
same order, under the same compositor.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from player.cli.client import ControlClient
from player.demo.adcast.client import Operator
from player.errors import NotRunning
from scripts.benches import content
from scripts.benches.content import Clip, Coded
from scripts.benches.figures import Figure, Required, middle
from scripts.benches.rig import MPV, Rig, cpu_s, daemon, pss_mb, sampled_mb, stop, until

SECONDS = 30.0
SETTLE_S = 15.0
PICTURE_S = 4.0
CLIPS = (Clip("h264", 1280, 720, 30, seconds=6), Clip("h264", 1920, 1080, 30, seconds=6, sound=True))


def footprint(folder: Path) -> list[Figure]:
    """One percent of a core and 60 MB for the agent; at most twice mpv's memory for agent and stage together."""
    items = [content.clip(folder, number, like) for number, like in enumerate(CLIPS)]
    items += [content.picture(folder, 2, "png"), content.picture(folder, 3, "jpg")]
    with Rig((1920, 1080)) as rig:
        server, url = serve(rig)
        rig.environment["SIGNAGE__CMS__URL"] = url
        process = rig.player("run")
        asyncio.run(paired(url, rig, items, PICTURE_S))
        until_playing(rig)
        agent, stage = (daemon(process.pid, name) for name in ("agent", "stage"))
        if agent is None or stage is None:
            raise RuntimeError("agent or stage was not found")
        time.sleep(SETTLE_S)
        cpu, memory, both = _measure(agent.pid, [stage.pid, *({stage.ppid()} - {process.pid})])
        stop(process)
        stop(server)
    mpv_cpu, mpv_memory = _rival(items)
    return [
        Figure("footprint", "agent, CPU of one core", cpu, "%", mpv_cpu, "mpv playing the list", Required(1)),
        Figure("footprint", "agent, memory (PSS)", memory, "MB", mpv_memory, "mpv playing the list", Required(60)),
        Figure("footprint", "agent and stage, memory", both, "MB", mpv_memory, "mpv playing the list", Required(2, of_ratio=True)),
    ]


def serve(rig: Rig) -> tuple[subprocess.Popen[bytes], str]:
    """The embedded server as a process, with its address."""
    command = [sys.executable, "-P", "-m", "player.demo", "--folder", str(rig.folder / "server"), "--port", "0"]
    process = rig.spawn("server", command)
    log = rig.log("server")
    until(lambda: log.read_text().startswith("http"), 20, "the server did not come up")
    return process, log.read_text().splitlines()[0]


async def paired(url: str, rig: Rig, items: Sequence[Coded], picture_s: float) -> None:
    """An operator uploads the list, its pictures for `picture_s` each, and pairs the screen by its code."""
    async with Operator(url) as operator:
        await operator.register("Bench", "bench@example.com", "bench-password", "Bench")
        ids = []
        for item in items:
            uploaded = await operator.upload(item.path, kind=item.kind, duration=picture_s)
            ids.append(uploaded["id"])
        await operator.playlist("list", ids, is_default=True)
        client = ControlClient(rig.dirs.control_socket, 5.0)
        codes: list[str] = []

        def shown() -> bool:
            try:
                codes[:] = [client.pairing()["pairing_code"] or ""]
            except NotRunning:
                return False
            return bool(codes[0])

        await asyncio.to_thread(until, shown, 60, "no pairing code came")
        await operator.pair(codes[0], "Bench")


def until_playing(rig: Rig) -> None:
    """Waits until the list is on screen."""
    client = ControlClient(rig.dirs.control_socket, 5.0)

    def playing() -> bool:
        try:
            return bool(client.status()["now"]["items"])
        except NotRunning:
            return False

    until(playing, 240, "the list did not come on screen", 1.0)


def _measure(agent: int, stage: Sequence[int]) -> tuple[float, float, float]:
    """The agent's CPU (percent of one core), its memory, and that of it and the stage's processes, of which one only waits."""
    memory, both = [], []
    began, used = time.monotonic(), cpu_s(agent)
    while time.monotonic() - began < SECONDS:
        time.sleep(3)
        memory.append(pss_mb(agent))
        both.append(memory[-1] + sum(map(pss_mb, stage)))
    spent = (cpu_s(agent) - used) / (time.monotonic() - began)
    return 100 * spent, middle(memory), middle(both)


def _rival(items: Sequence[Coded]) -> tuple[float, float]:
    """The same of mpv."""
    files = [str(item.path) for item in items]
    with Rig((1920, 1080)) as rig:
        rig.compositor()
        options = ["--loop-playlist=inf", f"--image-display-duration={PICTURE_S}"]
        with rig.rival("mpv", [*MPV, *options, *files]) as process:
            time.sleep(SETTLE_S)
            began, used = time.monotonic(), cpu_s(process.pid)
            memory = sampled_mb([process.pid], SECONDS, 3.0)
            return 100 * (cpu_s(process.pid) - used) / (time.monotonic() - began), memory
