"""Uploads as a box makes them whose server stands where the file is to go."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urljoin

from player.core.address_policy import beside
from player.media.fetch.egress import Egress
from player.media.fetch.upload import Uploader
from tests.fakes.way_out import STRAIGHT


async def put_there(url: str, content: bytes, headers: Mapping[str, str]) -> None:
    """A `core.ports.server.Upload`."""
    egress = Egress(beside(urljoin(url, "/")), STRAIGHT)
    async with egress.session() as session:
        await Uploader(session, egress).put(url, content, headers)
