"""A whole installation: a server, an operator at it, a line that can misbehave, a box, and what stands around the box."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from PIL import Image

from player.demo.adcast.client import Operator
from player.demo.adcast.server import DemoServer
from player.programme_file import ProgrammeFile
from tests.e2e import neighbours
from tests.e2e.line import Line
from tests.e2e.player_box import WITHIN_S, PlayerBox, colour_of, until
from tests.fakes.device import FakeLogind, private_bus, serving
from tests.fakes.running import bound

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
        """A playlist of plain pictures, each for so long, is what the stage has; and it is seen."""
        contents = [await self.picture(name) for name in names]
        await self.on_air(*({"content_id": content, "duration": seconds} for content in contents), wait=False)
        wanted = [(f"picture {name}", seconds) for name in names]
        await self.box.until(lambda s: self._published(s, wanted), f"{', '.join(names)} on air")
        shown = {name for name, _ in wanted}
        with contextlib.suppress(AssertionError):  # an item stays for its time, also when the programme is another one
            await self.box.until(lambda s: {item["name"] for item in s["now"]["items"]} <= shown, limit_s=2.5)
            await self.box.until_seen(*names, limit_s=4)
            return
        await self.order("next")
        await self.box.until_seen(*names)

    def _published(self, status: Json, wanted: list[tuple[str, float]]) -> bool:
        manifest = ProgrammeFile(self.box.dirs.state).read()
        return (
            manifest is not None
            and [(item.name, item.duration_s) for item in manifest.items] == wanted
            and bool(status["manifest"]["version"] == manifest.version)
        )

    async def picture(self, colour: str) -> int:
        """A plain picture at the server, uploaded once."""
        return await self.upload(f"picture {colour}", lambda: neighbours.picture(self.files, colour))

    async def clip(self, colour: str, seconds: float) -> int:
        """A plain video at the server, uploaded once."""
        return await self.upload(f"video {colour}", lambda: neighbours.clip(self.files, colour, seconds))

    async def link(self, address: str, kind: str) -> int:
        """An address at the server, added once."""
        if address not in self._made:
            self._made[address] = (await self.operator.link(address, kind, address))["id"]
        return self._made[address]

    async def media(self, colour: str) -> str:
        """The SHA-256 of a plain picture at the server."""
        answer = await self.operator.request("GET", f"/api/content/{await self.picture(colour)}")
        file_hash: str = answer["content"]["file_hash"]
        return file_hash

    def cached(self, sha256: str) -> bool:
        """Whether the box has this file."""
        return any(sha256 in path.name for path in self.box.dirs.cache.rglob("*") if path.is_file())

    def wrong_pins(self) -> int:
        """How many wrong PINs in a row the box counts."""
        text = (self.box.dirs.state / "lock.json").read_text()
        return int(json.loads(text)["body"]["failures"])

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

    async def fault_about(self, name: str) -> Json:
        """A fault that names this item, as the server has it."""
        faults: list[Json] = []

        async def look() -> Json | None:
            faults[:] = await self.operator.faults(self.device)
            return next((f for f in faults if name in f["message"]), None)

        try:
            return await until(f"a fault about {name}", look)
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
            await bound(self.server.__aenter__)

    async def heartbeat(self) -> float:
        """Waits for the next heartbeat that the server answers; when (monotonic)."""
        since = time.monotonic()

        async def look() -> float | None:
            passed = [c for c in self.line.find("/api/device/heartbeat", since) if c.status == 200]
            return passed[0].at if passed else None

        return await until(f"a heartbeat\n{self.box.log()}", look)


@contextlib.asynccontextmanager
async def installation(runtime: Path | None = None, **settings: str) -> AsyncIterator[World]:
    """Everything runs; the box is switched on and not paired yet. `runtime` and `settings` as for PlayerBox."""
    folder = Path(tempfile.mkdtemp(prefix="e-"))
    files, sound_folder = folder / "files", folder / "s"
    for made in (files, sound_folder):
        made.mkdir(mode=0o700)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = await stack.enter_async_context(DemoServer(folder / "server", heartbeat_interval_s=1.0))
        line = await stack.enter_async_context(Line(lambda: server.url))
        site = await stack.enter_async_context(neighbours.web_site(files))
        sound = await stack.enter_async_context(neighbours.sound_server(sound_folder))
        bus, logind = await stack.enter_async_context(private_bus(folder)), FakeLogind()
        await stack.enter_async_context(serving(bus, "org.freedesktop.login1", ("/org/freedesktop/login1", logind)))
        operator = await stack.enter_async_context(Operator(server.url))
        await operator.register("Ada", "ada@example.com", "correct horse", "Ada's")
        neighbourhood = {**sound, "DBUS_SYSTEM_BUS_ADDRESS": bus, "SIGNAGE__STAGE__YOUTUBE_HOSTS": "127.0.0.1",
                         "SIGNAGE__STAGE__STREAM_HOSTS": "127.0.0.1"}  # fmt: skip
        box = PlayerBox(folder, line.url, runtime, **(neighbourhood | settings))
        await box.start()
        try:
            yield World(server, operator, line, box, files, site, sound, logind)
        finally:
            await box.stop()
