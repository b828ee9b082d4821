"""What libmpv opens for a stream, and for an address of YouTube, which leads to one."""

from __future__ import annotations

from player.core.address_policy import by_cause
from player.core.content import Item
from player.core.kinds import Kind
from player.errors import ContentError
from player.stage.video.youtube import Resolver
from player.stage.wall import Wall


class Targets:
    """Through the `wall`; `youtube` finds the video behind an address."""

    def __init__(self, wall: Wall, youtube: Resolver) -> None:
        self._wall, self._youtube = wall, youtube

    async def __call__(self, item: Item) -> str:
        """An address that was checked. Raises ContentError."""
        url = item.url or ""
        if item.kind is Kind.YOUTUBE:
            try:
                url = await self._youtube(url)
            except ContentError as error:
                raise by_cause(error, self._wall.why(url)) from error
        return await self._wall.stream(url)
