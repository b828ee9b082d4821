"""A box's life on a disk that is going to lose its power: `python -m tests.fakes.cut_child DISK MEMORY SEED`.

The real writers of the stage and the agent in one process: proof of play and what is told of it, commands, the brief. What others
have been promised is said on stdout, one JSON list a line, and only once it holds: `["synced", number]`, `["told", event]`,
`["did", command]`, `["answered", command, status]`, `["kept", instant]`.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from player.agent.commands.handlers import Done
from player.agent.commands.runner import CommandRunner
from player.agent.reports.plays_outbox import PlaysOutbox
from player.agent.server_folder import COMMANDS, ServerFacts, ServerFolder
from player.brief_file import BriefFile
from player.core.brief import DeviceSettings, StageBrief
from player.core.commands import Identify, Next
from player.core.content import Item
from player.core.cues import Moment, PlayRecord, PlayResult
from player.core.kinds import Kind
from player.core.ports.server import Command
from player.folders import make_folder
from player.journal_reader import last_synced
from player.runtime.clock import SystemClock
from player.stage.plays import Plays
from tests.fakes.device import FakeHost, all_there
from tests.fakes.faults import fault_page
from tests.fakes.stage import FakeStage

NOW = 1_790_000_000.0


def say(*words: Any) -> None:
    """A promise to the world outside; whether it can hear it is its own affair."""
    os.write(1, json.dumps(words).encode() + b"\n")


class Teller:
    """A server that takes every play."""

    async def send_plays(self, events: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        for event in events:
            say("told", event)
        return [event["id"] for event in events]


def journal_of_plays(disk: Path, memory: Path) -> Plays:
    """As the stage makes it."""
    return Plays(
        disk / "stage/plays", tail=memory / "plays.log", keep_days=90, keep_bytes=1 << 30, wall=lambda: NOW, faults=fault_page()
    )


def show(plays: Plays, name: str) -> None:
    """One play of ten seconds."""
    began, ended = Moment(0, NOW), Moment(10, NOW + 10)
    record = PlayRecord(Item(name, f"c-{name}", name, Kind.IMAGE, 10.0), began, ended, 10.0, PlayResult.COMPLETE)
    plays.record(record, playlist_id="1", zone="main", screen_on=True, clock_synced=True)


def server_folder(disk: Path) -> Path:
    """The folder of the one server that there ever was."""
    folder = disk / "servers/adcast-1"
    make_folder(folder)
    ServerFolder(folder, ServerFacts("adcast", "https://cms.example.com", first=True)).keep()
    return folder


def outbox(disk: Path, teller: Any) -> PlaysOutbox:
    """As the agent makes it, but for its patience."""
    return PlaysOutbox(
        teller, FakeStage(), plays=disk / "stage/plays", folder=server_folder(disk), clock=SystemClock(), faults=fault_page(),
        sign=dict, look_s=0.02,
    )  # fmt: skip


def runner(disk: Path) -> CommandRunner:
    """As the agent makes it; its commands do nothing but say so."""

    async def do(_: Any, command: str) -> Done:
        say("did", command)
        return Done("done")

    host = FakeHost()
    return CommandRunner(
        server_folder(disk) / COMMANDS, {Next: do, Identify: do}, clock=SystemClock(), host=host, version="1", faults=fault_page(),
        tell_first=lambda: asyncio.sleep(0), clock_trusted=host.clock_synced, is_ready=all_there,
    )  # fmt: skip


async def answer(commands: CommandRunner) -> None:
    """Tells results, for ever."""
    while True:
        for result in commands.untold():
            say("answered", result.id, result.status)
            commands.told(result)
        await commands.changed.wait(0.05)


async def live(disk: Path, memory: Path, dice: random.Random) -> None:
    """For ever: everything that writes, at random."""
    plays, commands, brief = journal_of_plays(disk, memory), runner(disk), BriefFile(disk / "orders.json")
    async with asyncio.TaskGroup() as group:
        for work in (outbox(disk, Teller()).run(), commands.run(), answer(commands)):
            group.create_task(work)
        for step in range(10**9):
            show(plays, f"{step}")
            if plays.sync_is_due() or dice.random() < 0.2:
                await asyncio.to_thread(plays.sync)
                found = await asyncio.to_thread(last_synced, disk / "stage/plays")
                say("synced", found[0] if found else 0)
            if dice.random() < 0.3:
                await commands.offer([Command(f"{step}-{dice.random()}", dice.choice(["next", "identify", "no_such"]))])
            if dice.random() < 0.3:
                now = time.time_ns()
                brief.write(StageBrief(DeviceSettings(time_zone=f"{now}")))
                say("kept", now)
            await asyncio.sleep(dice.random() * 0.02)


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), Path(sys.argv[2]), random.Random(sys.argv[3])))
