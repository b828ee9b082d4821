"""Who may use the controls at the box: the lock, its PIN, and the growing pause after wrong ones (faults.md L5).

The server's `is_locked` counts when it changes, not when it is repeated: somebody who unlocked the box with the PIN stays in
until the server locks it again. A try is written down before it is judged, so that pulling the plug gives no free guess.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from player.agent.settings.registry import SettingsRegistry
from player.core.allowance import Allowance
from player.core.guesses import SCREEN, Guesses, Wrong
from player.core.pin import SALT_BYTES, PinHash, hash_pin, matches
from player.core.ports.box import Clock
from player.core.ports.stage import AnswerPin, StagePort
from player.core.settings import Asker
from player.errors import BoxError, PinNotLookedAt, SettingRefused, SignageError, StorageError, WrongPin
from player.runtime.fault_page import FaultPage
from player.store import Snapshot

log = logging.getLogger(__name__)
T = TypeVar("T")
FAULT_FROM = 3  # one slip of the finger is nothing to report
FREE_TRIES = 0
PINS_WAITING = 4
SAID_AT_ONCE, SAID_EVERY_S = 8, 60.0  # changes that a server's repeated word may bring: each is written to flash
PIN_COST = 14  # scrypt with 2^14 rounds: about 16 MiB and 40 ms on a small box


@dataclass(frozen=True, slots=True)
class LockState:
    """What is kept. `failures` of all sources since the last right one, which began at `since`; None: the screen's alone."""

    pin: PinHash | None = None
    failures: int = 0
    since: float = 0.0
    guesses: Guesses | None = None


class ScreenLock:
    """`locked` itself is a setting; this decides who may ask for it.

    `path` keeps what is the box's own, `said` what this server said last: another one's word is none of its business. `log_n` is
    what guessing a PIN costs (`core.pin.PinHash`).
    """

    def __init__(
        self,
        path: Path,
        settings: SettingsRegistry,
        stage: StagePort,
        clock: Clock,
        faults: FaultPage,
        *,
        said: Path,
        log_n: int,
    ) -> None:
        self._file = Snapshot(path, LockState)
        self._settings, self._stage, self._clock, self._log_n = settings, stage, clock, log_n
        self._said_file = Snapshot(said, bool)
        self._state, self._said = self._file.read_or(LockState()), self._said_file.read_or(None)
        failures = self._state.failures
        kept = self._state.guesses or Guesses(FREE_TRIES, (Wrong(SCREEN, failures, 0.0),) if failures else ())
        self._guesses = kept.restarted(clock.monotonic())
        self._faults = faults
        self._tell()
        self._turn = asyncio.Lock()
        self._entered: asyncio.Queue[str] = asyncio.Queue(PINS_WAITING)
        self._seen_pin: str | None = None
        self._may_say = Allowance(SAID_AT_ONCE, SAID_EVERY_S)

    @property
    def locked(self) -> bool:
        """Whether local controls are closed."""
        return bool(self._settings.wanted("locked"))

    @property
    def has_pin(self) -> bool:
        """Whether a PIN was ever set."""
        return self._state.pin is not None

    @property
    def pin_mark(self) -> str:
        """Another one after each change of the PIN, of which it says nothing; "" where none was ever set."""
        return "" if self._state.pin is None else self._state.pin.salt.hex()

    # --- the server's side -------------------------------------------------------------------------------------------------------

    async def server_says(self, locked: bool | None, pin: str | None) -> None:
        """What the server wants; None where it does not say. One that wants something else each time is heard now and then."""
        changes = (pin is not None and pin != self._seen_pin) or (locked is not None and locked != self._said)
        if not changes or not self._may_say.spare(self._clock.monotonic()):
            return
        if pin is not None and pin != self._seen_pin:
            await self._learn(pin)
        if locked is not None and locked != self._said:
            if locked or self._said is not None:  # that a server never locked it opens nothing
                try:
                    await self._set(locked, Asker.SERVER)
                except SettingRefused:
                    return  # a policy holds it; the server says it again
            self._said = locked
            self._write(self._said_file, locked)

    async def command(self, *, locked: bool, pin: str | None = None) -> str:
        """A server's command, which holds whatever was before: what was done, in words."""
        if pin is not None:
            await self._learn(pin)
        return await self._set(locked, Asker.COMMAND)

    async def _learn(self, pin: str) -> None:
        async with self._turn:
            kept = self._state.pin
            if kept is None or not await asyncio.to_thread(matches, pin, kept):
                fresh = await asyncio.to_thread(hash_pin, pin, os.urandom(SALT_BYTES), self._log_n)
                self._guesses = Guesses(FREE_TRIES)
                self._keep(replace(self._state, pin=fresh, failures=0, guesses=self._guesses))
                log.info("the server set the PIN of this box")
            self._seen_pin = pin

    # --- the box's side ----------------------------------------------------------------------------------------------------------

    async def lock(self, pin: str, source: str) -> None:
        """Closes local controls; without a PIN set before, `pin` becomes the one. Raises WrongPin."""
        if not self.has_pin and pin.strip():
            await self._learn(pin)
        elif not await self.check_pin(pin, source):
            raise WrongPin(self._wait_s(source))
        await self._set(True, Asker.PIN)

    async def unlock(self, pin: str, source: str) -> None:
        """Opens local controls. Raises WrongPin; BoxError where no PIN was ever set."""
        if not self.has_pin:
            raise BoxError("lock", "no PIN was set for this box; unlock it from the server")
        if not await self.check_pin(pin, source):
            raise WrongPin(self._wait_s(source))
        await self._set(False, Asker.PIN)

    async def check_pin(self, pin: str, source: str) -> bool:
        """Whether it is the PIN. Raises PinNotLookedAt while the pause after wrong ones of this `source` lasts (`core.guesses`)."""
        async with self._turn:
            if self._wait_s(source) > 0:
                raise PinNotLookedAt(self._wait_s(source))
            kept = self._state.pin
            if kept is None:
                return False
            tried, before = self._state, self._guesses
            self._guesses = before.wrong(source, self._clock.monotonic())
            since = tried.since if tried.failures else self._now()
            self._keep(replace(tried, failures=tried.failures + 1, since=since, guesses=self._guesses))
            right = await asyncio.to_thread(matches, pin, kept)
            if right:
                self._guesses = before.right(source)
                self._keep(replace(tried, failures=0, guesses=self._guesses))
            else:
                failures, wait_s = self._state.failures, self._wait_s(source)
                log.warning("wrong PIN from %s, number %d; no other from there is looked at for %.0f s", source, failures, wait_s)
            return right

    async def entered(self, pin: str) -> None:
        """A PIN was entered at the screen: `run` looks at it, so that the stage's socket is not held up."""
        with contextlib.suppress(asyncio.QueueFull):
            self._entered.put_nowait(pin)

    async def run(self) -> None:
        """Answers the PINs entered at the screen, for ever."""
        while True:
            pin = await self._entered.get()
            answer = AnswerPin(ok=True)
            try:
                await self.unlock(pin, SCREEN)
            except WrongPin as error:
                answer = AnswerPin(ok=False, wait_s=error.wait_s, looked_at=not isinstance(error, PinNotLookedAt))
            except SignageError as error:
                log.warning("a PIN entered at the screen cannot be checked: %s", error)
                answer = AnswerPin(ok=False)
            with contextlib.suppress(BoxError):
                await self._stage.ask(answer)

    # --- both --------------------------------------------------------------------------------------------------------------------

    async def _set(self, locked: bool, by: Asker) -> str:
        return await self._settings.ask("locked", locked, by=by, who=self._settings.server if by is Asker.SERVER else "")

    def _keep(self, state: LockState) -> None:
        """In force at once; a disk that cannot be written costs only that it is forgotten at the next start."""
        self._state = state
        self._tell()
        self._write(self._file, state)

    def _write(self, file: Snapshot[T], value: T) -> None:
        try:
            file.write(value)
        except StorageError as error:
            log.warning("the state of the lock cannot be written and is lost at the next start: %s", error)

    def _tell(self) -> None:
        """Wrong PINs since the last right one are a fault, once they are no slip of the finger."""
        count = self._state.failures
        if count >= FAULT_FROM:
            words = f"{count} wrong PINs were entered at this box"
            self._faults.report("", "wrong_pin", words, count=count, since=self._state.since)
        else:
            self._faults.clear()

    def _wait_s(self, source: str) -> float:
        return self._guesses.wait_s(source, self._clock.monotonic())

    def _now(self) -> float:
        return self._clock.now().timestamp()
