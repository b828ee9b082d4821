"""A whole installation: a server, an operator at it, a line that can misbehave, a box, and what stands around the box."""

from __future__ import annotations

import asyncio
import contextlib
import io
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from PIL import Image

from player.demo.client import Operator
from player.demo.server import DemoServer
from tests.e2e import neighbours
from tests.e2e.line import Line
from tests.e2e.player_box import WITHIN_S, PlayerBox, colour_of, until
from tests.fakes.device import FakeLogind, private_bus, serving

Json = dict[str, Any]


class World:
    """Everything, by name. Made by `installation`."""

    def __init__(
        self, server: DemoServer, operator: Operator, line: Line, box: PlayerBox, files: Path, site: str, sound: dict[str, str],
        logind: FakeLogind,
    ) -> None:  # fmt: skip
        self.server, self.operator, self.line, self.box = server, operator, line, box
        self.files, self.site, self.sound, self.logind = files, site, sound, logind
        self.device = 0
        self._playlist = 0
        self._made: dict[str, int] = {}

    # --- as an operator would

    async def paired(self) -> None:
        """The box is paired, by the code that it shows."""
        if not self.device:
            status = await self.box.until(lambda s: s["pairing_code"], "a pairing code")
            self.device = (await self.operator.pair(status["pairing_code"], "Lobby"))["id"]
            await self.box.until(lambda s: s["paired"], "paired")

    async def on_air(self, *items: int | Json, wait: bool = True) -> None:
        """Puts these contents on the default playlist; returns when the box has published it."""
        await self.paired()
        before = (await self.box.status() or {}).get("manifest", {}).get("version")
        if self._playlist:
            await self.operator.update_playlist(self._playlist, items=list(items))
        else:
            self._playlist = (await self.operator.playlist("Lobby", list(items), is_default=True))["id"]
        if wait:
            await self.box.until(lambda s: s["manifest"]["version"] not in ("", before), "another manifest")

    async def colours(self, *names: str, seconds: float = 2.0) -> None:
        """A playlist of plain pictures is on air and seen."""
        contents = [await self.picture(name) for name in names]
        await self.on_air(*({"content_id": content, "duration": seconds} for content in contents), wait=False)
        shown = {f"picture {name}" for name in names}
        await self.box.until(
            lambda s: {i["name"] for i in s["now"]["items"]} <= shown and s["now"]["items"] and s["state"] == "playing",
            f"{', '.join(names)} on air",
        )
        await self.box.until_seen(*names)

    async def picture(self, colour: str) -> int:
        """A plain picture at the server, uploaded once."""
        return await self.upload(f"picture {colour}", lambda: neighbours.picture(self.files, colour))

    async def clip(self, colour: str, seconds: float) -> int:
        """A plain video at the server, uploaded once."""
        return await self.upload(f"video {colour}", lambda: neighbours.clip(self.files, colour, seconds))

    async def upload(self, name: str, make: Callable[[], Path], **more: Any) -> int:
        """A file at the server, uploaded once by its name."""
        if name not in self._made:
            path = await asyncio.to_thread(make)
            self._made[name] = (await self.operator.upload(path, name, **more))["id"]
        return self._made[name]

    async def order(self, kind: str, payload: Json | None = None, *, final: bool = True, **more: Any) -> Json:
        """A command from the server, with its result."""
        command = await self.operator.command(self.device, kind, payload, **more)
        try:
            return await self.operator.wait_result(command["id"], WITHIN_S, final=final)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.box.log()}") from None

    async def seen(self) -> tuple[str, Image.Image]:
        """What a screenshot through the server shows: the colour of its middle, and the whole."""
        done = await self.order("screenshot")
        assert done["status"] == "succeeded", done
        picture = Image.open(io.BytesIO(await self.operator.screenshot(self.device))).convert("RGB")
        assert picture.size == (1280, 720)
        return colour_of(picture), picture

    async def fault(self, code: str, *words: str, limit_s: float = WITHIN_S) -> Json:
        """A fault with this code and these words, as the server has it."""
        faults: list[Json] = []

        async def look() -> Json | None:
            faults[:] = await self.operator.faults(self.device)
            return next((f for f in faults if f["code"] == code and all(word in f["message"] for word in words)), None)

        try:
            return await until(f"the fault {code} {words}", look, limit_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; there are {faults}\n{self.box.log()}") from None

    # --- the server away

    @contextlib.asynccontextmanager
    async def server_away(self) -> AsyncIterator[None]:
        """The server is stopped; it comes back at the same address with what it had."""
        await self.server.__aexit__(None, None, None)
        try:
            yield
        finally:
            await self.server.__aenter__()

    async def heartbeat(self) -> float:
        """Waits for the next heartbeat that the server answers; when (monotonic)."""
        since = time.monotonic()

        async def look() -> float | None:
            passed = [c for c in self.line.find("/api/device/heartbeat", since) if c.status == 200]
            return passed[0].at if passed else None

        return await until(f"a heartbeat\n{self.box.log()}", look)


@contextlib.asynccontextmanager
async def installation(**settings: str) -> AsyncIterator[World]:
    """Everything runs; the box is switched on and not paired yet. `settings` as for PlayerBox."""
    folder = Path(tempfile.mkdtemp(prefix="e-"))
    files = folder / "files"
    files.mkdir()
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = await stack.enter_async_context(DemoServer(folder / "server", heartbeat_interval_s=1.0))
        line = await stack.enter_async_context(Line(lambda: server.url))
        site = await stack.enter_async_context(neighbours.web_site(files))
        sound = await stack.enter_async_context(neighbours.sound_server(folder / "s"))
        bus, logind = await stack.enter_async_context(private_bus(folder)), FakeLogind()
        await stack.enter_async_context(serving(bus, "org.freedesktop.login1", ("/org/freedesktop/login1", logind)))
        operator = await stack.enter_async_context(Operator(server.url))
        await operator.register("Ada", "ada@example.com", "correct horse", "Ada's")
        neighbourhood = {**sound, "DBUS_SYSTEM_BUS_ADDRESS": bus, "SIGNAGE__STAGE__YOUTUBE_HOSTS": "127.0.0.1"}
        box = PlayerBox(folder, line.url, **(neighbourhood | settings))
        await box.start()
        try:
            yield World(server, operator, line, box, files, site, sound, logind)
        finally:
            await box.stop()
