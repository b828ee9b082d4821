"""`demo --server folder`, and `demo FOLDER`: players that show the files of a folder."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from player.demo.demonstration import Codes, Demonstration
from player.demo.samples import with_music

SHOWN = "shown"  # the folder beside the samples that players show, where none was given


class FolderDemonstration(Demonstration):
    """The folder as it is given, where it is there; else one below it with sample content. There is no port."""

    def __init__(self, folder: Path, port: int) -> None:  # noqa: ARG002 - as every demonstration is made
        self._base = folder
        self._shown = folder / SHOWN if (folder / SHOWN).is_dir() or not folder.is_dir() else folder

    @property
    def url(self) -> str:
        return str(self._shown.absolute())

    @property
    def welcome(self) -> str:
        return "put files into it, or take some out: the screen follows"

    async def __aenter__(self) -> Self:
        self._shown.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None

    def environment(self, screen: str) -> Mapping[str, str]:  # noqa: ARG002 - all show the same
        return {"SIGNAGE__CMS__URL": "", "SIGNAGE__FOLDER__PATH": self.url}

    async def begin(self, codes: Codes) -> None:  # noqa: ARG002 - nobody pairs with a folder
        if self._shown.parent == self._base:
            await asyncio.to_thread(self._fill)

    def _fill(self) -> None:
        for number, sample in enumerate(with_music(self._base / "samples"), 1):
            name = self._shown / f"{number} {sample.path.name}"
            if not name.exists():
                shutil.copyfile(sample.path, name)
