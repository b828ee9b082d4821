"""What is known of the files of the media store: which file is which revision, of what content, what was prepared from it.

Nothing here touches the disk: `cache.Cache` does, and writes the index when enough of it is `unsaved`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from player.core.ask_again import Validators
from player.core.ports.box import Clock
from player.core.syncplan import Held
from player.media.store.index import Derived, Index, Stored


class Catalogue:
    """The entries of the index, by SHA-256. `unsaved`: how many changes were made since it was last `whole`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._index = Index()
        self.unsaved = 0

    def take(self, index: Index) -> None:
        """Begins with what was read."""
        self._index = index

    def whole(self) -> Index:
        """A copy of all of it, without names of files that are gone."""
        self.unsaved = 0
        files = dict(self._index.files)
        self._index.names = {key: sha256 for key, sha256 in self._index.names.items() if sha256 in files}
        self._index.validators = {key: v for key, v in self._index.validators.items() if key in self._index.names}
        return Index(files, dict(self._index.names), dict(self._index.validators))

    def entries(self) -> list[Stored]:
        """Everything, the largest first."""
        return sorted(list(self._index.files.values()), key=lambda s: -s.size)  # noqa: C414 - one step: a thread may read while the loop writes

    def held(self) -> list[Held]:
        """Every file that is here, as the plan of what is evicted wants it."""
        return [Held(s.sha256, s.bytes, s.used_at) for s in self._index.files.values()]

    def get(self, sha256: str) -> Stored | None:
        """The file with this content."""
        return self._index.files.get(sha256)

    def add(self, stored: Stored) -> None:
        """A file that came; what was known of the same content stays known."""
        before = self._index.files.get(stored.sha256)
        if before:
            stored = replace(stored, derived=before.derived, contents=before.contents)
        self._index.files[stored.sha256] = stored
        self.unsaved += 1

    def forget(self, sha256: str) -> Stored | None:
        """Takes a file out; what is on disk stays."""
        self.unsaved += 1
        return self._index.files.pop(sha256, None)

    def touch(self, sha256s: Iterable[str]) -> None:
        """These are in use now; what was used longest ago is evicted first. Written with the next change, to spare the flash."""
        now = self._clock.now().timestamp()
        for sha256 in sha256s:
            stored = self._index.files.get(sha256)
            if stored is not None:
                self._index.files[sha256] = replace(stored, used_at=now)

    def confirm(self, sha256: str, mtime_ns: int) -> None:
        """Notes that a file was read and found right. Written with the next change."""
        stored = self._index.files.get(sha256)
        if stored is not None:
            checked_at = self._clock.now().timestamp()
            self._index.files[sha256] = replace(stored, mtime_ns=mtime_ns, checked_at=checked_at)

    # --- revisions

    def find(self, key: str) -> Stored | None:
        """The file of a revision; `key` as `core.filehash.asset_key` makes it (a SHA-256 is its own key)."""
        return self._index.files.get(self._index.names.get(key, key))

    def call(self, key: str, sha256: str, content_id: str) -> None:
        """Notes that a file that is here is also this revision, of this content."""
        stored = self._index.files.get(sha256)
        if stored is None or (self._index.names.get(key) == sha256 and content_id in stored.contents):
            return
        contents = tuple(dict.fromkeys((*stored.contents, content_id)))
        self._index.names[key] = sha256
        self._index.files[sha256] = replace(stored, contents=contents)
        self.unsaved += 1

    def forget_name(self, key: str) -> None:
        """Other bytes are behind this revision's name: it is fetched as if it were not here; the file that is stays."""
        self._index.names.pop(key, None)
        self._index.validators.pop(key, None)
        self.unsaved += 1

    def validators(self, key: str) -> Validators:
        """What the server called the bytes of a revision, nothing where that is not known."""
        return self._index.validators.get(key, Validators())

    def name_validators(self, key: str, validators: Validators) -> None:
        """Notes what the server calls the bytes of a revision."""
        if validators not in (Validators(), self.validators(key)):
            self._index.validators[key] = validators
            self.unsaved += 1

    def tagged(self, content_id: str) -> dict[str, Validators]:
        """What is here of this content under whichever address: SHA-256 -> what the server called it."""
        named = {self._index.names[key]: found for key, found in self._index.validators.items() if key in self._index.names}
        return {s.sha256: named[s.sha256] for s in self._index.files.values() if s.sha256 in named and content_id in s.contents}

    # --- what was prepared

    def derived(self, sha256: str, panel: str, kind: str) -> Derived | None:
        """What was prepared for this panel, None when that is still to do."""
        stored = self._index.files.get(sha256)
        return next((d for d in stored.derived if (d.panel, d.kind) == (panel, kind)), None) if stored else None

    def add_derived(self, sha256: str, derived: Derived) -> None:
        """Notes what was prepared; what stands there for another panel stays."""
        stored = self._index.files.get(sha256)
        if stored is not None:
            others = tuple(d for d in stored.derived if (d.panel, d.kind) != (derived.panel, derived.kind))
            self._index.files[sha256] = replace(stored, derived=(*others, derived))
            self.unsaved += 1

    def forget_derived(self, sha256: str) -> None:
        """What was prepared from a file is gone: it is prepared again."""
        self._index.files[sha256] = replace(self._index.files[sha256], derived=())
        self.unsaved += 1

    def keep_derived(self, panels: Collection[str], keep_files: Collection[str]) -> frozenset[str]:
        """Forgets what was prepared for other panels, but for `keep_files` (as in `Item.file`); the places of what is left."""
        for stored in list(self._index.files.values()):
            kept = tuple(d for d in stored.derived if d.panel in panels or d.file in keep_files)
            if kept != stored.derived:
                self._index.files[stored.sha256] = replace(stored, derived=kept)
                self.unsaved += 1
        return frozenset(place for s in self._index.files.values() for d in s.derived for place in d.places)
