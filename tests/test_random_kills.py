"""Random deaths and hangs of random daemons, over mixed content, commands and downloads: what a passer-by and an operator see.

An hour of it at night: a thousand deaths. `python -m tests.test_random_kills SECONDS` does the same for as long as it is told to,
and prints its figures.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from player.core.proof import verify
from tests.e2e.player_box import PlayerBox, until
from tests.e2e.world import World, installation
from tests.fakes.screen_watch import dark_s, read_frames

NIGHT_S = 3600.0
PAUSE_S = (1.5, 4.5)  # between a recovery and what comes next: a thousand in an hour
HANGS = 0.05  # of all; each takes a watchdog's time
BACK_S, OFTEN = 1.0, 0.99
HUNG_S = {"stage": 15.0, "compositor": 15.0, "agent": 33.0}  # `player.launch` says how it comes to be noticed
LIMIT_S = 60.0
DOWNLOAD_S, COMMAND_S = 20.0, 7.0
COLOURS = ("red", "lime", "yellow", "cyan", "magenta", "white")


@dataclass(slots=True)
class Toll:
    """What came of it. Seconds."""

    back: dict[str, list[float]] = field(default_factory=lambda: {"stage": [], "compositor": []})
    hung: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in HUNG_S})
    killed: Counter[str] = field(default_factory=Counter)
    asked: list[int] = field(default_factory=list)
    dark: float = 0.0

    def __str__(self) -> str:
        back = {
            name: f"{len(took)}: p99 {quantile(took):.2f}, longest {max(took):.2f} s" for name, took in self.back.items() if took
        }
        hung = {name: f"{len(took)}: longest {max(took):.1f} s" for name, took in self.hung.items() if took}
        return f"killed {dict(self.killed)}; back {back}; hung {hung}; {len(self.asked)} commands; {1000 * self.dark:.0f} ms dark"


def quantile(took: list[float]) -> float:
    """The time within which `OFTEN` of them were back."""
    return sorted(took)[max(0, int(len(took) * OFTEN) - 1)]


class Reaper:
    """Ends daemons of one box, and watches how they come back."""

    def __init__(self, box: PlayerBox, toll: Toll) -> None:
        self.box, self.toll = box, toll

    def shown_at(self) -> float:
        """When the stage last put something on screen (seconds since the epoch)."""
        try:
            return (self.box.dirs.stage_runtime / "on_screen.json").stat().st_mtime
        except OSError:
            return 0.0

    async def one(self, dice: random.Random) -> None:
        """One death or hang; returns when all is as before."""
        if dice.random() < HANGS:
            await self._hang(dice.choice(sorted(HUNG_S)))
        else:
            await self._kill(dice.choice(("stage", "compositor", "agent")))

    async def _kill(self, name: str) -> None:
        at = time.time()
        await self.box.kill(name)
        self.toll.killed[name] += 1
        if name in self.toll.back:
            self.toll.back[name].append(await self._content_after(at) - at)

    async def _hang(self, name: str) -> None:
        pid = await until(f"{name} runs", self._pid(name), LIMIT_S)
        at = time.time()
        os.kill(pid, signal.SIGSTOP)
        self.toll.killed[f"{name} stopped"] += 1

        async def another() -> bool:
            return self.box.pid(name) not in (None, pid)

        await until(f"another {name}\n{self.box.log()}", another, LIMIT_S)
        back = await self._content_after(at) if name in self.toll.back else time.time()
        self.toll.hung[name].append(back - at)

    def _pid(self, name: str) -> Any:
        async def there() -> int | None:
            return self.box.pid(name)

        return there

    async def _content_after(self, at: float) -> float:
        async def shown() -> float | None:
            return now if (now := self.shown_at()) > at else None

        return await until(f"content\n{self.box.log()}", shown, LIMIT_S, 0.01)


@contextlib.asynccontextmanager
async def watched(box: PlayerBox) -> AsyncIterator[Path]:
    """A watch of the screen, as a process of its own."""
    out = box.dirs.state / "frames.txt"
    command = [sys.executable, "-m", "tests.fakes.screen_watch", str(box.dirs.stage_runtime), str(out)]
    watch = await asyncio.create_subprocess_exec(*command, env=box.environment, cwd=Path(__file__).parent.parent)
    try:
        yield out
    finally:
        watch.terminate()
        await watch.wait()


async def mixed(world: World) -> list[dict[str, Any]]:
    """Pictures, clips and a page, a few seconds each."""
    contents = [await world.picture("red"), await world.clip("lime", 4), await world.picture("yellow"), await world.clip("cyan", 3)]
    page = await world.link(f"{world.site}/page/white", "web")
    return [{"content_id": content, "duration": 3} for content in (*contents, page)]


async def commands(world: World, toll: Toll) -> None:
    """An operator who asks for something again and again."""
    kinds = ("identify", "sync_now", "screenshot")
    while True:
        for kind in kinds:
            command = await world.operator.command(world.device, kind)
            toll.asked.append(command["id"])
            await asyncio.sleep(COMMAND_S)


async def downloads(world: World, items: list[dict[str, Any]]) -> None:
    """Another file on the playlist, and off it again."""
    for number in range(10**6):
        colour = COLOURS[number % len(COLOURS)]
        content = await world.upload(f"extra {number}", lambda colour=colour, number=number: _extra(world.files, colour, number))
        await world.on_air(*items, {"content_id": content, "duration": 2}, wait=False)
        await asyncio.sleep(DOWNLOAD_S)


def _extra(folder: Path, colour: str, number: int) -> Path:
    from tests.e2e.neighbours import picture

    return picture(folder, colour, f"extra-{number}")


async def reaped(seconds: float, seed: int) -> Toll:
    """So long; what came of it. Asserts all that holds for any single one."""
    toll, dice = Toll(), random.Random(seed)
    async with installation() as world:
        await world.paired()
        items = await mixed(world)
        await world.on_air(*items)
        await world.box.until_seen("red", "lime", "yellow", "cyan", "white", limit_s=60)
        reaper = Reaper(world.box, toll)
        async with watched(world.box) as frames, asyncio.TaskGroup() as group:
            beside = [
                group.create_task(commands(world, toll), name="commands"),
                group.create_task(downloads(world, items), name="downloads"),
            ]
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                await reaper.one(dice)
                await asyncio.sleep(dice.uniform(*PAUSE_S))
            for task in beside:
                task.cancel()
        toll.dark = dark_s(read_frames(frames), time.monotonic())
        await settled(world, toll)
    return toll


async def settled(world: World, toll: Toll) -> None:
    """Every command has one result, every play its own number, and nothing is held against an item."""
    final = {"succeeded", "failed", "expired", "rejected", "cancelled"}

    async def answered() -> bool:
        listed = {command["id"]: command["status"] for command in await world.operator.commands(world.device)}
        return all(listed.get(asked, "succeeded") in final for asked in toll.asked)

    await until("a result of every command", answered, 120)
    plays = world.box.plays()
    assert [play["seq"] for play in plays] == sorted({play["seq"] for play in plays}), "no play is there twice"
    assert verify(plays) == []
    status = await world.box.until(lambda s: s["now"]["items"], "content")
    assert "quarantined" not in [fault["code"] for fault in status["faults"]]


def judge(toll: Toll) -> None:
    """The figures that are promised."""
    assert toll.dark == 0, toll
    for name, took in toll.back.items():
        assert not took or quantile(took) < BACK_S, f"{name}: {toll}"
    for name, took in toll.hung.items():
        assert not took or max(took) < HUNG_S[name], f"{name}: {toll}"


@pytest.mark.nightly
@pytest.mark.stage
@pytest.mark.timeout(NIGHT_S + 900)
async def test_an_hour_of_deaths_and_hangs_costs_no_picture_no_play_and_no_command():
    judge(await reaped(NIGHT_S, seed=8))


if __name__ == "__main__":
    found = asyncio.run(reaped(float(sys.argv[1]), seed=int(sys.argv[2]) if len(sys.argv) > 2 else 8))
    print(found)
    judge(found)
