"""Another program's answer, asked for under a deadline: one that hangs is ended, and costs whoever asked an error, never a wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from player.errors import BoxError


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended by itself: `code` (0: well; negative: by that signal), what it `said`, and of what it `complained`."""

    code: int
    said: str
    complained: str


async def run_program(
    ability: str, command: Sequence[str], environment: Mapping[str, str], *, package: str, within_s: float
) -> Ran:
    """Runs `command` with that environment and without input until it ends.

    Raises BoxError of `ability` where it cannot be started (`package` is what Debian calls what brings it) or takes too long.
    """
    program = command[0].rpartition("/")[2]
    try:
        child = await asyncio.create_subprocess_exec(
            *command, env=environment,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        raise BoxError(ability, f"{program} cannot be started ({error.strerror}); `apt install {package}`") from error
    try:
        async with asyncio.timeout(within_s):
            said, complained = await child.communicate()
    except TimeoutError as error:
        raise BoxError(ability, f"{program} did not answer within {within_s:g} s; try again") from error
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    return Ran(child.returncode or 0, said.decode(errors="replace"), complained.decode(errors="replace").strip())
