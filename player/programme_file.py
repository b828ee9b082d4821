"""The manifest on disk, which agent and stage share: `programme.json`; and that of the player before this one, `manifest.json`.

The earlier file holds one layout that is always on air. It is read where it is the newer of the two, and never written: a player
that is taken back finds it as it left it, and what it names stays in the cache beside what is on air.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from player.core.content import Layout, Manifest, always
from player.store import Snapshot


@dataclass(frozen=True, slots=True)
class _OneLayout:
    """The body of `manifest.json`."""

    version: str
    layout: Layout
    watermark: bool = False
    assets: int = 0


class ProgrammeFile:
    """The two files in `folder`; `mode` of the one that is written."""

    def __init__(self, folder: Path, *, mode: int = 0o600) -> None:
        self._file = Snapshot(folder / "programme.json", Manifest, mode=mode)
        self._earlier = Snapshot(folder / "manifest.json", _OneLayout)

    @property
    def path(self) -> Path:
        """The file that is written."""
        return self._file.path

    def read(self) -> Manifest | None:
        """What was published last, by this player or the one before; None where there is none that can be read."""
        if _written(self._earlier.path) > _written(self._file.path):
            return self.earlier() or self._file.read_or(None)
        return self._file.read_or(None) or self.earlier()

    def earlier(self) -> Manifest | None:
        """What the player before this one published last, None where there was none or it cannot be read."""
        found = self._earlier.read_or(None)
        if found is None:
            return None
        return Manifest(found.version, (found.layout,), always(found.layout), watermark=found.watermark, assets=found.assets)

    @property
    def has_earlier(self) -> bool:
        """Whether the file of the player before this one is still there."""
        return self._earlier.path.exists()

    def write(self, manifest: Manifest) -> None:
        """Replaces it, durably. Raises StorageError."""
        self._file.write(manifest)


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
