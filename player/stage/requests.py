"""What the agent may ask of the stage, and who does it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import assert_never

from player.core import cues
from player.core.brief import StageBrief
from player.core.ports.screen import Compositor
from player.core.ports.stage import (
    AnswerApplet,
    AnswerPin,
    AnyAnswer,
    AnyRequest,
    CommandApplet,
    CutUnlisted,
    DropPlays,
    ExamineApplet,
    Examined,
    LogLines,
    NextItem,
    PictureFormat,
    PlayContent,
    PreviousItem,
    ReadLog,
    ReleaseItems,
    Reread,
    RestartStage,
    ScreenPicture,
    ShowIdentity,
    ShowText,
    ShowTrigger,
    TakePicture,
    TellOutlook,
    TriggerSeen,
)
from player.errors import BoxError
from player.runtime.logs import recent_lines
from player.stage.applets import AppletBoard
from player.stage.plays import Plays
from player.stage.regions.show import Show
from player.stage.surround import Surround

LONGEST_TEXT = 2000
SHORTEST_SHOW_S, LONGEST_SHOW_S = 0.5, 24 * 3600.0
JPEG_QUALITY = 85
WIDEST = 1920


class Requests:
    """An `agent_socket.Handler`. `reread` reads both snapshots again, or takes the brief that it is given."""

    def __init__(
        self,
        show: Show,
        surround: Surround,
        compositor: Compositor,
        plays: Plays,
        applets: AppletBoard,
        folder: Path,
        reread: Callable[[StageBrief | None], Awaitable[None]],
        restart: Callable[[], None],
    ) -> None:
        self._show, self._surround, self._compositor, self._plays, self._folder = show, surround, compositor, plays, folder
        self._reread, self._restart, self._applets = reread, restart, applets
        self._pictures = asyncio.Lock()

    async def __call__(self, request: AnyRequest) -> AnyAnswer:  # noqa: C901 - one arm a request
        """Carries `request` out. Raises SignageError with the reason it cannot be."""
        match request:
            case Reread(brief):
                await self._reread(brief)
            case CutUnlisted():
                self._show.cut_unlisted()
            case RestartStage():
                self._restart()
            case NextItem():
                self._to_show(cues.Skipped(1))
            case PreviousItem():
                self._to_show(cues.Skipped(-1))
            case PlayContent(content_id, seconds):
                self._play(content_id, seconds or 0.0)
            case ShowIdentity(seconds):
                self._surround.identify(_within(seconds))
            case ShowText(text, seconds):
                self._surround.message(text[:LONGEST_TEXT], _within(seconds))
            case TakePicture():
                return await self._picture(request)
            case DropPlays(through):
                self._plays.taken_through(through)
            case ReleaseItems():
                self._show.release()
            case AnswerPin(ok, wait_s, looked_at):
                self._surround.pin_checked(ok=ok, wait_s=wait_s, looked_at=looked_at)
            case TellOutlook(outlook):
                self._surround.hear(outlook)
            case ShowTrigger(name, told):
                return TriggerSeen(await self._show.interrupt(name, told))
            case CommandApplet(applet, command):
                self._applets.command(applet, command)
            case AnswerApplet(number, value, refusal):
                self._applets.settle(number, value, refusal)
            case ExamineApplet(applet, version, script):
                return Examined(await self._applets.examine(applet, version, script))
            case ReadLog():
                return LogLines(tuple(recent_lines()))
            case _:
                assert_never(request)
        return None

    def _play(self, content_id: str, seconds: float) -> None:
        item = self._show.item(content_id)
        if item is None:
            raise BoxError("play", f"content {content_id} is not in the playlist that this screen has")
        self._to_show(cues.PlayAsked(item, min(seconds, LONGEST_SHOW_S)))

    def _to_show(self, event: cues.Event) -> None:
        if not self._show.send(event):
            raise BoxError("stage", "nothing is on air")

    async def _picture(self, wanted: TakePicture) -> ScreenPicture:
        path = self._folder / "screenshot.ppm"
        async with self._pictures:
            try:
                await self._compositor.screenshot(path)
                return await asyncio.to_thread(_encoded, path, wanted.format, min(WIDEST, wanted.width or WIDEST))
            finally:
                path.unlink(missing_ok=True)


def _within(seconds: float) -> float:
    return min(LONGEST_SHOW_S, max(SHORTEST_SHOW_S, seconds))


def _encoded(path: Path, form: PictureFormat, widest: int) -> ScreenPicture:
    from PIL import Image

    with Image.open(path) as picture:
        if form is PictureFormat.JPEG:
            picture.thumbnail((widest, widest * 4))
        out = io.BytesIO()
        picture.save(out, form.upper(), **({"quality": JPEG_QUALITY} if form is PictureFormat.JPEG else {}))
        return ScreenPicture(out.getvalue(), picture.width, picture.height, form)
