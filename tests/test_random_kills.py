"""Random deaths and hangs of random daemons, over mixed content, commands and downloads: what a passer-by and an operator see.

An hour of it at night: a thousand deaths. `python -m tests.test_random_kills SECONDS [SEED]` does the same for so long. The figures
are printed as they come, and before the end is judged; what a failure leaves of the box is kept in the folder that is printed.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import itertools
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from player.core.ledger import STARTS, RecordKind
from player.core.proof import verify
from player.demo.adcast.client import FINAL
from player.journal_reader import read_journal
from tests.e2e.player_box import PlayerBox, until
from tests.e2e.world import World, installation
from tests.fakes.screen_watch import dark_s, read_frames

NIGHT_S = 3600.0
PAUSE_S = (0.8, 3.4)  # between a recovery and what comes next: a thousand in an hour
HANGS = 0.05  # of all; each takes a watchdog's time
BACK_S, OFTEN = 1.0, 0.99
HUNG_S = {"stage": 15.0, "compositor": 15.0, "agent": 33.0}  # `player.launch` says how it comes to be noticed
LIMIT_S, SETTLED_S = 60.0, 120.0
DOWNLOAD_S, COMMANDS = 20.0, 110  # commands: as many as a box carries out in an hour (`core.intake`), but for a few
NO_PLAY_S = 1.0  # between two plays, where nothing died
SAID_EVERY = 100
MEMORY = Path("/dev/shm")  # a box's /run lies in memory; on a disk that others write to, deaths would wait for that one
COLOURS = ("red", "lime", "yellow", "cyan", "magenta", "white")


@dataclass(slots=True)
class Toll:
    """What came of it. Seconds."""

    back: dict[str, list[float]] = field(default_factory=lambda: {"stage": [], "compositor": []})
    hung: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in HUNG_S})
    away: list[tuple[float, float]] = field(default_factory=list)  # without what makes the picture: from and until, since the epoch
    killed: Counter[str] = field(default_factory=Counter)
    asked: list[int] = field(default_factory=list)
    dark: float = 0.0

    def __str__(self) -> str:
        back = "; ".join(
            f"{name} {len(took)}: p50 {quantile(took, 0.5):.2f}, p99 {quantile(took, OFTEN):.2f}, longest {max(took):.2f} s"
            for name, took in self.back.items()
            if took
        )
        hung = "; ".join(f"{name} {len(took)}: longest {max(took):.1f} s" for name, took in self.hung.items() if took)
        return (
            f"{self.killed.total()} ends {dict(self.killed)}; back after a kill: {back}; after a hang: {hung};"
            f" {len(self.asked)} commands; {1000 * self.dark:.0f} ms dark"
        )


def quantile(took: list[float], share: float) -> float:
    """The time within which that share of them were back."""
    return sorted(took)[max(0, int(len(took) * share) - 1)]


class Reaper:
    """Ends daemons of one box, and watches how they come back. `frames`: what `screen_watch` writes."""

    def __init__(self, box: PlayerBox, toll: Toll, frames: Path) -> None:
        self.box, self.toll, self._frames = box, toll, frames

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
        if self.toll.killed.total() % SAID_EVERY == 0:
            self.look_for_dark()
            print(self.toll, flush=True)

    def look_for_dark(self) -> None:
        """Reads what was seen until now."""
        self.toll.dark = dark_s(read_frames(self._frames), time.monotonic())

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

        back = await until(f"content\n{self.box.log()}", shown, LIMIT_S, 0.01)
        self.toll.away.append((at, back))
        return back


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


async def commands(world: World, toll: Toll, pause_s: float) -> None:
    """An operator who asks for something again and again."""
    for kind in itertools.cycle(("identify", "refresh", "screenshot")):
        command = await world.operator.command(world.device, kind)
        toll.asked.append(command["id"])
        await asyncio.sleep(pause_s)


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


@contextlib.contextmanager
def kept(world: World) -> Iterator[None]:
    """Whatever fails inside leaves the box's and the server's folders, printed."""
    try:
        yield
    except BaseException:
        folder = Path(tempfile.mkdtemp(prefix="random-kills-"))
        for name in ("state", "server"):
            shutil.copytree(world.files.parent / name, folder / name, dirs_exist_ok=True)
        (folder / "box.log").write_text(world.box.log(1 << 30))
        print(f"what is left of it: {folder}", flush=True)
        raise


async def reaped(seconds: float, seed: int) -> Toll:
    """So long; what came of it. Asserts all that holds for any single one."""
    toll, dice = Toll(), random.Random(seed)
    async with installation(in_memory()) as world:
        await world.paired()
        items = await mixed(world)
        await world.on_air(*items)
        await world.box.until_seen("red", "lime", "yellow", "cyan", "white", limit_s=60)
        with kept(world):
            try:
                await _reap(world, items, toll, dice, seconds)
            finally:
                print(toll, flush=True)
            await settled(world, toll)
    return toll


def in_memory() -> Path:
    """A folder for what lies in memory on a box; it goes with this process."""
    made = tempfile.TemporaryDirectory(prefix="k-", dir=MEMORY if MEMORY.is_dir() else None, ignore_cleanup_errors=True)
    atexit.register(made.cleanup)
    return Path(made.name)


async def _reap(world: World, items: list[dict[str, Any]], toll: Toll, dice: random.Random, seconds: float) -> None:
    pause_s = max(3.0, seconds / COMMANDS)
    async with watched(world.box) as frames, asyncio.TaskGroup() as group:
        reaper, end = Reaper(world.box, toll, frames), time.monotonic() + seconds
        beside = [
            group.create_task(commands(world, toll, pause_s), name="commands"),
            group.create_task(downloads(world, items), name="downloads"),
        ]
        try:
            while time.monotonic() < end:
                await reaper.one(dice)
                await asyncio.sleep(dice.uniform(*PAUSE_S))
        finally:
            reaper.look_for_dark()
        for task in beside:
            task.cancel()


async def settled(world: World, toll: Toll) -> None:
    """Every command has one result and ran once, every play has its own number and arrived, nothing is held against an item."""
    await _answered(world, toll)
    begun = Counter(body["id"] for body in records(world.box) if body["what"] == RecordKind.STARTED)
    kinds = {str(command["id"]): command["type"] for command in await world.operator.commands(world.device)}
    twice = {name: count for name, count in begun.items() if count > (STARTS if kinds.get(name) == "refresh" else 1)}
    assert not twice, f"commands that were begun more than once: {twice}"
    plays = world.box.plays()
    assert [play["seq"] for play in plays] == sorted({play["seq"] for play in plays}), "no play is there twice"
    assert verify(plays) == []
    assert odd_plays(plays, toll.away) == []
    await _arrived(world, {play["id"] for play in plays})
    await world.box.until(lambda s: s["now"]["items"], "content")
    faults = await world.operator.faults(world.device, active_only=False)
    assert not {"quarantined", "safe_mode"} & {fault["code"] for fault in faults}, faults


def records(box: PlayerBox) -> list[dict[str, Any]]:
    """What the box has written down of its commands."""
    return [body for folder in box.dirs.state.rglob("commands") for _, body in read_journal(folder)]


async def _answered(world: World, toll: Toll) -> None:
    listed: dict[int, str] = {}

    async def answered() -> bool:
        listed.update({command["id"]: command["status"] for command in await world.operator.commands(world.device)})
        return all(listed.get(asked) in FINAL for asked in toll.asked)

    try:
        await until("a result of every command", answered, SETTLED_S, 1.0)
    except AssertionError as error:
        found = records(world.box)
        open_ = {
            asked: (listed.get(asked), [{**one, "command": None} for one in found if one["id"] == str(asked)])
            for asked in toll.asked
            if listed.get(asked) not in FINAL
        }
        raise AssertionError(f"{error}; without one, with what the box has of them: {open_}\n{world.box.log()}") from None


async def _arrived(world: World, wanted: set[str]) -> None:
    async def there() -> bool:
        return wanted <= {play["id"] for play in await world.operator.plays(world.device)}

    await until("every play at the server", there, SETTLED_S, 2.0)


def odd_plays(plays: Sequence[dict[str, Any]], away: Sequence[tuple[float, float]]) -> list[str]:
    """Where two plays overlap, or none is there for a while without a death in it that took the one on screen."""
    found = []
    for one, other in itertools.pairwise(plays):
        ended, began = (datetime.fromisoformat(at).timestamp() for at in (one["ended_at"], other["started_at"]))
        if began < ended - 0.1:
            found.append(f"{other['seq']} began {ended - began:.1f} s before {one['seq']} ended")
        elif began - ended > NO_PLAY_S and not any(gone < began and back > ended for gone, back in away):
            found.append(f"nothing for {began - ended:.1f} s between {one['seq']} and {other['seq']}")
    return found


def judge(toll: Toll) -> None:
    """The figures that are promised."""
    assert toll.dark == 0, toll
    for name, took in toll.back.items():
        assert not took or quantile(took, OFTEN) < BACK_S, f"{name}: {toll}"
    for name, took in toll.hung.items():
        assert not took or max(took) < HUNG_S[name], f"{name}: {toll}"


@pytest.mark.nightly
@pytest.mark.stage
@pytest.mark.timeout(NIGHT_S + 900)
async def test_an_hour_of_deaths_and_hangs_costs_no_picture_no_play_and_no_command():
    judge(await reaped(NIGHT_S, seed=8))


if __name__ == "__main__":
    judge(asyncio.run(reaped(float(sys.argv[1]), seed=int(sys.argv[2]) if len(sys.argv) > 2 else 8)))
