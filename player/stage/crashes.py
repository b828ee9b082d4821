"""How the stage before this one ended: its last words, and whether there were too many of them (`core.crashes`).

A crash of its own leaves words: the handler of fatal signals writes where it happened, and an exit that nobody asked for says so.
Who was killed leaves none. Both files lie in memory-backed storage: after a boot nothing is known, and nothing is held against it.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import signal
from collections.abc import Collection
from pathlib import Path

import msgspec

from player.core.crashes import GOOD_S, Crash, CrashRecord
from player.core.ports.box import Clock
from player.core.resume import Death
from player.runtime.fault_page import FaultPage

log = logging.getLogger(__name__)
LONGEST_WORDS = 16_000


LAST_WORDS = "last_words"
ABORTED = b"Fatal Python error: Aborted"  # faulthandler's words for SIGABRT


def last_death(folder: Path) -> Death:
    """How the stage before this one ended: to be asked before `Crashes` takes its words away."""
    try:
        words = (folder / LAST_WORDS).read_bytes()[:LONGEST_WORDS]
    except OSError:
        return Death.KILLED
    if ABORTED in words:
        return Death.ABORTED
    return Death.CRASHED if words else Death.KILLED


class Crashes:
    """`on_screen` are the ids of the items that were there when the stage before this one died; `kept_off` those to blame."""

    def __init__(
        self, folder: Path, *, on_screen: Collection[str], kept_off: Collection[str], clock: Clock, faults: FaultPage
    ) -> None:
        self._words, self._file, self._clock, self._faults = folder / LAST_WORDS, folder / "crashes.json", clock, faults
        now = clock.monotonic()
        self._record = self._kept().at(now)
        if words := self._last_words():
            log.error("the stage crashed; these were its last words:\n%s", words)
            self._keep(self._record.after(Crash(now, tuple(on_screen)), kept_off))
        with contextlib.suppress(OSError):
            self._words.unlink(missing_ok=True)
        self._tell()

    def __repr__(self) -> str:
        return f"<{len(self._record.crashes)} crashes of late{', safe mode' if self.safe_since is not None else ''}>"

    @property
    def safe_since(self) -> float | None:
        """When safe mode began (seconds since the boot); None outside of it."""
        return self._record.safe_since

    def listen(self) -> None:
        """From now on a fatal signal leaves its words here, instead of on stderr; the next stage logs them.

        SIGQUIT, by which the watchdog ends a stage that hangs, says where on stderr: that is no crash. It ends the stage even where
        it was started with that signal ignored, as a shell does in its background.
        """
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)
        faulthandler.register(signal.SIGQUIT, chain=True)
        try:
            file = self._words.open("ab", buffering=0)
        except OSError as error:
            log.warning("the last words of a crash cannot be kept: %s", error)
            return
        faulthandler.enable(file)

    def ended_unasked(self, words: str) -> None:
        """This process ends, and nobody asked it to."""
        with contextlib.suppress(OSError), self._words.open("a", encoding="utf-8") as file:
            file.write(f"{words}\n")

    def forget(self) -> None:
        """Somebody asked for another try."""
        self._keep(CrashRecord())
        self._tell()

    async def until_good(self) -> None:
        """Until safe mode has lasted a good hour; for ever outside of it."""
        since = self._record.safe_since
        if since is None:
            await asyncio.Event().wait()
        else:
            await asyncio.sleep(since + GOOD_S - self._clock.monotonic())

    def _tell(self) -> None:
        if self.safe_since is None:
            self._faults.clear("safe mode")
            return
        count = len(self._record.crashes)
        words = (
            f"the stage crashed {count} times of late, and no item explains it; a still picture is shown, and nothing that moves"
        )
        self._faults.report("safe mode", "safe_mode", words, count=count)

    def _last_words(self) -> str:
        try:
            return self._words.read_bytes()[:LONGEST_WORDS].decode(errors="replace").strip()
        except OSError:
            return ""

    def _kept(self) -> CrashRecord:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=CrashRecord)
        except (OSError, ValueError):  # none, or not what this player writes
            return CrashRecord()

    def _keep(self, record: CrashRecord) -> None:
        self._record = record
        try:
            self._file.write_bytes(msgspec.json.encode(record))
        except OSError as error:
            log.warning("how often the stage crashed is not kept: %s", error)
