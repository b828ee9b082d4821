"""The last pictures of the screen, in memory-backed storage: every few minutes, and whenever somebody asks.

They are many and large, so flash gets none of them, and a restart of the box takes them. A picture's name cannot be guessed, since
whoever has it may look at the picture.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from player.core.ports.box import Clock
from player.core.ports.stage import StagePort, TakePicture
from player.errors import BoxError, StorageError
from player.store import write_atomically

log = logging.getLogger(__name__)
KEPT = 20
WIDTH = 1280
LOOK_S = 15.0
_NAME = re.compile(r"(\d{13,16})-([0-9a-f]{32})\.jpg")


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture. `taken_at`: seconds since the epoch; `name`: of its file."""

    taken_at: float
    name: str

    @property
    def uid(self) -> str:
        """The name by which it is asked for."""
        return self.name.partition("-")[2].removesuffix(".jpg")


class ScreenshotRing:
    """The pictures in `folder`, `kept` at most. `every_s` says how often one is taken by itself; None: never."""

    def __init__(
        self, folder: Path, stage: StagePort, clock: Clock, *, every_s: Callable[[], float | None], kept: int = KEPT
    ) -> None:
        self._folder, self._stage, self._clock, self._every_s, self._kept = folder, stage, clock, every_s, kept
        self._taken_at = float("-inf")
        self._turn = asyncio.Lock()

    def shots(self) -> Sequence[Shot]:
        """Those that there are, oldest first."""
        found = (_NAME.fullmatch(path.name) for path in self._folder.glob("*.jpg"))
        return sorted((Shot(int(name[1]) / 1000, name[0]) for name in found if name), key=lambda shot: shot.taken_at)

    def picture(self, name: str) -> bytes | None:
        """The JPEG of that name; None where it is there no more."""
        try:
            return (self._folder / name).read_bytes() if _NAME.fullmatch(name) else None
        except FileNotFoundError:
            return None

    async def take(self) -> Shot:
        """One more; the oldest goes. Raises BoxError where there is no stage, StorageError."""
        async with self._turn:
            picture = await self._stage.ask(TakePicture(width=WIDTH))
            before = self.shots()
            at = max([round(self._clock.now().timestamp() * 1000), *(round(shot.taken_at * 1000) + 1 for shot in before[-1:])])
            shot = Shot(at / 1000, f"{at}-{secrets.token_hex(16)}.jpg")
            write_atomically(self._folder / shot.name, picture.image)
            for old in before[: max(0, len(before) + 1 - self._kept)]:
                (self._folder / old.name).unlink(missing_ok=True)
            return shot

    async def run(self) -> None:
        """Takes one whenever it is time, for ever."""
        while True:
            every_s, now = self._every_s(), self._clock.monotonic()
            if every_s is not None and now - self._taken_at >= every_s:
                try:
                    await self.take()
                    self._taken_at = now
                except (BoxError, StorageError) as error:
                    log.debug("no picture of the screen was taken: %s", error)
            await asyncio.sleep(LOOK_S)
