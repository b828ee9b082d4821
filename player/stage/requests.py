"""What the agent may ask of the stage, by name. Each returns JSON, or raises a SignageError that says why not."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from player.core import playback
from player.core.ports.screen import Compositor
from player.errors import BoxError
from player.runtime.logs import recent_lines
from player.stage.plays import Plays
from player.stage.regions.show import Show
from player.stage.surround import Surround

LONGEST_TEXT = 2000
LONGEST_SHOW_S = 24 * 3600.0
JPEG_QUALITY = 85
WIDEST = 1920


class Requests:
    """Implements `link.Handler`. `reread` reads both snapshots again."""

    def __init__(
        self,
        show: Show,
        surround: Surround,
        compositor: Compositor,
        plays: Plays,
        folder: Path,
        reread: Callable[[], Awaitable[None]],
        restart: Callable[[], None],
    ) -> None:
        self._show, self._surround, self._compositor, self._plays, self._folder = show, surround, compositor, plays, folder
        self._reread, self._restart = reread, restart
        self._pictures = asyncio.Lock()
        self._deeds: dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any] | None]]] = {
            "reread": self._do_reread,
            "restart": self._do_restart,
            "next": self._next,
            "previous": self._previous,
            "play": self._play,
            "identify": self._identify,
            "message": self._message,
            "screenshot": self._screenshot,
            "drop_plays": self._drop_plays,
            "release": self._release,
            "pin_answer": self._pin_answer,
            "log": self._log,
        }

    async def __call__(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Carries one request out."""
        deed = self._deeds.get(op)
        if deed is None:
            raise BoxError("stage", f"it does not know the request {op!r}")
        return await deed(args) or {}

    async def _do_reread(self, _: dict[str, Any]) -> None:
        await self._reread()

    async def _next(self, _: dict[str, Any]) -> None:
        self._to_show(playback.Skipped(1))

    async def _previous(self, _: dict[str, Any]) -> None:
        self._to_show(playback.Skipped(-1))

    async def _play(self, args: dict[str, Any]) -> None:
        content_id = str(args["content_id"])
        item = self._show.item(content_id)
        if item is None:
            raise BoxError("play", f"content {content_id} is not in the playlist that this screen has")
        self._to_show(playback.PlayAsked(item, min(float(args.get("seconds") or 0), LONGEST_SHOW_S)))

    async def _identify(self, args: dict[str, Any]) -> None:
        self._surround.identify(_seconds(args, 10.0))

    async def _message(self, args: dict[str, Any]) -> None:
        self._surround.message(str(args["text"])[:LONGEST_TEXT], _seconds(args, 10.0))

    async def _drop_plays(self, args: dict[str, Any]) -> None:
        self._plays.drop_through(int(args["through"]))

    async def _release(self, _: dict[str, Any]) -> None:
        self._show.release()

    async def _pin_answer(self, args: dict[str, Any]) -> None:
        self._surround.pin_checked(ok=bool(args["ok"]), wait_s=float(args.get("wait_s", 0)))

    async def _log(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"lines": recent_lines()}

    async def _do_restart(self, _: dict[str, Any]) -> None:
        self._restart()

    def _to_show(self, event: playback.Event) -> None:
        if not self._show.send(event):
            raise BoxError("stage", "nothing is on air")

    async def _screenshot(self, args: dict[str, Any]) -> dict[str, Any]:
        form = str(args.get("format", "jpeg"))
        if form not in ("jpeg", "png"):
            raise BoxError("screenshot", f"pictures are jpeg or png, not {form}")
        path = self._folder / "screenshot.ppm"
        async with self._pictures:
            try:
                await self._compositor.screenshot(path)
                content, width, height = await asyncio.to_thread(
                    _encoded, path, form, min(WIDEST, int(args.get("width") or WIDEST))
                )
            finally:
                path.unlink(missing_ok=True)
        return {"image": base64.b64encode(content).decode(), "width": width, "height": height, "format": form}


def _seconds(args: dict[str, Any], default: float) -> float:
    return min(LONGEST_SHOW_S, max(0.5, float(args.get("seconds") or default)))


def _encoded(path: Path, form: str, widest: int) -> tuple[bytes, int, int]:
    from PIL import Image

    with Image.open(path) as picture:
        if form == "jpeg":
            picture.thumbnail((widest, widest * 4))
        out = io.BytesIO()
        picture.save(out, form.upper(), **({"quality": JPEG_QUALITY} if form == "jpeg" else {}))
        return out.getvalue(), picture.width, picture.height
