"""What both daemons have logged lately, without secrets (fault X6): the answer to `upload_logs`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from player.core.ports.server import CommandResult
from player.core.ports.stage import ReadLog, StagePort
from player.errors import BoxError
from player.runtime.logs import recent_lines


async def read_logs(stage: StagePort, redactor: Callable[[], Callable[[str], str]]) -> dict[str, list[str]]:
    """Lines by the daemon's name, oldest first. Of a stage that cannot be asked, why. Raises StorageError."""
    try:
        of_stage = (await stage.ask(ReadLog())).lines
    except BoxError as error:
        of_stage = (str(error),)
    redact = await asyncio.to_thread(redactor)  # it reads files
    return {name: [redact(line) for line in lines] for name, lines in (("agent", recent_lines()), ("stage", of_stage))}


def brief(result: CommandResult) -> CommandResult:
    """For the status, which is asked for every second: how many lines were sent, not the lines."""
    if result.type != "upload_logs":
        return result
    return replace(result, result={name: len(lines) for name, lines in result.result.items()})
