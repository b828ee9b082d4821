"""Power cuts at random moments: what others were promised is there afterwards, and no number is given twice.

The real writers run (`tests.fakes.cut_child`) over a layer that loses what was not synced (`tests.fakes.cuts`). With root and a
loop device the nightly mode does the same with a file system of the kernel's, which lives through a hundred cuts.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image

from player.agent.commands.book import CommandBook
from player.agent.server_folder import COMMANDS
from player.brief_file import BriefFile
from player.core import proof
from player.journal_reader import read_journal, read_synced
from player.programme_file import ProgrammeFile
from tests.fakes import cut_child
from tests.fakes.cuts import Call, Disk, LoopDisk, loop_disk, recorded
from tests.fakes.running import eventually, running

LINES, CUTS, MANY = 150, 30, 100
PICTURES = 6


@dataclass
class Promises:
    """What was said outside, of all lives of one box."""

    told: dict[str, dict[str, Any]] = field(default_factory=dict)  # by id
    synced: int = 0
    did: list[str] = field(default_factory=list)
    answered: dict[str, str] = field(default_factory=dict)
    kept: int | None = None

    def hear(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            match json.loads(line):
                case ["told", event]:
                    self.told[event["id"]] = event
                case ["synced", number]:
                    self.synced = number
                case ["did", command]:
                    self.did.append(command)
                case ["answered", command, status]:
                    self.answered[command] = status
                case ["kept", instant]:
                    self.kept = instant


def check(disk: Path, promises: Promises) -> None:
    """What holds on a disk after a cut, before anybody writes to it."""
    plays = [event for _, event in read_journal(disk / "stage/plays")]
    there = {event["id"]: event for event in plays}
    assert proof.verify(plays) == []
    assert len(plays) >= promises.synced
    for name, event in promises.told.items():
        assert there[name]["seq"] == event["seq"], "what a server was told is here, under its number"
    assert proof.verify(sorted(promises.told.values(), key=proof.number)) == []
    brief = BriefFile(disk / "orders.json").read_or(None)
    if promises.kept is not None:
        assert brief is not None
        assert int(brief.settings.time_zone or 0) >= promises.kept
    assert [path.name for path in disk.rglob("*.corrupt")] == []
    if (disk / "servers/adcast-1").exists():
        book = CommandBook(disk / "servers/adcast-1" / COMMANDS, cut_child.NOW)
        for command in promises.did:
            assert book.ledger.entries[command].starts == 1, "what was done is not done again"
        for command, status in promises.answered.items():
            result = book.ledger.entries[command].result
            assert result is not None
            assert result.status == status
    assert len(promises.did) == len(set(promises.did))


class Ear:
    """A server that remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    async def send_plays(self, events: list[dict[str, Any]]) -> list[str]:
        self.told += events
        return [event["id"] for event in events]


async def check_the_next_life(disk: Path, memory: Path, promises: Promises) -> None:
    """A box that is switched on with this disk: every play reaches the server, and no number is borne by two."""
    plays = cut_child.journal_of_plays(disk, memory)
    for name in ("after", "a", "cut"):
        cut_child.show(plays, name)
    plays.sync()
    here = [event for _, event in read_synced(disk / "stage/plays")]
    assert proof.verify(here) == []
    ear = Ear()
    async with running(cut_child.outbox(disk, ear).run()):
        await eventually(lambda: {event["id"] for event in here} <= {event["id"] for event in ear.told} | promises.told.keys(), 20)
    numbers: dict[int, set[str]] = {}
    for event in (*promises.told.values(), *ear.told):
        numbers.setdefault(event["seq"], set()).add(event["id"])
    assert [(number, ids) for number, ids in numbers.items() if len(ids) > 1] == []


async def cut_at(calls: list[Call], moment: int, root: Path, folder: Path, dice: random.Random) -> None:
    """The first `moment` calls, a cut, and a life after it."""
    disk, promises = Disk(root), Promises()
    for call in calls[:moment]:
        disk.apply(call)
    promises.hear(line for call in calls[:moment] if call.path == "stdout" for line in call.content.splitlines())
    disk.after_a_cut(folder / "disk", dice)
    check(folder / "disk", promises)
    await check_the_next_life(folder / "disk", folder / "memory", promises)


async def many_cuts(tmp_path: Path, seed: str, cuts: int) -> None:
    root, memory = tmp_path / "root", tmp_path / "run"
    root.mkdir()
    program = [sys.executable, "-m", "tests.fakes.cut_child", str(root), str(memory), seed]
    calls = await asyncio.to_thread(recorded, program, tmp_path / "trace", LINES)
    shutil.rmtree(memory)
    dice = random.Random(seed)
    for number in range(cuts):
        moment = dice.randint(0, len(calls))
        folder = tmp_path / f"{number}"
        folder.mkdir()
        try:
            await cut_at(calls, moment, root, folder, dice)
        except (AssertionError, KeyError) as error:
            error.add_note(f"cut {number} of {cuts} with the seed {seed}, after {moment} of {len(calls)} calls")
            raise


async def test_after_a_cut_at_any_moment_what_was_promised_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    await many_cuts(tmp_path, "a day", CUTS)
    with capsys.disabled():
        print(f"[{CUTS} power cuts, by a record of every call]", end=" ")


def picture(number: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (number, 0, 255 - number)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(("kind", "folder"), [("image", "prepared"), ("video", "media")])
async def test_after_a_cut_at_any_moment_of_a_round_what_the_manifest_names_is_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, folder: str
):
    """Pictures are shown as they were prepared, and a video as it came."""
    files = {f"/{number}": picture(number) for number in range(PICTURES)}

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=files[request.path], content_type="image/png")

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    root, cut = tmp_path / "root", tmp_path / "cut"
    root.mkdir()
    names = [f"{path[1:]}:{hashlib.sha256(body).hexdigest()}:{kind}" for path, body in files.items()]
    async with TestServer(application) as server:
        program = [sys.executable, "-m", "tests.fakes.sync_child", str(root), str(server.make_url("")).rstrip("/"), *names]
        calls = await asyncio.to_thread(recorded, program, tmp_path / "trace", 2)
    assert len(ProgrammeFile(root).read().items) == PICTURES
    disk, dice, cuts, on_air = Disk(root), random.Random("a round"), 0, 0
    for number, call in enumerate(calls):
        disk.apply(call)
        if number % 4 and call.name not in ("sync", "rename"):
            continue
        disk.after_a_cut(cut, dice)
        manifest = ProgrammeFile(cut).read()
        for item in manifest.items if manifest else ():
            assert (cut / "cache" / item.file).read_bytes() == (root / "cache" / item.file).read_bytes(), call
        cuts, on_air = cuts + 1, on_air + (manifest is not None)
        shutil.rmtree(cut)
    assert on_air, "a manifest survives"
    synced = [call.path for call in calls if call.name == "sync"]
    published = [call.path for call in calls if call.name == "rename"].count(str(ProgrammeFile(root).path))
    assert 0 < synced.count(str(root / "cache" / folder)) <= published, "not for each that came"
    assert not [path for path in synced if "making" in Path(path).name], "what is thrown away need not survive"
    with capsys.disabled():
        print(f"[{cuts} power cuts, {len(synced) / PICTURES:.1f} syncs a picture]", end=" ")


def live_until_a_cut(disk: LoopDisk, promises: Promises, seed: str, lines: int) -> None:
    """One life, in which so many lines are said before the power goes; then the disk is there again."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        program = [sys.executable, "-m", "tests.fakes.cut_child", str(disk.at / "box"), memory, seed]
        with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as box:
            assert box.stdout
            said = [box.stdout.readline() for _ in range(lines)]
            box.send_signal(signal.SIGSTOP)  # no call is under way: a file system that is shut down in one may call it done
            while not all(
                stat.read_text().rpartition(")")[2].split()[0] == "T" for stat in Path(f"/proc/{box.pid}/task").glob("*/stat")
            ):
                time.sleep(0.01)
            disk.cut()
            box.kill()
            said += box.stdout.readlines()
    disk.unmount()
    disk.mount()
    promises.hear(line for line in said if line.endswith(b"\n"))


@pytest.mark.root
@pytest.mark.nightly
@pytest.mark.timeout(1800)
async def test_a_box_lives_through_a_hundred_cuts(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    dice, promises = random.Random("a hundred nights"), Promises()
    with loop_disk(tmp_path) as disk:
        if disk is not None:
            (disk.at / "box").mkdir()
            for number in range(MANY):
                await asyncio.to_thread(live_until_a_cut, disk, promises, f"night {number}", dice.randint(1, 60))
                check(disk.at / "box", promises)
            await check_the_next_life(disk.at / "box", tmp_path / "run", promises)
        else:
            await many_cuts(tmp_path, "a hundred nights", MANY)
    how = "of an ext4 on a loop device" if disk is not None else "by a record of every call, since nobody may have a loop device"
    with capsys.disabled():
        print(f"[{MANY} power cuts, {how}]", end=" ")
