"""The files of this machine that triggers name: looked up below one folder, and opened without following links."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote

from player.cms.folder.files import SCHEME, FolderFile, FolderFiles
from player.cms.folder.programme import kind_of_name
from player.core.content import WantedAsset
from player.core.triggers import TriggerRule

OURS, FILE = "stand-by:", "file:"


class TriggerFiles:
    """Implements `LocalFiles`. `folder` "": there is none."""

    def __init__(self, folder: str) -> None:
        self._files = FolderFiles()
        self._files.root = Path(folder) if folder else None

    def __repr__(self) -> str:
        return f"<files below {self._files.root or 'no folder'}>"

    def open(self, url: str) -> IO[bytes] | None:
        """The file behind an address that `look` told. Blocks. Raises OSError."""
        return self._files.open(SCHEME + quote(unquote(url.removeprefix(OURS)))) if url.startswith(OURS) else None

    def look(self, rules: Iterable[TriggerRule]) -> dict[str, WantedAsset]:
        """Those of the files that rules name which are there, by the name that they give. Blocks."""
        names = {rule.show.removeprefix(FILE) for rule in rules if rule.show.startswith(FILE)}
        return {name: asset for name in names if (asset := self._asset(name)) is not None}

    def _asset(self, name: str) -> WantedAsset | None:
        kind, root = kind_of_name(name), self._files.root
        if kind is None or root is None:
            return None
        try:
            found = (root / name).stat()
        except (OSError, ValueError):
            return None
        entry = FolderFile(name, found.st_size, found.st_mtime_ns)
        return WantedAsset(f"{OURS}{name}", Path(name).name, kind.value, OURS + quote(name), entry.version, entry.size)
