"""A page of an applet, as the agent of a managed box hears of it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from player.agent.control.access import Scope
from player.core.applet_storage import OWN, own_folder
from player.core.ports.stage import AnswerApplet, AppletAsked
from tests.fakes.management import Managed
from tests.fakes.running import eventually

NUMBERS = itertools.count(1)
UNIT = {"type": "internal"}


def place(path: str) -> dict[str, Any]:
    """As the library calls a file."""
    return {"storageUnit": UNIT, "filePath": path}


def kept(box: Managed, applet: str = "menu") -> Path:
    """The folder with what that applet keeps."""
    return box.folder / "cache" / OWN / own_folder(applet)


class Page:
    """A page of an applet, as the agent hears of it."""

    def __init__(self, box: Managed, applet: str = "menu", scope: int = Scope.CONTROL) -> None:
        self._box, self._applet, self._scope = box, applet, scope

    async def ask(self, what: str, **asked: Any) -> Any:
        """The result. Raises LookupError with the reason."""
        number = next(NUMBERS)
        self._box.applets_said.put_nowait(AppletAsked(number, self._applet, self._scope, what, asked))

        def answers() -> list[AnswerApplet]:
            return [one for one in self._box.stage.asked if isinstance(one, AnswerApplet) and one.number == number]

        await eventually(lambda: bool(answers()), 20)
        (answer,) = answers()
        if answer.refusal:
            raise LookupError(answer.refusal)
        return answer.value

    async def refusal(self, what: str) -> str:
        """Why it is not done; "" where it is."""
        try:
            await self.ask(what)
        except LookupError as refusal:
            return str(refusal)
        return ""

    async def file(self, what: str, path: str = "", **asked: Any) -> Any:
        """Of the file system."""
        return await self.ask(f"file_system.{what}", filePath=place(path), **asked)
