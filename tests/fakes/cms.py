"""A server that wants what a test says (its content and plays, as `core.ports.server` has them), and what looks at files for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from player.core.content import Item, Playlist, Programme, WantedAsset, full_screen
from player.core.faults import Fault
from player.core.kinds import Kind
from player.core.ports.server import CommandResult
from player.errors import ContentError, ServerUnreachable
from tests.fakes.programmes import programme_of


class FakeCms:
    """`wanted` is the programme; `down` makes it unreachable; `asked` counts."""

    def __init__(self) -> None:
        self.wanted = programme_of(full_screen(Playlist("1", "Lobby")))
        self.down = False
        self.asked = 0
        self.told: list[tuple[object, ...]] = []

    def want(self, *items: tuple[Item, WantedAsset | None], delete: Sequence[str] = (), faults: Sequence[Fault] = ()) -> None:
        """A plain playlist of these."""
        playlist = Playlist("1", "Lobby", tuple(item for item, _ in items))
        assets = tuple({asset.content_id: asset for _, asset in items if asset}.values())
        self.wanted = programme_of(full_screen(playlist), assets, delete=delete, faults=faults)

    async def programme(self) -> Programme:
        self.asked += 1
        if self.down:
            raise ServerUnreachable("http://cms.example", "no route")
        return self.wanted

    async def send_result(self, result: CommandResult) -> bool:
        self.told.append((result,))
        return True

    async def send_plays(self, events: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        return [event["id"] for event in events]

    async def send_screenshot(self, command_id: str, taken_at: float, size: tuple[int, int], jpeg: bytes) -> None:
        self.told.append((command_id, taken_at, size, jpeg))


@dataclass(frozen=True)
class Made:
    """What `FakePrepare` answers."""

    file: Path
    pages: tuple[Path, ...] = ()
    shortened: str = ""
    cover: Path | None = None


class FakePrepare:
    """Videos stay as they are, sounds have a cover, pictures are written beside, documents become two pages.

    `refuse` names what is unplayable; `shortened` is what it says of documents.
    """

    def __init__(self) -> None:
        self.refuse: dict[str, ContentError] = {}
        self.shortened = ""
        self.seen: list[tuple[str, tuple[int, int]]] = []

    async def __call__(
        self, source: Path, kind: Kind, name: str, folder: Path, panel: tuple[int, int], *, sha256: str | None = None
    ) -> Made:
        self.seen.append((name, panel))
        if name in self.refuse:
            raise self.refuse[name]
        if kind is Kind.VIDEO:
            return Made(source)
        if kind is Kind.AUDIO:
            return Made(source, cover=await asyncio.to_thread(_cover, source, folder / f"{sha256}-cover.png"))
        pages = tuple(folder / f"{sha256}-{n}-{panel[0]}x{panel[1]}.png" for n in (1, 2))
        written = pages if kind is Kind.PDF else pages[:1]
        await asyncio.to_thread(_write, source, written)
        return Made(pages[0], pages, self.shortened) if kind is Kind.PDF else Made(pages[0])


def _cover(source: Path, picture: Path) -> Path:
    _write(source, (picture,))
    return picture


def _write(source: Path, pages: Sequence[Path]) -> None:
    for page in pages:
        page.write_bytes(b"picture of " + source.read_bytes()[:20])
