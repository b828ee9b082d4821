"""The agent's side of root's helper: one question, one answer, one connection (`device.root_verbs` is the other side).

Only an installed device has it; where its socket is not there, what needs it is absent and says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

from player.errors import BoxError

SOCKET = Path("/run/signage-root.sock")
ANSWER_BYTES = 8 * 1024 * 1024  # a stretch of the log is the longest
DEADLINE_S = 30.0  # the system's own programs do the work, on a slow box
NO_ANSWER = "root's helper ended without an answer; `journalctl -u 'signage-root@*'` says why"
NOT_THERE = "this needs root's helper, which `sudo scripts/install` sets up (signage-root.socket)"


class RootSocket:
    """The helper behind the socket `path`."""

    def __init__(self, path: Path = SOCKET, deadline_s: float = DEADLINE_S) -> None:
        self._path, self._deadline_s = path, deadline_s

    def __repr__(self) -> str:
        return f"root's helper at {self._path}"

    @property
    def is_there(self) -> bool:
        """Whether this box has one."""
        return self._path.exists()

    async def ask(self, ability: str, verb: str, *arguments: str) -> Any:
        """Has it done; what was found, where that is what was asked for.

        Raises BoxError of `ability` where it refuses, fails, or is not there.
        """
        question = json.dumps({"verb": verb, "arguments": arguments}).encode() + b"\n"
        try:
            async with asyncio.timeout(self._deadline_s):
                answer = await self._exchange(question)
        except TimeoutError as error:
            raise BoxError(ability, f"{self} did not answer within {self._deadline_s:.0f} s; try again") from error
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise BoxError(ability, NOT_THERE) from error
        except OSError as error:
            raise BoxError(ability, f"{self} cannot be reached ({error.strerror})") from error
        try:
            said = json.loads(answer)
            refused, found = said["refused"], said.get("found")
        except (ValueError, KeyError, TypeError):
            raise BoxError(ability, NO_ANSWER) from None
        if refused is not None:
            raise BoxError(ability, str(refused))
        return found

    async def _exchange(self, question: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(self._path, limit=ANSWER_BYTES)
        try:
            writer.write(question)
            await writer.drain()
            return await reader.readline()
        except (ConnectionResetError, BrokenPipeError, ValueError):  # it ended before it read the question, or does not end
            return b""
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
