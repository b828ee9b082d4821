"""What a page may have the browser tell the stage, as often as it likes: `player.stage.web.cdp` on a real pipe."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from player.stage.web.cdp import Cdp
from tests.fakes.running import eventually, running

FLOOD = 5000


def told(method: str, **params: Any) -> bytes:
    """As the browser writes it."""
    return json.dumps({"method": method, "params": params, "sessionId": "page"}, separators=(",", ":")).encode() + b"\0"


@asynccontextmanager
async def piped() -> AsyncIterator[tuple[Cdp, socket.socket]]:
    ours, theirs = socket.socketpair()
    with theirs:
        yield Cdp(*await asyncio.open_connection(sock=ours, limit=4 << 20)), theirs


async def test_c16_however_much_a_page_has_told_others_have_their_turn():
    heard: list[str] = []
    turns = 0

    async def another() -> None:
        nonlocal turns
        while len(heard) < FLOOD:
            turns += 1
            await asyncio.sleep(0)

    async with piped() as (cdp, browser):
        cdp.subscribe("page", lambda method, _: heard.append(method))
        await asyncio.to_thread(browser.sendall, b"".join(told("Page.frameResized", n=n) for n in range(FLOOD)))
        await asyncio.sleep(0.1)  # all of it is here before the first is heard
        async with running(cdp.listen()):
            async with asyncio.timeout(20):
                await another()
    assert turns > FLOOD / 2


async def test_c16_what_a_page_says_and_gets_wrong_is_not_even_read():
    heard: list[str] = []
    async with piped() as (cdp, browser), running(cdp.listen()):
        cdp.subscribe("page", lambda method, _: heard.append(method))
        for method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Page.loadEventFired"):
            await asyncio.to_thread(browser.sendall, told(method))
        await eventually(lambda: heard, 20)
    assert heard == ["Page.loadEventFired"]
