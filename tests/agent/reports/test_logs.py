"""What `upload_logs` sends of both daemons, and what of it the status repeats."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from player.agent.reports.logs import brief, read_logs
from player.core.ports.server import CommandResult, CommandStatus
from player.core.ports.stage import LogLines, ReadLog
from player.redact import HIDDEN, Redactor
from player.runtime.logs import EachCause, RecentLines
from tests.fakes.stage import FakeStage

SECRET = "correct-horse-battery"


@pytest.fixture
def logging_here() -> Iterator[None]:
    handler = EachCause([RecentLines()])
    logging.getLogger().addHandler(handler)
    logging.getLogger("box").warning("the server said %s", SECRET)
    yield
    logging.getLogger().removeHandler(handler)


async def test_x6_lines_of_both_daemons_without_secrets(logging_here: None):
    stage = FakeStage()
    stage.answers[ReadLog] = LogLines((f"main: 'film' {SECRET}",))
    found = await read_logs(stage, lambda: Redactor([SECRET]))
    assert found["agent"][-1].endswith(f"box: the server said {HIDDEN}")
    assert found["stage"] == [f"main: 'film' {HIDDEN}"]


async def test_a_stage_that_is_away_is_said_to_be(logging_here: None):
    stage = FakeStage()
    stage.away = True
    found = await read_logs(stage, lambda: Redactor([]))
    assert found["stage"] == ["stage: is away"]
    assert found["agent"]


def test_the_status_counts_lines_and_leaves_other_results_alone():
    sent = CommandResult("1", "upload_logs", CommandStatus.SUCCEEDED, "sent", 1.0, 2.0, {"agent": ["a", "b"], "stage": []})
    other = CommandResult("2", "screenshot", CommandStatus.SUCCEEDED, "sent", 1.0, 2.0, {"width": 5})
    assert brief(sent).result == {"agent": 2, "stage": 0}
    assert brief(other) is other
