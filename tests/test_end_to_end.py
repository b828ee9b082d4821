"""The whole player as an operator and a passer-by meet it: server, agent, stage and compositor as processes, the real screen.

One box runs through most of this file and is driven through its server alone; each test puts on air what it needs. What the screen
shows is read from pictures of the screen itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e import neighbours
from tests.e2e.world import World, installation

pytestmark = [pytest.mark.stage, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[World]:
    async with installation() as made:
        yield made


async def test_an_unpaired_box_shows_its_code_and_content_follows_pairing_without_a_restart(world: World) -> None:
    status = await world.box.until(lambda s: s["pairing_code"] and s["state"] == "pairing", "the pairing card")
    registered = world.line.find("/api/device/register")[-1].answer
    assert status["pairing_code"] == registered["pairing_code"]
    assert await world.box.say("pair") == (0, f"{registered['pairing_code']}\n", "")
    card = await world.box.look()
    assert card is not None
    assert len(card.getcolors(maxcolors=2**20) or ()) > 500, "a card with a code is more than one colour"
    pids = {name: world.box.pid(name) for name in ("compositor", "stage", "agent")}
    await world.paired()
    await world.colours("red", "lime")
    assert {name: world.box.pid(name) for name in pids} == pids
    assert (await world.box.status() or {})["paired"] is True


async def test_all_five_types_play_and_each_is_seen(world: World) -> None:
    await asyncio.to_thread(neighbours.stream, world.files, "yellow", 12)
    await asyncio.to_thread(neighbours.clip, world.files, "magenta", 6)
    contents = {
        "red": await world.clip("red", 3),
        "lime": await world.picture("lime"),
        "blue": (await world.operator.link(f"{world.site}/page/blue", "web", "page"))["id"] if world.device else 0,
        "yellow": (await world.operator.link(f"{world.site}/files/live.m3u8", "livestream", "stream"))["id"],
        "magenta": (await world.operator.link(f"{world.site}/watch/magenta", "youtube", "film"))["id"],
    }
    await world.on_air(*({"content_id": content, "duration": 3} for content in contents.values()))
    seen: set[str] = set()
    async with asyncio.timeout(60):
        while not set(contents) <= seen:
            colour, _ = await world.seen()
            seen.add(colour)
