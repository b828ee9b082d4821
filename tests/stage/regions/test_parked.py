"""A page that waits behind another item draws nothing, and draws again when it is shown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests.fakes.running import eventually
from tests.stage.conftest import StageBox

pytestmark = pytest.mark.stage

PAGE = """<!doctype html><body style="margin:0;background:#00f"><script>
let n = 0; const colours = ["#00f", "#00e"];
function frame() { n++; document.body.style.background = colours[n % 2]; requestAnimationFrame(frame); }
requestAnimationFrame(frame);
setInterval(() => fetch("/count?n=" + n), 250);
</script>"""


@pytest.fixture
async def counter() -> AsyncIterator[tuple[str, list[int]]]:
    """A page that tells how many frames it has drawn."""
    told: list[int] = []

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def count(request: web.Request) -> web.Response:
        told.append(int(request.query["n"]))
        return web.Response()

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/count", count)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}/", told
    await runner.cleanup()


async def frames_in(told: list[int], seconds: float) -> int:
    """How many frames the page says it drew in that time."""
    before = told[-1]
    await asyncio.sleep(seconds)
    return told[-1] - before


async def test_a_page_that_waits_draws_nothing_and_draws_again_when_it_is_shown(box: StageBox, counter):
    url, told = counter
    box.publish(box.picture("red", 13), box.page("page", url, 600))
    box.start("compositor")
    waiting: list[int] = []
    while not waiting:  # where a busy box takes all the time that there is to load the page, another stage does it again
        began = time.time()
        box.start("stage")
        await box.until(lambda status, began=began: status.started_at > began and status.items)
        told.clear()
        await eventually(lambda: told, 60)
        while not any(item.name == "page" for item in (await box.until(lambda _: True)).items):
            waiting.append(await frames_in(told, 1.0))
        if not waiting:
            box.end("stage")
    assert min(waiting) <= 2, f"frames of each second: {waiting}"
    await box.until_seen("blue")
    shown = told[-1]
    await eventually(lambda: told[-1] >= shown + 20, 40)
