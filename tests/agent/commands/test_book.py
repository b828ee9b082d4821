"""The journal of commands: bounded on disk and in memory, whatever was written before."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from player.agent.commands.book import LARGEST, CommandBook
from player.core.ledger import KEPT, CommandRecord, RecordKind
from player.core.ports.server import Command, CommandResult, CommandStatus
from player.errors import StorageError
from player.journal import Journal
from player.journal_reader import journal_bytes, read_journal

NOW = 1_790_000_000.0


def life(name: str, status: CommandStatus = CommandStatus.SUCCEEDED, payload: dict[str, Any] | None = None) -> list[CommandRecord]:
    """Everything that is written of a command."""
    result = CommandResult(name, "next", status, "", NOW, NOW)
    return [
        CommandRecord(RecordKind.RECEIVED, name, NOW, command=Command(name, "next", payload or {})),
        *([] if status is CommandStatus.REJECTED else [CommandRecord(RecordKind.STARTED, name, NOW)]),
        CommandRecord(RecordKind.FINISHED, name, NOW, result=result),
        CommandRecord(RecordKind.TOLD, name, NOW, result=result),
    ]


def flooded(folder: Path, count: int) -> None:
    """A journal as a flood left it, with payloads."""
    journal: Journal[CommandRecord] = Journal(folder, sync_lines=10**9)
    journal.extend(life("first"))
    for n in range(count):
        journal.extend(life(f"x{n}", CommandStatus.REJECTED, {"x": "x" * 2000}))
    journal.extend(life("last"))
    journal.close()


def test_a_journal_that_a_flood_left_is_made_short_and_what_was_done_stays_known(tmp_path: Path):
    flooded(tmp_path / "commands", 6000)
    assert journal_bytes(tmp_path / "commands") > LARGEST
    CommandBook(tmp_path / "commands", NOW).close()
    assert journal_bytes(tmp_path / "commands") < 1 << 20
    assert sum(1 for _ in read_journal(tmp_path / "commands")) <= 4 * KEPT
    again = CommandBook(tmp_path / "commands", NOW)
    assert {"first", "last"} < set(again.ledger.entries)
    assert len(again.ledger.entries) == KEPT
    again.close()


async def test_a_journal_that_grows_begins_anew_with_what_is_remembered(tmp_path: Path):
    book = CommandBook(tmp_path / "commands", NOW, largest=100_000)
    sizes = []
    for n in range(60):
        await book.write(life(str(n), payload={"x": "x" * 5000}))
        sizes.append(journal_bytes(tmp_path / "commands"))
    assert max(sizes) < 110_000
    book.close()
    assert list(CommandBook(tmp_path / "commands", NOW).ledger.entries) == [str(n) for n in range(60)]


async def test_what_may_wait_is_known_at_once_and_written_with_what_follows_or_at_the_end(tmp_path: Path):
    book = CommandBook(tmp_path / "commands", NOW)
    *records, told = life("1")
    await book.write(records)
    book.later(told)
    assert book.ledger.untold == []
    assert [body["what"] for _, body in read_journal(tmp_path / "commands")][-1] == "finished"
    await book.write(life("2")[:1])
    assert [body["what"] for _, body in read_journal(tmp_path / "commands")][-2:] == ["told", "received"]
    book.later(life("1")[-1])
    book.close()
    assert [body["what"] for _, body in read_journal(tmp_path / "commands")][-1] == "told"
    with pytest.raises(StorageError):
        await book.write(life("3"))
    assert "3" not in book.ledger.entries


async def test_the_loop_goes_on_while_a_batch_is_written(tmp_path: Path):
    book = CommandBook(tmp_path / "commands", NOW)
    steps = []
    with book._pen:  # as if the disk took its time

        async def other() -> None:
            for n in range(100):
                steps.append(n)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            writing = group.create_task(book.write(life("1")), name="writing")
            await group.create_task(other(), name="other")
            assert not writing.done()
            assert "1" not in book.ledger.entries
            book._pen.release()
            await writing
            book._pen.acquire()
    assert len(steps) == 100
    assert "1" in book.ledger.entries
    book.close()
