"""What a Screenzzie server can be asked: its screen, and the programme that is made of everything that the screen may show.

All schedules are read and kept, so that they go on without a server. Of its own accord it is asked no more than once for a thing in
a round; a file's entry, which changes with its playlist, is kept as long as that one is as it was, and an hour at most, since
addresses are signed. After a failure or a refusal for a time nothing is asked until the pause is over.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from player.cms.pace import Pace
from player.cms.screenzzie.calls import (
    ME,
    MEDIA,
    PLAYLISTS,
    SCHEDULES,
    SCREEN,
    SCREENS,
    SEQUENCES,
    Calls,
    NotThere,
    ScopeMissing,
    path_of,
)
from player.cms.screenzzie.programme import (
    FAULTS,
    Named,
    ReadLibrary,
    ScreenzzieReader,
    is_within,
    media_of,
    problem_of,
    reaches,
    source_of,
    standing,
    zone_of,
)
from player.cms.screenzzie.shelf import SOURCES, Shelf
from player.cms.screenzzie.words import WireAccount, WireMedia, WirePlaylist, WireSchedule, WireScreen, is_id
from player.cms.wire import rows, table, text
from player.core.content import Programme
from player.core.faults import Fault
from player.core.ports.box import Clock
from player.errors import DeviceForgotten, NotOffered, ServerError

MEDIA_KEPT_S = 3600.0
ONE_BY_ONE = 20  # entries of files; where more are unknown, the whole list is read
ONE_BY_ONE_AFTER = 100  # of those that it does not have, in one round
FOLLOWED, SEVERAL = 5000, 100  # schedules, and of them for several screens
NAMED, NAME = 20, 60


class Screenzzie:
    """`device` is the screen's id or name; `key` is whose the items of a programme are (`Device.key`)."""

    def __init__(self, calls: Calls, *, device: str, key: str, clock: Clock) -> None:
        self._calls, self._device, self._key, self._clock = calls, device.strip(), key, clock
        self._id = self._device if is_id(self._device) else None
        self._pace = Pace(clock)
        self._media: dict[str, tuple[float, Mapping[str, str | None], WireMedia | None]] = {}  # None: it is not there
        self.account = WireAccount()

    def __repr__(self) -> str:
        return f"Screenzzie({self._calls!r}, {self._device!r})"

    @property
    def server_time(self) -> float | None:
        """What the server's clock said with its last answer."""
        return self._calls.server_time

    async def look_at_key(self) -> None:
        """What the key may do; it costs nothing of the limit. Raises ServerError."""
        self.account = WireAccount.model_validate(await self._calls.one(ME, {}))

    async def screen(self) -> WireScreen:
        """This device's. Raises DeviceForgotten where there is none, ServerError."""
        if self._id is None:
            self._id = await self._find()
        try:
            screen = WireScreen.model_validate(await self._calls.one(path_of(SCREENS, self._id), SCREEN))
        except DeviceForgotten:
            self._id = self._device if is_id(self._device) else None
            raise
        return screen if screen.id else screen.model_copy(update={"id": self._id})

    async def _find(self) -> str:
        """The id of the one screen of that name."""
        listed = await self._calls.every(SCREENS)
        screens = [WireScreen.model_validate(row) for row in listed.rows]
        found = [one.id for one in screens if one.id and one.name == self._device]
        if len(found) == 1:
            return found[0]
        there = ", ".join(f'"{(one.name or "")[:NAME]}" ({(one.id or "")[:NAME]})' for one in screens[:NAMED]) or "none"
        many = "no screen" if not found else f"{len(found)} screens"
        cut = f"; {listed.cut}" if listed.cut else ""
        reason = f'{many} of the name "{self._device}"; set cms.device to the id of one of these: {there}{cut}'
        raise DeviceForgotten(SCREENS, reason)

    async def programme(self) -> Programme:
        """What the screen is to show, and when."""
        self._pace.check(SCREENS)
        try:
            made = await self._read()
        except ServerError as error:
            self._pace.failed(error)
            raise
        self._pace.worked({})
        return made

    async def _read(self) -> Programme:
        screen, faults = await self.screen(), list[Fault]()
        if screen.is_active is False:
            return Programme(())
        schedules = await self._schedules(screen, faults)
        named = (source_of(one.playlist, one.sequence) for one in schedules)
        library = await self._library([*filter(None, named)], standing(screen), faults)
        now = self._clock.now().timestamp()
        if screen.timezone and zone_of(screen.timezone) is None:
            words = f"the screen's time zone \"{screen.timezone[:60]}\" is not known; schedules go by this box's"
            faults.append(Fault("bad_rule", words, now))
        reader = ScreenzzieReader(screen, library, now, self._calls.absolute, self._key, faults)
        return await asyncio.to_thread(reader.programme, schedules)  # a long one takes seconds

    # --- schedules

    async def _schedules(self, screen: WireScreen, faults: list[Fault]) -> list[WireSchedule]:
        """Those that reach the screen. A plan without them costs them alone."""
        if not self.account.has("schedules"):
            self._told(faults, "server_refused", "the plan of the server's organisation has no schedules; none is followed")
            return []
        try:
            listed = await self._calls.every(SCHEDULES, isActive="true")
        except (ScopeMissing, NotOffered) as error:
            self._told(faults, "server_refused", f"no schedule is followed: {error}")
            return []
        if listed.cut:
            self._told(faults, "list_cut", listed.cut)
        if len(listed.rows) > FOLLOWED:
            self._told(faults, "list_cut", f"there are {len(listed.rows)} schedules; the first {FOLLOWED} are followed")
        read = await asyncio.to_thread(lambda: [WireSchedule.model_validate(row) for row in listed.rows[:FOLLOWED]])
        within = [one for one in read if is_within(one, screen)]
        several = [one for one in within if one.target == "multiple_screens" and not problem_of(one)]
        if len(several) > SEVERAL:
            self._told(faults, "list_cut", f"{len(several)} schedules are for several screens; {SEVERAL} of them are looked at")
        chosen = {one.id for one in several[:SEVERAL] if await self._is_chosen(one, screen, faults)}
        for one in within:
            if problem := problem_of(one):
                self._told(faults, "bad_rule", f"{one} is left out: {problem}")
        return [one for one in within if not problem_of(one) and reaches(one, screen, chosen)]

    async def _is_chosen(self, schedule: WireSchedule, screen: WireScreen, faults: list[Fault]) -> bool:
        try:
            data = await self._calls.one(f"{path_of(SCHEDULES, schedule.id or '')}/screens")
        except NotThere:
            self._told(faults, "bad_rule", f"{schedule} is for several screens, and the server does not say for which")
            return False
        return any(text(table(row).get("id")) == screen.id for row in rows(data.get("items")) or [])

    # --- playlists, sequences, files

    async def _library(self, ruled: Iterable[Named], stands: Iterable[Named], faults: list[Fault]) -> ReadLibrary:
        """Everything that schedules name; and of what stands where none is on air, the first that is there with anything in it."""
        shelf = Shelf(lambda source: self._named(source, faults))
        for source in stands:  # first: whatever else there is no room for, something is shown
            if await shelf.has_any(source):
                break
        for source in dict.fromkeys(ruled):
            await shelf.has_any(source)
        if shelf.is_cut:
            words = f"more than {SOURCES} playlists and sequences are named, or very long ones; the rest is not read"
            self._told(faults, "list_cut", words)
        return ReadLibrary(shelf.playlists, shelf.sequences, await self._files(shelf.playlists))

    async def _named(self, source: Named, faults: list[Fault]) -> Mapping[str, Any] | None:
        if source.kind == "sequence" and not self.account.has("sequences"):
            self._told(faults, "server_refused", "the plan of the server's organisation has no sequences; none is shown")
            return None
        try:
            return await self._calls.one(path_of(PLAYLISTS if source.kind == "playlist" else SEQUENCES, source.id))
        except NotThere:
            self._told(faults, "bad_item", f"the {source.kind} {source.id} that something names is not there")
        except ScopeMissing as error:
            if source.kind == "playlist":
                raise
            self._told(faults, "server_refused", f"no sequence is shown: {error}")
        return None

    async def _files(self, playlists: Mapping[str, Mapping[str, Any]]) -> dict[str, WireMedia]:
        """The entries of all files, asked for where they are not known, or may have changed."""
        wanted = await asyncio.to_thread(_files_of, playlists)
        now = self._clock.monotonic()
        held = {name: kept for name, kept in self._media.items() if name in wanted}
        fresh = {n for n, (read_at, by, _) in held.items() if by == wanted[n] and now - read_at < MEDIA_KEPT_S}
        missing = [name for name in wanted if name not in fresh]
        found = await self._entries(missing)
        self._media = {n: held[n] for n in fresh} | {n: (now, wanted[n], media) for n, media in found.items()}
        return {name: media for name, (_, _, media) in self._media.items() if media is not None}

    async def _entries(self, missing: list[str]) -> dict[str, WireMedia | None]:
        """Those of them that were asked for; None: it is not there."""
        found: dict[str, WireMedia | None] = {}
        if len(missing) > ONE_BY_ONE:
            with contextlib.suppress(NotOffered):
                rows_of_all = (await self._calls.every(MEDIA)).rows
                listed = {text(row.get("id")): row for row in rows_of_all}
                found = {name: WireMedia.model_validate(listed[name]) for name in missing if name in listed}
        unlisted = [name for name in missing if name not in found]
        for name in unlisted[:ONE_BY_ONE_AFTER]:  # the others in the rounds that follow
            found[name] = await self._entry(name)
        return found

    async def _entry(self, name: str) -> WireMedia | None:
        try:
            return WireMedia.model_validate(await self._calls.one(path_of(MEDIA, name)))
        except NotThere:  # its item says so
            return None

    def _told(self, faults: list[Fault], code: str, message: str) -> None:
        """Adds a fault, once for each sentence."""
        if len(faults) < FAULTS and all(fault.message != message for fault in faults):
            faults.append(Fault(code, message, self._clock.now().timestamp()))


def _files_of(playlists: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str | None]]:
    """By each file's id the playlists that name it, and when these were changed."""
    found: dict[str, dict[str, str | None]] = {}
    for name, raw in playlists.items():
        changed_at = WirePlaylist.model_validate(raw).updated_at
        for media in media_of(raw):
            found.setdefault(media, {})[name] = changed_at
    return found
