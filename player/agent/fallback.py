"""A second source of content: shown when the server has had nothing to show for a while, until it has again.

Commands, settings and telemetry stay with the server; of the second source's events those count that concern its content. Each play
goes to whose content it showed, since every item says whose it is.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import IO

from player.agent.server_folder import ServerFolder
from player.core.content import Item, Programme
from player.core.lack import Lack
from player.core.ports.box import Absent, Clock
from player.core.ports.server import (
    Connection,
    ContentChanged,
    ContentSource,
    LocalFiles,
    Missed,
    Paired,
    Reached,
    ServerEvent,
    Unpaired,
)
from player.core.standby import OWNER
from player.errors import ServerError
from player.runtime.fault_page import FaultPage

log = logging.getLogger(__name__)


class Fallback:
    """The second source: `connection`, and its own `folder`. `place` is where it is, for people; `after_s` as in `core.lack`.

    Implements `ServerInbox` for its rhythm. `hurry` asks for the programme now.
    """

    def __init__(
        self,
        connection: Connection,
        folder: ServerFolder,
        place: str,
        *,
        after_s: float,
        clock: Clock,
        faults: FaultPage,
        hurry: Callable[[], None],
    ) -> None:
        self.connection, self.folder, self.place = connection, folder, place
        self._after_s, self._clock, self._faults, self._hurry = after_s, clock, faults, hurry

    def behind(
        self, first: ContentSource | Absent, *, known: Callable[[], bool], shown: Callable[[], Sequence[Item]]
    ) -> ContentSource:
        """The content of both. `known`: whether the server knows this box; `shown`: the items on air."""
        second = self.connection.content
        if isinstance(second, Absent) or isinstance(first, Absent):
            return _Only(first if isinstance(second, Absent) else second)
        return FirstThenSecond(
            first, second, Lack(self._after_s), self._clock, self._faults, self.folder.key, self.place, known=known, shown=shown
        )

    def files(self, first: LocalFiles | None) -> LocalFiles:
        """The files of this machine of both."""
        return FilesOfBoth([one for one in (first, self.connection.files) if one is not None])

    def loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs for it for ever, by name."""
        rhythm = self.connection.rhythm
        return {} if isinstance(rhythm, Absent) else {"fallback": lambda: rhythm.run(self)}

    async def put(self, event: ServerEvent) -> None:
        """Takes one event of its rhythm in."""
        match event:
            case Reached():
                self._faults.clear("contact")
            case Missed(error):
                self._faults.report("contact", error.code, f"the fallback: {error}", count=1)
            case Paired(name):
                self.folder.keep(paired=True, pairing_code=None, device_name=name or "")
                self._hurry()
            case Unpaired(code):
                if code and code != self.folder.facts.pairing_code:
                    log.info("the fallback at %s does not know this box yet; enter the code %s there", self.place, code)
                self.folder.keep(paired=False, pairing_code=code)
            case ContentChanged():
                self._hurry()
            case _:
                log.debug("the fallback told something that is the server's affair: %s", type(event).__name__)


class FirstThenSecond:
    """The first source's programme; the second's while the first has had nothing to show for long. Implements `ContentSource`.

    `key`: whose the second's items are.
    """

    def __init__(
        self,
        first: ContentSource,
        second: ContentSource,
        lack: Lack,
        clock: Clock,
        faults: FaultPage,
        key: str,
        place: str,
        *,
        known: Callable[[], bool],
        shown: Callable[[], Sequence[Item]],
    ) -> None:
        self._first, self._second, self._lack, self._clock, self._faults = first, second, lack, clock, faults
        self._key, self._place, self._known, self._shown = key, place, known, shown

    async def programme(self) -> Programme:
        """Raises ServerError where what is on air is to stay."""
        programme, failed = await self._ask_first()
        shows = bool(programme.items) if failed is None else any(item.server not in (self._key, OWNER) for item in self._shown())
        if not self._lack.is_due(has_content=shows, now=self._clock.monotonic()):
            self._faults.clear("shown")
            return _or_raise(programme, failed)
        try:
            second = await self._second.programme()
        except ServerError as error:
            log.debug("the fallback has no programme: %s", error)
            if any(item.server == self._key for item in self._shown()):
                raise
            return _or_raise(programme, failed)
        words = f"the server has had nothing to show for {self._lack.after_s:.0f} s; what is shown comes from {self._place}"
        self._faults.report("shown", "fallback", words, count=1)
        return second

    async def _ask_first(self) -> tuple[Programme, ServerError | None]:
        if not self._known():
            return Programme(()), None
        try:
            return await self._first.programme(), None
        except ServerError as error:
            return Programme(()), error


def _or_raise(programme: Programme, failed: ServerError | None) -> Programme:
    if failed is not None:
        raise failed
    return programme


class _Only:
    """One source alone, where the other has no content."""

    def __init__(self, source: ContentSource | Absent) -> None:
        self._source = source

    async def programme(self) -> Programme:
        return Programme(()) if isinstance(self._source, Absent) else await self._source.programme()


class FilesOfBoth:
    """Files of several folders: the first that has one of that address opens it. Implements `LocalFiles`."""

    def __init__(self, sources: Sequence[LocalFiles]) -> None:
        self._sources = sources

    def open(self, url: str) -> IO[bytes] | None:
        """None where none of them has it. Raises OSError."""
        for source in self._sources[:-1]:
            with contextlib.suppress(OSError):
                if (found := source.open(url)) is not None:
                    return found
        return self._sources[-1].open(url) if self._sources else None
