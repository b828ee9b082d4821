"""What forks the children that open foreign files: `python -I -m player.media.prepare.nursery SECONDS`.

One `Job` a line in; for each a line out: how the child ended (as `subprocess` counts it), a space, and the first line that the
child wrote. This process loads what opens files and is never shown one; each child is a process of its own, in a session of its
own, of which nothing is left when its file is done. When nothing was asked for so many seconds it ends; when the agent does, it
ends as well, and so does the child that it has.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

import msgspec

from player.media.prepare import child
from player.media.prepare.children import LONGEST_LINE
from player.media.prepare.parent import Job

_MOST_OPEN = 64
Answer = Callable[[Job], None]  # looks at a file, and writes a line on standard output


class Nursery:
    """Has one child at a time, which does `answer`; ends when nothing was asked for `idle_s` seconds."""

    def __init__(self, answer: Answer, idle_s: float) -> None:
        self._answer, self._idle_s = answer, idle_s
        self._child = 0  # its process; 0 for none

    def serve(self) -> None:
        """Until nothing more is asked."""
        signal.signal(signal.SIGTERM, self._leave)
        child.die_with_parent(signal.SIGTERM)
        while select.select([sys.stdin], [], [], self._idle_s)[0] and (question := sys.stdin.buffer.readline()):
            job = msgspec.json.decode(question, type=Job)
            child.load(job.kind)
            status, line = self._raised(job)
            sys.stdout.buffer.write(b"%d %s\n" % (status, line))
            sys.stdout.buffer.flush()

    def _raised(self, job: Job) -> tuple[int, bytes]:
        """How a child that looked at the file ended, and what it said."""
        mine, its = os.pipe()
        self._child = os.fork()
        if not self._child:
            self._become_a_child(job, its)
        os.close(its)
        with os.fdopen(mine, "rb") as said:
            line = said.readline(LONGEST_LINE)
        os.waitid(os.P_PID, self._child, os.WEXITED | os.WNOWAIT)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child, signal.SIGKILL)  # what it started: its number is still taken
        _, ended = os.waitpid(self._child, 0)
        self._child = 0
        return os.waitstatus_to_exitcode(ended), line.removesuffix(b"\n") if line.endswith(b"\n") else b""

    def _leave(self, *_: object) -> NoReturn:
        if self._child:
            for end in (os.kill, os.killpg):
                with contextlib.suppress(ProcessLookupError):
                    end(self._child, signal.SIGKILL)
        os._exit(0)

    def _become_a_child(self, job: Job, out: int) -> NoReturn:
        """In the fork: it has a way to answer, and nothing else that is open here."""
        status = 1
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
            os.dup2(out, sys.stdout.fileno())
            os.closerange(sys.stderr.fileno() + 1, _MOST_OPEN)
            self._answer(job)
            status = 0
        finally:
            os._exit(status)


if __name__ == "__main__":
    Nursery(child.answer, float(sys.argv[1])).serve()
