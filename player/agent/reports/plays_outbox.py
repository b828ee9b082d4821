"""Proof of play goes from the stage's journal to the server until it has it (the third law; faults.md N14).

Only what no power cut takes is sent: what a server was told stands here, under the number that it was told with. The cursor moves
only after the server accepted, and is on disk when this process ends in order, or after an hour or a thousand plays: every write
wears flash. So a death anywhere sends again what may have been sent, with the same ids, and loses nothing, and so does a disk that
takes no cursor.
What the server refuses alone three times is set aside in `refused.jsonl` with a fault, so that one bad event does not hold back the
rest.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from player.agent.reports.play_owners import Cursor, PlayOwners
from player.agent.reports.results_outbox import pause_s
from player.agent.server_folder import CURSOR, REFUSED
from player.core.ports.box import Clock
from player.core.ports.server import PlaysSink
from player.core.ports.stage import DropPlays, StagePort
from player.errors import BoxError, EventsRefused, ServerError, StorageError
from player.journal_reader import last_record, read_synced
from player.runtime.fault_page import FaultPage
from player.runtime.tasks import backoff, jittered
from player.store import Snapshot

log = logging.getLogger(__name__)
BATCH = 100
BATCHES_A_SECOND = 5
PASSED = 1000  # as many are looked at in one go where they are another server's
ALONE = 3  # refusals of one event by itself
SAVE_S, SAVE_PLAYS = 3600.0, 1000
RECENT = 100  # how many sent ids are remembered, to find where such a journal differs
Play = tuple[int, Mapping[str, Any]]


class PlaysOutbox:
    """Delivers this server's plays from the stage's journal in `plays`; cursor and refusals are in `folder`, which is the server's.

    `sign` adds this box's signature to an event as it leaves: the key is the agent's, the journal the stage's.
    """

    def __init__(
        self,
        server: PlaysSink,
        stage: StagePort,
        *,
        plays: Path,
        folder: Path,
        clock: Clock,
        faults: FaultPage,
        sign: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        look_s: float = 30.0,
        first_retry_s: float = 1.0,
    ) -> None:
        self._server, self._stage, self._plays, self._clock, self._faults = server, stage, plays, clock, faults
        self._sign, self._look_s, self._first_retry_s = sign, look_s, first_retry_s
        self._file, self._refused = Snapshot(folder / CURSOR, Cursor), folder / REFUSED
        self._cursor = self._file.read_or(Cursor())
        self._owners = PlayOwners(folder)
        self._report_refused()
        self._told = (0.0, 0)  # when the stage that was told began, and through which number
        self._saved, self._saved_at = self._cursor, clock.monotonic()

    @property
    def last_sent(self) -> float | None:
        """When plays were last accepted (seconds since the epoch)."""
        return self._cursor.last_sent

    def pending(self) -> int:
        """How many plays nobody has accepted yet."""
        return undelivered(self._stage, self._plays, self._cursor.through)

    def _report_refused(self) -> None:
        """Plays that the server will not have, for good."""
        if not self._cursor.refused:
            return
        sentence = f"{self._cursor.refused} plays were refused by the server; they are kept in {self._refused}"
        self._faults.report("", "play_refused", sentence, count=self._cursor.refused, since=self._cursor.refused_since)

    async def run(self) -> None:
        """Sends what is there, a few batches a second, and looks again after a while, for ever."""
        try:
            await self._keep_sending()
        finally:
            self._save()

    async def _keep_sending(self) -> None:
        await asyncio.to_thread(self._owners.look, self._plays, self._cursor.through)
        attempt = 0
        while True:
            try:
                sent = await self._send_batch()
            except ServerError as error:
                log.debug("proof of play waits: %s", error)
                await asyncio.sleep(pause_s(error, attempt, first_s=self._first_retry_s))
                attempt += 1
                continue
            attempt = 0
            if sent:
                await asyncio.sleep(1 / BATCHES_A_SECOND)
            else:
                await self._tell_stage()
                await asyncio.sleep(jittered(self._look_s))

    async def _send_batch(self) -> bool:
        """One batch; False when there was nothing. Raises ServerError; then the cursor has not moved."""
        read: list[Play] = await asyncio.to_thread(self._read)
        if not read:
            return False
        mine = [play for play in read if self._owners.is_mine(play[1])]
        refused = await self._settle(mine)
        if refused:
            await asyncio.to_thread(self._set_aside, refused)
        self._advance(read, sent=len(mine) - len(refused), refused=len(refused))
        for number, play in read:
            self._owners.passed(number, play)
        return True

    def _read(self) -> list[Play]:
        """The next plays, at most a batch of ours; those of others are among them."""
        self._rewind()
        found: list[Play] = []
        mine = 0
        for number, body in read_synced(self._plays, after=self._cursor.through):
            play = body if isinstance(body, dict) else {}
            found.append((number, play))
            mine += self._owners.is_mine(play)
            if mine == BATCH or len(found) == PASSED:
                break
        return found

    def _rewind(self) -> None:
        """A card that forgets what it has synced, or a journal put back by hand, is shorter than what was sent of it."""
        known = dict(self._cursor.recent)
        if self._cursor.through and not self._matches(known):
            since = min(known, default=self._cursor.through) - 1
            same = (seq for seq, body in read_synced(self._plays, after=since) if known.get(seq) == _id(body))
            through = max(same, default=0)
            log.warning("the journal of plays differs from what was sent after number %d; it is read again from there", through)
            self._cursor = replace(self._cursor, through=through, recent=tuple((s, i) for s, i in known.items() if s <= through))

    def _matches(self, known: Mapping[int, str]) -> bool:
        """Whether the journal still holds the last event that was sent, or has since dropped it as we asked."""
        through = self._cursor.through
        at = next(read_synced(self._plays, after=through - 1), None)
        if at is None:
            return False
        return at[0] > through or known.get(through, _id(at[1])) == _id(at[1])

    async def _settle(self, batch: Sequence[Play]) -> Sequence[Play]:
        """Sends until each event is accepted, or was refused alone three times: those are the answer."""
        taken = {seq for seq, _ in await self._accepted(batch)}
        return [play for play in batch if play[0] not in taken and not await self._accepted_alone(play)]

    async def _accepted(self, batch: Sequence[Play]) -> Sequence[Play]:
        """Those the server took. A batch that it refuses as a whole is halved until the culprit is alone."""
        sendable = [play for play in batch if _id(play[1])]
        if not sendable:
            return ()
        try:
            ids = set(await self._server.send_plays([self._sign(body) for _, body in sendable]))
        except EventsRefused:
            if len(sendable) == 1:
                return ()
            middle = len(sendable) // 2
            return (*await self._accepted(sendable[:middle]), *await self._accepted(sendable[middle:]))
        return [play for play in sendable if _id(play[1]) in ids]

    async def _accepted_alone(self, play: Play) -> bool:
        if not _id(play[1]):
            return False
        for attempt in range(ALONE):
            await asyncio.sleep(backoff(attempt, first_s=self._first_retry_s))
            if await self._accepted([play]):
                return True
        return False

    def _set_aside(self, refused: Sequence[Play]) -> None:
        """Durably, before the cursor passes them. Raises StorageError."""
        try:
            handle = os.open(self._refused, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as out:
                out.write(b"".join(msgspec.json.encode(body) + b"\n" for _, body in refused))
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            raise StorageError(str(self._refused), f"cannot be written: {error.strerror}") from error

    def _advance(self, read: Sequence[Play], *, sent: int, refused: int) -> None:
        now = self._clock.now().timestamp()
        recent = (*self._cursor.recent, *((seq, _id(body)) for seq, body in read))[-RECENT:]
        self._cursor = Cursor(
            through=read[-1][0],
            recent=recent,
            refused=self._cursor.refused + refused,
            refused_since=self._cursor.refused_since or (now if refused else 0.0),
            last_sent=now if sent else self._cursor.last_sent,
        )
        many = self._cursor.through - self._saved.through >= SAVE_PLAYS
        if refused or many or self._clock.monotonic() - self._saved_at >= SAVE_S:
            self._save()
        self._report_refused()

    def _save(self) -> None:
        self._saved_at = self._clock.monotonic()
        if self._saved == self._cursor:
            return
        try:
            self._file.write(self._cursor)
        except StorageError as error:
            words = f"which plays the server has cannot be kept; after a start they are sent again: {error}"
            self._faults.report("cursor", error.code, words, count=1)
        else:
            self._saved = self._cursor
            self._faults.clear("cursor")

    async def _tell_stage(self) -> None:
        """What is accepted may go where room is short, once the stage is there to hear it."""
        await asyncio.to_thread(self._owners.look_again, self._plays, self._cursor.through)
        status = self._stage.status
        told = (status.started_at if status else 0.0, self._owners.droppable(self._cursor.through))
        if told[1] and told != self._told:
            try:
                await self._stage.ask(DropPlays(told[1]))
                self._told = told
            except BoxError as error:
                log.debug("the stage is told later which plays the server has: %s", error)


def _id(body: Any) -> str:
    found = body.get("id") if isinstance(body, Mapping) else None
    return found if isinstance(found, str) else ""


def undelivered(stage: StagePort, plays: Path, through: int = 0) -> int:
    """How many plays are in the journal after number `through`, as far as the stage has said what it wrote."""
    status = stage.status
    found = last_record(plays) if status is None else (status.last_play_seq, None)
    return max(0, (found[0] if found else 0) - through)
