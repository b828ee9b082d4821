"""What the agent takes of memory with each kind of server: the embedded one with sample content, and Spotwatch beside a folder."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from pathlib import Path

from player.cli.client import ControlClient
from player.demo.demonstration import ROOMS, demonstration
from player.demo.folder.demonstration import SHOWN
from player.demo.samples import with_music
from player.demo.spotwatch.demonstration import SpotwatchDemonstration
from player.errors import NotRunning
from scripts.benches.figures import Figure, Required, middle
from scripts.benches.footprint import until_playing
from scripts.benches.rig import Rig, daemon, pss_mb, stop

SIZE, SCREEN = (640, 360), "Bench"
SETTLE_S, READINGS, APART_S = 15.0, 5, 2.0
DAY_SPEED = 60.0  # of Spotwatch's broadcasts: an hour in a minute
PAIRED_WITHIN_S = 60.0


def agents(folder: Path) -> list[Figure]:
    """60 MB at most, with any one of them."""
    samples = folder / "samples"
    with_music(samples)
    cases = [(kind, False) for kind in ROOMS] + [("folder", True)]
    return [_figure(kind, asyncio.run(_memory_mb(samples, kind, spotwatch=beside)), beside) for kind, beside in cases]


def _figure(kind: str, readings: list[float], has_spotwatch: bool) -> Figure:
    name = f"agent, memory (PSS), {kind}" + (" and spotwatch" if has_spotwatch else "")
    return Figure("agents", name, middle(readings), "MB", required=Required(60), samples=readings)


async def _memory_mb(samples: Path, kind: str, *, spotwatch: bool) -> list[float]:
    """Some readings, while the content plays."""
    async with contextlib.AsyncExitStack() as stack:
        rig = stack.enter_context(Rig(SIZE))
        server = await stack.enter_async_context(demonstration(kind, _with(samples, rig.folder / "server"), 0))
        rig.environment |= {"SIGNAGE__CMS__KIND": kind, "SIGNAGE__CMS__URL": server.url, **server.environment(SCREEN)}
        if spotwatch:
            beside = await stack.enter_async_context(SpotwatchDemonstration(rig.folder / "answers", DAY_SPEED))
            config = rig.folder / "config.toml"
            config.write_text(beside.rules, encoding="utf-8")
            rig.environment |= {"SIGNAGE_CONFIG": str(config), **beside.environment}
        process = rig.player("run")
        stack.push_async_callback(asyncio.to_thread, stop, process)
        await server.begin({SCREEN: partial(_shown_code, rig)})
        await asyncio.to_thread(until_playing, rig)
        await asyncio.sleep(SETTLE_S)
        agent = daemon(process.pid, "agent")
        if agent is None:
            raise RuntimeError("the agent's process was not found")
        return [await _reading(agent.pid) for _ in range(READINGS)]


def _with(samples: Path, server: Path) -> Path:
    """The server's own folder, in which sample content need not be made."""
    (server / SHOWN).mkdir(parents=True)
    (server / samples.name).symlink_to(samples)
    return server


async def _reading(pid: int) -> float:
    await asyncio.sleep(APART_S)
    return pss_mb(pid)


async def _shown_code(rig: Rig) -> str:
    """The pairing code on the screen; "" when it needs none."""
    client = ControlClient(rig.dirs.control_socket, 20.0)
    async with asyncio.timeout(PAIRED_WITHIN_S):
        while True:
            with contextlib.suppress(NotRunning):
                answer = await asyncio.to_thread(client.pairing)
                if answer["paired"] or answer["pairing_code"]:
                    return "" if answer["paired"] else str(answer["pairing_code"])
            await asyncio.sleep(0.2)
