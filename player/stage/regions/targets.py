"""What a surface is told to open for an item: a checked file of the cache, an address, or nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from player.core.content import Item
from player.core.kinds import Kind
from player.errors import ContentError


async def target_of(item: Item, cache: Path, resolve: Callable[[Item], Awaitable[str]]) -> str:
    """An absolute path below `cache`, a URL, or "" for what is drawn from the item alone. Raises ContentError."""
    if item.kind in (Kind.YOUTUBE, Kind.LIVESTREAM):
        return await resolve(item)
    if item.kind.is_drawn and item.file is None:
        return ""
    if item.url is not None and item.file is None:
        return item.url
    path = _below(cache, item.file)
    if path is None:
        raise ContentError("missing", item.name, "its file is not in the cache; it is fetched again at the next contact")
    return str(path)


def cover_of(item: Item, cache: Path) -> str:
    """The picture that a sound brought with it, as an absolute path below `cache`; "" where there is none."""
    return str(_below(cache, item.cover) or "")


def _below(cache: Path, file: str | None) -> Path | None:
    """A file of the cache, if it is there."""
    path = cache / (file or "")
    return path if file and ".." not in Path(file).parts and path.is_relative_to(cache) and path.is_file() else None
