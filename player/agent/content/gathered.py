"""What of a manifest is asked for at each round, gathered once for each that is held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from player.core.assemble import Content, Ready, earlier, is_feed
from player.core.content import Item, Manifest

AT_ONCE = 2  # the one on air, and the one before it


@dataclass(frozen=True, slots=True)
class Gathered:
    """Of one manifest: the SHA-256 of its assets, its files and covers, what it shows of each content, its feeds' items."""

    assets: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    shows: Mapping[Content, Ready] = field(default_factory=dict)
    feeds: tuple[Item, ...] = ()


class GatheredByManifest:
    """Remembers it for the last few manifests that it was asked about."""

    def __init__(self) -> None:
        self._known: list[tuple[Manifest, Gathered]] = []

    def of(self, manifest: Manifest | None) -> Gathered:
        """What that very object holds; nothing of None."""
        if manifest is None:
            return Gathered()
        found = next((held for known, held in self._known if known is manifest), None)
        if found is None:
            items = manifest.items
            found = Gathered(
                frozenset(item.asset for item in items if item.asset),
                frozenset(file for item in items for file in (item.file, item.cover) if file),
                earlier(items),
                tuple(filter(is_feed, items)),
            )
            self._known = [*self._known[-AT_ONCE + 1 :], (manifest, found)]
        return found
