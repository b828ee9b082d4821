"""The child that opens a foreign file: one `Job`, one `Reply`, then it ends. It is forked for that file alone (`nursery`).

Before it reads a byte it gives up what it does not need: memory beyond a bound, processor time, large files, priority, and whatever
lies beyond its `walls`. It dies with the agent, and so does what it starts.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import importlib
import os
import resource
import signal
import sys
import warnings
from dataclasses import replace
from pathlib import Path

from player.core.kinds import Kind
from player.errors import BoxError, ContentError, StorageError
from player.media import filetype
from player.media.prepare.parent import Job, Prepared, Refusal, Reply, encoded
from player.media.prepare.walls import stand_behind_walls

MIB = 1024 * 1024
_MEMORY = {
    Kind.IMAGE: 1024 * MIB, Kind.AUDIO: 1024 * MIB, Kind.PDF: 1024 * MIB, Kind.PACKAGE: 512 * MIB, Kind.VIDEO: 2048 * MIB,
}  # fmt: skip
_LARGEST_FILE = 300 * MIB
_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None, use_errno=True)


def load(kind: Kind) -> None:
    """What takes long to load and opens such files: read in before children are forked."""
    if kind is Kind.IMAGE:
        for name in ("drawings", "pictures"):
            importlib.import_module(f"player.media.prepare.{name}")


def answer(job: Job) -> None:
    """Gives up what is not needed, looks at the file, and writes the reply as a line on standard output."""
    missing = give_up(job)
    warnings.simplefilter("ignore")  # foreign pictures are full of small sins; what matters raises
    reply = _answered(job)
    sys.stdout.buffer.write(encoded(replace(reply, missing_walls=missing)))
    sys.stdout.buffer.flush()


def give_up(job: Job) -> tuple[str, ...]:
    """Everything that a decoder does not need. Returns which of its walls the kernel refuses, in words."""
    die_with_parent()
    with contextlib.suppress(PermissionError):  # the agent's unit refuses it, and gives the whole agent less time than the stage
        os.nice(10)
    limits = {
        resource.RLIMIT_AS: _memory(job.kind),
        resource.RLIMIT_CPU: job.cpu_s,
        resource.RLIMIT_FSIZE: _LARGEST_FILE,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 128,
    }
    for which, value in limits.items():
        resource.setrlimit(which, (value, value))
    folder = Path(job.folder)
    with contextlib.suppress(OSError):  # whoever writes there tells it
        folder.mkdir(parents=True, exist_ok=True)
    return stand_behind_walls(Path(job.source), folder)


def _memory(kind: Kind) -> int:
    """Address space in bytes; less for pictures on a small board: a refusal has to come before the kernel ends the agent."""
    most = _MEMORY.get(kind, 512 * MIB)
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return most if kind is Kind.VIDEO else max(384 * MIB, min(most, installed * 3 // 4))


def die_with_parent(by: signal.Signals = signal.SIGKILL) -> None:
    """This process gets that signal when the one that started it ends (prctl(2))."""
    _libc.prctl(_PR_SET_PDEATHSIG, by)


def _answered(job: Job) -> Reply:
    try:
        if job.archive is None:
            return Reply(prepared=_prepared(job))
        from player.media.prepare import archives

        archives.carry_out(job.archive, Path(job.source), Path(job.folder), job.name)
        return Reply()
    except ContentError as error:
        return Reply(refusal=Refusal("content", error.code, error.reason, error.transient))
    except StorageError as error:
        return Reply(refusal=Refusal("storage", error.code, error.reason))
    except BoxError as error:
        return Reply(refusal=Refusal("box", error.ability, error.reason))
    except MemoryError:
        return Reply(
            refusal=Refusal("content", "too_large", "opening it takes more memory than a box has to spare; make it smaller")
        )
    except OSError as error:
        disk = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
        whose, code = ("storage", "storage") if disk else ("content", "too_large" if error.errno == errno.EFBIG else "damaged")
        return Reply(refusal=Refusal(whose, code, f"it could not be prepared: {error.strerror or error}"))


def _prepared(job: Job) -> Prepared:
    source = Path(job.source)
    with source.open("rb") as file:
        kind = filetype.sniff(file.read(filetype.HEAD_BYTES))
        file.seek(0)
        digest = job.sha256 or hashlib.file_digest(file, "sha256").hexdigest()
    return _dispatched(job, source, kind, digest)


def _dispatched(job: Job, source: Path, kind: str, digest: str) -> Prepared:
    """Each kind of item to the one module that may open it, once the bytes are what the item says."""
    folder = Path(job.folder)
    match job.kind:
        case Kind.IMAGE:
            from player.media.prepare import drawings, pictures

            if kind == "svg":
                return drawings.prepare(source, job.name, folder, digest)
            expect(job.name, kind, filetype.PICTURES, "a picture")
            return pictures.prepare(source, kind, job.name, folder, job.panel, digest)
        case Kind.VIDEO:
            from player.media.prepare import videos

            expect(job.name, kind, filetype.VIDEOS, "a video")
            return videos.prepare(source, kind, job.name, digest, die_with_parent)
        case Kind.AUDIO:
            from player.media.prepare import sounds

            expect(job.name, kind, sounds.KINDS, "a sound file")
            return sounds.prepare(source, kind, job.name, folder, job.panel, digest, die_with_parent)
        case Kind.PACKAGE:
            from player.media.prepare import packages

            expect(job.name, kind, frozenset({"zip", "html"}), "a zip package")
            return packages.prepare(source, kind, job.name, folder, digest)
        case Kind.PDF:
            from player.media.prepare import documents

            expect(job.name, kind, frozenset({"pdf"}), "a PDF document")
            return documents.prepare(source, job.name, folder, job.panel, digest, job.cpu_s)
        case _:
            raise ContentError("wrong_type", job.name, f"items of the kind {job.kind} have no file", transient=False)


def expect(name: str, kind: str, allowed: frozenset[str], wanted: str) -> None:
    """Raises ContentError where the bytes are not of an allowed kind."""
    if kind in allowed:
        return
    if not kind:
        raise ContentError("unsupported", name, f"its bytes are {filetype.described(kind)}; {wanted} was expected", transient=False)
    raise ContentError(
        "wrong_type", name, f"the server calls it {wanted}, but its bytes are {filetype.described(kind)}", transient=False
    )
