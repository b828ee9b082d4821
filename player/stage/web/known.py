"""What has to be known of the browser before it starts: what it says of its version, and whether an island can be made for it.

What a stage of this boot has found out holds for the one that follows, whose pages would else come a tenth of a second later. It
lies in memory-backed storage; a file that is damaged, or about another program, costs the asking.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from player.errors import BoxError
from player.runtime.fault_page import FaultPage
from player.stage.web import island
from player.stage.web.quarters import Run

START_S = 80.0  # on a slow box; others play meanwhile


@dataclass(frozen=True, slots=True)
class Known:
    """`version`: its own words. `apart`: it can live on an island."""

    version: str
    apart: bool


class _Kept(msgspec.Struct):
    """`stamp`: of the program it is true for. What cannot live on an island is asked about each time."""

    stamp: tuple[str, int, int]
    version: str


class BrowserFacts:
    """Kept in the file `path`. `apart`: it is to live on an island; that there is none is told to `faults`."""

    def __init__(self, path: Path, faults: FaultPage, *, apart: bool) -> None:
        self._path, self._faults, self._apart = path, faults, apart

    def __repr__(self) -> str:
        return f"<facts about the browser: {self._path}>"

    async def of(self, program: str, run: Run, environment: Mapping[str, str]) -> Known:
        """As far as they are known, else asked for of `program` itself by `run`, where it lives. Raises BoxError."""
        if self._apart and (kept := self._kept(program)) is not None:
            return Known(kept, apart=True)
        asking = run((program, "--version"), environment, package="chromium", within_s=START_S)
        apart, version = await asyncio.gather(self._can_be_apart(run, environment), asking)
        if apart:
            with contextlib.suppress(OSError):
                self._path.write_bytes(msgspec.json.encode(_Kept(_stamp(program), version.said)))
        return Known(version.said, apart)

    def _kept(self, program: str) -> str | None:
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=_Kept)
            return kept.version if kept.stamp == _stamp(program) else None
        except (OSError, ValueError):
            return None

    async def _can_be_apart(self, run: Run, environment: Mapping[str, str]) -> bool:
        if not self._apart:
            return False
        try:
            await island.try_one(run, environment)
        except BoxError as error:
            self._faults.report("island", "browser_island", f"the browser has no network of its own: {error.reason}", count=1)
            return False
        self._faults.clear("island")
        return True

    def forget(self) -> None:
        """It did not start: everything is asked anew."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def _stamp(program: str) -> tuple[str, int, int]:
    """Another one after an update. Raises OSError."""
    found = Path(program).stat()
    return program, found.st_mtime_ns, found.st_size
