"""The tests that `doctor` makes of this machine, asked for by the management."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

DOCTOR = (sys.executable, "-P", "-m", "player", "doctor", "--json")


async def examined(command: Sequence[str] = DOCTOR, within_s: float = 60.0) -> Sequence[Mapping[str, Any]]:
    """What `doctor --json` finds, in a process of its own: it opens devices, and may be slow. Empty where it says nothing."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(within_s):
            said, _ = await process.communicate()
        found = json.loads(said)
    except (TimeoutError, ValueError):
        return ()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else ()
