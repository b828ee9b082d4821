"""Who looks after the browser where it lives: starts its processes, measures and ends them, keeps its folder, at the stage's wish.

On an installed device that is a unit of its own (`signage-browser@.service`), of a user of its own: the stage sees none of those
processes, and they see nothing of the stage's. Elsewhere it is a child of the stage. Each message on its line is a wish (JSON, and
open files) that is answered in turn; beside the answers it tells who of those that it started ended. It ends with the line, and
with it all that it started. The stage's end of the line is `web.quarters`.

It imports nothing that it can do without: the first page waits for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from player.stage.web import rooms
from player.stage.web.renderers import end_renderer, held_by, renderers_of

LONGEST, MOST_FILES = 128 * 1024, 5  # of a message, in bytes; and what comes with it
OOM_SCORE_ADJ = 500  # when memory runs out a page goes, and not the player


class Steward:
    """Of the browser whose folder is `folder`; whoever has the other end of `line` is obeyed."""

    def __init__(self, line: socket.socket, folder: Path) -> None:
        self._line, self._folder = line, folder
        self._started: dict[int, subprocess.Popen[bytes]] = {}
        self._verbs: Mapping[str, Callable[..., Any]] = {
            "where": lambda: str(self._folder), "signal": self._signal, "give_way": _give_way,
            "renderers": renderers_of, "held": held_by, "end_renderer": end_renderer,
            "furnish": self._furnish, "measure": self._measure, "free": self._free, "remove": self._remove,
        }  # fmt: skip

    def serve(self) -> None:
        """Until the line ends."""
        with contextlib.suppress(ConnectionError):
            while True:
                said, files, _, _ = socket.recv_fds(self._line, LONGEST, MOST_FILES)
                if not said:
                    return
                try:
                    self._answer(json.loads(said), files)
                finally:
                    for file in files:
                        os.close(file)

    def end_all(self) -> None:
        """At once, whatever of it is still there."""
        for process in [*self._started.values()]:
            process.kill()

    def _answer(self, wish: Mapping[str, Any], files: Sequence[int]) -> None:
        verb, details = wish["verb"], {name: value for name, value in wish.items() if name != "verb"}
        try:
            answer = self._start(files, **details) if verb == "start" else self._verbs[verb](**details)
        except OSError as error:
            self._tell({"refused": error.strerror or str(error)})
        else:
            self._tell({"answer": answer})

    def _tell(self, words: Mapping[str, Any]) -> None:
        self._line.send(json.dumps(words).encode())

    def _start(
        self, files: Sequence[int], number: int, words: Sequence[str], environment: Mapping[str, str], handed: Sequence[str]
    ) -> int:
        """`files`: what it reads, where it speaks and complains, and those whose numbers it finds in the variables `handed`.

        The first three take the lowest numbers, so those are never 3 and 4, where the browser reads commands and answers.
        """
        numbers = {name: str(file) for name, file in zip(handed, files[3:], strict=True)}
        process = subprocess.Popen(
            words, env={**environment, **numbers}, stdin=files[0], stdout=files[1], stderr=files[2], pass_fds=files[3:],
            start_new_session=True,
        )  # fmt: skip
        self._started[number] = process
        threading.Thread(target=self._await, args=(number, process), daemon=True).start()
        return process.pid

    def _await(self, number: int, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        self._started.pop(number, None)
        with contextlib.suppress(OSError):  # nobody wants to know any more
            self._tell({"ended": number, "code": code})

    def _signal(self, number: int, signal: int) -> None:
        if process := self._started.get(number):
            process.send_signal(signal)

    def _furnish(self, name: str) -> None:
        rooms.furnish(self._folder / name)

    def _measure(self) -> dict[str, int]:
        return rooms.measure(self._folder)

    def _free(self) -> int:
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize

    def _remove(self, names: Collection[str]) -> None:
        rooms.remove(self._folder, names)


def _give_way(pid: int) -> None:
    """When memory runs out. Not before it is up: Chromium sets its own at the start."""
    Path(f"/proc/{pid}/oom_score_adj").write_text(str(OOM_SCORE_ADJ), encoding="ascii")


def main(folder: str) -> None:
    """The line is this process's input."""
    with socket.socket(fileno=os.dup(0)) as line:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.close(null)
        steward = Steward(line, Path(folder))
        try:
            steward.serve()
        finally:
            steward.end_all()


if __name__ == "__main__":
    main(sys.argv[1])
