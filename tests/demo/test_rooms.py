"""The embedded servers: the command line offers each of them, and for each a page answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import ClientSession

from player.cli.arguments import SERVERS
from player.demo.demonstration import ROOMS, demonstration


def test_the_command_line_offers_each_room():
    assert set(SERVERS) == set(ROOMS)


@pytest.mark.parametrize("kind", SERVERS)
async def test_each_room_answers_where_it_says(kind: str, tmp_path: Path):
    async with demonstration(kind, tmp_path / "server", 0) as server:
        assert server.url.startswith("http://127.0.0.1:") or (kind == "folder" and server.url.startswith(str(tmp_path)))
        assert server.welcome
        assert all(name.startswith("SIGNAGE__") for name in server.environment("Screen 1"))


async def test_screens_of_the_demonstration_may_read_adcasts_schedules(tmp_path: Path):
    async with demonstration("adcast", tmp_path / "server", 0) as server, ClientSession() as session:
        token = server.environment("Screen 1")["SIGNAGE__CMS__TOKEN"]
        async with session.get(f"{server.url}/api/schedules", headers={"Authorization": f"Bearer {token}"}) as answer:
            assert (answer.status, (await answer.json())["data"]) == (200, [])
        assert server.welcome.endswith(token)
