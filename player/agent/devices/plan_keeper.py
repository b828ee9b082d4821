"""What the management wants shown of applets, kept on this box, and told to the stage as a plan (`core.applets`)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from player.agent.devices.applet_folder import AppletFolder
from player.agent.devices.applet_records import AppletShelf
from player.agent.devices.applet_storage import AppletStorage
from player.agent.devices.refusals import conflict, not_found
from player.agent.settings.brief_store import BriefStore
from player.core.applet_files import digest_of
from player.core.applets import (
    AppletAssignment,
    AppletOn,
    AppletPlace,
    AppletPlan,
    AppletRun,
    AppletTiming,
    AppletTurn,
    applet_on,
    whose_time,
)
from player.core.ports.box import Clock
from player.errors import BoxError
from player.store import Snapshot

log = logging.getLogger(__name__)
TELL_S = 60.0
MOST_TIMINGS, MOST_ASSIGNED = 100, 32
STANDING = {
    AppletPlace.ABOVE: "before the server's programme", AppletPlace.BELOW: "where the server has nothing to show",
    AppletPlace.OFF: "nowhere",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class WantedApplets:
    """The file. Each run's `files`, what it is `told` and how often it was `cleared` are looked up when the plan is made.

    `cleared`: by the applet; not there: never.
    """

    timings: tuple[AppletTiming, ...] = ()
    assigned: tuple[AppletAssignment, ...] = ()
    connected: AppletRun | None = None
    enabled: bool = True
    round: int = 0
    last_at: float = field(default=0.0)
    cleared: Mapping[str, int] = field(default_factory=dict)


class PlanKeeper:
    """Its one writer. `path` is the file; each change goes to the stage by its brief. `place` as in the plan, `told` as in its
    runs; `storage` is what applets keep: of those that are neither here nor connected, nothing."""

    def __init__(
        self,
        path: Path,
        shelf: AppletShelf,
        folder: AppletFolder,
        brief: BriefStore,
        clock: Clock,
        place: AppletPlace,
        told: Callable[[], Mapping[str, str]],
        storage: AppletStorage,
    ) -> None:
        self._file, self._place, self._told, self._storage = Snapshot(path, WantedApplets), place, told, storage
        self._shelf, self._folder, self._brief, self._clock = shelf, folder, brief, clock
        # That applets are disabled holds for the session that it was said in, as the public document has it.
        self.current = replace(self._file.read_or(WantedApplets()), enabled=True)

    def next_at(self) -> float:
        """When what is made now was made: later than everything else, to the millisecond."""
        return max(round(self._clock.now().timestamp(), 3), round(self.current.last_at + 0.001, 3))

    async def run(self) -> None:
        """Tells it again from time to time, for ever: a configuration or a brief that is another one is seen to."""
        while True:
            await self.tell()
            await asyncio.sleep(TELL_S)

    def timing(self, uid: str) -> AppletTiming:
        """The one of that uid. Raises Declined."""
        found = next((one for one in self.current.timings if one.uid == uid), None)
        if found is None:
            raise not_found("timing of that uid")
        return found

    def assignment(self, name: str) -> AppletAssignment:
        """The one of that uid, or of the applet of that uid: it has one at most. Raises Declined."""
        found = next((one for one in self.current.assigned if name in (one.uid, one.run.applet)), None)
        if found is None:
            raise not_found("assignment of that uid")
        return found

    @property
    def wanted(self) -> frozenset[str]:
        """The applets that have a timing or are assigned."""
        return frozenset(run.applet for run in self._runs)

    @property
    def _runs(self) -> Sequence[AppletRun]:
        return [*(one.run for one in self.current.timings), *(one.run for one in self.current.assigned)]

    @property
    def assigned(self) -> AppletAssignment | None:
        """The assignment that is active."""
        return next((one for one in self.current.assigned if one.active), None)

    def check(self, applet: str, version: str) -> None:
        """Whether a version can be shown here. Raises BoxError."""
        found = self._shelf.find(applet, version)
        if found is None:
            raise BoxError("applet", f"the applet {applet} has no version {version} on this box; upload it")
        if not self._folder.is_built(found.built):
            raise BoxError("applet", f"the files of the applet {applet} {version} are not complete here; upload the others")

    async def put_timing(self, timing: AppletTiming) -> None:
        """Keeps it, in the place of the one of its uid. Raises Declined, StorageError."""
        others = tuple(one for one in self.current.timings if one.uid != timing.uid)
        if len(others) >= MOST_TIMINGS:
            raise conflict(f"this box keeps {MOST_TIMINGS} timings at most")
        kept = tuple(sorted((*others, timing), key=lambda one: one.created_at))
        await self.change(timings=kept, last_at=max(self.current.last_at, timing.updated_at))

    async def put_assignment(self, given: AppletAssignment) -> None:
        """Keeps it, in the place of the one of its applet; one that is active makes the others inactive. Raises Declined."""
        others = [one for one in self.current.assigned if one.run.applet != given.run.applet]
        if len(others) >= MOST_ASSIGNED:
            raise conflict(f"this box keeps {MOST_ASSIGNED} assignments at most")
        if given.active:
            others = [replace(one, active=False) for one in others]
        kept = tuple(sorted((*others, given), key=lambda one: one.created_at))
        await self.change(assigned=kept, last_at=max(self.current.last_at, given.updated_at))

    async def change(self, **changes: Any) -> None:
        """Other values for fields of `WantedApplets`. Raises StorageError: then nothing changed."""
        changed = replace(self.current, **changes)
        if changed != self.current:
            self._file.write(changed)
            self.current = changed
        await self.tell()

    async def tell(self) -> None:
        """Has the stage's plan be what is wanted, with the files as they were built last. Raises StorageError."""
        before, plan = self.on_air().why, self.plan()
        await self._brief.change_applets(plan)
        self._sweep()
        if (why := self.on_air().why) != before:
            log.info("applets (%s): %s", STANDING[self._place], why)

    async def power(self, word: str) -> str:
        """An APPLET_ power action, which acts on applets alone; answers what became of it. Raises StorageError, ContentError.

        APPLET_REFRESH has pages begin anew, as F5 does in a browser; whatever they keep stays. APPLET_RELOAD has those whose time
        it is begin without anything that they kept, and from their uploaded files (the public page on power actions).
        """
        if word in ("APPLET_ENABLE", "APPLET_DISABLE"):
            await self.change(enabled=word == "APPLET_ENABLE")
        elif word == "APPLET_RELOAD":
            await self._reload()
        else:
            await self.change(round=self.current.round + 1)
        return self.on_air().why

    async def _reload(self) -> None:
        runs = whose_time(self.plan(), self._clock.now().timestamp())
        for version in {found.uid: found for run in runs if (found := self._shelf.find(run.applet, run.version))}.values():
            if version.built == digest_of(version.files):  # else some were uploaded that are not to be seen yet
                await asyncio.to_thread(self._folder.check, version.files)
                self._folder.build_anew(version.files)
        cleared = dict(self.current.cleared)
        for applet in {run.applet for run in runs}:
            await self._storage.clear(applet)
            cleared[applet] = cleared.get(applet, 0) + 1
        await self.change(round=self.current.round + 1, cleared=cleared)

    def plan(self) -> AppletPlan:
        """As the stage gets it: every run with its files."""
        wanted, active = self.current, self.assigned
        return AppletPlan(
            tuple(replace(one, run=self._filled(one.run)) for one in wanted.timings),
            replace(active, run=self._filled(active.run)) if active else None,
            self._filled(wanted.connected) if wanted.connected else None, wanted.enabled, wanted.round, self._place,
        )  # fmt: skip

    def on_air(self) -> AppletOn:
        """What of the plan that was told last is on, as far as it can be known without whose turn it is."""
        plan = self._brief.current.applets
        return applet_on(plan, AppletTurn(), self._clock.now().timestamp(), 0.0)

    def is_used(self, applet: str, version: str | None = None) -> bool:
        """Whether a timing or an assignment names it."""
        return any(run.applet == applet and version in (None, run.version) for run in self._runs)

    def _filled(self, run: AppletRun) -> AppletRun:
        run = replace(run, told=self._told(), name=self._shelf.name(run.applet), cleared=self.current.cleared.get(run.applet, 0))
        version = self._shelf.find(run.applet, run.version)
        if version is None or run.url:
            return run
        is_whole = self._folder.is_built(version.built)
        return replace(run, front=version.front, entry=version.page, files=version.built if is_whole else "")

    def _sweep(self) -> None:
        versions = self._shelf.versions()
        with contextlib.suppress(OSError):
            self._folder.sweep(
                {file.sha256 for version in versions for file in version.files}, {version.built for version in versions}
            )
        connected = {self.current.connected.applet} if self.current.connected else set()
        self._storage.sweep({one.uid for one in self._shelf.applets.all()} | connected)
