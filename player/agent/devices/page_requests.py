"""What applets' pages ask for beyond their own window, brought to whoever does it; the stage is told how it ended, in any case."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from player.agent.devices.applet_storage import DOWNLOADED_S, AppletStorage
from player.agent.devices.page_box import PageBox
from player.core.ports.stage import AnswerApplet, AppletAsked, StagePort
from player.errors import BoxError, ContentError, SignageError
from player.runtime.tasks import Mistakes

log = logging.getLogger(__name__)
WITHIN_S = DOWNLOADED_S + 30.0  # shorter than the stage waits


class PageRequests:
    """`storage` keeps files, `box` is what else there is."""

    def __init__(self, stage: StagePort, storage: AppletStorage, box: PageBox) -> None:
        self._stage, self._storage, self._box, self._mistakes = stage, storage, box, Mistakes()

    async def answer(self, asked: AppletAsked) -> None:
        """Does it, and says how it ended."""
        value, refusal = None, ""
        try:
            async with asyncio.timeout(WITHIN_S):
                with self._mistakes.kept_to(asked.what):
                    value = await self._do(asked)
        except TimeoutError:
            refusal = "it was not done in time"
        except (BoxError, ContentError) as error:
            refusal = error.reason
        except SignageError as error:
            refusal = str(error)
        with contextlib.suppress(SignageError):  # a stage that is away has no page that waits
            await self._stage.ask(AnswerApplet(asked.number, value, refusal))
        if refusal:
            log.debug("the applet %s is refused %s: %s", asked.applet, asked.what, refusal)

    async def _do(self, asked: AppletAsked) -> Any:
        if asked.what.startswith(("management.", "device_info.")):
            return await self._box.do(asked)
        try:
            return await self._storage.do(asked.applet, asked.what, asked.asked)
        except ValueError as error:  # as it refuses what a page may not have
            raise BoxError("applet", str(error)) from error
