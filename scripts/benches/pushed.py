"""From what an operator does at a server to the screen, by its push: AdCast's commands and emergency alerts, Spot's commands.

The box would call once a minute, so that what is seen sooner was pushed. Beside it the same command given at the box itself. Spot
has no command that shows something else: what it has looks at the server again, where the player has another layout by then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import aiohttp

from player.cli.client import ControlClient
from player.demo.adcast.client import Operator
from player.demo.spot.keyring import SCOPES
from player.demo.spot.push import APP_KEY
from player.demo.spot.server import SpotServer
from player.demo.spot.wire import ListedItem
from scripts.benches import content
from scripts.benches.content import Coded
from scripts.benches.figures import Figure, Required, middle, quantile
from scripts.benches.footprint import paired, serve, until_playing
from scripts.benches.rig import Recording, Rig, until
from scripts.benches.seams import Sample
from scripts.benches.strip import Sort

SETTLE_S, PICTURE_S, APART_S = 5.0, 600.0, 1.5
TIMES = 4  # for each run that is asked for
KEY, SCREEN = "spot_key_of_the_bench", "Bench"
Does = Callable[[], Awaitable[object]]


def pushed(folder: Path, runs: int) -> list[Figure]:
    """A command's effect within 200 ms, an alert within a second."""
    coded = [content.picture(folder, number, "png") for number in (2, 3)]
    with Rig(settings={"SIGNAGE__CMS__HEARTBEAT_INTERVAL": "60"}) as rig:
        _, url = serve(rig)
        rig.environment["SIGNAGE__CMS__URL"] = url
        with rig.recording() as recording:
            rig.player("run")
            asyncio.run(paired(url, rig, coded, PICTURE_S))
            until_playing(rig)
            time.sleep(SETTLE_S)
            orders, alerts, own = asyncio.run(_measured(url, rig, recording, TIMES * runs))
    with Rig() as rig:
        reloads = asyncio.run(_of_spot(rig, coded, TIMES * runs))
    beside, line = "the same at the box", Required(200)
    return [
        Figure("push", "command to the screen", middle(orders), "ms", middle(own), beside, line, orders),
        Figure("push", "the same, p95", quantile(orders, 0.95), "ms", quantile(own, 0.95), beside, line),
        Figure("push", "Spot's command to the screen", middle(reloads), "ms", middle(own), beside, line, reloads),
        Figure("push", "the same, p95", quantile(reloads, 0.95), "ms", quantile(own, 0.95), beside, line),
        Figure("push", "alert to the screen", middle(alerts), "ms", middle(own), "a command at the box", Required(1000), alerts),
        Figure("push", "the same, p95", quantile(alerts, 0.95), "ms", quantile(own, 0.95), "a command at the box", Required(1000)),
    ]


async def _measured(url: str, rig: Rig, recording: Recording, times: int) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds each, of commands and alerts at the server, and of commands at the box."""
    client = ControlClient(rig.dirs.control_socket, 20.0)
    orders, alerts, own = [], [], []
    async with Operator(url) as operator:
        await operator.login("bench@example.com", "bench-password")
        (device,) = await operator.devices()
        for _ in range(times):
            orders.append(await _until_seen(recording, lambda: operator.command(device["id"], "next"), _another))
            own.append(await _until_seen(recording, lambda: asyncio.to_thread(client.command, "next"), _another))
            alerts.append(await _until_seen(recording, lambda: operator.alert("Fire", "Leave the house", "extreme"), _covered))
            await _until_seen(recording, lambda: _all_clear(operator), lambda _, now: now.seen.sort is Sort.ITEM)
    return orders, alerts, own


async def _all_clear(operator: Operator) -> None:
    for alert in (await operator.request("GET", "/api/alerts"))["data"]:
        await operator.end_alert(alert["id"])


async def _of_spot(rig: Rig, coded: Sequence[Coded], times: int) -> list[float]:
    """Milliseconds each, from a command over HTTP until the layout is seen that is the player's from then on."""
    async with SpotServer(rig.folder / "server", "127.0.0.1", 0) as server, aiohttp.ClientSession() as session:
        server.keyring.create("Bench", SCOPES, secret=KEY)
        layouts = [_layout(server, item) for item in coded]
        player = server.add_player(SCREEN, layout_id=layouts[0])
        address, bearer = f"{server.url}/api/v1/players/{player}/commands", {"Authorization": f"Bearer {KEY}"}

        async def reload(number: int) -> None:
            server.change_player(player, layout_id=layouts[number % len(layouts)])
            async with session.post(address, json={"command": "reload_content"}, headers=bearer) as answer:
                answer.raise_for_status()

        rig.environment |= {
            "SIGNAGE__CMS__KIND": "spot", "SIGNAGE__CMS__URL": server.url, "SIGNAGE__CMS__TOKEN": KEY,
            "SIGNAGE__CMS__DEVICE": SCREEN, "SIGNAGE__SPOT__PUSH_URL": server.push_url, "SIGNAGE__SPOT__PUSH_KEY": APP_KEY,
        }  # fmt: skip
        with rig.recording() as recording:
            rig.player("run")
            await asyncio.to_thread(until_playing, rig)
            await asyncio.sleep(SETTLE_S)
            return [await _until_seen(recording, partial(reload, number), _another) for number in range(1, times + 1)]


def _layout(server: SpotServer, item: Coded) -> int:
    """One region of that picture alone."""
    listed = int(server.content.add_playlist(item.path.stem)["id"])
    picture = server.add_file(item.path, "image", "image/png", item.path.stem)
    server.content.set_items(listed, [ListedItem(asset_id=picture, duration=PICTURE_S)])
    whole = {"id": item.number, "name": item.path.stem, "x": 0, "y": 0, "width": "100%", "height": "100%", "playlist_id": listed}
    return server.content.add_layout(item.path.stem, (1280, 720), [whole])


def _covered(_: Sample, now: Sample) -> bool:
    return now.seen.sort is not Sort.ITEM


def _another(before: Sample, now: Sample) -> bool:
    return now.seen.sort is Sort.ITEM and now.seen.item != before.seen.item


async def _until_seen(recording: Recording, does: Does, shows: Callable[[Sample, Sample], bool]) -> float:
    """Milliseconds from the beginning of the call until the screen shows it."""
    await asyncio.sleep(APART_S)
    before = recording.samples()[-1]
    began = time.monotonic()
    doing = asyncio.ensure_future(does())
    found: list[float] = []

    def look() -> bool:
        found[:] = [sample.at for sample in recording.samples() if sample.at > began and shows(before, sample)][:1]
        return bool(found)

    await asyncio.to_thread(until, look, 30, "nothing of it was seen", 0.02)
    await doing
    return 1000 * (found[0] - began)
