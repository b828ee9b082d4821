"""What this box keeps of applets: the applets, their versions with files and tests. Times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from player.agent.devices.records_file import RecordsFile
from player.agent.devices.refusals import conflict, not_found
from player.core.applet_files import AppletFile

MOST_APPLETS, MOST_VERSIONS = 32, 128


@dataclass(frozen=True, slots=True)
class AppletRecord:
    """An applet."""

    uid: str
    created_at: float
    name: str


@dataclass(frozen=True, slots=True)
class AppletTestRecord:
    """A test of a version: a script that an applet's library runs."""

    identifier: str
    binary: str


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One version of `applet`; its `uid` is both names. `built`: what the files are called together as they were built last.

    `is_page`: it was given as one page, which is its only file.
    """

    uid: str
    created_at: float
    applet: str
    version: str
    front: str
    entry: str | None = None
    updated_at: float | None = None
    published_at: float | None = None
    deprecated_at: float | None = None
    built_at: float | None = None
    built: str = ""
    is_page: bool = False
    files: tuple[AppletFile, ...] = ()
    tests: tuple[AppletTestRecord, ...] = ()

    @property
    def page(self) -> str:
        """The first page's path."""
        return self.entry or "index.html"

    def file(self, path: str) -> AppletFile:
        """The file of that path. Raises Declined."""
        found = next((one for one in self.files if one.path == path), None)
        if found is None:
            raise not_found("file of that path in this version")
        return found

    def test(self, identifier: str) -> AppletTestRecord:
        """The test of that name. Raises Declined."""
        found = next((one for one in self.tests if one.identifier == identifier), None)
        if found is None:
            raise not_found("test of that name in this version")
        return found


class AppletShelf:
    """The two files in `folder`. `now`: seconds since the epoch."""

    def __init__(self, folder: Path, now: Callable[[], float]) -> None:
        self.applets = RecordsFile(folder / "applets.json", AppletRecord, "applet of that uid", MOST_APPLETS)
        self._versions = RecordsFile(folder / "applet_versions.json", VersionRecord, "version of that applet", MOST_VERSIONS)
        self._now = now

    def versions(self, applet: str | None = None) -> Sequence[VersionRecord]:
        """All versions, or those of an applet. Raises Declined where there is none of that uid."""
        if applet is not None:
            self.applets.get(applet)
        return [one for one in self._versions.all() if applet in (None, one.applet)]

    def version(self, applet: str, version: str) -> VersionRecord:
        """The one of both names. Raises Declined."""
        self.applets.get(applet)
        return self._versions.get(f"{applet}/{version}")

    def name(self, applet: str) -> str:
        """What an applet is called; "" where it is not here."""
        return next((one.name for one in self.applets.all() if one.uid == applet), "")

    def find(self, applet: str, version: str) -> VersionRecord | None:
        """The one of both names, where it is there."""
        return next((one for one in self._versions.all() if one.uid == f"{applet}/{version}"), None)

    def make(self, applet: str, version: str, front: str, entry: str | None) -> VersionRecord:
        """A version without files. Raises Declined."""
        self.applets.get(applet)
        if self.find(applet, version) is not None:
            raise conflict(f"the applet has a version {version}")
        return VersionRecord(f"{applet}/{version}", self._versions.next_at(self._now()), applet, version, front, entry)

    def keep(self, changed: VersionRecord) -> VersionRecord:
        """Keeps it as changed at this moment. Raises Declined, StorageError."""
        kept = replace(changed, updated_at=max(round(self._now(), 3), changed.created_at))
        self._versions.put(kept)
        return kept

    def remove(self, applet: str) -> None:
        """The applet and its versions. Raises Declined, StorageError."""
        for one in self.versions(applet):
            self._versions.remove(one.uid)
        self.applets.remove(applet)
